package wrap_test

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"runtime"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// hidden is a secret that does not stand in memory as it is.
type hidden [32]byte

func hide(secret []byte) (h hidden) {
	for i, b := range secret {
		h[i] = b ^ 0xa5
	}
	return h
}

func (h hidden) show() [32]byte { return [32]byte(hide(h[:])) }

// elsewhere runs f on a stack that is gone afterwards, with what it leaves there.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// TestNothingIsLeftOfKeys searches the memory for keys that are destroyed, what
// was derived from them, and secrets that only passed through. The cipher's own
// key stays in the ciphers, which nothing can clear.
func TestNothingIsLeftOfKeys(t *testing.T) {
	draw := func() hidden {
		k := wrap.NewKey()
		defer k.Destroy()
		b := k.Bytes()
		return hide(b[:])
	}
	key := func(h hidden, s wrap.Suite) *wrap.Key {
		k := wrap.ImportKey(h.show())
		defer k.Destroy()
		return must(k.WithSuite(s))
	}
	for _, s := range suites {
		var first, second, secret, kept hidden
		var blob, moved, wrappedKey, wrappedSecret []byte
		var alive *wrap.Key
		elsewhere(func() {
			first, second, secret, kept = draw(), draw(), draw(), draw()
			ctx := context.Background()
			a, b := key(first, s), key(second, s)
			alive = wrap.ImportKey(kept.show())
			plain := secret.show()
			blob = must(a.Wrap(ctx, plain[:], binding))
			clear(must(a.Unwrap(ctx, blob, binding)))
			moved = must(wrap.Rewrap(ctx, a, b, binding, blob))
			var err error
			wrappedKey, wrappedSecret, err = wrap.Double(ctx, a, binding, plain[:])
			require.NoError(t, err)
			clear(must(wrap.OpenDouble(ctx, a, binding, wrappedKey, wrappedSecret)))
			clear(plain[:])
			a.Destroy()
			b.Destroy()
		})
		heap := testvec.Heap(t)
		left := func(secret []byte) bool {
			for _, pad := range []byte{0, 0x36, 0x5c} { // as it is, or as a key of HMAC
				padded := bytes.Clone(secret)
				for i := range padded {
					padded[i] ^= pad
				}
				if bytes.Contains(heap, padded) {
					return true
				}
			}
			return false
		}
		living := kept.show()
		require.True(t, left(living[:]), "a key that is not destroyed is found")
		require.True(t, left(blob), "and so is a blob")

		for name, h := range map[string]hidden{"key": first, "second key": second} {
			kek := h.show()
			require.False(t, left(kek[:]), "%v: the %s", s, name)
			prk := must(hkdf.Extract(sha256.New, kek[:], nil))
			require.False(t, left(prk), "%v: what the nonces' key of the %s is made of", s, name)
			kn := must(hkdf.Expand(sha256.New, prk, "keywrap/v1\x00nonce", 32))
			require.False(t, left(kn), "%v: the nonces' key of the %s", s, name)
		}
		kek := first.show()
		require.False(t, left(must(hkdf.Extract(sha256.New, kek[:], blob[2:26]))), "%v: what the blob's keys are made of", s)
		value := secret.show()
		require.False(t, left(value[:]), "%v: the secret", s)
		middle := must(wrap.ImportKey(kek).Unwrap(t.Context(), wrappedKey, binding))
		require.False(t, left(middle), "%v: the middle key", s)
		runtime.KeepAlive([]any{alive, blob, moved})
	}
}
