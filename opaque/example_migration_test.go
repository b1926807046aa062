package opaque_test

import (
	"context"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/opaque"
)

// An account moves to a new setup. It logs in with the old setup, and registers
// again inside that session without asking the user. A setup of another suite
// takes a client of that suite. The example of a move from SRP shows the duties
// of the server and of the client.
func ExampleMigration() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	id, password := []byte("alice"), []byte("correct horse")
	cfg := exampleConfig()
	client, _, record := exampleAccount(cfg) // of setup 1
	next, err := opaque.NewSetup(opaque.Ristretto255)
	check(err)
	cfg.Setups[2] = next
	cfg.Offer = opaque.Kind{Setup: 2, Weight: 0} // its weight rises as accounts move
	cfg.Old = []opaque.Kind{{Setup: 1, Weight: 100}}
	server, err := opaque.NewServer(cfg)
	check(err)
	logIn := func(record []byte) (login *opaque.Login, clientKey, serverKey []byte) {
		login, request, err := client.Login(nil, password)
		check(err)
		response, pending, err := server.BeginLogin(ctx, id, record, request)
		check(err)
		final, err := login.Respond(ctx, response)
		check(err)
		reply, serverKey, err := server.FinishLogin(ctx, id, record, pending, final)
		check(err)
		clientKey, err = login.Finish(reply)
		check(err)
		return login, clientKey, serverKey
	}
	login, clientKey, serverKey := logIn(record)
	fmt.Println("a new registration is needed:", login.NeedsRegistration())

	device, err := opaque.NewMigration(clientKey, id)
	check(err)
	service, err := opaque.NewMigration(serverKey, id)
	check(err)
	registration, request, err := client.Register(nil, password)
	check(err)
	defer registration.Discard()
	protected, err := device.Protect(opaque.MigrateRequest, request) // → protected
	check(err)
	request, err = service.Verify(opaque.MigrateRequest, protected)
	check(err)
	response, err := server.BeginRegistration(ctx, id, request)
	check(err)
	protected, err = service.Protect(opaque.MigrateResponse, response) // ← protected
	check(err)
	response, err = device.Verify(opaque.MigrateResponse, protected)
	check(err)
	upload, err := registration.Finish(ctx, response) // wrap all keys under the new export key too
	check(err)
	protected, err = device.Protect(opaque.MigrateUpload, upload) // → protected
	check(err)
	upload, err = service.Verify(opaque.MigrateUpload, protected)
	check(err)
	record, err = server.FinishRegistration(nil, upload) // store it beside the old record
	check(err)

	login, _, _ = logIn(record) // delete the old record in the transaction of this login
	fmt.Println("a new registration is needed:", login.NeedsRegistration())
	// Output:
	// a new registration is needed: true
	// a new registration is needed: false
}
