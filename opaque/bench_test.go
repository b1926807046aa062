package opaque_test

import (
	"bytes"
	"testing"
	"time"

	"filippo.io/edwards25519"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// BenchmarkScalarMult is the unit to compare with: one variable-base
// multiplication of edwards25519. The metric ×unit of the others is the ratio.
func BenchmarkScalarMult(b *testing.B) {
	b.Run("ristretto255", func(b *testing.B) {
		unit := newUnit(b)
		for b.Loop() {
			unit()
		}
	})
}

func newUnit(b *testing.B) func() {
	s, err := edwards25519.NewScalar().SetUniformBytes(bytes.Repeat([]byte{0xa7}, 64))
	require.NoError(b, err)
	p := new(edwards25519.Point).ScalarBaseMult(s)
	return func() { p.ScalarMult(s, p) }
}

// measure runs f and the unit in turns, so their ratio is stable on a machine
// whose speed varies.
func measure(b *testing.B, f func() error) {
	unit := newUnit(b)
	const units = 4
	var took, unitTook time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		took += time.Since(start)
		b.StopTimer()
		start = time.Now()
		for range units {
			unit()
		}
		unitTook += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(units*float64(took)/float64(unitTook), "×unit")
}

// BenchmarkKE2 is Server.Begin on the RFC's wire, sealing included.
func BenchmarkKE2(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			r := newRigOn(b, suite, opaque.WireRFC9807)
			_, request, err := r.client.Login(nil, password)
			require.NoError(b, err)
			measure(b, func() error {
				return second(r.server.BeginLogin(b.Context(), alice, r.record, request))
			})
		})
	}
}

// BenchmarkLogin is a whole login on the RFC's wire, without a KSF.
func BenchmarkLogin(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			r := newRigOn(b, suite, opaque.WireRFC9807)
			measure(b, func() error {
				login, request, err := r.client.Login(nil, password)
				if err != nil {
					return err
				}
				response, pending, err := r.server.BeginLogin(b.Context(), alice, r.record, request)
				if err != nil {
					return err
				}
				final, err := login.Respond(b.Context(), response)
				if err != nil {
					return err
				}
				reply, _, err := r.server.FinishLogin(b.Context(), alice, r.record, pending, final)
				if err != nil {
					return err
				}
				_, err = login.Finish(reply)
				return err
			})
		})
	}
}

// BenchmarkRegister is a whole registration without a KSF.
func BenchmarkRegister(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			r := newRigOn(b, suite, opaque.WireRFC9807)
			measure(b, func() error {
				r.register(b, r.client, alice, nil, password)
				return nil
			})
		})
	}
}

// BenchmarkLoginDefaultKSF is the whole login of a user on the framed wire. The
// KSF, Argon2id with 64 MiB, takes nearly all of the time.
func BenchmarkLoginDefaultKSF(b *testing.B) {
	r := newRig(b, opaque.Ristretto255)
	client, err := opaque.NewClient(opaque.ClientConfig{})
	require.NoError(b, err)
	record, _ := r.register(b, client, alice, nil, password)
	for b.Loop() {
		mustLogin(b, client, r.server, alice, nil, record, password)
	}
}
