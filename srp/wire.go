package srp

import (
	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/cryptobyte"
)

// Every message and record begins with these two bytes. FORMAT.md describes the
// rest. Each value has one encoding, and each decoder refuses every other.
const (
	messageType = 'S'
	version     = 1
)

// Limits, in bytes.
const (
	MaxID       = 1024     // at least 1
	MaxIdentity = 1024     // for ServerIdentity too
	MaxPassword = 1024     // at least 1
	MaxMessage  = 20 << 10 // for records too

	maxSalt    = 64
	maxContext = 60_000
)

func newMessage() *cryptobyte.Builder {
	b := cryptobyte.NewBuilder(nil)
	b.AddBytes([]byte{messageType, version})
	return b
}

// openMessage returns what follows the first two bytes.
func openMessage(message []byte) (body cryptobyte.String, ok bool) {
	s := cryptobyte.String(message)
	var k, v uint8
	ok = s.ReadUint8(&k) && s.ReadUint8(&v) && k == messageType && v == version
	return s, ok
}

func addGroup(b *cryptobyte.Builder, g UnverifiedGroup) {
	number := 0
	if len(g.Certificate) == 0 {
		number = rfc5054Number(g.N, g.G)
	}
	b.AddUint16(uint16(number))
	if number != 0 {
		return
	}
	addBytes16(b, g.N)
	b.AddUint32(uint32(g.G))
	addBytes16(b, g.Certificate)
}

// readGroup reads a group and checks its form, without a proof.
func readGroup(s *cryptobyte.String) (g UnverifiedGroup, p *groupParams, ok bool) {
	var number uint16
	if !s.ReadUint16(&number) {
		return UnverifiedGroup{}, nil, false
	}
	if number != 0 {
		known, ok := findRFC5054(int(number))
		if !ok {
			return UnverifiedGroup{}, nil, false
		}
		g = UnverifiedGroup{N: known.modulus(), G: known.g}
	} else {
		var n, certificate cryptobyte.String
		var generator uint32
		if !s.ReadUint16LengthPrefixed(&n) || len(n) > MaxGroupBits/8 ||
			!s.ReadUint32(&generator) || generator > 1<<31-1 ||
			!s.ReadUint16LengthPrefixed(&certificate) || len(certificate) > MaxCertificate {
			return UnverifiedGroup{}, nil, false
		}
		g = UnverifiedGroup{N: n, G: int(generator), Certificate: certificate}
		if len(certificate) == 0 && rfc5054Number(g.N, g.G) != 0 {
			return UnverifiedGroup{}, nil, false // it has a shorter encoding
		}
	}
	p, err := newGroupParams(g.N, g.G)
	return g, p, err == nil
}

// readProfile reads the id of a valid profile.
func readProfile(s *cryptobyte.String) (p Profile, ok bool) {
	ok = s.ReadUint8(&p.id) && p.Valid()
	return p, ok
}

// addKDF writes KDF parameters that the profile allows.
func addKDF(b *cryptobyte.Builder, p kdf.Params) {
	encoded, err := p.MarshalBinary()
	if err != nil {
		encoded = nil // there are none
	}
	addBytes16(b, encoded)
}

func readKDF(s *cryptobyte.String, profile Profile) (p kdf.Params, ok bool) {
	var encoded cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&encoded) {
		return kdf.Params{}, false
	}
	if len(encoded) > 0 && p.UnmarshalBinary(encoded) != nil {
		return kdf.Params{}, false
	}
	return p, profile.spec().allowsKDF(p)
}

func addBytes8(b *cryptobyte.Builder, data []byte) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) })
}

func addBytes16(b *cryptobyte.Builder, data []byte) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) })
}

// newRequest is a client's first message. It is empty, because the client does
// not know the group yet.
func newRequest() []byte { return []byte{messageType, version} }

func parseRequest(message []byte) bool {
	body, ok := openMessage(message)
	return ok && body.Empty()
}

func encodeResponse(c Challenge) ([]byte, error) {
	b := newMessage()
	b.AddUint8(c.Profile.id)
	addGroup(b, c.Group)
	addBytes8(b, c.Salt)
	addKDF(b, c.KDF)
	b.AddBytes(c.B)
	return b.Bytes()
}

// parseResponse checks the form of all values. Login.Answer checks the rest.
func parseResponse(message []byte) (c Challenge, ok bool) {
	s, ok := openMessage(message)
	if !ok {
		return Challenge{}, false
	}
	var salt cryptobyte.String
	c.Profile, ok = readProfile(&s)
	if !ok {
		return Challenge{}, false
	}
	c.Group, _, ok = readGroup(&s)
	if !ok || !s.ReadUint8LengthPrefixed(&salt) {
		return Challenge{}, false
	}
	if c.KDF, ok = readKDF(&s, c.Profile); !ok || len(s) != len(c.Group.N) {
		return Challenge{}, false
	}
	c.Salt, c.B = salt, s
	return c, true
}

func encodeFinal(p Proof) []byte {
	b := append([]byte{messageType, version}, p.A...)
	return append(b, p.M1...)
}

func parseFinal(message []byte, size, proofSize int) (p Proof, ok bool) {
	s, ok := openMessage(message)
	if !ok || len(s) != size+proofSize {
		return Proof{}, false
	}
	return Proof{A: s[:size], M1: s[size:]}, true
}

func encodeReply(m2 []byte) []byte { return append([]byte{messageType, version}, m2...) }

func parseReply(message []byte) (m2 []byte, ok bool) {
	s, ok := openMessage(message)
	return s, ok
}
