package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// KeySize is the size of a state key in bytes.
	KeySize = 32
	// MaxKeys bounds the key ring: rotated daily and kept for minutes, a key
	// rarely has more than one other beside it.
	MaxKeys = 16

	keyIDSize = 8
)

// ErrKeys is returned by New for a key ring that is empty, too long, or holds a
// key that is not 32 bytes, all zero, or there twice.
var ErrKeys = errors.New("seal: need 1 to 16 distinct keys of 32 bytes")

// key is one state key, reduced to what one protocol needs of it.
type key struct {
	id             [keyIDSize]byte
	aead           cipher.AEAD
	associatedData []byte // u8 len ‖ protocol ‖ id ‖ version
}

// ring is the state keys of one protocol; the first seals.
type ring struct {
	protocol string
	keys     []key
}

func newRing(protocol string, secrets [][]byte) (*ring, error) {
	if len(secrets) == 0 || len(secrets) > MaxKeys || len(protocol) > 255 {
		return nil, ErrKeys
	}
	r := &ring{protocol: protocol}
	for _, secret := range secrets {
		if len(secret) != KeySize || subtle.ConstantTimeCompare(secret, make([]byte, KeySize)) == 1 {
			return nil, ErrKeys
		}
		k, err := deriveKey(secret, protocol)
		if err != nil {
			return nil, err
		}
		if r.find(k.id) != nil {
			return nil, ErrKeys
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

// deriveKey expands a state key into the AEAD key of one protocol and a public
// id: HKDF-SHA256(secret, "", "nescio/seal/v1" ‖ 00 ‖ protocol, 32 + 8).
func deriveKey(secret []byte, protocol string) (k key, err error) {
	okm, err := hkdf.Key(sha256.New, secret, nil, "nescio/seal/v1\x00"+protocol, chacha20poly1305.KeySize+keyIDSize)
	if err != nil {
		return key{}, err
	}
	defer clear(okm)
	k.id = [keyIDSize]byte(okm[chacha20poly1305.KeySize:])
	k.associatedData = append(append([]byte{byte(len(protocol))}, protocol...), k.id[:]...)
	k.associatedData = append(k.associatedData, version)
	k.aead, err = chacha20poly1305.NewX(okm[:chacha20poly1305.KeySize])
	return k, err
}

// find returns the key of that id, or nil. Ids are public.
func (r *ring) find(id [keyIDSize]byte) *key {
	for i := range r.keys {
		if r.keys[i].id == id {
			return &r.keys[i]
		}
	}
	return nil
}
