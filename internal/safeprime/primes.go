package safeprime

import "math/bits"

// smallPrimes returns the primes from 5 to below limit.
func smallPrimes(limit uint32) []uint32 {
	composite := make([]bool, limit)
	var primes []uint32
	for r := uint32(5); r < limit; r += 2 {
		if r%3 == 0 || composite[r] {
			continue
		}
		primes = append(primes, r)
		for m := uint64(r) * uint64(r); m < uint64(limit); m += 2 * uint64(r) {
			composite[m] = true
		}
	}
	return primes
}

// blockSpan is the number of integers that a block of primes covers. One bit
// for each odd integer fits into a first-level cache.
const blockSpan = 1 << 19

// primeBlock finds the primes of one block of integers at a time.
type primeBlock struct {
	base   []uint32 // the primes from 5 up to the square root of the limit
	bits   []uint64 // the odd numbers that are struck out
	primes []uint32
}

// newPrimeBlock is for primes up to limit.
func newPrimeBlock(base []uint32, limit uint64) *primeBlock {
	return &primeBlock{base: base, bits: make([]uint64, (min(blockSpan, limit+1)/2+63)/64)}
}

// find returns the primes r with 5 ≤ r, index·blockSpan ≤ r <
// (index+1)·blockSpan and r ≤ limit. The slice is valid until the next call.
func (b *primeBlock) find(index, limit uint64) []uint32 {
	lo := index * blockSpan
	hi := min(lo+blockSpan, limit+1)
	odd := (hi - lo) / 2
	used := b.bits[:(odd+63)/64]
	clear(used)
	strike := func(r uint64) {
		from := r * r
		if from < lo {
			from = (lo + r - 1) / r * r
			if from&1 == 0 {
				from += r
			}
		}
		for m := (from - lo) / 2; m < odd; m += r {
			b.bits[m/64] |= 1 << (m % 64)
		}
	}
	strike(3)
	for _, r := range b.base {
		if uint64(r)*uint64(r) >= hi {
			break
		}
		strike(uint64(r))
	}
	b.primes = b.primes[:0]
	for w, word := range used {
		for free := ^word; free != 0; free &= free - 1 {
			r := lo + 2*uint64(64*w+bits.TrailingZeros64(free)) + 1
			if r >= hi {
				return b.primes
			}
			if r >= 5 {
				b.primes = append(b.primes, uint32(r))
			}
		}
	}
	return b.primes
}
