// Package decoy derives what a server shows for names that have no account.
// Every value is fixed for a name and looks random to anyone who lacks the
// server's decoy key. [Bytes] derives salts, verifiers and other values. [Draw]
// decides which kind of account a name seems to have.
package decoy

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
)

// KeySize is the size of a decoy key in bytes.
const KeySize = 32

// Bytes is D(label, id) = HMAC-SHA512(key, u8 len ‖ label ‖ id), 64 bytes. The
// label has at most 255 bytes.
func Bytes(key *[KeySize]byte, label string, id []byte) (d [64]byte) {
	h := hmac.New(sha512.New, key[:])
	h.Write([]byte{byte(len(label))})
	h.Write([]byte(label))
	h.Write(id)
	h.Sum(d[:0])
	return d
}

// Application returns 32 bytes for what an application shows of its own about an
// unknown name: the first half of D("application", SHA-256(label) ‖ id).
func Application(key *[KeySize]byte, label string, id []byte) [32]byte {
	h := sha256.Sum256([]byte(label))
	d := Bytes(key, "application", append(h[:], id...))
	return [32]byte(d[:32])
}
