package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// stranger makes one attempt at a name by hand, and returns what can be seen:
// statuses, headers, the form of bodies, and the statements in the database.
type stranger struct {
	*world
	mu         sync.Mutex
	statements []string
	request    []byte // a first message of OPAQUE
}

func newStranger(w *world) *stranger {
	s := &stranger{world: w}
	for _, db := range w.dbs {
		db.Trace(func(statement string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.statements = append(s.statements, statement)
		})
	}
	c, err := opaque.NewClient(opaque.ClientConfig{})
	require.NoError(w, err)
	login, request, err := c.Login(nil, []byte(password))
	require.NoError(w, err)
	login.Discard()
	s.request = request
	return s
}

// post sends a message to the first server, and describes the answer.
func (s *stranger) post(path string, in any) (seen string, body []byte) {
	message, err := json.Marshal(in)
	require.NoError(s, err)
	r := httptest.NewRequest("POST", path, bytes.NewReader(message))
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	s.statements = nil
	s.servers[0].Handler().ServeHTTP(answer, r)
	b := &strings.Builder{}
	fmt.Fprintln(b, path, answer.Code, answer.Body.Len())
	for _, name := range slices.Sorted(maps.Keys(answer.Header())) {
		fmt.Fprintln(b, name, answer.Header()[name])
	}
	for _, statement := range s.statements {
		fmt.Fprintln(b, strings.Join(strings.Fields(statement), " "))
	}
	return b.String(), answer.Body.Bytes()
}

// attempt begins and finishes a login with made-up proofs. The kind is the
// protocol and the modulus, whose certificates differ in length.
func (s *stranger) attempt(name, device string) (kind, seen string) {
	first, body := s.post("/v1/login/begin", api.BeginLogin{Name: name, Device: device, Requests: api.Requests{OPAQUE: s.request, SRP: []byte("S\x01")}})
	var begun api.Begun
	require.NoError(s, json.Unmarshal(body, &begun), string(body))
	kind = string(begun.Response[:1])
	for i, r := range pool.Records() {
		if bytes.Contains(begun.Response, r.Modulus().N) {
			kind += fmt.Sprint(i)
		}
	}
	size := map[byte]int{'S': 288, 'O': 64}[kind[0]]
	final := append(begun.Response[:2:2], make([]byte, size)...)
	final[2] = 1
	second, body := s.post("/v1/login/finish", api.FinishLogin{Token: begun.Token, Final: final})
	again, _ := s.post("/v1/login/finish", api.FinishLogin{Token: begun.Token, Final: final})
	return kind, first + second + string(body) + again
}

// TestStrangersLearnNothing: a name with an account, a deleted one, and names
// that nobody has, give the same answers and cost the same statements.
func TestStrangersLearnNothing(t *testing.T) {
	atOnce(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
		ctx := w.Context()
		w.signUp()
		gone := w.device()
		_, err := gone.SignUp(ctx, []string{"gone"}, one(password))
		require.NoError(w, err)
		require.NoError(w, gone.Delete(ctx, []byte(password)))
		w.restart(func(c *server.Config) { c.Offer = server.OfferOPAQUE })
		bob := w.device()
		_, err = bob.SignUp(ctx, []string{"alice.opaque"}, one(password))
		require.NoError(w, err)
		// alice has profile proton-4 until her next login. Both kinds have a weight.
		w.clock.advance(time.Hour)
		w.tend()
		s := newStranger(w)
		for _, device := range []string{"", "a token that nobody has"} {
			srpKind, onSRP := s.attempt("alice", device)
			require.Equal(w, byte('S'), srpKind[0])
			opaqueKind, onOPAQUE := s.attempt("alice.opaque", device)
			require.Equal(w, "O", opaqueKind)
			require.NotEqual(w, onSRP, onOPAQUE)
			want := map[string]string{srpKind: onSRP, opaqueKind: onOPAQUE}
			counts := make(map[string]int)
			for i := range 40 {
				name := fmt.Sprint("nobody", i)
				if i == 0 {
					name = "gone"
				}
				kind, seen := s.attempt(name, device)
				if want[kind] != "" {
					require.Equal(w, want[kind], seen, name)
				}
				counts[kind]++
				twice, _ := s.attempt(name, device)
				require.Equal(w, kind, twice, "the same at every request")
			}
			require.NotZero(w, counts[srpKind])
			require.NotZero(w, counts[opaqueKind])
		}
	})
}

// TestOneOracle: only the end of a registration tells whether a name is taken.
func TestOneOracle(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		w.signUp()
		s := newStranger(w)
		c, err := opaque.NewClient(opaque.ClientConfig{})
		require.NoError(w, err)
		registration, request, err := c.Register(nil, []byte(password))
		require.NoError(w, err)
		registration.Discard()
		begin := func() string {
			seen, _ := s.post("/v1/register/begin", api.Requests{OPAQUE: request, SRP: []byte("S\x01")})
			return seen
		}
		require.Equal(w, begin(), begin())
		require.Contains(w, begin(), "/v1/register/begin 200")
		_, err = w.device().SignUp(w.Context(), []string{"alice"}, one(password))
		require.ErrorIs(w, err, is(api.Taken))
		_, err = w.device().SignUp(w.Context(), []string{"new", "ALICE@example.org"}, one(password))
		require.ErrorIs(w, err, is(api.Taken))
		_, err = w.device().Login(w.Context(), "new", one(password))
		require.ErrorIs(w, err, client.ErrAuthentication, "nothing is stored of it")
	})
}

// TestTimes measures a known and an unknown name in turns. The control has one
// more statement for the known one, and is noticed. A claim of a known name reads
// two rows more, which takes some hundredths of its time. The number of claims of
// a name is limited.
func TestTimes(t *testing.T) {
	if !*long {
		t.Skip("times are measured with -long")
	}
	inWorlds(t, func(*server.Config) {}, func(w *world) { // one after the other
		d := w.account(0)
		d.withPhrase()
		d.withFile()
		s := newStranger(w)
		known := ""
		extra := false
		for _, db := range w.dbs {
			db.Trace(func(statement string) {
				if extra && known == "alice0" && strings.Contains(statement, "FROM names") {
					require.NoError(w, db.Ping(w.Context()))
				}
			})
		}
		both := api.Requests{OPAQUE: s.request, SRP: []byte("S\x01")}
		requests := map[string]func() any{
			"a password": func() any { return api.BeginLogin{Name: known, Requests: both} },
			"a phrase":   func() any { return api.BeginLogin{Name: known, Requests: both, Phrase: true} },
			"a file":     func() any { return api.BeginClaim{Name: known, Way: api.WayFile, Slot: &api.ID{1}, Proof: madeUpProof} },
			"a device":   func() any { return api.BeginClaim{Name: known, Way: api.WayDevice} },
		}
		for what, request := range requests {
			path, allowed := "/v1/login/begin", 0.03
			if what == "a file" || what == "a device" {
				path, allowed = "/v1/claims/begin", 0.08
			}
			measure := func() float64 {
				times := map[string][]time.Duration{}
				for range 2000 {
					for _, known = range []string{"alice0", "nobody"} {
						message, err := json.Marshal(request())
						require.NoError(w, err)
						r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(message))
						r.Header.Set("Content-Type", "application/json")
						answer := httptest.NewRecorder()
						begun := time.Now()
						s.servers[0].Handler().ServeHTTP(answer, r)
						times[known] = append(times[known], time.Since(begun))
						require.Equal(w, 200, answer.Code)
					}
					w.clock.advance(2 * time.Second)
				}
				median := func(d []time.Duration) float64 { slices.Sort(d); return float64(d[len(d)/2]) }
				return median(times["alice0"]) / median(times["nobody"])
			}
			extra = false
			ratio := measure()
			extra = true
			control := measure()
			w.Logf("%s: median time, known to unknown: %.3f; with one more statement: %.3f", what, ratio, control)
			require.InDelta(w, 1, ratio, allowed)
			if strings.HasPrefix(w.database, "postgres") { // in SQLite the statement takes no time
				require.Greater(w, control, 1+allowed)
			}
		}
	})
}
