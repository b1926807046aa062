// Package safeprime proves that a number is a safe prime and that a generator
// generates its whole multiplicative group, and remembers what was proved.
//
// A modulus may come from an adversary: a group that is not what it seems to
// be gives away passwords. The proof therefore uses random bases and never
// trusts a test whose result an adversary can compute beforehand.
//
// All inputs are public and nothing here is constant time. Sizes are bounded
// by the callers: the time of a proof grows with the third power of the size.
package safeprime

import (
	"crypto/rand"
	"errors"
	"math/big"
)

var (
	// ErrSize is returned for a number that is even, below 2^15, or has a
	// leading zero byte.
	ErrSize = errors.New("safeprime: not an odd number of at least 16 bits without leading zero bytes")
	// ErrNotSafe is returned if (N−1)/2 is not prime.
	ErrNotSafe = errors.New("safeprime: (N-1)/2 is not prime")
	// ErrGenerator is returned if N is not prime or g does not generate its
	// whole group: one exponentiation decides over both, and does not tell
	// them apart.
	ErrGenerator = errors.New("safeprime: g does not generate a group of order N-1")
)

// rounds is the number of Miller–Rabin rounds with random bases, each of which
// a composite survives with probability below 1/4.
const rounds = 64

var (
	one = big.NewInt(1)
	two = big.NewInt(2)
)

// Verify proves that N, big-endian, is a safe prime 2q + 1 and that the order
// of g modulo N is N−1. It returns nil or one of the errors above. It uses no
// cache; [Prove] does.
//
// With q prime, the single equation g^q ≡ −1 (mod N) proves the rest: the
// order of g divides 2q and not q, nor, for 1 < g < N−1, 2; so it is 2q = N−1
// and N is prime (Lucas, Pocklington). A quadratic residue fails it.
func Verify(n []byte, g int) error {
	if err := VerifyGenerator(n, g); err != nil {
		return err
	}
	return verifyPrime(n)
}

// VerifyGenerator is the part of the proof that concerns g, one exponentiation:
// g^q ≡ −1 (mod N). It proves what Verify does if (N−1)/2 is known to be prime.
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
	if G.Cmp(one) <= 0 || G.Cmp(minusOne) >= 0 {
		return ErrGenerator
	}
	// 2 is a non-residue of N ≡ 3 (mod 8) only (and of 5, which no safe prime
	// above 5 is): the cheapest refusal there is.
	if g == 2 && n[len(n)-1]&7 != 3 {
		return ErrGenerator
	}
	q := new(big.Int).Rsh(N, 1)
	if new(big.Int).Exp(G, q, N).Cmp(minusOne) != 0 {
		return ErrGenerator
	}
	return nil
}

// verifyPrime is the part of the proof that takes time: (N−1)/2 is prime.
func verifyPrime(n []byte) error {
	q := new(big.Int).SetBytes(n)
	q.Rsh(q, 1)
	// Baillie–PSW refuses whatever is not built to deceive it.
	if !q.ProbablyPrime(0) || !millerRabin(q) {
		return ErrNotSafe
	}
	return nil
}

// millerRabin runs the strong probable-prime test on q > 3, odd, with random
// bases in [2, q−2] from crypto/rand. big.Int.ProbablyPrime derives its bases
// from q, and its documentation says that it does not suit adversarial input.
func millerRabin(q *big.Int) bool {
	minusOne := new(big.Int).Sub(q, one)
	s := minusOne.TrailingZeroBits()
	d := new(big.Int).Rsh(minusOne, s)
	span := new(big.Int).Sub(q, big.NewInt(3))
	x := new(big.Int)
	for range rounds {
		base, err := rand.Int(rand.Reader, span)
		if err != nil {
			return false
		}
		if !strong(x.Exp(base.Add(base, two), d, q), q, minusOne, s) {
			return false
		}
	}
	return true
}

// strong reports whether x = base^d is 1, or becomes −1 within s−1 squarings.
func strong(x, q, minusOne *big.Int, s uint) bool {
	if x.Cmp(one) == 0 {
		return true
	}
	for range s {
		if x.Cmp(minusOne) == 0 {
			return true
		}
		x.Mul(x, x).Mod(x, q)
	}
	return false
}
