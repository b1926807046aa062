package srp

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"sync"

	"github.com/nescio-go/nescio/internal/modexp"
	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/kdf"
)

// Challenge is a server's side of a login in typed form, for those who speak
// another wire than this package's: Proton's JSON, for example, has the same
// values in base64.
type Challenge struct {
	Profile Profile
	Group   GroupRef
	Salt    []byte
	KDF     kdf.Params `json:",omitzero"` // for Nescio, without a salt
	B       []byte     // |N| bytes in the profile's byte order
}

// Proof is a client's answer to a Challenge in typed form.
type Proof struct {
	A  []byte // |N| bytes in the profile's byte order
	M1 []byte // as long as the profile's hash: 20, 32 or 64 bytes, for HomeKit 64, for Proton 256
}

// Login is one login of a client. It goes through [Login.Respond] and
// [Login.Finish], or in typed form through [Login.Answer] and [Login.Confirm],
// once: a second call is ErrUsed. Call [Login.Discard] on one that is given up;
// after a Finish or an error it does no harm.
//
// Concurrent calls are safe; all but one of them return ErrUsed.
type Login struct {
	client *Client

	mu       sync.Mutex
	state    loginState
	identity []byte
	password []byte
	profile  Profile
	group    *Group
	m2       []byte // what the server must prove with
	key      []byte // the protocol's K
}

type loginState int

const (
	loginBegun loginState = iota
	loginAnswered
	loginOver
)

// Respond answers the server's response with the final message of the client.
// It is where the password is used, and cleared: x by the profile's password
// hash, then S and the proof M1.
//
// Before it touches the password it returns ErrMalformed for a response that
// no server sends, and ErrPolicy for a profile, a group or KDF parameters that
// the client does not allow, or for a group that is not what it seems. It looks
// at ctx before it starts, while it waits for the first proof of a modulus, and
// before the password's hash, not during it: that is nine tenths of the whole
// with Nescio's Argon2id and Proton's bcrypt, some 80 ms. After an error the
// login is over.
func (l *Login) Respond(ctx context.Context, response []byte) (final []byte, err error) {
	p, err := l.answer(ctx, func() (Challenge, bool) { return parseResponse(response) }, randomExponent)
	if err != nil {
		return nil, err
	}
	return encodeFinal(p), nil
}

// Answer is Respond in typed form.
func (l *Login) Answer(ctx context.Context, c Challenge) (Proof, error) {
	return l.answer(ctx, func() (Challenge, bool) { return c, true }, randomExponent)
}

func (l *Login) answer(ctx context.Context, challenge func() (Challenge, bool), ephemeral func(size int) []byte) (Proof, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != loginBegun {
		return Proof{}, ErrUsed
	}
	l.state = loginOver
	defer l.clearPassword()

	c, ok := challenge()
	if !ok {
		return Proof{}, ErrMalformed
	}
	d, err := l.client.allowedDomain(ctx, c.Profile, c.Group)
	if err != nil {
		return Proof{}, err
	}
	if s := c.Profile.scheme(); !s.acceptsSalt(len(c.Salt)) || !s.acceptsKDF(c.KDF) {
		return Proof{}, ErrMalformed
	}
	f, err := l.client.allowedKDF(c.KDF, c.Salt)
	if err != nil {
		return Proof{}, err
	}
	e, err := l.client.newExchange(c.Profile.scheme(), d, l.identity, c, ephemeral)
	if err != nil {
		return Proof{}, err
	}
	defer clear(e.a)
	if err := d.prove(ctx, safeprime.ProveOrTrust); err != nil {
		return Proof{}, err
	}
	x, err := e.scheme.privateKey(ctx, d, f, l.identity, l.password, c.Salt)
	if err != nil {
		return Proof{}, err
	}
	defer clear(x)
	K, M1, M2, err := e.proofs(x)
	if err != nil {
		return Proof{}, err
	}
	l.m2, l.key = M2, K
	l.profile = c.Profile
	l.group = &Group{d: d, credential: bytes.Clone(c.Group.Credential)}
	l.state = loginAnswered
	return Proof{A: e.t.A, M1: M1}, nil
}

// clientExchange is the client's half of a login before the password.
type clientExchange struct {
	scheme scheme
	t      *transcript
	k, B   *modexp.Int
	a, u   []byte
}

// newExchange checks B and draws A. The group may still be unproved: nothing of
// the password is in it.
func (c *Client) newExchange(s scheme, d *domain, I []byte, ch Challenge, ephemeral func(size int) []byte) (e *clientExchange, err error) {
	e = &clientExchange{scheme: s}
	ch.B = s.fullLength(d, ch.B)
	if e.B, err = publicValue(s, d, ch.B); err != nil {
		return nil, err
	}
	if e.k, err = multiplier(s, d); err != nil {
		return nil, err
	}
	prefix, err := s.prefix(d, &parties{I: I, server: c.server, context: c.context, salt: ch.Salt, kdf: ch.KDF})
	if err != nil {
		return nil, err
	}
	e.a = ephemeral(d.exponentSize())
	e.t = &transcript{
		domain: d,
		prefix: prefix,
		salt:   ch.Salt,
		A:      encode(s, d, clientPublic(d, e.a)),
		B:      ch.B,
	}
	if e.u, err = scramble(s, e.t.A, e.t.B); err != nil {
		return nil, err
	}
	return e, nil
}

// proofs returns K, M1 and M2 for the private key x.
func (e *clientExchange) proofs(x []byte) (K, M1, M2 []byte, err error) {
	premaster, err := clientPremaster(e.t.domain, e.k, e.B, e.a, e.u, x)
	if err != nil {
		return nil, nil, nil, err
	}
	defer premaster.Clear()
	S := encode(e.scheme, e.t.domain, premaster)
	defer clear(S)
	return e.scheme.proofs(e.t, S)
}

// Finish checks the server's reply and returns the session key, 32 bytes, the
// same that the server's Finish returned. Only now is it certain that the
// server knows the verifier. ErrAuthentication means that it does not, or that
// the reply was altered; ErrMalformed that it is no reply. Either way the login
// is over.
func (l *Login) Finish(reply []byte) (key []byte, err error) {
	K, p, err := l.confirm(parseReply(reply))
	if err != nil {
		return nil, err
	}
	defer clear(K)
	return sessionKey(p, K)
}

// Confirm is Finish in typed form: M2 is as long as the profile's hash, 20, 32
// or 64 bytes, for Proton 256. It returns the protocol's own key: S in its 256
// bytes for Proton, K = H(S), as long as the hash, for the others.
func (l *Login) Confirm(m2 []byte) (key []byte, err error) {
	K, _, err := l.confirm(m2, true)
	return K, err
}

func (l *Login) confirm(m2 []byte, wellFormed bool) (K []byte, p Profile, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != loginAnswered {
		return nil, Profile{}, ErrUsed
	}
	l.state = loginOver
	K, p = l.key, l.profile
	l.key = nil
	switch {
	case !wellFormed:
		clear(K)
		return nil, Profile{}, ErrMalformed
	case subtle.ConstantTimeCompare(m2, l.m2) != 1:
		clear(K)
		return nil, Profile{}, ErrAuthentication
	}
	return K, p, nil
}

// Group returns the group that the login ran in, once Respond or Answer has
// verified it, so that a device can keep its Digest; before that, nil.
func (l *Login) Group() *Group {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.group
}

// Discard clears what the login holds and ends it.
func (l *Login) Discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = loginOver
	l.clearPassword()
	clear(l.key)
	l.key = nil
}

func (l *Login) clearPassword() {
	clear(l.password)
	l.password = nil
}

// Format writes a placeholder, whatever the verb.
func (l *Login) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Login(redacted)") }
