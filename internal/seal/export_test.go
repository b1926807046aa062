package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
)

const (
	FreedPerCall = freedPerCall
	RotateAfter  = rotateAfter
)

// Held returns how many reservations b's own memory holds, expired ones
// included.
func Held(b *Box) int { return b.memory.held }

// Consume spends t in b's own memory and reports whether that was possible.
func Consume(b *Box, t Ticket) bool { return b.memory.consume(t.once, b.now()) }

// CipherKey returns the key of the cipher for one state key and a base.
func CipherKey(stateKey, base []byte, protocol string) []byte {
	okm, err := hkdf.Key(sha256.New, stateKey, base, "nescio/seal/v1\x00"+protocol, KeySize)
	if err != nil {
		panic(err)
	}
	return okm
}
