// Package modexp is constant-time arithmetic modulo an odd number of any size,
// for protocols over the multiplicative group of a prime field.
//
// It is a thin layer over filippo.io/bigmod, the arithmetic of the RSA in the
// standard library. The running time of every function depends only on sizes:
// the bit length of the modulus, and the lengths of other inputs in bytes.
// Values are big-endian.
package modexp

import (
	"errors"

	"filippo.io/bigmod"
)

var (
	errModulus = errors.New("modexp: modulus is not an odd number of 2 or more bytes, the first not zero")
	errRange   = errors.New("modexp: not a number of full length below the modulus")
)

// Modulus is an odd modulus N with the constants of Montgomery's
// multiplication. It is immutable and safe for concurrent use.
type Modulus struct {
	m    *bigmod.Modulus
	n    []byte
	size int
}

// Int is a number in [0, N) for the Modulus that returned it. It must not
// be used with another one. Operations return new values and never change
// their operands.
type Int struct {
	nat *bigmod.Nat
}

// NewModulus returns the modulus N, and an error if N is even, shorter than 2
// bytes or has a leading zero byte. It leaks the bit length of N.
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

// Int decodes exactly Size bytes. It returns an error for another length
// and for a number that is not less than N. It leaks only whether there is
// an error.
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

// Exp returns x^e mod N. The exponent is a big-endian number of fixed length.
// All of its bytes are processed, including leading zeros, and the sequence of
// operations depends only on len(e).
func (m *Modulus) Exp(x *Int, e []byte) *Int {
	return &Int{bigmod.NewNat().Exp(x.nat, e, m.m)}
}

// Mul returns x·y mod N.
func (m *Modulus) Mul(x, y *Int) *Int { return &Int{m.copy(x).Mul(y.nat, m.m)} }

// Add returns x + y mod N.
func (m *Modulus) Add(x, y *Int) *Int { return &Int{m.copy(x).Add(y.nat, m.m)} }

// Sub returns x − y mod N.
func (m *Modulus) Sub(x, y *Int) *Int { return &Int{m.copy(x).Sub(y.nat, m.m)} }

// copy returns a copy of x. The only way in bigmod is to add x to a zero of
// full size.
func (m *Modulus) copy(x *Int) *bigmod.Nat {
	return bigmod.NewNat().ExpandFor(m.m).Add(x.nat, m.m)
}

// IsTrivial reports whether x is 0, 1 or N−1: the number outside the group and
// the elements of order 1 and 2. It takes constant time.
func (m *Modulus) IsTrivial(x *Int) bool {
	return x.nat.IsZero()|x.nat.IsOne()|x.nat.IsMinusOne(m.m) == 1
}

// Clear overwrites x with zero.
func (x *Int) Clear() { clear(x.nat.Bits()) }

// MulAdd returns the exponent u·x + a of big-endian numbers of fixed length.
// len(a) is at most len(u) + len(x). If the sum could be longer than N, it is
// reduced modulo N−1, which for a prime N changes no power. Otherwise it is
// returned unreduced, because a shorter exponent is faster. The choice and the
// length of the result depend only on lengths.
func (m *Modulus) MulAdd(u, x, a []byte) ([]byte, error) {
	size := max(len(u)+len(x), len(a)) + 1
	modulus := make([]byte, size)
	if size > m.size {
		modulus = append(modulus[:0], m.n...)
		modulus[m.size-1] &^= 1 // N−1, N being odd
	} else {
		for i := range modulus {
			modulus[i] = 0xff // larger than u·x + a, and odd, which is fast
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

// reduce returns b mod m. SetOverflowingBytes of bigmod leaks the bit length of
// b, so b is divided into numbers below m.
func reduce(b []byte, m *bigmod.Modulus) *bigmod.Nat {
	if 8*len(b) <= m.BitLen() {
		return reduceOnce(b, m)
	}
	// Digits are one byte shorter than m. Horner's rule adds them up.
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

// reduceOnce is reduce for b of at most the size of m. It adds twice the half
// of b, which is below m, and the last bit of b.
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

// set returns b, which must be less than m.
func set(b []byte, m *bigmod.Modulus) *bigmod.Nat {
	x, err := bigmod.NewNat().SetBytes(b, m)
	if err != nil {
		panic("modexp: internal error: " + err.Error())
	}
	return x
}
