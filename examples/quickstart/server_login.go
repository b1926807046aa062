package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/nescio-go/nescio/srp"
)

func (s *server) modulus(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, describe(s.moduli.first))
}

func describe(g *srp.Group) modulusResponse {
	return modulusResponse{message(g.Ref()), modulusID(g)}
}

var errTaken = errors.New("user name already taken")

// signUp stores the record of a new account, if nobody has the name: who could
// sign up again would take the account over. Names have no slash: what has one
// belongs to the account before it.
func (s *server) signUp(_ context.Context, in signUpRequest) (struct{}, error) {
	id := canonical(in.Username)
	if len(id) == 0 || len(id) > srp.MaxID-len(phraseSuffix) || strings.Contains(id, "/") {
		return struct{}{}, srp.ErrMalformed
	}
	record, err := s.admit(in.Auth, s.moduli.first)
	if err != nil {
		return struct{}{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.accounts[id]; taken {
		return struct{}{}, errTaken
	}
	s.accounts[id] = &account{records: map[protocol][]byte{bySRP: record}, notes: make(notes)}
	return struct{}{}, nil
}

// admit returns the record that a client registers, if it is of the kind and on
// the modulus on offer.
func (s *server) admit(auth signUpAuth, offered *srp.Group) ([]byte, error) {
	if offered == nil || auth.ModulusID != modulusID(offered) {
		return nil, srp.ErrMalformed
	}
	// Versions 3 and 4 of Proton do not hash the user name: no identity.
	kind := srp.Offer{Profile: srp.Proton(auth.Version), Group: offered.Ref()}
	record, err := srp.NewRecord(kind, nil, auth.Salt, auth.Verifier)
	if err != nil {
		return nil, srp.ErrMalformed
	}
	if err := s.srp.Admit(record.Bytes()); err != nil {
		return nil, srp.ErrMalformed // what was not offered is the client's fault
	}
	return record.Bytes(), nil
}

// info begins a login. An account that does not exist has an empty record, and
// that is all that the code around package srp may know of it. One that has moved
// to OPAQUE is here an account that does not exist.
func (s *server) info(ctx context.Context, in infoRequest) (infoResponse, error) {
	id := canonical(in.Username)
	var record []byte // of an unknown name: none
	s.mu.Lock()
	if a := s.accounts[id]; a != nil {
		record = a.records[bySRP]
	}
	s.mu.Unlock()
	c, state, err := s.srp.Challenge(ctx, []byte(id), record)
	if err != nil {
		return infoResponse{}, err
	}
	version, ok := c.Profile.ProtonVersion()
	if !ok {
		return infoResponse{}, srp.ErrRecord
	}
	return infoResponse{
		Version:         version,
		Modulus:         message(c.Group),
		ServerEphemeral: c.B,
		Salt:            c.Salt,
		SRPSession:      s.keep(pending{bySRP, record, state}),
	}, nil
}

// keep stores pending state for as long as it can be used, and returns its
// handle. The client never sees the state itself.
func (s *server) keep(p pending) (session string) {
	session = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins[session] = p
	time.AfterFunc(srp.DefaultLifetime, func() { s.take(session) })
	return session
}

// take removes pending state and returns it, or nothing.
func (s *server) take(session string) pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.logins[session]
	delete(s.logins, session)
	return p
}

// auth ends a login, for better or worse.
func (s *server) auth(ctx context.Context, in authRequest) (authResponse, error) {
	id := canonical(in.Username)
	proof := srp.Proof{A: in.ClientEphemeral, M1: in.ClientProof}
	p := s.take(in.SRPSession)
	m2, key, err := s.srp.Verify(ctx, []byte(id), p.state, proof)
	if err != nil {
		return authResponse{}, err
	}
	token := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	// The password may have changed since the login began: a login under the old
	// one must not outlive it.
	if !bytes.Equal(s.accounts[id].records[bySRP], p.record) {
		return authResponse{}, srp.ErrAuthentication
	}
	s.accounts[id].key = key
	s.sessions[token] = newSession(id, bySRP)
	return authResponse{m2, token}, nil
}

// canonical brings a user name to the one spelling that accounts are kept
// under, by its syntax alone: known and unknown names go the same way.
func canonical(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
