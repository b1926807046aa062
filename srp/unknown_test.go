package srp_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestDecoysNeverChange: salt and verifier of an unknown name are what the
// formulas say. A version with others would move every unknown name and no
// account. D is HMAC-SHA512(DecoyKey, u8 len ‖ label ‖ id).
//
//	salt     = HKDF-Expand-SHA512(D("salt", id), digest of the kind, size of the salt)
//	verifier = HKDF-Expand-SHA512(D("verifier", id), digest of the kind, |N| + 16) mod N
func TestDecoysNeverChange(t *testing.T) {
	r := sha256Rig(t)
	weights, err := srp.Weights(r.kind)
	require.NoError(t, err)
	id := []byte("nobody")
	expand := func(label string, size int) []byte {
		d := hmac.New(sha512.New, testDecoyKey[:])
		d.Write(append([]byte{byte(len(label))}, label...))
		d.Write(id)
		out, err := hkdf.Expand(sha512.New, d.Sum(nil), string(weights[0].Digest[:]), size)
		require.NoError(t, err)
		return out
	}
	group := r.group.Unverified()
	N, g := new(big.Int).SetBytes(group.N), big.NewInt(int64(group.G))
	b := bytes.Repeat([]byte{0xb0}, 32)
	c, _, err := r.server.ChallengeWith(t.Context(), id, nil, b)
	require.NoError(t, err)
	salt := expand("salt", 16)
	require.NotZero(t, salt[0])
	require.Equal(t, salt, c.Salt)

	k := sha256.Sum256(append(slices.Clone(group.N), g.FillBytes(make([]byte, len(group.N)))...))
	B := new(big.Int).SetBytes(expand("verifier", len(group.N)+16))
	B.Mul(B, new(big.Int).SetBytes(k[:])).Add(B, new(big.Int).Exp(g, new(big.Int).SetBytes(b), N)).Mod(B, N)
	require.Equal(t, B.FillBytes(make([]byte, len(group.N))), c.B)
}
