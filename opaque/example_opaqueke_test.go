package opaque_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
)

// A deployment of opaque-ke: its setup and its records continue, on the RFC's
// wire with its clients, and on the framed wire with new clients.
func ExampleImportRecord() {
	old := opaqueKEAccount() // what its database and its vault have
	setup, err := opaque.ParseSetup(old.setup)
	if err != nil {
		log.Fatal(err)
	}
	ksf, err := kdf.NewArgon2id(1024, 2, 1) // its clients': memory in KiB, iterations, parallelism
	if err != nil {
		log.Fatal(err)
	}
	record, err := opaque.ImportRecord(1, setup, ksf, nil, old.record)
	if err != nil {
		log.Fatal(err)
	}
	client, err := opaque.NewClient(opaque.ClientConfig{Wire: opaque.WireRFC9807, FixedKSF: ksf})
	if err != nil {
		log.Fatal(err)
	}
	server, err := opaque.NewServer(opaque.ServerConfig{
		DecoyKey:  decoyKey,
		StateKeys: stateKeys(),
		Setups:    map[uint16]*opaque.Setup{1: setup},
		Offer:     opaque.Kind{Setup: 1, KSF: ksf},
		Wire:      opaque.WireRFC9807,
	})
	if err != nil {
		log.Fatal(err)
	}
	stored := record.Bytes()
	fmt.Println("usable:", server.Check(stored) == nil)

	ctx := context.Background()
	login, ke1, err := client.Login(nil, []byte("hunter42"))
	if err != nil {
		log.Fatal(err)
	}
	ke2, pending, err := server.BeginLogin(ctx, old.id, stored, ke1)
	if err != nil {
		log.Fatal(err)
	}
	ke3, err := login.Respond(ctx, ke2)
	if err != nil {
		log.Fatal(err)
	}
	_, key, err := server.FinishLogin(ctx, old.id, stored, pending, ke3)
	fmt.Println(len(ke1), len(ke2), len(ke3), len(key), err)
	// Output:
	// usable: true
	// 96 320 64 64 <nil>
}

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
