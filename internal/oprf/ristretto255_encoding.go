package oprf

import (
	"crypto/subtle"
	"encoding/hex"

	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
)

// Constants of RFC 9496, Section 4.1, little-endian.
var (
	ristrettoD              = fieldElement("a3785913ca4deb75abd841414d0a700098e879777940c78c73fe6f2bee6c0352")
	ristrettoSqrtM1         = fieldElement("b0a00e4a271beec478e42fad0618432fa7d7fb3d99004d2b0bdfc14f8024832b")
	ristrettoInvSqrtAMinusD = fieldElement("ea405d80aafdc899be72415a17162f9d40d801fe917bc216a2fcafcf05896c78")

	fieldOne = new(field.Element).One()
)

func fieldElement(s string) *field.Element {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic("oprf: internal error: " + err.Error())
	}
	e, err := new(field.Element).SetBytes(b)
	if err != nil {
		panic("oprf: internal error: " + err.Error())
	}
	return e
}

// decodeRistretto is Decode, RFC 9496, Section 4.3.1, in the notation there. It
// refuses the identity too.
func decodeRistretto(p *edwards25519.Point, b []byte) bool {
	var s, ss, u1, u2, u2Sqr, v, invSqrt, denX, denY, x, y, t field.Element
	if _, err := s.SetBytes(b); err != nil || IsZero(b) {
		return false
	}
	if subtle.ConstantTimeCompare(s.Bytes(), b) != 1 || s.IsNegative() == 1 {
		return false
	}
	ss.Square(&s)
	u1.Subtract(fieldOne, &ss)
	u2.Add(fieldOne, &ss)
	u2Sqr.Square(&u2)
	v.Square(&u1)
	v.Multiply(&v, ristrettoD)
	v.Negate(&v)
	v.Subtract(&v, &u2Sqr)
	_, wasSquare := invSqrt.SqrtRatio(fieldOne, t.Multiply(&v, &u2Sqr))
	denX.Multiply(&invSqrt, &u2)
	denY.Multiply(&invSqrt, &denX)
	denY.Multiply(&denY, &v)
	x.Multiply(&s, &denX)
	x.Add(&x, &x)
	x.Absolute(&x)
	y.Multiply(&u1, &denY)
	t.Multiply(&x, &y)
	if wasSquare == 0 || t.IsNegative() == 1 || y.Equal(new(field.Element)) == 1 {
		return false
	}
	_, err := p.SetExtendedCoordinates(&x, &y, fieldOne, &t)
	return err == nil
}

// double is twice a point on the way to its encoding.
//
// Doubling (X : Y : Z : T) gives (e·h : f·g : f·h : e·g), up to a factor, with
//
//	e = 2XY, f = Z² + dT², g = Y² + X², h = Z² − dT².
//
// Encode, RFC 9496, Section 4.3.2, needs the inverse of a square root for each
// element. For a double that root is known: everything follows from 1/(e·f·g·h),
// which Montgomery's trick gives for all elements by one inversion.
type double struct {
	e, f, g, h field.Element
	eg, fh     field.Element
	before     field.Element // the product of all e·f·g·h before this one's
}

// encodeDoubles sets the Out of each term to the encoding of twice its point,
// none of which is of order 8 or less.
func encodeDoubles(terms []Term, points []edwards25519.Point) {
	var doubles [8]double
	product := *fieldOne
	for i := range points {
		d := &doubles[i]
		d.set(&points[i])
		d.before = product
		product.Multiply(&product, &d.eg)
		product.Multiply(&product, &d.fh)
	}
	var inverse field.Element
	inverse.Invert(&product)
	for i := len(points) - 1; i >= 0; i-- {
		d := &doubles[i]
		var own field.Element // 1/(e·f·g·h)
		own.Multiply(&inverse, &d.before)
		inverse.Multiply(&inverse, &d.eg)
		inverse.Multiply(&inverse, &d.fh)
		copy(terms[i].Out, d.encode(&own).Bytes())
	}
}

func (d *double) set(p *edwards25519.Point) {
	x, y, z, t := p.ExtendedCoordinates()
	var xx, zz field.Element
	d.e.Multiply(x, y)
	d.e.Add(&d.e, &d.e)
	xx.Square(x)
	d.g.Square(y)
	d.g.Add(&d.g, &xx)
	zz.Square(z)
	t.Square(t)
	t.Multiply(t, ristrettoD)
	d.f.Add(&zz, t)
	d.h.Subtract(&zz, t)
	d.eg.Multiply(&d.e, &d.g)
	d.fh.Multiply(&d.f, &d.h)
}

// encode returns s of RFC 9496, Section 4.3.2, given 1/(e·f·g·h). It uses d up.
func (d *double) encode(inverse *field.Element) (s *field.Element) {
	var zInv, tInv, x, negE, fRoot, magic field.Element
	zInv.Multiply(&d.eg, inverse)
	tInv.Multiply(&d.fh, inverse)

	// rotate: by a point of order 4, if T·zInv is negative.
	rotate := x.Multiply(&d.eg, &zInv).IsNegative()
	negE.Negate(&d.e)
	fRoot.Multiply(&d.f, ristrettoSqrtM1)
	d.e.Select(&d.g, &d.e, rotate)
	d.g.Select(&negE, &d.g, rotate)
	d.h.Select(&fRoot, &d.h, rotate)
	magic.Select(ristrettoSqrtM1, ristrettoInvSqrtAMinusD, rotate)

	x.Multiply(&d.h, &d.e)
	x.Multiply(&x, &zInv)
	d.g.Select(new(field.Element).Negate(&d.g), &d.g, x.IsNegative())

	s = new(field.Element).Subtract(&d.h, &d.g)
	magic.Multiply(&magic, &d.g)
	magic.Multiply(&magic, &tInv)
	s.Multiply(s, &magic)
	return s.Absolute(s)
}
