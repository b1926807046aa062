package server

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/wrap"
)

// secrets are derived from the database key.
type secrets struct {
	names []byte    // of the HMAC of names
	codes []byte    // of the HMAC of backup codes
	seal  *wrap.Key // of what the database keeps secret
	check []byte    // is stored, to notice wrong secrets
}

// Purposes of sealed values. The item is what the value belongs to.
const (
	sealRegistration = "service.nescio/registration/v1"
	sealName         = "service.nescio/name/v1"
	sealTOTP         = "service.nescio/totp/v1"
	sealStateKey     = "service.nescio/state-key/v1"
	sealHeader       = "service.nescio/old-header/v1"
	sealMigration    = "service.nescio/migration/v1"
	sealHalf         = "service.nescio/half/v1"
	sealText         = "service.nescio/claim-text/v1"
	sealReason       = "service.nescio/claim-reason/v1"
	sealNote         = "service.nescio/claim-note/v1"
)

func deriveSecrets(k *keyfile.Keys) (*secrets, error) {
	if k.Decoy == nil || k.Database == nil || len(k.Setups) == 0 {
		return nil, errors.New("the secrets must include a decoy key, a database key and a setup")
	}
	derive := func(label string) []byte {
		key, err := hkdf.Key(sha256.New, k.Database[:], nil, "service.nescio/"+label+"/v1", 32)
		if err != nil {
			panic(err) // the length is valid
		}
		return key
	}
	seal, err := wrap.DeriveKey(k.Database[:], nil, "service.nescio/seal/v1")
	if err != nil {
		return nil, err
	}
	s := &secrets{names: derive("names"), codes: derive("codes"), seal: seal}
	s.check = mac(derive("check"), k.Decoy[:])
	return s, nil
}

// Names of values in the table meta.
const metaSecrets, metaIdentity = "secrets", "identity"

// ErrSecrets means secrets that do not belong to the database.
var ErrSecrets = errors.New("these secrets do not belong to the database: start with the secrets that it was made with")

// ErrNotInitialized means a database without secrets.
var ErrNotInitialized = errors.New("the database is not initialized: use the command init once")

// Initialized reports whether a database has secrets.
func Initialized(ctx context.Context, db *store.DB) (bool, error) {
	if err := db.Migrate(ctx); err != nil {
		return false, err
	}
	_, err := db.Meta(ctx, metaSecrets, nil)
	if err == store.ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// checkSecrets compares the secrets with the check value in the database. It
// stores the value if the database may be new.
func checkSecrets(ctx context.Context, db *store.DB, s *secrets, mayBeNew bool) error {
	var value []byte
	if mayBeNew {
		value = s.check
	}
	stored, err := db.Meta(ctx, metaSecrets, value)
	switch {
	case err == store.ErrNotFound:
		return ErrNotInitialized
	case err != nil:
		return err
	case !hmac.Equal(stored, s.check):
		return ErrSecrets
	}
	return nil
}

// checkIdentity compares the identity with the one that the first server had.
// With another one, no account could log in.
func checkIdentity(ctx context.Context, db *store.DB, identity string) error {
	stored, err := db.Meta(ctx, metaIdentity, []byte(identity))
	if err != nil || string(stored) == identity {
		return err
	}
	kinds, err := db.Kinds(ctx)
	if err != nil {
		return err
	}
	if len(kinds) == 0 { // there never was an account
		return db.SetMeta(ctx, metaIdentity, []byte(identity))
	}
	return fmt.Errorf("the accounts in this database were made with -identity %q", stored)
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(bytes.Join(parts, nil))
	return h.Sum(nil)
}

// name returns what a prepared name is stored as.
func (s *secrets) name(name string) []byte { return mac(s.names, []byte(name)) }

// sealed encrypts a value for the database.
func (s *secrets) sealed(ctx context.Context, purpose string, item, value []byte) ([]byte, error) {
	return s.seal.Wrap(ctx, value, wrap.Binding{Purpose: purpose, Item: item})
}

func (s *secrets) open(ctx context.Context, purpose string, item, sealed []byte) ([]byte, error) {
	return s.seal.Unwrap(ctx, sealed, wrap.Binding{Purpose: purpose, Item: item})
}

// newToken returns a token for a client, and the digest that is stored.
func newToken() (token string, stored []byte) {
	token = rand.Text()
	return token, digestOf(token)
}

// digestOf returns what a token is stored as. Tokens have 128 random bits.
func digestOf(token string) []byte {
	d := sha256.Sum256([]byte("service.nescio/token/v1\x00" + token))
	return d[:]
}

// digestOfRecord binds a session to a record.
func digestOfRecord(record []byte) []byte {
	d := sha256.Sum256(record)
	return d[:]
}

func newID() (id store.ID) {
	rand.Read(id[:])
	return id
}
