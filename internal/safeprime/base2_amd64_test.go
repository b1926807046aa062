//go:build !purego

package safeprime

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/cpu"
)

// adversarial fills limbs with those of which carries are made, and others.
func adversarial(r *rand.Rand, limbs []uint64) {
	values := []uint64{0, 1, 1 << 63, 1<<63 - 1, 1<<64 - 2, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1}
	always := r.IntN(3)
	for i := range limbs {
		limbs[i] = values[r.IntN(len(values))]
		switch {
		case always == 0:
			limbs[i] = 1<<64 - 1
		case always == 1 && r.IntN(4) == 0:
			limbs[i] = r.Uint64()
		}
	}
}

func number(limbs []uint64) *big.Int {
	words := make([]big.Word, len(limbs))
	for i, limb := range limbs {
		words[i] = big.Word(limb)
	}
	return new(big.Int).SetBits(words)
}

func skipWithoutBMI2(t *testing.T) {
	if !cpu.X86.HasBMI2 {
		t.Skip("this processor has no BMI2")
	}
}

func TestSquareOfAdversarialLimbs(t *testing.T) {
	skipWithoutBMI2(t)
	r := rand.New(rand.NewPCG(9, 10))
	for blocks := 1; blocks <= 20; blocks++ {
		k := 4 * blocks
		for range 500 {
			x, twice := make([]uint64, k), make([]uint64, k+1)
			z := make([]uint64, 2*k+1)
			adversarial(r, x)
			adversarial(r, z)
			guard := z[2*k]
			x[k-1] &^= 1 << 63
			shift(twice, append(x[:k:k], 0))
			clear(z[:k])
			want := number(x)
			want.Mul(want, want)
			square(&z[0], &x[0], &twice[0], uint64(blocks))
			require.Equal(t, want.Text(16), number(z[:2*k]).Text(16), "square of %x", x)
			require.Equal(t, guard, z[2*k])
		}
	}
}

func TestReduceAdversarialLimbs(t *testing.T) {
	skipWithoutBMI2(t)
	r := rand.New(rand.NewPCG(11, 12))
	for blocks := 2; blocks <= 20; blocks++ {
		k := 4 * blocks
		radix := new(big.Int).Lsh(one, uint(64*k))
		carries := 0
		for range 500 {
			n, z := make([]uint64, k), make([]uint64, 2*k+1)
			adversarial(r, n)
			adversarial(r, z)
			n[0] |= 1
			guard := z[2*k]
			m := new(big.Int).ModInverse(number(n), radix)
			m.Mul(m, number(z[:k])).Neg(m).Mod(m, radix)
			want := new(big.Int).Mul(m, number(n))
			want.Add(want, number(z[:2*k])).Rsh(want, uint(64*k))
			carry := reduce(&z[0], &n[0], negativeInverse(n[0]), uint64(blocks))
			got := number(append(append([]uint64(nil), z[k:2*k]...), carry))
			require.Equal(t, want.Text(16), got.Text(16), "modulo %x", n)
			require.Equal(t, m.Text(16), number(z[:k]).Text(16))
			require.Equal(t, guard, z[2*k])
			carries += int(carry)
		}
		require.Positive(t, carries)
	}
}

// TestBase2WithoutBMI2 is the way that other processors go.
func TestBase2WithoutBMI2(t *testing.T) {
	before := cpu.X86.HasBMI2
	cpu.X86.HasBMI2 = false
	t.Cleanup(func() { cpu.X86.HasBMI2 = before })
	n := new(big.Int).SetBit(big.NewInt(1), 1024, 1)
	e := new(big.Int).Rsh(n, 1)
	require.Equal(t, bigTest(n, e), base2Test(n, e))
	require.Equal(t, one, base2Test(n, new(big.Int)))
}
