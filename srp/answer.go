package srp

import (
	"context"

	"github.com/nescio-go/nescio/internal/modexp"
	"github.com/nescio-go/nescio/internal/safeprime"
)

// answer is a client's answer to a challenge, with the values that check the
// reply.
type answer struct {
	proof   Proof
	m2, key []byte
	group   *groupParams // proved
}

// answer does the client's half of a login. It refuses what the client does not
// allow before it uses the password.
func (c *Client) answer(ctx context.Context, ch Challenge, typed userInput) (*answer, error) {
	g, err := c.allowedGroup(ctx, ch.Profile, ch.Group)
	if err != nil {
		return nil, err
	}
	s := ch.Profile.spec()
	if !s.allowsChallengeSalt(len(ch.Salt)) || !s.allowsKDF(ch.KDF) {
		return nil, ErrMalformed
	}
	f, err := c.allowedKDF(ch.KDF, ch.Salt)
	if err != nil {
		return nil, err
	}
	e, err := c.newExchange(s, g, typed.identity, ch)
	if err != nil {
		return nil, err
	}
	defer clear(e.a)
	if err := g.prove(ctx, safeprime.ProveOrTrust); err != nil {
		return nil, err
	}
	x, err := s.privateKey(ctx, g, f, typed.identity, typed.password, ch.Salt)
	if err != nil {
		return nil, err
	}
	defer clear(x)
	K, M1, M2, err := e.proofs(x)
	if err != nil {
		return nil, err
	}
	return &answer{proof: Proof{A: e.t.A, M1: M1}, m2: M2, key: K, group: g}, nil
}

// clientExchange is the client's half of a login before the password.
type clientExchange struct {
	spec *spec
	t    *transcript
	k, B *modexp.Int
	a, u []byte
}

// newExchange checks B and draws A. The group may still be unproved, because
// the exchange does not depend on the password yet.
func (c *Client) newExchange(s *spec, g *groupParams, I []byte, ch Challenge) (e *clientExchange, err error) {
	e = &clientExchange{spec: s}
	ch.B = s.fullLength(g, ch.B)
	if e.B, err = s.publicValue(g, ch.B); err != nil {
		return nil, err
	}
	if e.k, err = s.reducedMultiplier(g); err != nil {
		return nil, err
	}
	prefix, err := s.prefix(g, &parties{I: I, server: c.server, context: c.context, salt: ch.Salt, kdf: ch.KDF})
	if err != nil {
		return nil, err
	}
	var A []byte
	e.a = c.exponent(g.exponentSize(), func(a []byte) bool {
		A = s.encode(g, clientPublic(g, a))
		return s.maySend(A)
	})
	e.t = &transcript{group: g, prefix: prefix, salt: ch.Salt, A: A, B: ch.B}
	if e.u, err = s.nonZeroScramble(e.t.A, e.t.B); err != nil {
		return nil, err
	}
	return e, nil
}

// proofs returns K, M1 and M2 for the private key x.
func (e *clientExchange) proofs(x []byte) (K, M1, M2 []byte, err error) {
	g := e.t.group
	premaster, err := clientPremaster(g, e.k, e.B, e.a, e.u, x)
	if err != nil {
		return nil, nil, nil, err
	}
	defer premaster.Clear()
	S := e.spec.encode(g, premaster)
	defer clear(S)
	return e.spec.proofs(e.t, S)
}
