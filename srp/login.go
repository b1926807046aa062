package srp

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"sync"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/kdf"
)

// Challenge is a server's side of a login in typed form, for callers that speak
// another wire than this package's: Proton's JSON, for example, has the same
// values in base64.
type Challenge struct {
	Profile Profile
	Group   UnverifiedGroup
	Salt    []byte
	KDF     kdf.Params `json:",omitzero"` // for Nescio, without a salt
	B       []byte     // |N| bytes in the profile's byte order
}

// Proof is a client's answer to a Challenge in typed form.
type Proof struct {
	A  []byte // |N| bytes in the profile's byte order
	M1 []byte // as long as the profile's hash: 20, 32 or 64 bytes, for HomeKit 64, for Proton 256
}

// Login is one login of a client. It goes once through [Login.Respond] and
// [Login.Finish], or in typed form through [Login.Answer] and [Login.Confirm]. A
// second call returns [ErrUsed]. Call [Login.Discard] on one that is given up;
// after a Finish or an error it does no harm.
//
// Concurrent calls are safe; all but one of them return ErrUsed. No lock is held
// while the client's policies are asked.
type Login struct {
	client *Client

	mu      sync.Mutex
	state   loginState
	secrets secret.Value[loginSecrets]
	profile Profile
	group   *Group
}

type loginSecrets struct {
	userInput
	m2  []byte // what the server must prove with
	key []byte // the protocol's K
}

type loginState int

const (
	loginOver loginState = iota // also of the zero Login
	loginBegun
	loginAnswering
	loginAnswered
)

// Login begins a login and returns it together with the request to send, a
// message of two bytes that is the same for everyone: the id that the server
// looks up travels beside it. It keeps a copy of the password until
// [Login.Respond], [Login.Answer] or [Login.Discard]. It returns [ErrPolicy] for
// a password or an identity of a length that [Client.Register] refuses.
func (c *Client) Login(identity, password []byte) (login *Login, request []byte, err error) {
	typed, err := newUserInput(identity, password)
	if err != nil {
		return nil, nil, err
	}
	return &Login{client: c, state: loginBegun, secrets: secret.New(loginSecrets{userInput: typed.Get().take()})}, newRequest(), nil
}

// Respond answers the server's response with the final message of the client. It
// is where the password is used, and cleared: x by the profile's password hash,
// then S and the proof M1.
//
// Before it touches the password it returns [ErrMalformed] for a response that no
// server sends, and [ErrPolicy] for a profile, a group or KDF parameters that the
// client does not allow, or for a group that is not what it seems. It looks at
// ctx before it starts, while it waits for the first proof of a modulus, and
// before the password's hash, not during it: that is nine tenths of the whole
// with Nescio's Argon2id and Proton's bcrypt, some 80 ms. After an error the
// login is over.
func (l *Login) Respond(ctx context.Context, response []byte) (final []byte, err error) {
	p, err := l.answer(ctx, func() (Challenge, bool) { return parseResponse(response) })
	if err != nil {
		return nil, err
	}
	return encodeFinal(p), nil
}

// Answer is [Login.Respond] in typed form.
func (l *Login) Answer(ctx context.Context, c Challenge) (Proof, error) {
	return l.answer(ctx, func() (Challenge, bool) { return c, true })
}

func (l *Login) answer(ctx context.Context, challenge func() (Challenge, bool)) (Proof, error) {
	typed, err := l.take()
	if err != nil {
		return Proof{}, err
	}
	defer typed.clear()
	c, ok := challenge()
	if !ok {
		l.end()
		return Proof{}, ErrMalformed
	}
	a, err := l.client.answer(ctx, c, typed)
	if err != nil {
		l.end()
		return Proof{}, err
	}
	if err := l.keep(c, a); err != nil {
		return Proof{}, err
	}
	return a.proof, nil
}

// take returns what the user typed once.
func (l *Login) take() (userInput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != loginBegun {
		return userInput{}, ErrUsed
	}
	l.state = loginAnswering
	return l.secrets.Get().take(), nil
}

// keep keeps what the reply is checked with, unless the login was discarded in
// the meantime.
func (l *Login) keep(c Challenge, a *answer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != loginAnswering {
		clear(a.key)
		return ErrUsed
	}
	l.state = loginAnswered
	s := l.secrets.Get()
	s.m2, s.key = a.m2, a.key
	l.profile = c.Profile
	l.group = &Group{params: a.group, certificate: bytes.Clone(c.Group.Certificate)}
	return nil
}

func (l *Login) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = loginOver
}

// Finish checks the server's reply and returns the session key, 32 bytes, the
// same that [Server.FinishLogin] returned. Only now is it certain that the server
// knows the verifier. It returns [ErrAuthentication] if the server does not, or
// if the reply was altered, and [ErrMalformed] for a reply that no server sends.
// In both cases the login is over.
func (l *Login) Finish(reply []byte) (key []byte, err error) {
	K, p, err := l.confirm(parseReply(reply))
	if err != nil {
		return nil, err
	}
	defer clear(K)
	return sessionKey(p, K), nil
}

// Confirm is [Login.Finish] in typed form. M2 is as long as the profile's hash,
// 20, 32 or 64 bytes, for Proton 256. Confirm returns the protocol's own key: S
// in its 256 bytes for Proton, K = H(S), as long as the hash, for the others.
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
	s := l.secrets.Get()
	K, p = s.key, l.profile
	s.key = nil
	switch {
	case !wellFormed:
		clear(K)
		return nil, Profile{}, ErrMalformed
	case subtle.ConstantTimeCompare(m2, s.m2) != 1:
		clear(K)
		return nil, Profile{}, ErrAuthentication
	}
	return K, p, nil
}

// Group returns the group that the login ran in, once Respond or Answer has
// verified it, so that a device can keep its Digest. Before that it returns nil.
func (l *Login) Group() *Group {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.group
}

// Discard ends the login and clears what it holds. A Respond or Answer that is
// under way then returns [ErrUsed].
func (l *Login) Discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = loginOver
	s := l.secrets.Get()
	s.userInput.clear()
	clear(s.key)
	s.key = nil
}

// Format writes a placeholder, for every verb.
func (l *Login) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Login(redacted)") }

// MarshalJSON writes a placeholder.
func (l *Login) MarshalJSON() ([]byte, error) { return []byte(`"srp.Login(redacted)"`), nil }
