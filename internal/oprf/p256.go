package oprf

import (
	"encoding/hex"

	"filippo.io/bigmod"
	"filippo.io/nistec"
)

// P256 is P256-SHA256, Section 4.3.
var P256 = newSuite("P256-SHA256", p256{}, NewSHA256)

// p256 is the group of RFC 9497, Section 4.3. Elements are compressed points
// of SEC 1, Section 2.3.3, and nothing else; numbers are big-endian.
type p256 struct{}

func (p256) ElementSize() int        { return 33 }
func (p256) ScalarSize() int         { return 32 }
func (p256) UniformElementSize() int { return 2 * p256UniformSize }
func (p256) UniformScalarSize() int  { return p256UniformSize }

// p256UniformSize is L of RFC 9380, Section 8.2.
const p256UniformSize = 48

var (
	p256Order      = p256Modulus("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
	p256OrderLess2 = p256Bytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f")
)

func (p256) Multiply(terms ...Term) error {
	var of []byte // what last was decoded from
	p, last := nistec.NewP256Point(), nistec.NewP256Point()
	for _, t := range terms {
		if err := checkP256Scalar(t.Scalar); err != nil {
			return err
		}
		if t.Element == nil {
			p.ScalarBaseMult(t.Scalar) // its error is about the scalar's length
		} else {
			if !SameSlice(of, t.Element) {
				if err := readP256Element(last, t.Element); err != nil {
					return err
				}
				of = t.Element
			}
			p.ScalarMult(last, t.Scalar)
		}
		copy(t.Out, p.BytesCompressed())
	}
	return nil
}

// MapMultiply is hash_to_field of RFC 9380, Section 5.2, and the rest of
// hash_to_curve, Section 3, the cofactor being 1.
func (p256) MapMultiply(out, scalar, uniform []byte) error {
	if err := checkP256Scalar(scalar); err != nil {
		return err
	}
	if len(uniform) != 2*p256UniformSize {
		return ErrElement
	}
	u, p, q := bigmod.NewNat(), nistec.NewP256Point(), nistec.NewP256Point()
	reduceP256(u, uniform[:p256UniformSize], p256Prime)
	mapP256(p, u)
	reduceP256(u, uniform[p256UniformSize:], p256Prime)
	mapP256(q, u)
	clear(u.Bits())
	p.Add(p, q)
	if p.IsInfinity() == 1 {
		return ErrElement
	}
	p.ScalarMult(p, scalar)
	copy(out, p.BytesCompressed())
	return nil
}

func (p256) Reduce(out, uniform []byte) error {
	if len(uniform) != p256UniformSize {
		return ErrScalar
	}
	s := bigmod.NewNat()
	reduceP256(s, uniform, p256Order)
	if s.IsZero() == 1 {
		return ErrScalar
	}
	moveP256(out, s, p256Order)
	return nil
}

// Invert uses Fermat's little theorem.
func (p256) Invert(out, scalar []byte) error {
	if err := checkP256Scalar(scalar); err != nil {
		return err
	}
	s := setP256(bigmod.NewNat(), scalar, p256Order)
	inverse := bigmod.NewNat().Exp(s, p256OrderLess2, p256Order)
	clear(s.Bits())
	moveP256(out, inverse, p256Order)
	return nil
}

func checkP256Scalar(b []byte) error {
	if len(b) != 32 || IsZero(b) {
		return ErrScalar
	}
	s := bigmod.NewNat()
	_, err := s.SetBytes(b, p256Order)
	clear(s.Bits())
	if err != nil {
		return ErrScalar
	}
	return nil
}

// readP256Element checks the length because nistec reads the identity and
// uncompressed points, too.
func readP256Element(p *nistec.P256Point, b []byte) error {
	if len(b) != 33 {
		return ErrElement
	}
	if _, err := p.SetBytes(b); err != nil {
		return ErrElement
	}
	return nil
}

var twoTo192 = setP256(new(bigmod.Nat), append([]byte{1}, make([]byte, 24)...), p256Order)

// reduceP256 sets x to 48 uniform bytes modulo the order or the prime. What
// bigmod has for longer numbers leaks their bit length, so they come in halves,
// each less than the modulus.
func reduceP256(x *bigmod.Nat, uniform []byte, m *bigmod.Modulus) {
	low := setP256(bigmod.NewNat(), uniform[24:], m)
	setP256(x, uniform[:24], m).Mul(twoTo192, m).Add(low, m)
	clear(low.Bits())
}

// setP256 sets x to b, which is less than m.
func setP256(x *bigmod.Nat, b []byte, m *bigmod.Modulus) *bigmod.Nat {
	if _, err := x.SetBytes(b, m); err != nil {
		panic("oprf: internal error: " + err.Error())
	}
	return x
}

// moveP256 writes x to out and clears it.
func moveP256(out []byte, x *bigmod.Nat, m *bigmod.Modulus) {
	b := x.Bytes(m)
	copy(out, b)
	clear(b)
	clear(x.Bits())
}

func p256Modulus(s string) *bigmod.Modulus {
	m, err := bigmod.NewModulus(p256Bytes(s))
	if err != nil {
		panic("oprf: internal error: " + err.Error())
	}
	return m
}

func p256Bytes(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic("oprf: internal error: " + err.Error())
	}
	return b
}
