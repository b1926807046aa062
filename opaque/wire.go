package opaque

import (
	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/cryptobyte"
)

// Every message and record of the framed wire begins with these two bytes, 'O'
// and 01. What follows is listed here. Numbers are big-endian. Names in
// capitals are RFC 9807's.
//
//	request      = suite u8 ‖ KE1
//	response     = head ‖ KE2
//	final        = KE3
//	reply        = flags u8 ‖ HMAC-SHA256 32
//	registration request  = suite u8 ‖ RegistrationRequest
//	registration response = head ‖ RegistrationResponse
//	upload, record        = head ‖ fingerprint 8 ‖ u16 len ‖ client_identity ‖ RegistrationRecord
//	head         = suite u8 ‖ setup u16 ‖ u16 len ‖ KSF parameters
//
// KSF parameters are the binary form of kdf.Params without a salt. The
// fingerprint is the first 8 bytes of SHA-256(suite u8 ‖ server_public_key).
// Each value has one encoding, and each decoder refuses every other. On the
// RFC's wire messages are the RFC's bytes alone, and the reply is empty.
const (
	protocol = 'O'
	version  = 1
)

// Wire is how messages are encoded.
type Wire uint8

const (
	// WireFramed is this package's own encoding. Messages state their version,
	// suite, setup and KSF parameters, all of them authenticated, and the
	// server proves that it accepted the login.
	WireFramed Wire = iota
	// WireRFC9807 is for other implementations: messages are RFC 9807's bytes
	// alone. Suite, KSF and setup are fixed on both sides, and the session key
	// is the RFC's.
	WireRFC9807
)

// Limits, in bytes.
const (
	MaxID       = 1024 // the id that a server looks up; at least 1
	MaxIdentity = 1024 // client_identity and server_identity; may be empty
	MaxPassword = 1024 // at least 1
	// MaxMessage bounds every message and record without its identity.
	MaxMessage = 1024

	maxContext    = 60_000 // the application's context on the framed wire
	maxRFCContext = 65535
)

// validContext reports whether the wire supports an application's context. The
// framed wire puts a prefix before it.
func (w Wire) validContext(context []byte) bool {
	limit := maxContext
	if w == WireRFC9807 {
		limit = maxRFCContext
	}
	return len(context) > 0 && len(context) <= limit
}

func validID(id []byte) bool { return len(id) > 0 && len(id) <= MaxID }

// openMessage returns what follows protocol and version.
func openMessage(message []byte) (body cryptobyte.String, ok bool) {
	s := cryptobyte.String(message)
	var p, v uint8
	ok = s.ReadUint8(&p) && s.ReadUint8(&v) && p == protocol && v == version
	return s, ok
}

// frameRequest encodes a client's first message of a login or a registration.
func (w Wire) frameRequest(s Suite, message []byte) []byte {
	if w == WireRFC9807 {
		return message
	}
	return append([]byte{protocol, version, byte(s)}, message...)
}

// parseRequest returns the suite and the RFC's message of a client's first
// message. On the RFC's wire the suite is the given one.
func (w Wire) parseRequest(request []byte, own Suite) (s Suite, message []byte, ok bool) {
	if w == WireRFC9807 {
		return own, request, true
	}
	body, ok := openMessage(request)
	var number uint8
	if !ok || !body.ReadUint8(&number) || !Suite(number).Valid() {
		return 0, nil, false
	}
	return Suite(number), body, true
}

// head is the server's choice of suite, setup and KSF, in framed responses and
// in records.
type head struct {
	suite   Suite
	setup   uint16
	ksf     kdf.Params
	encoded []byte
}

// newHead returns an encoded head. It fails for a KSF that has no binary form.
func newHead(s Suite, setup uint16, ksf kdf.Params) (head, error) {
	parameters, err := ksf.MarshalBinary()
	if err != nil {
		return head{}, err
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(uint8(s))
	b.AddUint16(setup)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(parameters) })
	encoded, err := b.Bytes()
	return head{s, setup, ksf, encoded}, err
}

// readHead reads a head and leaves in s what follows it.
func readHead(s *cryptobyte.String) (h head, ok bool) {
	whole := []byte(*s)
	var number uint8
	var parameters cryptobyte.String
	if !s.ReadUint8(&number) || !s.ReadUint16(&h.setup) || !s.ReadUint16LengthPrefixed(&parameters) {
		return head{}, false
	}
	h.suite = Suite(number)
	if !h.suite.Valid() || h.ksf.UnmarshalBinary(parameters) != nil || !validKSF(h.ksf) {
		return head{}, false
	}
	h.encoded = whole[:len(whole)-len(*s)]
	return h, true
}

// contextPrefix begins the RFC's context of framed logins:
//
//	"nescio/opaque/v1" ‖ 00 ‖ head ‖ u16 len ‖ application context
func contextPrefix(h head, application []byte) []byte {
	const label = "nescio/opaque/v1\x00"
	b := make([]byte, 0, len(label)+len(h.encoded)+2)
	b = append(append(b, label...), h.encoded...)
	return append(b, byte(len(application)>>8), byte(len(application)))
}
