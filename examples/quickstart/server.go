package main

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
)

// signedModulus is one of the moduli that Proton hands out, as it signed it.
//
//go:embed modulus.asc
var signedModulus string

const modulusID = "modulus-1"

// server is a web service that knows nothing: its accounts hold SRP records.
type server struct {
	srp   *srp.Server
	group *srp.Group

	mu       sync.Mutex
	accounts map[string][]byte // user name → record; a database table
	sessions map[string][]byte // SRPSession → pending state, for a minute
	keys     map[string][]byte // user name → the last session key
}

// newServer verifies the modulus once, when it starts: the signature, and that
// it is a safe prime of which 2 generates the whole group.
func newServer() (*server, error) {
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	if err != nil {
		return nil, err
	}
	message := []byte(signedModulus)
	n, err := key.Modulus(message)
	if err != nil {
		return nil, err
	}
	group, err := srp.NewGroup(n, openpgp.Generator)
	if err != nil {
		return nil, err
	}
	group, err = group.WithCredential(message) // so that clients can verify it too
	if err != nil {
		return nil, err
	}

	// In a real service these come from a vault, the same for all replicas.
	decoy, state := make([]byte, srp.SecretSize), make([]byte, srp.SecretSize)
	rand.Read(decoy)
	rand.Read(state)
	s, err := srp.NewServer(srp.ServerConfig{
		Secrets:   srp.Secrets{Decoy: decoy, State: [][]byte{state}},
		Templates: []srp.Template{{Profile: srp.Proton(4), Group: group, Weight: 1}},
	})
	if err != nil {
		return nil, err
	}
	return &server{
		srp:      s,
		group:    group,
		accounts: make(map[string][]byte),
		sessions: make(map[string][]byte),
		keys:     make(map[string][]byte),
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

func (s *server) modulus(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, modulusResponse{string(s.group.Ref().Credential), modulusID})
}

var errTaken = errors.New("user name already taken")

// signUp stores the record of a new account, if it is of the kind on offer and
// nobody has the name: who could sign up again would take the account over.
func (s *server) signUp(_ context.Context, in signUpRequest) (struct{}, error) {
	id := canonical(in.Username)
	if in.Auth.ModulusID != modulusID || len(id) == 0 || len(id) > srp.MaxID {
		return struct{}{}, srp.ErrMalformed
	}
	// Versions 3 and 4 of Proton do not hash the user name: no identity.
	record, err := srp.NewRecord(srp.Offer{Profile: srp.Proton(in.Auth.Version), Group: s.group.Ref()}, nil, in.Auth.Salt, in.Auth.Verifier)
	if err != nil {
		return struct{}{}, srp.ErrMalformed
	}
	if err := s.srp.Admit(record.Bytes()); err != nil {
		return struct{}{}, srp.ErrMalformed // what was not offered is the client's fault
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.accounts[id]; taken {
		return struct{}{}, errTaken
	}
	s.accounts[id] = record.Bytes()
	return struct{}{}, nil
}

// info begins a login. An account that does not exist has an empty record, and
// that is all that the code around package srp may know of it.
func (s *server) info(ctx context.Context, in infoRequest) (infoResponse, error) {
	id := canonical(in.Username)
	s.mu.Lock()
	record := s.accounts[id]
	s.mu.Unlock()
	c, pending, err := s.srp.Challenge(ctx, []byte(id), record)
	if err != nil {
		return infoResponse{}, err
	}
	version, ok := c.Profile.ProtonVersion()
	if !ok {
		return infoResponse{}, srp.ErrRecord
	}
	return infoResponse{
		Version:         version,
		Modulus:         string(c.Group.Credential),
		ServerEphemeral: c.B,
		Salt:            c.Salt,
		SRPSession:      s.keep(pending),
	}, nil
}

// keep stores pending state for as long as it can be used, and returns its
// handle. The client never sees the state itself.
func (s *server) keep(pending []byte) (session string) {
	session = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[session] = pending
	time.AfterFunc(srp.DefaultLifetime, func() { s.take(session) })
	return session
}

// take removes pending state and returns it, or nothing.
func (s *server) take(session string) (pending []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pending = s.sessions[session]
	delete(s.sessions, session)
	return pending
}

// auth ends a login, for better or worse.
func (s *server) auth(ctx context.Context, in authRequest) (authResponse, error) {
	id := canonical(in.Username)
	proof := srp.Proof{A: in.ClientEphemeral, M1: in.ClientProof}
	m2, key, err := s.srp.Verify(ctx, []byte(id), s.take(in.SRPSession), proof)
	if err != nil {
		return authResponse{}, err
	}
	s.mu.Lock()
	s.keys[id] = key
	s.mu.Unlock()
	return authResponse{m2}, nil
}

// canonical brings a user name to the one spelling that accounts are kept
// under, by its syntax alone: known and unknown names go the same way.
func canonical(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// stored returns what a thief of the database would have of an account.
func (s *server) stored(name string) (*srp.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return srp.ParseRecord(bytes.Clone(s.accounts[canonical(name)]))
}

func (s *server) sessionKey(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.keys[canonical(name)])
}
