package oprf

import "errors"

var (
	// ErrElement means that an encoding is not that of an element other than
	// the identity: another length, not canonical, not in the group.
	ErrElement = errors.New("oprf: not an element of the group")
	// ErrScalar means that an encoding is not that of a scalar other than zero.
	ErrScalar = errors.New("oprf: not a scalar of the group")
)

// Group is a prime-order group of RFC 9497, Section 4, as operations on
// encodings, which are checked each time: of elements the identity is refused,
// of scalars zero. Implementations have no state and are safe for concurrent
// use, and constant time in all values that are not refused.
type Group interface {
	ElementSize() int // Ne, the size of an encoded element in bytes
	ScalarSize() int  // Ns, that of a scalar

	// Multiply works out all terms, at most 8, in one go because some steps are
	// shared. It returns ErrElement or ErrScalar, with the content of each Out undefined.
	Multiply(terms ...Term) error

	// UniformElementSize is how many uniformly random bytes MapMultiply needs.
	UniformElementSize() int
	// MapMultiply sets out to the product of a scalar and the element that
	// uniform bytes map to: hash_to_curve of RFC 9380 after its expand_message.
	MapMultiply(out, scalar, uniform []byte) error

	// UniformScalarSize is how many uniformly random bytes Reduce needs.
	UniformScalarSize() int
	// Reduce sets out to uniform bytes modulo the order. It returns ErrScalar if
	// that is zero.
	Reduce(out, uniform []byte) error
	// Invert sets out to the inverse of a scalar modulo the order.
	Invert(out, scalar []byte) error
}

// Term is one multiplication: Out becomes the encoding of Scalar times Element,
// or times the generator if Element is nil. Out has ElementSize bytes and overlaps no
// Element.
type Term struct{ Out, Scalar, Element []byte }

// SameSlice reports whether a and b are the same bytes in the same place.
// Multiply then decodes them once.
func SameSlice(a, b []byte) bool {
	return len(a) > 0 && len(a) == len(b) && &a[0] == &b[0]
}
