// Package decoy makes what names that nobody has seem to have: values that are
// fixed for a name and look random to all who lack the key, a server's
// Secrets.Decoy.
package decoy

import (
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
)

// KeySize is the size of a key in bytes.
const KeySize = 32

// ValidKey reports whether key has 32 bytes that are not all zero.
func ValidKey(key []byte) bool {
	return len(key) == KeySize && subtle.ConstantTimeCompare(key, make([]byte, KeySize)) == 0
}

// Bytes is D(label, id) = HMAC-SHA512(key, u8 len ‖ label ‖ id), 64 bytes.
func Bytes(key []byte, label string, id []byte) []byte {
	h := hmac.New(sha512.New, key)
	h.Write([]byte{byte(len(label))})
	h.Write([]byte(label))
	h.Write(id)
	return h.Sum(nil)
}

// Fraction returns D(label, id) as a number in [0, 1): its first 53 bits.
func Fraction(key []byte, label string, id []byte) float64 {
	return float64(binary.BigEndian.Uint64(Bytes(key, label, id))>>11) / (1 << 53)
}

// Pick draws one of a list by the weights of its members, which are not all 0:
// the first 8 bytes of D("template", id) as a fraction, against the cumulative
// weights in the order of the list.
func Pick(key, id []byte, weights []uint32) (index int) {
	if len(weights) == 1 {
		return 0
	}
	var total uint64
	for _, w := range weights {
		total += uint64(w)
	}
	at, _ := bits.Mul64(binary.BigEndian.Uint64(Bytes(key, "template", id)), total)
	for i, w := range weights {
		if at < uint64(w) {
			return i
		}
		at -= uint64(w)
	}
	panic("decoy: internal error: no weight")
}
