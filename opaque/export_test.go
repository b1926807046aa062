package opaque

import (
	"bytes"
	"context"
	"time"

	"github.com/nescio-go/nescio/kdf"
)

// The hooks of the tests: fixed randomness, other KSFs, a settable clock, a
// count of group operations. Nothing outside the tests can reach them.

// Fixed are the random values of a run, by the names of RFC 9807.
type Fixed map[string][]byte

func (f Fixed) random(_ *suite, name randomValue, out []byte) {
	if len(f[string(name)]) != len(out) {
		panic("no fixed " + string(name))
	}
	copy(out, f[string(name)])
}

func (c *Client) withRandom(f randomness) *Client {
	other := *c
	other.random = f
	return &other
}

// RegisterWith is Register with fixed randomness, for Finish as well.
func (c *Client) RegisterWith(identity, password []byte, f Fixed) (*Registration, []byte, error) {
	return c.withRandom(f.random).Register(identity, password)
}

// LoginWith is Login with fixed randomness.
func (c *Client) LoginWith(identity, password []byte, f Fixed) (*Login, []byte, error) {
	return c.withRandom(f.random).Login(identity, password)
}

// BeginLoginWith is BeginLogin with fixed randomness.
func (s *Server) BeginLoginWith(ctx context.Context, id, record, request []byte, f Fixed) (response, pending []byte, err error) {
	other := *s
	other.random = f.random
	return other.BeginLogin(ctx, id, record, request)
}

// NewServerAt is NewServer with a clock.
func NewServerAt(cfg ServerConfig, now func() time.Time) (*Server, error) { return newServer(cfg, now) }

// StretchByIdentity returns a copy of the client whose KSF is RFC 9807's
// Identity, after the policy has judged the parameters.
func (c *Client) StretchByIdentity() *Client {
	return c.stretchBy(func() (stretcher, error) { return identity{}, nil })
}

// StretchBy is StretchByIdentity with another KSF.
func (c *Client) StretchBy(f stretcher) *Client {
	return c.stretchBy(func() (stretcher, error) { return f, nil })
}

func (c *Client) stretchBy(f func() (stretcher, error)) *Client {
	other := *c
	other.stretch = func(p kdf.Params, policy kdf.Policy) (stretcher, error) {
		if _, err := newStretcher(p, policy); err != nil {
			return nil, err
		}
		return f()
	}
	return &other
}

// FinalWithoutPassword returns the final message for pending state of another
// server, if s has the keys of that server.
func (s *Server) FinalWithoutPassword(ctx context.Context, id, pending []byte) ([]byte, error) {
	state, err := s.secrets.Get().box.Open(ctx, id, s.stateBinding(), pending)
	if err != nil {
		return nil, err
	}
	p, _ := parsePending(state.Body)
	return append([]byte{protocol, version}, p.clientMAC...), nil
}

type identity struct{}

func (identity) Derive(_ context.Context, b []byte, _ int) ([]byte, error) {
	return bytes.Clone(b), nil
}

// Intermediates are the intermediate values in RFC 9807's vectors.
type Intermediates struct {
	ClientPublicKey, AuthKey, RandomizedPassword, Envelope, HandshakeSecret, ServerMACKey, ClientMACKey, OPRFKey []byte
}

// Inside runs the steps of Respond on a login, without using it up, and returns
// the intermediate values.
func (l *Login) Inside(setup *Setup, id, response []byte) (in Intermediates, err error) {
	c, s := l.client, l.client.suite.definition()
	r := newRespondRun(c, l.secrets.Get(), response)
	if err := r.checkElements(); err != nil {
		return in, err
	}
	f, err := c.ksf(head{}) // the RFC's wire does not state the KSF
	if err != nil {
		return in, err
	}
	if err := r.recover(context.Background(), f); err != nil {
		return in, err
	}
	if err := r.exchange(c.transcriptContext(head{})); err != nil {
		return in, err
	}
	serverMACKey := make([]byte, s.nh)
	deriveSecret(r.hash, serverMACKey, r.schedule.secret[:s.nh], labelServerMAC, nil, new([4]byte))
	key := make([]byte, 32)
	if err := setup.oprfKey(context.Background(), r.hash, key, id); err != nil {
		return in, err
	}
	return Intermediates{
		ClientPublicKey:    r.envelope.public[:s.npk],
		AuthKey:            r.envelope.auth[:s.nh],
		RandomizedPassword: r.password[:s.nh],
		Envelope:           r.opened[s.npk:s.maskedSize()],
		HandshakeSecret:    r.schedule.secret[:s.nh],
		ServerMACKey:       serverMACKey,
		ClientMACKey:       r.schedule.macKey[:s.nh],
		OPRFKey:            key,
	}, nil
}

// MemorySetup is a setup with given keys.
func MemorySetup(s Suite, seed, private, decoy []byte) (*Setup, error) {
	return (&memoryKeys{suite: s.definition(), seed: seed, private: private}).setup(s, decoy)
}

// KeyServiceOf returns the keys of a setup.
func KeyServiceOf(s *Setup) KeyService { return s.secrets.Get().service }

// Watched is randomness that the test can read again. It leaves no copy of its
// values in memory.
type Watched map[string][]byte

func (w Watched) random(s *suite, name randomValue, out []byte) {
	systemRandom(s, name, out)
	w[string(name)] = mask(out)
}

// Fixed returns what was drawn.
func (w Watched) Fixed() Fixed {
	f := make(Fixed)
	for name, v := range w {
		f[name] = mask(v)
	}
	return f
}

func mask(b []byte) []byte {
	m := make([]byte, len(b))
	for i, c := range b {
		m[i] = c ^ 0xa5
	}
	return m
}

// LoginWatched is Login whose randomness is watched.
func (c *Client) LoginWatched(identity, password []byte, w Watched) (*Login, []byte, error) {
	return c.withRandom(w.random).Login(identity, password)
}

// SecretsOf returns the values that a login computes from its password, right
// or wrong.
func (l *Login) SecretsOf(response []byte) map[string][]byte {
	in, s := l.secrets.Get(), l.client.suite.definition()
	_, message, _ := l.client.parseResponse(response, s.ke2Size())
	r := newRespondRun(l.client, in, message)
	err := r.checkElements()
	if err == nil {
		err = r.recover(context.Background(), identity{})
	}
	output := make([]byte, s.nh)
	s.oprf.Finalize(s.oprf.NewHash(), output, in.password, in.blind, r.ke2.evaluated)
	all := map[string][]byte{
		"oprf_output":             output,
		"randomized_password":     r.password[:s.nh],
		"masking_key":             r.masking[:s.nh],
		"auth_key":                r.envelope.auth[:s.nh],
		"export_key":              r.envelope.export[:s.nh],
		"client seed":             r.envelope.seed[:],
		"client_private_key":      r.envelope.private[:s.nsk],
		"blind":                   in.blind,
		"client_private_keyshare": in.private,
		"dh":                      r.dh(0),
	}
	if err == nil && r.exchange(l.client.transcriptContext(head{})) == nil {
		all["handshake_secret"] = r.schedule.secret[:s.nh]
	}
	return all
}

// PasswordOf returns the copy of the password that a login or registration
// keeps.
func PasswordOf(o any) []byte {
	switch o := o.(type) {
	case *Login:
		return o.secrets.Get().password
	case *Registration:
		return o.secrets.Get().password
	}
	return nil
}

// GateOf returns the gate under which a client's KSF runs.
func GateOf(t interface{ Fatal(...any) }, cfg ClientConfig) (gate *kdf.Gate) {
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.stretch = func(_ kdf.Params, policy kdf.Policy) (stretcher, error) {
		gate = policy.Gate
		return identity{}, nil
	}
	if _, err := c.ksf(head{}); err != nil {
		t.Fatal(err)
	}
	return gate
}

// ExportKeyOf returns the export key that a login keeps, before its time.
func ExportKeyOf(l *Login) []byte { return l.secrets.Get().export }

// RoundTripPending parses the body of pending state.
func RoundTripPending(body []byte) bool {
	p, ok := parsePending(body)
	return ok && p.suite.Valid() && len(p.clientMAC) == len(p.session) && len(body) == 1+64+2*len(p.clientMAC)
}

// RecordDigest is the digest of a record in pending state.
func RecordDigest(stored, sample []byte) [32]byte { return recordDigest(stored, sample) }

// FixedKSF is the KSF of a client on the RFC's wire.
func (c *Client) FixedKSF() kdf.Params { return c.fixedKSF }

// ReplyFor returns the reply with these flags that a login accepts.
func ReplyFor(l *Login, flags byte) []byte {
	return makeReply(l.secrets.Get().session, flags)
}

// KeyPair is a key pair of the AKE.
func KeyPair(s Suite) (private, public []byte) {
	private = make([]byte, s.definition().nsk)
	if err := s.definition().ake.deriveKeyPair(s.definition().oprf.NewHash(), private, make([]byte, nseed)); err != nil {
		panic(err)
	}
	public, err := s.definition().publicKeyOf(make([]byte, nseed))
	if err != nil {
		panic(err)
	}
	return private, public
}

// RespondAs is Respond with the client's private key instead of an envelope.
func (l *Login) RespondAs(response, private, serverPublicKey []byte) ([]byte, error) {
	s := l.client.suite.definition()
	h, message, _ := l.client.parseResponse(response, s.ke2Size())
	r := newRespondRun(l.client, l.secrets.Get(), message)
	if err := r.checkElements(); err != nil {
		return nil, err
	}
	copy(r.opened[:], serverPublicKey)
	copy(r.envelope.private[:], private)
	if err := r.exchange(l.client.transcriptContext(h)); err != nil {
		return nil, err
	}
	return append([]byte{protocol, version}, r.keys.clientMAC[:s.nh]...), nil
}
