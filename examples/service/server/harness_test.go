package server

import (
	"context"
	"encoding/json"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// newTestServer returns a server on SQLite.
func newTestServer(t testing.TB, limits Limits) *Server {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	keys := keyfile.NewDecoyKey()
	require.NoError(t, keys.Add(keyfile.NewDatabaseKey()))
	require.NoError(t, keys.Add(&keyfile.Keys{Setups: map[uint16]*opaque.Setup{1: setup}}))
	require.NoError(t, Init(t.Context(), db, keys))
	cheap, err := kdf.NewArgon2id(8, 1, 1)
	require.NoError(t, err)
	s, err := New(t.Context(), Config{DB: db, Keys: keys, KSF: cheap, Limits: limits})
	require.NoError(t, err)
	return s
}

// fuzzed is a server with two accounts. One has a session, a keyring and an
// item, and the other has a half session.
type fuzzed struct {
	*Server
	account, other store.ID
	session        store.Session
	half           store.Session
	requests       api.Requests
	item           api.PutItem
	header         []byte
}

// Tokens of the sessions.
const fullToken, halfToken = "full", "half"

func newFuzzed(f testing.TB) *fuzzed {
	much := store.Budget{Burst: 1 << 30, Every: time.Millisecond}
	rate := Rate{Burst: 1 << 30, Every: time.Nanosecond}
	s := &fuzzed{Server: newTestServer(f, Limits{
		Account: much, Device: much, Session: much, Codes: much, Requests: rate, Logins: rate, Taken: rate,
	})}
	ctx := f.Context()
	client, err := opaque.NewClient(opaque.ClientConfig{KSFPolicy: kdf.FixedPolicy(s.KSF), ServerIdentity: []byte(s.Identity)})
	require.NoError(f, err)
	s.account, s.other = newID(), newID()
	r, request, err := client.Register(nil, []byte("password"))
	require.NoError(f, err)
	response, err := s.beginRegistration(ctx, s.account, nil, request, nil)
	require.NoError(f, err)
	upload, err := r.Finish(ctx, response)
	require.NoError(f, err)
	record, err := s.finishRegistration(nil, upload)
	require.NoError(f, err)
	_, s.requests.OPAQUE, err = client.Login(nil, []byte("password"))
	require.NoError(f, err)
	s.requests.SRP = []byte("S\x01")
	export, err := r.ExportKey()
	require.NoError(f, err)
	raw, err := r.Record()
	require.NoError(f, err)

	keyring := recovery.NewClient(new(value), (*remoteValue)(s))
	require.NoError(f, keyring.Create(ctx, recovery.NewExportKey(export, raw)))
	header, err := recovery.ParseHeader(s.header)
	require.NoError(f, err)
	_, key, err := keyring.Generate(wrap.Binding{Purpose: "test"})
	require.NoError(f, err)
	s.item = api.PutItem{Previous: 1, Key: key, Body: []byte("body")}
	stored := store.Item{ID: store.ID{}, Version: 1, Revision: 1, Epoch: header.Epoch(), Key: key, Body: []byte("body")}

	now := s.now()
	s.session = store.Session{
		ID: newID(), Account: s.account, Record: digestOfRecord(record), Receipt: store.Receipt{}, Created: now, Seen: now, LoginAt: now, CodeAt: now, Expires: now.Add(sessionTime),
	}
	s.half = s.session
	s.half.ID, s.half.Account, s.half.Half = newID(), s.other, true
	require.NoError(f, s.db.Tx(ctx, func(tx *store.Tx) error {
		for id, name := range map[store.ID]string{s.account: "alice", s.other: "bob"} {
			names, err := s.names(&call{Context: ctx}, []string{name})
			require.NoError(f, err)
			ok, err := tx.Insert(ctx, store.Account{ID: id, Record: record}, names, now)
			require.NoError(f, err)
			require.True(f, ok)
		}
		require.NoError(f, tx.SetHeader(ctx, s.account, s.header, header.Epoch()))
		require.NoError(f, tx.PutItem(ctx, s.account, stored, store.Usage{Revision: 1, Items: 1, Bytes: stored.Size()}))
		return tx.AddSession(ctx, digestOf(fullToken), s.session)
	}))
	s.renew(f)
	return s
}

// renew replaces the half session, which has a few tries.
func (s *fuzzed) renew(t testing.TB) {
	ctx := context.Background()
	require.NoError(t, s.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.EndSession(ctx, s.other, s.half.ID); err != nil && err != store.ErrNotFound {
			return err
		}
		s.half.Expires = s.now().Add(halfSessionTime)
		return tx.AddSession(ctx, digestOf(halfToken), s.half)
	}))
}

// value is a recovery.Local, and remoteValue the recovery.Remote of a test.
type value struct{ b []byte }

func (v *value) Load(context.Context) ([]byte, error)                { return v.b, nil }
func (v *value) Swap(_ context.Context, _ []byte, next []byte) error { v.b = next; return nil }

type remoteValue fuzzed

func (r *remoteValue) Fetch(context.Context) ([]byte, error) { return r.header, nil }
func (r *remoteValue) Swap(_ context.Context, _ [32]byte, next []byte) error {
	r.header = next
	return nil
}

var fuzzMethods = []string{"", "GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "put", "\x00"}

var anyString = regexp.MustCompile(`:"[^"]*"`)

// message returns a body for a route, with values that go far.
func (s *fuzzed) message(r route) []byte {
	in := r.in
	switch in.(type) {
	case none:
		return nil
	case api.Requests:
		in = s.requests
	case api.BeginLogin:
		in = api.BeginLogin{Name: "alice", Requests: s.requests, Device: "device"}
	case api.BeginStepUp:
		in = api.BeginStepUp{Operation: api.OpRefresh, Digest: make([]byte, 32), Requests: s.requests}
	case api.FinishRegistration:
		in = api.FinishRegistration{Token: "token", Names: []string{"carol"}, Upload: []byte("O")}
	case api.PutItem:
		in = s.item
	case api.NewKeyring:
		in = api.NewKeyring{Header: s.header, Slot: new(api.ID)}
	case api.Label:
		in = api.Label{Name: []byte("name")}
	}
	b, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	return b
}
