package srp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
)

// A whole account: registration, a login, a wrong password.
func Example() {
	ctx := context.Background()
	group, err := srp.RFC5054Group(2048)
	if err != nil {
		log.Fatal(err)
	}
	profile := srp.RFC5054SHA256(0)

	// The server, once per process. Its secrets come from a vault.
	decoy, state := make([]byte, 32), make([]byte, 32)
	rand.Read(decoy)
	rand.Read(state)
	accounts := srp.Template{Profile: profile, Group: group, Weight: 1}
	server, err := srp.NewServer(srp.ServerConfig{
		Secrets:   srp.Secrets{Decoy: decoy, State: [][]byte{state}},
		Templates: []srp.Template{accounts},
	})
	if err != nil {
		log.Fatal(err)
	}
	// The client, once per process.
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile}})
	if err != nil {
		log.Fatal(err)
	}

	// Sign-up: the client makes the record, the server admits and stores it.
	record, err := client.Register(ctx, accounts.Offer(), []byte("alice"), []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Admit(record.Bytes()); err != nil {
		log.Fatal(err)
	}
	database := map[string][]byte{"alice": record.Bytes()}

	for _, password := range []string{"correct horse", "battery staple"} {
		login, request, err := client.Login([]byte("alice"), []byte(password))
		if err != nil {
			log.Fatal(err)
		}
		// → request; an unknown name would find an empty record here
		response, pending, err := server.Begin(ctx, []byte("alice"), database["alice"], request)
		if err != nil {
			log.Fatal(err)
		}
		// ← response
		final, err := login.Respond(ctx, response)
		if err != nil {
			log.Fatal(err)
		}
		// → final
		reply, serverKey, err := server.Finish(ctx, []byte("alice"), pending, final)
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
	// 401: srp: authentication failed
}

// Proton's wire: the typed form has the values that its JSON has in base64.
func ExampleLogin_Answer() {
	ctx := context.Background()
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	if err != nil {
		log.Fatal(err)
	}
	client, err := srp.NewClient(srp.ClientConfig{
		Profiles:    []srp.Profile{srp.Proton(4), srp.Proton(3)},
		AcceptGroup: key.AcceptGroup,
	})
	if err != nil {
		log.Fatal(err)
	}

	info := protonAuthInfo() // what the server's JSON says: Version, Modulus, Salt, ServerEphemeral
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
		Group:   srp.GroupRef{N: n, G: openpgp.Generator, Credential: []byte(info.Modulus)},
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

// A modulus costs its proof once per device, not once per process.
func ExampleKnownGroup() {
	n, stored := groupOnThisDevice() // kept from an earlier Login.Group().Digest()
	group, err := srp.KnownGroup(n, 2, stored)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(group.Bits(), "bits, without a proof")
	// Output: 2048 bits, without a proof
}

// Accounts of the oldest kind: one login for each version that may be meant.
func ExampleProtonFallback() {
	for _, profile := range srp.ProtonFallback([]byte("Al.ice")) {
		fmt.Println(profile)
	}
	// Output:
	// proton-2
	// proton-1
	// proton-0
}

// A record goes into a database as bytes or as text, and comes back checked.
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
