package wrap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"

	"golang.org/x/crypto/chacha20poly1305"
)

// Suite is an authenticated cipher.
type Suite uint8

const (
	XChaCha20Poly1305 Suite = 0x01
	AES256GCM         Suite = 0x02
)

// String returns a name such as "aes-256-gcm".
func (s Suite) String() string {
	switch s {
	case XChaCha20Poly1305:
		return "xchacha20-poly1305"
	case AES256GCM:
		return "aes-256-gcm"
	}
	return "unknown"
}

func (s Suite) valid() bool { return s == XChaCha20Poly1305 || s == AES256GCM }

const (
	formatVersion = 0x01

	randSize       = 32
	nonceSize      = chacha20poly1305.NonceSizeX
	commitmentSize = 32
	headerSize     = 1 + 1 + nonceSize + commitmentSize
)

// seal makes a blob. The random bytes are an argument for the tests.
func seal(s Suite, kek []byte, b Binding, secret []byte, random [randSize]byte) ([]byte, error) {
	d, err := newDerivation(kek, b, len(secret))
	if err != nil {
		return nil, err
	}
	defer d.clear()
	blob := make([]byte, headerSize, len(secret)+Overhead)
	blob[0], blob[1] = formatVersion, byte(s)
	nonce := blob[2 : 2+nonceSize]
	d.nonce(nonce, s, random[:], secret)
	d.keys(s, nonce)
	copy(blob[2+nonceSize:], d.commitment)
	aead, nonce, err := s.aead(&d, nonce)
	if err != nil {
		return nil, err
	}
	return aead.Seal(blob, nonce, secret, blob), nil
}

// open is the inverse of seal: parse, compare the commitment, decrypt.
func open(kek []byte, b Binding, blob []byte) ([]byte, error) {
	d, err := newDerivation(kek, b, 0)
	if err != nil {
		return nil, err
	}
	defer d.clear()
	if len(blob) <= Overhead || len(blob) > Overhead+MaxSecret || blob[0] != formatVersion {
		return nil, ErrOpen
	}
	s := Suite(blob[1])
	if !s.valid() {
		return nil, ErrOpen
	}
	nonce := blob[2 : 2+nonceSize]
	d.keys(s, nonce)
	if subtle.ConstantTimeCompare(d.commitment, blob[2+nonceSize:headerSize]) != 1 {
		return nil, ErrOpen
	}
	aead, nonce, err := s.aead(&d, nonce)
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, nonce, blob[headerSize:], blob[:headerSize])
	if err != nil {
		return nil, ErrOpen
	}
	return secret, nil
}

// aead returns the cipher under d.key, which is used once, and its nonce.
// AES-GCM takes 12 bytes and gets zeros.
func (s Suite) aead(d *derivation, nonce []byte) (cipher.AEAD, []byte, error) {
	if s == XChaCha20Poly1305 {
		c, err := chacha20poly1305.NewX(d.key)
		return c, nonce, err
	}
	block, err := aes.NewCipher(d.key)
	if err != nil {
		return nil, nil, err
	}
	c, err := cipher.NewGCM(block)
	return c, d.zeros, err
}
