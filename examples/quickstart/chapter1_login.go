package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/nescio-go/nescio/srp"
)

// password is Alice's, until she changes it.
var password = []byte("correct horse battery staple")

// login is chapter 1: an account on a modulus that Proton signed, one login
// that succeeds and two that fail. It returns the server, which goes on, and the
// base of its URLs.
func login(ctx context.Context, n narrator) (s *server, base string, err error) {
	n.chapter(1, "A login that tells the server nothing")

	start := time.Now()
	s, err = newServer()
	if err != nil {
		return nil, "", err
	}
	ref := s.moduli.first.Ref()
	n.say("The server reads a modulus that Proton signed and three of its own, verifies")
	n.say("the signatures and proves of each that it is a safe prime whose whole group 2")
	n.say("generates.")
	n.detail("modulus", "%d bits, %x…%x", s.moduli.first.Bits(), ref.N[:4], ref.N[252:])
	n.detail("time", "%v, once: the process remembers the proofs", time.Since(start).Round(time.Millisecond))
	base, err = s.listen(ctx)
	if err != nil {
		return nil, "", err
	}
	n.detail("listening on", "%s", base)

	c, err := newClient(base)
	if err != nil {
		return nil, "", err
	}
	n.say("\n  Alice signs up. Her client verifies the modulus for itself, hashes the")
	n.say("password by bcrypt, and sends a salt and a verifier.")
	if err := c.signUp(ctx, "Alice", password); err != nil {
		return nil, "", err
	}
	record, err := srp.ParseRecord(s.stored("alice").records[bySRP])
	if err != nil {
		return nil, "", err
	}
	verifier := record.Verifier()
	n.say("All that the server stored of her:")
	n.detail("version", "%s", record.Profile())
	n.detail("salt", "%x", record.Salt())
	n.detail("verifier", "%x…  (2^x mod N: nobody can log in with it)", verifier[:12])

	n.say("\n  She logs in.")
	start = time.Now()
	key, err := c.login(ctx, "alice", password)
	if err != nil {
		return nil, "", err
	}
	n.detail("her session key", "%s", fingerprint(key))
	n.detail("the server's", "%s", fingerprint(s.stored("alice").key))
	n.detail("time", "%v, most of it bcrypt", time.Since(start).Round(time.Millisecond))
	if fingerprint(key) != fingerprint(s.stored("alice").key) {
		return nil, "", errors.New("the session keys differ")
	}

	n.say("\n  Mallory tries a password on her, and then a user that does not exist.")
	_, wrong := c.login(ctx, "alice", []byte("Tr0ub4dor&3"))
	_, unknown := c.login(ctx, "nobody", password)
	n.detail("wrong password", "%v", wrong)
	n.detail("unknown user", "%v", unknown)
	var status statusError
	if !errors.As(wrong, &status) || wrong != unknown {
		return nil, "", fmt.Errorf("the two must fail alike: %v; %v", wrong, unknown)
	}
	n.say("He cannot tell which of the two it was.")
	return s, base, nil
}

// fingerprint is a short name for a key, to show without showing it.
func fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return fmt.Sprintf("SHA-256 %x…", sum[:8])
}
