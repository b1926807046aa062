package wrap

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Key is a key-encryption key of 32 bytes. It comes from [NewKey], [DeriveKey]
// or [ImportKey]; the zero Key is a destroyed one. It redacts itself in fmt,
// log/slog and JSON. It is safe for concurrent use.
type Key struct {
	suite Suite
	held  func() *held // a function, since fmt follows pointers in others' structs
}

// held is the key itself.
type held struct {
	mu        sync.RWMutex
	destroyed bool
	kek       [KeySize]byte
}

// minSecret is the least that DeriveKey takes: 128 bits.
const minSecret = 16

// NewKey returns a random key, for [XChaCha20Poly1305]. It lasts as long as the
// program, since nothing returns its bytes. For a key to keep draw 32 random bytes,
// wrap them, and [ImportKey] them.
func NewKey() *Key {
	var kek [KeySize]byte
	rand.Read(kek[:])
	defer clear(kek[:])
	return ImportKey(kek)
}

// DeriveKey returns a key, for [XChaCha20Poly1305], made of a secret that is
// uniformly random or the output of a password hash, 16 bytes or more:
// HKDF-SHA256(secret, salt, label, 32), RFC 5869. The salt may be nil, and need
// not be new where the secret already has one, as a password's hash does. The
// label tells apart the keys that one secret gives; it may hold any bytes. A secret
// that is a password gives no protection: stretch it first. DeriveKey returns
// ErrSecret for less than 16 bytes.
func DeriveKey(secret, salt []byte, label string) (*Key, error) {
	if len(secret) < minSecret {
		return nil, ErrSecret
	}
	okm, err := hkdf.Key(sha256.New, secret, salt, label, KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(okm)
	return ImportKey([KeySize]byte(okm)), nil
}

// ImportKey returns the given key, for [XChaCha20Poly1305]. It must be
// uniformly random and serve nothing else.
func ImportKey(key [KeySize]byte) *Key {
	h := &held{kek: key}
	return &Key{XChaCha20Poly1305, func() *held { return h }}
}

// WithSuite returns a copy of the key that wraps by the given suite. It returns
// ErrSuite for an unknown one, or ErrDestroyed. Every key opens blobs of both
// suites: a blob names its own.
func (k *Key) WithSuite(s Suite) (*Key, error) {
	if !s.valid() {
		return nil, ErrSuite
	}
	kek, err := k.bytes()
	if err != nil {
		return nil, err
	}
	defer clear(kek[:])
	other := ImportKey(kek)
	other.suite = s
	return other, nil
}

// Wrap returns the secret, 1 to 65,536 bytes, wrapped for b: a blob of
// len(secret) + [Overhead] bytes. It returns ErrSecret, ErrBinding or
// ErrDestroyed. The context is not looked at.
func (k *Key) Wrap(_ context.Context, secret []byte, b Binding) ([]byte, error) {
	var random [randSize]byte
	rand.Read(random[:])
	return k.wrap(secret, b, random)
}

func (k *Key) wrap(secret []byte, b Binding, random [randSize]byte) ([]byte, error) {
	if len(secret) == 0 || len(secret) > MaxSecret {
		return nil, ErrSecret
	}
	kek, err := k.bytes()
	if err != nil {
		return nil, err
	}
	defer clear(kek[:])
	return seal(k.suite, kek[:], b, secret, random)
}

// Unwrap returns the secret of a blob that was wrapped by this key for b. It
// returns ErrOpen for everything else, ErrBinding or ErrDestroyed. The context
// is not looked at.
func (k *Key) Unwrap(_ context.Context, blob []byte, b Binding) ([]byte, error) {
	kek, err := k.bytes()
	if err != nil {
		return nil, err
	}
	defer clear(kek[:])
	return open(kek[:], b, blob)
}

// Equal reports in constant time whether two keys are the same, whatever their
// suites. A destroyed key equals none.
func (k *Key) Equal(other *Key) bool {
	a, err1 := k.bytes()
	b, err2 := other.bytes()
	defer clear(a[:])
	defer clear(b[:])
	return err1 == nil && err2 == nil && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Destroy clears the key. Wrap, Unwrap and WithSuite return ErrDestroyed from then
// on, and Equal false; copies by WithSuite are keys of their own.
func (k *Key) Destroy() {
	if k == nil || k.held == nil {
		return
	}
	h := k.held()
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.kek[:])
	h.destroyed = true
}

func (k *Key) bytes() (kek [KeySize]byte, err error) {
	if k == nil || k.held == nil {
		return kek, ErrDestroyed
	}
	h := k.held()
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.destroyed {
		return kek, ErrDestroyed
	}
	return h.kek, nil
}

// Format writes a placeholder, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, "wrap.Key(redacted)") }

var errJSON = errors.New("wrap: a key has no JSON form; wrap it")

// MarshalJSON refuses: a key is stored wrapped or not at all.
func (k Key) MarshalJSON() ([]byte, error) { return nil, errJSON }

var _ Wrapper = (*Key)(nil)
