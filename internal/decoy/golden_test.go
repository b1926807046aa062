package decoy_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/stretchr/testify/require"
)

// The numbers in this file were computed by another program, in Python, from
// the formulas alone. They must be the same on every architecture.

var key = [decoy.KeySize]byte(bytes.Repeat([]byte{7}, decoy.KeySize))

func TestBytesFormula(t *testing.T) {
	got := decoy.Bytes(&key, "kind", []byte("alice"))
	require.Equal(t, "3641eb0a28c8d9f7868fe4a62e4a5be9a2f51489ef13e7c8e791820872fa98bd"+
		"ee43a6313689294d1c3fac4b0a6c7825b2098d6f184fe58cc9ae31ad01814830", hex.EncodeToString(got[:]))
	mac := hmac.New(sha512.New, key[:])
	mac.Write([]byte("\x08protocolalice"))
	got = decoy.Bytes(&key, "protocol", []byte("alice"))
	require.Equal(t, mac.Sum(nil), got[:])
}

func TestBytesSeparateLabelAndName(t *testing.T) {
	require.NotEqual(t, decoy.Bytes(&key, "salt", []byte("alice")), decoy.Bytes(&key, "salta", []byte("lice")))
}

func TestExponentialGolden(t *testing.T) {
	for _, v := range []struct{ u, e uint64 }{
		{0x0, 274877906944},
		{0x1, 274877906944},
		{0x2, 270582939648},
		{0x3, 268070544839},
		{0x80000000, 141733920768},
		{0xffffffff, 137438953474},
		{0x0123456789abcdef, 33559934675},
		{0x7fffffffffffffff, 4294967297},
		{0x8000000000000000, 4294967296},
		{0x8000000000000001, 4294967296},
		{0xb504f333f9de6484, 2147483649},
		{0xb504f333f9de6485, 2147483648},
		{0xfedcba9876543210, 27600616},
		{0xffffffff00000000, 2},
		{0xffffffffffffffff, 1},
		// The bit that moves from lo to hi decides the last digit of these.
		{0x96c5a6521d5ca4cb, 3280387014},
		{0x96c5a6521d5ca4cc, 3280387013},
		{0xac8a8497aadcec2f, 2444712011},
		{0xb889181e5113947c, 2028277858},
	} {
		require.Equal(t, v.e, decoy.Exponential(v.u), "%#x", v.u)
	}
}

// TestExponentialIsALogarithm compares with floating point. Below 2^-20 a
// float64 has digits to spare; near u = 2^64 the logarithm is taken of 1 minus
// the rest, because u itself does not fit into a float64.
func TestExponentialIsALogarithm(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		u := random.Uint64() >> random.IntN(64)
		if random.IntN(2) == 0 {
			u = ^u
		}
		x := max(u, 1)
		want := -math.Log2(float64(x)/(1<<64)) * (1 << 32)
		if x>>63 == 1 {
			want = -math.Log1p(-float64(-x)/(1<<64)) / math.Ln2 * (1 << 32)
		}
		e := decoy.Exponential(u)
		require.InDelta(t, want, float64(e), 2, "%#x", u)
		require.Greater(t, e, uint64(0))
		require.Less(t, e, uint64(decoy.MaxE))
	}
}

func TestSmallerComparesExactly(t *testing.T) {
	const e, w = decoy.MaxE, decoy.MaxWeight
	for _, v := range []struct{ e, w, e2, w2, want uint64 }{
		{e, w, e, w, 0}, // a tie is for the one before
		{2, 2, 3, 3, 0},
		{e - 1, w, e, w, 1},
		{e, w, e - 1, w, 0},
		{e, w, e, w - 1, 1},
		{e, w - 1, e, w, 0},
		{1, w, e, 1, 1},
		{e, 1, 1, w, 0},
		{e - 1, w - 1, e, w, 0}, // a difference of 2^-40 of the score
		{e, w, e - 1, w - 1, 1},
	} {
		require.Equal(t, v.want, decoy.Smaller(v.e, v.w, v.e2, v.w2), "%v", v)
	}
}

func TestPickGolden(t *testing.T) {
	weights := []uint32{1, 0, 3, 1 << 20, 65537, 1 << 19, 99999, 1 << 20, 1 << 18}
	d := draw(t, kinds(weights...))
	ids := [][]byte{nil, []byte("alice"), []byte("bob"), []byte("carol@example.org"), []byte("Zoë")}
	for i := range 15 {
		ids = append(ids, name(i))
	}
	var all, few []int
	for _, id := range ids {
		all = append(all, d.Pick(id))
		few = append(few, d.PickAmong(id, 3))
	}
	require.Equal(t, []int{7, 3, 3, 7, 7, 5, 7, 8, 5, 3, 7, 7, 5, 5, 3, 8, 8, 3, 5, 5}, all)
	require.Equal(t, []int{2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 2, 0, 2, 2, 2, 2, 2, 2, 2, 2}, few)

	accumulated := sha256.New()
	for i := range 5000 {
		accumulated.Write([]byte{byte(d.Pick(name(i)))})
	}
	require.Equal(t, "9e77eef8bffe1a92c28997b255f8b89613f9fcde3a08dc748300d66db88aff91", hex.EncodeToString(accumulated.Sum(nil)))
}

func name(i int) []byte { return fmt.Appendf(nil, "user%d", i) }

// kinds returns kinds of these weights. Their digests depend on the position.
func kinds(weights ...uint32) []decoy.KindWeight {
	out := make([]decoy.KindWeight, len(weights))
	for i, w := range weights {
		out[i] = decoy.KindWeight{Digest: sha256.Sum256(fmt.Appendf(nil, "kind %d", i)), Weight: w}
	}
	return out
}

func equal(n int, weight uint32) []decoy.KindWeight {
	weights := make([]uint32, n)
	for i := range weights {
		weights[i] = weight
	}
	return kinds(weights...)
}

func draw(t testing.TB, kinds []decoy.KindWeight) *decoy.Draw {
	d, err := decoy.NewDraw(key, kinds)
	require.NoError(t, err)
	return d
}
