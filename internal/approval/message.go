package approval

import (
	"crypto/sha256"
	"slices"
)

// MaxMessage is the size in bytes that no message exceeds.
const MaxMessage = 5264

// MaxPayload is the size in bytes of the longest payload. The shortest payload
// is one byte long.
const MaxPayload = 4096

// Sizes in bytes.
const (
	seedSize      = 32   // the private key of MLKEM768X25519
	publicKeySize = 1216 // the public key of MLKEM768X25519
	encSize       = 1120 // HPKE's encapsulated key
	tagSize       = 16
	nonceSize     = 32 // r1, r2
	macSize       = sha256.Size
	askSize       = 2 + publicKeySize + sha256.Size
	answerSize    = encSize + nonceSize
)

const (
	label   = "nescio/approve/v1"
	version = 1
)

// encodeAsk returns purpose u8 ‖ version 01 ‖ pk 1216 ‖ c 32.
func encodeAsk(p Purpose, publicKey, commitment []byte) []byte {
	return slices.Concat([]byte{byte(p), version}, publicKey, commitment)
}

// splitAsk is the inverse of encodeAsk.
func splitAsk(ask []byte, p Purpose) (publicKey, commitment []byte, ok bool) {
	if len(ask) != askSize || Purpose(ask[0]) != p || ask[1] != version {
		return nil, nil, false
	}
	return ask[2 : 2+publicKeySize], ask[2+publicKeySize:], true
}
