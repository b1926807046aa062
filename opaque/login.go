package opaque

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"sync"

	"github.com/nescio-go/nescio/internal/oprf"
)

// Login is one login of a client. It goes through [Login.Respond] and
// [Login.Finish] once: a second call is ErrUsed. Call [Login.Discard] on one that
// is given up; after an error it does no harm, and after Finish it ends ExportKey
// too.
//
// Concurrent calls are safe; all but one of them return ErrUsed.
type Login struct {
	client *Client

	mu       sync.Mutex
	state    loginState
	identity []byte
	password []byte
	blind    []byte
	private  []byte // client_private_keyshare
	ke1      []byte
	session  []byte // session_key
	export   []byte // export_key
	flags    byte   // of the reply
}

type loginState int

const (
	loginBegun loginState = iota
	loginAnswered
	loginFinished
	loginOver
)

// Login begins a login and returns it together with the request to send, KE1:
// the id that the server looks up travels beside it. It keeps a copy of the
// password until [Login.Respond] or [Login.Discard]. The identity is the one that
// Register had. It returns ErrPolicy for a password or an identity of a length
// that Register refuses.
func (c *Client) Login(identity, password []byte) (login *Login, request []byte, err error) {
	return c.login(identity, password, drawRandom)
}

func (c *Client) login(identity, password []byte, draw draw) (*Login, []byte, error) {
	if err := checkLengths(identity, password); err != nil {
		return nil, nil, err
	}
	s := c.suite.of()
	l := &Login{client: c, identity: bytes.Clone(identity), password: bytes.Clone(password), private: make([]byte, s.nsk)}
	scalar, blinded, err := s.blindPassword(password, draw)
	if err != nil {
		return nil, nil, err
	}
	l.blind = scalar
	l.ke1 = make([]byte, s.ke1Size())
	m := splitKE1(s, l.ke1)
	copy(m.blinded, blinded)
	draw(s, clientNonce, m.clientNonce)

	seed := make([]byte, nseed)
	defer clear(seed)
	draw(s, clientKeyshareSeed, seed)
	h := s.oprf.NewHash()
	defer h.Clear()
	if err := s.ake.deriveKeyPair(h, l.private, seed); err != nil {
		return nil, nil, err
	}
	if err := s.ake.multiply(oprf.Term{Out: m.clientKeyshare, Scalar: l.private}); err != nil {
		return nil, nil, err
	}
	return l, c.wire.frameRequest(c.suite, bytes.Clone(l.ke1)), nil
}

// Respond answers the server's response with the final message of the client,
// KE3. It is where the password is used, and cleared.
//
// Before it touches the password it returns ErrMalformed for a response that no
// server sends, and ErrPolicy for KSF parameters that the client does not allow.
// Everything after that, but errors of the KSF and of ctx, is ErrAuthentication: a wrong password, an unknown user, a
// server that is not the one of the registration, or not one of
// ClientConfig.ServerPublicKeys. It looks at ctx before it starts and hands it to
// the KSF, which takes nearly all of the time. After an error the login is over,
// and nothing secret is left of it.
func (l *Login) Respond(ctx context.Context, response []byte) (final []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != loginBegun {
		return nil, ErrUsed
	}
	l.state = loginOver
	defer l.clearInputs()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, s := l.client, l.client.suite.of()
	head, message, ok := c.parseResponse(response, s.ke2Size())
	if !ok {
		return nil, ErrMalformed
	}
	run := &answerRun{login: l, suite: s, hash: s.oprf.NewHash(), ke2: splitKE2(s, message)}
	defer run.clear()
	if err := run.checkElements(); err != nil {
		return nil, err
	}
	f, err := c.ksf(head)
	if err != nil {
		return nil, err
	}
	var prefix []byte
	if c.wire == Framed {
		prefix = contextPrefix(head.encoded, c.context)
		final = []byte{kind, version}
	}
	if err := run.recover(ctx, f); err != nil {
		return nil, err
	}
	if err := run.exchange(transcriptContext{prefix, c.context}); err != nil {
		return nil, err
	}
	l.session = bytes.Clone(run.keys.session[:s.nh])
	l.export = bytes.Clone(run.envelope.export[:s.nh])
	l.state = loginAnswered
	return append(final, run.keys.clientMAC[:s.nh]...), nil
}

// answerRun is what one Respond computes with, in one piece of the heap that is
// cleared when it is over.
type answerRun struct {
	login    *Login
	suite    *suite
	hash     *oprf.Hash
	ke2      ke2
	schedule schedule
	keys     keys
	envelope envelopeKeys
	password [maxHash]byte // randomized_password
	masking  [maxHash]byte // masking_key
	opened   [maxPublicKey + maxEnvelope]byte
	ikm      [3 * maxPublicKey]byte
}

func (r *answerRun) clear() {
	r.hash.Clear()
	*r = answerRun{}
}

// dh returns the place of the i-th Diffie-Hellman secret.
func (r *answerRun) dh(i int) []byte { return r.ikm[i*r.suite.npk : (i+1)*r.suite.npk] }

// checkElements refuses what no server sends, before the password is touched. The
// server's key share it checks by the first of the three secrets.
func (r *answerRun) checkElements() error {
	if isReflected(r.ke2.evaluated, splitKE1(r.suite, r.login.ke1).blinded) {
		return ErrMalformed
	}
	if r.suite.ake.multiply(oprf.Term{Out: r.dh(0), Scalar: r.login.private, Element: r.ke2.serverKeyshare}) != nil {
		return ErrMalformed
	}
	return nil
}

// recover is RecoverCredentials with Recover, RFC 9807, Sections 6.3.2.3 and
// 4.1.3.
func (r *answerRun) recover(ctx context.Context, f stretcher) error {
	s, h := r.suite, r.hash
	password := r.password[:s.nh]
	if err := s.randomizePassword(ctx, h, f, password, r.login.password, r.login.blind, r.ke2.evaluated); err != nil {
		return err
	}
	h.Expand(r.masking[:s.nh], password, labelMaskingKey)
	opened := r.opened[:s.maskedSize()]
	h.Expand(opened, r.masking[:s.nh], r.ke2.maskingNonce, labelResponsePad)
	subtle.XORBytes(opened, opened, r.ke2.masked)
	// With a wrong password what was opened is noise, and nothing tells whether
	// its first part is a public key before the tag was checked.
	publicKey, envelope := opened[:s.npk], opened[s.npk:]
	if r.envelope.recover(s, h, password, envelope, parties{publicKey, r.login.client.server, r.login.identity}) != nil ||
		!r.login.client.pinned(publicKey) {
		return ErrAuthentication
	}
	return nil
}

// exchange is the client's 3DH and the check of the server's MAC, Section 6.4.3.
func (r *answerRun) exchange(c transcriptContext) error {
	s, l := r.suite, r.login
	publicKey := r.opened[:s.npk]
	if s.ake.multiply(
		oprf.Term{Out: r.dh(1), Scalar: l.private, Element: publicKey},
		oprf.Term{Out: r.dh(2), Scalar: r.envelope.private[:s.nsk], Element: r.ke2.serverKeyshare},
	) != nil {
		return ErrAuthentication
	}
	sch := &r.schedule
	sch.preamble = s.newHash()
	sch.begin(c, orKey(l.identity, r.envelope.public[:s.npk]), l.ke1, orKey(l.client.server, publicKey))
	sch.preamble.Write(r.ke2.credentialResponse)
	sch.preamble.Write(r.ke2.serverNonce)
	sch.preamble.Write(r.ke2.serverKeyshare)
	sch.derive(s, r.hash, &r.keys, r.ikm[:3*s.npk])
	if subtle.ConstantTimeCompare(r.ke2.serverMAC, r.keys.serverMAC[:s.nh]) != 1 {
		return ErrAuthentication
	}
	return nil
}

// Finish checks the server's reply and returns the session key, the same that the
// server's Finish returned: 32 bytes. On the RFC's wire the reply is empty, so pass nil,
// and the key is the RFC's session_key, 64 bytes, for P256 32. Only now, and not on the RFC's wire, is
// it certain that the server accepted the login. ErrAuthentication means that the reply was altered,
// ErrMalformed that it is none. Either way the login is over.
func (l *Login) Finish(reply []byte) (key []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != loginAnswered {
		return nil, ErrUsed
	}
	l.state = loginOver
	defer func() {
		clear(l.session)
		l.session = nil
		if err != nil {
			l.clearExport()
		}
	}()
	switch {
	case l.client.wire == Framed:
		if l.flags, err = checkReply(l.session, reply); err != nil {
			return nil, err
		}
	case len(reply) > 0:
		return nil, ErrMalformed
	}
	l.state = loginFinished
	return l.client.wire.sessionKey(l.client.suite, l.session), nil
}

// ExportKey returns a copy of the export key, 64 bytes, for P256 32: the one that
// the registration gave. Before Finish has succeeded, and after Discard, it is
// ErrUsed. Wrap keys under it; never encrypt data, for the next registration has
// another.
func (l *Login) ExportKey() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != loginFinished {
		return nil, ErrUsed
	}
	return bytes.Clone(l.export), nil
}

// NeedsRegistration reports whether the server wants the account registered
// anew, because its setup or its KSF has been replaced. It knows after Finish; the
// user need not notice: register with the password at hand, inside the session,
// and protect the messages by a [Migration]. If the new setup has another suite, it
// takes a Client of that suite. On the RFC's wire it is false.
func (l *Login) NeedsRegistration() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == loginFinished && l.flags&flagRegister != 0
}

// Discard clears what the login holds and ends it.
func (l *Login) Discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = loginOver
	l.clearInputs()
	clear(l.session)
	l.session = nil
	l.clearExport()
}

func (l *Login) clearInputs() {
	clear(l.password)
	clear(l.blind)
	clear(l.private)
	l.password, l.blind, l.private = nil, nil, nil
}

func (l *Login) clearExport() {
	clear(l.export)
	l.export = nil
}

// Format writes a placeholder, whatever the verb.
func (l *Login) Format(f fmt.State, _ rune) { io.WriteString(f, "opaque.Login(redacted)") }
