package srp_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestFailedBeginsAreReleased: a BeginLogin that fails takes no place from the
// logins in progress.
func TestFailedBeginsAreReleased(t *testing.T) {
	r := sha256Rig(t)
	cfg := config(r.kind)
	cfg.MaxPending = 2
	server, err := srp.NewServer(cfg)
	require.NoError(t, err)
	inContext, err := server.WithContext([]byte("change"))
	require.NoError(t, err)
	_, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	record := r.record.Bytes()
	begin := func(s *srp.Server, record []byte) error {
		_, _, err := s.BeginLogin(t.Context(), alice, record, request)
		return err
	}
	for range 3 {
		require.ErrorIs(t, begin(server, record[:20]), srp.ErrRecord)
		require.ErrorIs(t, begin(server, record[:len(record)-1]), srp.ErrRecord)
		require.ErrorIs(t, begin(inContext, record), srp.ErrPolicy)
		require.ErrorIs(t, begin(inContext, nil), srp.ErrPolicy)
	}
	require.NoError(t, begin(server, record))
	require.NoError(t, begin(server, nil))
	require.Equal(t, srp.ErrBusy, begin(server, record))
}

// TestPendingIsParsedStrictly: a body that another version sealed is refused.
func TestPendingIsParsedStrictly(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	body, err := srp.PendingBody(r.record, make([]byte, 32))
	require.NoError(t, err)
	again, ok := srp.RoundTripPending(body)
	require.True(t, ok)
	require.Equal(t, body, again)

	const certificate = 32 + 1 + 2 + 2 + 256 + 4 // digest, profile, 0, N, g
	require.Equal(t, []byte{0, 0}, body[certificate:certificate+2])
	for name, other := range map[string][]byte{
		"longer":      append(slices.Clone(body), 0),
		"shorter":     body[:len(body)-1],
		"certificate": slices.Concat(body[:certificate], []byte{0, 1, 7}, body[certificate+2:]),
		"profile":     slices.Concat(body[:32], []byte{0}, body[33:]),
		"empty":       nil,
	} {
		_, ok := srp.RoundTripPending(other)
		require.False(t, ok, name)
	}
}

// TestADeletedRecordIsNotTheSample: the server hashes a record of its own where there is
// none, for the same work. An account that has this very record does not log in
// after it was deleted.
func TestADeletedRecordIsNotTheSample(t *testing.T) {
	r := sha256Rig(t)
	verifier := make([]byte, len(r.group.Unverified().N))
	verifier[0], verifier[len(verifier)-1] = 2, 2
	sample, err := srp.NewRecord(r.profile, r.group.Unverified(), kdf.Params{}, nil, make([]byte, 16), verifier)
	require.NoError(t, err)
	b := bytes.Repeat([]byte{0xb0}, 32)
	for _, now := range [][]byte{sample.Bytes(), nil} {
		challenge, pending, err := r.server.ChallengeWith(t.Context(), alice, sample.Bytes(), b)
		require.NoError(t, err)
		proof := proofFromB(t, r.profile, nil, challenge, b)
		_, _, err = r.server.Verify(t.Context(), alice, now, pending, proof)
		if now == nil {
			require.Equal(t, srp.ErrState, err)
		} else {
			require.NoError(t, err, "the proof is right")
		}
	}
}
