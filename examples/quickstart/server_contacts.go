package main

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

// Contacts have a mailbox here, and no more: the story does not need them to log in.
// In a real service they have accounts as Alice has.

var errNoContact = errors.New("no such contact")

// maxOwners is how many accounts may leave a message in one mailbox.
const maxOwners = 16

// mailbox is all that the server has of a contact.
type mailbox struct {
	publicKey []byte
	messages  messages
}

// withContact is withAnySession for contacts, whose tokens are good for nothing else.
func withContact[In, Out any](s *server, f func(contact string, in In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		handle(func(_ context.Context, in In) (out Out, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			contact, ok := s.contacts[bearer(r)]
			if !ok {
				return out, errSession
			}
			return f(contact, in)
		})(w, r)
	}
}

// openMailbox gives a contact a mailbox, if nobody has the name.
func (s *server) openMailbox(_ context.Context, in mailboxRequest) (mailboxResponse, error) {
	name := canonical(in.Contact)
	if len(name) == 0 || len(name) > srp.MaxID || len(in.PublicKey) == 0 || len(in.PublicKey) > maxMessage {
		return mailboxResponse{}, recovery.ErrMalformed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mailboxes[name] != nil {
		return mailboxResponse{}, errTaken
	}
	token := rand.Text()
	s.mailboxes[name] = &mailbox{publicKey: in.PublicKey, messages: make(messages)}
	s.contacts[token] = name
	return mailboxResponse{token}, nil
}

// contactKey hands out a contact's public key, which the owner has no reason to
// believe.
func (s *server) contactKey(_ context.Context, _ session, in contactRequest) (contactResponse, error) {
	box := s.mailboxes[canonical(in.Contact)]
	if box == nil {
		return contactResponse{}, errNoContact
	}
	return contactResponse{box.publicKey}, nil
}

// deliver puts a message into a mailbox, in the place of an earlier one of the same
// account.
func (s *server) deliver(_ context.Context, on session, in contactMessage) (struct{}, error) {
	box := s.mailboxes[canonical(in.Contact)]
	if box == nil {
		return struct{}{}, errNoContact
	}
	if box.messages[on.id] == nil && len(box.messages) >= maxOwners {
		return struct{}{}, errMany
	}
	if err := checkMessage(in.Message); err != nil {
		return struct{}{}, err
	}
	box.messages[on.id] = in.Message
	return struct{}{}, nil
}

func (s *server) messages(contact string, _ struct{}) (messages, error) {
	return maps.Clone(s.mailboxes[contact].messages), nil
}

// askShare takes a request for a share, of a session that a review began too. Only
// who has been sent one is asked.
func (s *server) askShare(_ context.Context, on session, in shareRequest) (requestHandle, error) {
	contact := canonical(in.Contact)
	if box := s.mailboxes[contact]; box == nil || box.messages[on.id] == nil {
		return requestHandle{}, errNoContact
	}
	return s.post(&approval{requestState: requestState{Owner: on.id, Ask: in.Ask}, contact: contact})
}

// shareRequests shows a contact who asks for a share.
func (s *server) shareRequests(contact string, _ struct{}) ([]requestState, error) {
	return s.waiting(func(a *approval) bool { return a.contact == contact }), nil
}

// answerShare and grantShare take the contact's messages, of the contact who was asked.
func (s *server) answerShare(contact string, in approvalMessage) (struct{}, error) {
	a, err := s.asked(contact, in.Request)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, put(&a.Answer, in.Message)
}

func (s *server) grantShare(contact string, in approvalMessage) (struct{}, error) {
	a, err := s.asked(contact, in.Request)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, put(&a.Grant, in.Message)
}

func (s *server) asked(contact, handle string) (*approval, error) {
	a, err := s.find(handle)
	if err != nil || a.contact != contact {
		return nil, errNoRequest
	}
	return a, nil
}
