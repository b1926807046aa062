// Package modexp is constant-time arithmetic modulo an odd number of any
// size, for protocols over the multiplicative group of a prime field.
//
// It is a thin face over filippo.io/bigmod, the arithmetic under the standard
// library's RSA. The running time of every function depends on sizes (of the
// modulus, of an exponent in bytes) and on nothing else, except where the name
// says VarTime. Values are big-endian.
package modexp

import (
	"errors"

	"filippo.io/bigmod"
)

var (
	errModulus = errors.New("modexp: modulus is not an odd number of 2 or more bytes, the first not zero")
	errRange   = errors.New("modexp: not a number of full length below the modulus")
)

// Modulus is an odd modulus N together with the constants of Montgomery's
// multiplication. It is immutable and safe for concurrent use.
type Modulus struct {
	m    *bigmod.Modulus
	n    []byte
	size int
}

// Int is a number in [0, N) for the modulus that it was made by, and must not
// be used with another. Operations return new values and never change their
// operands.
type Int struct {
	nat *bigmod.Nat
}

// NewModulus takes N, which must be odd and have 2 or more bytes, the first of
// them not zero. Its bit length is leaked.
func NewModulus(n []byte) (*Modulus, error) {
	if len(n) < 2 || n[0] == 0 || n[len(n)-1]&1 == 0 {
		return nil, errModulus
	}
	m, err := bigmod.NewModulus(n)
	if err != nil {
		return nil, errModulus
	}
	return &Modulus{m: m, n: append([]byte(nil), n...), size: len(n)}, nil
}

// Size returns |N|, the length of N in bytes.
func (m *Modulus) Size() int { return m.size }

// Int decodes exactly Size bytes, which must be less than N. Whether they are
// is leaked, nothing else.
func (m *Modulus) Int(b []byte) (*Int, error) {
	if len(b) != m.size {
		return nil, errRange
	}
	x, err := bigmod.NewNat().SetBytes(b, m.m)
	if err != nil {
		return nil, errRange
	}
	return &Int{x}, nil
}

// Reduce returns b mod N for b of any length.
func (m *Modulus) Reduce(b []byte) *Int { return &Int{reduce(b, m.m)} }

// Bytes encodes x in exactly Size bytes.
func (m *Modulus) Bytes(x *Int) []byte { return x.nat.Bytes(m.m) }

// Exp returns x^e mod N. The exponent is a big-endian number of fixed length:
// all of its bytes are worked through, leading zeros too, and the sequence of
// operations depends on len(e) alone.
func (m *Modulus) Exp(x *Int, e []byte) *Int {
	return &Int{bigmod.NewNat().Exp(x.nat, e, m.m)}
}

// Mul returns x·y mod N.
func (m *Modulus) Mul(x, y *Int) *Int { return &Int{m.copy(x).Mul(y.nat, m.m)} }

// Add returns x + y mod N.
func (m *Modulus) Add(x, y *Int) *Int { return &Int{m.copy(x).Add(y.nat, m.m)} }

// Sub returns x − y mod N.
func (m *Modulus) Sub(x, y *Int) *Int { return &Int{m.copy(x).Sub(y.nat, m.m)} }

// copy returns a copy of x. Adding to a zero of full size is the one way that
// bigmod has.
func (m *Modulus) copy(x *Int) *bigmod.Nat {
	return bigmod.NewNat().ExpandFor(m.m).Add(x.nat, m.m)
}

// IsTrivial reports whether x is 0, 1 or N−1: the elements of order 1 and 2,
// and the one outside the group. It takes constant time.
func (m *Modulus) IsTrivial(x *Int) bool {
	return x.nat.IsZero()|x.nat.IsOne()|x.nat.IsMinusOne(m.m) == 1
}

// Clear overwrites x with zero.
func (x *Int) Clear() { clear(x.nat.Bits()) }

// MulAdd returns the exponent u·x + a, the numbers being big-endian of fixed
// length and len(a) at most len(u) + len(x). If the sum could be longer than
// N, it is reduced modulo N−1, which for a prime N changes no power; if not,
// it is returned as it is, since a shorter exponent is a faster one. Which of
// the two depends on lengths alone, and so does the length of the result.
func (m *Modulus) MulAdd(u, x, a []byte) ([]byte, error) {
	size := max(len(u)+len(x), len(a)) + 1
	modulus := make([]byte, size)
	if size > m.size {
		modulus = append(modulus[:0], m.n...)
		modulus[m.size-1] &^= 1 // N−1, N being odd
	} else {
		for i := range modulus {
			modulus[i] = 0xff // more than u·x + a can be, and odd, which is fast
		}
	}
	e, err := bigmod.NewModulus(modulus)
	if err != nil {
		return nil, errModulus
	}
	sum, addend := reduce(u, e), reduce(a, e)
	factor := reduce(x, e)
	sum.Mul(factor, e).Add(addend, e)
	out := sum.Bytes(e)
	clear(sum.Bits())
	clear(addend.Bits())
	clear(factor.Bits())
	return out, nil
}

// reduce returns b mod m. What bigmod has for this, SetOverflowingBytes, leaks
// the bit length of b, so b is taken apart into numbers below m.
func reduce(b []byte, m *bigmod.Modulus) *bigmod.Nat {
	if 8*len(b) <= m.BitLen() {
		return reduceOnce(b, m)
	}
	// Digits of one byte less than m, added up by Horner's rule.
	digit := m.Size() - 1
	first := len(b) % digit
	sum := set(b[:first], m)
	radix := reduceOnce(append([]byte{1}, make([]byte, digit)...), m)
	for b = b[first:]; len(b) > 0; b = b[digit:] {
		d := set(b[:digit], m)
		sum.Mul(radix, m).Add(d, m)
		clear(d.Bits())
	}
	return sum
}

// reduceOnce is reduce for b of the size of m at most: twice its half, which
// is below m, and its last bit.
func reduceOnce(b []byte, m *bigmod.Modulus) *bigmod.Nat {
	half := make([]byte, len(b))
	defer clear(half)
	carry := byte(0)
	for i, c := range b {
		half[i] = c>>1 | carry<<7
		carry = c & 1
	}
	x, bit := set(half, m), set([]byte{carry}, m)
	return x.Add(x, m).Add(bit, m)
}

// set returns b, which is less than m.
func set(b []byte, m *bigmod.Modulus) *bigmod.Nat {
	x, err := bigmod.NewNat().SetBytes(b, m)
	if err != nil {
		panic("modexp: internal error: " + err.Error())
	}
	return x
}
