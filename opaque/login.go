package opaque

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/secret"
)

// Login is one login of a client. Call [Login.Respond] and [Login.Finish] once
// each, in this order, and [Login.Discard] when the login is no longer needed.
// [Login.Discard] also ends [Login.ExportKey] and [Login.Record]. Concurrent
// calls are safe. All but one of them return [ErrUsed]. It redacts itself.
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

// Login begins a login. It returns the login and the request to send, KE1. The
// account's id travels beside the request. The Login keeps a copy of the
// password until [Login.Respond] or [Login.Discard]. The identity is the same
// as at [Client.Register]. Login returns [ErrPolicy] for a password or an
// identity that Register refuses.
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

// Respond answers the server's response with the client's final message, KE3.
// It uses the password and clears it.
//
// Before it uses the password it returns [ErrMalformed] for an invalid
// response, and [ErrPolicy] for KSF parameters that the client does not allow.
// Any later failure returns [ErrAuthentication], except errors of the KSF or of
// ctx: a wrong password, an unknown user, another server than at the
// registration, or a server whose public key is not in ServerPublicKeys of
// [ClientConfig]. Respond checks ctx first and passes it to the KSF, which
// takes nearly all of the time. After an error the login is over, and nothing
// secret is left of it.
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

// Finish checks the server's reply and returns the session key, which is the
// one that [Server.FinishLogin] returned: 32 bytes. Only now is it certain that
// the server accepted the login. On [WireRFC9807] there is no reply and no such
// certainty. Pass nil there. The key is then the RFC's session_key of 64 bytes,
// for [P256] of 32. Finish returns [ErrAuthentication] for a reply that was
// altered, [ErrMalformed] for an invalid one, and [ErrUsed] before
// [Login.Respond] has succeeded or a second time. After an error the login is
// over.
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

// ExportKey returns a copy of the export key, 64 bytes, for [P256] 32: the same
// as [Registration.ExportKey]. Before [Login.Finish] has succeeded, and after
// [Login.Discard], it returns [ErrUsed].
func (l *Login) ExportKey() ([]byte, error) {
	return l.result(func() []byte { return bytes.Clone(l.secrets.Get().export) })
}

// Record returns a copy of RFC 9807's RegistrationRecord, the same as
// [Registration.Record]. The login computes it from what it opened. Before
// [Login.Finish] has succeeded, and after [Login.Discard], it returns
// [ErrUsed].
func (l *Login) Record() ([]byte, error) {
	return l.result(func() []byte { return bytes.Clone(l.secrets.Get().raw) })
}

// NeedsRegistration reports whether the server wants the account to register
// again, because the server has replaced its setup or its KSF. It is false
// before [Login.Finish] has succeeded, after [Login.Discard], and always on
// [WireRFC9807]. The user need not notice: register with the password at hand,
// inside the session, and protect the messages with a [Migration]. If the new
// setup has another suite, this takes a [Client] of that suite.
func (l *Login) NeedsRegistration() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stage == finished && l.flags&flagRegister != 0
}

// Discard ends the login and clears what it holds. It may be called at any
// time. If [Login.Respond] is running, it clears what it works on and returns
// [ErrUsed].
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

// Format writes a placeholder for every verb.
func (l *Login) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Login(redacted)") }

// MarshalJSON writes a placeholder, for logs.
func (l *Login) MarshalJSON() ([]byte, error) { return []byte(`"opaque.Login(redacted)"`), nil }
