package srp

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/kdf"
)

// The hooks of the tests: fixed randomness, groups too small to be offered,
// a settable clock. Nothing outside the tests can reach them.

// fixed is an exponentSource of one exponent, whether it fits or not.
func fixed(e []byte) exponentSource {
	return func(_ int, fits func([]byte) bool) []byte {
		e := append([]byte(nil), e...)
		fits(e)
		return e
	}
}

// WithExponent returns a copy of the client that has a given a.
func (c *Client) WithExponent(a []byte) *Client {
	other := *c
	other.exponent = fixed(a)
	return &other
}

// WithExponent returns a copy of the server that has a given b.
func (s *Server) WithExponent(b []byte) *Server {
	other := *s
	other.exponent = fixed(b)
	return &other
}

// WithExponents returns a copy of the client that tries the given a in turn.
func (c *Client) WithExponents(a ...[]byte) *Client {
	other := *c
	other.exponent = inTurn(a)
	return &other
}

// WithExponents returns a copy of the server that tries the given b in turn.
func (s *Server) WithExponents(b ...[]byte) *Server {
	other := *s
	other.exponent = inTurn(b)
	return &other
}

// inTurn is an exponentSource that tries the given exponents in their order.
func inTurn(exponents [][]byte) exponentSource {
	return func(_ int, fits func([]byte) bool) []byte {
		for _, e := range exponents {
			if e := append([]byte(nil), e...); fits(e) {
				return e
			}
		}
		panic("none of the exponents fits")
	}
}

// UnprovedGroup returns a group that everything in this process takes for proved.
func UnprovedGroup(n []byte, g int) (*Group, error) {
	p, err := newGroupParams(n, g)
	if err != nil {
		return nil, err
	}
	safeprime.Trust(n, g)
	return &Group{params: p}, nil
}

// ForgePending returns pending state of another server for another record, if s
// has that server's keys.
func (s *Server) ForgePending(ctx context.Context, id, pending, record []byte) ([]byte, error) {
	state, err := s.box.Open(ctx, id, s.binding(), pending)
	if err != nil {
		return nil, err
	}
	p, _ := parsePending(state.Body)
	p.recordDigest = sha256.Sum256(record)
	if state.Body, err = p.bytes(); err != nil {
		return nil, err
	}
	ticket, err := s.box.Reserve()
	if err != nil {
		return nil, err
	}
	return s.box.Seal(ticket, id, s.binding(), state)
}

// ProofWithoutPassword returns what ends the login of pending state of another
// server, if s has that server's keys.
func (s *Server) ProofWithoutPassword(ctx context.Context, id, pending []byte) (Proof, error) {
	state, err := s.box.Open(ctx, id, s.binding(), pending)
	if err != nil {
		return Proof{}, err
	}
	p, _ := parsePending(state.Body)
	sp, g := p.profile.spec(), p.group
	A := clientPublic(g, p.b)
	wire := sp.encode(g, A)
	u, err := sp.nonZeroScramble(wire, p.B)
	if err != nil {
		return Proof{}, err
	}
	v, err := sp.decode(g, p.v)
	if err != nil {
		return Proof{}, err
	}
	S := sp.encode(g, serverPremaster(g, A, v, u, p.b))
	_, M1, _, err := sp.proofs(&transcript{group: g, prefix: p.prefix, salt: p.salt, A: wire, B: p.B}, S)
	return Proof{A: wire, M1: M1}, err
}

// ChallengeWith is Challenge with a given b.
func (s *Server) ChallengeWith(ctx context.Context, id, record, b []byte) (Challenge, []byte, error) {
	return s.WithExponent(b).Challenge(ctx, id, record)
}

// RespondWith is Respond after the password's hash: with x given, it does all
// that Respond does but that.
func (c *Client) RespondWith(ctx context.Context, response, identity, x []byte) (final []byte, err error) {
	ch, ok := parseResponse(response)
	if !ok {
		return nil, ErrMalformed
	}
	g, err := c.allowedGroup(ctx, ch.Profile, ch.Group)
	if err != nil {
		return nil, err
	}
	if err := g.prove(ctx, safeprime.ProveOrTrust); err != nil {
		return nil, err
	}
	e, err := c.WithExponent(append([]byte{0xff}, make([]byte, g.exponentSize()-1)...)).newExchange(ch.Profile.spec(), g, identity, ch)
	if err != nil {
		return nil, err
	}
	_, M1, _, err := e.proofs(x)
	if err != nil {
		return nil, err
	}
	return encodeFinal(Proof{A: e.t.A, M1: M1}), nil
}

// NewServerAt is NewServer with a clock.
func NewServerAt(cfg ServerConfig, now func() time.Time) (*Server, error) { return newServer(cfg, now) }

// RegisterWith makes a record with a given salt, without a policy.
func RegisterWith(p Profile, g UnverifiedGroup, params kdf.Params, identity, password, salt []byte) (*Record, error) {
	o := offer{profile: p, group: g, kdf: params}.complete()
	gp, err := newGroupParams(g.N, g.G)
	if err != nil {
		return nil, err
	}
	f, err := unchecked(o.kdf, salt)
	if err != nil {
		return nil, err
	}
	return makeRecord(context.Background(), gp, f, o, userInput{identity, password}, salt)
}

// unchecked is the function of KDF parameters that no policy judged.
func unchecked(p kdf.Params, salt []byte) (*kdf.Function, error) {
	if p == (kdf.Params{}) {
		return nil, nil
	}
	p, err := p.WithSalt(salt)
	if err != nil {
		return nil, err
	}
	return kdf.New(p, kdf.FixedPolicy(p))
}

// SmallKDF is what accounts of the tests have for KDF parameters: the least that
// Argon2id can do.
func SmallKDF(p Profile) kdf.Params {
	if p != Nescio() {
		return kdf.Params{}
	}
	least, err := kdf.NewArgon2id(8, 1, 1)
	if err != nil {
		panic(err)
	}
	return least
}

var (
	ExpandHash       = expandHash
	ProtonPrivateKey = protonPrivateKey
	RFC5054Number    = rfc5054Number
	ForceNonZero     = forceNonZero
)

// OfferBytes returns the response to a registration for a kind with one group,
// whether the kind fits or not.
func OfferBytes(p Profile, g UnverifiedGroup, params kdf.Params, saltSize int) ([]byte, error) {
	return offer{profile: p, group: g, kdf: params, saltSize: saltSize}.bytes()
}

// RoundTripOffer decodes and encodes the response to a registration.
func RoundTripOffer(b []byte) ([]byte, bool) {
	o, ok := parseOffer(b)
	if !ok {
		return nil, false
	}
	again, err := o.bytes()
	return again, err == nil
}

// SaltSize is the size of new salts of a profile.
func SaltSize(p Profile) int { return p.spec().salt.new }

// Values are all numbers of one login, in the profile's byte order; x, u and k
// big-endian.
type Values struct {
	K0, X, V, A, B, U, ClientS, ServerS []byte
}

// Compute runs the steps of the exchange in any group, with given exponents.
func Compute(p Profile, n []byte, g int, I, password, salt, a, b []byte) (Values, error) {
	s := p.spec()
	gp, err := anyGroupParams(n, g)
	if err != nil {
		return Values{}, err
	}
	k, err := s.reducedMultiplier(gp)
	if err != nil {
		return Values{}, err
	}
	f, err := unchecked(SmallKDF(p), salt)
	if err != nil {
		return Values{}, err
	}
	x, err := s.privateKey(context.Background(), gp, f, I, password, salt)
	if err != nil {
		return Values{}, err
	}
	v := gp.mod().Exp(gp.generator(), x)
	A, B := clientPublic(gp, a), serverPublic(gp, k, v, b)
	u, err := s.nonZeroScramble(s.encode(gp, A), s.encode(gp, B))
	if err != nil {
		return Values{}, err
	}
	clientS, err := clientPremaster(gp, k, B, a, u, x)
	if err != nil {
		return Values{}, err
	}
	return Values{
		K0: gp.mod().Bytes(k), X: x, V: s.encode(gp, v), A: s.encode(gp, A), B: s.encode(gp, B), U: u,
		ClientS: s.encode(gp, clientS), ServerS: s.encode(gp, serverPremaster(gp, A, v, u, b)),
	}, nil
}

// ScrambleClient and ScrambleServer take a client and a server to the point
// where they have u, with a profile that hashes to a given one.
func ScrambleClient(g *Group, u []byte) error {
	ch := Challenge{Salt: []byte{1}, B: append(make([]byte, len(g.params.n)-1), 5)}
	c := &Client{exponent: drawExponent}
	_, err := c.newExchange(fixedScramble([]byte{7}, u), g.params, nil, ch)
	return err
}

func ScrambleServer(g *Group, u []byte) error {
	five := append(make([]byte, len(g.params.n)-1), 5)
	p := &pendingLogin{v: five, b: []byte{9}, B: five, group: g.params}
	_, _, err := p.verify(fixedScramble(nil, u), [32]byte{}, Proof{A: five, M1: make([]byte, 20)}, 0)
	return err
}

// PasswordOf returns the copy of the password that a login keeps, to see that
// it is cleared.
func PasswordOf(l *Login) []byte { return l.secrets.Get().password }

// RoundTripPending decodes and encodes the body of pending state.
func RoundTripPending(body []byte) ([]byte, bool) {
	p, ok := parsePending(body)
	if !ok {
		return nil, false
	}
	again, err := p.bytes()
	return again, err == nil
}

// PendingBody returns the body of the pending state of a login over a record.
func PendingBody(record *Record, b []byte) ([]byte, error) {
	r := record.fields.Get()
	p := pendingLogin{profile: r.profile, group: r.params, prefix: []byte("hash"), salt: r.salt,
		v: r.verifier, b: b, B: r.verifier}
	return p.bytes()
}

// Multiplier is the check of k with k given.
func Multiplier(n, k []byte) error {
	g, err := anyGroupParams(n, 2)
	if err != nil {
		return err
	}
	_, err = fixedScramble(k, nil).reducedMultiplier(g)
	return err
}

func fixedScramble(k, u []byte) *spec {
	s := *RFC5054SHA1(0).spec()
	s.formulas = fixedFormulas{s.formulas, k, u}
	return &s
}

type fixedFormulas struct {
	formulas
	k, u []byte
}

func (f fixedFormulas) multiplier(*groupParams) []byte { return f.k }

func (f fixedFormulas) scramble(_, _ []byte) []byte { return f.u }

// NescioProofsAfter returns the error of proofs that begin with a prefix.
func NescioProofsAfter(prefix []byte) error {
	_, _, _, err := nescio{}.proofs(&transcript{prefix: prefix}, nil)
	return err
}
