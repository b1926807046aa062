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

	"github.com/nescio-go/nescio/internal/secret"
)

// Key is a key-encryption key, safe for concurrent use. The zero Key is
// destroyed.
type Key struct {
	suite Suite
	state secret.Value[keyState]
}

// keyState is the key itself. The zero keyState is a destroyed key.
type keyState struct {
	mu    sync.RWMutex
	alive bool
	kek   [KeySize]byte
}

// minSecret is the shortest secret that DeriveKey accepts: 128 bits.
const minSecret = 16

// NewKey returns a random key. It cannot be stored: see [ImportKey].
func NewKey() *Key {
	var kek [KeySize]byte
	rand.Read(kek[:])
	defer clear(kek[:])
	return ImportKey(kek)
}

// DeriveKey returns HKDF-SHA256(secret, salt, label, 32), or [ErrSecret] below
// 16 bytes. The secret must be uniformly random or a password hash. The salt
// may be nil. Use one label for each purpose.
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

// ImportKey uses [XChaCha20Poly1305]. The key must be uniformly random and have
// no other use.
func ImportKey(key [KeySize]byte) *Key {
	k := &Key{XChaCha20Poly1305, secret.New(keyState{})}
	state := k.state.Get()
	state.alive, state.kek = true, key
	return k
}

// WithSuite returns a copy that wraps with s, [ErrSuite] or [ErrDestroyed].
// Keys open both suites.
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

// Wrap wraps 1 to [MaxSecret] bytes, or returns [ErrSecret], [ErrBinding] or
// [ErrDestroyed].
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

// Unwrap returns the secret, [ErrOpen], [ErrBinding] or [ErrDestroyed].
func (k *Key) Unwrap(_ context.Context, blob []byte, b Binding) ([]byte, error) {
	kek, err := k.bytes()
	if err != nil {
		return nil, err
	}
	defer clear(kek[:])
	return open(kek[:], b, blob)
}

// Equal compares keys in constant time, without suites. A destroyed key equals
// none.
func (k *Key) Equal(other *Key) bool {
	a, err1 := k.bytes()
	b, err2 := other.bytes()
	defer clear(a[:])
	defer clear(b[:])
	return err1 == nil && err2 == nil && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Destroy clears the key, but not copies from [Key.WithSuite].
func (k *Key) Destroy() {
	if k == nil {
		return
	}
	s := k.state.Get()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.kek[:])
	s.alive = false
}

// bytes returns a copy of the key, for the caller to clear.
func (k *Key) bytes() (kek [KeySize]byte, err error) {
	if k == nil {
		return kek, ErrDestroyed
	}
	s := k.state.Get()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.alive {
		return kek, ErrDestroyed
	}
	return s.kek, nil
}

// Format redacts the key.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, "wrap.Key(redacted)") }

var errJSON = errors.New("wrap: cannot marshal a key")

// MarshalJSON returns an error.
func (k Key) MarshalJSON() ([]byte, error) { return nil, errJSON }

var _ Wrapper = (*Key)(nil)
