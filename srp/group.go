package srp

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"math"
	"sync"

	"github.com/nescio-go/nescio/internal/modexp"
	"github.com/nescio-go/nescio/internal/safeprime"
)

const (
	// MinGroupBits and MaxGroupBits bound the size of N. N has a whole number
	// of bytes, the first of them with its top bit set.
	MinGroupBits = 2048
	MaxGroupBits = 8192
	// MaxCredential bounds a group's credential, in bytes.
	MaxCredential = 16 << 10
)

// Group is a verified group: N is a safe prime and g generates all of its
// multiplicative group, which keeps a passive observer from learning even one
// bit of the password's hash. It comes from the table of RFC 5054, by
// [RFC5054Group], from a proof, by [NewGroup], or from an earlier one, by
// [KnownGroup]. A Group is immutable and safe for concurrent use.
type Group struct {
	d          *domain
	credential []byte
}

// GroupRef names a group that nobody has verified yet: what a message or a
// record says of it. N is big-endian whatever the profile. Credential is what
// vouches for it, opaque to this package and at most [MaxCredential] bytes:
// Proton's signed message, for example, or nothing.
type GroupRef struct {
	N          []byte
	G          int
	Credential []byte
}

func (g GroupRef) clone() GroupRef {
	return GroupRef{N: bytes.Clone(g.N), G: g.G, Credential: bytes.Clone(g.Credential)}
}

// RFC5054Group returns the group of RFC 5054, Appendix A, of 2048, 3072, 4096,
// 6144 or 8192 bits, and ErrPolicy for any other size.
func RFC5054Group(bits int) (*Group, error) {
	known, ok := findRFC5054(bits)
	if !ok {
		return nil, errGroupSize
	}
	d, err := newDomain(known.modulus(), known.g)
	if err != nil {
		return nil, err
	}
	return &Group{d: d}, nil
}

// NewGroup proves that N, big-endian, is a safe prime and that g generates its
// whole group: 1 < g < N−1 and g^((N−1)/2) ≡ −1 (mod N). It returns ErrPolicy
// if the size is not within [MinGroupBits] and [MaxGroupBits] or the proof
// fails.
//
// The first proof of a modulus takes about 70 exponentiations, a fifth of a
// second at 2048 bits and half a minute at 8192. The process remembers what it
// proved; concurrent calls share one proof.
func NewGroup(n []byte, g int) (*Group, error) {
	d, err := newDomain(n, g)
	if err != nil {
		return nil, err
	}
	if err := d.prove(context.Background(), safeprime.Prove); err != nil {
		return nil, err
	}
	return &Group{d: d}, nil
}

// KnownGroup is NewGroup for a group that this device proved earlier, and of
// which it kept the digest (see [Group.Digest]): it trusts the digest in place
// of a new proof, and so do later logins and registrations of clients in this
// process; NewGroup and CheckRecord do not. A browser thus pays once per modulus
// and not per page.
//
// The digest must come from the device's own storage. Whoever can write there
// can substitute the group. Another digest gives ErrPolicy.
func KnownGroup(n []byte, g int, digest [32]byte) (*Group, error) {
	d, err := newDomain(n, g)
	if err != nil {
		return nil, err
	}
	own := safeprime.Digest(n, g)
	if subtle.ConstantTimeCompare(own[:], digest[:]) != 1 {
		return nil, errGroupProof
	}
	safeprime.Trust(n, g)
	return &Group{d: d}, nil
}

// WithCredential returns the same group with a credential, of which it keeps a
// copy, or ErrPolicy if that is longer than [MaxCredential]. A server sends it
// along with the group; clients whose AcceptGroup looks at credentials accept
// no group without.
func (g *Group) WithCredential(credential []byte) (*Group, error) {
	if len(credential) > MaxCredential {
		return nil, errCredential
	}
	return &Group{d: g.d, credential: bytes.Clone(credential)}, nil
}

// Bits returns the size of N in bits.
func (g *Group) Bits() int { return 8 * len(g.d.n) }

// Ref returns a copy of N, g and the credential.
func (g *Group) Ref() GroupRef {
	return GroupRef{N: g.d.n, G: g.d.g, Credential: g.credential}.clone()
}

// Digest returns 32 bytes that name the pair (N, g), for [KnownGroup].
func (g *Group) Digest() [32]byte { return safeprime.Digest(g.d.n, g.d.g) }

// AnyGroup returns a group policy (see ClientConfig.AcceptGroup) that accepts
// every group of at most maxBits bits, signed by nobody. Each group is proved
// none the less. The time of a proof grows with the third power of the size,
// and the server chooses it.
func AnyGroup(maxBits int) func(n []byte, g int, credential []byte) error {
	return func(n []byte, _ int, _ []byte) error {
		if len(n) > maxBits/8 {
			return errGroupSize
		}
		return nil
	}
}

// AnyOf returns a group policy that accepts what one of the given policies does,
// which it asks in their order, and none if there are none.
func AnyOf(policies ...func(n []byte, g int, credential []byte) error) func(n []byte, g int, credential []byte) error {
	return func(n []byte, g int, credential []byte) error {
		errs := []error{errOrigin}
		for _, accept := range policies {
			err := accept(bytes.Clone(n), g, bytes.Clone(credential))
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// RFC5054Groups is the group policy of a client that names none: the groups of
// RFC 5054 of 2048 to 4096 bits, without a credential.
func RFC5054Groups(n []byte, g int, credential []byte) error {
	if bits := rfc5054Number(n, g); bits == 0 || bits > 4096 || len(credential) != 0 {
		return errOrigin
	}
	return nil
}

// domain is a group whose form has been checked, and which may be anything
// else: the arithmetic works modulo any odd number.
type domain struct {
	n   []byte // big-endian
	g   int
	mod func() *modexp.Modulus // made at the first use: it takes longer than all checks
}

// newDomain checks size, parity and range, in a microsecond, and keeps a copy
// of n.
func newDomain(n []byte, g int) (*domain, error) {
	if len(n) < MinGroupBits/8 || len(n) > MaxGroupBits/8 || n[0]&0x80 == 0 {
		return nil, errGroupSize
	}
	return anyDomain(n, g)
}

// anyDomain is newDomain for N of any size from 8 bytes on.
func anyDomain(n []byte, g int) (*domain, error) {
	if len(n) < 8 || n[0] == 0 || n[len(n)-1]&1 == 0 || g < 2 || g > math.MaxInt32 {
		return nil, errGroupSize
	}
	d := &domain{n: bytes.Clone(n), g: g}
	d.mod = sync.OnceValue(func() *modexp.Modulus {
		mod, err := modexp.NewModulus(d.n)
		if err != nil {
			panic("srp: internal error: " + err.Error())
		}
		return mod
	})
	return d, nil
}

// generator is g modulo N.
func (d *domain) generator() *modexp.Int { return d.mod().Reduce(d.paddedG()) }

// prove returns nil if the group is verified, ErrPolicy if it is not what it
// seems, or the error of ctx. The proof is one of package safeprime; the moduli
// of RFC 5054 need none, and with another g than the RFC's only its short part.
func (d *domain) prove(ctx context.Context, proof func(ctx context.Context, n []byte, g int) error) error {
	err := ctx.Err()
	if rfc, ok := findRFC5054(8 * len(d.n)); ok && rfc5054Number(d.n, rfc.g) != 0 {
		if err == nil && d.g != rfc.g {
			err = safeprime.VerifyGenerator(d.n, d.g)
		}
	} else {
		err = proof(ctx, d.n, d.g)
	}
	if err == nil || err == ctx.Err() {
		return err
	}
	return errGroupProof
}

// paddedG is PAD(g), big-endian.
func (d *domain) paddedG() []byte {
	g := make([]byte, len(d.n))
	binary.BigEndian.PutUint32(g[len(g)-4:], uint32(d.g))
	return g
}

// exponentSize is the size in bytes of the ephemeral exponents a and b. In a
// group whose only subgroups have order 1, 2, q and 2q, twice the strength
// that the group itself has is enough: 256 bits at 2048, then more.
func (d *domain) exponentSize() int {
	switch bits := 8 * len(d.n); {
	case bits <= 2048:
		return 32
	case bits <= 3072:
		return 36
	case bits <= 4096:
		return 40
	}
	return 48
}
