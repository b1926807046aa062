package opaque

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/secret"
)

// Login is one login of a client. Call [Login.Discard] in the end.
type Login struct {
	client *Client
	oneTime
	flags   byte // of the reply
	secrets secret.Value[loginSecrets]
}

type loginSecrets struct {
	identity []byte
	password []byte
	blind    []byte
	private  []byte // client_private_keyshare
	ke1      []byte
	loginKeys
}

// loginKeys are the results of Respond.
type loginKeys struct {
	session []byte // session_key
	registered
}

func (k *loginKeys) clear() {
	clear(k.session)
	k.session = nil
	k.registered.clear()
}

// Login begins a login, with the identity of the registration.
func (c *Client) Login(identity, password []byte) (login *Login, request []byte, err error) {
	if err := checkLengths(identity, password); err != nil {
		return nil, nil, err
	}
	s := c.suite.definition()
	in := loginSecrets{
		identity: bytes.Clone(identity),
		password: bytes.Clone(password),
		private:  make([]byte, s.nsk),
		ke1:      make([]byte, s.ke1Size()),
	}
	blind, blinded, err := c.blindPassword(password)
	if err != nil {
		return nil, nil, err
	}
	in.blind = blind
	m := splitKE1(s, in.ke1)
	copy(m.blinded, blinded)
	c.random(s, clientNonce, m.clientNonce)

	seed := make([]byte, nseed)
	defer clear(seed)
	c.random(s, clientKeyshareSeed, seed)
	h := s.oprf.NewHash()
	defer h.Clear()
	if err := s.ake.deriveKeyPair(h, in.private, seed); err != nil {
		return nil, nil, err
	}
	if err := s.ake.multiply(oprf.Term{Out: m.clientKeyshare, Scalar: in.private}); err != nil {
		return nil, nil, err
	}
	login = &Login{client: c, oneTime: oneTime{stage: begun}, secrets: secret.New(in)}
	return login, c.wire.frameRequest(c.suite, bytes.Clone(in.ke1)), nil
}

// Respond returns the final message. Before it uses the password, it returns
// [ErrMalformed] or [ErrPolicy], later [ErrAuthentication].
func (l *Login) Respond(ctx context.Context, response []byte) (final []byte, err error) {
	if err := l.start(); err != nil {
		return nil, err
	}
	final, keys, err := l.respond(ctx, response)
	if err := l.settle(err, answered, func() { l.secrets.Get().loginKeys = keys }); err != nil {
		keys.clear()
		return nil, err
	}
	return final, nil
}

// Finish returns the session key, 32 bytes. Only now is it certain that the
// server accepted the login. On [WireRFC9807] pass nil, which proves
// nothing, and get the RFC's session_key. A wrong reply returns
// [ErrAuthentication] or [ErrMalformed].
func (l *Login) Finish(reply []byte) (key []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stage != answered {
		return nil, ErrUsed
	}
	l.stage = over
	in := l.secrets.Get()
	defer func() {
		clear(in.session)
		in.session = nil
		if err != nil {
			in.loginKeys.clear()
		}
	}()
	switch {
	case l.client.wire == WireFramed:
		if l.flags, err = checkReply(in.session, reply); err != nil {
			return nil, err
		}
	case len(reply) > 0:
		return nil, ErrMalformed
	}
	l.stage = finished
	return l.client.wire.sessionKey(l.client.suite, in.session), nil
}

// ExportKey returns the key of [Registration.ExportKey], after [Login.Finish].
func (l *Login) ExportKey() ([]byte, error) {
	return l.result(func() []byte { return bytes.Clone(l.secrets.Get().export) })
}

// Record returns the value of [Registration.Record], after [Login.Finish].
func (l *Login) Record() ([]byte, error) {
	return l.result(func() []byte { return bytes.Clone(l.secrets.Get().raw) })
}

// NeedsRegistration reports after [Login.Finish] whether to register again:
// see [Migration].
func (l *Login) NeedsRegistration() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stage == finished && l.flags&flagRegister != 0
}

// Discard clears the secrets. A running [Login.Respond] returns [ErrUsed].
func (l *Login) Discard() { l.discard(l.secrets.Get().clear) }

func (in *loginSecrets) clear() {
	in.clearInputs()
	in.loginKeys.clear()
}

func (in *loginSecrets) clearInputs() {
	clear(in.password)
	clear(in.blind)
	clear(in.private)
	in.password, in.blind, in.private = nil, nil, nil
}

// Format redacts it.
func (l *Login) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Login(redacted)") }

// MarshalJSON redacts it.
func (l *Login) MarshalJSON() ([]byte, error) { return []byte(`"opaque.Login(redacted)"`), nil }
