package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

// Keyrings: what the server does for people who may lose their passwords. It keeps
// a header that it cannot open, and sees to it that no two devices change it at once.

// phraseSuffix is what the account of a phrase has behind the name: who logs in
// there has the words, and may recover the account of that name.
const phraseSuffix = "/phrase"

// errStale means a keyring that is not made from the stored one.
var errStale = errors.New("the keyring has changed")

// newSession is a session of who has just logged in under an id.
func newSession(id string, p protocol) session {
	name, byPhrase := strings.CutSuffix(id, phraseSuffix)
	return session{id: name, born: time.Now(), protocol: p, recovery: byPhrase}
}

func (s *server) getKeyring(_ context.Context, on session, _ struct{}) (keyringMessage, error) {
	return keyringMessage{s.accounts[on.id].keyring}, nil
}

// putKeyring is compare-and-swap: a new header is stored only in the place of the
// one that it names. The old one is gone then, since whoever has one can try
// passwords on it; and so are the halves of files that have no slot any more, and
// what a device without a slot logs in by, or has begun.
func (s *server) putKeyring(_ context.Context, on session, in keyringMessage) (struct{}, error) {
	h, err := recovery.ParseHeader(in.Header)
	if err != nil {
		return struct{}{}, err
	}
	a := s.accounts[on.id]
	var stored [sha256.Size]byte // of none: zero, as in a first header
	if len(a.keyring) > 0 {
		stored = sha256.Sum256(a.keyring)
	}
	if h.Previous() != stored {
		return struct{}{}, errStale
	}
	a.keyring = h.Bytes()
	gone := func(id recovery.SlotID, _ []byte) bool { return !hasSlot(h, id) }
	maps.DeleteFunc(a.files, gone)
	maps.DeleteFunc(a.devices, gone)
	s.endSessions(func(other session) bool {
		return other.id == on.id && other.byDevice() && gone(other.device, nil)
	})
	return struct{}{}, nil
}

func hasSlot(h *recovery.Header, id recovery.SlotID) bool {
	return slices.ContainsFunc(h.Slots(), func(s recovery.Slot) bool { return s.ID == id })
}

// has reports whether the stored header has a digest. A record is only stored beside
// the header that has its slot: if another device has changed that, the slot may be
// gone.
func (a *account) has(digest []byte) bool {
	stored := sha256.Sum256(a.keyring)
	return len(a.keyring) > 0 && bytes.Equal(stored[:], digest)
}

// putRecovery stores what a new phrase logs in by, and the server's half of a new
// file. What the old phrase began is over.
func (s *server) putRecovery(_ context.Context, on session, in recoveryRequest) (struct{}, error) {
	a := s.accounts[on.id]
	if len(in.File) != len(recovery.SlotID{}) || len(in.Secret) != 32 {
		return struct{}{}, srp.ErrMalformed
	}
	if !a.has(in.Keyring) {
		return struct{}{}, errStale
	}
	record, err := s.admit(in.Phrase, s.moduli.first)
	if err != nil {
		return struct{}{}, err
	}
	s.accounts[on.id+phraseSuffix] = &account{records: map[protocol][]byte{bySRP: record}, notes: make(notes)}
	if a.files == nil {
		a.files = make(map[recovery.SlotID][]byte)
	}
	a.files[recovery.SlotID(in.File)] = in.Secret
	s.endSessions(func(other session) bool { return other.id == on.id && other.recovery })
	return struct{}{}, nil
}

// registerPassword answers the first message of a registration with OPAQUE. The
// session may be one of a recovery: who has come so far may set a password. A device's
// token is not enough: each answer is a try at the password that is there.
func (s *server) registerPassword(ctx context.Context, on session, in registration) (registration, error) {
	if on.byDevice() {
		return registration{}, errSession
	}
	response, err := s.opaque.Register(ctx, []byte(on.id), in.Message)
	return registration{response}, err
}

// admitPassword puts the new record in the place of all old ones, and ends all
// sessions, as changePassword does.
func (s *server) admitPassword(_ context.Context, on session, in admitRequest) (struct{}, error) {
	if on.byDevice() {
		return struct{}{}, errSession
	}
	a := s.accounts[on.id]
	if !a.has(in.Keyring) {
		return struct{}{}, errStale
	}
	if err := s.opaque.Admit(in.Record); err != nil {
		return struct{}{}, srp.ErrMalformed
	}
	a.records = map[protocol][]byte{byOPAQUE: in.Record}
	s.lowerShare()
	s.endSessions(func(other session) bool { return other.id == on.id })
	return struct{}{}, nil
}
