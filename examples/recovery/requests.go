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
func (s *server) post(name string, r request) (id string, err error) {
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

// requests returns the open ones.
func (s *server) requests(name string) ([]request, error) {
	unlock, err := lock(s.dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return s.open(name)
}

// open is requests under the lock. It forgets those that nobody answered.
func (s *server) open(name string) (open []request, err error) {
	paths, err := filepath.Glob(filepath.Join(s.dir, "requests", name+".*.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		var r request
		if _, err := load(path, &r); err != nil {
			return nil, err
		}
		if s.now().Sub(r.Since) > requestLife {
			os.Remove(path)
			continue
		}
		open = append(open, r)
	}
	return open, nil
}

// reply adds a message to a request, once.
func (s *server) reply(name, id string, f func(*request) error) error {
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := s.request(name, id)
	if err != nil {
		return err
	}
	if err := f(&r); err != nil {
		return err
	}
	return save(s.requestPath(name, id), r)
}

func (s *server) request(name, id string) (r request, err error) {
	found, err := load(s.requestPath(name, id), &r)
	if err == nil && !found {
		err = errors.New("the other side has ended the request")
	}
	return r, err
}

func (s *server) end(name, id string) { os.Remove(s.requestPath(name, id)) }

// grant passes the last message on. A device may log in from then on.
func (s *server) grant(on session, owner string, slot recovery.SlotID, r request, grant []byte) error {
	if r.Contact == "" {
		err := s.change(owner, func(a *account) error {
			if a.Devices == nil {
				a.Devices = map[recovery.SlotID][]byte{}
			}
			a.Devices[slot] = r.Token
			return nil
		})
		if err != nil {
			return err
		}
	} else if err := s.release(owner); err != nil {
		return err
	} else if a, _, err := s.view(owner); err != nil || r.Contact != on.name || !slices.Contains(a.Contacts, on.name) {
		return errors.Join(err, errors.New("this share was not asked of you"))
	}
	return s.reply(owner, r.ID, func(r *request) error {
		r.Grant = grant
		return nil
	})
}
