package kdf_test

import (
	"context"
	"crypto/subtle"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/kdf"
	"golang.org/x/crypto/bcrypt"
)

// A service replaces its password hashes, here bcrypt and PBKDF2, with
// Argon2id. It knows the password only during a login, so each account moves at
// its next login. Store the new hash and delete the old one in one transaction.
//
// Anyone who keeps an old hash, for example from a backup, can still guess the
// password at the old cost. Delete the hashes of users who no longer log in,
// and let these users reset their passwords. For unknown names, derive a hash
// too and refuse the login: otherwise the time shows which accounts exist.
// bcrypt ignores the password after 72 bytes, and Argon2id does not.
//
// A login with package opaque does not send the password at all. See the
// example PasswordHash there.
func Example_passwordHash() {
	ctx := context.Background() // with a deadline in a service
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	gate := kdf.NewGate(4) // at most 4 times 64 MiB at once
	today := kdf.Default()
	old, err := kdf.NewPBKDF2SHA512(10_000) // a constant of the program
	check(err)
	hash := func(params kdf.Params, policy kdf.Policy, password []byte) []byte {
		policy.Gate = gate
		function, err := kdf.New(params, policy)
		check(err)
		key, err := function.Derive(ctx, password, 32)
		check(err)
		return key
	}

	// The database. An account has a bcrypt hash, or parameters and a key.
	type account struct {
		bcrypt []byte
		params kdf.Params // stored as params.String()
		key    []byte
	}
	password := []byte("correct horse")
	var alice, bob account
	alice.bcrypt, err = bcrypt.GenerateFromPassword(password, bcrypt.MinCost)
	check(err)
	bob.params = old.WithNewSalt()
	bob.key = hash(bob.params, kdf.FixedPolicy(old), password)

	matches := func(a *account, password []byte) bool {
		if a.bcrypt != nil {
			return bcrypt.CompareHashAndPassword(a.bcrypt, password) == nil
		}
		var policy kdf.Policy
		if a.params.Algorithm() == kdf.PBKDF2SHA512 {
			policy = kdf.FixedPolicy(old) // below the floor of every other policy
		}
		return subtle.ConstantTimeCompare(hash(a.params, policy, password), a.key) == 1
	}
	login := func(a *account, password []byte) bool {
		if !matches(a, password) {
			return false
		}
		if a.params.Algorithm() != today.Algorithm() || a.params.Cost() < today.Cost() {
			params := today.WithNewSalt()
			*a = account{params: params, key: hash(params, kdf.Policy{}, password)}
		}
		return true
	}
	for _, a := range []*account{&alice, &bob} {
		fmt.Println(login(a, []byte("wrong horse")), a.params.Algorithm() == kdf.Argon2id)
		fmt.Println(login(a, password), a.params.Algorithm() == kdf.Argon2id)
		fmt.Println(login(a, password), a.bcrypt == nil)
	}
	// Output:
	// false false
	// true true
	// true true
	// false false
	// true true
	// true true
}
