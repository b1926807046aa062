package safeprime

import (
	"context"
	"math/big"
	"time"
)

var (
	VerifyPrime = verifyPrime
	BailliePSW  = bailliePSW
)

// Sieve returns the slots that are left after sieving to depth.
func Sieve(ctx context.Context, base *big.Int, slots, workers int, depth uint64) []uint32 {
	s := &sieve{base: newResidues(base), slots: slots, workers: workers, limit: depth}
	left, err := s.run(ctx)
	if err != nil {
		panic(err)
	}
	return left
}

const BlockSpan = blockSpan

var (
	SmallPrimes = smallPrimes
	BigTest     = bigTest
	ModexpTest  = modexpTest
	Base2Test   = base2Test
)

// BlockPrimes returns the primes of one block.
func BlockPrimes(index, limit uint64) []uint32 {
	return newPrimeBlock(smallPrimes(1<<12), limit).find(index, limit)
}

// Worthwhile is the rule by which a sieve goes on.
func Worthwhile(base *big.Int, reached uint64, primes int, spent, test time.Duration) bool {
	return worthwhile(expected(base), reached, primes, spent, test)
}

// Residues returns n modulo two odd numbers, after comparing with the
// plain way.
func Residues(n *big.Int, a, b uint64) (uint64, uint64) {
	x := newResidues(n)
	ra, rb := x.mod2(a, b)
	if ra != x.mod(a) || rb != x.mod(b) {
		panic("the two ways differ")
	}
	return ra, rb
}

// StrongTest is one round of Miller–Rabin on w with the given base.
func StrongTest(w, base *big.Int) bool {
	t := newStrongTest(w)
	return t.passes(new(big.Int).Exp(base, t.d, w))
}

// MillerRabin is the test with random bases.
func MillerRabin(q *big.Int) bool { return millerRabin(q, nil) }
