// Package oprf implements the base mode, OPRF, of RFC 9497 for its ciphersuites
// ristretto255-SHA512 and P256-SHA256, and lends its groups and hashes to the key
// exchange of RFC 9807.
//
// Scalars are secret, and so is what is multiplied by them: everything here is
// constant time in the values of its inputs, except that inputs that are refused
// show it by their time.
package oprf

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
)

// Suite is an OPRF ciphersuite of RFC 9497, Section 4, in base mode. Its
// functions have the names of the RFC, take and fill encodings, and need a Hash
// that NewHash returned. It is immutable and safe for concurrent use.
type Suite struct {
	Group   Group
	NewHash func() *Hash

	hashToGroupDST, deriveKeyPairDST []byte // as DST_prime
}

// Ristretto255 is ristretto255-SHA512, Section 4.1.
var Ristretto255 = newSuite("ristretto255-SHA512", ristretto{}, NewSHA512)

func newSuite(identifier string, g Group, newHash func() *Hash) *Suite {
	context := "OPRFV1-\x00-" + identifier // CreateContextString with modeOPRF, Section 3.1
	return &Suite{
		Group:            g,
		NewHash:          newHash,
		hashToGroupDST:   dstPrime("HashToGroup-" + context),
		deriveKeyPairDST: dstPrime("DeriveKeyPair" + context),
	}
}

func dstPrime(dst string) []byte { return append([]byte(dst), byte(len(dst))) }

var (
	// ErrInput is the RFC's InvalidInputError: the input maps to the identity.
	// Nobody knows such an input.
	ErrInput = errors.New("oprf: invalid input")
	// ErrDerive is the RFC's DeriveKeyPairError: 256 scalars of zero.
	ErrDerive = errors.New("oprf: cannot derive a key pair")
	// ErrLength is returned for an input or info of more than 65,535 bytes.
	ErrLength = errors.New("oprf: more than 65,535 bytes")
)

// RandomScalar fills out with a random scalar other than zero, Section 4.7.2.
func (s *Suite) RandomScalar(out []byte) {
	var uniform [maxUniform]byte
	defer clear(uniform[:])
	u := uniform[:s.Group.UniformScalarSize()]
	for ok := false; !ok; {
		rand.Read(u)
		ok = s.Group.Reduce(out, u) == nil
	}
}

// DeriveKeyPair fills skS with the private key of a seed of 32 bytes and an info
// that belongs to the protocol, Section 3.2.1. The public key is skS times the
// generator.
func (s *Suite) DeriveKeyPair(h *Hash, skS, seed, info []byte) error {
	if len(info) > 65535 {
		return ErrLength
	}
	uniform, length, counter := h.uniform[:s.Group.UniformScalarSize()], h.length[:2], h.length[2:]
	binary.BigEndian.PutUint16(length, uint16(len(info)))
	for i := range 256 {
		counter[0] = byte(i)
		h.ExpandMessage(uniform, s.deriveKeyPairDST, seed, length, info, counter)
		if s.Group.Reduce(skS, uniform) == nil {
			return nil
		}
	}
	return ErrDerive
}

// Blind fills blindedElement with blind times the element that input maps to,
// Section 3.3.1.
func (s *Suite) Blind(h *Hash, blindedElement, blind, input []byte) error {
	if len(input) > 65535 {
		return ErrLength
	}
	uniform := h.uniform[:s.Group.UniformElementSize()]
	h.ExpandMessage(uniform, s.hashToGroupDST, input)
	err := s.Group.MapMultiply(blindedElement, blind, uniform)
	if errors.Is(err, ErrElement) {
		return ErrInput
	}
	return err
}

// BlindEvaluate fills evaluatedElement with skS times blindedElement, Section
// 3.3.1.
func (s *Suite) BlindEvaluate(evaluatedElement, skS, blindedElement []byte) error {
	if blindedElement == nil {
		return ErrElement // to Multiply it were the generator
	}
	return s.Group.Multiply(Term{evaluatedElement, skS, blindedElement})
}

// Finalize fills output, which has the size of the hash, with the PRF's value
// for input, Section 3.3.1.
func (s *Suite) Finalize(h *Hash, output, input, blind, evaluatedElement []byte) error {
	if len(input) > 65535 {
		return ErrLength
	}
	if evaluatedElement == nil {
		return ErrElement
	}
	inverse := make([]byte, s.Group.ScalarSize())
	unblinded := make([]byte, 2+s.Group.ElementSize())
	defer clear(inverse)
	defer clear(unblinded)
	if err := s.Group.Invert(inverse, blind); err != nil {
		return err
	}
	if err := s.Group.Multiply(Term{unblinded[2:], inverse, evaluatedElement}); err != nil {
		return err
	}
	binary.BigEndian.PutUint16(unblinded, uint16(s.Group.ElementSize()))
	h.Sum(output, binary.BigEndian.AppendUint16(nil, uint16(len(input))), input, unblinded, []byte("Finalize"))
	return nil
}
