package main

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// guesses are Mallory's: he begins with what is most popular.
var guesses = []string{"123456", "letmein", "monkey7"}

var errNoGuess = errors.New("none of the guesses opens it")

// guessAtHeader tries passwords on a stolen header, at home. Every try costs him
// what the slot's KDF costs, and nobody counts them.
func guessAtHeader(ctx context.Context, header []byte) (string, *recovery.Keyring, error) {
	h, err := recovery.ParseHeader(header)
	if err != nil {
		return "", nil, err
	}
	number := h.Account()
	for _, g := range guesses {
		k, err := recovery.Open(ctx, h, recovery.NewPassword([]byte(g), nil), recovery.FirstUse(number[:]))
		if errors.Is(err, recovery.ErrNotMine) {
			continue
		}
		return g, k, err
	}
	return "", nil, errNoGuess
}

// guessAtRecord tries a password on a stolen record of OPAQUE, at home: he plays
// both sides, and lacks only what is in the server's setup. With another one every
// password leads elsewhere, the right one too.
func guessAtRecord(ctx context.Context, setup *opaque.Server, id string, record []byte, guess string) error {
	c, err := opaque.NewClient(opaque.ClientConfig{ServerIdentity: []byte(serverName)})
	if err != nil {
		return err
	}
	login, request, err := c.Login(nil, []byte(guess))
	if err != nil {
		return err
	}
	defer login.Discard()
	response, _, err := setup.Begin(ctx, []byte(id), record, request)
	if err != nil {
		return err
	}
	_, err = login.Respond(ctx, response)
	return err
}

// replay is what he does when he works at the service: it hands out an old header.
func (s *server) replay(name string, header []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[name].keyring = header
}

// tamper lets him at what passes between the two sides of an approval.
func (s *server) tamper(handle string, f func(*approval) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(s.approvals[handle])
}

// relay is Mallory between Alice and a contact who approve by short code. To each of
// them he is the other one: he asks the contact for the share, with a key of his, and
// answers to Alice with nothing.
type relay struct {
	toContact *recovery.Request
	toAlice   *recovery.Approval
	reveal    []byte // for the contact
}

// newRelay needs the number of the account, which is in the header.
func newRelay(number, ask []byte) (*relay, error) {
	toContact, err := recovery.NewRequest(recovery.ForShare, number)
	if err != nil {
		return nil, err
	}
	toAlice, err := recovery.ApproveShare(number, ask, []byte("nothing"))
	return &relay{toContact: toContact, toAlice: toAlice}, err
}

// pass puts his message in the place of theirs, after each of them.
func (m *relay) pass(a *approval) (err error) {
	switch {
	case a.Reveal != nil:
		_, err = m.toAlice.Compare(a.Reveal)
		a.Reveal = m.reveal
	case a.Answer != nil:
		m.reveal, _, err = m.toContact.Reveal(a.Answer)
		a.Answer = m.toAlice.Answer()
	default:
		a.Ask = m.toContact.Ask()
	}
	return err
}
