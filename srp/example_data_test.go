package srp_test

import (
	"encoding/json"
	"log"

	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
)

// What the examples take from elsewhere.

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
	record, err := srp.RegisterWith(srp.Offer{Profile: srp.RFC5054SHA256(0), Group: group.Ref()}, []byte("alice"), []byte("pw"), make([]byte, 16))
	if err != nil {
		log.Fatal(err)
	}
	return record
}
