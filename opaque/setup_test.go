package opaque_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// TestAnotherSetupUnderTheSameNumber is an error at the server, and not a wrong
// password for everyone.
func TestAnotherSetupUnderTheSameNumber(t *testing.T) {
	for _, suite := range suites {
		r := newRig(t, suite)
		other, err := opaque.NewSetup(suite)
		require.NoError(t, err)
		cfg := r.config
		cfg.Setups = map[uint16]*opaque.Setup{1: other}
		wrong, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		log := opaque.CountOperations(suite, func() {
			require.ErrorIs(t, second(wrong.BeginLogin(t.Context(), alice, r.record, request)), opaque.ErrRecord)
			require.ErrorIs(t, errOf(wrong.FinishRegistration(nil, r.record)), opaque.ErrRecord)
		})
		require.Empty(t, log, "before any arithmetic")
		require.ErrorIs(t, wrong.Check(r.record), opaque.ErrRecord)
		require.True(t, wrong.NeedsRegistration(r.record))

		// A login that is in progress when the setup is replaced.
		cfg.Replay = testvec.NewReplay()
		wrong, err = opaque.NewServer(cfg)
		require.NoError(t, err)
		cfg.Setups = map[uint16]*opaque.Setup{1: r.setup}
		r.server, err = opaque.NewServer(cfg)
		require.NoError(t, err)
		_, pending, final := r.answer(t)
		require.Equal(t, opaque.ErrState, second(wrong.FinishLogin(t.Context(), alice, r.record, pending, final)))
	}
}

// TestCheck: a service learns at its start which records it cannot use.
func TestCheck(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	require.NoError(t, r.server.Check(r.record))
	parsed, err := opaque.ParseRecord(r.record)
	require.NoError(t, err)
	gone, err := opaque.ImportRecord(9, r.setup, opaque.DefaultKSF(), nil, parsed.Raw())
	require.NoError(t, err)
	badKey := bytes.Clone(r.record)
	clear(badKey[len(badKey)-192 : len(badKey)-160])
	otherPrint := bytes.Clone(r.record)
	otherPrint[len(otherPrint)-192-2-1] ^= 1
	costlier, err := kdf.NewArgon2id(128<<10, 3, 4)
	require.NoError(t, err)
	unlisted, err := opaque.ImportRecord(1, r.setup, costlier, nil, parsed.Raw())
	require.NoError(t, err)
	for name, record := range map[string][]byte{
		"none":                {},
		"an unlisted kind":    unlisted.Bytes(),
		"cut":                 r.record[1:],
		"no such setup":       gone.Bytes(),
		"an invalid key":      badKey,
		"another fingerprint": otherPrint,
	} {
		require.ErrorIs(t, r.server.Check(record), opaque.ErrRecord, name)
	}
	require.ErrorContains(t, r.server.Check(gone.Bytes()), "not in Setups")
	require.ErrorContains(t, r.server.Check(otherPrint), "another fingerprint")
	require.ErrorContains(t, r.server.Check(unlisted.Bytes()), "Offer, Accept or Old")

	// A kind in any of the three lists passes.
	kind := opaque.Kind{Setup: 1, KSF: costlier, Weight: 1}
	for name, change := range map[string]func(c *opaque.ServerConfig){
		"Offer":  func(c *opaque.ServerConfig) { c.Offer = kind },
		"Accept": func(c *opaque.ServerConfig) { c.Accept = []opaque.Kind{kind} },
		"Old":    func(c *opaque.ServerConfig) { c.Old = []opaque.Kind{kind} },
	} {
		cfg := r.config
		change(&cfg)
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		require.NoError(t, server.Check(unlisted.Bytes()), name)
	}
}

// TestFingerprint computes the fingerprint and finds it in a record.
func TestFingerprint(t *testing.T) {
	for _, suite := range suites {
		r := newRig(t, suite)
		digest := sha256.Sum256(append([]byte{byte(suite)}, r.setup.PublicKey()...))
		require.Equal(t, [8]byte(digest[:8]), r.setup.Fingerprint())
		ksf, err := opaque.DefaultKSF().MarshalBinary()
		require.NoError(t, err)
		at := 2 + 1 + 2 + 2 + len(ksf)
		require.Equal(t, digest[:8], r.record[at:at+8])
		require.Equal(t, []byte{0, 0}, r.record[at+8:at+10], "the identity's length")
		parsed, err := opaque.ParseRecord(r.record)
		require.NoError(t, err)
		require.Equal(t, parsed.Raw(), r.record[at+10:])
	}
}
