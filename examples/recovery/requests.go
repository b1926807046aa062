package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nescio-go/nescio/recovery"
)

const (
	maxRequests = 8
	requestLife = 10 * time.Minute
)

// request is an approval under way: the messages of both sides, which the server
// passes on. The text of the QR code is not among them.
type request struct {
	ID      string
	Since   time.Time
	Contact string          // who is asked for a share; empty: a device asks to be approved
	Slot    recovery.SlotID // of the share
	Code    bool            // by short code
	Token   []byte          // SHA-256 of the new device's
	Ask     []byte
	Answer  []byte
	Reveal  []byte
	Grant   []byte
}

func (s *server) requestPath(name, id string) string {
	return filepath.Join(s.dir, "requests", name+"."+id+".json")
}

// post begins a request. Who has not logged in may as well, so there are few of them.
// Its id is known to the two sides alone.
func (s *server) post(name string, r request) (id string, err error) {
	if len(r.Ask) > maxMessage || len(r.Token) > maxMessage || r.Contact != "" && checkNames(r.Contact) != nil {
		return "", errMessage
	}
	unlock, err := lock(s.dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	open, err := s.open(name)
	if err != nil {
		return "", err
	}
	if len(open) >= maxRequests {
		return "", fmt.Errorf("%d requests wait already: try again in %v", len(open), requestLife)
	}
	r.ID, r.Since = strings.ToLower(rand.Text()[:8]), s.now()
	return r.ID, save(s.requestPath(name, r.ID), r)
}

// requests returns those of an owner that a session may answer.
func (s *server) requests(on session, owner string) ([]request, error) {
	unlock, err := lock(s.dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	all, err := s.open(owner)
	return slices.DeleteFunc(all, func(r request) bool { return !r.isFor(on, owner) }), err
}

// isFor reports whether a session may answer a request: the owner's for a device, a
// contact's for a share.
func (r request) isFor(on session, owner string) bool {
	return !on.recovering() && (r.Contact == "" && on.name == owner || r.Contact == on.name)
}

// open returns all requests of an owner, and forgets those that nobody answered.
func (s *server) open(owner string) (open []request, err error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "requests"))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		id, ofOwner := strings.CutPrefix(e.Name(), owner+".")
		id, isRequest := strings.CutSuffix(id, ".json")
		if !ofOwner || !isRequest {
			continue
		}
		var r request
		if _, err := load(s.requestPath(owner, id), &r); err != nil {
			return nil, err
		}
		if s.now().Sub(r.Since) > requestLife {
			s.end(owner, id)
			continue
		}
		open = append(open, r)
	}
	return open, nil
}

// answer is the approver's first message, of which there is one.
func (s *server) answer(on session, owner, id string, text []byte) error {
	return s.reply(owner, id, func(r *request) error {
		switch {
		case !r.isFor(on, owner):
			return errNotAsked
		case len(r.Answer) > 0:
			return errors.New("somebody has answered this request already: begin a new one")
		}
		r.Answer = text
		return nil
	}, text)
}

func (s *server) reveal(owner, id string, text []byte) error {
	return s.reply(owner, id, func(r *request) error { r.Reveal = text; return nil }, text)
}

var errNotAsked = errors.New("this was not asked of you")

// grant passes the last message on. A device may log in from then on, as what the
// request itself says; a share waits while there is a hold.
func (s *server) grant(on session, owner, id string, slot recovery.SlotID, text []byte) error {
	return s.reply(owner, id, func(r *request) error {
		if !r.isFor(on, owner) || len(r.Grant) > 0 {
			return errNotAsked
		}
		r.Grant = text
		if r.Contact != "" {
			return s.release(owner)
		}
		a, _, err := s.view(owner)
		if err != nil {
			return err
		}
		h, err := recovery.ParseHeader(a.Header)
		if err != nil {
			return err
		}
		if !on.current(&a) || !has(h, slot) {
			return errSession
		}
		if a.Devices == nil {
			a.Devices = map[recovery.SlotID][]byte{}
		}
		a.Devices[slot] = r.Token
		return save(s.path("accounts", owner), a)
	}, text)
}

// reply adds a message to a request.
func (s *server) reply(owner, id string, f func(*request) error, text []byte) error {
	if len(text) > maxMessage {
		return errMessage
	}
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := s.request(owner, id)
	if err != nil {
		return err
	}
	if err := f(&r); err != nil {
		return err
	}
	return save(s.requestPath(owner, id), r)
}

// request is how a side sees whether the other has answered.
func (s *server) request(owner, id string) (r request, err error) {
	found, err := load(s.requestPath(owner, id), &r)
	if err == nil && !found {
		err = errors.New("the other side has ended the request")
	}
	return r, err
}

func (s *server) end(owner, id string) { os.Remove(s.requestPath(owner, id)) }
