package opaque

import (
	"bytes"
	"context"
	"time"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/kdf"
)

// The hooks of the tests: fixed randomness, the KSF Identity, a settable clock, a
// count of group operations. Nothing outside the tests can reach them.

// Fixed are the random values of a run, by the names of RFC 9807.
type Fixed map[string][]byte

func (f Fixed) draw(_ *suite, name randomValue, out []byte) {
	if len(f[string(name)]) != len(out) {
		panic("no fixed " + string(name))
	}
	copy(out, f[string(name)])
}

// RegisterWith is Register with fixed randomness, for Finish as well.
func (c *Client) RegisterWith(identity, password []byte, f Fixed) (*Registration, []byte, error) {
	return c.register(identity, password, f.draw)
}

// LoginWith is Login with fixed randomness.
func (c *Client) LoginWith(identity, password []byte, f Fixed) (*Login, []byte, error) {
	return c.login(identity, password, f.draw)
}

// BeginWith is Begin with fixed randomness.
func (s *Server) BeginWith(ctx context.Context, id, record, request []byte, f Fixed) (response, pending []byte, err error) {
	return s.begin(ctx, id, record, request, f.draw)
}

// NewServerAt is NewServer with a clock.
func NewServerAt(cfg ServerConfig, now func() time.Time) (*Server, error) { return newServer(cfg, now) }

// StretchByIdentity returns a copy of the client whose KSF is RFC 9807's Identity,
// after the policy has judged the parameters.
func (c *Client) StretchByIdentity() *Client {
	return c.stretchBy(func() (stretcher, error) { return identity{}, nil })
}

// StretchBy is StretchByIdentity with another KSF.
func (c *Client) StretchBy(f stretcher) *Client {
	return c.stretchBy(func() (stretcher, error) { return f, nil })
}

func (c *Client) stretchBy(f func() (stretcher, error)) *Client {
	other := *c
	other.allowedKSF = func(p kdf.Params, policy kdf.Policy) (stretcher, error) {
		if _, err := allowedKSF(p, policy); err != nil {
			return nil, err
		}
		return f()
	}
	return &other
}

type identity struct{}

func (identity) Derive(_ context.Context, b []byte, _ int) ([]byte, error) {
	return bytes.Clone(b), nil
}

// Intermediates are what RFC 9807's vectors show of the inside of a login.
type Intermediates struct {
	ClientPublicKey, AuthKey, RandomizedPassword, Envelope, HandshakeSecret, ServerMACKey, ClientMACKey, OPRFKey []byte
}

// Inside runs the steps of Respond on a login that is not used up by it, and
// shows what is inside.
func (l *Login) Inside(setup *Setup, id, response []byte) (in Intermediates, err error) {
	c, s := l.client, l.client.suite.of()
	r := &answerRun{login: l, suite: s, hash: s.oprf.NewHash(), ke2: splitKE2(s, response)}
	if err := r.checkElements(); err != nil {
		return in, err
	}
	f, err := c.ksf(responseHead{}) // the RFC's wire says no KSF
	if err != nil {
		return in, err
	}
	if err := r.recover(context.Background(), f); err != nil {
		return in, err
	}
	if err := r.exchange(transcriptContext{nil, c.context}); err != nil {
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
	return (&memoryKeys{suite: s.of(), seed: seed, private: private}).setup(s, decoy)
}

// KeysOf returns the keys of a setup.
func KeysOf(s *Setup) Keys { return s.keys }

// CountOperations returns the group operations that f makes in a suite, in their
// order.
func CountOperations(s Suite, f func()) (log []string) {
	original := suites[s]
	defer func() { suites[s] = original }()
	c, o := *original, *original.oprf
	o.Group = countingGroup{o.Group, &log}
	c.oprf = &o
	if c.shared {
		c.ake = primeOrder{&o}
	} else {
		c.ake = countingDH{c.ake, &log}
	}
	suites[s] = &c
	f()
	return log
}

type countingGroup struct {
	oprf.Group
	log *[]string
}

func (g countingGroup) Multiply(terms ...oprf.Term) error {
	count(g.log, "", terms)
	return g.Group.Multiply(terms...)
}

func (g countingGroup) MapMultiply(out, scalar, uniform []byte) error {
	*g.log = append(*g.log, "map")
	return g.Group.MapMultiply(out, scalar, uniform)
}

func (g countingGroup) Reduce(out, uniform []byte) error {
	*g.log = append(*g.log, "reduce")
	return g.Group.Reduce(out, uniform)
}

type countingDH struct {
	diffieHellman
	log *[]string
}

func (d countingDH) multiply(terms ...oprf.Term) error {
	count(d.log, "x25519 ", terms)
	return d.diffieHellman.multiply(terms...)
}

func count(log *[]string, prefix string, terms []oprf.Term) {
	for _, t := range terms {
		if t.Element == nil {
			*log = append(*log, prefix+"base")
		} else {
			*log = append(*log, prefix+"multiply")
		}
	}
}

// Watched is a draw whose values the test can have again, and which it has not
// left in memory as they were.
type Watched map[string][]byte

func (w Watched) draw(s *suite, name randomValue, out []byte) {
	drawRandom(s, name, out)
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
	return c.login(identity, password, w.draw)
}

// SecretsOf are what a login computes from its password, wrong or not.
func (l *Login) SecretsOf(response []byte) map[string][]byte {
	s := l.client.suite.of()
	_, message, _ := l.client.parseResponse(response, s.ke2Size())
	r := &answerRun{login: l, suite: s, hash: s.oprf.NewHash(), ke2: splitKE2(s, message)}
	err := r.checkElements()
	if err == nil {
		err = r.recover(context.Background(), identity{})
	}
	output := make([]byte, s.nh)
	s.oprf.Finalize(s.oprf.NewHash(), output, l.password, l.blind, r.ke2.evaluated)
	all := map[string][]byte{
		"oprf_output":             output,
		"randomized_password":     r.password[:s.nh],
		"masking_key":             r.masking[:s.nh],
		"auth_key":                r.envelope.auth[:s.nh],
		"export_key":              r.envelope.export[:s.nh],
		"client seed":             r.envelope.seed[:],
		"client_private_key":      r.envelope.private[:s.nsk],
		"blind":                   l.blind,
		"client_private_keyshare": l.private,
		"dh":                      r.dh(0),
	}
	if err == nil && r.exchange(transcriptContext{nil, l.client.context}) == nil {
		all["handshake_secret"] = r.schedule.secret[:s.nh]
	}
	return all
}

// PasswordOf returns the copy of the password that a login or registration keeps.
func PasswordOf(o any) []byte {
	switch o := o.(type) {
	case *Login:
		return o.password
	case *Registration:
		return o.password
	}
	return nil
}

// GateOf returns the gate under which a client's KSF runs.
func GateOf(t interface{ Fatal(...any) }, cfg ClientConfig) (gate *kdf.Gate) {
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.allowedKSF = func(_ kdf.Params, policy kdf.Policy) (stretcher, error) {
		gate = policy.Gate
		return identity{}, nil
	}
	if _, err := c.ksf(responseHead{}); err != nil {
		t.Fatal(err)
	}
	return gate
}

// ExportKeyOf returns the export key that a login keeps, before its time.
func ExportKeyOf(l *Login) []byte { return l.export }

// RoundTripPending parses the body of pending state.
func RoundTripPending(body []byte) bool {
	s, _, mac, session, ok := parsePending(body)
	return ok && s.Valid() && len(mac) == len(session) && len(body) == 1+32+2*len(mac)
}

// FixedKSF is the KSF of a client on the RFC's wire.
func (c *Client) FixedKSF() kdf.Params { return c.fixedKSF }

// ReplyFor is the reply with these flags that a login would take from its server.
func ReplyFor(l *Login, flags byte) []byte {
	return makeReply(l.session, flags)
}

// KeyPair is a key pair of the AKE.
func KeyPair(s Suite) (private, public []byte) {
	private = make([]byte, s.of().nsk)
	if err := s.of().ake.deriveKeyPair(s.of().oprf.NewHash(), private, make([]byte, nseed)); err != nil {
		panic(err)
	}
	public, err := s.of().publicKeyOf(make([]byte, nseed))
	if err != nil {
		panic(err)
	}
	return private, public
}

// RespondAs is Respond for whoever knows the client's private key, and needs no
// envelope.
func (l *Login) RespondAs(response, private, serverPublicKey []byte) ([]byte, error) {
	s := l.client.suite.of()
	head, message, _ := l.client.parseResponse(response, s.ke2Size())
	r := &answerRun{login: l, suite: s, hash: s.oprf.NewHash(), ke2: splitKE2(s, message)}
	if err := r.checkElements(); err != nil {
		return nil, err
	}
	copy(r.opened[:], serverPublicKey)
	copy(r.envelope.private[:], private)
	if err := r.exchange(transcriptContext{contextPrefix(head.encoded, l.client.context), l.client.context}); err != nil {
		return nil, err
	}
	return append([]byte{kind, version}, r.keys.clientMAC[:s.nh]...), nil
}
