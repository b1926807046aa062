package wrap_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/cryptotest"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

func TestNewKeysDiffer(t *testing.T) {
	seen := make(map[[32]byte]bool)
	for range 100 {
		k := wrap.NewKey()
		require.False(t, seen[k.Bytes()])
		require.NotZero(t, k.Bytes())
		seen[k.Bytes()] = true
	}
}

func TestDeriveKeyIsHKDF(t *testing.T) {
	secret, salt := []byte("sixteen bytes at"), []byte("salt")
	for _, label := range []string{"", "label", "nescio/slot/phrase/v1\x00\x00\xff", strings.Repeat("l", 5000)} {
		for _, salt := range [][]byte{nil, salt} {
			want := must(hkdf.Key(sha256.New, secret, salt, label, 32))
			got := must(wrap.DeriveKey(secret, salt, label)).Bytes()
			require.Equal(t, want, got[:])
		}
	}
	for n := range 16 {
		_, err := wrap.DeriveKey(make([]byte, n), salt, "label")
		require.ErrorIs(t, err, wrap.ErrSecret, "a password is no secret, nor is so little")
	}
	require.Equal(t, "sixteen bytes at", string(secret), "it is left alone")
}

func TestEqual(t *testing.T) {
	a := wrap.NewKey()
	require.True(t, a.Equal(a))
	require.True(t, a.Equal(wrap.ImportKey(a.Bytes())))
	require.True(t, a.Equal(must(a.WithSuite(wrap.AES256GCM))))
	for i := range 32 {
		other := a.Bytes()
		other[i] ^= 1
		require.False(t, a.Equal(wrap.ImportKey(other)))
	}
	require.False(t, a.Equal(new(wrap.Key)))
	require.False(t, a.Equal(nil))
	require.False(t, new(wrap.Key).Equal(new(wrap.Key)))
	zero := wrap.ImportKey([32]byte{})
	zero.Destroy()
	require.False(t, zero.Equal(wrap.ImportKey([32]byte{})))
	require.False(t, zero.Equal(zero), "a destroyed key equals none")
}

func TestSuites(t *testing.T) {
	k := wrap.NewKey()
	require.Equal(t, byte(wrap.XChaCha20Poly1305), must(k.Wrap(t.Context(), []byte("secret"), binding))[1], "the default")
	aes := must(k.WithSuite(wrap.AES256GCM))
	blob := must(aes.Wrap(t.Context(), []byte("secret"), binding))
	require.Equal(t, byte(wrap.AES256GCM), blob[1])
	require.Equal(t, "secret", string(must(k.Unwrap(t.Context(), blob, binding))), "a blob names its suite")
	require.Equal(t, "xchacha20-poly1305 aes-256-gcm unknown", fmt.Sprint(suites[0], suites[1], wrap.Suite(3)))
	for _, s := range []wrap.Suite{0, 3, 255} {
		_, err := k.WithSuite(s)
		require.ErrorIs(t, err, wrap.ErrSuite)
	}
}

func TestDestroyedKeysDoNothing(t *testing.T) {
	k := wrap.NewKey()
	blob := must(k.Wrap(t.Context(), []byte("secret"), binding))
	copied := must(k.WithSuite(wrap.AES256GCM))
	k.Destroy()
	k.Destroy()
	require.Zero(t, k.Bytes(), "it is cleared")
	var zero wrap.Key
	zero.Destroy()
	(*wrap.Key)(nil).Destroy()
	for _, dead := range []*wrap.Key{k, &zero} {
		_, err := dead.Wrap(t.Context(), []byte("secret"), binding)
		require.ErrorIs(t, err, wrap.ErrDestroyed)
		_, err = dead.Unwrap(t.Context(), blob, binding)
		require.ErrorIs(t, err, wrap.ErrDestroyed)
		_, err = dead.WithSuite(wrap.AES256GCM)
		require.ErrorIs(t, err, wrap.ErrDestroyed)
	}
	require.Equal(t, "secret", string(must(copied.Unwrap(t.Context(), blob, binding))), "copies live on")
}

// TestZeroKeysAreDestroyed: their bytes are zeros, and nothing opens under zeros.
func TestZeroKeysAreDestroyed(t *testing.T) {
	blob := must(wrap.ImportKey([32]byte{}).Wrap(t.Context(), []byte("secret"), binding))
	for _, k := range []*wrap.Key{nil, {}} {
		_, err := k.Unwrap(t.Context(), blob, binding)
		require.ErrorIs(t, err, wrap.ErrDestroyed)
		require.False(t, wrap.ImportKey([32]byte{}).Equal(k))
	}
}

func TestKeysRedactThemselves(t *testing.T) {
	k := wrap.NewKey()
	kek := k.Bytes()
	testvec.Redacted(t, k, kek[:])
	testvec.Redacted(t, *k, kek[:])
	testvec.Redacted(t, struct{ hidden *wrap.Key }{k}, kek[:])
	testvec.Redacted(t, struct{ hidden wrap.Key }{*k}, kek[:])
	_, err := json.Marshal(k)
	require.Error(t, err, "a placeholder in a file would lose the key")
	for _, v := range []any{k, *k, struct{ Held *wrap.Key }{k}, struct{ Held wrap.Key }{*k}} {
		var out bytes.Buffer
		require.Error(t, gob.NewEncoder(&out).Encode(v))
		require.NotContains(t, out.String(), string(kek[:]))
	}
}

// TestAllOfTheRandomnessIsUsed: 32 bytes for a key, and 32 for a nonce.
func TestAllOfTheRandomnessIsUsed(t *testing.T) {
	var random [32]byte
	cryptotest.SetGlobalRandom(t, 1)
	rand.Read(random[:])
	cryptotest.SetGlobalRandom(t, 1)
	require.Equal(t, random, wrap.NewKey().Bytes())
	k := wrap.ImportKey(fill(0x11))
	cryptotest.SetGlobalRandom(t, 1)
	blob := must(k.Wrap(t.Context(), []byte("secret"), binding))
	require.Equal(t, must(k.WrapWith([]byte("secret"), binding, random)), blob)
}

// TestADestroyedKeyEqualsNoZeros on either side.
func TestADestroyedKeyEqualsNoZeros(t *testing.T) {
	dead, zeros := wrap.NewKey(), wrap.ImportKey([32]byte{})
	dead.Destroy()
	require.False(t, dead.Equal(zeros))
	require.False(t, zeros.Equal(dead))
}
