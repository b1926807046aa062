package opaque_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/wrap"
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

	// Sign-up. The first argument is an identity within the protocol, which most leave
	// out; the id travels beside the request.
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
	// before the end: opaque: already used, or not yet begun
	// a data key under it: 106 bytes, <nil>
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

// A new setup: accounts of the old one still log in, and are registered anew inside
// that login, without their users noticing.
func ExampleMigration() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	client, _, record := exampleAccount() // of setup 1
	next, err := opaque.NewSetup(opaque.Ristretto255)
	check(err)
	server, err := opaque.NewServer(opaque.ServerConfig{
		Secrets: secrets(),
		Setups:  map[uint16]*opaque.Setup{1: exampleSetup, 2: next},
		// New registrations get setup 2. Its weight rises as accounts move.
		Templates: []opaque.Template{{Setup: 2, Weight: 0}, {Setup: 1, Weight: 1}},
	})
	check(err)
	logIn := func(record []byte) (*opaque.Login, []byte) {
		login, request, err := client.Login(nil, []byte("correct horse"))
		check(err)
		response, pending, err := server.Begin(ctx, []byte("alice"), record, request)
		check(err)
		final, err := login.Respond(ctx, response)
		check(err)
		reply, _, err := server.Finish(ctx, []byte("alice"), pending, final)
		check(err)
		key, err := login.Finish(reply)
		check(err)
		return login, key
	}
	login, key := logIn(record)
	fmt.Println("a fresh registration is wanted:", login.NeedsRegistration())

	device, err := opaque.NewMigration(key, []byte("alice"))
	check(err)
	service, err := opaque.NewMigration(key, []byte("alice")) // its Finish returned the same key
	check(err)
	registration, request, err := client.Register(nil, []byte("correct horse"))
	check(err)
	defer registration.Discard()
	request, err = service.Open(opaque.MigrateRequest, device.Seal(opaque.MigrateRequest, request)) // →
	check(err)
	response, err := server.Register(ctx, []byte("alice"), request)
	check(err)
	response, err = device.Open(opaque.MigrateResponse, service.Seal(opaque.MigrateResponse, response)) // ←
	check(err)
	upload, _, err := registration.Finish(ctx, response) // and the new export key
	check(err)
	record, err = service.Open(opaque.MigrateUpload, device.Seal(opaque.MigrateUpload, upload)) // →
	check(err)
	check(server.Admit(record))

	login, _ = logIn(record) // now the server forgets the old one
	fmt.Println("a fresh registration is wanted:", login.NeedsRegistration())
	// Output:
	// a fresh registration is wanted: true
	// a fresh registration is wanted: false
}

// A deployment of opaque-ke: its setup and its records go on, on the RFC's wire with
// its clients, and on the framed one with new ones.
func ExampleImportRecord() {
	old := opaqueKEAccount() // what its database and its vault have
	setup, err := opaque.ParseSetup(old.setup)
	if err != nil {
		log.Fatal(err)
	}
	ksf, err := kdf.NewArgon2id(1024, 2, 1) // of its clients: memory in KiB, iterations, parallelism
	if err != nil {
		log.Fatal(err)
	}
	record, err := opaque.ImportRecord(opaque.Ristretto255, 1, ksf, nil, old.record)
	if err != nil {
		log.Fatal(err)
	}
	client, err := opaque.NewClient(opaque.ClientConfig{Wire: opaque.RFC, FixedKSF: ksf})
	if err != nil {
		log.Fatal(err)
	}
	server, err := opaque.NewServer(opaque.ServerConfig{
		Secrets: secrets(),
		Setups:  map[uint16]*opaque.Setup{1: setup},
		Wire:    opaque.RFC,
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	login, ke1, err := client.Login(nil, []byte("hunter42"))
	if err != nil {
		log.Fatal(err)
	}
	ke2, pending, err := server.Begin(ctx, old.id, record.Bytes(), ke1)
	if err != nil {
		log.Fatal(err)
	}
	ke3, err := login.Respond(ctx, ke2)
	if err != nil {
		log.Fatal(err)
	}
	_, key, err := server.Finish(ctx, old.id, pending, ke3)
	fmt.Println(len(ke1), len(ke2), len(ke3), len(key), err)
	// Output: 96 320 64 64 <nil>
}

// exampleSetup is that of exampleAccount.
var exampleSetup *opaque.Setup

// opaqueKEAccount is an account of testdata/opaque-serenity.json.
func opaqueKEAccount() (account struct{ id, setup, record []byte }) {
	b, err := testdata.ReadFile("testdata/opaque-serenity.json")
	if err != nil {
		log.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID     string `json:"user_identifier"`
			Setup  string `json:"server_setup_b64url"`
			Record string `json:"registration_record_b64url"`
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		log.Fatal(err)
	}
	v := file.Vectors[0]
	account.id = []byte(v.ID)
	if account.setup, err = base64.RawURLEncoding.DecodeString(v.Setup); err != nil {
		log.Fatal(err)
	}
	if account.record, err = base64.RawURLEncoding.DecodeString(v.Record); err != nil {
		log.Fatal(err)
	}
	return account
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
	exampleSetup, err = opaque.NewSetup(opaque.Ristretto255)
	if err != nil {
		log.Fatal(err)
	}
	server, err := opaque.NewServer(opaque.ServerConfig{Secrets: secrets(), Setups: map[uint16]*opaque.Setup{1: exampleSetup}})
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
