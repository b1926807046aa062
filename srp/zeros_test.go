package srp_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// zeroVector is a login in which one value starts with zero bytes, numbers
// seen from their most significant byte. Padding bugs show in these logins
// alone: one in 256 or in 65,536.
type zeroVector struct {
	Profile string      `json:"profile"`
	Value   string      `json:"value"` // A, B, S, x, K, M1 or salt
	Zeros   int         `json:"zeros"`
	I       string      `json:"I"`
	P       string      `json:"P"`
	Salt    testvec.Hex `json:"s"`
	A0      testvec.Hex `json:"a"`
	B0      testvec.Hex `json:"b"`
	M1      testvec.Hex `json:"M1"`
	M2      testvec.Hex `json:"M2"`
	Digest  testvec.Hex `json:"digest"` // SHA-256(x ‖ v ‖ A ‖ B ‖ u ‖ S ‖ K ‖ M1 ‖ M2)
}

// zeroValues are the values that every profile has a vector of one and of two
// zero bytes for. In Proton's profiles K is S.
var zeroValues = []string{"A", "B", "S", "x", "K", "M1", "salt"}

// leading counts the zero bytes in front of a value, in numbers of Proton's at
// the end of the wire.
func (r *reference) leading(value string, v *values) int {
	b := map[string][]byte{"A": v.A, "B": v.B, "S": v.S, "K": v.K, "M1": v.M1, "salt": r.s}[value]
	switch {
	case value == "x":
		b = v.x.FillBytes(make([]byte, r.xSize()))
	case r.proton >= 0 && value != "M1" && value != "salt":
		b = reverse(b)
	}
	return len(b) - len(bytes.TrimLeft(b, "\x00"))
}

func (r *reference) xSize() int {
	switch {
	case r.proton >= 0:
		return 256
	case r.nescio:
		return 32
	}
	return r.hash.Size()
}

func (r *reference) digest(v *values) []byte {
	x, u := v.x.FillBytes(make([]byte, r.xSize())), v.u.FillBytes(make([]byte, r.xSize()))
	sum := sha256.Sum256(bytes.Join([][]byte{x, v.v, v.A, v.B, u, v.S, v.K, v.M1, v.M2}, nil))
	return sum[:]
}

// TestLeadingZeros runs client and server through each of the vectors, beside
// the second implementation.
func TestLeadingZeros(t *testing.T) {
	t.Parallel()
	vectors := testvec.Load[[]zeroVector](t, testdata, "testdata/leading_zeros.json")
	references := allProfiles(t)
	servers := make(map[srp.Profile]*srp.Server)
	seen := make(map[string]bool)
	for _, v := range vectors {
		profile, err := srp.ParseProfile(v.Profile)
		require.NoError(t, err)
		name := v.Profile + " " + v.Value + " " + string(rune('0'+v.Zeros))
		seen[name] = true
		if version, ok := profile.ProtonVersion(); !testvec.Long && ok && (version != 4 || v.Zeros != 1) {
			continue // a bcrypt each
		}

		r := references[profile]
		r.I, r.P, r.s = []byte(v.I), []byte(v.P), v.Salt
		want := r.run(new(big.Int).SetBytes(v.A0), new(big.Int).SetBytes(v.B0))
		require.Equal(t, v.Zeros, r.leading(v.Value, want), name)
		require.EqualValues(t, v.M1, want.M1, name)
		require.EqualValues(t, v.M2, want.M2, name)
		require.Equal(t, hex.EncodeToString(v.Digest), hex.EncodeToString(r.digest(want)), name)

		group, err := srp.NewGroup(r.N.Bytes(), int(r.g.Int64()))
		require.NoError(t, err)
		if servers[profile] == nil {
			servers[profile] = newServer(t, srp.Kind{Profile: profile, Groups: []*srp.Group{group}, KDF: srp.SmallKDF(profile), Weight: 1})
		}
		server := servers[profile]
		client, err := srp.NewClient(srp.ClientConfig{
			Profiles: []srp.Profile{profile}, GroupPolicy: srp.AnyGroup(3072), KDFPolicy: kdf.FixedPolicy(srp.SmallKDF(profile))})
		require.NoError(t, err)
		salt := []byte(v.Salt)
		if version, ok := profile.ProtonVersion(); ok && version < 3 {
			salt = nil // a record of these has none; a client ignores what comes
		}
		record, err := srp.RegisterWith(profile, group.Unverified(), srp.SmallKDF(profile), r.I, r.P, salt)
		require.NoError(t, err, name)
		require.Equal(t, want.v, record.Verifier(), name)

		challenge, pending, err := server.ChallengeWith(t.Context(), []byte("id"), record.Bytes(), v.B0)
		require.NoError(t, err, name)
		require.Equal(t, want.B, challenge.B, name)
		challenge.Salt = v.Salt
		if profile == srp.HomeKit() { // its peers may drop the leading zeros of A and B
			challenge.B = minimalBytes(challenge.B)
		}
		login, _, err := client.WithExponent(v.A0).Login(r.I, r.P)
		require.NoError(t, err, name)
		proof, err := login.Answer(t.Context(), challenge)
		require.NoError(t, err, name)
		require.Equal(t, srp.Proof{A: want.A, M1: want.M1}, proof, name)
		if profile == srp.HomeKit() {
			proof.A = minimalBytes(proof.A)
		}
		m2, serverKey, err := server.Verify(t.Context(), []byte("id"), record.Bytes(), pending, proof)
		require.NoError(t, err, name)
		require.Equal(t, want.M2, m2, name)
		require.Equal(t, want.K, serverKey, name)
		clientKey, err := login.Confirm(m2)
		require.NoError(t, err, name)
		require.Equal(t, want.K, clientKey, name)
	}
	for profile := range references {
		for _, value := range zeroValues {
			for _, zeros := range []string{"1", "2"} {
				require.True(t, seen[profile.String()+" "+value+" "+zeros], "%s %s %s", profile, value, zeros)
			}
		}
	}
}
