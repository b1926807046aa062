package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// serverName is what both sides call the server.
const serverName = "recovery.example.org"

// newKSF is the key stretching function of new registrations.
var newKSF = opaque.DefaultKSF

// server is a service without a network: its methods are what a client would call, but
// for a few below them that all the others use, and its files what it would keep in a
// database. Each method is one transaction: it takes the lock, and writes.
type server struct {
	dir    string
	opaque *opaque.Server
	decoy  []byte
}

// openServer opens a server, or makes a new one.
func openServer(dir string) (*server, error) {
	for _, sub := range []string{"accounts", "watch", "requests"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	// These belong into a vault, apart from the accounts: who has both can try
	// passwords as if they were hashes.
	var keys struct{ Setup, Decoy []byte }
	path := filepath.Join(dir, "keys.json")
	found, err := load(path, &keys)
	if err != nil {
		return nil, err
	}
	if !found {
		setup, err := opaque.NewSetup(opaque.Ristretto255)
		if err != nil {
			return nil, err
		}
		if keys.Setup, err = setup.Bytes(); err != nil {
			return nil, err
		}
		keys.Decoy = random(opaque.SecretSize)
		if err := save(path, keys); err != nil {
			return nil, err
		}
	}
	setup, err := opaque.ParseSetup(keys.Setup)
	if err != nil {
		return nil, err
	}
	o, err := opaque.NewServer(opaque.ServerConfig{
		// No login outlives the process, so the state key need not either.
		Secrets:        opaque.Secrets{Decoy: keys.Decoy, State: [][]byte{random(opaque.SecretSize)}},
		Setups:         map[uint16]*opaque.Setup{1: setup},
		Templates:      []opaque.Template{{Setup: 1, KSF: newKSF(), Weight: 1}},
		ServerIdentity: []byte(serverName),
	})
	return &server{dir: dir, opaque: o, decoy: keys.Decoy}, err
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func (s *server) path(folder, name string) string {
	return filepath.Join(s.dir, folder, name+".json")
}

// view reads an account: an empty one if there is none.
func (s *server) view(name string) (a account, found bool, err error) {
	found, err = load(s.path("accounts", name), &a)
	return a, found, err
}

// change changes an account in a transaction.
func (s *server) change(name string, f func(*account) error) error {
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	a, found, err := s.view(name)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("there is no account %q", name)
	}
	if err := f(&a); err != nil {
		return err
	}
	return save(s.path("accounts", name), a)
}

var errTaken = errors.New("the name is taken: choose another, or log in")

func (s *server) taken(name string) error {
	if _, found, err := s.view(name); err != nil || !found {
		return err
	}
	return errTaken
}

// signUp stores a new account, all of it at once.
func (s *server) signUp(name string, a account) error {
	if err := s.opaque.Admit(a.Record); err != nil {
		return err
	}
	h, err := recovery.ParseHeader(a.Header)
	if err != nil || h.Revision() != 1 {
		return errors.Join(err, errors.New("this is not a new keyring"))
	}
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.taken(name); err != nil {
		return err
	}
	return save(s.path("accounts", name), a)
}

// number is the account's, for who asks for approval before any login. It is no
// secret, and names that nobody has seem to have one too.
func (s *server) number(name string) ([]byte, error) {
	a, found, err := s.view(name)
	if err != nil {
		return nil, err
	}
	if !found {
		mac := hmac.New(sha256.New, s.decoy)
		mac.Write([]byte("number/" + name))
		return mac.Sum(nil)[:16], nil
	}
	h, err := recovery.ParseHeader(a.Header)
	if err != nil {
		return nil, err
	}
	n := h.Account()
	return n[:], nil
}

func (s *server) now() time.Time { return time.Now().UTC() }
