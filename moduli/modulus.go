package moduli

import (
	"bytes"
	"context"
	"errors"

	"github.com/nescio-go/nescio/internal/safeprime"
)

// Limits, in bits.
const (
	// MinBits is the smallest modulus that this package searches, proves or
	// reads. Below 2048 bits moduli are for tests and demonstrations only:
	// package srp refuses them.
	MinBits = 512
	// MaxBits is the largest.
	MaxBits = 8192
)

// Errors of proofs, to be told apart by errors.Is.
var (
	// ErrSize means an N that is even, has leading zero bytes, or whose size is
	// not a multiple of 8 bits from MinBits to MaxBits.
	ErrSize = errors.New("moduli: N is not an odd number of 512 to 8192 bits in whole bytes")
	// ErrNotPrime means that N is not prime.
	ErrNotPrime = errors.New("moduli: N is not prime")
	// ErrNotSafe means that (N-1)/2 is not prime.
	ErrNotSafe = errors.New("moduli: (N-1)/2 is not prime")
	// ErrGenerator means that g does not generate the whole group.
	ErrGenerator = errors.New("moduli: g does not generate the whole group of N")
)

// Modulus is a safe prime N and a generator G of its whole multiplicative
// group, or what claims to be that: [Modulus.Verify] proves it.
type Modulus struct {
	N []byte // big-endian, without leading zero bytes
	G int
}

// Bits returns the size of N in bits.
func (m Modulus) Bits() int { return 8 * len(m.N) }

// Equal reports whether two moduli are the same pair.
func (m Modulus) Equal(other Modulus) bool { return m.G == other.G && bytes.Equal(m.N, other.N) }

// Verify proves that N and (N−1)/2 are prime, by 64 rounds of Miller–Rabin with
// random bases, a Lucas test and one exponentiation, and that G generates the
// whole group. It returns nil, one of the errors above, or the error of ctx,
// which ends the wait and not the proof.
//
// The first proof of a modulus takes about 70 exponentiations, a fifth of a
// second at 2048 bits and half a minute at 8192; the process remembers it, and
// package srp does not prove it again.
func (m Modulus) Verify(ctx context.Context) error {
	if err := m.checkSize(); err != nil {
		return err
	}
	err := safeprime.Prove(ctx, m.N, m.G)
	switch {
	case errors.Is(err, safeprime.ErrSize):
		return ErrSize
	case errors.Is(err, safeprime.ErrNotPrime):
		return ErrNotPrime
	case errors.Is(err, safeprime.ErrNotSafe):
		return ErrNotSafe
	case errors.Is(err, safeprime.ErrGenerator):
		return ErrGenerator
	}
	return err
}

func (m Modulus) checkSize() error {
	n := m.N
	if len(n) < MinBits/8 || len(n) > MaxBits/8 || n[0]&0x80 == 0 || n[len(n)-1]&1 == 0 {
		return ErrSize
	}
	return nil
}
