package srp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
)

// rows is a Replay in memory. In a database it is one statement, INSERT INTO used
// (id, expires) VALUES (?, ?), with id as the primary key. A duplicate means that
// the id was not new. Delete rows when they have expired.
type rows struct {
	mu   sync.Mutex
	used map[[16]byte]time.Time
}

func (r *rows) Consume(_ context.Context, id [16]byte, expires time.Time) (first bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, used := r.used[id]; used {
		return false, nil
	}
	r.used[id] = expires
	return true, nil
}

// Two replicas share the keys and a Replay. One finishes a login that the other
// began. The login cannot be finished a second time.
func ExampleReplay() {
	ctx := context.Background()
	group, err := srp.RFC5054Group(2048)
	if err != nil {
		log.Fatal(err)
	}
	profile := srp.RFC5054SHA256(0)
	config := srp.ServerConfig{
		DecoyKey:  [32]byte{1}, // random, from a vault
		StateKeys: []srp.StateKey{{Key: [32]byte{2}}},
		Offer:     srp.Kind{Profile: profile, Groups: []*srp.Group{group}},
		Replay:    &rows{used: make(map[[16]byte]time.Time)},
	}
	one, err := srp.NewServer(config)
	if err != nil {
		log.Fatal(err)
	}
	two, err := srp.NewServer(config)
	if err != nil {
		log.Fatal(err)
	}
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile}})
	if err != nil {
		log.Fatal(err)
	}
	record := exampleRecordOf(client, one, "alice", "correct horse")

	login, request, err := client.Login([]byte("alice"), []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	response, pending, err := one.BeginLogin(ctx, []byte("alice"), record, request)
	if err != nil {
		log.Fatal(err)
	}
	final, err := login.Respond(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = two.FinishLogin(ctx, []byte("alice"), record, pending, final)
	fmt.Println("the other replica:", err)
	_, _, err = one.FinishLogin(ctx, []byte("alice"), record, pending, final)
	fmt.Println("sent again:", err)
	// Output:
	// the other replica: <nil>
	// sent again: nescio: no such login in progress
}

// Server and client of Proton's JSON. encoding/json writes byte slices in base64,
// as Proton does. SRPSession is the handle of the pending state.
func ExampleServer_Verify() {
	ctx := context.Background()
	server, client, key, record := protonService()
	sessions := make(map[string][]byte)

	// POST /auth/info
	c, pending, err := server.Challenge(ctx, []byte("alice"), record)
	if err != nil {
		log.Fatal(err)
	}
	sessions["session-1"] = pending
	version, _ := c.Profile.ProtonVersion()
	info, err := json.Marshal(map[string]any{
		"Version": version, "Modulus": string(c.Group.Certificate),
		"ServerEphemeral": c.B, "Salt": c.Salt, "SRPSession": "session-1",
	})
	if err != nil {
		log.Fatal(err)
	}

	// The client reads it.
	var got struct {
		Version               int
		Modulus, SRPSession   string
		ServerEphemeral, Salt []byte
	}
	if err := json.Unmarshal(info, &got); err != nil {
		log.Fatal(err)
	}
	n, err := key.Modulus([]byte(got.Modulus))
	if err != nil {
		log.Fatal(err)
	}
	login, _, err := client.Login(nil, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	proof, err := login.Answer(ctx, srp.Challenge{
		Profile: srp.Proton(got.Version),
		Group:   srp.UnverifiedGroup{N: n, G: openpgp.Generator, Certificate: []byte(got.Modulus)},
		Salt:    got.Salt,
		B:       got.ServerEphemeral,
	})
	if err != nil {
		log.Fatal(err)
	}

	// POST /auth has ClientEphemeral, ClientProof and SRPSession.
	pending = sessions[got.SRPSession]
	delete(sessions, got.SRPSession)
	serverProof, serverKey, err := server.Verify(ctx, []byte("alice"), record, pending, proof)
	if err != nil {
		log.Fatal(err)
	}
	clientKey, err := login.Confirm(serverProof)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ServerProof:", len(serverProof), "bytes; keys equal:", bytes.Equal(clientKey, serverKey))
	// Output: ServerProof: 256 bytes; keys equal: true
}

// An accessory and a controller pair. The values go into TLV8 items unchanged.
func ExampleHomeKit() {
	ctx := context.Background()
	group, err := srp.RFC5054Group(3072)
	if err != nil {
		log.Fatal(err)
	}
	accessory, err := srp.NewServer(srp.ServerConfig{
		DecoyKey:  [32]byte{1}, // random, at every start
		StateKeys: []srp.StateKey{{Key: [32]byte{2}}},
		Offer:     srp.Kind{Profile: srp.HomeKit(), Groups: []*srp.Group{group}},
	})
	if err != nil {
		log.Fatal(err)
	}
	controller, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.HomeKit()}})
	if err != nil {
		log.Fatal(err)
	}
	name, code := []byte("Pair-Setup"), []byte("518-08-582")
	record := exampleRecordOf(controller, accessory, string(name), string(code)) // by the accessory, which knows its code

	m2, pending, err := accessory.Challenge(ctx, name, record)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("M2: Salt", len(m2.Salt), "PublicKey", len(m2.B))
	login, _, err := controller.Login(name, code)
	if err != nil {
		log.Fatal(err)
	}
	m3, err := login.Answer(ctx, srp.Challenge{Profile: srp.HomeKit(), Group: group.Unverified(), Salt: m2.Salt, B: m2.B})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("M3: PublicKey", len(m3.A), "Proof", len(m3.M1))
	m4, accessoryKey, err := accessory.Verify(ctx, name, record, pending, m3)
	if err != nil {
		log.Fatal(err)
	}
	controllerKey, err := login.Confirm(m4)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("M4: Proof", len(m4), "keys equal:", bytes.Equal(accessoryKey, controllerKey))
	// Output:
	// M2: Salt 16 PublicKey 384
	// M3: PublicKey 384 Proof 64
	// M4: Proof 64 keys equal: true
}

// ImportSJCL makes a record from a verifier of SJCL. Its leading zero bytes may be
// missing.
func ExampleImportSJCL() {
	group, err := srp.RFC5054Group(2048)
	if err != nil {
		log.Fatal(err)
	}
	name, salt, verifier := sjclRow()
	record, err := srp.ImportSJCL(group.Unverified(), name, salt, verifier)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(record.Profile(), "needs upgrade:", record.NeedsUpgrade())
	// Output: rfc5054-sha1 needs upgrade: true
}

// State keys rotate while handlers use the server, which they load from current.
// Logins in progress can still finish. Every replica gets the next key before its
// time comes.
func ExampleServer_WithStateKeys() {
	ctx := context.Background()
	server, client, _, record := protonService()
	var current atomic.Pointer[srp.Server]
	current.Store(server)
	login, request, err := client.Login(nil, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	response, pending, err := current.Load().BeginLogin(ctx, []byte("alice"), record, request)
	if err != nil {
		log.Fatal(err)
	}

	var fresh [32]byte
	rand.Read(fresh[:])
	tomorrow := time.Now().Add(24 * time.Hour)
	next, err := current.Load().WithStateKeys(append(testStateKeys, srp.StateKey{Key: fresh, NotBefore: tomorrow}))
	if err != nil {
		log.Fatal(err)
	}
	current.Store(next)

	final, err := login.Respond(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = current.Load().FinishLogin(ctx, []byte("alice"), record, pending, final)
	fmt.Println("finished after the rotation:", err)
	// Output: finished after the rotation: <nil>
}
