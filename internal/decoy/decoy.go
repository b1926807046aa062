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

// Pick draws one of a list by the weights of its members, which are not all 0. The
// first, which is the newest, is drawn by its share of all, else the second by its
// share of what is left, and so on. So when accounts move to the newest, and its weight
// alone rises, names that nobody has do the same: they move to it, and not among the
// others, which no account does.
//
// The draw of a member is the first 8 bytes of D("template" ‖ how many are behind it
// u8, id) as a fraction: a member that is put in front changes no other's draw.
func Pick(key, id []byte, weights []uint32) (index int) {
	var total uint64
	for _, w := range weights {
		total += uint64(w)
	}
	last := len(weights) - 1
	for i, w := range weights[:last] {
		draw := Bytes(key, "template"+string([]byte{byte(last - i)}), id)
		at, _ := bits.Mul64(binary.BigEndian.Uint64(draw), total)
		if at < uint64(w) {
			return i
		}
		total -= uint64(w)
	}
	return last
}
