package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/nescio-go/nescio/recovery"
)

// session is who has logged in. A real one is a cookie, and lives longer: then ask
// for a fresh login before a password or a way in changes, for that change alone, by
// opaque.Client.WithContext.
type session struct {
	name   string
	by     loginKind
	record []byte          // that of the login, by password or phrase
	device recovery.SlotID // by device
}

type loginKind string

const (
	byPassword loginKind = "login"
	byPhrase   loginKind = "login by phrase"
	byDevice   loginKind = "device" // an approved one, by its token
	byClaim    loginKind = "recovery"
)

// suffix is what an id of OPAQUE has behind the name.
func (k loginKind) suffix() string {
	if k == byPhrase {
		return "/phrase"
	}
	return ""
}

// recovering is a session that may set a password, and no more.
func (on session) recovering() bool { return on.by == byPhrase || on.by == byClaim }

var (
	errLogin      = errors.New("wrong password or phrase, or there is no such account")
	errConflict   = errors.New("another device has changed the keyring just now: run the command again")
	errSession    = errors.New("another device has changed the login just now: run the command again")
	errRecovering = errors.New("a recovery sets a password, and no more: log in first")
)

// current reports whether what a session began by still counts. Else a login by the
// old password that was under way while another device set a new one would go on, and
// take the slot of the new one away.
func (on session) current(a *account) bool {
	switch on.by {
	case byPassword:
		return bytes.Equal(a.Record, on.record)
	case byPhrase:
		return bytes.Equal(a.Phrase, on.record)
	case byDevice:
		return a.Devices[on.device] != nil
	}
	return on.by == byClaim
}

func (a *account) record(by loginKind) []byte {
	if by == byPhrase {
		return a.Phrase
	}
	return a.Record
}

// register answers a registration, over a channel that a way in of before, or the
// sign-up, has authenticated. Nobody else may have it: each answer is a try at the
// password that is there.
func (s *server) register(ctx context.Context, on session, name string, by loginKind, request []byte) ([]byte, error) {
	if on.name != name {
		if err := s.taken(name); err != nil {
			return nil, err
		}
	} else if on.by == byDevice {
		return nil, errToken
	}
	return s.opaque.Register(ctx, []byte(name+by.suffix()), request)
}

// halfLogin is what the server keeps between the two halves of a login.
type halfLogin struct {
	session
	pending []byte
}

// begin answers a login by password, or by phrase. It counts as a try whatever
// becomes of it: a login that is never finished has told as much as a wrong one.
func (s *server) begin(ctx context.Context, name string, by loginKind, request []byte) (response []byte, l halfLogin, err error) {
	if err := s.count(name, by); err != nil {
		return nil, l, err
	}
	a, _, err := s.view(name)
	if err != nil {
		return nil, l, err
	}
	l.session = session{name: name, by: by, record: a.record(by)}
	response, l.pending, err = s.opaque.Begin(ctx, []byte(name+by.suffix()), l.record, request)
	return response, l, err
}

func (s *server) finish(ctx context.Context, l halfLogin, final []byte) (reply []byte, on session, err error) {
	reply, key, err := s.opaque.Finish(ctx, []byte(l.name+l.by.suffix()), l.pending, final)
	if err != nil {
		return nil, session{}, errLogin
	}
	clear(key) // nothing else needs it here
	a, _, err := s.view(l.name)
	if err != nil {
		return nil, session{}, err
	}
	if !l.current(&a) {
		return nil, session{}, errSession
	}
	return reply, l.session, s.succeeded(l.session)
}

// byDevice is the login of an approved device. A token is as random as a key, so
// that its hash tells nothing.
func (s *server) byDevice(name string, slot recovery.SlotID, token []byte) (session, error) {
	a, _, err := s.view(name)
	if err != nil {
		return session{}, err
	}
	hash := sha256.Sum256(token)
	if subtle.ConstantTimeCompare(a.Devices[slot], hash[:]) != 1 {
		return session{}, errors.New("this device is not approved any more: use login, or ask again")
	}
	return session{name: name, by: byDevice, device: slot}, nil
}

var errToken = errors.New("a device's token is not enough to change a login")
