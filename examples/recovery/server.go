package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
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

// phraseSuffix is what the login by phrase has behind the name.
const phraseSuffix = "/phrase"

// newKSF is the key stretching function of new registrations.
var newKSF = opaque.DefaultKSF

// server is a service without a network: its methods are what a client would call,
// its files what it would keep in a database. Each method is one transaction: it
// takes the lock, and writes one file.
type server struct {
	dir    string
	opaque *opaque.Server
	decoy  []byte
}

// session is who has logged in. A real one is a cookie, and lives longer: then ask
// for a fresh login before a password or a way in changes, for that change alone, by
// opaque.Client.WithContext.
type session struct {
	name       string
	device     recovery.SlotID // of a device that came by its token
	recovering bool            // by phrase, or by a claim
}

var (
	errLogin    = errors.New("wrong password or phrase, or there is no such account")
	errConflict = errors.New("another device has changed the keyring just now: run the command again")
)

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

// register answers a registration. It goes on over a channel that a password or way
// in of before, or the sign-up, has authenticated.
func (s *server) register(ctx context.Context, id string, request []byte) ([]byte, error) {
	return s.opaque.Register(ctx, []byte(id), request)
}

func (s *server) taken(name string) error {
	if _, found, err := s.view(name); err != nil || !found {
		return err
	}
	return fmt.Errorf("the name %q is taken: choose another, or log in", name)
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

// begin answers a login by password, or by phrase. It counts as a try whatever
// becomes of it: a login that is never finished has told as much as a wrong one.
func (s *server) begin(ctx context.Context, name, suffix string, request []byte) (response, pending []byte, err error) {
	if err := s.count(name, "login"+suffix); err != nil {
		return nil, nil, err
	}
	a, _, err := s.view(name)
	if err != nil {
		return nil, nil, err
	}
	record := a.Record
	if suffix == phraseSuffix {
		record = a.Phrase
	}
	return s.opaque.Begin(ctx, []byte(name+suffix), record, request)
}

func (s *server) finish(ctx context.Context, name, suffix string, pending, final []byte) (reply []byte, on session, err error) {
	reply, key, err := s.opaque.Finish(ctx, []byte(name+suffix), pending, final)
	if err != nil {
		return nil, session{}, errLogin
	}
	clear(key) // nothing else needs it here
	return reply, session{name: name, recovering: suffix == phraseSuffix}, s.succeeded(name, "login"+suffix)
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
	return session{name: name, device: slot}, nil
}

func (s *server) now() time.Time { return time.Now().UTC() }
