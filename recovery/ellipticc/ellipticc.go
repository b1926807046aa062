// Package ellipticc takes over an account of Ellipticc Drive: it opens the two blobs in
// which the server keeps the account's master key MK for the recovery phrase.
//
//	RKEK = SHA-256(SHA-256(phrase)), the phrase trimmed and in lower case, as UTF-8
//	RK   = XChaCha20-Poly1305 under RKEK
//	MK   = XChaCha20-Poly1305 under RK
//
// RK and MK have 32 bytes, their ciphertexts 48 and the nonces 24, each in base64 in a
// field of its own; there is no associated data.
//
// # Where to start
//
// [Open] returns MK, which becomes the history of a new keyring, and no more:
//
//	typed, err := recovery.ParsePhrase(words)                // the old 12, as people type them
//	old, err := ellipticc.Open(typed.Words(), fields)
//	phrase, err := recovery.NewPhrase(12)                    // a new one
//	keyring, err := recovery.Create(ctx, account, phrase)    // 16 random bytes, and other ways in
//	err = keyring.Adopt(ctx, old)                            // epoch 0
//
// # Why the old key is only history
//
// RKEK comes from a hash of the phrase without salt or label. It is only as safe as
// every other place where a hash of the phrase is stored: a server that keeps
// SHA-256(phrase), say to recognise who has the phrase, computes RKEK with one more
// hash and opens both blobs. So the old server may know MK, and may know everything
// that will ever be wrapped under it.
//
// Therefore the keyring gets a fresh master key, which new data is wrapped under, and
// a new phrase. That alone does not protect old data: whoever kept it and knows MK
// still reads it. To escape the old server, encrypt the data itself anew, under new
// data keys; to wrap the old data keys anew is not enough.
//
// What MK protects is not in package wrap's format, so open the old data keys while
// Open's result is at hand. Until their data is encrypted anew, wrap them under
// keyring.Key(0), which says of each that the old server may know it. When nothing is
// left under it, Forget epoch 0.
//
// # What it is not for
//
// Nothing new should be protected like this, and nothing here does it: the blobs are
// not bound to an account, and can be exchanged for older ones.
//
// # Compatibility
//
// What this version opens, every later one does.
package ellipticc

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrOpen means a wrong phrase, or fields that were altered or never were of this
// form, and does not tell them apart. Open returns it.
var ErrOpen = errors.New("ellipticc: wrong phrase or altered fields")

const (
	keySize    = 32
	sealedSize = keySize + chacha20poly1305.Overhead
	maxPhrase  = 4 << 10
)

// Fields are the four values that the server keeps, in standard base64 with padding,
// as they come.
type Fields struct {
	EncryptedRecoveryKey string // RK under RKEK, 48 bytes
	RecoveryKeyNonce     string // 24 bytes
	EncryptedMasterKey   string // MK under RK, 48 bytes
	MasterKeyNonce       string // 24 bytes
}

// Open returns the account's old master key. The phrase, of up to 4 KiB, is taken as
// it is, but for case and for white space around it: of what people type, pass the
// words as recovery.ParsePhrase reads them, which also tells a typing error from a
// wrong phrase. It returns ErrOpen.
func Open(phrase string, f Fields) (old [32]byte, err error) {
	if len(phrase) > maxPhrase {
		return old, ErrOpen
	}
	hash := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(phrase))))
	rkek := sha256.Sum256(hash[:])
	defer func() { clear(hash[:]); clear(rkek[:]) }()
	rk, err := open(rkek[:], f.EncryptedRecoveryKey, f.RecoveryKeyNonce)
	if err != nil {
		return old, err
	}
	defer clear(rk)
	mk, err := open(rk, f.EncryptedMasterKey, f.MasterKeyNonce)
	if err != nil {
		return old, err
	}
	defer clear(mk)
	return [keySize]byte(mk), nil
}

func open(key []byte, ciphertext, nonce string) ([]byte, error) {
	c, okC := decode(ciphertext, sealedSize)
	n, okN := decode(nonce, chacha20poly1305.NonceSizeX)
	if !okC || !okN {
		return nil, ErrOpen
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, ErrOpen
	}
	secret, err := aead.Open(nil, n, c, nil)
	if err != nil {
		return nil, ErrOpen
	}
	return secret, nil
}

// decode takes n bytes, a multiple of 3, in their one spelling. The length rules out
// the line ends that package base64 would skip.
func decode(text string, n int) ([]byte, bool) {
	if len(text) != base64.StdEncoding.EncodedLen(n) {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil && len(b) == n
}
