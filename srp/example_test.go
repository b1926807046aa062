package srp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
)

// An account registers, logs in, and fails to log in with a wrong password.
func Example() {
	ctx := context.Background()

	// The server, once per process. Its keys come from a vault.
	var decoyKey, stateKey [32]byte
	rand.Read(decoyKey[:])
	rand.Read(stateKey[:])
	server, err := srp.NewServer(srp.ServerConfig{
		DecoyKey:       decoyKey,
		StateKeys:      []srp.StateKey{{Key: stateKey}},
		ServerIdentity: []byte("example.org"),
	})
	if err != nil {
		log.Fatal(err)
	}
	// The client, once per process.
	client, err := srp.NewClient(srp.ClientConfig{ServerIdentity: []byte("example.org")})
	if err != nil {
		log.Fatal(err)
	}
	alice := []byte("alice")

	// Sign-up.
	registration, request, err := client.Register(alice, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	// → request
	response, err := server.BeginRegistration(ctx, alice, request)
	if err != nil {
		log.Fatal(err)
	}
	// ← response
	upload, err := registration.Finish(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	// → upload
	record, err := server.FinishRegistration(alice, upload)
	if err != nil {
		log.Fatal(err)
	}
	database := map[string][]byte{"alice": record}

	for _, password := range []string{"correct horse", "battery staple"} {
		login, request, err := client.Login(alice, []byte(password))
		if err != nil {
			log.Fatal(err)
		}
		// → request; for an unknown name the record is empty
		response, pending, err := server.BeginLogin(ctx, alice, database["alice"], request)
		if err != nil {
			log.Fatal(err)
		}
		// ← response
		final, err := login.Respond(ctx, response)
		if err != nil {
			log.Fatal(err)
		}
		// → final; the record is looked up again
		reply, serverKey, err := server.FinishLogin(ctx, alice, database["alice"], pending, final)
		if err != nil {
			fmt.Println("401:", err)
			continue
		}
		// ← reply
		clientKey, err := login.Finish(reply)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("logged in, keys equal:", bytes.Equal(clientKey, serverKey))
	}
	// Output:
	// logged in, keys equal: true
	// 401: nescio: authentication failed
}

// A session alone must not make a sensitive change. The user logs in again for
// this change, and the proofs cover it.
func ExampleServer_WithContext() {
	ctx := context.Background()
	client, server, record := exampleAccount()
	change := []byte("alice: new recovery phrase, 2030-01-01T10:00:00Z")

	confirming, err := client.WithContext(change) // what the user saw and agreed to
	if err != nil {
		log.Fatal(err)
	}
	login, request, err := confirming.Login([]byte("alice"), []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	doing, err := server.WithContext(change) // what the server is about to do
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
	fmt.Println("an ordinary login:", err)
	_, _, err = doing.FinishLogin(ctx, []byte("alice"), record, pending, final)
	fmt.Println("this change:", err)
	// Output:
	// an ordinary login: nescio: no such login in progress
	// this change: <nil>
}

// A client of Proton. The typed form has the values that Proton's JSON has in
// base64.
func ExampleLogin_Answer() {
	ctx := context.Background()
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	if err != nil {
		log.Fatal(err)
	}
	client, err := srp.NewClient(srp.ClientConfig{
		Profiles:    []srp.Profile{srp.Proton(4), srp.Proton(3)},
		GroupPolicy: key.GroupPolicy(),
	})
	if err != nil {
		log.Fatal(err)
	}

	info := protonAuthInfo() // from the server's JSON: Version, Modulus, Salt, ServerEphemeral
	n, err := key.Modulus([]byte(info.Modulus))
	if err != nil {
		log.Fatal(err)
	}
	login, _, err := client.Login(nil, []byte("123"))
	if err != nil {
		log.Fatal(err)
	}
	defer login.Discard()
	proof, err := login.Answer(ctx, srp.Challenge{
		Profile: srp.Proton(info.Version),
		Group:   srp.UnverifiedGroup{N: n, G: openpgp.Generator, Certificate: []byte(info.Modulus)},
		Salt:    info.Salt,
		B:       info.ServerEphemeral,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ClientEphemeral and ClientProof:", len(proof.A), len(proof.M1), "bytes")
	// Confirm(ServerProof) ends the login.

	// Output: ClientEphemeral and ClientProof: 256 256 bytes
}

// A device proves a modulus once and keeps the digest. A later process does not
// prove it again.
func ExampleKnownGroup() {
	n, stored := groupOnThisDevice() // Login.Group().Digest() of an earlier login
	group, err := srp.KnownGroup(n, 2, stored)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(group.Bits(), "bits, without a proof")
	// Output: 2048 bits, without a proof
}

// The version of the oldest accounts is unknown. A client tries one login for
// each version.
func ExampleProtonFallback() {
	for _, profile := range srp.ProtonFallback([]byte("Al.ice")) {
		fmt.Println(profile)
	}
	// Output:
	// proton-2
	// proton-1
	// proton-0
}

// A database stores a record as bytes or as text. Parsing checks it.
func ExampleRecord() {
	record := exampleRecord()
	text := record.Text()
	again, err := srp.ParseRecordText(text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Profile(), again.NeedsUpgrade(), len(again.Bytes()), "bytes")
	fmt.Println(again) // a log never sees it
	// Output:
	// rfc5054-sha256 true 287 bytes
	// srp.Record(redacted)
}

// A record from another library's database, as base64 for example, becomes a
// record of this package. The server proves the group once.
func ExampleNewRecord() {
	group, err := srp.RFC5054Group(2048)
	if err != nil {
		log.Fatal(err)
	}
	salt, verifier := exampleRecord().Salt(), exampleRecord().Verifier() // from their database
	record, err := srp.NewRecord(srp.RFC5054SHA1(0), group.Unverified(), kdf.Params{}, []byte("alice"), salt, verifier)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(record.Profile(), srp.CheckRecord(record.Bytes()))
	parsed, err := srp.ParseRecord(record.Bytes())
	fmt.Println(parsed.NeedsUpgrade(), err) // its hash is fast: move the account
	// Output:
	// rfc5054-sha1 <nil>
	// true <nil>
}
