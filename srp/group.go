package srp

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/binary"
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
	// MaxCertificate bounds a group's certificate, in bytes.
	MaxCertificate = 16 << 10
)

// Group is a verified group: N is a safe prime and g generates its whole
// multiplicative group, which keeps a passive observer from learning even one
// bit of the password's hash. A Group comes from the table of RFC 5054, by
// [RFC5054Group], from a proof, by [NewGroup], or from an earlier proof, by
// [KnownGroup]. It is immutable and safe for concurrent use.
type Group struct {
	params      *groupParams
	certificate []byte
}

// UnverifiedGroup names a group that nobody has verified yet: what a message or
// a record says about its group. N is big-endian for every profile.
// Certificate is what vouches for the group, opaque to this package and at most
// [MaxCertificate] bytes: Proton's signed message, for example, or nothing.
type UnverifiedGroup struct {
	N           []byte
	G           int
	Certificate []byte
}

func (g UnverifiedGroup) clone() UnverifiedGroup {
	return UnverifiedGroup{N: bytes.Clone(g.N), G: g.G, Certificate: bytes.Clone(g.Certificate)}
}

// RFC5054Group returns the group of RFC 5054, Appendix A, of 2048, 3072, 4096,
// 6144 or 8192 bits. For any other size it returns [ErrPolicy].
func RFC5054Group(bits int) (*Group, error) {
	known, ok := findRFC5054(bits)
	if !ok {
		return nil, errGroupSize
	}
	p, err := newGroupParams(known.modulus(), known.g)
	if err != nil {
		return nil, err
	}
	return &Group{params: p}, nil
}

// NewGroup proves that N, big-endian, is a safe prime and that g generates its
// whole group: 1 < g < N−1 and g^((N−1)/2) ≡ −1 (mod N). It returns [ErrPolicy]
// if the size is not within [MinGroupBits] and [MaxGroupBits] or the proof
// fails.
//
// The first proof of a modulus takes about 70 exponentiations, a fifth of a
// second at 2048 bits and half a minute at 8192. The process remembers what it
// proved. Concurrent calls share one proof.
func NewGroup(n []byte, g int) (*Group, error) {
	p, err := newGroupParams(n, g)
	if err != nil {
		return nil, err
	}
	if err := p.prove(context.Background(), safeprime.Prove); err != nil {
		return nil, err
	}
	return &Group{params: p}, nil
}

// KnownGroup is [NewGroup] for a group that this device proved earlier and whose
// digest it kept (see [Group.Digest]). It trusts the digest instead of a new
// proof, and so do later logins and registrations of clients in this process;
// NewGroup and [CheckRecord] do not. A browser thus pays once per modulus and
// not once per page: the proof takes 2 seconds in WebAssembly.
//
// The digest must come from the device's own storage. Anyone who can write there
// can substitute the group. If the digest is of another group, KnownGroup
// returns [ErrPolicy].
func KnownGroup(n []byte, g int, digest [32]byte) (*Group, error) {
	p, err := newGroupParams(n, g)
	if err != nil {
		return nil, err
	}
	own := safeprime.Digest(n, g)
	if subtle.ConstantTimeCompare(own[:], digest[:]) != 1 {
		return nil, errGroupProof
	}
	safeprime.Trust(n, g)
	return &Group{params: p}, nil
}

// WithCertificate returns the same group with a copy of the certificate. It
// returns [ErrPolicy] for more than [MaxCertificate] bytes. Clients whose
// [GroupPolicy] looks at certificates accept no group without one.
//
// A server sends the certificate of the group in its kinds, also to accounts
// whose record contains another one. To replace a certificate, make a server
// with the new one. Stored records need no change, unless the group is in none
// of the server's kinds.
func (g *Group) WithCertificate(certificate []byte) (*Group, error) {
	if len(certificate) > MaxCertificate {
		return nil, errCertificate
	}
	return &Group{params: g.params, certificate: bytes.Clone(certificate)}, nil
}

// Bits returns the size of N in bits.
func (g *Group) Bits() int { return 8 * len(g.params.n) }

// Unverified returns a copy of N, g and the certificate.
func (g *Group) Unverified() UnverifiedGroup {
	return UnverifiedGroup{N: g.params.n, G: g.params.g, Certificate: g.certificate}.clone()
}

// Digest returns 32 bytes that name the pair (N, g), for [KnownGroup].
func (g *Group) Digest() [32]byte { return safeprime.Digest(g.params.n, g.params.g) }

// groupParams are N and g whose form has been checked. The group may be
// anything else: the arithmetic works modulo any odd number.
type groupParams struct {
	n   []byte // big-endian
	g   int
	mod func() *modexp.Modulus // made at the first use: it takes longer than all checks
}

// newGroupParams checks size, parity and range, in a microsecond, and keeps a
// copy of n.
func newGroupParams(n []byte, g int) (*groupParams, error) {
	if len(n) < MinGroupBits/8 || len(n) > MaxGroupBits/8 || n[0]&0x80 == 0 {
		return nil, errGroupSize
	}
	return anyGroupParams(n, g)
}

// anyGroupParams is newGroupParams for N of any size from 8 bytes on.
func anyGroupParams(n []byte, g int) (*groupParams, error) {
	if len(n) < 8 || n[0] == 0 || n[len(n)-1]&1 == 0 || g < 2 || g > math.MaxInt32 {
		return nil, errGroupSize
	}
	p := &groupParams{n: bytes.Clone(n), g: g}
	p.mod = sync.OnceValue(func() *modexp.Modulus {
		mod, err := modexp.NewModulus(p.n)
		if err != nil {
			panic("srp: internal error: " + err.Error())
		}
		return mod
	})
	return p, nil
}

// generator is g modulo N.
func (p *groupParams) generator() *modexp.Int { return p.mod().Reduce(p.paddedG()) }

// prove returns nil if the group is verified, ErrPolicy if it is not what it
// seems, or the error of ctx. The proof is a function of package safeprime. The
// moduli of RFC 5054 need none, and with another g than the RFC's only its short
// part.
func (p *groupParams) prove(ctx context.Context, proof func(ctx context.Context, n []byte, g int) error) error {
	err := ctx.Err()
	if rfc, ok := findRFC5054(8 * len(p.n)); ok && rfc5054Number(p.n, rfc.g) != 0 {
		if err == nil && p.g != rfc.g {
			err = safeprime.VerifyGenerator(p.n, p.g)
		}
	} else {
		err = proof(ctx, p.n, p.g)
	}
	if err == nil || err == ctx.Err() {
		return err
	}
	return errGroupProof
}

// paddedG is PAD(g), big-endian.
func (p *groupParams) paddedG() []byte {
	g := make([]byte, len(p.n))
	binary.BigEndian.PutUint32(g[len(g)-4:], uint32(p.g))
	return g
}

// exponentSize is the size in bytes of the ephemeral exponents a and b. In a
// group whose only subgroups have order 1, 2, q and 2q, twice the strength
// that the group itself has is enough: 256 bits at 2048, then more.
func (p *groupParams) exponentSize() int {
	switch bits := 8 * len(p.n); {
	case bits <= 2048:
		return 32
	case bits <= 3072:
		return 36
	case bits <= 4096:
		return 40
	}
	return 48
}
