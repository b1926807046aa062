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
			if testing.Short() && len(g.N) > 256 || !testvec.Long && len(g.N) > 512 {
				t.Skip("a proof takes seconds at this size: -tags long")
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
	counts := make(map[error]int)
	for n := 1<<15 + 1; n < 1<<16; n += 2 {
		safe := isPrime(int64(n)) && isPrime(int64(n/2))
		generators := []int{2, 3, 5, 6}
		if safe || n%64 == 63 {
			generators = append(generators, -2, -1, 0, 1, n/2, n-2, n-1, n, n+1, n+2)
		}
		for _, g := range generators {
			want := definition(n, g)
			if safe {
				require.Equal(t, 1 < g && g < n-1 && order(g, n) == n-1, want == nil, "N=%d g=%d", n, g)
			}
			require.Equal(t, want, safeprime.Verify([]byte{byte(n >> 8), byte(n)}, g), "N=%d g=%d", n, g)
			counts[want]++
		}
	}
	require.Len(t, counts, 4, "all but ErrSize")
}

// definition returns what Verify has to.
func definition(n, g int) error {
	x, square := uint64(1), uint64((g%n+n)%n)
	for e := n / 2; e > 0; e /= 2 {
		if e&1 == 1 {
			x = x * square % uint64(n)
		}
		square = square * square % uint64(n)
	}
	generates := 1 < g && g < n-1 && x == uint64(n-1)
	switch {
	case generates && isPrime(int64(n/2)):
		return nil
	case generates:
		return safeprime.ErrNotSafe
	case isPrime(int64(n)):
		return safeprime.ErrGenerator
	}
	return safeprime.ErrNotPrime
}

// order returns the order of g modulo the safe prime n.
func order(g, n int) int {
	o, x := 1, uint64(g%n)
	for ; x != 1; o++ {
		x = x * uint64(g) % uint64(n)
	}
	return o
}

var one, two = big.NewInt(1), big.NewInt(2)

// TestSubstitutedGroupIsRefused is row 7 of the attack table, at full size.
func TestSubstitutedGroupIsRefused(t *testing.T) {
	safe := new(big.Int).SetBytes(groups(t)[0].N)
	safe1024, safe1536 := new(big.Int).SetBytes(groups(t)[2].N), new(big.Int).SetBytes(groups(t)[3].N)
	large := search("large", 1024, 5, 0, prime)
	square := product(large, large)
	cofactorOfQ := search("cofactor of q", 1023, 1, 262818, func(c *big.Int) bool {
		return prime(c) && prime(double(product(large, c)))
	})
	cofactorOfN := search("cofactor of N", 1024, 7, 49361, func(c *big.Int) bool {
		return prime(c) && prime(half(product(large, c)))
	})
	smooth := big.NewInt(3)
	for i := int64(5); smooth.BitLen() < 2048 || mod(smooth, 8) != 3; i += 2 {
		smooth.Mul(smooth, big.NewInt(i))
	}
	for name, n := range map[string]*big.Int{
		"q of two large primes":          double(product(large, cofactorOfQ)),
		"q prime, N of two large primes": product(large, cofactorOfN),
		"semiprime ≡ 3 mod 8":            product(large, search("semiprime", 1024, 23, 0, prime)),
		"semiprime ≡ 11 mod 24":          product(large, search("semiprime", 1024, 7, 0, prime)),
		"square of a prime":              square,
		"fifth power of a prime":         product(square, square, large),
		"square of a safe prime":         product(safe1024, safe1024),
		"cube of a safe prime":           product(safe1024, safe1024, safe1024),
		"product of two safe primes":     product(safe1024, safe1536),
		"many small factors":             smooth,
		"q itself":                       half(safe),
		"N + 2":                          new(big.Int).Add(safe, two),
		"N - 2":                          new(big.Int).Sub(safe, two),
		"N + 24":                         new(big.Int).Add(safe, big.NewInt(24)),
		"5N":                             product(safe, big.NewInt(5)),
	} {
		requireRefused(t, name, n)
	}
	for _, class := range []int64{1, 5, 7, 11, 13, 17, 19, 23} {
		requireRefused(t, "N prime, q composite", search("prime", 512, class, 0, func(n *big.Int) bool {
			return prime(n) && !prime(half(n))
		}))
	}
}

// requireRefused makes sure that Verify refuses n with small generators, and
// why: n is odd, and no safe prime.
func requireRefused(t *testing.T, name string, n *big.Int) {
	t.Helper()
	prime := n.ProbablyPrime(0)
	for _, g := range []int64{2, 3, 4, 5, 7, 11, 13} {
		first, want := safeprime.ErrNotPrime, safeprime.ErrNotPrime
		if prime && big.Jacobi(big.NewInt(g), n) == -1 {
			first, want = nil, safeprime.ErrNotSafe
		} else if prime {
			first, want = safeprime.ErrGenerator, safeprime.ErrGenerator
		}
		require.Equal(t, first, safeprime.VerifyGenerator(n.Bytes(), int(g)), "%s, g=%d", name, g)
		require.Equal(t, want, safeprime.Verify(n.Bytes(), int(g)), "%s, g=%d", name, g)
	}
}

// TestGeneratorOfASafePrime: exactly the non-residues are generators, of p ≡ 11
// (mod 24) the 2, of p ≡ 23 others at best.
func TestGeneratorOfASafePrime(t *testing.T) {
	for _, class := range []int64{11, 23} {
		for _, fifth := range []int64{2, 3, 4} {
			n := search("safe", 256, class, 0, func(n *big.Int) bool {
				return mod(n, 5) == fifth && prime(n) && prime(half(n))
			})
			for g := -12; g <= 12; g++ {
				var want error
				if g < 2 || big.Jacobi(big.NewInt(int64(g)), n) != -1 {
					want = safeprime.ErrGenerator
				}
				require.Equal(t, want, safeprime.Verify(n.Bytes(), g), "N=%d g=%d", n, g)
			}
			require.Equal(t, class == 11, safeprime.Verify(n.Bytes(), 2) == nil)
			require.Equal(t, fifth != 4, safeprime.Verify(n.Bytes(), 5) == nil)
		}
	}
}

func TestMalformedNumberIsRefused(t *testing.T) {
	p := groups(t)[0].N
	even := append([]byte(nil), p...)
	even[len(even)-1]--
	for name, n := range map[string][]byte{
		"nil": nil, "empty": {}, "zero": {0}, "one": {1}, "long zero": make([]byte, 256),
		"safe prime of 5 bits": {23}, "15 bits": {0x7f, 0xff}, "even": {0x80, 0}, "even, full size": even,
		"leading zero": append([]byte{0}, p...), "padded to 16 bits": {0, 23},
	} {
		for _, g := range []int{-1, 0, 1, 2, 5} {
			require.Equal(t, safeprime.ErrSize, safeprime.Verify(n, g), name)
			require.Equal(t, safeprime.ErrSize, safeprime.VerifyGenerator(n, g), name)
			require.Equal(t, safeprime.ErrSize, safeprime.Prove(t.Context(), n, g), name)
		}
	}
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

// search returns the first number ≡ class (mod 24) that is accepted, from a
// number of so many bits on that label gives, and after skip others.
func search(label string, bits int, class, skip int64, accept func(n *big.Int) bool) *big.Int {
	n := new(big.Int).SetBytes(testvec.NewAccumulated(label).Input(bits / 8))
	n.SetBit(n, bits-1, 1).SetBit(n, bits-2, 1)
	n.Sub(n, big.NewInt(mod(n, 24)-class-24*skip))
	for !accept(n) {
		n.Add(n, big.NewInt(24))
	}
	return n
}

func prime(n *big.Int) bool      { return n.ProbablyPrime(0) }
func half(n *big.Int) *big.Int   { return new(big.Int).Rsh(n, 1) }
func double(q *big.Int) *big.Int { return new(big.Int).SetBit(new(big.Int).Lsh(q, 1), 0, 1) }

func mod(n *big.Int, m int64) int64 { return new(big.Int).Mod(n, big.NewInt(m)).Int64() }

func product(factors ...*big.Int) *big.Int {
	n := big.NewInt(1)
	for _, f := range factors {
		n.Mul(n, f)
	}
	return n
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
