package safeprime

import (
	"math/big"
	"math/bits"
)

// residues reduces one large number modulo many small ones.
type residues struct {
	limbs []uint64 // the least significant first
}

func newResidues(n *big.Int) residues {
	b := n.FillBytes(make([]byte, (n.BitLen()+63)/64*8))
	limbs := make([]uint64, len(b)/8)
	for i := range limbs {
		for _, c := range b[len(b)-8*i-8 : len(b)-8*i] {
			limbs[i] = limbs[i]<<8 | uint64(c)
		}
	}
	return residues{limbs}
}

// mod returns the residue modulo m.
func (x residues) mod(m uint64) (rem uint64) {
	for i := len(x.limbs) - 1; i >= 0; i-- {
		_, rem = bits.Div64(rem, x.limbs[i], m)
	}
	return rem
}

// mod2 returns the residues modulo two odd numbers below 2^63, with
// Montgomery's reduction, because division is slow. Two chains of
// multiplications take the time of one.
func (x residues) mod2(m, n uint64) (uint64, uint64) {
	mInverse, nInverse := negativeInverse(m), negativeInverse(n)
	var a, b uint64
	for _, limb := range x.limbs {
		a = addReduce(a, limb, m, mInverse)
		b = addReduce(b, limb, n, nInverse)
	}
	// a is now the residue times 2^(−64k), for k limbs.
	return montgomery(a, power(len(x.limbs), m, mInverse), m, mInverse),
		montgomery(b, power(len(x.limbs), n, nInverse), n, nInverse)
}

// negativeInverse is −m⁻¹ mod 2^64 for an odd m, with Newton's iteration.
func negativeInverse(m uint64) uint64 {
	x := 3*m ^ 2 // right in 5 bits, and twice as many each time
	for range 4 {
		x *= 2 - m*x
	}
	return -x
}

// addReduce is (a + limb) / 2^64 modulo m, at most m + 1.
func addReduce(a, limb, m, inverse uint64) uint64 {
	sum, carry := bits.Add64(a, limb, 0)
	hi, lo := bits.Mul64(sum*inverse, m)
	_, more := bits.Add64(sum, lo, 0)
	return hi + carry + more
}

// montgomery is a·b / 2^64 mod m.
func montgomery(a, b, m, inverse uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	h, l := bits.Mul64(lo*inverse, m)
	_, carry := bits.Add64(lo, l, 0)
	r := hi + h + carry
	if r >= m {
		r -= m
	}
	return r
}

// power is 2^(64k) modulo m, times 2^64.
func power(k int, m, inverse uint64) uint64 {
	one := -m % m // 2^64 mod m
	_, base := bits.Div64(one, 0, m)
	r := base
	for i := bits.Len(uint(k)) - 2; i >= 0; i-- {
		r = montgomery(r, r, m, inverse)
		if k>>i&1 == 1 {
			r = montgomery(r, base, m, inverse)
		}
	}
	return r
}
