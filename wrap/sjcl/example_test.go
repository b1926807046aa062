package sjcl_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/wrap/sjcl"
)

// Private data of Autonomail, with tags of 64 bits.
func Example() {
	ctx := context.Background()
	text := []byte(`{"iv":"oKGio6SlpqeoqaqrrK2urw==","v":1,"iter":10000,"ks":256,"ts":64,"mode":"gcm",` +
		`"adata":"Y3R4","cipher":"aes","ct":"0fF3buWBqyGqwhtHxaHBWJ6Al5So8fhB"}`)
	// The server stores the salt. The device stores the number of iterations,
	// which is not iter above. It is below every floor. FixedPolicy allows it,
	// because it comes from the user's device.
	salt, err := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		log.Fatal(err)
	}
	onDevice, err := kdf.NewPBKDF2SHA512(1000)
	if err != nil {
		log.Fatal(err)
	}
	params, err := onDevice.WithSalt(salt)
	if err != nil {
		log.Fatal(err)
	}
	function, err := kdf.New(params, kdf.FixedPolicy(onDevice))
	if err != nil {
		log.Fatal(err)
	}
	key, err := function.Derive(ctx, []byte("correct horse"), 32)
	if err != nil {
		log.Fatal(err)
	}

	message, err := sjcl.Parse(text)
	if err != nil {
		log.Fatal(err)
	}
	plaintext, err := message.OpenShortTag(key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bits of tag: %s (%s)\n", message.TagBits(), plaintext, message.AData())
	// Output: 64 bits of tag: hello autonomail (ctx)
}

// An application that writes tags of 128 bits accepts no shorter ones.
func ExampleMessage_Open() {
	key, err := hex.DecodeString("7b34d72b3aedbb7b91554546e40b31f86213a18bd9b3a03ca7d553f77879ad34")
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{
		`{"iv":"oKGio6SlpqeoqaqrrK2urw==","v":1,"iter":10000,"ks":256,"ts":128,"mode":"gcm",` +
			`"adata":"Y3R4","cipher":"aes","ct":"0fF3buWBqyGqwhtHxaHBWJ6Al5So8fhBn8NEAGgKOCU="}`,
		// The same message with half of its tag cut off.
		`{"iv":"oKGio6SlpqeoqaqrrK2urw==","v":1,"iter":10000,"ks":256,"ts":64,"mode":"gcm",` +
			`"adata":"Y3R4","cipher":"aes","ct":"0fF3buWBqyGqwhtHxaHBWJ6Al5So8fhB"}`,
	} {
		message, err := sjcl.Parse([]byte(text))
		if err != nil {
			log.Fatal(err)
		}
		plaintext, err := message.Open(key)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s\n", plaintext)
	}
	// Output:
	// hello autonomail
	// sjcl: tag shorter than 128 bits
}
