package opaque_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/wrap"
)

// A whole account, from the setup to a login.
func Example() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}

	// The server. The setup and the keys are made once and kept in a vault.
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	check(err)
	var decoyKey, stateKey [32]byte
	rand.Read(decoyKey[:])
	rand.Read(stateKey[:])
	server, err := opaque.NewServer(opaque.ServerConfig{
		DecoyKey:       decoyKey,
		StateKeys:      []opaque.StateKey{{Key: stateKey}},
		Setups:         map[uint16]*opaque.Setup{1: setup},
		ServerIdentity: []byte("example.org/users"),
	})
	check(err)
	// The client, once per process.
	client, err := opaque.NewClient(opaque.ClientConfig{ServerIdentity: []byte("example.org/users")})
	check(err)
	id, password := []byte("alice"), []byte("correct horse")

	// Registration. The id travels beside the request.
	registration, request, err := client.Register(nil, password)
	check(err)
	defer registration.Discard()
	response, err := server.BeginRegistration(ctx, id, request) // → request, ← response
	check(err)
	upload, err := registration.Finish(ctx, response)
	check(err)
	record, err := server.FinishRegistration(nil, upload) // → upload
	check(err)
	database := map[string][]byte{"alice": record}

	// Login. For an unknown name the record would be empty.
	login, request, err := client.Login(nil, password)
	check(err)
	defer login.Discard()
	response, pending, err := server.BeginLogin(ctx, id, database["alice"], request) // → request, ← response
	check(err)
	final, err := login.Respond(ctx, response)
	check(err)
	reply, serverKey, err := server.FinishLogin(ctx, id, database["alice"], pending, final) // → final, ← reply
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
	client, server, record := exampleAccount(exampleConfig())

	login, request, err := client.Login(nil, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	response, pending, err := server.BeginLogin(ctx, []byte("alice"), record, request)
	if err != nil {
		log.Fatal(err)
	}
	final, err := login.Respond(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	_, err = login.ExportKey()
	fmt.Println("before the end:", err)
	reply, _, err := server.FinishLogin(ctx, []byte("alice"), record, pending, final)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := login.Finish(reply); err != nil {
		log.Fatal(err)
	}
	exportKey, err := login.ExportKey()
	if err != nil {
		log.Fatal(err)
	}
	kek, err := wrap.DeriveKey(exportKey, nil, "example.org/export-key/v1")
	if err != nil {
		log.Fatal(err)
	}
	dataKey := make([]byte, 32)
	rand.Read(dataKey)
	blob, err := kek.Wrap(ctx, dataKey, wrap.Binding{Purpose: "example.org/data-key/v1", Account: []byte("account 17"), Epoch: 1})
	fmt.Println("a data key under it:", len(blob), "bytes,", err)
	// Output:
	// before the end: nescio: already used, or not yet begun
	// a data key under it: 106 bytes, <nil>
}

// With a wrong password Respond returns an error, and the login is over. The
// server has counted a try at BeginLogin.
func ExampleLogin_Respond() {
	ctx := context.Background()
	client, server, record := exampleAccount(exampleConfig())

	login, request, err := client.Login(nil, []byte("battery staple"))
	if err != nil {
		log.Fatal(err)
	}
	response, _, err := server.BeginLogin(ctx, []byte("alice"), record, request)
	if err != nil {
		log.Fatal(err)
	}
	_, err = login.Respond(ctx, response)
	fmt.Println(err)
	// Output: nescio: authentication failed
}

// A sensitive change needs a new login for this change. Each side makes the
// context from its own values: the client from what the user sees, the server
// from the fields of the request, which it keeps beside the pending state. The
// server makes the same copy for BeginLogin and for FinishLogin.
func ExampleServer_WithContext() {
	ctx := context.Background()
	client, server, record := exampleAccount(exampleConfig())
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
	response, pending, err := doing.BeginLogin(ctx, []byte("alice"), record, request)
	if err != nil {
		log.Fatal(err)
	}
	final, err := login.Respond(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = server.FinishLogin(ctx, []byte("alice"), record, pending, final)
	fmt.Println("as an ordinary login:", err)
	_, _, err = doing.FinishLogin(ctx, []byte("alice"), record, pending, final)
	fmt.Println("for this change:", err)
	// Output:
	// as an ordinary login: nescio: no such login in progress
	// for this change: <nil>
}

// To choose weights, a service counts its accounts by setup and KSF.
func ExampleParseRecord() {
	_, _, stored := exampleAccount(exampleConfig())
	record, err := opaque.ParseRecord(stored)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("setup:", record.Setup(), "- default KSF:", record.KSF() == opaque.DefaultKSF())
	// Output: setup: 1 - default KSF: true
}

// exampleConfig is a configuration with a setup of number 1. A service stores
// its secrets instead of drawing them at every start.
func exampleConfig() opaque.ServerConfig {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	if err != nil {
		log.Fatal(err)
	}
	cfg := opaque.ServerConfig{
		StateKeys: make([]opaque.StateKey, 1),
		Setups:    map[uint16]*opaque.Setup{1: setup},
	}
	rand.Read(cfg.DecoyKey[:])
	rand.Read(cfg.StateKeys[0].Key[:])
	return cfg
}

// exampleAccount returns a client, a server and the record of "alice", whose
// password is "correct horse".
func exampleAccount(cfg opaque.ServerConfig) (*opaque.Client, *opaque.Server, []byte) {
	ctx := context.Background()
	client, err := opaque.NewClient(opaque.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	server, err := opaque.NewServer(cfg)
	if err != nil {
		log.Fatal(err)
	}
	registration, request, err := client.Register(nil, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	defer registration.Discard()
	response, err := server.BeginRegistration(ctx, []byte("alice"), request)
	if err != nil {
		log.Fatal(err)
	}
	upload, err := registration.Finish(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	record, err := server.FinishRegistration(nil, upload)
	if err != nil {
		log.Fatal(err)
	}
	return client, server, record
}
