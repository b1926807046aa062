package opaque_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/opaque"
)

// A whole account: set-up, registration, a login.
func Example() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}

	// The server: a setup, once and for all, and secrets, all from a vault.
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	check(err)
	decoy, state := make([]byte, 32), make([]byte, 32)
	rand.Read(decoy)
	rand.Read(state)
	server, err := opaque.NewServer(opaque.ServerConfig{
		Secrets: opaque.Secrets{Decoy: decoy, State: [][]byte{state}},
		Setups:  map[uint16]*opaque.Setup{1: setup},
	})
	check(err)
	// The client, once per process.
	client, err := opaque.NewClient(opaque.ClientConfig{})
	check(err)

	// Sign-up.
	registration, request, err := client.Register(nil, []byte("correct horse"))
	check(err)
	response, err := server.Register(ctx, []byte("alice"), request) // → request, ← response
	check(err)
	upload, _, err := registration.Finish(ctx, response) // and the export key
	check(err)
	check(server.Admit(upload)) // → upload
	database := map[string][]byte{"alice": upload}

	// Login; an unknown name would find an empty record.
	login, request, err := client.Login(nil, []byte("correct horse"))
	check(err)
	response, pending, err := server.Begin(ctx, []byte("alice"), database["alice"], request) // → request, ← response
	check(err)
	final, err := login.Respond(ctx, response)
	check(err)
	reply, serverKey, err := server.Finish(ctx, []byte("alice"), pending, final) // → final, ← reply
	check(err)
	clientKey, err := login.Finish(reply)
	check(err)
	fmt.Println("logged in, keys equal:", bytes.Equal(clientKey, serverKey))
	// Output:
	// logged in, keys equal: true
}

// The export key, which the server does not know, is the same at every login.
func ExampleLogin_ExportKey() {
	ctx := context.Background()
	client, server, record := exampleAccount()

	login, request, err := client.Login(nil, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	response, pending, err := server.Begin(ctx, []byte("alice"), record, request)
	if err != nil {
		log.Fatal(err)
	}
	final, err := login.Respond(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	_, err = login.ExportKey()
	fmt.Println("before the end:", err)
	reply, _, err := server.Finish(ctx, []byte("alice"), pending, final)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := login.Finish(reply); err != nil {
		log.Fatal(err)
	}
	exportKey, err := login.ExportKey()
	fmt.Println("after it:", len(exportKey), "bytes,", err)
	// Output:
	// before the end: opaque: authentication failed
	// after it: 64 bytes, <nil>
}

// What the user sees of a wrong password: Respond fails, and the server, which is
// told nothing, has counted a try.
func ExampleLogin_Respond() {
	ctx := context.Background()
	client, server, record := exampleAccount()

	login, request, err := client.Login(nil, []byte("battery staple"))
	if err != nil {
		log.Fatal(err)
	}
	response, _, err := server.Begin(ctx, []byte("alice"), record, request)
	if err != nil {
		log.Fatal(err)
	}
	_, err = login.Respond(ctx, response)
	fmt.Println(err)
	// Output: opaque: authentication failed
}

// A change that a session alone must not make: a login for this change, whose
// messages hold what is to be done.
func ExampleServer_WithContext() {
	ctx := context.Background()
	client, server, record := exampleAccount()
	change := []byte("alice: new recovery phrase, 2030-01-01T10:00:00Z")

	confirming, err := client.WithContext(change) // what the user saw and agreed to
	if err != nil {
		log.Fatal(err)
	}
	doing, err := server.WithContext(change) // what the server is about to do
	if err != nil {
		log.Fatal(err)
	}
	login, request, err := confirming.Login(nil, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	response, pending, err := doing.Begin(ctx, []byte("alice"), record, request)
	if err != nil {
		log.Fatal(err)
	}
	final, err := login.Respond(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = server.Finish(ctx, []byte("alice"), pending, final)
	fmt.Println("an ordinary login:", err)
	_, _, err = doing.Finish(ctx, []byte("alice"), pending, final)
	fmt.Println("this change:", err)
	// Output:
	// an ordinary login: opaque: no such login in progress
	// this change: <nil>
}

// A registration inside a session, whose key protects its messages.
func ExampleMigration() {
	sessionKey := make([]byte, 32) // of the login that has just finished on both sides
	rand.Read(sessionKey)
	device, err := opaque.NewMigration(sessionKey, []byte("alice"))
	if err != nil {
		log.Fatal(err)
	}
	server, err := opaque.NewMigration(sessionKey, []byte("alice"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := opaque.NewClient(opaque.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	_, request, err := client.Register(nil, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	sealed := device.Seal(opaque.MigrateRequest, request) // → sealed
	opened, err := server.Open(opaque.MigrateRequest, sealed)
	fmt.Println(bytes.Equal(opened, request), err) // goes to Server.Register
	_, err = server.Open(opaque.MigrateUpload, sealed)
	fmt.Println(err)
	// Output:
	// true <nil>
	// opaque: authentication failed
}

// exampleAccount is a client, a server and a record, whose logins the vectors'
// stand-in for the KSF keeps quick.
func exampleAccount() (*opaque.Client, *opaque.Server, []byte) {
	ctx := context.Background()
	client, err := opaque.NewClient(opaque.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	client = client.StretchByIdentity()
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	if err != nil {
		log.Fatal(err)
	}
	server, err := opaque.NewServer(opaque.ServerConfig{Secrets: secrets(), Setups: map[uint16]*opaque.Setup{1: setup}})
	if err != nil {
		log.Fatal(err)
	}
	registration, request, err := client.Register(nil, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	response, err := server.Register(ctx, []byte("alice"), request)
	if err != nil {
		log.Fatal(err)
	}
	upload, _, err := registration.Finish(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	return client, server, upload
}
