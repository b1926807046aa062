package decoy

import "math/bits"

// maxE is above every exponential(u).
const maxE = 65 << 32

// exponential turns u, uniform in 64 bits, into an exponential variate E, in
// integers alone so that every machine computes the same one. E is
// −log2(u/2^64) in units of 2^−32, with an error of at most 2 units, and lies
// in 1 … 64·2^32. Zero counts as 1. There is no branch on u.
//
// With m = u·2^z in [2^63, 2^64), where z is the number of leading zeros of u,
// −log2(u/2^64) = z + 1 − log2(m/2^63). The loop computes the binary digits of
// that last logarithm, a fraction: squaring m/2^63 doubles its logarithm, and
// the next digit is 1 if the square has reached 2. In that case the square is
// halved.
func exponential(u uint64) uint64 {
	x := u | ((u-1)&^u)>>63 // the top bits of u−1 and of ^u are both 1 only for 0
	z := bits.LeadingZeros64(x)
	m := x << z
	var f uint64
	for range 32 {
		hi, lo := bits.Mul64(m, m)
		digit := hi >> 63
		f = 2*f + digit
		// digit 1: m = hi. digit 0: m = 2·hi + (lo >> 63).
		m = hi<<(1-digit) | lo>>63&(1-digit)
	}
	return uint64(z+1)<<32 - f
}
