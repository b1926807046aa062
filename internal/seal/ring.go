package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// KeySize is the size of a state key in bytes.
	KeySize = 32
	// MaxKeys is the largest number of state keys. Few are needed: the present
	// key, the next one, and the last one until its states have expired.
	MaxKeys = 16

	keyIDSize = 8
)

// ErrKeys is returned by [New] and [Box.WithKeys] if there is no key or there
// are more than 16, if a key is all zero or there twice, or if no key is due.
var ErrKeys = errors.New("seal: need 1 to 16 distinct state keys that are not all zero, one of them due")

// StateKey is a key that all replicas of a server share.
type StateKey struct {
	Key [KeySize]byte
	// NotBefore is the time from which the key seals. A key with the zero time
	// is always due. A key opens at any time, because the clock of the replica
	// that sealed may be ahead.
	NotBefore time.Time
}

// key is one state key, reduced to what one protocol needs of it.
type key struct {
	id             [keyIDSize]byte
	aead           cipher.AEAD
	associatedData []byte // u8 len ‖ protocol ‖ id ‖ version
	notBefore      time.Time
}

// ring is the state keys of one protocol, the newest first.
type ring []key

func newRing(protocol string, base *[KeySize]byte, keys []StateKey, now time.Time) (ring, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, ErrKeys
	}
	var r ring
	for _, stateKey := range keys {
		if subtle.ConstantTimeCompare(stateKey.Key[:], make([]byte, KeySize)) == 1 {
			return nil, ErrKeys
		}
		k, err := deriveKey(&stateKey, base, protocol)
		if err != nil {
			return nil, err
		}
		if r.find(k.id) != nil {
			return nil, ErrKeys
		}
		r = append(r, k)
	}
	if !slices.ContainsFunc(r, func(k key) bool { return k.due(now) }) {
		return nil, ErrKeys
	}
	slices.SortStableFunc(r, func(a, b key) int { return b.notBefore.Compare(a.notBefore) })
	return r, nil
}

// deriveKey makes of a state key the AEAD key of one protocol and a public id:
// HKDF-SHA256(key, base, "nescio/seal/v1" ‖ 00 ‖ protocol, 32 + 8). HMAC with
// base as its key is a pseudorandom function even of a known state key.
func deriveKey(stateKey *StateKey, base *[KeySize]byte, protocol string) (k key, err error) {
	okm, err := hkdf.Key(sha256.New, stateKey.Key[:], base[:], "nescio/seal/v1\x00"+protocol, chacha20poly1305.KeySize+keyIDSize)
	if err != nil {
		return key{}, err
	}
	defer clear(okm)
	k.id = [keyIDSize]byte(okm[chacha20poly1305.KeySize:])
	k.associatedData = append(append([]byte{byte(len(protocol))}, protocol...), k.id[:]...)
	k.associatedData = append(k.associatedData, version)
	k.notBefore = stateKey.NotBefore
	k.aead, err = chacha20poly1305.NewX(okm[:chacha20poly1305.KeySize])
	return k, err
}

func (k *key) due(now time.Time) bool {
	return k.notBefore.IsZero() || !now.Before(k.notBefore)
}

// sealing returns the newest key that is due. There was one when the ring was
// made. If the clock has gone back since, the oldest key seals.
func (r ring) sealing(now time.Time) *key {
	for i := range r {
		if r[i].due(now) {
			return &r[i]
		}
	}
	return &r[len(r)-1]
}

// find returns the key of that id, or nil. Ids are public.
func (r ring) find(id [keyIDSize]byte) *key {
	for i := range r {
		if r[i].id == id {
			return &r[i]
		}
	}
	return nil
}
