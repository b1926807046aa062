package opaque

import (
	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/cryptobyte"
)

// Every message and record of the framed wire begins with these two bytes.
// FORMAT.md lists what follows. Each value has one encoding, and each decoder
// refuses every other.
const (
	protocol = 'O'
	version  = 1
)

// Wire is the encoding of messages.
type Wire uint8

const (
	// WireFramed authenticates suite, setup, KSF and reply.
	WireFramed Wire = iota
	// WireRFC9807 is for other implementations, with one setup and one kind.
	WireRFC9807
)

// Limits, in bytes.
const (
	MaxID       = 1024 // at least 1
	MaxIdentity = 1024
	MaxPassword = 1024 // at least 1
	MaxMessage  = 1024 // without an identity

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

// head is the suite, setup and KSF of an account, in framed responses and in
// records.
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
