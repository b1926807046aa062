package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"sync"

	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

// A protocol is *srp.Server or *opaque.Server. The handlers work with both.
type protocol interface {
	BeginRegistration(ctx context.Context, id, request []byte) (response []byte, err error)
	FinishRegistration(identity, upload []byte) (record []byte, err error)
	BeginLogin(ctx context.Context, id, record, request []byte) (response, pending []byte, err error)
	FinishLogin(ctx context.Context, id, record, pending, final []byte) (reply, key []byte, err error)
}

// A server keeps its data in memory, with a lock instead of transactions.
type server struct {
	srp    *srp.Server
	opaque *opaque.Server

	mu       sync.Mutex
	records  map[string][]byte            // by name
	headers  map[string]*recovery.Header  // by name
	logins   map[string]finisher          // in progress, by token; a real server deletes old ones
	sessions map[[sha256.Size]byte]string // names, by the hash of a token
}

type finisher func(ctx context.Context, final []byte) (message, error) // of a login

// The modulus is from Proton's public test data: see srp/testdata/proton.json.
//
//go:embed modulus.asc
var modulus []byte

var serverIdentity = []byte("example.org/users") // the application and its table

func newServer() *server {
	// NewGroup proves that the modulus is a safe prime. The text that Proton
	// signed is the certificate. Clients check both.
	proton := must(openpgp.ParseKey(openpgp.ProtonKey))
	group := must(srp.NewGroup(must(proton.Modulus(modulus)), openpgp.Generator))
	group = must(group.WithCertificate(modulus))
	// A service makes its keys once. It keeps them in a vault, not with records.
	setup := must(opaque.NewSetup(opaque.Ristretto255))
	var decoyKey, stateKey [32]byte
	rand.Read(decoyKey[:])
	rand.Read(stateKey[:])
	// An unknown name must look like an account. Each server therefore knows
	// the kinds of accounts of the other server, with their weights.
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
		records: map[string][]byte{}, headers: map[string]*recovery.Header{},
		logins: map[string]finisher{}, sessions: map[[sha256.Size]byte]string{},
	}
}

// protocolOf looks at the first byte. A protocol refuses messages of the other.
func (s *server) protocolOf(message []byte) protocol {
	if bytes.HasPrefix(message, []byte("S")) {
		return s.srp
	}
	return s.opaque
}

// A message is a request or an answer. A real service sends it over HTTPS.
type message struct {
	Name           string
	Message, Other []byte // of a protocol; Other is the SRP request of a login
	Token          string // of a login in progress, or of a session
	Header         []byte // of a keyring
}

// call has no rate limits. A real service limits calls by name and by address,
// because each begin is a guess at a password, and maps errors to the HTTP
// statuses in the table of package opaque.
func (s *server) call(ctx context.Context, path string, in message) (message, error) {
	h, found := map[string]func(context.Context, message) (message, error){
		"/register/begin": s.beginRegistration, "/register/finish": s.finishRegistration,
		"/login/begin": s.beginLogin, "/login/finish": s.finishLogin, "/header": s.header,
	}[path]
	name, err := prepare.Username(in.Name) // one spelling, before any look-up
	if !found || err != nil {
		return message{}, opaque.ErrMalformed
	}
	in.Name = name
	return h(ctx, in)
}

func (s *server) record(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[name]
}

func (s *server) beginRegistration(ctx context.Context, in message) (out message, err error) {
	out.Message, err = s.protocolOf(in.Message).BeginRegistration(ctx, []byte(in.Name), in.Message)
	return out, err
}

func (s *server) finishRegistration(_ context.Context, in message) (out message, err error) {
	record, err := s.protocolOf(in.Message).FinishRegistration(nil, in.Message)
	if err != nil {
		return out, opaque.ErrMalformed // 400 for ErrRecord too, which is 500 at a login
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[in.Name] != nil {
		return out, recovery.ErrConflict
	}
	s.records[in.Name] = record
	return out, nil
}

// beginLogin answers with the protocol of the account. For an unknown name the
// protocol depends on the name, and the record is empty.
func (s *server) beginLogin(ctx context.Context, in message) (out message, err error) {
	id, record := []byte(in.Name), s.record(in.Name)
	asSRP := s.srp.AnswersAsSRP(id) // called for all names, for equal work
	p, request := s.protocolOf(record), in.Message
	if p == s.srp || (record == nil && asSRP) {
		p, request = s.srp, in.Other
	}
	response, pending, err := p.BeginLogin(ctx, id, record, request)
	if err != nil {
		return out, err
	}
	out = message{Message: response, Token: rand.Text()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins[out.Token] = func(ctx context.Context, final []byte) (out message, err error) {
		record := s.record(in.Name) // the current record
		if out.Message, _, err = p.FinishLogin(ctx, id, record, pending, final); err != nil {
			return message{}, err
		}
		// The record may have changed. Compare and insert in a transaction.
		s.mu.Lock()
		defer s.mu.Unlock()
		if !bytes.Equal(s.records[in.Name], record) {
			return message{}, opaque.ErrState
		}
		out.Token = rand.Text()
		s.sessions[sha256.Sum256([]byte(out.Token))] = in.Name
		return out, nil
	}
	return out, nil
}

func (s *server) finishLogin(ctx context.Context, in message) (message, error) {
	s.mu.Lock()
	finish := s.logins[in.Token]
	delete(s.logins, in.Token)
	s.mu.Unlock()
	if finish == nil {
		return message{}, opaque.ErrState
	}
	return finish(ctx, in.Message)
}

// header stores the header of a request, or returns the stored header.
func (s *server) header(_ context.Context, in message) (out message, err error) {
	s.mu.Lock() // a transaction
	defer s.mu.Unlock()
	stored, record := s.headers[in.Name], s.records[in.Name]
	if s.sessions[sha256.Sum256([]byte(in.Token))] != in.Name {
		return out, opaque.ErrState
	}
	if in.Header == nil {
		return message{Header: stored.Bytes()}, nil
	}
	next, err1 := recovery.ParseHeader(in.Header)
	r, err2 := opaque.ParseRecord(record)
	if err1 != nil || err2 != nil {
		return out, opaque.ErrMalformed
	}
	if next.Follows(stored) != nil || !next.HasRecord(r.Raw()) {
		return out, recovery.ErrConflict
	}
	s.headers[in.Name] = next
	return out, nil
}
