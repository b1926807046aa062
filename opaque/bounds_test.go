package opaque_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// TestTheLargestWeight is 2^20, for the server and for Weights.
func TestTheLargestWeight(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	for weight, want := range map[uint32]error{1 << 20: nil, 1<<20 + 1: opaque.ErrPolicy} {
		kind := opaque.Kind{Setup: 1, Weight: weight}
		require.ErrorIs(t, errOf(opaque.Weights(kind)), want)
		cfg := r.config
		cfg.Offer = kind
		cfg.Others = []opaque.KindWeight{{Weight: 1}}
		require.ErrorIs(t, errOf(opaque.NewServer(cfg)), want)
	}
}

// ownKey is a KeyService that changes the public key after it has returned it.
type ownKey struct {
	opaque.KeyService
	key []byte
}

func (o ownKey) PublicKey(context.Context) ([]byte, error) { return o.key, nil }

func TestSetupKeepsACopyOfThePublicKey(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	service := ownKey{opaque.KeyServiceOf(r.setup), r.setup.PublicKey()}
	setup, err := opaque.NewKeyServiceSetup(t.Context(), opaque.Ristretto255, service)
	require.NoError(t, err)
	clear(service.key)
	require.Equal(t, r.setup.PublicKey(), setup.PublicKey())
	clear(setup.PublicKey())
	require.Equal(t, r.setup.PublicKey(), setup.PublicKey())
}

func TestImportRecordKeepsCopies(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	stored, err := opaque.ParseRecord(r.record)
	require.NoError(t, err)
	identity, raw := []byte("Alice"), stored.Raw()
	imported, err := opaque.ImportRecord(1, r.setup, stored.KSF(), identity, raw)
	require.NoError(t, err)
	clear(identity)
	clear(raw)
	require.Equal(t, "Alice", string(imported.Identity()))
	require.Equal(t, stored.Raw(), imported.Raw())
}

// TestMigrationSharesNothing: a Migration keeps a copy of the id. Appending to
// a verified message does not change the bytes after it.
func TestMigrationSharesNothing(t *testing.T) {
	id, key := []byte("alice"), make([]byte, 32)
	m, err := opaque.NewMigration(key, id)
	require.NoError(t, err)
	protected, err := m.Protect(opaque.MigrateUpload, []byte("message"))
	require.NoError(t, err)
	want := bytes.Clone(protected)
	clear(id)
	clear(key)
	again, err := m.Protect(opaque.MigrateUpload, []byte("message"))
	require.NoError(t, err)
	require.Equal(t, want, again)
	message, err := m.Verify(opaque.MigrateUpload, protected)
	require.NoError(t, err)
	_ = append(message, 0xff)
	require.Equal(t, want, protected)
}

// TestAnotherLengthIsRefusedBeforeAnyWork: not even the KeyService is asked.
func TestAnotherLengthIsRefusedBeforeAnyWork(t *testing.T) {
	for _, suite := range suites {
		r := newRig(t, suite)
		asked := 0
		service := &nestedService{KeyService: opaque.KeyServiceOf(r.setup), inside: func() { asked++ }}
		setup, err := opaque.NewKeyServiceSetup(t.Context(), suite, service)
		require.NoError(t, err)
		cfg := r.config
		cfg.Setups = map[uint16]*opaque.Setup{1: setup}
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		for _, other := range [][]byte{request[:len(request)-1], append(request, 0), append(request, make([]byte, 1<<20)...)} {
			require.Equal(t, opaque.ErrMalformed, second(server.BeginLogin(t.Context(), alice, r.record, other)))
		}
		require.Zero(t, asked)
		require.NoError(t, second(server.BeginLogin(t.Context(), alice, r.record, request)))
		require.Equal(t, 2, asked)
	}
}

// TestTheLongestID has 1,024 bytes, in every call.
func TestTheLongestID(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	id := bytes.Repeat([]byte{'x'}, opaque.MaxID)
	record, _ := r.register(t, r.client, id, nil, password)
	mustLogin(t, r.client, r.server, id, nil, record, password)
	_, err := opaque.NewMigration(make([]byte, 32), id)
	require.NoError(t, err)
}

// TestParseSetupRefusesAZeroSeed: with it every OPRF key is known to anyone.
func TestParseSetupRefusesAZeroSeed(t *testing.T) {
	for _, suite := range suites {
		setup, err := opaque.NewSetup(suite)
		require.NoError(t, err)
		b, err := setup.Bytes()
		require.NoError(t, err)
		seed := b[:64]
		if suite != opaque.Ristretto255 {
			seed = b[3:67]
		}
		if suite == opaque.P256 {
			seed = b[3:35]
		}
		clear(seed)
		_, err = opaque.ParseSetup(b)
		require.Equal(t, opaque.ErrRecord, err)
		seed[0] = 1
		_, err = opaque.ParseSetup(b)
		require.NoError(t, err)
	}
}

// TestALongRecordIsRefusedBeforeItIsRead.
func TestALongRecordIsRefusedBeforeItIsRead(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	long := append(bytes.Clone(r.record), make([]byte, 64<<20)...)
	require.Zero(t, testing.AllocsPerRun(3, func() {
		if _, err := opaque.ParseRecord(long); err == nil {
			t.Error("it was taken")
		}
	}))
}
