package server

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// newSecrets returns the secrets of a new service.
func newSecrets(t testing.TB) *keyfile.Keys {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	keys := keyfile.NewDecoyKey()
	require.NoError(t, keys.Add(keyfile.NewDatabaseKey()))
	require.NoError(t, keys.Add(&keyfile.Keys{Setups: map[uint16]*opaque.Setup{1: setup}}))
	return keys
}

// newTestServer returns a server on SQLite.
func newTestServer(t testing.TB, limits Limits) *Server {
	c := Config{Keys: newSecrets(t), Limits: limits, DB: openSQLite(t, filepath.Join(t.TempDir(), "test.db"))}
	require.NoError(t, Init(t.Context(), c.DB, c.Keys))
	return newServerOn(t, c)
}

func openSQLite(t testing.TB, name string) *store.DB {
	db, err := store.Open(t.Context(), name)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// newServerOn returns a server on an initialized database.
func newServerOn(t testing.TB, c Config) *Server {
	var err error
	c.KSF, err = kdf.NewArgon2id(8, 1, 1)
	require.NoError(t, err)
	s, err := New(t.Context(), c)
	require.NoError(t, err)
	return s
}

// registered is what a client and a server have after a registration.
type registered struct {
	request, upload, record []byte
	key                     recovery.ExportKey
}

// registered registers a password under an id.
func (s *Server) registered(t testing.TB, id, password []byte) (out registered) {
	client, err := opaque.NewClient(opaque.ClientConfig{KSFPolicy: kdf.FixedPolicy(s.KSF), ServerIdentity: []byte(s.Identity)})
	require.NoError(t, err)
	r, request, err := client.Register(nil, password)
	require.NoError(t, err)
	out.request = request
	response, err := s.protocols.Load().opaque.BeginRegistration(t.Context(), id, request)
	require.NoError(t, err)
	out.upload, err = r.Finish(t.Context(), response)
	require.NoError(t, err)
	out.record, err = s.finishRegistration(nil, out.upload)
	require.NoError(t, err)
	export, err := r.ExportKey()
	require.NoError(t, err)
	raw, err := r.Record()
	require.NoError(t, err)
	out.key = recovery.NewExportKey(export, raw)
	return out
}

// ring is the keyring of an account, with a slot of each type that the server
// knows, and two headers that may follow.
type ring struct {
	header  []byte
	slots   map[string]store.ID // by type
	half    []byte              // the server's half of the file
	key     []byte              // of an item
	number  store.ID
	epoch   uint32
	message []byte // of the contact

	next     []byte // with another phrase and another file, without the device
	nextHalf []byte
	renewed  []byte // with the slot of another login
}

// newRing makes a keyring for a login. Another login follows in renewed.
func newRing(t testing.TB, login, other recovery.ExportKey) (r ring) {
	ctx := t.Context()
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	file := recovery.NewFile()
	contact, err := contacts.NewKey()
	require.NoError(t, err)
	split, err := contacts.NewSplit(1, contact.PublicKey())
	require.NoError(t, err)
	remote := new(remoteValue)
	c := recovery.NewClient(new(value), remote)
	require.NoError(t, c.Create(ctx, login, phrase, file, split))
	_, device, err := c.SealDevice()
	require.NoError(t, err)
	require.NoError(t, c.Change(ctx, func(e *recovery.Edit) error { return e.Add(device) }))
	_, r.key, err = c.Generate(wrap.Binding{Purpose: "test"})
	require.NoError(t, err)
	r.header, r.half, r.message = remote.header, file.ServerSecret(), split.Messages()[0]
	h, err := recovery.ParseHeader(r.header)
	require.NoError(t, err)
	r.number, r.epoch, r.slots = store.ID(h.Account()), h.Epoch(), make(map[string]store.ID)
	for _, slot := range h.Slots() {
		r.slots[slot.Type] = store.ID(slot.ID)
	}

	nextPhrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	sealedPhrase, err := c.Seal(ctx, nextPhrase)
	require.NoError(t, err)
	nextFile := recovery.NewFile()
	sealedFile, err := c.Seal(ctx, nextFile)
	require.NoError(t, err)
	require.NoError(t, c.Change(ctx, func(e *recovery.Edit) error {
		if err := e.Replace(recovery.SlotID(r.slots["phrase"]), sealedPhrase); err != nil {
			return err
		}
		if err := e.Revoke(recovery.SlotID(r.slots["device"])); err != nil {
			return err
		}
		return e.Add(sealedFile)
	}))
	r.next, r.nextHalf = remote.header, nextFile.ServerSecret()

	remote.header = r.header
	again := recovery.NewClient(new(value), remote)
	require.NoError(t, again.OpenFirst(ctx, h.Account(), login))
	sealedLogin, err := again.Seal(ctx, other)
	require.NoError(t, err)
	require.NoError(t, again.Change(ctx, func(e *recovery.Edit) error {
		e.Keep(again.Unseen()...)
		return e.Replace(recovery.SlotID(r.slots["export"]), sealedLogin)
	}))
	r.renewed = remote.header
	return r
}

// value is a recovery.Local, and remoteValue the recovery.Remote of a test.
type value struct{ b []byte }

func (v *value) Load(context.Context) ([]byte, error)                { return v.b, nil }
func (v *value) Swap(_ context.Context, _ []byte, next []byte) error { v.b = next; return nil }

type remoteValue struct{ header []byte }

func (r *remoteValue) Fetch(context.Context) ([]byte, error) { return r.header, nil }
func (r *remoteValue) Swap(_ context.Context, _ [32]byte, next []byte) error {
	r.header = next
	return nil
}
