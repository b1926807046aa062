package srp_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestTheLargestWeight is 2^20, for the server and for Weights.
func TestTheLargestWeight(t *testing.T) {
	kind := sha256Rig(t).kind
	for weight, want := range map[uint32]error{1 << 20: nil, 1<<20 + 1: srp.ErrPolicy} {
		kind.Weight = weight
		_, err := srp.Weights(kind)
		require.ErrorIs(t, err, want)
		cfg := config(kind)
		cfg.Others = []srp.KindWeight{{Weight: 1}}
		_, err = srp.NewServer(cfg)
		require.ErrorIs(t, err, want)
	}
}

// TestTheLongestID has 1,024 bytes, in every call.
func TestTheLongestID(t *testing.T) {
	r := sha256Rig(t)
	id, record := bytes.Repeat([]byte{'x'}, srp.MaxID), r.record.Bytes()
	_, request, err := r.client.Register(alice, password)
	require.NoError(t, err)
	_, err = r.server.BeginRegistration(t.Context(), id, request)
	require.NoError(t, err)
	_, pending, final := r.begin(t, id, record, password)
	_, _, err = r.server.FinishLogin(t.Context(), id, record, pending, final)
	require.NoError(t, err)
}

// TestFinishRegistrationComparesTheIdentity byte for byte.
func TestFinishRegistrationComparesTheIdentity(t *testing.T) {
	r := sha256Rig(t)
	upload := r.record.Bytes()
	for _, other := range []string{"", "alic", "Alice", "alicf", "alice\x00", "xlice"} {
		record, err := r.server.FinishRegistration([]byte(other), upload)
		require.ErrorIs(t, err, srp.ErrPolicy, other)
		require.Nil(t, record)
	}
	record, err := r.server.FinishRegistration(alice, upload)
	require.NoError(t, err)
	require.Equal(t, upload, record)
}

// TestAdmissionComparesTheWholeGroup: a record in a group that nobody verified is
// refused, though only its generator or its modulus differs.
func TestAdmissionComparesTheWholeGroup(t *testing.T) {
	r := sha256Rig(t)
	group := r.group.Unverified()
	other, n := slices.Clone(group.N), len(group.N)
	other[n-1] ^= 2
	for name, g := range map[string]srp.UnverifiedGroup{
		"generator": {N: group.N, G: group.G + 1},
		"modulus":   {N: other, G: group.G},
	} {
		record, err := srp.NewRecord(r.profile, g, kdf.Params{}, alice, r.record.Salt(), r.record.Verifier())
		require.NoError(t, err, name)
		_, err = r.server.FinishRegistration(alice, record.Bytes())
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		require.ErrorContains(t, err, "not of a kind", name)
		require.True(t, r.server.NeedsRegistration(record.Bytes()), name)
	}
	require.False(t, r.server.NeedsRegistration(r.record.Bytes()))
	for _, damaged := range [][]byte{nil, {}, []byte("S\x01"), r.record.Bytes()[:20]} {
		require.True(t, r.server.NeedsRegistration(damaged), "not a record")
	}
}

// TestFinishRegistrationReturnsACopy, so that the caller may use its buffer again.
func TestFinishRegistrationReturnsACopy(t *testing.T) {
	r := sha256Rig(t)
	upload := r.record.Bytes()
	record, err := r.server.FinishRegistration(alice, upload)
	require.NoError(t, err)
	clear(upload)
	require.Equal(t, r.record.Bytes(), record)
}
