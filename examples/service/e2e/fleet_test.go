package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// TestRotation: state keys change daily, and no login between two servers fails.
func TestRotation(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		for day := range 4 {
			for _, step := range []time.Duration{24 * time.Hour, time.Minute, 2*time.Minute + time.Second, time.Minute, time.Hour} {
				w.clock.advance(step)
				for i, s := range w.servers { // one polls before the other
					require.NoError(w, s.Tend(ctx))
					for range 2 {
						_, err := d.Login(ctx, "alice", one(password))
						require.NoError(w, err, "day %d, after server %d", day, i)
					}
				}
			}
			n := w.rows("state_keys")["state_keys"]
			require.LessOrEqual(w, n, 2)
		}
	})
}

// TestReplacedStateKeys: a login that began before does not finish.
func TestReplacedStateKeys(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		w.signUp()
		finish := w.beginLogin("alice", password)
		require.ErrorIs(w, server.ReplaceStateKeys(w.Context(), w.dbs[0], newKeys(w.T), w.clock.now()), server.ErrSecrets)
		require.NoError(w, server.ReplaceStateKeys(w.Context(), w.dbs[0], w.keys, w.clock.now()))
		w.tend()
		require.Equal(w, 401, finish())
		require.Equal(w, 200, w.beginLogin("alice", password)())
		require.Equal(w, 1, w.rows("state_keys")["state_keys"])
	})
}

// TestRollingChange: while servers offer different protocols, every registration
// and every change of a password succeeds.
func TestRollingChange(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		w.config.Offer = server.OfferProton
		w.start()
		for i := range 12 {
			d := w.account(i)
			err := d.ChangePassword(w.Context(), one(password), one("another password"))
			if errors.Is(err, client.ErrProtocol) {
				continue // one server moved it, and another offers the old protocol
			}
			require.NoError(w, err)
			d.opensWith("another password")
		}
	})
}

// TestWrongSecrets: a database refuses secrets of another one, and servers that
// cannot serve its accounts do not start.
func TestWrongSecrets(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		w.signUp()
		start := func(change func(*server.Config)) error {
			db, err := store.Open(w.Context(), w.database)
			require.NoError(w, err)
			defer db.Close()
			config := w.config
			config.DB = db
			keys := *w.keys
			config.Keys = &keys
			change(&config)
			_, err = server.New(w.Context(), config)
			return err
		}
		require.NoError(w, start(func(*server.Config) {}))
		other := newKeys(w.T)
		require.ErrorIs(w, start(func(c *server.Config) { c.Keys.Database = other.Database }), server.ErrSecrets)
		require.ErrorIs(w, start(func(c *server.Config) { c.Keys.Decoy = other.Decoy }), server.ErrSecrets)
		require.ErrorIs(w, start(func(c *server.Config) { c.Keys.Setups = other.Setups }), opaque.ErrRecord)
		require.ErrorIs(w, start(func(c *server.Config) {
			c.Keys.Setups = map[uint16]*opaque.Setup{2: other.Setups[1]}
		}), opaque.ErrRecord)
		require.NoError(w, start(func(c *server.Config) {
			c.Keys.Setups, c.Setup = map[uint16]*opaque.Setup{1: w.keys.Setups[1], 2: other.Setups[1]}, 2
		}))
		require.Error(w, start(func(c *server.Config) { c.Keys = &keyfile.Keys{} }))
		require.Error(w, start(func(c *server.Config) { c.Identity = "another" }))
	})
}

// TestNotInitialized: a server does not start on a database without secrets.
func TestNotInitialized(t *testing.T) {
	if cluster == nil {
		t.Skip("PostgreSQL is not installed")
	}
	db, err := store.Open(t.Context(), cluster.Create(t, ""))
	require.NoError(t, err)
	defer db.Close()
	config := server.Config{DB: db, Keys: newKeys(t)}
	_, err = server.New(t.Context(), config)
	require.ErrorIs(t, err, server.ErrNotInitialized)
	require.NoError(t, server.Init(t.Context(), db, config.Keys))
	require.NoError(t, server.Init(t.Context(), db, config.Keys), "again")
	require.ErrorIs(t, server.Init(t.Context(), db, newKeys(t)), server.ErrSecrets)
	_, err = server.New(t.Context(), config)
	require.NoError(t, err)
}

// TestWeights: a weight rises on all servers at the same time, and never falls.
func TestWeights(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		set := func(kind string, n uint32) error {
			return server.SetWeight(ctx, w.dbs[0], kind, n, w.clock.now())
		}
		protocol := func(server int) (srp int) {
			for i := range 20 {
				if w.begin(server, "nobody"+string(rune('a'+i)))[0] == 'S' {
					srp++
				}
			}
			return srp
		}
		all := func() (counts []int) {
			for i := range w.servers {
				counts = append(counts, protocol(i))
			}
			return counts
		}
		require.NoError(w, set("proton", 1))
		require.Error(w, set("proton", 1))
		require.Error(w, set("another", 1))
		w.tend()
		for _, n := range all() {
			require.Zero(w, n)
		}
		w.clock.advance(3*time.Minute + time.Second)
		w.tend()
		for _, n := range all() {
			require.NotZero(w, n)
			require.Less(w, n, 20)
		}
	})
}

// begin begins a login at one server, and returns the response.
func (w *world) begin(at int, name string) []byte {
	o, err := opaque.NewClient(opaque.ClientConfig{})
	require.NoError(w, err)
	login, request, err := o.Login(nil, []byte(password))
	require.NoError(w, err)
	defer login.Discard()
	body, err := json.Marshal(api.BeginLogin{Name: name, Requests: api.Requests{OPAQUE: request, SRP: []byte("S\x01")}})
	require.NoError(w, err)
	r := httptest.NewRequest("POST", "/v1/login/begin", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	w.servers[at].Handler().ServeHTTP(answer, r)
	require.Equal(w, 200, answer.Code, answer.Body)
	var out api.Begun
	require.NoError(w, json.Unmarshal(answer.Body.Bytes(), &out))
	return out.Response
}
