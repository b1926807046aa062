package server

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// call is one request.
type call struct {
	context.Context
	r       *http.Request
	header  http.Header // of the answer
	body    []byte
	address netip.Addr
	session store.Session // for routes that need one
	stepUp  string        // the operation of the route, or ""
	now     time.Time
}

const (
	cookieSession = "__Host-nescio"
	cookieDevice  = "__Host-nescio-device"
)

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.method+" "+r.path, s.serve(r))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, api.Empty{}) })
	mux.HandleFunc("GET /readyz", s.readyz)
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fail(w, errCode(api.CrossOrigin, "requests from other sites are not allowed"))
	}))
	return s.measured(mux, protection.Handler(unmatched{mux}))
}

// unmatched answers requests that no route matches in the form of all errors.
type unmatched struct{ *http.ServeMux }

func (u unmatched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	where := r.URL.EscapedPath() // ServeMux would redirect to the clean one
	if _, pattern := u.Handler(r); pattern != "" && where == path.Clean(where) {
		u.ServeMux.ServeHTTP(w, r)
		return
	}
	probe := &statusOnly{header: make(http.Header)}
	u.ServeMux.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		fail(w, errCode(api.MethodNotAllowed, "the method is not allowed here"))
		return
	}
	fail(w, errCode(api.NotFound, "there is nothing here"))
}

// statusOnly drops the body of an answer.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }

// readyz tells a balancer whether to send requests here.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if !s.ready.Load() || s.db.Ping(r.Context()) != nil {
		fail(w, errCode(api.Busy, "not ready"))
		return
	}
	write(w, http.StatusOK, api.Empty{})
}

// Drain makes readiness fail, so that balancers send no more requests.
func (s *Server) Drain() { s.ready.Store(false) }

// serve runs a route: limits and form first, then the session, then the handler.
func (s *Server) serve(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		c := &call{Context: ctx, r: r, header: w.Header(), address: s.addressOf(r), stepUp: route.stepUp, now: s.now()}
		out, err := s.answer(route, c)
		if err != nil {
			err := s.errorOf(c, err)
			s.metrics.errors.WithLabelValues(string(err.Code)).Inc()
			fail(w, err)
			return
		}
		write(w, http.StatusOK, out)
	}
}

func (s *Server) answer(route route, c *call) (any, error) {
	limits := []int{limitRequests}
	if route.limit != limitRequests {
		limits = append(limits, route.limit)
	}
	for _, limit := range limits {
		if wait := s.addresses.spend(c.address, limit, c.now); wait > 0 {
			return nil, limitedFor(wait)
		}
	}
	if err := c.read(); err != nil {
		return nil, err
	}
	c.now = s.now() // a slow body must not stop the clock
	if route.access != anyone {
		if err := s.authenticate(c, route.access); err != nil {
			return nil, err
		}
	}
	return route.run(s, c)
}

// id returns the id in the path.
func (c *call) id() (id store.ID, err error) {
	var a api.ID
	if a.UnmarshalText([]byte(c.r.PathValue("id"))) != nil {
		return id, errCode(api.NotFound, "there is nothing here")
	}
	return store.ID(a), nil
}

// parameter returns the only parameter that a query may have, or "".
func (c *call) parameter(name string) (string, error) {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return "", errCode(api.Malformed, "the query is not valid")
	}
	for other, values := range query {
		if other != name || len(values) != 1 {
			return "", errCode(api.Malformed, "the only parameter is "+name)
		}
	}
	return query.Get(name), nil
}

// bodyDigest is what a step-up confirms.
func (c *call) bodyDigest() []byte {
	d := sha256.Sum256(c.body)
	return d[:]
}
