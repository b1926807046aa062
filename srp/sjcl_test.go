package srp_test

import (
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

func TestSJCLVerifiers(t *testing.T) {
	groups := testvec.Load[rfcVectors](t, testdata, "testdata/rfc5054.json").Groups
	vectors := testvec.Load[[]struct {
		I    string      `json:"I"`
		P    string      `json:"P"`
		S    testvec.Hex `json:"s"`
		Bits int         `json:"bits"`
		X    testvec.Hex `json:"x"`
		V    testvec.Hex `json:"v"`
	}](t, testdata, "testdata/sjcl.json")
	require.Len(t, vectors, 3)
	for _, v := range vectors {
		g := groups[fmt.Sprint(v.Bits)]
		got, err := srp.Compute(srp.RFC5054SHA1(0), g.N, g.G, []byte(v.I), []byte(v.P), v.S, []byte{5}, []byte{7})
		require.NoError(t, err)
		require.EqualValues(t, v.X, got.X)
		require.EqualValues(t, v.V, got.V)

		record, err := srp.ImportSJCL(srp.UnverifiedGroup{N: g.N, G: g.G}, []byte(v.I), v.S, v.V)
		if v.Bits < srp.MinGroupBits {
			require.ErrorIs(t, err, srp.ErrRecord)
			continue
		}
		require.NoError(t, err)
		require.EqualValues(t, v.V, record.Verifier())
		require.Equal(t, srp.RFC5054SHA1(0), record.Profile())
		require.True(t, record.NeedsUpgrade())
		require.NoError(t, srp.CheckRecord(record.Bytes()))
	}
}

// TestSJCLDropsLeadingZeros: a verifier that came one byte short logs in.
func TestSJCLDropsLeadingZeros(t *testing.T) {
	r := newRig(t, srp.RFC5054SHA1(0))
	for n := 0; ; n++ {
		p := fmt.Appendf(nil, "password %d", n)
		full, err := srp.RegisterWith(r.profile, r.group.Unverified(), kdf.Params{}, alice, p, []byte{1})
		require.NoError(t, err)
		v := full.Verifier()
		if v[0] != 0 {
			continue
		}
		record, err := srp.ImportSJCL(r.group.Unverified(), alice, []byte{1}, minimalBytes(v))
		require.NoError(t, err)
		require.Equal(t, full.Bytes(), record.Bytes())
		_, pending, final := r.begin(t, alice, record.Bytes(), p)
		_, _, err = r.server.FinishLogin(t.Context(), alice, record.Bytes(), pending, final)
		require.NoError(t, err)
		return
	}
}

func minimalBytes(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

func TestImportSJCLRefuses(t *testing.T) {
	r := newRig(t, srp.RFC5054SHA1(0))
	ref, v := r.group.Unverified(), r.record.Verifier()
	signed := signedGroup(t, loadProton(t).Verifier.SignedModulus)
	for name, err := range map[string]error{
		"no verifier":    second2(srp.ImportSJCL(ref, alice, []byte{1}, nil)),
		"zero":           second2(srp.ImportSJCL(ref, alice, []byte{1}, []byte{0})),
		"one":            second2(srp.ImportSJCL(ref, alice, []byte{1}, []byte{1})),
		"N":              second2(srp.ImportSJCL(ref, alice, []byte{1}, ref.N)),
		"long":           second2(srp.ImportSJCL(ref, alice, []byte{1}, append([]byte{0}, v...))),
		"no salt":        second2(srp.ImportSJCL(ref, alice, nil, v)),
		"no group":       second2(srp.ImportSJCL(srp.UnverifiedGroup{}, alice, []byte{1}, v)),
		"another group":  second2(srp.ImportSJCL(signed, alice, []byte{1}, v)),
		"long user name": second2(srp.ImportSJCL(ref, make([]byte, 1025), []byte{1}, v)),
	} {
		require.ErrorIs(t, err, srp.ErrRecord, name)
	}
	_, err := srp.ImportSJCL(ref, alice, []byte{1}, []byte{2})
	require.NoError(t, err)
}
