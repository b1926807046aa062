package opaque

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/cryptobyte"
)

// Registration is one registration of a client: a new account, or a new password
// of an old one. It goes through Finish once. Call Discard on one that is given
// up. Concurrent calls are safe; all but one of them return ErrUsed.
type Registration struct {
	client *Client

	mu       sync.Mutex
	over     bool
	identity []byte
	password []byte
	blind    []byte
	request  []byte // RegistrationRequest
	draw     draw
}

// Register begins a registration and returns it together with the request to
// send, over an authenticated and encrypted channel: RFC 9807, Section 10.10.
// The id of the account travels beside it.
//
// The password, 1 to 1024 bytes, is used as given: normalising it, for which
// RFC 8265 has OpaqueString, is the caller's. The identity is client_identity, up
// to 65,535 bytes, which every login must give again; empty: the client's public
// key. It returns ErrPolicy for other lengths.
func (c *Client) Register(identity, password []byte) (r *Registration, request []byte, err error) {
	return c.register(identity, password, drawRandom)
}

func (c *Client) register(identity, password []byte, draw draw) (*Registration, []byte, error) {
	if err := checkLengths(identity, password); err != nil {
		return nil, nil, err
	}
	r := &Registration{client: c, identity: bytes.Clone(identity), password: bytes.Clone(password), draw: draw}
	var err error
	if r.blind, r.request, err = c.suite.of().blindPassword(password, draw); err != nil {
		return nil, nil, err
	}
	return r, c.wire.frameRequest(c.suite, bytes.Clone(r.request)), nil
}

// blindPassword is the OPRF's Blind with a new blind.
func (s *suite) blindPassword(password []byte, draw draw) (blindScalar, blinded []byte, err error) {
	blindScalar, blinded = make([]byte, s.oprf.Group.ScalarSize()), make([]byte, s.element)
	h := s.oprf.NewHash()
	defer h.Clear()
	draw(s, blind, blindScalar)
	return blindScalar, blinded, s.oprf.Blind(h, blinded, blindScalar, password)
}

// Finish takes the server's response and returns the upload, which the server
// checks by [Server.Admit] and stores, and the export key: 64 bytes, for P256 32,
// that only this client and its later logins under the same registration know.
// Wrap keys under it; never encrypt data, for the next registration has another. Keep
// what was wrapped under an older one until the server has stored the upload.
//
// Before it touches the password it returns ErrMalformed for a response that no
// server sends, and ErrPolicy for KSF parameters or a public key of the server
// that the client does not allow. It looks at ctx before it starts and hands it
// to the KSF, which takes nearly all of the time. After an error the registration
// is over.
func (r *Registration) Finish(ctx context.Context, response []byte) (upload, exportKey []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return nil, nil, ErrUsed
	}
	r.over = true
	defer r.clear()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	c, s := r.client, r.client.suite.of()
	head, message, ok := c.parseResponse(response, s.registrationResponseSize())
	if !ok {
		return nil, nil, ErrMalformed
	}
	evaluated, publicKey := message[:s.element], message[s.element:]
	if !s.validPublicKey(publicKey) || isReflected(evaluated, r.request) {
		return nil, nil, ErrMalformed
	}
	if !c.pinned(publicKey) {
		return nil, nil, errPin
	}
	f, err := c.ksf(head)
	if err != nil {
		return nil, nil, err
	}
	raw, exportKey, err := r.store(ctx, f, evaluated, publicKey)
	if err != nil {
		return nil, nil, err
	}
	if c.wire == RFC {
		return raw, exportKey, nil
	}
	b := newMessage()
	b.AddBytes(head.encoded)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(r.identity) })
	b.AddBytes(raw)
	upload, err = b.Bytes()
	return upload, exportKey, err
}

// store is FinalizeRegistrationRequest with Store, RFC 9807, Sections 5.2.3 and
// 4.1.2.
func (r *Registration) store(ctx context.Context, f stretcher, evaluated, publicKey []byte) (raw, exportKey []byte, err error) {
	s := r.client.suite.of()
	h := s.oprf.NewHash()
	defer h.Clear()
	password := make([]byte, s.nh) // randomized_password
	defer clear(password)
	if err := s.randomizePassword(ctx, h, f, password, r.password, r.blind, evaluated); err != nil {
		return nil, nil, err
	}
	raw = make([]byte, s.recordSize())
	maskingKey, envelope := raw[s.npk:s.npk+s.nh], raw[s.npk+s.nh:]
	h.Expand(maskingKey, password, labelMaskingKey)
	r.draw(s, envelopeNonce, envelope[:nn])
	e := new(envelopeKeys)
	defer e.clear()
	if err := e.derive(s, h, password, envelope[:nn], parties{publicKey, r.client.server, r.identity}); err != nil {
		return nil, nil, err
	}
	copy(raw, e.public[:s.npk])
	copy(envelope[nn:], e.tag[:s.nh])
	return raw, bytes.Clone(e.export[:s.nh]), nil
}

// isReflected reports whether an evaluated element is the blinded one: the OPRF
// key would be 1, and the server would have learned nothing and given nothing.
func isReflected(evaluated, blinded []byte) bool { return string(evaluated) == string(blinded) }

// Discard clears what the registration holds and ends it.
func (r *Registration) Discard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	r.clear()
}

func (r *Registration) clear() {
	clear(r.password)
	clear(r.blind)
	r.password, r.blind = nil, nil
}

// Format writes a placeholder, whatever the verb.
func (r *Registration) Format(f fmt.State, _ rune) {
	io.WriteString(f, "opaque.Registration(redacted)")
}
