package srp_test

import (
	"context"
	"encoding/json"
	"log"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
)

// Data for the examples.

type authInfo struct {
	Version         int
	Modulus         string
	Salt            []byte
	ServerEphemeral []byte
}

func exampleVectors() (v protonVectors) {
	raw, err := testdata.ReadFile("testdata/proton.json")
	if err != nil {
		log.Fatal(err)
	}
	file := struct{ Vectors *protonVectors }{&v}
	if err := json.Unmarshal(raw, &file); err != nil {
		log.Fatal(err)
	}
	return v
}

func protonAuthInfo() authInfo {
	v := exampleVectors().Login[0]
	return authInfo{v.Version, v.SignedModulus, v.Salt, v.ServerEphemeral}
}

func groupOnThisDevice() (n []byte, digest [32]byte) {
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	if err != nil {
		log.Fatal(err)
	}
	n, err = key.Modulus([]byte(exampleVectors().SecondSignedModulus))
	if err != nil {
		log.Fatal(err)
	}
	g, err := srp.NewGroup(n, openpgp.Generator)
	if err != nil {
		log.Fatal(err)
	}
	return n, g.Digest()
}

func exampleRecord() *srp.Record {
	group, err := srp.RFC5054Group(2048)
	if err != nil {
		log.Fatal(err)
	}
	record, err := srp.RegisterWith(srp.RFC5054SHA256(0), group.Unverified(), kdf.Params{}, []byte("alice"), []byte("pw"), make([]byte, 16))
	if err != nil {
		log.Fatal(err)
	}
	return record
}

// protonService is a server on a modulus that Proton signed, a client, the key
// that it trusts, and the record of an account.
func protonService() (*srp.Server, *srp.Client, *openpgp.Key, []byte) {
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	if err != nil {
		log.Fatal(err)
	}
	message := []byte(exampleVectors().SecondSignedModulus)
	n, err := key.Modulus(message)
	if err != nil {
		log.Fatal(err)
	}
	group, err := srp.NewGroup(n, openpgp.Generator)
	if err != nil {
		log.Fatal(err)
	}
	group, err = group.WithCertificate(message)
	if err != nil {
		log.Fatal(err)
	}
	accounts := srp.Kind{Profile: srp.Proton(4), Groups: []*srp.Group{group}, Weight: 1}
	server, err := srp.NewServer(srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys, Offer: accounts})
	if err != nil {
		log.Fatal(err)
	}
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.Proton(4)}, GroupPolicy: key.GroupPolicy()})
	if err != nil {
		log.Fatal(err)
	}
	record, err := makeOfKind(context.Background(), client, accounts, nil, []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	return server, client, key, record.Bytes()
}

func sjclRow() (name, salt, verifier []byte) {
	raw, err := testdata.ReadFile("testdata/sjcl.json")
	if err != nil {
		log.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			I    string      `json:"I"`
			Salt testvec.Hex `json:"s"`
			V    testvec.Hex `json:"v"`
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		log.Fatal(err)
	}
	return []byte(file.Vectors[1].I), file.Vectors[1].Salt, file.Vectors[1].V
}

func exampleAccount() (client *srp.Client, server *srp.Server, record []byte) {
	client, err := srp.NewClient(srp.ClientConfig{KDFPolicy: kdf.FixedPolicy(srp.SmallKDF(srp.Nescio()))})
	if err != nil {
		log.Fatal(err)
	}
	accounts := srp.DefaultKind()
	accounts.KDF = srp.SmallKDF(srp.Nescio())
	server, err = srp.NewServer(srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys, Offer: accounts})
	if err != nil {
		log.Fatal(err)
	}
	r, err := makeOfKind(context.Background(), client, accounts, []byte("alice"), []byte("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	return client, server, r.Bytes()
}

// exampleRecordOf registers a name and returns the record that the server stores.
func exampleRecordOf(client *srp.Client, server *srp.Server, name, password string) []byte {
	ctx := context.Background()
	registration, request, err := client.Register([]byte(name), []byte(password))
	if err != nil {
		log.Fatal(err)
	}
	response, err := server.BeginRegistration(ctx, []byte(name), request)
	if err != nil {
		log.Fatal(err)
	}
	upload, err := registration.Finish(ctx, response)
	if err != nil {
		log.Fatal(err)
	}
	record, err := server.FinishRegistration([]byte(name), upload)
	if err != nil {
		log.Fatal(err)
	}
	return record
}
