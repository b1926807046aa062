package recovery_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// BenchmarkOpen opens a header of one slot, of each type. The password's KDF
// has the least cost that there is.
func BenchmarkOpen(b *testing.B) {
	_, openers := everySlot(b)
	for _, c := range [][2]string{
		{"phrase", "phrase of 12"}, {"password", "password"}, {"export", "export"}, {"file", "file"}, {"passkey", "passkey"},
	} {
		o := openers[c[1]]
		if c[0] == "file" {
			o = recovery.NewFile()
		}
		sealers := []recovery.Sealer{o.(recovery.Sealer)}
		if c[0] == "passkey" {
			sealers = append(sealers, phrase())
		}
		k := create(b, sealers...)
		header, checkpoint := k.Header().Bytes(), k.Checkpoint()
		b.Run(c[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h, err := recovery.ParseHeader(header)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := recovery.Open(context.Background(), h, o, checkpoint); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// slots is a keyring of n slots.
func slots(b *testing.B, n int) *recovery.Keyring {
	sealers := []recovery.Sealer{phrase()}
	for i := 1; i < n; i++ {
		sealers = append(sealers, exportKey(byte(i)))
	}
	return create(b, sealers...)
}

// BenchmarkRotate is one edit with a new master key, and the header with it.
func BenchmarkRotate(b *testing.B) {
	for _, n := range []int{1, 8, 20} {
		k := slots(b, n)
		b.Run(fmt.Sprintf("slots=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Edit(rotate); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUnwrap opens two blobs: with Unwrap one of the current epoch, and
// with UnwrapOld one of the oldest epoch. The keyring has opened its history
// before, except in "first".
func BenchmarkUnwrap(b *testing.B) {
	o := exportKey(1)
	k, _, blobs := fullHistory(b, o)
	oldest, now := blobs[0], blobs[len(blobs)-1]
	unwrap := func(k *recovery.Keyring) {
		if _, err := k.Unwrap(now, files("a")); err != nil {
			b.Fatal(err)
		}
		if _, err := k.UnwrapOld(oldest, files("a")); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("history=255", func(b *testing.B) {
		b.ReportAllocs()
		unwrap(k)
		for b.Loop() {
			unwrap(k)
		}
	})
	b.Run("history=255/first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			fresh, err := recovery.Open(context.Background(), k.Header(), o, k.Checkpoint())
			require.NoError(b, err)
			b.StartTimer()
			unwrap(fresh)
		}
	})
}

func BenchmarkParseHeader(b *testing.B) {
	for _, n := range []int{3, 20} {
		header := slots(b, n).Header().Bytes()
		b.Run(fmt.Sprintf("slots=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(header)))
			for b.Loop() {
				if _, err := recovery.ParseHeader(header); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParsePhrase(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := recovery.ParsePhrase(sentence); err != nil {
			b.Fatal(err)
		}
	}
}
