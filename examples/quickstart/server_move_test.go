package main

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// TestMigrationMessages: what is altered, or of another session, step or account,
// registers nothing.
func TestMigrationMessages(t *testing.T) {
	s, c := newVaultWorld(t)
	ctx := t.Context()
	_, err := c.login(ctx, "alice", password)
	require.NoError(t, err)
	require.Equal(t, loginFirst, c.call(ctx, "POST", "/settings/opaque", sealed{}, nil), "a session of /auth has no key for it")
	before := s.stored("alice")
	in := signInBy(t, s, c, "alice", bySRP)
	other := newDevice(t, c.base)
	otherIn := signInBy(t, s, other, "alice", bySRP)
	migration := func(key []byte, id string) *opaque.Migration {
		m, err := opaque.NewMigration(key, []byte(id))
		require.NoError(t, err)
		return m
	}
	m := migration(in.key, "alice")
	foreign := []*opaque.Migration{migration(otherIn.key, "alice"), migration(in.key, "Alice"), migration(make([]byte, 32), "alice")}

	// try sends a message in all ways that must fail.
	try := func(method string, step opaque.MigrationStep, message []byte) {
		t.Helper()
		want := func(want statusError, message []byte) {
			t.Helper()
			require.Equal(t, want, c.call(ctx, method, "/settings/opaque", sealed{message}, nil))
		}
		good := m.Seal(step, message)
		for _, at := range []int{0, len(message) / 2, len(message), len(good) - 1} {
			altered := bytes.Clone(good)
			altered[at] ^= 1
			want(refused, altered)
		}
		want(refused, message)
		want(refused, nil)
		want(refused, m.Seal(opaque.MigrateResponse, message))
		for _, f := range foreign {
			want(refused, f.Seal(step, message))
		}
		want(malformed, m.Seal(step, []byte("nothing that a client sends")))
		require.Equal(t, refused, other.call(ctx, method, "/settings/opaque", sealed{good}, nil))
		require.Equal(t, loginFirst, newDevice(t, c.base).call(ctx, method, "/settings/opaque", sealed{good}, nil))
	}
	r, request, err := c.opaque.Register(nil, password)
	require.NoError(t, err)
	try("POST", opaque.MigrateRequest, request)
	var answer sealed
	require.NoError(t, c.call(ctx, "POST", "/settings/opaque", sealed{m.Seal(opaque.MigrateRequest, request)}, &answer))
	response, err := m.Open(opaque.MigrateResponse, answer.Message)
	require.NoError(t, err)
	upload, _, err := r.Finish(ctx, response)
	require.NoError(t, err)
	try("PUT", opaque.MigrateUpload, upload)
	require.Equal(t, before.records, s.stored("alice").records)

	// The client judges too: here another server answers, with its own key.
	mallory, err := newOPAQUE(s.secrets)
	require.NoError(t, err)
	c.base = between(t, c.base, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.URL.Path != "/settings/opaque" {
			pass.ServeHTTP(w, r)
			return
		}
		handle(func(ctx context.Context, in sealed) (sealed, error) {
			response, err := mallory.Register(ctx, []byte("alice"), in.Message[:len(in.Message)-32])
			return sealed{foreign[2].Seal(opaque.MigrateResponse, response)}, err
		})(w, r)
	})
	v, by, err := c.enter(ctx, "alice", password)
	require.Equal(t, opaque.ErrAuthentication, err)
	require.Equal(t, bySRP, by)
	require.NotNil(t, v, "she reads her notes all the same")
	require.Equal(t, before.records, s.stored("alice").records)
	require.Equal(t, before.keys, s.stored("alice").keys)
}

// TestNoWayBack: neither the settings nor an old session bring SRP back.
func TestNoWayBack(t *testing.T) {
	s, c := newVaultWorld(t)
	ctx := t.Context()
	locked, err := newVault("alice").lock(ctx, []byte("new password"))
	require.NoError(t, err)
	old := newDevice(t, c.base)
	_, err = old.login(ctx, "alice", password)
	require.NoError(t, err)
	auth, err := old.register(ctx, "/settings/modulus", []byte("new password"))
	require.NoError(t, err)
	requireNote(t, c, bySRP)
	requireNote(t, c, byOPAQUE)

	before := s.stored("alice")
	for _, c := range []*client{old, c} {
		require.Equal(t, hasMoved, c.call(ctx, "GET", "/settings/modulus", struct{}{}, nil))
		require.Equal(t, hasMoved, c.call(ctx, "PUT", "/settings/password", passwordRequest{auth, locked}, nil))
		require.Equal(t, hasMoved, c.call(ctx, "POST", "/settings/opaque", sealed{}, nil))
	}
	require.Equal(t, hasMoved, old.changePassword(ctx, []byte("new password"), locked))
	require.Equal(t, hasMoved, old.call(ctx, "PUT", "/keys", locked, nil))
	after := s.stored("alice")
	require.Equal(t, before.records, after.records)
	require.Equal(t, before.keys, after.keys)
}

// TestPasswordChangeOnTheWay: an old client changes the password of an account
// that has a record of OPAQUE which nobody has used. The old password is out.
func TestPasswordChangeOnTheWay(t *testing.T) {
	s, c := newVaultWorld(t)
	ctx := t.Context()
	requireNote(t, c, bySRP)
	old := newDevice(t, c.base)
	_, err := old.login(ctx, "alice", password)
	require.NoError(t, err)
	copied, err := old.download(ctx)
	require.NoError(t, err)
	v, err := unlock(ctx, "alice", copied.Keys, password)
	require.NoError(t, err)
	locked, err := v.lock(ctx, newPassword)
	require.NoError(t, err)
	require.NoError(t, old.changePassword(ctx, newPassword, locked))
	require.Len(t, s.stored("alice").records, 1)

	_, _, err = c.enter(ctx, "alice", password)
	require.Equal(t, refused, err)
	for _, want := range []protocol{bySRP, byOPAQUE} {
		_, by, err := c.enter(ctx, "alice", newPassword)
		require.NoError(t, err)
		require.Equal(t, want, by)
	}
}
