package srp

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/nescio-go/nescio/internal/seal"
	"golang.org/x/crypto/cryptobyte"
)

// Finish checks the client's final message against the pending state of its
// login, and returns the reply to send and the session key, 32 bytes, the same
// that the client's Finish will return.
//
// The id is the one that Begin had, as the web session that asks knows it, so
// that nobody can finish somebody else's login: another id is ErrState and does
// not spend the state. Finish spends it before it looks at the message: a wrong
// proof burns it, and every further try needs a Begin.
//
// It returns ErrAuthentication for a wrong password and for an unknown user
// alike, ErrState for state that is missing or cannot be used, ErrMalformed for
// a message that no client sends, or the error of the shared Replay or of ctx.
func (s *Server) Finish(ctx context.Context, id, pending, final []byte) (reply, key []byte, err error) {
	p, fake, err := s.open(ctx, id, pending)
	if err != nil {
		return nil, nil, err
	}
	defer p.clear()
	proof, ok := parseFinal(final, len(p.n), p.profile.scheme().proofSize())
	if !ok {
		return nil, nil, ErrMalformed
	}
	m2, K, err := p.verify(p.profile.scheme(), proof, fake)
	if err != nil {
		return nil, nil, err
	}
	defer clear(K)
	key, err = sessionKey(p.profile, K)
	if err != nil {
		return nil, nil, err
	}
	return encodeReply(m2), key, nil
}

// Verify is Finish in typed form. It returns M2 for the client, as long as the
// profile's hash, for Proton 256 bytes, and the protocol's own key: S in its 256
// bytes for Proton, K = H(S), as long as the hash, for the others.
func (s *Server) Verify(ctx context.Context, id, pending []byte, proof Proof) (m2, key []byte, err error) {
	p, fake, err := s.open(ctx, id, pending)
	if err != nil {
		return nil, nil, err
	}
	defer p.clear()
	return p.verify(p.profile.scheme(), proof, fake)
}

func (s *Server) open(ctx context.Context, id, pending []byte) (*pendingLogin, int, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	state, err := s.box.Open(ctx, id, s.bound(), pending)
	if errors.Is(err, seal.ErrState) {
		return nil, 0, ErrState
	}
	if err != nil {
		return nil, 0, err
	}
	p, ok := parsePending(state.Body)
	if !ok {
		return nil, 0, ErrState // sealed by a version that kept something else
	}
	return p, state.Fake, nil
}

// pendingLogin is what a server remembers of a login between its two messages.
type pendingLogin struct {
	profile Profile
	n       []byte
	g       int
	prefix  []byte
	salt    []byte
	v       []byte // in the profile's order, like B
	b       []byte
	B       []byte

	domain *domain
}

func (p *pendingLogin) bytes() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 4<<10))
	b.AddUint8(p.profile.id)
	addGroup(b, GroupRef{N: p.n, G: p.g})
	addBytes8(b, p.prefix)
	addBytes8(b, p.salt)
	addBytes8(b, p.b)
	b.AddBytes(p.v)
	b.AddBytes(p.B)
	return b.Bytes()
}

func parsePending(body []byte) (*pendingLogin, bool) {
	s := cryptobyte.String(body)
	p := new(pendingLogin)
	var ok bool
	if p.profile, ok = readProfile(&s); !ok {
		return nil, false
	}
	g, d, ok := readGroup(&s)
	if !ok || len(g.Credential) != 0 {
		return nil, false
	}
	var prefix, salt, b cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&prefix) || !s.ReadUint8LengthPrefixed(&salt) ||
		!s.ReadUint8LengthPrefixed(&b) || len(s) != 2*len(g.N) {
		return nil, false
	}
	p.n, p.g, p.domain = g.N, g.G, d
	p.prefix, p.salt, p.b = prefix, salt, b
	p.v, p.B = s[:len(g.N)], s[len(g.N):]
	return p, true
}

func (p *pendingLogin) clear() {
	clear(p.v)
	clear(p.b)
}

// verify is the server's half of the exchange. A fake login goes through all
// of it and fails at the end, whatever its proof.
func (p *pendingLogin) verify(s scheme, proof Proof, fake int) (m2, K []byte, err error) {
	d := p.domain
	if len(proof.M1) != s.proofSize() {
		return nil, nil, ErrMalformed
	}
	proof.A = s.fullLength(d, proof.A)
	A, err := publicValue(s, d, proof.A)
	if err != nil {
		return nil, nil, err
	}
	u, err := scramble(s, proof.A, p.B)
	if err != nil {
		return nil, nil, err
	}
	v, err := decode(s, d, p.v)
	if err != nil {
		return nil, nil, ErrState
	}
	defer v.Clear()
	premaster := serverPremaster(d, A, v, u, p.b)
	defer premaster.Clear()
	S := encode(s, d, premaster)
	defer clear(S)

	t := &transcript{domain: d, prefix: p.prefix, salt: p.salt, A: proof.A, B: p.B}
	K, M1, m2, err := s.proofs(t, S)
	if err != nil {
		return nil, nil, err
	}
	if subtle.ConstantTimeCompare(M1, proof.M1)&(1-fake) != 1 {
		clear(K)
		return nil, nil, ErrAuthentication
	}
	return m2, K, nil
}
