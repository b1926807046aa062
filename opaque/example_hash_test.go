package opaque_test

import (
	"context"
	"fmt"
	"log"

	"golang.org/x/crypto/bcrypt"
)

// An account that has a password hash moves to OPAQUE at its next login. The
// last login with the hash sends the password as before, and the client
// registers with OPAQUE inside the session that it gets. The server stores the
// record and deletes the hash in one transaction. From then on the client never
// sends the password.
//
// This last login still shows the password to the server, to the proxy that
// ends TLS, and to their logs. A client
// that knows that the account has moved must refuse to send the password, even
// if the server asks for it. Delete the hash in the same transaction, and let
// backups with hashes expire. An attacker with an old hash can still guess the
// password, which stays the same. Ask the users of weak hashes for a new
// password. While accounts move, a stranger can see which
// names still have a hash.
func Example_passwordHash() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	id, password := []byte("alice"), []byte("correct horse")
	client, server, _ := exampleAccount(exampleConfig())
	hash, err := bcrypt.GenerateFromPassword(password, bcrypt.MinCost)
	check(err)
	account := struct{ hash, record []byte }{hash: hash} // the database

	// The last login with the hash. → password, ← session cookie
	check(bcrypt.CompareHashAndPassword(account.hash, password))

	// The registration, inside that session. The server takes the id from
	// the session.
	registration, request, err := client.Register(nil, password)
	check(err)
	defer registration.Discard()
	response, err := server.BeginRegistration(ctx, id, request)
	check(err)
	upload, err := registration.Finish(ctx, response)
	check(err)
	record, err := server.FinishRegistration(nil, upload)
	check(err)
	account.record, account.hash = record, nil // one transaction

	// Every later login.
	login, request, err := client.Login(nil, password)
	check(err)
	response, pending, err := server.BeginLogin(ctx, id, account.record, request)
	check(err)
	final, err := login.Respond(ctx, response)
	check(err)
	_, _, err = server.FinishLogin(ctx, id, account.record, pending, final)
	fmt.Println("logged in without sending the password:", err == nil)
	fmt.Println("the server still has a hash:", account.hash != nil)
	// Output:
	// logged in without sending the password: true
	// the server still has a hash: false
}
