package opaque

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"

	"github.com/nescio-go/nescio/internal/oprf"
)

// flagRegister in a reply asks the client to register again.
const flagRegister = 1

const replySize = 2 + 1 + sha256.Size

// makeReply returns 'O' ‖ version ‖ flags ‖
// HMAC-SHA256(HKDF-SHA256(session_key, "", "nescio/opaque/reply/v1", 32), 'O' ‖
// version ‖ flags).
func makeReply(session []byte, flags byte) []byte {
	key := deriveKey(session, []byte("nescio/opaque/reply/v1"))
	defer clear(key)
	return appendMAC(append(make([]byte, 0, replySize), protocol, version, flags), key)
}

// checkReply returns the flags of a reply, or ErrMalformed or
// ErrAuthentication.
func checkReply(session, reply []byte) (flags byte, err error) {
	if len(reply) != replySize || reply[0] != protocol || reply[1] != version || reply[2]&^flagRegister != 0 {
		return 0, ErrMalformed
	}
	if subtle.ConstantTimeCompare(reply, makeReply(session, reply[2])) != 1 {
		return 0, ErrAuthentication
	}
	return reply[2], nil
}

// sessionKey returns the key of a finished login: on the RFC's wire a copy of
// session_key, otherwise HKDF-SHA256(session_key, "", "nescio/session/v1" ‖ 00
// ‖ 'O' ‖ suite, 32).
func (w Wire) sessionKey(s Suite, session []byte) []byte {
	if w == WireRFC9807 {
		return bytes.Clone(session)
	}
	return deriveKey(session, append([]byte("nescio/session/v1\x00"), protocol, byte(s)))
}

// deriveKey is HKDF-SHA256(secret, "", info, 32). It clears its buffers,
// which package crypto/hkdf leaves to the garbage collector.
func deriveKey(secret, info []byte) []byte {
	h := oprf.NewSHA256()
	defer h.Clear()
	prk, key := make([]byte, sha256.Size), make([]byte, sha256.Size)
	defer clear(prk)
	h.Extract(prk, secret)
	h.Expand(key, prk, info)
	return key
}

// appendMAC appends to b its HMAC-SHA256.
func appendMAC(b, key []byte) []byte {
	h := oprf.NewSHA256()
	defer h.Clear()
	var mac [sha256.Size]byte
	h.MAC(mac[:], key, b)
	return append(b, mac[:]...)
}
