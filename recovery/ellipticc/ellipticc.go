package ellipticc

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrOpen means a wrong phrase, altered fields, or fields of another form. It
// does not say which.
var ErrOpen = errors.New("ellipticc: wrong phrase or altered fields")

const (
	keySize    = 32
	sealedSize = keySize + chacha20poly1305.Overhead
	maxPhrase  = 4 << 10
)

// Fields are the four values that the server returns, in standard base64
// with padding.
type Fields struct {
	EncryptedRecoveryKey string // RK under RKEK, 48 bytes
	RecoveryKeyNonce     string // 24 bytes
	EncryptedMasterKey   string // MK under RK, 48 bytes
	MasterKeyNonce       string // 24 bytes
}

// Open returns the account's old master key, which the caller clears. Use it to
// read old data, and never to encrypt, as the package documentation explains.
//
// The phrase is at most 4 KiB long. Open ignores its case and white space
// around it. Pass what people type through
// [github.com/nescio-go/nescio/recovery.ParsePhrase] first, which reports
// typing errors. Every error is [ErrOpen].
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

// decode reads n bytes, a multiple of 3. They have only one encoding. The
// length leaves no room for the line ends that package base64 would skip.
func decode(text string, n int) ([]byte, bool) {
	if len(text) != base64.StdEncoding.EncodedLen(n) {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil && len(b) == n
}
