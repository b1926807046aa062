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

// protect is [opaque.Migration.Protect] without an error.
func protect(t *testing.T, m *opaque.Migration, step opaque.MigrationStep, message []byte) []byte {
	t.Helper()
	protected, err := m.Protect(step, message)
	require.NoError(t, err)
	return protected
}

func TestMigration(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	m, err := opaque.NewMigration(key, alice)
	require.NoError(t, err)
	message := []byte("a registration request")
	sealed := protect(t, m, opaque.MigrateRequest, message)

	// The formula, from its parts.
	macKey, err := hkdf.Key(sha256.New, key, nil, "nescio/migrate/v1", 32)
	require.NoError(t, err)
	mac := hmac.New(sha256.New, macKey)
	mac.Write([]byte("\x01\x00\x05alicea registration request"))
	require.Equal(t, mac.Sum(message), sealed)

	got, err := m.Verify(opaque.MigrateRequest, sealed)
	require.NoError(t, err)
	require.Equal(t, message, got)
	empty, err := m.Verify(opaque.MigrateUpload, protect(t, m, opaque.MigrateUpload, nil))
	require.NoError(t, err)
	require.Empty(t, empty)

	refused := func(m *opaque.Migration, step opaque.MigrationStep, sealed []byte) {
		got, err := m.Verify(step, sealed)
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
	// Bytes cannot move between the id and the message.
	short, err := opaque.NewMigration(key, []byte("alic"))
	require.NoError(t, err)
	refused(m, opaque.MigrateRequest, protect(t, short, opaque.MigrateRequest, append([]byte("e"), message...)))

	// Protect refuses steps and keys that no Verify would accept.
	for _, step := range []opaque.MigrationStep{0, 4} {
		protected, err := m.Protect(step, message)
		require.ErrorIs(t, err, opaque.ErrPolicy)
		require.Nil(t, protected)
		refused(m, step, sealed)
	}
	protected, err := new(opaque.Migration).Protect(opaque.MigrateRequest, message)
	require.ErrorIs(t, err, opaque.ErrPolicy)
	require.Nil(t, protected)
	withoutKey := hmac.New(sha256.New, nil)
	withoutKey.Write([]byte("\x01\x00\x00a registration request"))
	refused(new(opaque.Migration), opaque.MigrateRequest, withoutKey.Sum(message))
	for _, bad := range []struct{ key, id []byte }{{key[1:], alice}, {nil, alice}, {key, nil}, {key, make([]byte, 1025)}} {
		_, err := opaque.NewMigration(bad.key, bad.id)
		require.ErrorIs(t, err, opaque.ErrPolicy)
	}
}

// TestMigrationOfAnAccount registers inside a session. An attacker between the
// two sides cannot register another password.
func TestMigrationOfAnAccount(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	key, _, _ := mustLogin(t, r.client, r.server, alice, nil, r.record, password) // of SRP, say
	device, err := opaque.NewMigration(key, alice)
	require.NoError(t, err)
	server, err := opaque.NewMigration(key, alice)
	require.NoError(t, err)

	reg, request, err := r.client.Register(nil, password)
	require.NoError(t, err)
	opened, err := server.Verify(opaque.MigrateRequest, protect(t, device, opaque.MigrateRequest, request))
	require.NoError(t, err)
	response, err := r.server.BeginRegistration(t.Context(), alice, opened)
	require.NoError(t, err)
	opened, err = device.Verify(opaque.MigrateResponse, protect(t, server, opaque.MigrateResponse, response))
	require.NoError(t, err)
	upload, err := reg.Finish(t.Context(), opened)
	require.NoError(t, err)
	record, err := server.Verify(opaque.MigrateUpload, protect(t, device, opaque.MigrateUpload, upload))
	require.NoError(t, err)
	record, err = r.server.FinishRegistration(nil, record)
	require.NoError(t, err)
	mustLogin(t, r.client, r.server, alice, nil, record, password)

	intruder, _ := r.register(t, r.client, alice, nil, []byte("the intruder's"))
	_, err = server.Verify(opaque.MigrateUpload, append(bytes.Clone(intruder), make([]byte, 32)...))
	require.Equal(t, opaque.ErrAuthentication, err)
}
