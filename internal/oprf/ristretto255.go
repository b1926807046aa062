package oprf

import (
	"filippo.io/edwards25519"
	"github.com/gtank/ristretto255"
)

// ristretto is the group of RFC 9497, Section 4.1. Its elements are cosets of
// points of edwards25519, on which Multiply computes: what it has over package
// ristretto255 is that all elements of one call are encoded together.
type ristretto struct{}

func (ristretto) ElementSize() int        { return 32 }
func (ristretto) ScalarSize() int         { return 32 }
func (ristretto) UniformElementSize() int { return 64 }
func (ristretto) UniformScalarSize() int  { return 64 }

// half is 1/2 modulo the order.
var half = func() *edwards25519.Scalar {
	two, err := edwards25519.NewScalar().SetCanonicalBytes(append([]byte{2}, make([]byte, 31)...))
	if err != nil {
		panic("oprf: internal error: " + err.Error())
	}
	return two.Invert(two)
}()

// Multiply works out the half of each product, since doubles can be encoded with
// one inversion for all of them.
func (ristretto) Multiply(terms ...Term) error {
	const most = 8
	if len(terms) > most {
		panic("oprf: internal error: too many terms")
	}
	var (
		points [most]edwards25519.Point
		last   edwards25519.Point
		of     []byte // what last was decoded from
		s      edwards25519.Scalar
	)
	defer s.Set(edwards25519.NewScalar())
	for i, t := range terms {
		if err := readRistrettoScalar(&s, t.Scalar); err != nil {
			return err
		}
		s.Multiply(&s, half)
		if t.Element == nil {
			points[i].ScalarBaseMult(&s)
			continue
		}
		if !SameSlice(of, t.Element) {
			if !decodeRistretto(&last, t.Element) {
				return ErrElement
			}
			of = t.Element
		}
		points[i].ScalarMult(&s, &last)
	}
	encodeDoubles(terms, points[:len(terms)])
	return nil
}

func (ristretto) MapMultiply(out, scalar, uniform []byte) error {
	var s ristretto255.Scalar
	if _, err := s.SetCanonicalBytes(scalar); err != nil || IsZero(scalar) {
		return ErrScalar
	}
	defer s.Zero()
	var p ristretto255.Element
	if _, err := p.SetUniformBytes(uniform); err != nil {
		return ErrElement
	}
	copy(out, p.ScalarMult(&s, &p).Bytes())
	if IsZero(out) {
		return ErrElement // the identity
	}
	return nil
}

func (ristretto) Reduce(out, uniform []byte) error {
	var s edwards25519.Scalar
	if _, err := s.SetUniformBytes(uniform); err != nil {
		return ErrScalar
	}
	defer s.Set(edwards25519.NewScalar())
	copy(out, s.Bytes())
	if IsZero(out) {
		return ErrScalar
	}
	return nil
}

func (ristretto) Invert(out, scalar []byte) error {
	var s edwards25519.Scalar
	if err := readRistrettoScalar(&s, scalar); err != nil {
		return err
	}
	defer s.Set(edwards25519.NewScalar())
	copy(out, s.Invert(&s).Bytes())
	return nil
}

func readRistrettoScalar(s *edwards25519.Scalar, b []byte) error {
	if _, err := s.SetCanonicalBytes(b); err != nil || IsZero(b) {
		return ErrScalar
	}
	return nil
}

// IsZero reports whether all bytes are 0, in constant time.
func IsZero(b []byte) bool {
	var or byte
	for _, c := range b {
		or |= c
	}
	return or == 0
}
