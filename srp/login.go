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

// Challenge is a typed response.
type Challenge struct {
	Profile Profile
	Group   UnverifiedGroup
	Salt    []byte
	KDF     kdf.Params `json:",omitzero"` // for Nescio, without a salt
	B       []byte     // |N| bytes
}

// Proof is a typed final message.
type Proof struct {
	A  []byte // |N| bytes
	M1 []byte // as long as the profile's hash
}

// Login is one login. A second use returns [ErrUsed].
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

// Login begins a login. Its errors are as in [Client.Register]. It keeps the
// password until [Login.Respond] or [Login.Discard].
func (c *Client) Login(identity, password []byte) (login *Login, request []byte, err error) {
	typed, err := newUserInput(identity, password)
	if err != nil {
		return nil, nil, err
	}
	return &Login{client: c, state: loginBegun, secrets: secret.New(loginSecrets{userInput: typed.Get().take()})}, newRequest(), nil
}

// Respond returns the final message. Its errors are as in
// [Registration.Finish].
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

// take returns what the user typed, once.
func (l *Login) take() (userInput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != loginBegun {
		return userInput{}, ErrUsed
	}
	l.state = loginAnswering
	return l.secrets.Get().take(), nil
}

// keep stores what the reply is checked with. It returns ErrUsed if the login
// was discarded meanwhile.
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

// Finish checks the reply and returns the session key, 32 bytes. It returns
// [ErrAuthentication] if the server does not know the verifier, or
// [ErrMalformed].
func (l *Login) Finish(reply []byte) (key []byte, err error) {
	K, p, err := l.confirm(parseReply(reply))
	if err != nil {
		return nil, err
	}
	defer clear(K)
	return sessionKey(p, K), nil
}

// Confirm is [Login.Finish] in typed form. It returns the protocol's own key: S
// for Proton, otherwise K.
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

// Group returns the group, or nil before [Login.Respond].
func (l *Login) Group() *Group {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.group
}

// Discard ends and clears the login.
func (l *Login) Discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = loginOver
	s := l.secrets.Get()
	s.userInput.clear()
	clear(s.key)
	s.key = nil
}

// Format redacts l.
func (l *Login) Format(f fmt.State, _ rune) { io.WriteString(f, "srp.Login(redacted)") }

// MarshalJSON redacts l.
func (l *Login) MarshalJSON() ([]byte, error) { return []byte(`"srp.Login(redacted)"`), nil }
