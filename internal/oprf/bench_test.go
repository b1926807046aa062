package oprf_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/internal/oprf"
)

func BenchmarkBlind(b *testing.B) {
	for name, s := range suites {
		b.Run(name, func(b *testing.B) {
			h, out, blind := s.NewHash(), make([]byte, s.Group.ElementSize()), make([]byte, s.Group.ScalarSize())
			s.RandomScalar(blind)
			input := []byte("password")
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Blind(h, out, blind, input); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMultiply(b *testing.B) {
	for name, s := range map[string]*oprf.Suite{"ristretto255": oprf.Ristretto255, "p256": oprf.P256} {
		b.Run(name, func(b *testing.B) {
			out, element := make([]byte, s.Group.ElementSize()), make([]byte, s.Group.ElementSize())
			scalar := make([]byte, s.Group.ScalarSize())
			s.RandomScalar(scalar)
			if err := s.Group.Multiply(oprf.Term{Out: element, Scalar: scalar}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Group.Multiply(oprf.Term{Out: out, Scalar: scalar, Element: element}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMapMultiply(b *testing.B) {
	for name, s := range map[string]*oprf.Suite{"ristretto255": oprf.Ristretto255, "p256": oprf.P256} {
		b.Run(name, func(b *testing.B) {
			out, scalar := make([]byte, s.Group.ElementSize()), make([]byte, s.Group.ScalarSize())
			s.RandomScalar(scalar)
			uniform := bytes.Repeat([]byte{0x5a}, s.Group.UniformElementSize())
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Group.MapMultiply(out, scalar, uniform); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
