package safeprime_test

import (
	"crypto/rand"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// The numbers below are what somebody would send who knows how the proof works.
// They are made here, from their definitions. Those that take long to find come
// with the number of candidates to skip, and are checked all the same.

// arnault makes n = p1·p2·p3 with p − 1 = k·(p1 − 1) for each of its factors,
// after F. Arnault, "Rabin–Miller primality test: composite numbers which pass
// it", Mathematics of Computation 64 (1995). If p1 ≡ −1/k3 (mod k2) and ≡ −1/k2
// (mod k3), each p − 1 divides n − 1, and n is a Carmichael number. If,
// besides, a base has the same quadratic character modulo all three, it takes n
// for prime in the strong test: either character if p ≡ 3 (mod 4), that of a
// non-residue if p ≡ 5 (mod 8).
type arnault struct {
	bits  int      // of n
	bases int64    // all primes below it are deceived
	class int64    // of each p modulo 8: 3 or 5
	k     [3]int64 // k1 is 1
	lead  int64    // p1 is the first from lead·2^shift on,
	shift uint
	skip  int64 // not counting so many candidates
}

// make returns the factors, such that accept(n) holds.
func (a arnault) make(accept func(n *big.Int) bool) (n *big.Int, factors []*big.Int) {
	p1, step := a.progression()
	start := new(big.Int).Lsh(big.NewInt(a.lead), a.shift)
	start.Quo(start, step).Add(start, big.NewInt(a.skip))
	p1.Add(p1, start.Mul(start, step))
	for ; ; p1.Add(p1, step) {
		factors = nil
		n = big.NewInt(1)
		for _, k := range a.k {
			p := new(big.Int).Sub(p1, one)
			p.Mul(p, big.NewInt(k)).Add(p, one)
			if !p.ProbablyPrime(0) {
				break
			}
			factors = append(factors, p)
			n.Mul(n, p)
		}
		if len(factors) == 3 && accept(n) {
			return n, factors
		}
	}
}

// progression returns the residue of p1 and the modulus.
func (a arnault) progression() (residue, modulus *big.Int) {
	residue, modulus = big.NewInt(a.class), big.NewInt(8)
	also := func(r, m int64) {
		x := new(big.Int).Sub(big.NewInt(r), residue)
		x.Mul(x, new(big.Int).ModInverse(modulus, big.NewInt(m))).Mod(x, big.NewInt(m))
		residue.Add(residue, x.Mul(x, modulus))
		modulus.Mul(modulus, big.NewInt(m))
	}
	for b := int64(3); b < a.bases; b += 2 {
		if isPrime(b) {
			also(a.residue(b), b)
		}
	}
	minusInverse := func(k, m int64) int64 {
		return m - new(big.Int).ModInverse(big.NewInt(k), big.NewInt(m)).Int64()
	}
	also(minusInverse(a.k[2], a.k[1]), a.k[1])
	also(minusInverse(a.k[1], a.k[2]), a.k[2])
	return residue, modulus
}

// residue returns p1 modulo the base b > 2 such that b is deceived, b divides
// neither n nor 2n + 1, and n ≡ 2 (mod 3).
func (a arnault) residue(b int64) int64 {
next:
	for p1 := int64(1); p1 < b; p1++ {
		n, symbols := int64(1), 0
		for _, k := range a.k {
			p := (k*(p1-1) + 1) % b
			n = n * p % b
			symbol := big.Jacobi(big.NewInt(p), big.NewInt(b))
			if a.class&3 == 3 && b&3 == 3 {
				symbol = -symbol // reciprocity
			}
			if symbol == 0 || symbol == 1 && a.class == 5 {
				continue next
			}
			symbols += symbol
		}
		if symbols*symbols == 9 && (2*n+1)%b != 0 && (b > 3 || n == 2) {
			return p1
		}
	}
	panic("no residue: another k is needed")
}

// requireDeceived makes sure that n is a composite that a test with fixed
// bases, the primes below bases, takes for prime.
func requireDeceived(t *testing.T, n *big.Int, factors []*big.Int, bases int64) {
	product := big.NewInt(1)
	nMinusOne := new(big.Int).Sub(n, one)
	for _, p := range factors {
		require.True(t, p.ProbablyPrime(0))
		product.Mul(product, p)
		pMinusOne := new(big.Int).Sub(p, one)
		require.Zero(t, new(big.Int).Mod(nMinusOne, pMinusOne).Sign(), "Korselt's criterion")
	}
	require.Equal(t, n, product)
	require.Greater(t, bases, int64(37), "2, 3, 5, …, 37 are among them")
	for b := int64(2); b < bases; b++ {
		if isPrime(b) {
			require.True(t, strongTest(n, b), "base %d", b)
		}
	}
}

// strongTest is the test of Miller and Rabin to one base, in textbook form.
func strongTest(n *big.Int, base int64) bool {
	minusOne := new(big.Int).Sub(n, one)
	e := new(big.Int).Set(minusOne)
	for e.Bit(0) == 0 {
		e.Rsh(e, 1)
		x := new(big.Int).Exp(big.NewInt(base), e, n)
		if x.Cmp(minusOne) == 0 {
			return true
		}
		if x.Cmp(one) != 0 {
			return false
		}
	}
	return true
}

// TestFixedBasesWouldAcceptN: N ≡ 11 (mod 24) is composite and a strong
// pseudoprime to every prime base below some bound, 2 among them. So 2^q ≡ −1
// (mod N), and nothing but q is left to refuse it.
func TestFixedBasesWouldAcceptN(t *testing.T) {
	for _, a := range []arnault{
		{bits: 256, bases: 38, class: 3, k: [3]int64{1, 61, 73}, lead: 1, shift: 81},
		{bits: 1024, bases: 200, class: 3, k: [3]int64{1, 229, 241}, lead: 15, shift: 332, skip: 973},
		{bits: 2048, bases: 400, class: 3, k: [3]int64{1, 409, 421}, lead: 13, shift: 673, skip: 68307},
	} {
		n, factors := a.make(func(*big.Int) bool { return true })
		require.Equal(t, a.bits, n.BitLen())
		require.EqualValues(t, 11, mod(n, 24))
		requireDeceived(t, n, factors, a.bases)
		require.False(t, safeprime.MillerRabin(n), "random bases")

		require.NoError(t, safeprime.VerifyGenerator(n.Bytes(), 2))
		require.Equal(t, safeprime.ErrNotSafe, safeprime.Verify(n.Bytes(), 2))
		// Its own primality is looked at for a residue, and base 2 is not
		// asked alone.
		require.Equal(t, safeprime.ErrNotPrime, safeprime.Verify(n.Bytes(), 4))
		require.Equal(t, safeprime.ErrNotPrime, safeprime.Verify(n.Bytes(), 1))
	}
}

// TestFixedBasesWouldAcceptQ: N ≡ 11 (mod 24) is prime and 2 a non-residue, as
// they should be, and q is a strong pseudoprime to every prime base below some
// bound. A test of q by fixed bases would accept the group.
func TestFixedBasesWouldAcceptQ(t *testing.T) {
	for _, a := range []arnault{
		{bits: 255, bases: 38, class: 5, k: [3]int64{1, 67, 127}, lead: 11, shift: 77},
		{bits: 1023, bases: 200, class: 5, k: [3]int64{1, 211, 223}, lead: 25, shift: 331, skip: 1902278},
		{bits: 2047, bases: 400, class: 5, k: [3]int64{1, 421, 463}, lead: 10, shift: 673, skip: 4323078},
	} {
		q, factors := a.make(func(q *big.Int) bool { return double(q).ProbablyPrime(0) })
		require.Equal(t, a.bits, q.BitLen())
		requireDeceived(t, q, factors, a.bases)
		n := double(q)
		require.EqualValues(t, 11, mod(n, 24))
		require.False(t, safeprime.MillerRabin(q), "random bases")

		require.NoError(t, safeprime.VerifyGenerator(n.Bytes(), 2))
		require.Equal(t, safeprime.ErrNotSafe, safeprime.Verify(n.Bytes(), 2))
		require.Equal(t, safeprime.ErrNotSafe, safeprime.Prove(t.Context(), n.Bytes(), 2))
		require.Equal(t, safeprime.ErrGenerator, safeprime.Verify(n.Bytes(), 4))
	}
}

// TestLucasAndRandomBases sees both parts of the test of q at work. The Lucas
// test refuses what base 2 takes for prime, even if the source of random bases
// fails. No number is known that the bases refuse and the Lucas test does not:
// it has to do that they are drawn.
func TestLucasAndRandomBases(t *testing.T) {
	random := rand.Reader
	a := arnault{bits: 255, bases: 38, class: 5, k: [3]int64{1, 67, 127}, lead: 11, shift: 77}
	q, _ := a.make(func(q *big.Int) bool { return prime(double(q)) })
	setRandom(t, func(b []byte) (int, error) { clear(b); return len(b), nil })
	require.True(t, safeprime.MillerRabin(q), "all bases are 2")
	require.Equal(t, safeprime.ErrNotSafe, safeprime.Verify(double(q).Bytes(), 2))

	drawn := make(map[string]bool)
	setRandom(t, func(b []byte) (int, error) {
		n, err := io.ReadFull(random, b)
		drawn[string(b)] = true
		return n, err
	})
	p := constantPrime(1024, pi(894+64), 129093) // 2^1024 − 2^960 …: none is drawn in vain
	require.NoError(t, safeprime.VerifyPrime(p.Bytes()))
	require.Len(t, drawn, 64)
}

type readerFunc func(b []byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// setRandom replaces crypto/rand.Reader for the time of a test.
func setRandom(t *testing.T, read readerFunc) {
	before := rand.Reader
	rand.Reader = read
	t.Cleanup(func() { rand.Reader = before })
}

// TestCarmichael: Fermat's test takes Chernick's (6k+1)(12k+1)(18k+1) for prime
// to every base.
func TestCarmichael(t *testing.T) {
	for _, c := range []struct {
		bits  int
		lead  int64 // k is the first from lead·2^shift on
		shift uint
		skip  int64
	}{
		{65, 1, 18, 0},
		{256, 13, 78, 27049},
		{512, 1, 167, 293533},
		{1024, 13, 334, 1553378},
		{2048, 1, 679, 7318868},
	} {
		k := new(big.Int).Lsh(big.NewInt(c.lead), c.shift)
		k.Add(k, big.NewInt(c.skip))
		var n *big.Int
		for primes := 0; primes < 3; k.Add(k, one) {
			n, primes = big.NewInt(1), 0
			for _, m := range []int64{6, 12, 18} {
				p := new(big.Int).Mul(k, big.NewInt(m))
				if !p.Add(p, one).ProbablyPrime(0) {
					break
				}
				n.Mul(n, p)
				primes++
			}
		}
		require.Equal(t, c.bits, n.BitLen())
		nMinusOne := new(big.Int).Sub(n, one)
		require.Equal(t, one, new(big.Int).Exp(two, nMinusOne, n))
		requireRefused(t, "Carmichael", n)
		require.False(t, safeprime.MillerRabin(n))
	}
}

// TestLargeNumberIsRefusedAtOnce: 16,384 bits, twice what any caller lets in,
// without small factors. The first step refuses it, by one exponentiation
// whatever g is: the seventy of the others are for numbers that pass it.
func TestLargeNumberIsRefusedAtOnce(t *testing.T) {
	if !testvec.Long {
		t.Skip("an exponentiation takes seconds at this size")
	}
	small := big.NewInt(1)
	for b := int64(3); b < 1<<12; b += 2 {
		if isPrime(b) {
			small.Mul(small, big.NewInt(b))
		}
	}
	n := search("16,384 bits", 16384, 11, 0, func(n *big.Int) bool {
		return new(big.Int).GCD(nil, nil, n, small).Cmp(one) == 0
	}).Bytes()
	for _, g := range []int{2, 4} {
		start := time.Now()
		require.Equal(t, safeprime.ErrNotPrime, safeprime.VerifyGenerator(n, g))
		took := time.Since(start)
		t.Logf("g=%d: %v", g, took)
		require.Less(t, took, time.Minute)
	}
}

// TestPrimeWithoutLucasParameter: n is prime, and (P² − 4 / n) = 1 for all P
// that the Lucas test of big.Int.ProbablyPrime tries before it panics, since
// all primes below 10,003 are residues. With m eight times the product of the
// odd ones, and x² ≡ m (mod s²), take n = (m − x²) / s². Then −n is a square
// modulo every divisor of m, and n ≡ 7 (mod 8): reciprocity does the rest. For
// s² near the root of m, n is not much larger: 7,157 bits.
func TestPrimeWithoutLucasParameter(t *testing.T) {
	m := big.NewInt(8)
	for b := int64(3); b < 10003; b += 2 {
		if isPrime(b) {
			m.Mul(m, big.NewInt(b))
		}
	}
	const root, skip = 10007, 1042 // s is a power of root
	s2 := new(big.Int).Exp(big.NewInt(root), big.NewInt(536), nil)
	x := new(big.Int).ModSqrt(new(big.Int).Mod(m, big.NewInt(root)), big.NewInt(root))
	for range 10 { // Newton: twice as many digits to base root each time
		slope := new(big.Int).ModInverse(new(big.Int).Lsh(x, 1), s2)
		f := new(big.Int).Mul(x, x)
		x.Sub(x, f.Sub(f, m).Mul(f, slope)).Mod(x, s2)
	}
	x.Add(x, new(big.Int).Mul(s2, big.NewInt(skip)))
	n, rest := new(big.Int).QuoRem(new(big.Int).Sub(m, new(big.Int).Mul(x, x)), s2, new(big.Int))
	require.Zero(t, rest.Sign())
	require.Equal(t, 7157, n.BitLen())
	for p := int64(3); p <= 10000; p++ {
		require.Equal(t, 1, big.Jacobi(big.NewInt(p*p-4), n))
	}

	require.Equal(t, safeprime.ErrGenerator, safeprime.Prove(t.Context(), n.Bytes(), 2), "not a crash of the process")
	if testvec.Long { // 64 rounds take ten seconds
		require.NoError(t, safeprime.VerifyPrime(double(n).Bytes()), "n as q")
	}
}
