package internal_test

import (
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// opaqueRows are the rows of package opaque: a registration, a login before and
// after it has used the password and after its end, and what the server has.
func opaqueRows(t *testing.T) []redactionRow {
	ctx, id, password := t.Context(), []byte("alice"), []byte("correct horse battery staple")
	decoy, state := randomBytes(32), randomBytes(32)
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	stored, err := setup.Bytes()
	require.NoError(t, err)
	seed, private := stored[:64], stored[64:96]
	ksf, err := kdf.NewArgon2id(19456, 2, 1)
	require.NoError(t, err)
	config := opaque.ServerConfig{
		DecoyKey:  [32]byte(decoy),
		StateKeys: []opaque.StateKey{{Key: [32]byte(state)}},
		Setups:    map[uint16]*opaque.Setup{1: setup},
		Offer:     opaque.Kind{Setup: 1, KSF: ksf},
	}
	server, err := opaque.NewServer(config)
	require.NoError(t, err)
	client, err := opaque.NewClient(opaque.ClientConfig{})
	require.NoError(t, err)
	registering, _, err := client.Register(nil, password)
	require.NoError(t, err)
	registered, request, err := client.Register(nil, password)
	require.NoError(t, err)
	response, err := server.BeginRegistration(ctx, id, request)
	require.NoError(t, err)
	upload, err := registered.Finish(ctx, response)
	require.NoError(t, err)
	exportKey, err := registered.ExportKey()
	require.NoError(t, err)
	record, err := opaque.ParseRecord(upload)
	require.NoError(t, err)
	raw := record.Raw()

	// login returns a login that has been answered, and one that is at its end.
	login := func(finish bool) (l *opaque.Login, key []byte) {
		l, request, err := client.Login(nil, password)
		require.NoError(t, err)
		response, pending, err := server.BeginLogin(ctx, id, upload, request)
		require.NoError(t, err)
		final, err := l.Respond(ctx, response)
		require.NoError(t, err)
		reply, key, err := server.FinishLogin(ctx, id, upload, pending, final)
		require.NoError(t, err)
		if finish {
			_, err = l.Finish(reply)
			require.NoError(t, err)
		}
		return l, key
	}
	begun, _, err := client.Login(nil, password)
	require.NoError(t, err)
	answered, answeredKey := login(false)
	finished, finishedKey := login(true)

	sessionKey := randomBytes(64)
	migration, err := opaque.NewMigration(sessionKey, id)
	require.NoError(t, err)
	migrationKey := derived(t, sessionKey, "nescio/migrate/v1")

	return []redactionRow{
		{value: registering, secrets: [][]byte{password}},
		{value: registered, secrets: [][]byte{password, exportKey}},
		{value: begun, secrets: [][]byte{password}},
		{value: answered, secrets: [][]byte{password, answeredKey, exportKey}},
		{value: finished, secrets: [][]byte{password, finishedKey, exportKey}},
		{value: record, secrets: [][]byte{raw[32:96], raw[96:]}}, // masking key, envelope
		{value: setup, secrets: [][]byte{seed, private}},
		{value: server, secrets: [][]byte{decoy, state, seed, private}},
		{value: migration, secrets: [][]byte{sessionKey, migrationKey}},
		{value: config, secrets: [][]byte{decoy, state}, exception: configuration},
		{value: config.StateKeys[0], secrets: [][]byte{state}, exception: configuration},
	}
}
