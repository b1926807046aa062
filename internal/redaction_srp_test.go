package internal_test

import (
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// srpRows are the rows of package srp: a registration and a login, before and
// after they have used the password, and what the server has.
func srpRows(t *testing.T) []redactionRow {
	ctx, id, password := t.Context(), []byte("alice"), []byte("correct horse battery staple")
	decoy, state := randomBytes(32), randomBytes(32)
	kind := srp.DefaultKind()
	var err error
	kind.KDF, err = kdf.NewArgon2id(19456, 2, 1)
	require.NoError(t, err)
	config := srp.ServerConfig{DecoyKey: [32]byte(decoy), StateKeys: []srp.StateKey{{Key: [32]byte(state)}}, Offer: kind}
	server, err := srp.NewServer(config)
	require.NoError(t, err)
	client, err := srp.NewClient(srp.ClientConfig{})
	require.NoError(t, err)
	registering, _, err := client.Register(id, password)
	require.NoError(t, err)
	registration, request, err := client.Register(id, password)
	require.NoError(t, err)
	response, err := server.BeginRegistration(ctx, id, request)
	require.NoError(t, err)
	upload, err := registration.Finish(ctx, response)
	require.NoError(t, err)
	record, err := srp.ParseRecord(upload)
	require.NoError(t, err)

	begun, request, err := client.Login(id, password)
	require.NoError(t, err)
	answered, _, err := client.Login(id, password)
	require.NoError(t, err)
	response, pending, err := server.BeginLogin(ctx, id, upload, request)
	require.NoError(t, err)
	final, err := answered.Respond(ctx, response)
	require.NoError(t, err)
	reply, key, err := server.FinishLogin(ctx, id, upload, pending, final)
	require.NoError(t, err)
	m2 := reply[len(reply)-32:] // what the server must prove with

	return []redactionRow{
		{value: registering, secrets: [][]byte{password}},
		{value: registration, secrets: [][]byte{password, record.Verifier()}},
		{value: begun, secrets: [][]byte{password}},
		{value: answered, secrets: [][]byte{password, key, m2}},
		{value: record, secrets: [][]byte{record.Verifier()}},
		{value: server, secrets: [][]byte{decoy, state}},
		{value: config, secrets: [][]byte{decoy, state}, exception: configuration},
		{value: config.StateKeys[0], secrets: [][]byte{state}, exception: configuration},
	}
}
