package safeprime_test

import (
	"math/big"
	"testing"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// TestStrongTestVectors: one round of Miller–Rabin with a given base, for
// numbers and bases of every kind.
func TestStrongTestVectors(t *testing.T) {
	vectors := testvec.Load[[]struct {
		W        testvec.Hex `json:"w"`
		B        testvec.Hex `json:"b"`
		Probably bool        `json:"probably"`
	}](t, testdata, "testdata/miller_rabin_boringssl.json")
	passed := 0
	for _, v := range vectors {
		w, b := new(big.Int).SetBytes(v.W), new(big.Int).SetBytes(v.B)
		require.Equal(t, v.Probably, safeprime.StrongTest(w, b), "w = %x, b = %x", w, b)
		if v.Probably {
			passed++
		}
	}
	require.Equal(t, 72, len(vectors))
	require.Equal(t, 43, passed)
}

// TestPrimalityVectors: the proof that q is prime accepts the primes and
// nothing else, and so does each of its two tests alone.
func TestPrimalityVectors(t *testing.T) {
	vectors := testvec.Load[[]struct {
		ID      int         `json:"id"`
		Value   testvec.Hex `json:"value"`
		Prime   bool        `json:"prime"`
		Comment string      `json:"comment"`
	}](t, testdata, "testdata/primality_wycheproof.json")
	primes, composites, small := 0, 0, 0
	for _, v := range vectors {
		q := new(big.Int).SetBytes(v.Value)
		if q.BitLen() < 15 { // Verify refuses N = 2q + 1 before any test
			require.ErrorIs(t, safeprime.Verify(double(q).Bytes(), 2), safeprime.ErrSize)
			small++
			continue
		}
		require.Equal(t, v.Prime, safeprime.BailliePSW(q), "%d: %s", v.ID, v.Comment)
		err := safeprime.VerifyPrime(double(q).Bytes())
		if v.Prime {
			require.NoError(t, err, "%d: %s", v.ID, v.Comment)
			primes++
			continue
		}
		require.Equal(t, safeprime.ErrNotSafe, err, "%d: %s", v.ID, v.Comment)
		composites++
		if q.Bit(0) == 1 {
			require.False(t, safeprime.MillerRabin(q), "%d: %s", v.ID, v.Comment)
		}
	}
	require.Equal(t, 59, primes)
	require.Equal(t, 231, composites)
	require.Equal(t, 13, small)
}
