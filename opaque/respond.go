package opaque

import (
	"bytes"
	"context"
	"crypto/subtle"

	"github.com/nescio-go/nescio/internal/oprf"
)

// respond is Respond without its bookkeeping. It owns the login's inputs and
// clears them.
func (l *Login) respond(ctx context.Context, response []byte) (final []byte, k loginKeys, err error) {
	in, c, s := l.secrets.Get(), l.client, l.client.suite.definition()
	defer in.clearInputs()
	if err := ctx.Err(); err != nil {
		return nil, loginKeys{}, err
	}
	h, message, ok := c.parseResponse(response, s.ke2Size())
	if !ok {
		return nil, loginKeys{}, ErrMalformed
	}
	run := newRespondRun(c, in, message)
	defer run.clear()
	if err := run.checkElements(); err != nil {
		return nil, loginKeys{}, err
	}
	f, err := c.ksf(h)
	if err != nil {
		return nil, loginKeys{}, err
	}
	if err := run.recover(ctx, f); err != nil {
		return nil, loginKeys{}, err
	}
	if err := run.exchange(c.transcriptContext(h)); err != nil {
		return nil, loginKeys{}, err
	}
	if c.wire == WireFramed {
		final = []byte{protocol, version}
	}
	k.session = bytes.Clone(run.keys.session[:s.nh])
	k.registered = run.registered()
	return append(final, run.keys.clientMAC[:s.nh]...), k, nil
}

// transcriptContext returns the RFC's context of a login.
func (c *Client) transcriptContext(h head) transcriptContext {
	if c.wire == WireRFC9807 {
		return transcriptContext{application: c.context}
	}
	return transcriptContext{contextPrefix(h, c.context), c.context}
}

// respondRun is the memory that one Respond computes in. It is one piece of the
// heap, which is cleared when the call is over.
type respondRun struct {
	client   *Client
	in       *loginSecrets
	suite    *suite
	hash     *oprf.Hash
	ke2      ke2
	schedule schedule
	keys     keys
	envelope envelopeKeys
	password [maxHash]byte                    // randomized_password
	masking  [maxHash]byte                    // masking_key
	opened   [maxPublicKey + maxEnvelope]byte // server_public_key ‖ envelope
	ikm      [3 * maxPublicKey]byte
}

func newRespondRun(c *Client, in *loginSecrets, message []byte) *respondRun {
	s := c.suite.definition()
	return &respondRun{client: c, in: in, suite: s, hash: s.oprf.NewHash(), ke2: splitKE2(s, message)}
}

func (r *respondRun) clear() {
	r.hash.Clear()
	*r = respondRun{}
}

// dh returns the place of the i-th Diffie-Hellman secret.
func (r *respondRun) dh(i int) []byte { return r.ikm[i*r.suite.npk : (i+1)*r.suite.npk] }

// checkElements refuses elements that no correct server sends, before the
// password is used. The first of the three Diffie-Hellman secrets shows whether the
// server's key share is valid.
func (r *respondRun) checkElements() error {
	if isReflected(r.ke2.evaluated, splitKE1(r.suite, r.in.ke1).blinded) {
		return ErrMalformed
	}
	if r.suite.ake.multiply(oprf.Term{Out: r.dh(0), Scalar: r.in.private, Element: r.ke2.serverKeyshare}) != nil {
		return ErrMalformed
	}
	return nil
}

// recover is RecoverCredentials with Recover, RFC 9807, Sections 6.3.2.3
// and 4.1.3.
func (r *respondRun) recover(ctx context.Context, f stretcher) error {
	s, h := r.suite, r.hash
	password := r.password[:s.nh]
	if err := s.randomizePassword(ctx, h, f, password, r.in.password, r.in.blind, r.ke2.evaluated); err != nil {
		return err
	}
	h.Expand(r.masking[:s.nh], password, labelMaskingKey)
	opened := r.opened[:s.maskedSize()]
	h.Expand(opened, r.masking[:s.nh], r.ke2.maskingNonce, labelResponsePad)
	subtle.XORBytes(opened, opened, r.ke2.masked)
	// With a wrong password the result is noise. Its first part stays bytes,
	// and is not decoded as a public key, until the tag has been checked.
	publicKey, envelope := opened[:s.npk], opened[s.npk:]
	if r.envelope.recover(s, h, password, envelope, parties{publicKey, r.client.server, r.in.identity}) != nil ||
		!r.client.pinned(publicKey) {
		return ErrAuthentication
	}
	return nil
}

// exchange is the client's 3DH and the check of the server's MAC, Section
// 6.4.3.
func (r *respondRun) exchange(c transcriptContext) error {
	s := r.suite
	publicKey := r.opened[:s.npk]
	if s.ake.multiply(
		oprf.Term{Out: r.dh(1), Scalar: r.in.private, Element: publicKey},
		oprf.Term{Out: r.dh(2), Scalar: r.envelope.private[:s.nsk], Element: r.ke2.serverKeyshare},
	) != nil {
		return ErrAuthentication
	}
	r.schedule.derive(s, r.hash, &r.keys, r.ikm[:3*s.npk], transcript{
		context:        c,
		clientIdentity: orKey(r.in.identity, r.envelope.public[:s.npk]),
		serverIdentity: orKey(r.client.server, publicKey),
		ke1:            r.in.ke1,
		ke2:            r.ke2,
	})
	if subtle.ConstantTimeCompare(r.ke2.serverMAC, r.keys.serverMAC[:s.nh]) != 1 {
		return ErrAuthentication
	}
	return nil
}

// registered returns the export key and the record of the registration:
// client_public_key ‖ masking_key ‖ envelope.
func (r *respondRun) registered() registered {
	s := r.suite
	raw := append(make([]byte, 0, s.recordSize()), r.envelope.public[:s.npk]...)
	raw = append(raw, r.masking[:s.nh]...)
	return registered{
		export: bytes.Clone(r.envelope.export[:s.nh]),
		raw:    append(raw, r.opened[s.npk:s.maskedSize()]...),
	}
}
