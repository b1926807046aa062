// Package e2e tests the service from end to end: clients over HTTP, servers and
// databases. Every test of a world runs on SQLite with one server, and on
// PostgreSQL with two servers behind a random balancer.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/internal/pgtest"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

var long = flag.Bool("long", false, "run longer loads, crash tests and measurements of time")

// requirePostgres is the environment variable with which tests fail if there is
// no PostgreSQL. Otherwise they leave it out and say so.
const requirePostgres = "NESCIO_REQUIRE_POSTGRES"

const template = "nescio_template"

var (
	cluster *pgtest.Cluster
	pool    *moduli.Pool
	trusted *moduli.Keys
	cheap   kdf.Params // below what clients accept by default
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	text, err1 := os.ReadFile(filepath.Join("testdata", "pool.moduli"))
	public, err2 := os.ReadFile(filepath.Join("testdata", "pool.pub"))
	var err3, err4, err5 error
	pool, err3 = moduli.ParsePool(string(text))
	trusted, err4 = moduli.ParseKeys(string(public))
	cheap, err5 = kdf.NewArgon2id(8, 1, 1)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return fail(err)
	}
	cluster, err1 = pgtest.Start(false)
	switch {
	case err1 == pgtest.ErrNotInstalled && os.Getenv(requirePostgres) == "":
		fmt.Println("NOT TESTED on PostgreSQL, which is not installed")
	case err1 != nil:
		return fail(err1)
	default:
		defer cluster.Stop()
		if err := makeTemplate(); err != nil {
			return fail(err)
		}
	}
	return m.Run()
}

// makeTemplate makes a database with all tables, of which tests get copies.
func makeTemplate() error {
	if err := cluster.Exec("CREATE DATABASE " + template); err != nil {
		return err
	}
	db, err := store.Open(context.Background(), cluster.URL(template))
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(context.Background()), db.Close())
}

// clock is the time of all servers of a world.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// world is a service with its database.
type world struct {
	*testing.T
	database string
	keys     *keyfile.Keys
	config   server.Config // without DB
	clock    *clock
	servers  []*server.Server
	dbs      []*store.DB
	balancer *httptest.Server
	log      *lockedBuffer
	policy   kdf.Policy                                      // of clients
	seen     func(*http.Request, *httptest.ResponseRecorder) // every exchange, if not nil
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) copy() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buffer.Bytes())
}

// generous are limits that tests of other things do not reach.
var generous = server.Limits{
	Account: store.Budget{Burst: 1000, Every: time.Second}, Device: store.Budget{Burst: 1000, Every: time.Second},
	Session: store.Budget{Burst: 1000, Every: time.Second}, Codes: store.Budget{Burst: 1000, Every: time.Second},
	Phrase: store.Budget{Burst: 1000, Every: time.Second}, Claims: store.Budget{Burst: 1000, Every: time.Second},
	AllClaims: store.Budget{Burst: 1000, Every: time.Second},
	Requests:  server.Rate{Burst: 1e6, Every: time.Microsecond}, Logins: server.Rate{Burst: 1e6, Every: time.Microsecond},
	Taken: server.Rate{Burst: 1e6, Every: time.Microsecond},
}

func newKeys(t testing.TB) *keyfile.Keys {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	keys := keyfile.NewDecoyKey()
	require.NoError(t, keys.Add(keyfile.NewDatabaseKey()))
	require.NoError(t, keys.Add(&keyfile.Keys{Setups: map[uint16]*opaque.Setup{1: setup}}))
	return keys
}

func newWorld(t *testing.T, database string, servers int, change func(*server.Config)) *world {
	w := &world{T: t, database: database, keys: newKeys(t), clock: new(clock), log: new(lockedBuffer), policy: kdf.FixedPolicy(cheap)}
	w.config = server.Config{
		Keys: w.keys, KSF: cheap, Limits: generous, Now: w.clock.now, Pool: pool,
		Log: slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	if change != nil {
		change(&w.config)
	}
	db, err := store.Open(t.Context(), database)
	require.NoError(t, err)
	require.NoError(t, server.Init(t.Context(), db, w.keys))
	require.NoError(t, db.Close())
	for range servers {
		w.start()
	}
	w.balancer = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		handler := w.servers[rand.IntN(len(w.servers))].Handler()
		if w.seen == nil {
			handler.ServeHTTP(rw, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		require.NoError(w, err)
		r.Body = io.NopCloser(bytes.NewReader(body))
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, r)
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.seen(r, recorder)
		maps.Copy(rw.Header(), recorder.Header())
		rw.WriteHeader(recorder.Code)
		rw.Write(recorder.Body.Bytes())
	}))
	t.Cleanup(w.balancer.Close)
	return w
}

// start starts another server with the configuration of the world.
func (w *world) start() {
	db, err := store.Open(w.Context(), w.database)
	require.NoError(w, err)
	w.Cleanup(func() { db.Close() })
	config := w.config
	config.DB = db
	s, err := server.New(w.Context(), config)
	require.NoError(w, err)
	w.dbs, w.servers = append(w.dbs, db), append(w.servers, s)
}

// restart replaces all servers, with a changed configuration.
func (w *world) restart(change func(*server.Config)) {
	n := len(w.servers)
	for _, db := range w.dbs {
		require.NoError(w, db.Close())
	}
	w.servers, w.dbs = nil, nil
	change(&w.config)
	for range n {
		w.start()
	}
}

// tend lets all servers poll.
func (w *world) tend() {
	for _, s := range w.servers {
		require.NoError(w, s.Tend(w.Context()))
	}
}

// device is a client with its store.
type device struct {
	*client.Client
	store *memory
	w     *world
}

// memory is a client.Store.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
}

func (m *memory) Load(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], nil
}

func (m *memory) Swap(_ context.Context, key string, previous, next []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !bytes.Equal(m.values[key], previous) {
		return recovery.ErrConflict
	}
	m.values[key] = next
	return nil
}

// device returns a new device.
func (w *world) device() *device { return w.deviceWith(newMemory(), nil) }

func newMemory() *memory { return &memory{values: make(map[string][]byte)} }

// deviceWith returns a device after a restart of its program.
func (w *world) deviceWith(s *memory, change func(*client.Config)) *device {
	transport, err := client.HTTP(w.balancer.URL, nil)
	require.NoError(w, err)
	cost, err := kdf.NewPBKDF2SHA512(1000)
	require.NoError(w, err)
	cfg := client.Config{
		Transport: transport, Store: s, Server: w.balancer.URL, Moduli: trusted, ModuliPurpose: "nescio/service",
		KDFPolicy: w.policy, SlotCost: w.slotCost(), DeviceCost: cost,
	}
	if change != nil {
		change(&cfg)
	}
	c, err := client.New(w.Context(), cfg)
	require.NoError(w, err)
	w.Cleanup(c.Close)
	return &device{c, s, w}
}

// restart returns the device after a restart of its program.
func (d *device) restart() *device { return d.w.deviceWith(d.store, nil) }

const (
	password = "correct horse battery staple"
	secret   = "The spare key is under the third pot."
)

func one(password string) client.Passwords { return client.Passwords{Login: []byte(password)} }

func two(login, keyring string) client.Passwords {
	return client.Passwords{Login: []byte(login), Keyring: []byte(keyring)}
}

// signUp makes Alice's account on a new device.
func (w *world) signUp() *device {
	d := w.device()
	e, err := d.SignUp(w.Context(), []string{"Alice", "alice@example.org"}, one(password))
	require.NoError(w, err)
	require.True(w, e.Created)
	return d
}

// note is the only item of a device.
func (d *device) notes() (texts []string) {
	items, err := d.Items(d.w.Context())
	require.NoError(d.w, err)
	for _, i := range items {
		texts = append(texts, i.Title+": "+i.Text)
	}
	return texts
}

// slotCost is the cost of password slots: cheap, or the default if the policy of
// clients is.
func (w *world) slotCost() kdf.Params {
	if w.policy == (kdf.Policy{}) {
		return kdf.Params{}
	}
	return cheap
}
