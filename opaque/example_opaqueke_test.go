package opaque_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
)

// An account of @serenity-kit/opaque 1.1.0, which is opaque-ke 4. It is the
// first account of testdata/opaque-serenity.json.
const (
	opaqueKEID    = "20e14cd8-ab09-4f4b-87a8-06d2e2e9ff68"
	opaqueKESetup = "M2PP8TLxXbix3t-nVo1whVq0q9f4Nz4JWeBUp6_rabtJ26Q8dIyLU5N0yODf" +
		"mOZ8GIL3ZCllreMklfyJveWIdjEE6uhRhg72TSm8NT_bIDUU3E3FLbSGOu0O" +
		"xJIIJUgFDLez0HSE-Ml_fDktXPM_p2qlGmDz3d_68DP7VZ3DSUU"
	opaqueKERecord = "EPlPjhJV7owpr0aqRZrT0eRV5sxmZAbO5IDOaLZDHnkd3yYfEpWElJ0CuN2D" +
		"IaN9-xsY9xTsondqOTQf4aBEmhy6Y0uHjnolxf-VL99ltA0QMcH_lQeOJaxB" +
		"W1nib27Z7Y1UBFbXNbmUli-WIymz0iLHqWuzH7UOP80kwFc3_d7Z8boTxM27" +
		"AmTNmS3oANFJ1184IeSZD9miRN1Vtngef2_UmKAD84a0UB_Gshaj_jY259hn" +
		"DqPzV7WIn5pEXvtb"
)

// fromBase64 decodes base64url without padding, as @serenity-kit/opaque has it.
func fromBase64(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		log.Fatal(err)
	}
	return b
}

// A service with opaque-ke, the library below @serenity-kit/opaque, keeps its
// setup and its records. Its clients log in on WireRFC9807. New clients log in
// on WireFramed, at a second Server with the same setup and records.
//
// The KSF must be Argon2id. The right password returns ErrAuthentication if the
// service had another KSF, and records do not show it. Look at Ksf of the
// CipherSuite of the service, and at the KSF that its clients pass to finish.
// Users of a service with ksf::Identity register again, inside a login to the
// old software.
func ExampleImportRecord() {
	id := []byte(opaqueKEID)
	setup, err := opaque.ParseSetup(fromBase64(opaqueKESetup))
	if err != nil {
		log.Fatal(err)
	}
	ksf, err := kdf.NewArgon2id(1024, 2, 1) // keyStretching of its clients: KiB, iterations, parallelism
	if err != nil {
		log.Fatal(err)
	}
	record, err := opaque.ImportRecord(1, setup, ksf, nil, fromBase64(opaqueKERecord))
	if err != nil {
		log.Fatal(err)
	}
	client, err := opaque.NewClient(opaque.ClientConfig{Wire: opaque.WireRFC9807, FixedKSF: ksf})
	if err != nil {
		log.Fatal(err)
	}
	cfg := exampleConfig()
	cfg.Setups[1] = setup
	cfg.Offer = opaque.Kind{Setup: 1, KSF: ksf}
	cfg.Wire = opaque.WireRFC9807
	server, err := opaque.NewServer(cfg)
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
	ke2, pending, err := server.BeginLogin(ctx, id, stored, ke1)
	if err != nil {
		log.Fatal(err)
	}
	ke3, err := login.Respond(ctx, ke2)
	if err != nil {
		log.Fatal(err)
	}
	_, key, err := server.FinishLogin(ctx, id, stored, pending, ke3)
	fmt.Println(len(ke1), len(ke2), len(ke3), len(key), err)
	// Output:
	// usable: true
	// 96 320 64 64 <nil>
}
