package opaque

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/secret"
)

// Registration is one registration of a client. Call [Registration.Discard] in
// the end.
type Registration struct {
	client *Client
	oneTime
	secrets secret.Value[registrationSecrets]
}

type registrationSecrets struct {
	identity []byte
	password []byte
	blind    []byte
	request  []byte // RegistrationRequest
	registered
}

// registered has the results of a registration, which every login returns
// again.
type registered struct {
	export []byte // export_key
	raw    []byte // RegistrationRecord
}

func (r *registered) clear() {
	clear(r.export)
	clear(r.raw)
	*r = registered{}
}

// Register begins a registration. The password is used as given: see
// [github.com/nescio-go/nescio/kdf/prepare.Password]. Invalid lengths
// return [ErrPolicy].
func (c *Client) Register(identity, password []byte) (r *Registration, request []byte, err error) {
	if err := checkLengths(identity, password); err != nil {
		return nil, nil, err
	}
	blind, request, err := c.blindPassword(password)
	if err != nil {
		return nil, nil, err
	}
	r = &Registration{client: c, oneTime: oneTime{stage: begun}, secrets: secret.New(registrationSecrets{
		identity: bytes.Clone(identity),
		password: bytes.Clone(password),
		blind:    blind,
		request:  request,
	})}
	return r, c.wire.frameRequest(c.suite, bytes.Clone(request)), nil
}

// Finish returns the upload. Before it uses the password, it returns
// [ErrMalformed] or [ErrPolicy].
func (r *Registration) Finish(ctx context.Context, response []byte) (upload []byte, err error) {
	if err := r.start(); err != nil {
		return nil, err
	}
	upload, result, err := r.finish(ctx, response)
	if err := r.settle(err, finished, func() { r.secrets.Get().registered = result }); err != nil {
		result.clear()
		return nil, err
	}
	return upload, nil
}

func (r *Registration) finish(ctx context.Context, response []byte) (upload []byte, result registered, err error) {
	in, c, s := r.secrets.Get(), r.client, r.client.suite.definition()
	defer in.clearInputs()
	if err := ctx.Err(); err != nil {
		return nil, registered{}, err
	}
	h, message, ok := c.parseResponse(response, s.registrationResponseSize())
	if !ok {
		return nil, registered{}, ErrMalformed
	}
	evaluated, publicKey := message[:s.element], message[s.element:]
	if !s.validPublicKey(publicKey) || isReflected(evaluated, in.request) {
		return nil, registered{}, ErrMalformed
	}
	if !c.pinned(publicKey) {
		return nil, registered{}, errPin
	}
	f, err := c.ksf(h)
	if err != nil {
		return nil, registered{}, err
	}
	if result, err = c.store(ctx, in, f, evaluated, publicKey); err != nil {
		return nil, registered{}, err
	}
	if c.wire == WireRFC9807 {
		return bytes.Clone(result.raw), result, nil
	}
	stored := record{h, fingerprintOf(c.suite, publicKey), in.identity, result.raw}
	return stored.bytes(), result, nil
}

// store is FinalizeRegistrationRequest with Store, RFC 9807, Sections 5.2.3
// and 4.1.2.
func (c *Client) store(ctx context.Context, in *registrationSecrets, f stretcher, evaluated, publicKey []byte) (registered, error) {
	s := c.suite.definition()
	h := s.oprf.NewHash()
	defer h.Clear()
	password := make([]byte, s.nh) // randomized_password
	defer clear(password)
	if err := s.randomizePassword(ctx, h, f, password, in.password, in.blind, evaluated); err != nil {
		return registered{}, err
	}
	raw := make([]byte, s.recordSize())
	maskingKey, envelope := raw[s.npk:s.npk+s.nh], raw[s.npk+s.nh:]
	h.Expand(maskingKey, password, labelMaskingKey)
	c.random(s, envelopeNonce, envelope[:nn])
	e := new(envelopeKeys)
	defer e.clear()
	if err := e.derive(s, h, password, envelope[:nn], parties{publicKey, c.server, in.identity}); err != nil {
		return registered{}, err
	}
	copy(raw, e.public[:s.npk])
	copy(envelope[nn:], e.tag[:s.nh])
	return registered{export: bytes.Clone(e.export[:s.nh]), raw: raw}, nil
}

// ExportKey returns 64 bytes, for [P256] 32. Every login returns them again,
// but another registration has another key. Wrap keys under it, and keep older
// blobs until the server has the upload.
func (r *Registration) ExportKey() ([]byte, error) {
	return r.result(func() []byte { return bytes.Clone(r.secrets.Get().export) })
}

// Record returns [Record.Raw] of the stored record.
func (r *Registration) Record() ([]byte, error) {
	return r.result(func() []byte { return bytes.Clone(r.secrets.Get().raw) })
}

// Discard clears the secrets. A running [Registration.Finish]
// returns [ErrUsed].
func (r *Registration) Discard() { r.discard(r.secrets.Get().clear) }

func (in *registrationSecrets) clear() {
	in.clearInputs()
	in.registered.clear()
}

func (in *registrationSecrets) clearInputs() {
	clear(in.password)
	clear(in.blind)
	in.password, in.blind = nil, nil
}

// Format redacts it.
func (r *Registration) Format(f fmt.State, _ rune) {
	io.WriteString(f, "opaque.Registration(redacted)")
}

// MarshalJSON redacts it.
func (r *Registration) MarshalJSON() ([]byte, error) {
	return []byte(`"opaque.Registration(redacted)"`), nil
}
