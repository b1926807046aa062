package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"time"
)

// Limits. A service counts by address as well as by name, in memory that its replicas
// share, and smooths the rate: golang.org/x/time/rate has a Limiter for it, one
// for each name and each network, which begin, claim and post would ask first. This
// example only counts, and tells nobody.
const (
	maxFailures = 5                // in a row
	pause       = 10 * time.Minute // between tries, after that many
	maxClaims   = 8
	claimLife   = 7 * 24 * time.Hour
)

// watch is what the server has counted for a name, whether or not somebody has it.
type watch struct {
	Failures map[loginKind]int // in a row
	Last     time.Time
	Claims   map[string]*claim
}

// claim is the request of somebody who cannot log in. A person looks at it.
type claim struct {
	Ticket  []byte // SHA-256 of what only the claimant's device has
	Since   time.Time
	Cleared bool
}

// held reports whether recoveries wait for a review, since somebody keeps trying.
func (w *watch) held() bool {
	for _, n := range w.Failures {
		if n >= maxFailures {
			return true
		}
	}
	return false
}

var errHeld = errors.New("HOLD: too many failures, so recoveries wait until the operator has looked at them")

func held(name string) error { return fmt.Errorf("%w (review %s -clear)", errHeld, name) }

// watched changes what is counted for a name.
func (s *server) watched(name string, f func(*watch) error) error {
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	w := watch{}
	if _, err := load(s.path("watch", name), &w); err != nil {
		return err
	}
	if w.Failures == nil {
		w.Failures = map[loginKind]int{}
	}
	if w.Claims == nil {
		w.Claims = map[string]*claim{}
	}
	maps.DeleteFunc(w.Claims, func(_ string, c *claim) bool { return s.now().Sub(c.Since) > claimLife })
	if err := f(&w); err != nil {
		return err
	}
	return save(s.path("watch", name), w)
}

// count counts a try as a failure, until succeeded says that it was none.
func (s *server) count(name string, by loginKind) error {
	return s.watched(name, func(w *watch) error {
		if wait := w.Last.Add(pause).Sub(s.now()); w.Failures[by] >= maxFailures && wait > 0 {
			return fmt.Errorf("%d failures in a row: wait %v, or ask the operator (review %s -clear)", w.Failures[by], wait.Round(time.Second), name)
		}
		w.Failures[by]++
		w.Last = s.now()
		return nil
	})
}

// succeeded ends the counts of a login. Whoever has the password needs no claim, and
// ends those that others may have made.
func (s *server) succeeded(on session) error {
	return s.watched(on.name, func(w *watch) error {
		delete(w.Failures, on.by)
		if on.by == byPassword {
			clear(w.Claims)
			delete(w.Failures, byClaim)
		}
		return nil
	})
}

// claim begins a session for who cannot log in, if somebody has cleared the claim,
// and otherwise notes it. Each session counts, until a login by password.
func (s *server) claim(name string, ticket []byte) (on session, err error) {
	hash := sha256.Sum256(ticket)
	id := fmt.Sprintf("%x", hash[:4])
	var waits error
	err = s.watched(name, func(w *watch) error {
		c := w.Claims[id]
		switch {
		case w.held():
			return held(name)
		case c == nil && len(w.Claims) >= maxClaims:
			return errors.New("too many claims wait for this account already: ask the operator to drop some")
		case c == nil:
			w.Claims[id] = &claim{Ticket: hash[:], Since: s.now()} // and tell the owner's devices
			fallthrough
		case !w.Claims[id].Cleared:
			waits = fmt.Errorf("claim %s waits for a review: when the operator has run review %s -clear -claim %s, run this again", id, name, id)
			return nil
		case subtle.ConstantTimeCompare(c.Ticket, hash[:]) != 1:
			return errors.New("this is not the device that made the claim")
		}
		w.Failures[byClaim]++
		return nil
	})
	if err == nil {
		err = waits
	}
	if err != nil {
		return session{}, err
	}
	return session{name: name, by: byClaim}, nil
}

// release says whether shares may be passed on now.
func (s *server) release(name string) error {
	var w watch
	_, err := load(s.path("watch", name), &w)
	if err == nil && w.held() {
		err = held(name)
	}
	return err
}
