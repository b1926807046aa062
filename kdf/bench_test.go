package kdf_test

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
)

const benchIterations = 210_000

var (
	benchPassword = []byte("correct horse battery staple")
	benchSalt     = []byte("saltsaltsaltsaltsaltsaltsaltsalt")
)

func stdPBKDF2(b *testing.B) {
	if _, err := pbkdf2.Key(sha512.New, string(benchPassword), benchSalt, benchIterations, 64); err != nil {
		b.Fatal(err)
	}
}

func benchDerive(b *testing.B, f *kdf.Function) {
	if _, err := f.Derive(b.Context(), benchPassword, 64); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPBKDF2SHA512 reports how many times faster it is than the standard
// library: the fastest of each, taken in turns, so that a busy machine slows
// both.
func BenchmarkPBKDF2SHA512(b *testing.B) {
	f := exact(b, must(kdf.NewPBKDF2SHA512(benchIterations)), benchSalt)
	b.Run("210000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			benchDerive(b, f)
		}
		ours, std := time.Hour, time.Hour
		for range 15 {
			start := time.Now()
			benchDerive(b, f)
			ours = min(ours, time.Since(start))
			start = time.Now()
			stdPBKDF2(b)
			std = min(std, time.Since(start))
		}
		b.ReportMetric(float64(std)/float64(ours), "×faster")
	})
}

func BenchmarkStdPBKDF2SHA512(b *testing.B) {
	b.Run("210000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			stdPBKDF2(b)
		}
	})
}

func BenchmarkArgon2id(b *testing.B) {
	f := exact(b, kdf.Default(), benchSalt)
	b.Run("m=65536,t=3,p=4", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			benchDerive(b, f)
		}
	})
}

func BenchmarkScrypt(b *testing.B) {
	f := exact(b, must(kdf.NewScrypt(1<<16, 8, 1)), benchSalt)
	b.Run("ln=16,r=8,p=1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			benchDerive(b, f)
		}
	})
}

func BenchmarkProtonKeyPassword(b *testing.B) {
	salt := make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := kdf.ProtonKeyPassword(benchPassword, salt); err != nil {
			b.Fatal(err)
		}
	}
}
