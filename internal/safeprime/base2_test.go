package safeprime_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// requireBase2 compares with math/big.
func requireBase2(t *testing.T, n, e *big.Int) {
	require.Equal(t, new(big.Int).Exp(two, e, n).Text(16), safeprime.Base2Test(n, e).Text(16), "2^%x mod %x", e, n)
}

// randomOdd is an odd number of exactly so many bits.
func randomOdd(r *rand.Rand, bits int) *big.Int {
	n := new(big.Int)
	for n.BitLen() < bits {
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(r.Uint64()|1<<63))
	}
	n.Rsh(n, uint(n.BitLen()-bits))
	return n.SetBit(n, 0, 1)
}

// TestBase2 by random n and e of all lengths.
func TestBase2(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	step := 7
	if !testvec.Long {
		step = 61
	}
	for bits := 1; bits < 2100; bits += step {
		requireBase2(t, randomOdd(r, bits), randomOdd(r, 1+r.IntN(2*bits)))
	}
	for bits := 256; bits <= 4608; bits += 256 {
		for _, d := range []int{-1, 0, 1} {
			n := randomOdd(r, bits+d)
			requireBase2(t, n, randomOdd(r, 300))
			if bits <= 2048 || testvec.Long {
				requireBase2(t, n, new(big.Int).Rsh(n, 1))
			}
		}
	}
}

// TestBase2OfExtremeModuli: next to powers of 2 and of limbs that are all ones,
// the powers are too, and so the carries go far and comparisons have to.
func TestBase2OfExtremeModuli(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	minus := func(x *big.Int, bits uint) *big.Int { return new(big.Int).Sub(x, new(big.Int).Lsh(one, bits)) }
	for _, bits := range []uint{256, 511, 512, 513, 768, 1023, 1024, 1025, 1536, 2047, 2048, 3072, 4096} {
		power := new(big.Int).Lsh(one, bits)
		ones := minus(power, 0)
		half := new(big.Int).Rsh(power, 1)
		moduli := []*big.Int{
			ones,
			new(big.Int).Add(half, one),
			new(big.Int).Sub(half, one),
			minus(ones, 1),
			minus(ones, 64),
			minus(ones, bits/2),
			minus(ones, bits-64),
			new(big.Int).Add(power, one),
		}
		for _, n := range moduli {
			for _, e := range []*big.Int{
				new(big.Int), one, two, big.NewInt(63), big.NewInt(64), big.NewInt(int64(bits) - 1), big.NewInt(int64(bits)),
				big.NewInt(int64(bits) + 1), big.NewInt(1<<16 - 1), big.NewInt(1 << 16), minus(new(big.Int).Lsh(one, 200), 0), randomOdd(r, 200),
			} {
				requireBase2(t, n, e)
			}
			if bits <= 1025 || testvec.Long {
				requireBase2(t, n, new(big.Int).Rsh(n, 1))
			}
		}
	}
}

// TestBase2OfSmallNumbers, all of them.
func TestBase2OfSmallNumbers(t *testing.T) {
	for n := int64(1); n < 100; n += 2 {
		for e := range int64(40) {
			requireBase2(t, big.NewInt(n), big.NewInt(e))
		}
	}
}

// TestBase2LeavesItsOperands as they were.
func TestBase2LeavesItsOperands(t *testing.T) {
	n := startOf(2048, "operands")
	n.SetBit(n, 0, 1)
	e := new(big.Int).Rsh(n, 1)
	before := fmt.Sprint(n, e)
	safeprime.Base2Test(n, e)
	require.Equal(t, before, fmt.Sprint(n, e))
}

func FuzzBase2(f *testing.F) {
	for _, size := range []int{1, 32, 64, 127, 128, 256, 512} {
		ones := make([]byte, size)
		for i := range ones {
			ones[i] = 0xff
		}
		f.Add(ones, ones)
		f.Add(startOf(8*size, "fuzz").Bytes(), ones[:1])
	}
	f.Fuzz(func(t *testing.T, n, e []byte) {
		modulus := new(big.Int).SetBytes(n[:min(len(n), 640)])
		modulus.SetBit(modulus, 0, 1)
		requireBase2(t, modulus, new(big.Int).SetBytes(e[:min(len(e), 64)]))
	})
}
