package oprf_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/stretchr/testify/require"
)

// MAP of RFC 9496, Section 4.3.4, takes zero to the identity, and the numbers t
// with s² = 1, which solve u = v or, where u / v is no square, r·u = v for
// r = √−1·t². Two of them make the identity, which must be refused.
func TestRistrettoIdentityIsRefused(t *testing.T) {
	one := ristretto.scalar(big.NewInt(1))
	other := bytes.Repeat([]byte{5}, 32)
	var fromOther []byte
	for _, half := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"a2ce3011a78ef573098dfffa7c6319a2973184a23f8c7e4fb28a95abee32615f",
		"068c5b499d860a72cba9a67991e93e203e07f2cecac35ff78ba286490a9d647f",
		"3112f2f754ec66b46fe06c62c290e9b282e0e4879f2a332435d83b48fa0dc27d",
		"2a6382d98d9b4fe0526bf32f2e36b1c6fb594edaadaa30f35a29566c59adfe4c",
	} {
		b, err := hex.DecodeString(half)
		require.NoError(t, err)
		out := make([]byte, ristretto.ElementSize())
		require.ErrorIs(t, ristretto.MapMultiply(out, one, bytes.Repeat(b, 2)), oprf.ErrElement)
		require.NoError(t, ristretto.MapMultiply(out, one, append(b, other...)))
		if fromOther != nil {
			require.Equal(t, fromOther, out, "the identity changes nothing")
		}
		fromOther = out
	}
}
