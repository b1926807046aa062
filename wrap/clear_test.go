package wrap_test

import (
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
		testvec.Elsewhere(func() {
			first, second, secret, kept = draw(), draw(), draw(), draw()
			ctx := context.Background()
			a, b := key(first, s), key(second, s)
			alive = wrap.ImportKey(kept.show())
			plain := secret.show()
			blob = must(a.Wrap(ctx, plain[:], binding))
			clear(must(a.Unwrap(ctx, blob, binding)))
			moved = must(wrap.Rewrap(ctx, a, binding, b, binding, blob))
			var err error
			if wrappedKey, wrappedSecret, err = wrap.Double(ctx, a, binding, plain[:]); err != nil {
				t.Error(err)
			}
			clear(must(wrap.OpenDouble(ctx, a, binding, wrappedKey, wrappedSecret)))
			clear(plain[:])
			a.Destroy()
			b.Destroy()
		})
		heap := testvec.Heap(t)
		living := kept.show()
		require.True(t, heap.Holds(living[:]), "a key that is not destroyed is found")
		require.True(t, heap.Holds(blob), "and so is a blob")

		for name, h := range map[string]hidden{"key": first, "second key": second} {
			kek := h.show()
			require.False(t, heap.Holds(kek[:]), "%v: the %s", s, name)
			prk := must(hkdf.Extract(sha256.New, kek[:], nil))
			require.False(t, heap.Holds(prk), "%v: what the nonces' key of the %s is made of", s, name)
			kn := must(hkdf.Expand(sha256.New, prk, "keywrap/v1\x00nonce", 32))
			require.False(t, heap.Holds(kn), "%v: the nonces' key of the %s", s, name)
		}
		kek := first.show()
		require.False(t, heap.Holds(must(hkdf.Extract(sha256.New, kek[:], blob[2:26]))), "%v: what the blob's keys are made of", s)
		value := secret.show()
		require.False(t, heap.Holds(value[:]), "%v: the secret", s)
		middle := must(wrap.ImportKey(kek).Unwrap(t.Context(), wrappedKey, binding))
		require.False(t, heap.Holds(middle), "%v: the middle key", s)
		runtime.KeepAlive([]any{alive, blob, moved})
	}
}
