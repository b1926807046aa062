package opaque

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"github.com/nescio-go/nescio/internal/oprf"
)

// Suite is a configuration of RFC 9807 without KSF and context.
type Suite uint8

const (
	Ristretto255 Suite = 1 // ristretto255-SHA512, the default
	P256         Suite = 2 // P256-SHA256
	Curve25519   Suite = 3 // ristretto255-SHA512, with 3DH in curve25519
)

// Valid reports whether s is a suite.
func (s Suite) Valid() bool { return s >= Ristretto255 && s <= Curve25519 }

// String returns "ristretto255", "p256", "curve25519" or "invalid".
func (s Suite) String() string {
	if !s.Valid() {
		return "invalid"
	}
	return s.definition().name
}

// Sizes that all suites share, in bytes; names as in RFC 9807, Section 2.
const (
	nn    = 32 // Nn, a nonce
	nseed = 32 // Nseed, the seed of a key pair
	nok   = 32 // Nok, the seed of an OPRF key

	maxPublicKey  = 33
	maxPrivateKey = 32
	maxHash       = 64
	maxEnvelope   = nn + maxHash
	maxRecord     = maxPublicKey + maxHash + maxEnvelope
)

// suite is the definition of a Suite: its groups, its hash and its sizes.
type suite struct {
	name    string
	oprf    *oprf.Suite
	ake     diffieHellman
	shared  bool // the AKE runs in the OPRF's group
	newHash func() hash.Hash
	element int // Noe, an element of the OPRF's group
	nh      int // Nh, and Nm and Nx, which are the same here
	npk     int // Npk
	nsk     int // Nsk
}

var suites = [...]*suite{
	Ristretto255: {name: "ristretto255", oprf: oprf.Ristretto255, ake: primeOrder{oprf.Ristretto255}, shared: true, newHash: sha512.New, element: 32, nh: 64, npk: 32, nsk: 32},
	P256:         {name: "p256", oprf: oprf.P256, ake: primeOrder{oprf.P256}, shared: true, newHash: sha256.New, element: 33, nh: 32, npk: 33, nsk: 32},
	Curve25519:   {name: "curve25519", oprf: oprf.Ristretto255, ake: x25519{}, newHash: sha512.New, element: 32, nh: 64, npk: 32, nsk: 32},
}

// definition returns the definition of a valid suite.
func (s Suite) definition() *suite { return suites[s] }

// Sizes of messages: RFC 9807, Section 2, and the structures of Sections 4 to 6.
func (s *suite) envelopeSize() int             { return nn + s.nh }
func (s *suite) registrationResponseSize() int { return s.element + s.npk }
func (s *suite) recordSize() int               { return s.npk + s.nh + s.envelopeSize() }
func (s *suite) ke1Size() int                  { return s.element + nn + s.npk }
func (s *suite) maskedSize() int               { return s.npk + s.envelopeSize() }
func (s *suite) credentialResponseSize() int   { return s.element + nn + s.maskedSize() }
func (s *suite) ke2Size() int                  { return s.credentialResponseSize() + nn + s.npk + s.nh }
func (s *suite) ke3Size() int                  { return s.nh }
