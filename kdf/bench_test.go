package kdf_test

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
)

const benchIterations = 210_000

var (
	benchPassword = []byte("correct horse battery staple")
	benchSalt     = []byte("saltsaltsaltsaltsaltsaltsaltsalt")
)

func stdPBKDF2(b *testing.B, iterations int) {
	if _, err := pbkdf2.Key(sha512.New, string(benchPassword), benchSalt, iterations, 64); err != nil {
		b.Fatal(err)
	}
}

func benchDerive(b *testing.B, f *kdf.Function) {
	if _, err := f.Derive(b.Context(), benchPassword, 64); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPBKDF2SHA512 reports how many times faster it is than the standard
// library. The two are timed in turns, a tenth of the iterations each, and what
// counts is the median of a hundred ratios: on a shared machine two times that
// were taken seconds apart differ by more than the two do.
func BenchmarkPBKDF2SHA512(b *testing.B) {
	f := exact(b, must(kdf.NewPBKDF2SHA512(benchIterations)), benchSalt)
	tenth := exact(b, must(kdf.NewPBKDF2SHA512(benchIterations/10)), benchSalt)
	b.Run("210000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			benchDerive(b, f)
		}
		ratios := make([]float64, 100)
		for i := range ratios {
			start := time.Now()
			benchDerive(b, tenth)
			middle := time.Now()
			stdPBKDF2(b, benchIterations/10)
			ratios[i] = float64(time.Since(middle)) / float64(middle.Sub(start))
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "×faster")
	})
}

func BenchmarkStdPBKDF2SHA512(b *testing.B) {
	b.Run("210000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			stdPBKDF2(b, benchIterations)
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
