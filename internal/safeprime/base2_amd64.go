//go:build !purego

package safeprime

import (
	"math/big"
	"math/bits"

	"golang.org/x/sys/cpu"
)

//go:generate go run -C _asm . -out ../kernel_amd64.s -stubs ../kernel_amd64.go -pkg safeprime

// base2Test is 2^e mod n for an odd n > 0 and e ≥ 0. It is not for secrets: its
// running time depends on n and e.
//
// It squares and doubles, from the highest bit of e to the lowest. Doubling is
// a shift, where another base needs a multiplication for every few bits. A
// square takes little more than half the products of a multiplication.
func base2Test(n, e *big.Int) *big.Int {
	if !cpu.X86.HasBMI2 {
		return bigTest(n, e)
	}
	// The first bits of e are one shift, by less than the length of n.
	rest := max(0, e.BitLen()-bits.Len(uint(n.BitLen()))+1)
	first := new(big.Int).Rsh(e, uint(rest)).Uint64()
	p := newPower2(n, new(big.Int).Lsh(one, uint(first)))
	for i := rest - 1; i >= 0; i-- {
		p.square()
		if e.Bit(i) == 1 {
			p.double()
		}
	}
	return p.value()
}

// power2 is a power of 2 modulo n in Montgomery's form: x is 2^(64k) times the
// power modulo n, with k limbs, the least significant first. k is a multiple of
// 4, and at least 8.
type power2 struct {
	n, x  []uint64
	k0    uint64   // −n⁻¹ mod 2^64
	twice []uint64 // 2·x, which a square needs

	// Two products of 2k limbs. x is the upper half of one of them. The next
	// value is computed in the other.
	product, other []uint64
}

func newPower2(n, power *big.Int) *power2 {
	k := max(8, (n.BitLen()+255)/256*4)
	p := &power2{
		n:     limbsOf(n, k),
		twice: make([]uint64, k+1), product: make([]uint64, 2*k), other: make([]uint64, 2*k),
	}
	p.k0 = negativeInverse(p.n[0])
	x := new(big.Int).Lsh(power, uint(64*k))
	p.x = limbsOf(x.Mod(x, n), k)
	return p
}

func limbsOf(x *big.Int, k int) []uint64 {
	limbs := make([]uint64, k)
	for i, word := range x.Bits() {
		limbs[i] = uint64(word)
	}
	return limbs
}

func (p *power2) square() {
	k := len(p.x)
	if p.x[k-1]>>63 == 1 {
		subtract(p.x, p.n, p.x) // −x has the same square, and its highest bit is 0
	}
	p.twice[k] = shift(p.twice[:k], p.x)
	clear(p.other[:k])
	square(&p.other[0], &p.x[0], &p.twice[0], uint64(k)/4)
	p.reduce()
}

func (p *power2) double() { p.subtractOnce(shift(p.x, p.x)) }

func (p *power2) value() *big.Int {
	copy(p.other, p.x)
	clear(p.other[len(p.x):])
	p.reduce()
	words := make([]big.Word, len(p.x))
	for i, limb := range p.x {
		words[i] = big.Word(limb)
	}
	return new(big.Int).SetBits(words)
}

// reduce sets x to the other product divided by 2^(64k), modulo n.
func (p *power2) reduce() {
	k := len(p.n)
	carry := reduce(&p.other[0], &p.n[0], p.k0, uint64(k)/4)
	p.product, p.other = p.other, p.product
	p.x = p.product[k:]
	p.subtractOnce(carry)
}

// subtractOnce reduces x + carry·2^(64k), which is less than 2·n, modulo n.
func (p *power2) subtractOnce(carry uint64) {
	i := len(p.x) - 1
	for i > 0 && p.x[i] == p.n[i] {
		i--
	}
	if carry == 1 || p.x[i] >= p.n[i] {
		subtract(p.x, p.x, p.n)
	}
}

// shift sets z to 2·x and returns the bit that does not fit into z.
func shift(z, x []uint64) (carry uint64) {
	for i, limb := range x {
		z[i] = limb<<1 | carry
		carry = limb >> 63
	}
	return carry
}

// subtract sets z to x − y. Within 4 limbs the compiler keeps the borrow in a
// flag.
func subtract(z, x, y []uint64) {
	var borrow uint64
	for i := 0; i < len(z); i += 4 {
		z, x, y := (*[4]uint64)(z[i:]), (*[4]uint64)(x[i:]), (*[4]uint64)(y[i:])
		z[0], borrow = bits.Sub64(x[0], y[0], borrow)
		z[1], borrow = bits.Sub64(x[1], y[1], borrow)
		z[2], borrow = bits.Sub64(x[2], y[2], borrow)
		z[3], borrow = bits.Sub64(x[3], y[3], borrow)
	}
}
