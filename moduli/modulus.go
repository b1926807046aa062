package moduli

import (
	"bytes"
	"context"
	"errors"

	"github.com/nescio-go/nescio/internal/safeprime"
)

// Limits, in bits.
const (
	// MinBits is the size of the smallest modulus that this package searches,
	// proves or reads. Moduli below 2048 bits are for tests and demonstrations
	// only: package srp refuses them.
	MinBits = 512
	// MaxBits is the size of the largest modulus.
	MaxBits = 8192
)

// Modulus is a safe prime N and a generator G of its whole multiplicative
// group, or a pair that claims to be that. [Modulus.Verify] proves the claim.
type Modulus struct {
	N []byte // big-endian, without leading zero bytes
	G int
}

// Bits returns the size of N in bits.
func (m Modulus) Bits() int { return 8 * len(m.N) }

// Equal reports whether two moduli are the same pair.
func (m Modulus) Equal(other Modulus) bool { return m.G == other.G && bytes.Equal(m.N, other.N) }

// Verify proves that N and (N−1)/2 are prime and that G generates the whole
// group, with one exponentiation, a Lucas test and 64 rounds of Miller–Rabin
// with random bases. It returns nil, the error of ctx, or the first of these
// errors that applies:
//
//   - [ErrSize] if N has a size that this package does not take.
//   - [ErrNotPrime] if N is not prime.
//   - [ErrGenerator] if G does not generate the whole group. Whether (N−1)/2 is
//     prime is then not tested: a prime that is not a safe prime returns this
//     error for about half of all G.
//   - [ErrNotSafe] if (N−1)/2 is not prime.
//
// A composite N that was made to deceive the test of N alone can return
// [ErrGenerator] or [ErrNotSafe] instead of [ErrNotPrime]. It never
// returns nil.
//
// The first proof of a modulus takes about 70 exponentiations: a fifth of a
// second at 2048 bits and half a minute at 8192. The process remembers the last
// 1024 proofs, and package srp uses them too. The end of ctx ends the wait, not
// the proof. All values are public, and nothing here is constant time.
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
