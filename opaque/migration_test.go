package opaque_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

func TestMigration(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	m, err := opaque.NewMigration(key, alice)
	require.NoError(t, err)
	message := []byte("a registration request")
	sealed := m.Seal(opaque.MigrateRequest, message)

	// The formula, from its parts.
	macKey, err := hkdf.Key(sha256.New, key, nil, "nescio/migrate/v1", 32)
	require.NoError(t, err)
	mac := hmac.New(sha256.New, macKey)
	mac.Write([]byte("\x01\x00\x05alicea registration request"))
	require.Equal(t, mac.Sum(message), sealed)

	got, err := m.Open(opaque.MigrateRequest, sealed)
	require.NoError(t, err)
	require.Equal(t, message, got)
	empty, err := m.Open(opaque.MigrateUpload, m.Seal(opaque.MigrateUpload, nil))
	require.NoError(t, err)
	require.Empty(t, empty)

	refused := func(m *opaque.Migration, step opaque.MigrationStep, sealed []byte) {
		got, err := m.Open(step, sealed)
		require.Equal(t, opaque.ErrAuthentication, err)
		require.Nil(t, got)
	}
	refused(m, opaque.MigrateResponse, sealed)
	refused(m, opaque.MigrateUpload, sealed)
	for i := range sealed {
		refused(m, opaque.MigrateRequest, sealed[:i])
	}
	refused(m, opaque.MigrateRequest, append(bytes.Clone(sealed), 0))
	for i := range 8 * len(sealed) {
		c := bytes.Clone(sealed)
		c[i/8] ^= 1 << (i % 8)
		refused(m, opaque.MigrateRequest, c)
	}
	for _, other := range []struct{ key, id []byte }{{bytes.Repeat([]byte{8}, 32), alice}, {key, []byte("alicf")}, {key, []byte("alic")}} {
		o, err := opaque.NewMigration(other.key, other.id)
		require.NoError(t, err)
		refused(o, opaque.MigrateRequest, sealed)
	}
	// The id and the message cannot trade bytes.
	short, err := opaque.NewMigration(key, []byte("alic"))
	require.NoError(t, err)
	refused(m, opaque.MigrateRequest, short.Seal(opaque.MigrateRequest, append([]byte("e"), message...)))

	refused(new(opaque.Migration), opaque.MigrateRequest, new(opaque.Migration).Seal(opaque.MigrateRequest, message))
	for _, step := range []opaque.MigrationStep{0, 4} {
		refused(m, step, m.Seal(step, message))
	}
	for _, bad := range []struct{ key, id []byte }{{key[1:], alice}, {nil, alice}, {key, nil}, {key, make([]byte, 1025)}} {
		_, err := opaque.NewMigration(bad.key, bad.id)
		require.ErrorIs(t, err, opaque.ErrPolicy)
	}
}

// TestMigrationOfAnAccount registers inside a session; whoever sits between cannot
// put a password of their own in.
func TestMigrationOfAnAccount(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	key, _, _ := mustLogin(t, r.client, r.server, alice, nil, r.record, password) // of SRP, say
	device, err := opaque.NewMigration(key, alice)
	require.NoError(t, err)
	server, err := opaque.NewMigration(key, alice)
	require.NoError(t, err)

	reg, request, err := r.client.Register(nil, password)
	require.NoError(t, err)
	opened, err := server.Open(opaque.MigrateRequest, device.Seal(opaque.MigrateRequest, request))
	require.NoError(t, err)
	response, err := r.server.Register(t.Context(), alice, opened)
	require.NoError(t, err)
	opened, err = device.Open(opaque.MigrateResponse, server.Seal(opaque.MigrateResponse, response))
	require.NoError(t, err)
	upload, _, err := reg.Finish(t.Context(), opened)
	require.NoError(t, err)
	record, err := server.Open(opaque.MigrateUpload, device.Seal(opaque.MigrateUpload, upload))
	require.NoError(t, err)
	require.NoError(t, r.server.Admit(record))
	mustLogin(t, r.client, r.server, alice, nil, record, password)

	intruder, _ := r.register(t, r.client, alice, nil, []byte("the intruder's"))
	_, err = server.Open(opaque.MigrateUpload, append(bytes.Clone(intruder), make([]byte, 32)...))
	require.Equal(t, opaque.ErrAuthentication, err)
}
