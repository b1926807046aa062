package oprf_test

import (
	"testing"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// A valid tag is the MAC or its first bytes. An invalid tag is neither.
func TestWycheproofHMAC(t *testing.T) {
	type vector struct {
		ID            int
		Key, Msg, Tag testvec.Hex
		Valid         bool
	}
	files := map[string]string{
		"SHA256": "testdata/hmac_sha256_wycheproof.json",
		"SHA512": "testdata/hmac_sha512_wycheproof.json",
	}
	for name, file := range files {
		h, valid, cut := hashes[name].new(), 0, 0
		vectors := testvec.Load[[]vector](t, testdata, file)
		require.Len(t, vectors, 174)
		for _, v := range vectors {
			out := make([]byte, h.Size())
			h.MAC(out, v.Key, split(v.Msg)...)
			require.Contains(t, []int{h.Size(), h.Size() / 2}, len(v.Tag))
			if !v.Valid {
				require.NotEqualValues(t, v.Tag, out[:len(v.Tag)], "%s: vector %d", name, v.ID)
				continue
			}
			valid++
			if len(v.Tag) < h.Size() {
				cut++
			}
			require.EqualValues(t, v.Tag, out[:len(v.Tag)], "%s: vector %d", name, v.ID)
		}
		require.Equal(t, 66, valid, name)
		require.Equal(t, 33, cut, name)
	}
}

// The vectors give only the x-coordinate of a product. Its sign is checked by
// the negated element, whose product has the same x-coordinate and the other
// sign.
func TestWycheproofP256(t *testing.T) {
	vectors := testvec.Load[[]struct {
		ID                 int
		Element, Scalar, X testvec.Hex
		Refused            string
	}](t, testdata, "testdata/p256_wycheproof.json")
	require.Len(t, vectors, 355)
	g, refused := oprf.P256.Group, 0
	for _, v := range vectors {
		out := make([]byte, g.ElementSize())
		err := g.Multiply(oprf.Term{Out: out, Scalar: v.Scalar, Element: elementOf(v.Element)})
		if v.Refused != "" {
			refused++
			require.Empty(t, v.X)
			require.ErrorIs(t, err, oprf.ErrElement, "vector %d: %s", v.ID, v.Refused)
			continue
		}
		require.NoError(t, err, "vector %d", v.ID)
		require.EqualValues(t, v.X, out[1:], "vector %d", v.ID)

		negated, of := make([]byte, g.ElementSize()), elementOf(v.Element)
		of[0] ^= 1
		require.NoError(t, g.Multiply(oprf.Term{Out: negated, Scalar: v.Scalar, Element: of}))
		negated[0] ^= 1
		require.Equal(t, out, negated, "vector %d", v.ID)
	}
	require.Equal(t, 24, refused)
}

// elementOf returns a copy that is never nil, which would be the generator.
func elementOf(encoding testvec.Hex) []byte { return append([]byte{}, encoding...) }
