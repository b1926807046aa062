package opaque_test

import (
	"bytes"
	"math/big"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// badElements are invalid encodings for every field: for ristretto255 the bad
// encodings of RFC 9496, Appendix A.2, and the identity; for P-256 points that
// are not on the curve, not reduced, or not compressed; for curve25519
// non-canonical values.
func badElements(t testing.TB, suite opaque.Suite) map[string][]byte {
	switch suite {
	case opaque.Ristretto255:
		bad := map[string][]byte{"identity": make([]byte, 32)}
		for _, s := range []string{
			// Non-canonical.
			"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
			"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			"f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			// Negative.
			"0100000000000000000000000000000000000000000000000000000000000000",
			"01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			"ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
			"c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
			// No square root, or y = 0.
			"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
			"4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
			"3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
			"a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220",
			"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		} {
			bad[s] = hexOf(t, s)
		}
		return bad
	case opaque.P256:
		return map[string][]byte{
			"zero":                  make([]byte, 33),
			"x = p":                 hexOf(t, "02ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
			"x = 2^256 - 1":         append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...),
			"not on the curve":      append([]byte{3}, append(make([]byte, 31), 1)...),
			"the uncompressed mark": hexOf(t, "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
			"the hybrid mark":       hexOf(t, "066b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
		}
	}
	bad := map[string][]byte{
		"the high bit": append(append([]byte{9}, make([]byte, 30)...), 0x80),
		"p + 9":        append(append([]byte{0xf6}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f),
		"2^255 - 1":    append(bytes.Repeat([]byte{0xff}, 31), 0x7f),
	}
	for i, low := range lowOrderX25519(t) {
		bad[string(rune('a'+i))] = low
	}
	return bad
}

// lowOrderX25519 are the u-coordinates of order 8 or less, in every encoding.
func lowOrderX25519(t testing.TB) (points [][]byte) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	u8a, _ := new(big.Int).SetString("325606250916557431795983626356110631294008115727848805560023387167927233504", 10)
	u8b, _ := new(big.Int).SetString("39382357235489614581723060781553021112529911719440698176882885853963445705823", 10)
	for _, u := range []*big.Int{big.NewInt(0), big.NewInt(1), u8a, u8b, new(big.Int).Sub(p, big.NewInt(1)), p, new(big.Int).Add(p, big.NewInt(1))} {
		b := u.FillBytes(make([]byte, 32))
		slices.Reverse(b)
		points = append(points, b)
	}
	return points
}

func TestPitfall_BadElements(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		element := map[opaque.Suite]int{opaque.Ristretto255: 32, opaque.P256: 33, opaque.Curve25519: 32}[suite]
		group := suite // of the OPRF
		if suite == opaque.Curve25519 {
			group = opaque.Ristretto255
		}
		npk, nh := len(r.setup.PublicKey()), len(r.exportKey)
		for name, bad := range badElements(t, group) {
			// blinded_message of a registration and of a login.
			_, err := r.server.BeginRegistration(t.Context(), alice, bad)
			require.Equal(t, opaque.ErrMalformed, err, name)
			_, ke1, err := r.client.Login(nil, password)
			require.NoError(t, err)
			copy(ke1, bad)
			for id, record := range map[string][]byte{"alice": r.record, "nobody": nil} {
				response, pending, err := r.server.BeginLogin(t.Context(), []byte(id), record, ke1)
				require.Equal(t, opaque.ErrMalformed, err, name)
				require.Nil(t, response)
				require.Nil(t, pending)
			}
			// evaluated_message of both.
			reg, request, err := r.client.Register(nil, password)
			require.NoError(t, err)
			response, err := r.server.BeginRegistration(t.Context(), alice, request)
			require.NoError(t, err)
			copy(response, bad)
			upload, err := reg.Finish(t.Context(), response)
			require.Equal(t, opaque.ErrMalformed, err, name)
			require.Nil(t, upload)
			_, err = reg.ExportKey()
			require.Equal(t, opaque.ErrUsed, err)
			login, ke2, _ := r.begin(t, alice, r.record, password)
			copy(ke2, bad)
			final, err := login.Respond(t.Context(), ke2)
			require.Equal(t, opaque.ErrMalformed, err, name)
			require.Nil(t, final)
		}
		for name, bad := range badElements(t, suite) {
			// client_public_keyshare.
			_, ke1, err := r.client.Login(nil, password)
			require.NoError(t, err)
			copy(ke1[element+32:], bad)
			for id, record := range map[string][]byte{"alice": r.record, "nobody": nil} {
				require.Equal(t, opaque.ErrMalformed, second(r.server.BeginLogin(t.Context(), []byte(id), record, ke1)), name)
			}
			// server_public_keyshare.
			login, ke2, _ := r.begin(t, alice, r.record, password)
			copy(ke2[len(ke2)-nh-npk:], bad)
			_, err = login.Respond(t.Context(), ke2)
			require.Equal(t, opaque.ErrMalformed, err, name)
			// server_public_key of a registration.
			reg, request, err := r.client.Register(nil, password)
			require.NoError(t, err)
			response, err := r.server.BeginRegistration(t.Context(), alice, request)
			require.NoError(t, err)
			copy(response[element:], bad)
			require.Equal(t, opaque.ErrMalformed, errOf(reg.Finish(t.Context(), response)), name)
			// client_public_key of a record.
			parsed, err := opaque.ParseRecord(r.record)
			require.NoError(t, err)
			raw := parsed.Raw()
			copy(raw, bad)
			_, err = r.server.FinishRegistration(nil, raw)
			require.Equal(t, opaque.ErrRecord, err, name)
			stored := bytes.Clone(r.record)
			copy(stored[len(stored)-len(raw):], bad)
			_, err = opaque.ParseRecord(stored)
			require.Equal(t, opaque.ErrRecord, err, name)
			_, ke1, err = r.client.Login(nil, password)
			require.NoError(t, err)
			require.Equal(t, opaque.ErrRecord, second(r.server.BeginLogin(t.Context(), alice, stored, ke1)), "%s, damaged in the database", name)
			// The decoy public key of a setup.
			b, err := r.setup.Bytes()
			require.NoError(t, err)
			copy(b[len(b)-npk:], bad)
			_, err = opaque.ParseSetup(b)
			require.Equal(t, opaque.ErrRecord, err, name)
		}
	}
}

func TestPitfall_Reflection(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		reg, request, err := r.client.Register(nil, password)
		require.NoError(t, err)
		response, err := r.server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		copy(response, request)
		require.Equal(t, opaque.ErrMalformed, errOf(reg.Finish(t.Context(), response)))

		login, ke1, err := r.client.Login(nil, password)
		require.NoError(t, err)
		ke2, _, err := r.server.BeginLogin(t.Context(), alice, r.record, ke1)
		require.NoError(t, err)
		copy(ke2, ke1[:len(request)])
		_, err = login.Respond(t.Context(), ke2)
		require.Equal(t, opaque.ErrMalformed, err)
	}
}
