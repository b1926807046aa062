// Package safeprime finds safe primes, proves that a number is a safe prime and
// that a generator generates its whole multiplicative group, and remembers what
// was proved.
//
// A modulus may come from an adversary, and a group that is not what it
// seems to be gives away passwords. The proof therefore uses random bases,
// and accepts nothing because of a test whose result an adversary can
// compute beforehand.
//
// All inputs are public, and nothing here is constant time. Callers bound the
// sizes: the time of a proof grows with the third power of the size.
package safeprime

import (
	"crypto/rand"
	"errors"
	"math/big"
)

var (
	// ErrSize means a number that is even, below 2^15, or has a leading
	// zero byte.
	ErrSize = errors.New("safeprime: not an odd number of at least 16 bits without leading zero bytes")
	// ErrNotPrime means that N is not prime.
	ErrNotPrime = errors.New("safeprime: N is not prime")
	// ErrNotSafe means that q = (N−1)/2 is not prime, although g^q ≡ −1 (mod
	// N). That holds if N is prime and g is not a quadratic residue, or if N is
	// a composite number that was made for it.
	ErrNotSafe = errors.New("safeprime: (N-1)/2 is not prime")
	// ErrGenerator means that N is prime, as far as Baillie–PSW can tell, and g
	// does not generate its whole group: g is a quadratic residue, or not in
	// 1 < g < N−1. Whether (N−1)/2 is prime was not tested.
	ErrGenerator = errors.New("safeprime: g does not generate the whole group of N")
)

// rounds is the number of Miller–Rabin rounds with random bases, each of which
// a composite survives with probability below 1/4.
const rounds = 64

var (
	one = big.NewInt(1)
	two = big.NewInt(2)
)

// Verify proves that N, big-endian, is a safe prime 2q + 1 and that the order
// of g modulo N is N−1. It returns nil or the first error that applies, in this
// order: [ErrSize], then [ErrNotPrime] or [ErrGenerator], then [ErrNotSafe]. It
// uses no cache. [Prove] does.
//
// With q prime, the single equation g^q ≡ −1 (mod N) proves the rest. The order
// of g divides 2q. It does not divide q, and for 1 < g < N−1 it does not divide
// 2. So it is 2q = N−1, and N is prime (Lucas, Pocklington). A quadratic
// residue fails the equation.
func Verify(n []byte, g int) error {
	if err := VerifyGenerator(n, g); err != nil {
		return err
	}
	return verifyPrime(n)
}

// VerifyGenerator is the part of the proof that depends on g: g^q ≡ −1 (mod N),
// one exponentiation. If (N−1)/2 is known to be prime, it proves what [Verify]
// proves. It returns nil, [ErrSize], [ErrNotPrime] or [ErrGenerator].
//
// A refusal takes the time of one exponentiation. If N is prime or
// seems to be, it takes up to five, because [ErrGenerator] has to be
// told from [ErrNotPrime].
func VerifyGenerator(n []byte, g int) error {
	if len(n) == 0 || n[0] == 0 || n[len(n)-1]&1 == 0 {
		return ErrSize
	}
	N := new(big.Int).SetBytes(n)
	if N.BitLen() < 16 {
		return ErrSize
	}
	G := big.NewInt(int64(g))
	minusOne := new(big.Int).Sub(N, one)
	// For every N, g^q ≡ −1 requires the Jacobi symbol (g/N) = −1, which takes
	// microseconds. Otherwise the pair is refused, and Baillie–PSW only chooses
	// the error: nothing is accepted because of it.
	if G.Cmp(one) <= 0 || G.Cmp(minusOne) >= 0 || big.Jacobi(G, N) != -1 {
		if bailliePSW(N) {
			return ErrGenerator
		}
		return ErrNotPrime
	}
	q := new(big.Int).Rsh(N, 1)
	if new(big.Int).Exp(G, q, N).Cmp(minusOne) != 0 {
		// Euler's criterion: modulo a prime it would be the symbol.
		return ErrNotPrime
	}
	return nil
}

// verifyPrime is the part of the proof that takes time: (N−1)/2 is prime.
func verifyPrime(n []byte) error {
	q := new(big.Int).SetBytes(n)
	q.Rsh(q, 1)
	// Baillie–PSW refuses every composite number that was not made to
	// deceive it.
	if !bailliePSW(q) || !millerRabin(q, nil) {
		return ErrNotSafe
	}
	return nil
}

// bailliePSW is n.ProbablyPrime(0) without its panic. Its Lucas test tries
// parameters up to 10,000 and panics if none is suitable (go.dev/issue/81487).
// No such number occurs by chance, but within seconds one can make a prime of
// 7,200 bits for which no parameter is suitable. At that point n has passed the
// strong test with base 2, and bailliePSW returns true.
func bailliePSW(n *big.Int) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = true
		}
	}()
	return n.ProbablyPrime(0)
}

// millerRabin runs the strong probable-prime test on an odd q > 3, with random
// bases in [2, q−2] from crypto/rand. big.Int.ProbablyPrime derives its bases
// from q, and its documentation says that it is not suitable for adversarial
// input. Once done is closed, millerRabin returns false.
func millerRabin(q *big.Int, done <-chan struct{}) bool {
	test := newStrongTest(q)
	span := new(big.Int).Sub(q, big.NewInt(3))
	x := new(big.Int)
	for range rounds {
		select {
		case <-done:
			return false
		default:
		}
		base, err := rand.Int(rand.Reader, span)
		if err != nil {
			return false
		}
		if !test.passes(x.Exp(base.Add(base, two), test.d, q)) {
			return false
		}
	}
	return true
}

// strongTest is the strong probable-prime test of an odd number q > 3, for
// bases of the choice of its caller. q − 1 is 2^s·d with an odd d.
type strongTest struct {
	q, minusOne, d *big.Int
	s              uint
}

func newStrongTest(q *big.Int) strongTest {
	minusOne := new(big.Int).Sub(q, one)
	s := minusOne.TrailingZeroBits()
	return strongTest{q, minusOne, new(big.Int).Rsh(minusOne, s), s}
}

// passes reports whether x, which is base^d modulo q, is 1, or becomes −1
// within s−1 squarings. It changes x.
func (t strongTest) passes(x *big.Int) bool {
	if x.Cmp(one) == 0 {
		return true
	}
	for range t.s {
		if x.Cmp(t.minusOne) == 0 {
			return true
		}
		x.Mul(x, x).Mod(x, t.q)
	}
	return false
}
