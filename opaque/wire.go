package opaque

import (
	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/cryptobyte"
)

// Every message and record of the framed wire begins with these two bytes. What
// follows, numbers big-endian, the names in capitals those of RFC 9807:
//
//	request      = suite u8 ‖ KE1
//	response     = kind ‖ KE2
//	final        = KE3
//	reply        = flags u8 ‖ HMAC-SHA256 32
//	registration request  = suite u8 ‖ RegistrationRequest
//	registration response = kind ‖ RegistrationResponse
//	upload, record        = kind ‖ u16 len ‖ client_identity ‖ RegistrationRecord
//	kind         = suite u8 ‖ setup u16 ‖ u16 len ‖ KSF parameters
//
// KSF parameters are the binary form of kdf.Params without a salt. Each value has
// one encoding and each decoder refuses every other. On the RFC's wire messages
// are the RFC's bytes alone, and the reply is empty.
const (
	kind    = 'O'
	version = 1
)

// Wire is how messages are put on the wire.
type Wire uint8

const (
	// Framed messages say their version, suite, setup and KSF parameters, all of
	// them authenticated, and the server proves that it accepted the login.
	Framed Wire = iota
	// RFC messages are those of RFC 9807 alone, for other implementations: suite,
	// KSF and setup are fixed on both sides, and the keys are the RFC's own.
	RFC
)

// validContext reports whether an application's context fits: the framed wire
// has some of its own before it.
func (w Wire) validContext(context []byte) bool {
	limit := maxContext
	if w == RFC {
		limit = maxRFCContext
	}
	return len(context) > 0 && len(context) <= limit
}

// Limits, in bytes.
const (
	MaxID       = 1024  // of the id that a server looks up; at least 1
	MaxIdentity = 65535 // client_identity and server_identity; may be empty
	MaxPassword = 1024  // at least 1
	// MaxMessage bounds every message and record without its identity.
	MaxMessage = 1 << 10

	maxContext    = 60_000 // of the application's context in framed messages
	maxRFCContext = 65535
)

func newMessage() *cryptobyte.Builder {
	b := cryptobyte.NewBuilder(nil)
	b.AddBytes([]byte{kind, version})
	return b
}

// openMessage returns what follows kind and version.
func openMessage(message []byte) (body cryptobyte.String, ok bool) {
	s := cryptobyte.String(message)
	var k, v uint8
	ok = s.ReadUint8(&k) && s.ReadUint8(&v) && k == kind && v == version
	return s, ok
}

func addKind(b *cryptobyte.Builder, s Suite, setup uint16, ksf kdf.Params) {
	encoded, err := ksf.MarshalBinary()
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddUint8(uint8(s))
	b.AddUint16(setup)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(encoded) })
}

func readKind(s *cryptobyte.String, suite *Suite, setup *uint16, ksf *kdf.Params) bool {
	var number uint8
	var encoded cryptobyte.String
	if !s.ReadUint8(&number) || !s.ReadUint16(setup) || !s.ReadUint16LengthPrefixed(&encoded) {
		return false
	}
	*suite = Suite(number)
	return suite.Valid() && ksf.UnmarshalBinary(encoded) == nil && validKSF(*ksf)
}

// frameRequest and parseRequest: a client's first message, of a login or of a
// registration.
func (w Wire) frameRequest(s Suite, message []byte) []byte {
	if w == RFC {
		return message
	}
	return append([]byte{kind, version, byte(s)}, message...)
}

// parseRequest returns the suite, on the RFC's wire the given one, and what
// follows it.
func (w Wire) parseRequest(request []byte, own Suite) (s Suite, message []byte, ok bool) {
	if w == RFC {
		return own, request, true
	}
	body, ok := openMessage(request)
	var number uint8
	if !ok || !body.ReadUint8(&number) || !Suite(number).Valid() {
		return 0, nil, false
	}
	return Suite(number), body, true
}

// responseHead is the server's choice of suite, setup and KSF in framed messages.
type responseHead struct {
	suite   Suite
	setup   uint16
	ksf     kdf.Params
	encoded []byte // from the suite on, as it is hashed
}

// newHead encodes a server's choice once, for all responses.
func newHead(s Suite, setup uint16, ksf kdf.Params) (responseHead, error) {
	b := cryptobyte.NewBuilder(nil)
	addKind(b, s, setup, ksf)
	encoded, err := b.Bytes()
	return responseHead{s, setup, ksf, encoded}, err
}

// parseResponse returns the head of a framed response and what follows it.
func parseResponse(response []byte) (h responseHead, message []byte, ok bool) {
	s, ok := openMessage(response)
	if !ok {
		return responseHead{}, nil, false
	}
	whole := []byte(s)
	if !readKind(&s, &h.suite, &h.setup, &h.ksf) {
		return responseHead{}, nil, false
	}
	h.encoded = whole[:len(whole)-len(s)]
	return h, s, true
}

// contextPrefix begins the RFC's context in framed messages:
//
//	"nescio/opaque/v1" ‖ 00 ‖ suite u8 ‖ setup u16 ‖ u16 len ‖ KSF parameters ‖ u16 len ‖ application context
func contextPrefix(head, application []byte) []byte {
	const label = "nescio/opaque/v1\x00"
	b := make([]byte, 0, len(label)+len(head)+2)
	b = append(append(b, label...), head...)
	return append(b, byte(len(application)>>8), byte(len(application)))
}
