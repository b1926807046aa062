package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/nescio-go/nescio/srp"
)

// server is a web service that knows nothing: its accounts hold SRP records,
// wrapped keys and encrypted notes. Logins are in server_login.go, what a
// session may do in server_data.go.
type server struct {
	srp    *srp.Server
	moduli *catalogue

	mu       sync.Mutex
	accounts map[string]*account // by user name; a database table
	logins   map[string]pending  // by SRPSession, for a minute
	sessions map[string]session  // by AccessToken
}

// account is all that the server has of a user.
type account struct {
	record []byte
	next   *srp.Group // on offer for a new password
	keys   userKeys
	notes  notes
	key    []byte // of the last session, which the story shows
}

// pending is a login between its two messages.
type pending struct {
	record []byte // of the account, none if it is unknown
	state  []byte // from Begin, for Finish
}

// session is who a token belongs to, and since when.
type session struct {
	id   string
	born time.Time
}

// newServer verifies its moduli once, when it starts.
func newServer() (*server, error) {
	c, err := newCatalogue(pool)
	if err != nil {
		return nil, err
	}
	var templates []srp.Template
	for _, id := range slices.Sorted(maps.Keys(c.groups)) { // one order in all replicas
		g := c.groups[id]
		templates = append(templates, srp.Template{Profile: srp.Proton(4), Group: g, Weight: 1})
	}

	// In a real service these come from a vault, the same for all replicas.
	decoy, state := make([]byte, srp.SecretSize), make([]byte, srp.SecretSize)
	rand.Read(decoy)
	rand.Read(state)
	s, err := srp.NewServer(srp.ServerConfig{
		Secrets:   srp.Secrets{Decoy: decoy, State: [][]byte{state}},
		Templates: templates,
	})
	if err != nil {
		return nil, err
	}
	return &server{
		srp:      s,
		moduli:   c,
		accounts: make(map[string]*account),
		logins:   make(map[string]pending),
		sessions: make(map[string]session),
	}, nil
}

// listen serves on a free port of the loopback interface until ctx ends, and
// returns the base URL.
func (s *server) listen(ctx context.Context) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/modulus", s.modulus)
	mux.HandleFunc("POST /users", handle(s.signUp))
	mux.HandleFunc("POST /auth/info", handle(s.info))
	mux.HandleFunc("POST /auth", handle(s.auth))
	mux.HandleFunc("GET /keys", inSession(s, anyAge, s.getKeys))
	mux.HandleFunc("PUT /keys", inSession(s, anyAge, s.putKeys))
	mux.HandleFunc("GET /notes", inSession(s, anyAge, s.getNotes))
	mux.HandleFunc("PUT /notes", inSession(s, anyAge, s.putNotes))
	mux.HandleFunc("GET /settings/modulus", inSession(s, anyAge, s.nextModulus))
	mux.HandleFunc("PUT /settings/password", inSession(s, time.Minute, s.changePassword))
	web := &http.Server{Handler: mux}
	go web.Serve(l)
	context.AfterFunc(ctx, func() { web.Close() })
	return "http://" + l.Addr().String(), nil
}

// handle turns a function over JSON values into a handler. It is where the
// errors of package srp become statuses: what a wrong password and an unknown
// user get must be the same to the byte.
func handle[In, Out any](f func(ctx context.Context, in In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
			reply(w, http.StatusBadRequest, errorResponse{"Malformed request"})
			return
		}
		out, err := f(r.Context(), in)
		switch {
		case err == nil:
			reply(w, http.StatusOK, out)
		case errors.Is(err, srp.ErrAuthentication), errors.Is(err, srp.ErrState):
			reply(w, http.StatusUnauthorized, errorResponse{"Incorrect login credentials"})
		case errors.Is(err, errSession):
			reply(w, http.StatusUnauthorized, errorResponse{"Log in first"})
		case errors.Is(err, srp.ErrMalformed):
			reply(w, http.StatusBadRequest, errorResponse{"Malformed request"})
		case errors.Is(err, errTaken):
			reply(w, http.StatusConflict, errorResponse{"Username already taken"})
		default:
			reply(w, http.StatusInternalServerError, errorResponse{"Something went wrong"})
		}
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
