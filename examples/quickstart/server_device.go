package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

// Devices that another one has approved. They get in without a password, by a token
// that they drew themselves, for as long as the keyring has their slot: a new password
// ends their sessions, and no more.

func (on session) byDevice() bool { return on.device != (recovery.SlotID{}) }

// number tells a device that is not in under which number a keyring is. It is no
// secret; with a wrong one nobody would approve the request. A name without a keyring
// has one too, so that it does not give away who has an account.
func (s *server) number(_ context.Context, in numberRequest) (numberResponse, error) {
	id := canonical(in.Username)
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[id]; a != nil && len(a.keyring) > 0 {
		h, err := recovery.ParseHeader(a.keyring)
		if err != nil {
			return numberResponse{}, err
		}
		number := h.Account()
		return numberResponse{number[:]}, nil
	}
	number, err := hkdf.Key(sha256.New, s.secrets.Decoy, []byte(id), "example.org/account-number/v1", 16)
	return numberResponse{number}, err
}

// askDevice is open to everybody, as makeClaim is, and does not tell whether there is
// such an account either.
func (s *server) askDevice(_ context.Context, in deviceRequest) (requestHandle, error) {
	id := canonical(in.Username)
	if len(id) == 0 || len(id) > srp.MaxID || len(in.Token) != sha256.Size {
		return requestHandle{}, recovery.ErrMalformed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.post(&approval{requestState: requestState{Owner: id, Ask: in.Ask}, token: in.Token})
}

// deviceRequests shows the owner what wants to be let in.
func (s *server) deviceRequests(_ context.Context, on session, _ struct{}) ([]requestState, error) {
	return s.waiting(func(a *approval) bool { return a.Owner == on.id && a.contact == "" }), nil
}

// grantDevice passes a grant on, from a session of the account itself. The device may
// log in from then on, and until its slot is gone, which must be there by now.
func (s *server) grantDevice(_ context.Context, on session, in deviceGrant) (struct{}, error) {
	a, err := s.find(in.Request)
	if err != nil || a.Owner != on.id || a.contact != "" {
		return struct{}{}, errNoRequest
	}
	if len(in.Slot) != len(recovery.SlotID{}) {
		return struct{}{}, recovery.ErrMalformed
	}
	of, slot := s.accounts[on.id], recovery.SlotID(in.Slot)
	h, err := recovery.ParseHeader(of.keyring)
	if err != nil {
		return struct{}{}, err
	}
	if !slices.ContainsFunc(h.Slots(), func(s recovery.Slot) bool { return s.ID == slot && s.Type == recovery.SlotDevice }) {
		return struct{}{}, errStale
	}
	if of.devices[slot] != nil {
		return struct{}{}, errAnswered // it is another device's
	}
	if err := put(&a.Grant, in.Grant); err != nil {
		return struct{}{}, err
	}
	if of.devices == nil {
		of.devices = make(map[recovery.SlotID][]byte)
	}
	of.devices[slot] = a.token
	return struct{}{}, nil
}

// enterDevice begins a session of an approved device.
func (s *server) enterDevice(_ context.Context, in deviceLogin) (deviceResponse, error) {
	if len(in.Slot) != len(recovery.SlotID{}) {
		return deviceResponse{}, recovery.ErrMalformed
	}
	id, slot, sum := canonical(in.Username), recovery.SlotID(in.Slot), sha256.Sum256(in.Token)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[id]
	if a == nil || subtle.ConstantTimeCompare(a.devices[slot], sum[:]) != 1 {
		return deviceResponse{}, srp.ErrAuthentication
	}
	token := rand.Text()
	s.sessions[token] = session{id: id, born: time.Now(), device: slot}
	return deviceResponse{token}, nil
}
