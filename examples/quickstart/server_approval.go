package main

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"time"

	"github.com/nescio-go/nescio/recovery"
)

// Approvals: the server passes messages on between who asks and who approves, each of
// them once, and can read none that matters. The text of a QR code is not among them.

const (
	approvalLife = 10 * time.Minute
	maxApprovals = 8 // that one account has begun within that time
	maxMessage   = recovery.MaxMessage
)

var (
	errMany      = errors.New("too many requests")
	errNoRequest = errors.New("no such request")
	errAnswered  = errors.New("answered already")
)

// approval is a request for approval under way.
type approval struct {
	requestState
	contact string // who is asked for a share; nobody if a device asks to be let in
	token   []byte // SHA-256 of what that device will log in by
	born    time.Time
}

// post keeps a request for as long as it can be answered. Its handle is known to who
// asks and to who may answer. There are few in that time, answered ones among them,
// since by short code each is a try for who sits between. Devices count for
// themselves, so that strangers, who may ask to be let in, keep nobody from asking
// contacts. A real service counts by address too.
func (s *server) post(a *approval) (requestHandle, error) {
	if err := checkMessage(a.Ask); err != nil {
		return requestHandle{}, err
	}
	maps.DeleteFunc(s.approvals, func(_ string, a *approval) bool { return time.Since(a.born) > approvalLife })
	waiting := s.waiting(func(other *approval) bool {
		return other.Owner == a.Owner && (other.contact == "") == (a.contact == "")
	})
	if len(waiting) >= maxApprovals {
		return requestHandle{}, errMany
	}
	a.Request, a.born = rand.Text(), time.Now()
	s.approvals[a.Request] = a
	return requestHandle{a.Request}, nil
}

// checkMessage looks at the size alone. What a message says is for the other side to
// judge.
func checkMessage(message []byte) error {
	if len(message) == 0 || len(message) > maxMessage {
		return recovery.ErrMalformed
	}
	return nil
}

// put stores a message, once: nobody has a second go.
func put(at *[]byte, message []byte) error {
	if err := checkMessage(message); err != nil {
		return err
	}
	if *at != nil {
		return errAnswered
	}
	*at = message
	return nil
}

// waiting returns some of the requests.
func (s *server) waiting(which func(*approval) bool) (found []requestState) {
	for _, a := range s.approvals {
		if time.Since(a.born) <= approvalLife && which(a) {
			found = append(found, a.requestState)
		}
	}
	return found
}

// find returns a request that can still be answered.
func (s *server) find(handle string) (*approval, error) {
	a := s.approvals[handle]
	if a == nil || time.Since(a.born) > approvalLife {
		return nil, errNoRequest
	}
	return a, nil
}

// request tells who asks, or approves, how far it has come. A device that asks to be
// let in has no session yet, so the handle is enough.
func (s *server) request(_ context.Context, in requestHandle) (requestState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.find(in.Request)
	if err != nil {
		return requestState{}, err
	}
	return a.requestState, nil
}

// reveal takes the third message of an approval by short code, from who asks.
func (s *server) reveal(_ context.Context, in approvalMessage) (struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.find(in.Request)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, put(&a.Reveal, in.Message)
}
