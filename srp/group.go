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
	MinGroupBits   = 2048 // of N, in whole bytes
	MaxGroupBits   = 8192
	MaxCertificate = 16 << 10 // bytes
)

// Group is a verified group: N is a safe prime, and g generates the whole
// group.
type Group struct {
	params      *groupParams
	certificate []byte
}

// UnverifiedGroup is what a peer or a record claims. N is big-endian.
type UnverifiedGroup struct {
	N           []byte
	G           int
	Certificate []byte
}

func (g UnverifiedGroup) clone() UnverifiedGroup {
	return UnverifiedGroup{N: bytes.Clone(g.N), G: g.G, Certificate: bytes.Clone(g.Certificate)}
}

// RFC5054Group returns the group of 2048, 3072, 4096, 6144 or 8192 bits, or
// [ErrPolicy].
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

// NewGroup verifies N, big-endian, and g, or returns [ErrPolicy]. The first
// proof of N takes 0.2 s at 2048 bits, 30 s at 8192.
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

// KnownGroup is [NewGroup] with a digest from this device instead of a proof.
// Anyone who can write the digest can substitute the group. A wrong digest
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

// WithCertificate returns the group with another certificate, or [ErrPolicy].
// Servers send it whatever their records contain.
func (g *Group) WithCertificate(certificate []byte) (*Group, error) {
	if len(certificate) > MaxCertificate {
		return nil, errCertificate
	}
	return &Group{params: g.params, certificate: bytes.Clone(certificate)}, nil
}

// Bits returns the size of N.
func (g *Group) Bits() int { return 8 * len(g.params.n) }

// Unverified returns a copy of the values.
func (g *Group) Unverified() UnverifiedGroup {
	return UnverifiedGroup{N: g.params.n, G: g.params.g, Certificate: g.certificate}.clone()
}

// Digest names (N, g), for [KnownGroup].
func (g *Group) Digest() [32]byte { return safeprime.Digest(g.params.n, g.params.g) }

// groupParams are N and g after a check of their form. Nothing else about the
// group is certain: the arithmetic works modulo any odd number.
type groupParams struct {
	n   []byte // big-endian
	g   int
	mod func() *modexp.Modulus // made at the first use, because it is slow
}

// newGroupParams checks size, parity and range, which takes a microsecond, and
// copies n.
func newGroupParams(n []byte, g int) (*groupParams, error) {
	if len(n) < MinGroupBits/8 || len(n) > MaxGroupBits/8 || n[0]&0x80 == 0 {
		return nil, errGroupSize
	}
	return anyGroupParams(n, g)
}

// anyGroupParams is newGroupParams for N of 8 bytes or more.
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
// moduli of RFC 5054 need none. With another g than the RFC's they need the
// short part of the proof.
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

// exponentSize is the size in bytes of the ephemeral exponents a and b. The
// only subgroups of the group have order 1, 2, q and 2q. So exponents of twice
// the group's own strength are enough: 256 bits at 2048, more above.
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
