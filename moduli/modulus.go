package moduli

import (
	"bytes"
	"context"
	"errors"

	"github.com/nescio-go/nescio/internal/safeprime"
)

// Limits, in bits and in bytes.
const (
	MinBits = 512 // package srp needs 2048
	MaxBits = 8192

	MaxLabel   = 255
	MaxPurpose = 255
	MaxRecord  = 8 << 10
	MaxKeys    = 1 << 20
	MaxPool    = 16 << 20 // about 3,000 signed records
)

// Modulus is a safe prime N and a generator G. [Modulus.Verify] proves it.
type Modulus struct {
	N []byte // big-endian, without leading zero bytes
	G int
}

// Bits returns the size of N.
func (m Modulus) Bits() int { return 8 * len(m.N) }

// Equal reports whether N and G are equal.
func (m Modulus) Equal(other Modulus) bool { return m.G == other.G && bytes.Equal(m.N, other.N) }

// Verify proves the modulus with a Lucas test and 64 random Miller–Rabin
// rounds. It returns [ErrSize], [ErrNotPrime], [ErrGenerator], [ErrNotSafe] or
// the error of ctx. A proof takes 0.2 s at 2048 bits, 30 s at 8192, and
// continues when ctx ends.
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
