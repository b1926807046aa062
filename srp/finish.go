package srp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/nescio-go/nescio/internal/seal"
)

// FinishLogin checks the client's final message against the pending state of its
// login. It returns the reply to send and the session key, 32 bytes, the same
// that the client's Finish will return.
//
// The id is the one that BeginLogin had, as the web session that asks knows it,
// so that nobody can finish somebody else's login: another id returns
// [ErrState] and does not spend the state. The record is what the store has now.
// If it is not the record that BeginLogin had, byte for byte, the login does not
// succeed: an old password cannot finish a login after it was changed, and a
// deleted account, whose record is empty now, gets no session. Insert the
// session in a transaction that compares the record once more.
//
// FinishLogin spends the state before it looks at the message: a wrong proof
// burns it, and every further try needs a BeginLogin. It then does the same work
// for known and unknown names.
//
// It returns [ErrAuthentication] for a wrong password and for an unknown user
// alike, [ErrState] for state that is missing or cannot be used and for a right
// proof with another record, [ErrMalformed] for a message that no client sends
// and for an id of invalid length, or the error of the shared [Replay] or of ctx.
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

// Verify is [Server.FinishLogin] in typed form. It returns M2 for the client, as
// long as the profile's hash, for Proton 256 bytes, and the protocol's own key:
// S in its 256 bytes for Proton, K = H(S), as long as the hash, for the others.
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

// verify is the server's half of the exchange, with the digest of the record as it
// is now. A fake login goes through all of it and fails at the end, for every
// proof.
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
