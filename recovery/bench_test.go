package recovery_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// BenchmarkOpen opens a keyring of one slot by each way in. The password's KDF is
// negligible.
func BenchmarkOpen(b *testing.B) {
	_, ways := everyWay(b)
	for _, name := range []string{"password", "export", "phrase of 12", "file", "passkey"} {
		way := ways[name]
		if name == "file" {
			way = recovery.NewFile()
		}
		sealers := []recovery.Sealer{way.(recovery.Sealer)}
		if name == "passkey" {
			sealers = append(sealers, phrase(b))
		}
		k := create(b, sealers...)
		header, p := k.Bytes(), pin(b, k)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h, err := recovery.ParseHeader(header)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := recovery.Open(context.Background(), h, way, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRotate makes a new master key and the header with it. The history does
// not grow.
func BenchmarkRotate(b *testing.B) {
	for _, n := range []int{1, 8, recovery.MaxSlots} {
		k := create(b, phrase(b))
		for i := 1; i < n; i++ {
			_, err := k.Add(b.Context(), export(byte(i)))
			require.NoError(b, err)
		}
		b.Run(fmt.Sprintf("slots=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := k.Rotate(context.Background()); err != nil {
					b.Fatal(err)
				}
				k.Bytes()
				if err := k.Forget(k.Epoch() - 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseHeader(b *testing.B) {
	for _, n := range []int{3, recovery.MaxSlots} {
		k := create(b, phrase(b))
		for i := 1; i < n; i++ {
			_, err := k.Add(b.Context(), export(byte(i)))
			require.NoError(b, err)
		}
		header := k.Bytes()
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
