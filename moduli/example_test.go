package moduli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/srp"
)

// A search from a verifiable start. Anyone who repeats it finds the same
// modulus. Use 2048 bits or more outside of examples.
func ExampleGenerate() {
	ctx := context.Background()
	start, err := moduli.VerifiableStart(512, "example.org/srp/2030", 0)
	if err != nil {
		log.Fatal(err)
	}
	result, err := moduli.Generate(ctx, start)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Start)
	fmt.Printf("%d bits, start + %d\n", result.Bits(), result.Offset)
	fmt.Println("proof:", result.Verify(ctx))
	// Output:
	// "example.org/srp/2030", counter 0, 512 bits
	// 512 bits, start + 812776
	// proof: <nil>
}

// An operator signs a record, and a client checks it.
func ExamplePrivateKey_Sign() {
	created := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	key, err := moduli.GenerateKey(created, time.Time{}) // on a machine of its own
	if err != nil {
		log.Fatal(err)
	}
	record, err := moduli.NewRecord(exampleModulus("a"), "example.org/srp", created, created.AddDate(1, 0, 0))
	if err != nil {
		log.Fatal(err)
	}
	record, err = key.Sign(record)
	if err != nil {
		log.Fatal(err)
	}

	// A client has the public key.
	keys, err := moduli.ParseKeys(key.Public().Text() + "\n")
	if err != nil {
		log.Fatal(err)
	}
	received, err := moduli.ParseRecord(record.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	later := created.AddDate(5, 0, 0)
	fmt.Println("login:", keys.Check(received, "example.org/srp"))
	fmt.Println("new password:", keys.CheckNew(received, "example.org/srp", later))
	fmt.Println("another purpose:", keys.Check(received, "example.org/files"))
	// Output:
	// login: <nil>
	// new password: moduli: record expired for new passwords
	// another purpose: moduli: record not trusted: for another purpose
}

// A server picks a record for a new password. Retired records stay in the pool
// for the accounts that have them.
func ExamplePool_Pick() {
	created := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	key, err := moduli.GenerateKey(created, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	pool := new(moduli.Pool)
	for _, label := range []string{"a", "b"} {
		record, err := moduli.NewRecord(exampleModulus(label), "example.org/srp", created, created.AddDate(1, 0, 0))
		if err != nil {
			log.Fatal(err)
		}
		if record, err = key.Sign(record); err != nil {
			log.Fatal(err)
		}
		if pool, err = pool.With(record); err != nil {
			log.Fatal(err)
		}
	}
	pool = pool.Retire(exampleModulus("a").N)

	keys := moduli.NewKeys(key.Public())
	picked, err := pool.Pick(keys, "example.org/srp", created.AddDate(0, 1, 0))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("picked:", picked.Result().Start)
	fmt.Println("records:", len(pool.Records()))

	_, err = pool.Pick(keys, "example.org/srp", created.AddDate(2, 0, 0))
	fmt.Println("too late:", errors.Is(err, moduli.ErrEmpty), errors.Is(err, moduli.ErrExpired))
	// Output:
	// picked: "b", counter 0, 512 bits
	// records: 2
	// too late: true true
}

// A service has two clients: one for registrations and password changes, and
// one for logins.
func ExampleKeys_GroupPolicy() {
	ctx := context.Background()
	server, keys := exampleServer()
	alice, password := []byte("alice"), []byte("correct horse")

	registering, err := srp.NewClient(srp.ClientConfig{GroupPolicy: keys.RegistrationPolicy("example.org/srp")})
	if err != nil {
		log.Fatal(err)
	}
	registration, request, err := registering.Register(alice, password)
	if err != nil {
		log.Fatal(err)
	}
	response, err := server.BeginRegistration(ctx, alice, request)
	if err != nil {
		log.Fatal(err)
	}
	upload, err := registration.Finish(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	record, err := server.FinishRegistration(alice, upload)
	if err != nil {
		log.Fatal(err)
	}

	for _, trusted := range []*moduli.Keys{keys, moduli.NewKeys()} {
		client, err := srp.NewClient(srp.ClientConfig{GroupPolicy: srp.AnyOf(
			srp.RFC5054Groups, // accounts that are older than the pool
			trusted.GroupPolicy("example.org/srp"),
		)})
		if err != nil {
			log.Fatal(err)
		}
		login, request, err := client.Login(alice, password)
		if err != nil {
			log.Fatal(err)
		}
		response, _, err := server.BeginLogin(ctx, alice, record, request)
		if err != nil {
			log.Fatal(err)
		}
		_, err = login.Respond(ctx, response)
		fmt.Println("refused:", errors.Is(err, moduli.ErrUntrusted))
	}
	// Output:
	// refused: false
	// refused: true
}

// exampleModulus finds a modulus in milliseconds.
func exampleModulus(label string) moduli.SearchResult {
	start, err := moduli.VerifiableStart(512, label, 0)
	if err != nil {
		log.Fatal(err)
	}
	result, err := moduli.Generate(context.Background(), start)
	if err != nil {
		log.Fatal(err)
	}
	return result
}

// exampleServer returns a server with one signed record, and the keys that
// clients trust. The modulus comes from RFC 5054, because a search for 2048
// bits takes too long here.
func exampleServer() (*srp.Server, *moduli.Keys) {
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	known, err := srp.RFC5054Group(2048)
	check(err)
	result, err := moduli.ImportedResult(moduli.Modulus{N: known.Unverified().N, G: known.Unverified().G})
	check(err)
	now := time.Now()
	key, err := moduli.GenerateKey(now, time.Time{})
	check(err)
	record, err := moduli.NewRecord(result, "example.org/srp", now, now.AddDate(1, 0, 0))
	check(err)
	record, err = key.Sign(record)
	check(err)

	group, err := srp.NewGroup(record.Modulus().N, record.Modulus().G)
	check(err)
	group, err = group.WithCertificate(record.Bytes())
	check(err)
	cost, err := kdf.NewArgon2id(19<<10, 2, 1)
	check(err)
	server, err := srp.NewServer(srp.ServerConfig{
		DecoyKey:  [32]byte(bytes.Repeat([]byte{1}, 32)), // in a service from a vault
		StateKeys: []srp.StateKey{{Key: [32]byte(bytes.Repeat([]byte{2}, 32))}},
		Offer:     srp.Kind{Profile: srp.Nescio(), KDF: cost, Groups: []*srp.Group{group}},
	})
	check(err)
	return server, moduli.NewKeys(key.Public())
}

// A search that stops and continues, here or on another machine.
func ExampleSearch() {
	start, err := moduli.RandomStart(512)
	if err != nil {
		log.Fatal(err)
	}
	search, err := moduli.NewSearch(start)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err = search.Run(ctx, nil)
	fmt.Println(err)

	saved, err := search.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}
	var again moduli.Search
	if err := again.UnmarshalBinary(saved); err != nil {
		log.Fatal(err)
	}
	result, err := again.Run(context.Background(), nil)
	fmt.Println(result.Bits(), err)
	// Output:
	// context canceled
	// 512 <nil>
}

// A group in the form of openssl dhparam, out and in again.
func ExampleParsePEM() {
	group, err := srp.RFC5054Group(2048)
	if err != nil {
		log.Fatal(err)
	}
	text, err := moduli.Modulus{N: group.Unverified().N, G: 2}.PEM()
	if err != nil {
		log.Fatal(err)
	}
	modulus, err := moduli.ParsePEM(text)
	fmt.Println(modulus.Bits(), modulus.G, err)
	// Output: 2048 2 <nil>
}
