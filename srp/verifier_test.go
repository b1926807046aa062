package srp_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// refusesLength checks that err says what is wrong with the length of a verifier
// and how to pad one, in both byte orders.
func refusesLength(t testing.TB, err error, about ...any) {
	t.Helper()
	require.ErrorIs(t, err, srp.ErrRecord, about...)
	require.ErrorContains(t, err, "the verifier must be as long as N", about...)
	require.ErrorContains(t, err, "put zero bytes in front of a shorter one", about...)
	require.ErrorContains(t, err, "or behind it for Proton's profiles", about...)
}

// TestShortVerifier takes a verifier from software that drops leading zero
// bytes, 255 bytes of 256. It is refused, and the error says how to pad it.
// Padded so, it is right.
func TestShortVerifier(t *testing.T) {
	r := sha256Rig(t)
	var full *srp.Record
	for n := 0; full == nil || full.Verifier()[0] != 0; n++ {
		var err error
		full, err = srp.RegisterWith(r.profile, r.group.Unverified(), kdf.Params{}, alice, password, fmt.Appendf(nil, "salt %d", n))
		require.NoError(t, err)
	}
	short := full.Verifier()[1:]
	newRecord := func(v []byte) (*srp.Record, error) {
		return srp.NewRecord(r.profile, full.Group(), full.KDF(), full.Identity(), full.Salt(), v)
	}

	record, err := newRecord(short)
	refusesLength(t, err)
	require.Nil(t, record)
	record, err = newRecord(append([]byte{0}, short...))
	require.NoError(t, err)
	require.Equal(t, full.Bytes(), record.Bytes())
	_, pending, final := r.begin(t, alice, record.Bytes(), password)
	_, _, err = r.server.FinishLogin(t.Context(), alice, record.Bytes(), pending, final)
	require.NoError(t, err)
}

// TestShortVerifierOfProton: numbers of Proton are little-endian, so that their
// leading zero bytes are the last ones.
func TestShortVerifierOfProton(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	short := r.record.Verifier()[:255]
	newRecord := func(v []byte) (*srp.Record, error) {
		return srp.NewRecord(r.profile, r.record.Group(), r.record.KDF(), nil, r.record.Salt(), v)
	}
	_, err := newRecord(short)
	refusesLength(t, err)
	record, err := newRecord(append(bytes.Clone(short), 0))
	require.NoError(t, err)
	require.Equal(t, short, record.Verifier()[:255])
	require.Zero(t, record.Verifier()[255])
}

// TestVerifierLengths: no profile takes a verifier of another length, wherever it
// comes from.
func TestVerifierLengths(t *testing.T) {
	for profile := range allProfiles(t) {
		r := newRig(t, profile)
		size := r.group.Bits() / 8
		stored := r.record.Bytes()
		head := stored[:len(stored)-size]
		for _, length := range []int{0, 1, size / 2, size - 1, size + 1, 2 * size} {
			v := bytes.Repeat([]byte{2}, length)
			_, err := srp.NewRecord(profile, r.record.Group(), r.record.KDF(), r.record.Identity(), r.record.Salt(), v)
			refusesLength(t, err, profile, length)
			altered := append(bytes.Clone(head), v...)
			_, err = srp.ParseRecord(altered)
			refusesLength(t, err, profile, length)
			_, _, err = r.server.Challenge(t.Context(), alice, altered)
			require.ErrorIs(t, err, srp.ErrRecord, profile, length)
			if version, ok := profile.ProtonVersion(); !ok || version > 2 {
				_, err = r.server.FinishRegistration(alice, altered)
				refusesLength(t, err, profile, length)
			}
		}
	}
}
