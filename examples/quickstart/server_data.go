package main

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/nescio-go/nescio/srp"
)

// What a session may do. All of it moves bytes that the server cannot read.

const anyAge = time.Duration(1<<63 - 1)

var errSession = errors.New("no session")

// inSession is withSession for what needs the account alone.
func inSession[In, Out any](s *server, age time.Duration, f func(a *account, in In) (Out, error)) http.HandlerFunc {
	return withSession(s, age, func(_ context.Context, on session, in In) (Out, error) {
		return f(s.accounts[on.id], in)
	})
}

// withSession is withAnySession for those that a password began.
func withSession[In, Out any](s *server, age time.Duration, f func(ctx context.Context, on session, in In) (Out, error)) http.HandlerFunc {
	return withAnySession(s, age, func(ctx context.Context, on session, in In) (out Out, err error) {
		if on.recovery {
			return out, errSession
		}
		return f(ctx, on, in)
	})
}

// withAnySession is handle for requests with the token of a session that is not
// older than age. It holds the lock, which here is what a transaction of the
// database is.
func withAnySession[In, Out any](s *server, age time.Duration, f func(ctx context.Context, on session, in In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		handle(func(ctx context.Context, in In) (out Out, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			session, ok := s.sessions[bearer(r)]
			if !ok || time.Since(session.born) > age {
				return out, errSession
			}
			return f(ctx, session, in)
		})(w, r)
	}
}

// bearer returns the token that came with a request.
func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

func (s *server) getKeys(a *account, _ struct{}) (userKeys, error) { return a.keys, nil }

func (s *server) putKeys(_ context.Context, on session, in userKeys) (struct{}, error) {
	a := s.accounts[on.id]
	if on.protocol == bySRP && a.moved() {
		return struct{}{}, errMoved // such keys would hang on a password again
	}
	a.keys = in
	return struct{}{}, nil
}

func (s *server) getNotes(a *account, _ struct{}) (notes, error) { return maps.Clone(a.notes), nil }

func (s *server) putNotes(a *account, in notes) (struct{}, error) {
	maps.Copy(a.notes, in)
	return struct{}{}, nil
}

// nextModulus offers another modulus for a new password.
func (s *server) nextModulus(a *account, _ struct{}) (modulusResponse, error) {
	if a.moved() {
		return modulusResponse{}, errMoved
	}
	record, err := srp.ParseRecord(a.records[bySRP])
	if err != nil {
		return modulusResponse{}, err
	}
	if a.next, err = s.moduli.next(record.Group().N); err != nil {
		return modulusResponse{}, err
	}
	return describe(a.next), nil
}

// changePassword replaces the records and the keys that hang on the password in
// one step, and ends all sessions: a password is changed because somebody else
// may know it. It is for accounts on SRP; one that has moved must not come back
// this way.
func (s *server) changePassword(a *account, in passwordRequest) (struct{}, error) {
	if a.moved() {
		return struct{}{}, errMoved
	}
	if len(a.keyring) > 0 {
		return struct{}{}, errStale // the new password would have no slot: see admitPassword
	}
	record, err := s.admit(in.Auth, a.next)
	if err != nil {
		return struct{}{}, err
	}
	// A record of OPAQUE that nobody has used yet is one of the old password.
	a.records = map[protocol][]byte{bySRP: record}
	a.keys, a.next = in.Keys, nil
	s.endSessions(func(other session) bool { return s.accounts[other.id] == a })
	return struct{}{}, nil
}

func (s *server) endSessions(which func(session) bool) {
	maps.DeleteFunc(s.sessions, func(_ string, on session) bool { return which(on) })
}

// stored returns what a thief of the database would have of an account.
func (s *server) stored(name string) account {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := *s.accounts[canonical(name)]
	a.records, a.notes = maps.Clone(a.records), maps.Clone(a.notes)
	a.files, a.devices = maps.Clone(a.files), maps.Clone(a.devices)
	return a
}
