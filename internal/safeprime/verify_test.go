package safeprime_test

import (
	"embed"
	"math/big"
	"testing"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

//go:embed testdata
var testdata embed.FS

type group struct {
	Name string      `json:"name"`
	N    testvec.Hex `json:"N"`
	G    int         `json:"g"`
}

func groups(t testing.TB) []group {
	return testvec.Load[[]group](t, testdata, "testdata/groups.json")
}

func TestPublishedGroupsAreProved(t *testing.T) {
	for _, g := range groups(t) {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && len(g.N) > 256 {
				t.Skip("a proof takes seconds at this size")
			}
			require.NoError(t, safeprime.Verify(g.N, g.G))
		})
	}
}

// TestQuadraticResidueIsRefused is row 6 of the attack table: in these groups
// 2 is a quadratic residue, so that a passive observer learns one bit of the
// password's hash at every login.
func TestQuadraticResidueIsRefused(t *testing.T) {
	refused := func(name string, n *big.Int) {
		require.ErrorIs(t, safeprime.Verify(n.Bytes(), 2), safeprime.ErrGenerator, name)
		require.ErrorIs(t, safeprime.Verify(n.Bytes(), 4), safeprime.ErrGenerator, name)
	}
	for _, g := range groups(t) {
		if len(g.N) >= 384 { // RFC 3526, groups 15 to 18, are those of RFC 5054
			refused(g.Name, new(big.Int).SetBytes(g.N))
		}
	}
	refused("RFC 3526, group 14", constantPrime(2048, pi(1918+64), 124476))
	refused("RFC 7919, ffdhe2048", constantPrime(2048, e(1918+64), 560316))
	refused("RFC 7919, ffdhe3072", constantPrime(3072, e(2942+64), 2625351))

	// p ≡ 23 (mod 24) in general: every safe prime of that class up to 2^18.
	found := 0
	for p := int64(1<<15 + 7); p < 1<<18; p += 8 {
		if p%24 == 23 && isPrime(p) && isPrime(p/2) {
			refused("small", big.NewInt(p))
			found++
		}
	}
	require.Greater(t, found, 100)
}

// TestConstantPrimes makes sure that the groups of the test above are refused
// for their generator alone: they are safe primes.
func TestConstantPrimes(t *testing.T) {
	for name, p := range map[string]*big.Int{
		"group 14":  constantPrime(2048, pi(1918+64), 124476),
		"ffdhe2048": constantPrime(2048, e(1918+64), 560316),
		"ffdhe3072": constantPrime(3072, e(2942+64), 2625351),
	} {
		require.True(t, p.ProbablyPrime(0), name)
		require.True(t, new(big.Int).Rsh(p, 1).ProbablyPrime(0), name)
	}
}

// TestBruteForce compares Verify with the definition, for all odd numbers of
// 16 bits and generators of every kind.
func TestBruteForce(t *testing.T) {
	for n := 1<<15 + 1; n < 1<<16; n += 2 {
		safe := isPrime(int64(n)) && isPrime(int64(n/2))
		generators := []int{2, 3, 5, 6}
		if safe {
			generators = append(generators, -1, 0, 1, n/2, n-2, n-1, n, n+1, n+2)
		}
		for _, g := range generators {
			err := safeprime.Verify([]byte{byte(n >> 8), byte(n)}, g)
			if safe && g > 1 && g < n-1 && order(g, n) == n-1 {
				require.NoError(t, err, "N=%d g=%d", n, g)
			} else {
				require.Error(t, err, "N=%d g=%d", n, g)
			}
		}
	}
}

// order returns the order of g modulo the safe prime n.
func order(g, n int) int {
	o, x := 1, uint64(g%n)
	for ; x != 1; o++ {
		x = x * uint64(g) % uint64(n)
	}
	return o
}

// TestSubstitutedGroupIsRefused is row 7 of the attack table, at full size.
func TestSubstitutedGroupIsRefused(t *testing.T) {
	p := new(big.Int).SetBytes(groups(t)[0].N)
	q := new(big.Int).Rsh(p, 1)
	prime := func(bits int, accept func(p *big.Int) bool) *big.Int {
		c := new(big.Int).SetBytes(testvec.NewAccumulated("substituted").Input(bits / 8))
		c.SetBit(c, bits-1, 1).SetBit(c, bits-2, 1).SetBit(c, 0, 1)
		for !c.ProbablyPrime(0) || !accept(c) {
			c.Add(c, two)
		}
		return c
	}
	half := func(p *big.Int) *big.Int { return new(big.Int).Rsh(p, 1) }
	double := func(p *big.Int) *big.Int { return new(big.Int).SetBit(new(big.Int).Lsh(p, 1), 0, 1) }
	mod8is3 := func(p *big.Int) bool { return p.Bit(0) == 1 && p.Bit(1) == 1 && p.Bit(2) == 0 }

	factor1 := prime(512, func(p *big.Int) bool { return p.Bit(1) == 1 })
	factor2 := prime(512, func(p *big.Int) bool { return p.Cmp(factor1) > 0 && p.Bit(1) == 0 && p.Bit(2) == factor1.Bit(2) })
	semiprime := new(big.Int).Mul(factor1, factor2)
	require.True(t, mod8is3(semiprime))

	smooth := big.NewInt(1)
	for i := int64(3); smooth.BitLen() < 2048; i += 2 {
		smooth.Mul(smooth, big.NewInt(i))
	}
	for smooth.Add(smooth, two); !mod8is3(smooth); smooth.Add(smooth, two) {
	}

	for name, n := range map[string]*big.Int{
		"p prime, q composite": prime(1024, func(p *big.Int) bool { return mod8is3(p) && !half(p).ProbablyPrime(0) }),
		"q prime, p composite": double(prime(1024, func(q *big.Int) bool { return mod8is3(double(q)) && !double(q).ProbablyPrime(0) })),
		"semiprime ≡ 3 mod 8":  semiprime,
		"many small factors":   smooth,
		"square of a prime":    new(big.Int).Mul(factor1, factor1),
		"Carmichael":           big.NewInt(101101),
		"q itself":             q,
		"N + 2":                new(big.Int).Add(p, two),
		"N - 2":                new(big.Int).Sub(p, two),
		"N + 8":                new(big.Int).Add(p, big.NewInt(8)),
		"3N":                   new(big.Int).Mul(p, big.NewInt(3)),
		"N·N":                  new(big.Int).Mul(p, p),
	} {
		for _, g := range []int{2, 3, 5, 7, 11} {
			require.Error(t, safeprime.Verify(n.Bytes(), g), "%s, g=%d", name, g)
		}
	}
	for name, n := range map[string][]byte{
		"nil": nil, "empty": {}, "zero": {0}, "even": {0x80, 0}, "tiny": {23}, "leading zero": append([]byte{0}, p.Bytes()...),
		"even of full size": new(big.Int).Sub(p, one).Bytes(),
	} {
		require.ErrorIs(t, safeprime.Verify(n, 2), safeprime.ErrSize, name)
	}
}

var one, two = big.NewInt(1), big.NewInt(2)

// TestArnault: a composite made to pass the strong test for every prime base
// below 307 does not pass random bases. F. Arnault, "Rabin–Miller primality
// test: composite numbers which pass it", Mathematics of Computation 64 (1995).
func TestArnault(t *testing.T) {
	p1, ok := new(big.Int).SetString("29674495668685510550154174642905332730771991799853043350995075531276838753171770199594238596428121188033664754218345562493168782883", 10)
	require.True(t, ok)
	less := new(big.Int).Sub(p1, one)
	n := new(big.Int).Set(p1)
	for _, k := range []int64{313, 353} {
		f := new(big.Int).Mul(less, big.NewInt(k))
		n.Mul(n, f.Add(f, one))
	}
	minusOne := new(big.Int).Sub(n, one)
	d := new(big.Int).Rsh(minusOne, 1)
	require.EqualValues(t, 1, d.Bit(0), "n ≡ 3 (mod 4)")
	for b := int64(2); b < 307; b++ {
		if !isPrime(b) {
			continue
		}
		x := new(big.Int).Exp(big.NewInt(b), d, n)
		require.True(t, x.Cmp(one) == 0 || x.Cmp(minusOne) == 0, "it deceives base %d", b)
	}
	require.False(t, safeprime.MillerRabin(n))
}

func TestMillerRabinAgainstTrialDivision(t *testing.T) {
	for n := int64(5); n < 5000; n += 2 {
		require.Equal(t, isPrime(n), safeprime.MillerRabin(big.NewInt(n)), n)
	}
}

func isPrime(n int64) bool {
	for d := int64(2); d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}

// constantPrime is 2^bits − 2^(bits−64) − 1 + 2^64·(⌊2^(bits−130)·c⌋ + add),
// the form of RFC 3526 and RFC 7919; c comes scaled by 2^(bits−66).
func constantPrime(bits uint, c *big.Int, add int64) *big.Int {
	p := new(big.Int).Lsh(one, bits)
	p.Sub(p, new(big.Int).Lsh(one, bits-64)).Sub(p, one)
	f := new(big.Int).Rsh(c, 64)
	return p.Add(p, f.Add(f, big.NewInt(add)).Lsh(f, 64))
}

// e returns 2^bits·e, less a little.
func e(bits uint) *big.Int {
	term := new(big.Int).Lsh(one, bits+64)
	sum := new(big.Int)
	for i := int64(1); term.Sign() > 0; i++ {
		sum.Add(sum, term)
		term.Quo(term, big.NewInt(i))
	}
	return sum.Rsh(sum, 64)
}

// pi returns 2^bits·π, less a little, by Machin's formula.
func pi(bits uint) *big.Int {
	arctan := func(inverse int64) *big.Int {
		x2 := big.NewInt(inverse * inverse)
		term := new(big.Int).Lsh(one, bits+64)
		term.Quo(term, big.NewInt(inverse))
		sum := new(big.Int)
		for k := int64(1); term.Sign() > 0; k += 2 {
			part := new(big.Int).Quo(term, big.NewInt(k))
			if k%4 == 1 {
				sum.Add(sum, part)
			} else {
				sum.Sub(sum, part)
			}
			term.Quo(term, x2)
		}
		return sum
	}
	sum := new(big.Int).Mul(arctan(5), big.NewInt(16))
	sum.Sub(sum, new(big.Int).Mul(arctan(239), big.NewInt(4)))
	return sum.Rsh(sum, 64)
}

func BenchmarkVerify(b *testing.B) {
	g := groups(b)[0]
	b.Run("2048", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := safeprime.Verify(g.N, g.G); err != nil {
				b.Fatal(err)
			}
		}
	})
}
