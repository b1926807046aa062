package srp

import (
	"context"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/kdf"
)

// The hooks of the tests: fixed randomness, groups too small to be offered,
// a settable clock. Nothing outside the tests can reach them.

// AnswerWith is Answer with a given a.
func (l *Login) AnswerWith(ctx context.Context, c Challenge, a []byte) (Proof, error) {
	return l.answer(ctx, func() (Challenge, bool) { return c, true }, func(int) []byte { return append([]byte(nil), a...) })
}

// ChallengeWith is Challenge with a given b.
func (s *Server) ChallengeWith(ctx context.Context, id, record, b []byte) (Challenge, []byte, error) {
	return s.challenge(ctx, id, record, func(int) []byte { return append([]byte(nil), b...) })
}

// RespondWith is Respond after the password's hash: with x given, it does all
// that Respond does but that.
func (c *Client) RespondWith(ctx context.Context, response, identity, x []byte) (final []byte, err error) {
	ch, ok := parseResponse(response)
	if !ok {
		return nil, ErrMalformed
	}
	d, err := c.allowedDomain(ctx, ch.Profile, ch.Group)
	if err != nil {
		return nil, err
	}
	if err := d.prove(ctx, safeprime.ProveOrTrust); err != nil {
		return nil, err
	}
	e, err := c.newExchange(ch.Profile.scheme(), d, identity, ch, func(size int) []byte { return append([]byte{0xff}, make([]byte, size-1)...) })
	if err != nil {
		return nil, err
	}
	_, M1, _, err := e.proofs(x)
	if err != nil {
		return nil, err
	}
	return encodeFinal(Proof{A: e.t.A, M1: M1}), nil
}

// BeginWith is Begin with a given b.
func (s *Server) BeginWith(ctx context.Context, id, record, request, b []byte) (response, pending []byte, err error) {
	return s.begin(ctx, id, record, request, func(int) []byte { return append([]byte(nil), b...) })
}

// NewServerAt is NewServer with a clock.
func NewServerAt(cfg ServerConfig, now func() time.Time) (*Server, error) { return newServer(cfg, now) }

// RegisterWith is Register with a given salt, without a policy.
func RegisterWith(o Offer, identity, password, salt []byte) (*Record, error) {
	d, err := newDomain(o.Group.N, o.Group.G)
	if err != nil {
		return nil, err
	}
	f, err := exactly(o.kdf(), salt)
	if err != nil {
		return nil, err
	}
	return register(context.Background(), d, f, o, identity, password, salt)
}

// exactly is the function of KDF parameters that no policy judged.
func exactly(p kdf.Params, salt []byte) (*kdf.Function, error) {
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

// Values are all numbers of one login, in the profile's byte order; x, u and k
// big-endian.
type Values struct {
	K0, X, V, A, B, U, ClientS, ServerS []byte
}

// Compute runs the steps of the exchange in any group, with given exponents.
func Compute(p Profile, n []byte, g int, I, password, salt, a, b []byte) (Values, error) {
	s := p.scheme()
	d, err := anyDomain(n, g)
	if err != nil {
		return Values{}, err
	}
	k, err := multiplier(s, d)
	if err != nil {
		return Values{}, err
	}
	f, err := exactly(SmallKDF(p), salt)
	if err != nil {
		return Values{}, err
	}
	x, err := s.privateKey(context.Background(), d, f, I, password, salt)
	if err != nil {
		return Values{}, err
	}
	v := d.mod().Exp(d.generator(), x)
	A, B := clientPublic(d, a), serverPublic(d, k, v, b)
	u, err := scramble(s, encode(s, d, A), encode(s, d, B))
	if err != nil {
		return Values{}, err
	}
	clientS, err := clientPremaster(d, k, B, a, u, x)
	if err != nil {
		return Values{}, err
	}
	return Values{
		K0: d.mod().Bytes(k), X: x, V: encode(s, d, v), A: encode(s, d, A), B: encode(s, d, B), U: u,
		ClientS: encode(s, d, clientS), ServerS: encode(s, d, serverPremaster(d, A, v, u, b)),
	}, nil
}

// ScrambleClient and ScrambleServer take a client and a server to the point
// where they have u, with a scheme that hashes to a given one.
func ScrambleClient(g *Group, u []byte) error {
	ch := Challenge{Salt: []byte{1}, B: append(make([]byte, len(g.d.n)-1), 5)}
	_, err := new(Client).newExchange(fixedScramble{k: []byte{7}, u: u}, g.d, nil, ch, randomExponent)
	return err
}

func ScrambleServer(g *Group, u []byte) error {
	five := append(make([]byte, len(g.d.n)-1), 5)
	p := &pendingLogin{v: five, b: []byte{9}, B: five, domain: g.d}
	_, _, err := p.verify(fixedScramble{u: u}, Proof{A: five, M1: make([]byte, 20)}, 0)
	return err
}

// PasswordOf returns the copy of the password that a login keeps, to see that
// it is cleared.
func PasswordOf(l *Login) []byte { return l.password }

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
func PendingBody(r *Record, b []byte) ([]byte, error) {
	p := pendingLogin{profile: r.profile, n: r.domain.n, g: r.domain.g, prefix: []byte("hash"), salt: r.salt,
		v: r.verifier, b: b, B: r.verifier}
	return p.bytes()
}

// Multiplier is the check of k with k given.
func Multiplier(n, k []byte) error {
	d, err := anyDomain(n, 2)
	if err != nil {
		return err
	}
	_, err = multiplier(fixedScramble{k: k}, d)
	return err
}

type fixedScramble struct {
	rfc5054
	k, u []byte
}

func (f fixedScramble) multiplier(*domain) []byte { return f.k }

func (f fixedScramble) scramble(_, _ []byte) []byte { return f.u }

// NescioProofsAfter returns the error of proofs that begin with a prefix.
func NescioProofsAfter(prefix []byte) error {
	_, _, _, err := nescio{}.proofs(&transcript{prefix: prefix}, nil)
	return err
}
