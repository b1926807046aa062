package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/internal/pgtest"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// What the load consists of. Clients of SRP need 0.1 s of CPU for a login.
const (
	loadAccounts   = 200
	loadSRP        = 5   // accounts with profile proton-4
	loadWorkers    = 8   // clients at the same time
	loadWrong      = 20  // one login of so many has a wrong password, and another one an unknown name
	loadOld        = 250 // one login of so many is of an account with SRP
	loadStatements = 17  // of a login, at most
)

var loadLogins = flag.Int("load.logins", 1700, "logins of the load test with each database")

// TestLoad: many logins at once, with one and two servers. Every right password
// logs in, every wrong one and every unknown name gets 401, and a login takes a
// bounded number of statements. It reports what logins cost.
func TestLoad(t *testing.T) {
	logins := *loadLogins
	if *long {
		logins *= 20
	}
	t.Run("SQLite", func(t *testing.T) {
		load(t, filepath.Join(t.TempDir(), "load.db"), nil, 1, logins)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		if cluster == nil {
			t.Skip("PostgreSQL is not installed")
		}
		durable, err := pgtest.Start(true) // one that a user has
		require.NoError(t, err)
		defer durable.Stop()
		for _, servers := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d servers", servers), func(t *testing.T) {
				load(t, durable.Create(t, ""), durable, servers, logins)
			})
		}
	})
}

// loader makes the requests of clients.
type loader struct {
	*world
	handlers   []http.Handler
	opaque     *opaque.Client
	srp        *srp.Client
	accounts   []*loadAccount
	final      []byte // a last message of OPAQUE
	statements atomic.Int64
	old        atomic.Int64  // answers with SRP
	alone      bool          // nothing else runs, and clients counts
	clients    time.Duration // CPU time of the halves of clients
	mu         sync.Mutex
	begin, end []time.Duration // latencies of both halves
}

type loadAccount struct {
	name, password string
	mu             sync.Mutex
	device         string // token of a known device
}

func load(t *testing.T, database string, cluster *pgtest.Cluster, servers, logins int) {
	l := &loader{world: newWorld(t, database, servers, func(c *server.Config) {
		c.Offer, c.Log = server.OfferProton, slog.New(slog.NewJSONHandler(io.Discard, nil))
	})}
	l.prepare()
	before := l.cost(cluster)
	l.run(logins)
	l.report(logins, before, l.cost(cluster))
	if cluster != nil {
		l.reportTables(cluster)
	}
}

// prepare makes the accounts, those with SRP first. The weights are like the
// numbers of accounts, as an operator keeps them.
func (l *loader) prepare() {
	var err error
	l.opaque, err = opaque.NewClient(opaque.ClientConfig{KSFPolicy: l.policy, ServerIdentity: []byte(server.DefaultIdentity)})
	require.NoError(l, err)
	l.srp, err = srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.Proton(4)}, GroupPolicy: trusted.RegistrationPolicy("nescio/service")})
	require.NoError(l, err)
	l.route()
	for range loadSRP {
		l.register()
	}
	l.restart(func(c *server.Config) { c.Offer = server.OfferOPAQUE })
	weights, err := l.dbs[0].Weights(l.Context())
	require.NoError(l, err)
	err = server.SetWeight(l.Context(), l.dbs[0], weights[len(weights)-1].Kind, 1000, l.clock.now())
	require.NoError(l, err)
	l.clock.advance(time.Hour)
	l.tend()
	l.route()
	for range loadAccounts - loadSRP {
		l.register()
	}
	for _, db := range l.dbs {
		db.Trace(func(string) { l.statements.Add(1) })
	}
}

func (l *loader) route() {
	l.handlers = nil
	for _, s := range l.servers {
		l.handlers = append(l.handlers, s.Handler())
	}
}

// register makes an account by hand.
func (l *loader) register() {
	a := &loadAccount{name: fmt.Sprintf("user%d", len(l.accounts)), password: fmt.Sprintf("password %d", len(l.accounts))}
	l.accounts = append(l.accounts, a)
	o, request, err := l.opaque.Register(nil, []byte(a.password))
	require.NoError(l, err)
	s, other, err := l.srp.Register(nil, []byte(a.password))
	require.NoError(l, err)
	var begun api.Begun
	require.Equal(l, 200, l.send("/v1/register/begin", api.Requests{OPAQUE: request, SRP: other}, &begun))
	finish := o.Finish
	if begun.Response[0] == 'S' {
		finish = s.Finish
	}
	upload, err := finish(l.Context(), begun.Response)
	require.NoError(l, err)
	in := api.FinishRegistration{Token: begun.Token, Names: []string{a.name, a.name + "@example.org"}, Upload: upload}
	require.Equal(l, 200, l.send("/v1/register/finish", in, nil))
}

// send passes a message to a random server, without a network.
func (l *loader) send(path string, in, out any) int {
	body, err := json.Marshal(in)
	if err != nil {
		l.Error(err)
		return 0
	}
	status, answer := l.pass(path, body)
	if status == 200 && out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			l.Error(err)
		}
	}
	return status
}

func (l *loader) pass(path string, body []byte) (status int, answer []byte) {
	r, err := http.NewRequestWithContext(l.Context(), "POST", path, bytes.NewReader(body))
	if err != nil {
		l.Error(err)
		return 0, nil
	}
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1024", rand.IntN(256), rand.IntN(256))
	w := httptest.NewRecorder()
	l.handlers[rand.IntN(len(l.handlers))].ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// run makes logins until there are enough.
func (l *loader) run(logins int) {
	l.login(l.accounts[loadSRP], l.accounts[loadSRP].password, 200) // for l.final
	var next atomic.Int64
	var workers sync.WaitGroup
	for range loadWorkers {
		workers.Go(func() {
			for n := int(next.Add(1)); n <= logins && !l.Failed(); n = int(next.Add(1)) {
				a := l.accounts[loadSRP+rand.IntN(loadAccounts-loadSRP)]
				if n%loadOld == 0 {
					a = l.accounts[rand.IntN(loadSRP)]
				}
				switch n % loadWrong {
				case 1:
					l.login(a, a.password+"!", 401)
				case 2:
					l.login(&loadAccount{name: fmt.Sprintf("nobody%d", n)}, "guess", 401)
				default:
					l.login(a, a.password, 200)
				}
			}
		})
	}
	workers.Wait()
}

// login makes one login, whose last answer must have a status.
func (l *loader) login(a *loadAccount, password string, want int) {
	a.mu.Lock()
	device := a.device
	a.mu.Unlock()
	if want != 200 {
		device = "" // it is a stranger
	}
	var h loadHandshake
	begin := l.client(func() (body []byte, err error) { return h.begin(l, a.name, password, device) })
	began := time.Now()
	status, answer := l.pass("/v1/login/begin", begin)
	middle := time.Now()
	if status != 200 {
		l.Errorf("%s: a login began with status %d: %s", a.name, status, answer)
		return
	}
	finish := l.client(func() (body []byte, err error) { return h.respond(l, answer) })
	sent := time.Now()
	status, answer = l.pass("/v1/login/finish", finish)
	took := time.Since(sent)
	if status != want {
		l.Errorf("%s: a login with %q ended with status %d: %s", a.name, password, status, answer)
	}
	l.mu.Lock()
	l.begin, l.end = append(l.begin, middle.Sub(began)), append(l.end, took)
	l.mu.Unlock()
	if status != 200 {
		return
	}
	var in api.LoggedIn
	l.client(func() ([]byte, error) { return nil, errors.Join(json.Unmarshal(answer, &in), h.finish(in.Reply)) })
	if in.Device != "" {
		a.mu.Lock()
		a.device = in.Device
		a.mu.Unlock()
	}
}

// client runs a part of a client.
func (l *loader) client(part func() ([]byte, error)) []byte {
	before := cpuTime()
	b, err := part()
	if l.alone {
		l.clients += cpuTime() - before
	}
	if err != nil {
		l.Error(err)
	}
	return b
}
