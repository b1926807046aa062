package srp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/nescio-go/nescio/internal/seal"
)

// FinishLogin uses up the pending state, checks the final message, and returns
// the reply and the session key, 32 bytes. The record is what the store has
// now. FinishLogin returns [ErrAuthentication], [ErrState], [ErrMalformed], or
// the error of the [Replay] or of ctx.
func (s *Server) FinishLogin(ctx context.Context, id, record, pending, final []byte) (reply, key []byte, err error) {
	p, fake, err := s.open(ctx, id, pending)
	if err != nil {
		return nil, nil, err
	}
	defer p.clear()
	proof, ok := parseFinal(final, len(p.group.n), p.profile.spec().proofSize)
	if !ok {
		return nil, nil, ErrMalformed
	}
	m2, K, err := p.verify(p.profile.spec(), s.recordDigest(id, record), proof, fake)
	if err != nil {
		return nil, nil, err
	}
	defer clear(K)
	return encodeReply(m2), sessionKey(p.profile, K), nil
}

// Verify is [Server.FinishLogin] in typed form, with the key of
// [Login.Confirm].
func (s *Server) Verify(ctx context.Context, id, record, pending []byte, proof Proof) (m2, key []byte, err error) {
	p, fake, err := s.open(ctx, id, pending)
	if err != nil {
		return nil, nil, err
	}
	defer p.clear()
	return p.verify(p.profile.spec(), s.recordDigest(id, record), proof, fake)
}

func (s *Server) open(ctx context.Context, id, pending []byte) (*pendingLogin, int, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if len(id) == 0 || len(id) > MaxID {
		return nil, 0, ErrMalformed
	}
	state, err := s.box.Open(ctx, id, s.binding(), pending)
	if errors.Is(err, seal.ErrState) {
		return nil, 0, ErrState
	}
	if err != nil {
		return nil, 0, err
	}
	p, ok := parsePending(state.Body)
	if !ok {
		clear(state.Body)
		return nil, 0, ErrState // sealed by a version that kept something else
	}
	return p, state.Fake, nil
}

// verify is the server's half of the exchange. now is the digest of the record
// as it is now. A login of an unknown name does all of the work and fails at
// the end, for every proof.
func (p *pendingLogin) verify(s *spec, now [sha256.Size]byte, proof Proof, fake int) (m2, K []byte, err error) {
	g := p.group
	if len(proof.M1) != s.proofSize {
		return nil, nil, ErrMalformed
	}
	proof.A = s.fullLength(g, proof.A)
	A, err := s.publicValue(g, proof.A)
	if err != nil {
		return nil, nil, err
	}
	u, err := s.nonZeroScramble(proof.A, p.B)
	if err != nil {
		return nil, nil, err
	}
	v, err := s.decode(g, p.v)
	if err != nil {
		return nil, nil, ErrState
	}
	defer v.Clear()
	premaster := serverPremaster(g, A, v, u, p.b)
	defer premaster.Clear()
	S := s.encode(g, premaster)
	defer clear(S)

	t := &transcript{group: g, prefix: p.prefix, salt: p.salt, A: proof.A, B: p.B}
	K, M1, m2, err := s.proofs(t, S)
	if err != nil {
		return nil, nil, err
	}
	proved := subtle.ConstantTimeCompare(M1, proof.M1) & (1 - fake)
	unchanged := subtle.ConstantTimeCompare(now[:], p.recordDigest[:])
	if proved&unchanged == 1 {
		return m2, K, nil
	}
	clear(K)
	if proved == 1 {
		return nil, nil, ErrState
	}
	return nil, nil, ErrAuthentication
}
