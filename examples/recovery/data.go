package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nescio-go/nescio/recovery"
)

// What a session may read and write: bytes of its own account that the server cannot
// read, and messages to others.

// account is all that the server has of one. None of it opens anything by itself.
type account struct {
	Record        []byte                     // OPAQUE's, for the password
	Phrase        []byte                     // OPAQUE's, for the login by phrase
	Header        []byte                     // the keyring's
	Note          sealed                     // under the keyring
	Files         map[recovery.SlotID][]byte // the server's halves of recovery files, by slot
	Devices       map[recovery.SlotID][]byte // SHA-256 of the tokens of approved devices, by slot
	ContactKey    []byte                     // public, for shares of others' keys
	ContactSecret sealed                     // its private key, under the keyring
	ContactSlot   recovery.SlotID            // of the contacts that count
	Contacts      []string                   // who they are
	Shares        []message                  // of others' keys, sealed to ContactKey
	Kept          []sealed                   // those that were compared, under the keyring
}

type message struct {
	Owner  string
	Sealed []byte
}

const (
	maxMessage  = recovery.MaxMessage // bytes, of all that clients send each other
	maxMessages = 256                 // in a mailbox
	maxOfOne    = 8                   // of them from one owner
)

var errMessage = errors.New("the message is too large")

// mine is the account of a session that a password or a device's token began.
func (s *server) mine(on session) (account, error) {
	if on.recovering() {
		return account{}, errRecovering
	}
	a, _, err := s.view(on.name)
	return a, err
}

// changeIn changes a session's account, as long as the session counts.
func (s *server) changeIn(on session, f func(*account) error) error {
	return s.change(on.name, func(a *account) error {
		if !on.current(a) {
			return errSession
		}
		return f(a)
	})
}

func (s *server) changeMine(on session, f func(*account)) error {
	if on.recovering() {
		return errRecovering
	}
	return s.changeIn(on, func(a *account) error { f(a); return nil })
}

func (s *server) putNote(on session, note sealed) error {
	return s.changeMine(on, func(a *account) { a.Note = note })
}

// putKey replaces one of the account's sealed values by the same under another key,
// if it is there still.
func (s *server) putKey(on session, old, now sealed) error {
	return s.changeMine(on, func(a *account) {
		for _, at := range a.sealed() {
			if bytes.Equal(at.Key, old.Key) {
				*at = now
			}
		}
	})
}

// sealed is all that an account has under its keyring.
func (a *account) sealed() []*sealed {
	all := []*sealed{&a.Note, &a.ContactSecret}
	for i := range a.Kept {
		all = append(all, &a.Kept[i])
	}
	return all
}

func (s *server) putContacts(on session, slot recovery.SlotID, names []string) error {
	return s.changeMine(on, func(a *account) { a.ContactSlot, a.Contacts = slot, names })
}

// contacts are those of the account, for a recovery too.
func (s *server) contacts(on session) (slot recovery.SlotID, names []string, err error) {
	a, _, err := s.view(on.name)
	return a.ContactSlot, a.Contacts, err
}

func (s *server) header(on session) (*recovery.Header, error) {
	a, _, err := s.view(on.name)
	if err != nil {
		return nil, err
	}
	return recovery.ParseHeader(a.Header)
}

// putHeader is compare-and-swap: a header is stored only in the place of the one
// that it names. What belongs to slots that it no longer has goes with the old one.
func (s *server) putHeader(on session, b []byte) error {
	h, err := recovery.ParseHeader(b)
	if err != nil {
		return err
	}
	return s.changeIn(on, func(a *account) error {
		if h.Previous() != sha256.Sum256(a.Header) {
			return errConflict
		}
		a.Header = h.Bytes()
		gone := func(id recovery.SlotID, _ []byte) bool { return !has(h, id) }
		maps.DeleteFunc(a.Files, gone)
		maps.DeleteFunc(a.Devices, gone)
		return nil
	})
}

func has(h *recovery.Header, id recovery.SlotID) bool {
	return slices.ContainsFunc(h.Slots(), func(s recovery.Slot) bool { return s.ID == id })
}

// putRecord replaces the record of a login, only beside the header that has its
// slot: another device may have changed that.
func (s *server) putRecord(on session, by loginKind, record []byte, header [sha256.Size]byte) error {
	if on.by == byDevice {
		return errToken
	}
	if err := s.opaque.Admit(record); err != nil {
		return err
	}
	err := s.changeIn(on, func(a *account) error {
		if header != sha256.Sum256(a.Header) {
			return errConflict
		}
		if by == byPhrase {
			a.Phrase = record
		} else {
			a.Record = record
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.watched(on.name, func(w *watch) error { delete(w.Failures, by); return nil }) // those were at the old one
}

func (s *server) putFile(on session, id recovery.SlotID, secret []byte) error {
	return s.changeMine(on, func(a *account) {
		if a.Files == nil {
			a.Files = map[recovery.SlotID][]byte{}
		}
		a.Files[id] = secret
	})
}

// file hands out the server's half of a recovery file.
func (s *server) file(on session, id recovery.SlotID) ([]byte, error) {
	a, _, err := s.view(on.name)
	if err == nil && a.Files[id] == nil {
		err = errors.New("the server has no half for this file: it was replaced, or is another account's")
	}
	return a.Files[id], err
}

// contactKey is what the server says is somebody's key: compare its fingerprint.
func (s *server) contactKey(_ session, contact string) ([]byte, error) {
	a, found, err := s.view(contact)
	if err == nil && !found {
		err = fmt.Errorf("there is no account %q: contacts sign up first", contact)
	}
	return a.ContactKey, err
}

// deliver puts a message into a contact's mailbox, in front. Of each sender it keeps
// the newest few.
func (s *server) deliver(on session, contact string, text []byte) error {
	if on.recovering() {
		return errRecovering
	}
	if len(text) > maxMessage {
		return errMessage
	}
	return s.change(contact, func(a *account) error {
		a.Shares = slices.Insert(a.Shares, 0, message{on.name, bytes.Clone(text)})
		of := 0
		a.Shares = slices.DeleteFunc(a.Shares, func(m message) bool {
			if m.Owner == on.name {
				of++
			}
			return m.Owner == on.name && of > maxOfOne
		})
		if len(a.Shares) > maxMessages {
			return fmt.Errorf("the mailbox of %s is full", contact)
		}
		return nil
	})
}

// waits reports whether a message is still in a contact's mailbox.
func (s *server) waits(on session, contact string, text []byte) (bool, error) {
	if on.recovering() {
		return false, errRecovering
	}
	a, _, err := s.view(contact)
	return slices.ContainsFunc(a.Shares, func(m message) bool {
		return m.Owner == on.name && bytes.Equal(m.Sealed, text)
	}), err
}

// keep puts a share that the contact has compared among those that count, and takes
// its message away.
func (s *server) keep(on session, m message, kept sealed) error {
	return s.changeMine(on, func(a *account) {
		a.Shares = slices.DeleteFunc(a.Shares, func(other message) bool { return bytes.Equal(other.Sealed, m.Sealed) })
		a.Kept = append(a.Kept, kept)
		a.Kept = a.Kept[max(0, len(a.Kept)-maxMessages):]
	})
}
