package opaque

import (
	"crypto/ecdh"

	"github.com/nescio-go/nescio/internal/oprf"
)

// diffieHellman is the group of the key exchange, RFC 9807, Section 6.4.1. It
// returns the errors of package oprf.
type diffieHellman interface {
	// deriveKeyPair is DeriveDiffieHellmanKeyPair; it fills sk alone.
	deriveKeyPair(h *oprf.Hash, sk, seed []byte) error
	// multiply is DiffieHellman for each term, or makes a public key if the
	// term has no element. It validates each peer's key, and refuses a result
	// that is all zero.
	multiply(terms ...oprf.Term) error
}

// primeOrder is 3DH in the group of an OPRF suite, Sections 6.4.1.1 and
// 6.4.1.2.
type primeOrder struct{ *oprf.Suite }

func (p primeOrder) deriveKeyPair(h *oprf.Hash, sk, seed []byte) error {
	return p.DeriveKeyPair(h, sk, seed, infoDiffieHellman)
}

func (p primeOrder) multiply(terms ...oprf.Term) error { return p.Group.Multiply(terms...) }

// x25519 is 3DH in curve25519, Section 6.4.1.3. Any 32 bytes are a private key,
// and public keys are u-coordinates.
type x25519 struct{}

func (x25519) deriveKeyPair(_ *oprf.Hash, sk, seed []byte) error {
	copy(sk, seed)
	return nil
}

func (x25519) multiply(terms ...oprf.Term) error {
	var sk *ecdh.PrivateKey
	for i, t := range terms {
		if i == 0 || !oprf.SameSlice(t.Scalar, terms[i-1].Scalar) {
			var err error
			if sk, err = ecdh.X25519().NewPrivateKey(t.Scalar); err != nil { // makes the public key
				return oprf.ErrScalar
			}
		}
		if t.Element == nil {
			copy(t.Out, sk.PublicKey().Bytes())
			continue
		}
		if !canonicalX25519(t.Element) {
			return oprf.ErrElement
		}
		pk, err := ecdh.X25519().NewPublicKey(t.Element)
		if err != nil {
			return oprf.ErrElement
		}
		secret, err := sk.ECDH(pk)
		if err != nil {
			return oprf.ErrElement // all zero: pk has low order
		}
		copy(t.Out, secret)
		clear(secret)
	}
	return nil
}

// canonicalX25519 reports whether a public key encodes a u-coordinate below
// 2^255 − 19. X25519 itself accepts other encodings too, which would give one
// key several encodings.
func canonicalX25519(b []byte) bool {
	if len(b) != 32 || b[31] > 0x7f {
		return false
	}
	for _, c := range b[1:31] {
		if c != 0xff {
			return true
		}
	}
	return b[31] != 0x7f || b[0] < 0xed
}

// validPublicKey reports whether pk is a valid public key of a peer.
func (s *suite) validPublicKey(pk []byte) bool {
	if len(pk) != s.npk {
		return false
	}
	var secret [maxPublicKey]byte
	one := make([]byte, s.nsk)
	one[0], one[s.nsk-1] = 1, 1 // some scalar below every order, in either byte order
	return s.ake.multiply(oprf.Term{Out: secret[:s.npk], Scalar: one, Element: pk}) == nil
}
