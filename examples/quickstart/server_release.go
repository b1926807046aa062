package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

// Who has lost the password and the phrase has a file left, and the server has the
// other half of it. Whoever finds the file must not get that for the asking: a person
// at the service looks at the claim first.

var (
	errReview = errors.New("not reviewed")
	errNoFile = errors.New("no such file")
)

// claim is a request to recover an account without a login.
type claim struct {
	id       string
	approved bool
}

// makeClaim is open to everybody, and so does not tell whether there is such an
// account. A real service limits the rate, lets claims expire, and writes to all
// addresses that it has of the owner.
func (s *server) makeClaim(_ context.Context, in claimRequest) (claimResponse, error) {
	ticket := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims[ticket] = &claim{id: canonical(in.Username)}
	return claimResponse{ticket}, nil
}

// approve is what the person at the service does who has seen Alice's papers. There
// is no way to it over the network.
func (s *server) approve(ticket string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.claims[ticket]
	if c == nil || s.accounts[c.id] == nil {
		return errReview
	}
	c.approved = true
	return nil
}

// redeemClaim begins a session that may do what a recovery needs, once.
func (s *server) redeemClaim(_ context.Context, in redeemRequest) (redeemResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.claims[in.Ticket]
	if c == nil || !c.approved {
		return redeemResponse{}, errReview
	}
	delete(s.claims, in.Ticket)
	token := rand.Text()
	s.sessions[token] = session{id: c.id, born: time.Now(), recovery: true}
	return redeemResponse{token}, nil
}

// release hands out the server's half of a file of the session's account.
func (s *server) release(_ context.Context, on session, in fileRequest) (fileResponse, error) {
	if len(in.File) != len(recovery.SlotID{}) {
		return fileResponse{}, srp.ErrMalformed
	}
	secret := s.accounts[on.id].files[recovery.SlotID(in.File)]
	if secret == nil {
		return fileResponse{}, errNoFile
	}
	return fileResponse{secret}, nil
}
