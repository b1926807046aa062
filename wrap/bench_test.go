package wrap_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"testing"

	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/chacha20poly1305"
)

// bare is the AEAD that a suite runs, with a key schedule of its own each time,
// as a wrap has.
var bare = map[string]func(key []byte) (cipher.AEAD, error){
	"xchacha20-poly1305": chacha20poly1305.NewX,
	"aes-256-gcm": func(key []byte) (cipher.AEAD, error) {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCM(block)
	},
}

func BenchmarkWrap(b *testing.B) {
	secret := make([]byte, 32)
	for name, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(k.Wrap(context.Background(), secret, binding))
			}
		})
		b.Run(name+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				aead := must(bare[name](secret))
				aead.Seal(nil, make([]byte, aead.NonceSize()), secret, nil)
			}
		})
	}
}

func BenchmarkUnwrap(b *testing.B) {
	secret := make([]byte, 32)
	for name, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		blob := must(k.Wrap(context.Background(), secret, binding))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(k.Unwrap(context.Background(), blob, binding))
			}
		})
		aead := must(bare[name](secret))
		sealed := aead.Seal(nil, make([]byte, aead.NonceSize()), secret, nil)
		b.Run(name+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				aead := must(bare[name](secret))
				must(aead.Open(nil, make([]byte, aead.NonceSize()), sealed, nil))
			}
		})
	}
}

func TestAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, under which the short tests run, allocates too")
	}
	secret := make([]byte, 32)
	for name, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		blob := must(k.Wrap(t.Context(), secret, binding))
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { must(k.Wrap(context.Background(), secret, binding)) }), 4.0, name)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { must(k.Unwrap(context.Background(), blob, binding)) }), 4.0, name)
	}
}
