package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

// A protocol is *srp.Server or *opaque.Server. The handlers do not care which.
type protocol interface {
	BeginRegistration(ctx context.Context, id, request []byte) (response []byte, err error)
	FinishRegistration(identity, upload []byte) (record []byte, err error)
	BeginLogin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error)
	FinishLogin(ctx context.Context, id, record, pending, final []byte) (reply, key []byte, err error)
}

// A server keeps everything in memory, with a lock instead of transactions.
type server struct {
	srp    *srp.Server
	opaque *opaque.Server

	mu       sync.Mutex
	records  map[string][]byte            // by name
	notes    map[string][]byte            // by name, wrapped by the client
	logins   map[string]loginState        // in progress, by token; a real server deletes old ones
	sessions map[[sha256.Size]byte]string // names, by the hash of a token
}

type loginState struct {
	name     string
	protocol protocol
	pending  []byte
}

// The modulus is from Proton's public test data: see srp/testdata/proton.json.
//
//go:embed modulus.asc
var modulus []byte

var serverIdentity = []byte("example.org/users") // the application and its table

const maxBody = 64 << 10 // of a request; larger than any message

func newServer() *server {
	// Proton signed the modulus, and NewGroup proves that it is a safe prime. The
	// signed text is the certificate for the clients, who check both themselves.
	proton := must(openpgp.ParseKey(openpgp.ProtonKey))
	group := must(srp.NewGroup(must(proton.Modulus(modulus)), openpgp.Generator))
	group = must(group.WithCertificate(modulus))
	// A service makes its keys once. It keeps them in a vault, apart from records.
	setup := must(opaque.NewSetup(opaque.Ristretto255))
	var decoyKey, stateKey [32]byte
	rand.Read(decoyKey[:])
	rand.Read(stateKey[:])
	// An unknown name must look like an account. So each server knows the kinds of
	// accounts that the other one has, with their weights.
	srpKind := srp.Kind{Profile: srp.Proton(4), Groups: []*srp.Group{group}, Weight: 1}
	opaqueKind := opaque.Kind{Setup: 1, Weight: 1}
	return &server{
		srp: must(srp.NewServer(srp.ServerConfig{
			DecoyKey: decoyKey, StateKeys: []srp.StateKey{{Key: stateKey}}, ServerIdentity: serverIdentity,
			Offer: srpKind, Others: must(opaque.Weights(opaqueKind)),
		})),
		opaque: must(opaque.NewServer(opaque.ServerConfig{
			DecoyKey: decoyKey, StateKeys: []opaque.StateKey{{Key: stateKey}}, ServerIdentity: serverIdentity,
			Offer: opaqueKind, Others: must(srp.Weights(srpKind)), Setups: map[uint16]*opaque.Setup{1: setup},
		})),
		records: make(map[string][]byte), notes: make(map[string][]byte),
		logins: make(map[string]loginState), sessions: make(map[[sha256.Size]byte]string),
	}
}

// protocolOf looks at the first byte. Each protocol refuses what is not its own.
func (s *server) protocolOf(message []byte) protocol {
	if bytes.HasPrefix(message, []byte("S")) {
		return s.srp
	}
	return s.opaque
}

// handler lacks TLS, and limits by name and address: each begin is a try at a password.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /register/begin", call(s.beginRegistration))
	mux.Handle("POST /register/finish", call(s.finishRegistration))
	mux.Handle("POST /login/begin", call(s.beginLogin))
	mux.Handle("POST /login/finish", call(s.finishLogin))
	mux.Handle("POST /note", call(s.note))
	return mux
}

// A message is the JSON of every request and every answer.
type message struct {
	Name           string
	Message, Other []byte // of a protocol; Other is SRP's when a login begins
	Token          string // of a login in progress, or of a session
	Note           []byte
}

type call func(context.Context, message) (message, error)

func (c call) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, out, err := message{}, message{}, opaque.ErrMalformed
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in) == nil {
		if in.Name, err = prepare.Username(in.Name); err == nil { // one spelling, before any look-up
			out, err = c(r.Context(), in)
		}
	}
	if err != nil { // the client learns the status and nothing else
		http.Error(w, http.StatusText(status(err)), status(err))
		return
	}
	json.NewEncoder(w).Encode(out) // an error means that the client has gone
}

var errTaken = fmt.Errorf("%w: the name is taken", opaque.ErrPolicy)

// status is the table in the documentation of packages srp and opaque, whose error
// values are the same.
func status(err error) int {
	switch {
	case errors.Is(err, opaque.ErrAuthentication), errors.Is(err, opaque.ErrState):
		return http.StatusUnauthorized // one response for both
	case errors.Is(err, opaque.ErrMalformed), errors.Is(err, opaque.ErrPolicy), errors.Is(err, prepare.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, opaque.ErrBusy):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (s *server) record(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[name]
}

func (s *server) beginRegistration(ctx context.Context, in message) (message, error) {
	if s.record(in.Name) != nil {
		return message{}, errTaken
	}
	response, err := s.protocolOf(in.Message).BeginRegistration(ctx, []byte(in.Name), in.Message)
	return message{Message: response}, err
}

func (s *server) finishRegistration(_ context.Context, in message) (message, error) {
	record, err := s.protocolOf(in.Message).FinishRegistration(nil, in.Message)
	if err != nil {
		return message{}, opaque.ErrMalformed // 400 for ErrRecord too, which is 500 at a login
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[in.Name] != nil {
		return message{}, errTaken
	}
	s.records[in.Name] = record
	return message{}, nil
}

// beginLogin answers with the protocol of the account. For an unknown name the
// protocol depends on the name, and the record is empty.
func (s *server) beginLogin(ctx context.Context, in message) (message, error) {
	record, asSRP := s.record(in.Name), s.srp.AnswersAsSRP([]byte(in.Name)) // the same work for all
	p, request := s.protocolOf(record), in.Message
	if p == s.srp || (record == nil && asSRP) {
		p, request = s.srp, in.Other
	}
	response, pending, err := p.BeginLogin(ctx, []byte(in.Name), record, request)
	if err != nil {
		return message{}, err
	}
	token := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins[token] = loginState{in.Name, p, pending}
	return message{Message: response, Token: token}, nil
}

func (s *server) finishLogin(ctx context.Context, in message) (message, error) {
	s.mu.Lock()
	login, found := s.logins[in.Token]
	delete(s.logins, in.Token)
	record := s.records[login.name] // as the store has it now
	s.mu.Unlock()
	if !found {
		return message{}, opaque.ErrState
	}
	reply, _, err := login.protocol.FinishLogin(ctx, []byte(login.name), record, login.pending, in.Message)
	if err != nil {
		return message{}, err
	}
	// The record may have changed since. Compare and insert in one transaction.
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.Equal(s.records[login.name], record) {
		return message{}, opaque.ErrState
	}
	token := rand.Text()
	s.sessions[sha256.Sum256([]byte(token))] = login.name
	return message{Message: reply, Token: token}, nil
}

// note stores the note of the request, if it has one, and returns what is stored.
func (s *server) note(_ context.Context, in message) (message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := s.sessions[sha256.Sum256([]byte(in.Token))]; !ok || name != in.Name {
		return message{}, opaque.ErrState
	}
	if len(in.Note) > 0 {
		s.notes[in.Name] = in.Note
	}
	return message{Note: s.notes[in.Name]}, nil
}
