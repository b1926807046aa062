package interop_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"testing"

	gosrp "github.com/ProtonMail/go-srp"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// proton is our side over one of the moduli that Proton signed.
type proton struct {
	*ours
	signed string
}

func newProton(t testing.TB, version, modulus int) *proton {
	signed := testvec.Load[[]string](t, os.DirFS("../../moduli/openpgp/testdata"), "signed_moduli.json")[modulus]
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	require.NoError(t, err)
	n, err := key.Modulus([]byte(signed))
	require.NoError(t, err)
	group, err := srp.NewGroup(n, openpgp.Generator)
	require.NoError(t, err)
	group, err = group.WithCertificate([]byte(signed))
	require.NoError(t, err)
	return &proton{newOursIn(t, srp.Proton(version), group, key.GroupPolicy()), signed}
}

// TestGoSRP logs in with Proton's own Go library, versions 3 and 4, on both
// moduli, in both directions.
func TestGoSRP(t *testing.T) {
	for _, version := range []int{3, 4} {
		for modulus := range 2 {
			t.Run(fmt.Sprintf("version=%d/modulus=%d", version, modulus), func(t *testing.T) {
				t.Parallel()
				testGoSRP(t, newProton(t, version, modulus), version, logins()/8)
			})
		}
	}
}

func testGoSRP(t *testing.T, side *proton, version, count int) {
	for n := range count {
		_, text := user(n)
		password := []byte(text)
		record := side.register(t, "", string(password))
		salt := base64.StdEncoding.EncodeToString(record.Salt())

		// Their verifier is ours.
		auth, err := gosrp.NewAuthForVerifier(password, side.signed, record.Salt())
		require.NoError(t, err)
		v, err := auth.GenerateVerifier(2048)
		require.NoError(t, err)
		require.Equal(t, v, record.Verifier())

		// Their client, our server.
		c, pending, err := side.server.Challenge(t.Context(), []byte("id"), record.Bytes())
		require.NoError(t, err)
		auth, err = gosrp.NewAuth(version, "", password, salt, side.signed, base64.StdEncoding.EncodeToString(c.B))
		require.NoError(t, err)
		proofs, err := auth.GenerateProofs(2048)
		require.NoError(t, err)
		m2, key, err := side.server.Verify(t.Context(), []byte("id"), record.Bytes(), pending, srp.Proof{A: proofs.ClientEphemeral, M1: proofs.ClientProof})
		require.NoError(t, err, "their client, our server, login %d", n)
		require.Equal(t, proofs.ExpectedServerProof, m2)
		require.Len(t, key, 256)

		// Our client, their server.
		server, err := gosrp.NewServerFromSigned(side.signed, record.Verifier(), 2048)
		require.NoError(t, err)
		B, err := server.GenerateChallenge()
		require.NoError(t, err)
		login, _, err := side.client.Login(nil, password)
		require.NoError(t, err)
		proof, err := login.Answer(t.Context(), srp.Challenge{Profile: side.profile, Group: side.group.Unverified(), Salt: record.Salt(), B: B})
		require.NoError(t, err)
		m2, err = server.VerifyProofs(proof.A, proof.M1)
		require.NoError(t, err, "our client, their server, login %d", n)
		key, err = login.Confirm(m2)
		require.NoError(t, err)
		theirs, err := server.GetSharedSession()
		require.NoError(t, err)
		require.Equal(t, theirs, key)
	}
}

// BenchmarkServer is a server's whole login: the challenge and the proof.
func BenchmarkServer(b *testing.B) {
	side := newProton(b, 4, 0)
	password := []byte("password")
	record := side.register(b, "", string(password))
	stored := record.Bytes()
	proof := srp.Proof{A: append(make([]byte, 255), 5), M1: make([]byte, 256)} // wrong, which takes as long
	b.Run("nescio", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, pending, err := side.server.Challenge(b.Context(), []byte("id"), stored)
			require.NoError(b, err)
			_, _, err = side.server.Verify(b.Context(), []byte("id"), stored, pending, proof)
			require.ErrorIs(b, err, srp.ErrAuthentication)
		}
	})
	b.Run("go-srp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			server, err := gosrp.NewServerFromSigned(side.signed, record.Verifier(), 2048)
			require.NoError(b, err)
			_, err = server.GenerateChallenge()
			require.NoError(b, err)
			_, err = server.VerifyProofs(proof.A, proof.M1)
			require.Error(b, err)
		}
	})
}

// BenchmarkClient is a client's whole login up to its proof, bcrypt included.
func BenchmarkClient(b *testing.B) {
	side := newProton(b, 4, 0)
	password := []byte("password")
	salt := make([]byte, 10)
	rand.Read(salt)
	B := append(make([]byte, 255), 5)
	b.Run("nescio", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			login, _, err := side.client.Login(nil, password)
			require.NoError(b, err)
			_, err = login.Answer(b.Context(), srp.Challenge{Profile: side.profile, Group: side.group.Unverified(), Salt: salt, B: B})
			require.NoError(b, err)
		}
	})
	b.Run("go-srp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			auth, err := gosrp.NewAuth(4, "", password, base64.StdEncoding.EncodeToString(salt), side.signed, base64.StdEncoding.EncodeToString(B))
			require.NoError(b, err)
			_, err = auth.GenerateProofs(2048)
			require.NoError(b, err)
		}
	})
}
