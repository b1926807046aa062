package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// access says who may make a request.
type access int

const (
	anyone  access = iota
	halfway        // a half session
	session        // a full session
)

// route is a request that clients can make. The messages in and out are for
// the description of the service.
type route struct {
	method, path string
	access       access
	limit        int // of the address, besides limitRequests
	stepUp       string
	in, out      any
	run          func(*Server, *call) (any, error)
}

// on makes a route of a handler.
func on[In, Out any](method, path string, access access, f func(*Server, *call, In) (Out, error)) route {
	var in In
	var out Out
	return route{method: method, path: path, access: access, in: in, out: out, run: func(s *Server, c *call) (any, error) {
		var in In
		if err := decode(c.body, &in); err != nil {
			return nil, err
		}
		return f(s, c, in)
	}}
}

// limited counts a request against another limit of the address.
func (r route) limited(limit int) route { r.limit = limit; return r }

// confirmed requires a step-up for an operation.
func (r route) confirmed(operation string) route { r.stepUp = operation; return r }

var routes = []route{
	on("POST", "/v1/register/begin", anyone, (*Server).register).limited(limitLogins),
	on("POST", "/v1/register/finish", anyone, (*Server).finishRegister).limited(limitTaken),
	on("POST", "/v1/login/begin", anyone, (*Server).login).limited(limitLogins),
	on("POST", "/v1/login/finish", anyone, (*Server).finishLogin),
	on("POST", "/v1/login/code", halfway, (*Server).loginCode),
	on("POST", "/v1/session/code", session, (*Server).sessionCode),
	on("POST", "/v1/step-up/begin", session, (*Server).stepUp),
	on("POST", "/v1/step-up/finish", session, (*Server).finishStepUp),
	on("GET", "/v1/sessions", session, (*Server).sessions),
	on("DELETE", "/v1/sessions", session, (*Server).endOtherSessions),
	on("DELETE", "/v1/sessions/{id}", session, (*Server).endSession),
	on("PUT", "/v1/session/name", session, (*Server).nameSession),
	on("GET", "/v1/account", session, (*Server).account),
	on("POST", "/v1/account/delete", session, (*Server).deleteAccount).confirmed(api.OpDelete),
	on("POST", "/v1/password/begin", session, (*Server).newRecord),
	on("POST", "/v1/password/finish", session, (*Server).finishNewRecord).confirmed(api.OpPassword),
	on("POST", "/v1/move/begin", session, (*Server).move),
	on("POST", "/v1/move/finish", session, (*Server).finishMove),
	on("POST", "/v1/totp/begin", session, (*Server).newTOTP).confirmed(api.OpTOTP),
	on("POST", "/v1/totp/confirm", session, (*Server).confirmTOTP),
	on("POST", "/v1/totp/remove", session, (*Server).removeTOTP).confirmed(api.OpTOTPOff),
	on("POST", "/v1/totp/codes", session, (*Server).newCodes).confirmed(api.OpCodes),
	on("GET", "/v1/keyring", session, (*Server).keyring),
	on("PUT", "/v1/keyring", session, (*Server).putKeyring),
	on("GET", "/v1/items", session, (*Server).items),
	on("PUT", "/v1/items/{id}", session, (*Server).putItem),
	on("GET", "/v1/events", session, (*Server).events),
}

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
	if _, pattern := u.Handler(r); pattern != "" {
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
	if route.access != anyone {
		if err := s.authenticate(c, route.access); err != nil {
			return nil, err
		}
	}
	return route.run(s, c)
}

// read reads the body.
func (c *call) read() error {
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodDelete {
		if n, _ := io.ReadFull(c.r.Body, make([]byte, 1)); n != 0 {
			return errCode(api.Malformed, "this request has no body")
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return errCode(api.MediaType, "the body must be application/json")
	}
	c.body, err = io.ReadAll(http.MaxBytesReader(nil, c.r.Body, api.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errCode(api.TooLarge, "the body is too large")
	}
	if err != nil {
		return errCode(api.Malformed, "the body could not be read")
	}
	return nil
}

// decode reads the only JSON value of a body, strictly: it has no unknown and
// no repeated fields.
func decode(body []byte, in any) error {
	if _, empty := in.(*none); empty {
		return nil
	}
	malformed := errCode(api.Malformed, "the body is not a valid request")
	if !strictObject(body) {
		return malformed
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return malformed
	}
	return nil
}

// none is the message of a request without a body.
type none struct{}

// strictObject reports whether a body is one JSON object whose names occur once
// and are in lower case, because encoding/json ignores the case.
func strictObject(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok || seen[name] || name != strings.ToLower(name) {
			return false
		}
		seen[name] = true
		var value json.RawMessage
		if d.Decode(&value) != nil || bytes.HasPrefix(value, []byte("{")) || bytes.Equal(value, []byte("null")) {
			return false // no message has an object in it
		}
	}
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

// status is the HTTP status of a code.
var status = map[api.Code]int{
	api.Malformed: http.StatusBadRequest, api.Unauthenticated: http.StatusUnauthorized,
	api.CodeRequired: http.StatusForbidden, api.LoginRequired: http.StatusForbidden, api.StepUpRequired: http.StatusForbidden,
	api.CrossOrigin: http.StatusForbidden,
	api.NotFound:    http.StatusNotFound, api.MethodNotAllowed: http.StatusMethodNotAllowed,
	api.Taken: http.StatusConflict, api.Conflict: http.StatusConflict, api.OldEpoch: http.StatusConflict,
	api.TooLarge: http.StatusRequestEntityTooLarge, api.MediaType: http.StatusUnsupportedMediaType,
	api.Full: http.StatusInsufficientStorage, api.RateLimited: http.StatusTooManyRequests,
	api.Internal: http.StatusInternalServerError, api.Busy: http.StatusServiceUnavailable,
}

func errCode(code api.Code, message string) *api.Error {
	return &api.Error{Code: code, Message: message}
}

func limitedFor(wait time.Duration) *api.Error {
	e := errCode(api.RateLimited, "too many tries: wait before the next one")
	e.RetryAfter = int(math.Ceil(wait.Seconds()))
	return e
}

// errAuthentication is the answer to every failed login, known name or not.
var errAuthentication = errCode(api.Unauthenticated, "the login failed")

// errorOf maps an error to an answer. What is not the client's fault is logged.
func (s *Server) errorOf(c *call, err error) *api.Error {
	var known *api.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, opaque.ErrAuthentication), errors.Is(err, opaque.ErrState):
		return errAuthentication
	case errors.Is(err, opaque.ErrMalformed), errors.Is(err, opaque.ErrPolicy), errors.Is(err, recovery.ErrMalformed):
		return errCode(api.Malformed, "a message is not valid")
	case errors.Is(err, opaque.ErrBusy), c.Err() != nil:
		return errCode(api.Busy, "the service is busy: try again")
	}
	s.Log.Error("a request failed", "route", c.r.Pattern, "error", err)
	return errCode(api.Internal, "the service could not answer: try again")
}

func write(w http.ResponseWriter, status int, out any) {
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // messages are plain values
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}

func fail(w http.ResponseWriter, e *api.Error) {
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	write(w, status[e.Code], e)
}

// id returns the id in the path.
func (c *call) id() (id store.ID, err error) {
	var a api.ID
	if a.UnmarshalText([]byte(c.r.PathValue("id"))) != nil {
		return id, errCode(api.NotFound, "there is nothing here")
	}
	return store.ID(a), nil
}

// bodyDigest is what a step-up confirms.
func (c *call) bodyDigest() []byte {
	d := sha256.Sum256(c.body)
	return d[:]
}
