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
		k, err := recovery.Open(ctx, h, recovery.Password{Password: []byte(g)}, recovery.FirstUse(number[:]))
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
