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

// Key is a key-encryption key of 32 bytes. Use [NewKey], [DeriveKey] or
// [ImportKey]. The zero Key behaves like a destroyed one. fmt, log/slog and
// encoding/json cannot print a Key. It is safe for concurrent use.
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

// NewKey returns a random key for [XChaCha20Poly1305]. Nothing returns its
// bytes, so it lives as long as the program at most. For a key to store, draw
// 32 random bytes, wrap them, and pass them to [ImportKey].
func NewKey() *Key {
	var kek [KeySize]byte
	rand.Read(kek[:])
	defer clear(kek[:])
	return ImportKey(kek)
}

// DeriveKey derives a key for [XChaCha20Poly1305] from a secret of at least 16
// bytes: HKDF-SHA256(secret, salt, label, 32), RFC 5869. The secret must be
// uniformly random or the output of a password hash. A password must go through
// a password hash first: HKDF does not slow down guesses. The salt may be nil,
// and need not be new if the secret already has one, as a password hash does.
// The label separates the keys of one secret and may contain any bytes.
// DeriveKey returns [ErrSecret] for a shorter secret.
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

// ImportKey returns the given key for [XChaCha20Poly1305]. The key must be
// uniformly random and have no other use.
func ImportKey(key [KeySize]byte) *Key {
	k := &Key{XChaCha20Poly1305, secret.New(keyState{})}
	state := k.state.Get()
	state.alive, state.kek = true, key
	return k
}

// WithSuite returns a copy of the key that wraps with the given suite. It
// returns [ErrSuite] for an unknown suite, or [ErrDestroyed]. Every key opens
// blobs of both suites, because a blob names its suite.
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

// Wrap wraps a secret of 1 to 65,536 bytes for b. The blob is [Overhead] bytes
// longer than the secret. Wrap returns [ErrSecret], [ErrBinding] or
// [ErrDestroyed]. It ignores the context.
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

// Unwrap returns the secret of a blob that this key wrapped for b. It returns
// [ErrOpen] for any other blob, key or binding, and [ErrBinding] or
// [ErrDestroyed]. It ignores the context.
func (k *Key) Unwrap(_ context.Context, blob []byte, b Binding) ([]byte, error) {
	kek, err := k.bytes()
	if err != nil {
		return nil, err
	}
	defer clear(kek[:])
	return open(kek[:], b, blob)
}

// Equal reports in constant time whether two keys have the same bytes. It
// ignores their suites. A destroyed key equals no key.
func (k *Key) Equal(other *Key) bool {
	a, err1 := k.bytes()
	b, err2 := other.bytes()
	defer clear(a[:])
	defer clear(b[:])
	return err1 == nil && err2 == nil && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Destroy clears the key. From then on Wrap, Unwrap and WithSuite return
// [ErrDestroyed] and Equal returns false. Copies from [Key.WithSuite] are not
// affected.
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

// Format writes a placeholder for every verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, "wrap.Key(redacted)") }

var errJSON = errors.New("wrap: a key has no JSON form; wrap it")

// MarshalJSON returns an error: wrap a key to store it.
func (k Key) MarshalJSON() ([]byte, error) { return nil, errJSON }

var _ Wrapper = (*Key)(nil)
