package opaque_test

import (
	"bytes"
	"testing"

	"filippo.io/edwards25519"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// BenchmarkScalarMult is the unit of the others: one variable-base
// multiplication of edwards25519.
func BenchmarkScalarMult(b *testing.B) {
	b.Run("ristretto255", func(b *testing.B) {
		s, err := edwards25519.NewScalar().SetUniformBytes(bytes.Repeat([]byte{0xa7}, 64))
		require.NoError(b, err)
		p := new(edwards25519.Point).ScalarBaseMult(s)
		for b.Loop() {
			p.ScalarMult(s, p)
		}
	})
}

// BenchmarkKE2 is Server.Begin on the RFC's wire, sealing included.
func BenchmarkKE2(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			r := newRigOn(b, suite, opaque.RFC)
			client, server, record := r.client, r.server, r.record
			_, request, err := client.Login(nil, password)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := server.Begin(b.Context(), alice, record, request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLogin is a whole login on the RFC's wire, without a KSF.
func BenchmarkLogin(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			r := newRigOn(b, suite, opaque.RFC)
			client, server, record := r.client, r.server, r.record
			b.ReportAllocs()
			for b.Loop() {
				login, request, err := client.Login(nil, password)
				require.NoError(b, err)
				response, pending, err := server.Begin(b.Context(), alice, record, request)
				require.NoError(b, err)
				final, err := login.Respond(b.Context(), response)
				require.NoError(b, err)
				reply, _, err := server.Finish(b.Context(), alice, pending, final)
				require.NoError(b, err)
				_, err = login.Finish(reply)
				require.NoError(b, err)
			}
		})
	}
}

// BenchmarkRegister is a whole registration without a KSF.
func BenchmarkRegister(b *testing.B) {
	for _, suite := range suites {
		b.Run(suite.String(), func(b *testing.B) {
			r := newRigOn(b, suite, opaque.RFC)
			b.ReportAllocs()
			for b.Loop() {
				r.register(b, r.client, alice, nil, password)
			}
		})
	}
}

// BenchmarkLoginDefaultKSF is what a user waits for, framed: of it the KSF, 64 MiB
// of Argon2id, takes nearly all.
func BenchmarkLoginDefaultKSF(b *testing.B) {
	r := newRig(b, opaque.Ristretto255)
	client, err := opaque.NewClient(opaque.ClientConfig{})
	require.NoError(b, err)
	record, _ := r.register(b, client, alice, nil, password)
	for b.Loop() {
		mustLogin(b, client, r.server, alice, nil, record, password)
	}
}
