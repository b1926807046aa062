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
func bare(s wrap.Suite, key []byte) (cipher.AEAD, error) {
	if s == wrap.XChaCha20Poly1305 {
		return chacha20poly1305.NewX(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// header stands for a blob's header, which is the AEAD's additional data.
var header = make([]byte, wrap.Overhead-16)

func BenchmarkWrap(b *testing.B) {
	secret := make([]byte, 32)
	for _, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(k.Wrap(context.Background(), secret, binding))
			}
		})
		b.Run(s.String()+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				aead := must(bare(s, secret))
				aead.Seal(nil, make([]byte, aead.NonceSize()), secret, header)
			}
		})
	}
}

func BenchmarkUnwrap(b *testing.B) {
	secret := make([]byte, 32)
	for _, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		blob := must(k.Wrap(context.Background(), secret, binding))
		b.Run(s.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(k.Unwrap(context.Background(), blob, binding))
			}
		})
		aead := must(bare(s, secret))
		sealed := aead.Seal(nil, make([]byte, aead.NonceSize()), secret, header)
		b.Run(s.String()+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				aead := must(bare(s, secret))
				must(aead.Open(nil, make([]byte, aead.NonceSize()), sealed, header))
			}
		})
	}
}

func TestAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, under which the short tests run, allocates too")
	}
	secret := make([]byte, 32)
	for _, s := range suites {
		k := must(wrap.NewKey().WithSuite(s))
		blob := must(k.Wrap(t.Context(), secret, binding))
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { must(k.Wrap(context.Background(), secret, binding)) }), 4.0, s)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { must(k.Unwrap(context.Background(), blob, binding)) }), 4.0, s)
	}
}
