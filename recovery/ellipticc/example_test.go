package ellipticc_test

import (
	"context"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/ellipticc"
	"github.com/nescio-go/nescio/wrap"
)

// An account moves here. Its old master key becomes a wrapped secret that every
// device of the account can read old data with.
func Example() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	fields := ellipticc.Fields{ // from the old server
		EncryptedRecoveryKey: "W5CNZLZiU5Y2U0i0W33s6tAo8g6t0Ughjti/N5qaYQ2N4qeQ+vV1pIxM4knSQ1LK",
		RecoveryKeyNonce:     "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
		EncryptedMasterKey:   "cgBQxfnN5plGuy7GnAAJAX0SVwPU6dkuYBmQLwjEpZkME+h4mGnzI16MvUbrrwRa",
		MasterKeyNonce:       "AgICAgICAgICAgICAgICAgICAgICAgIC",
	}
	typed, err := recovery.ParsePhrase("  Abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon ABOUT ")
	check(err) // a typing error, and where it is
	old, err := ellipticc.Open(typed.Words(), fields)
	check(err) // ErrOpen: another phrase
	defer clear(old[:])

	// The new account has a new phrase. The server stores draft.Header().
	phrase, err := recovery.NewPhrase(12)
	check(err)
	draft, err := recovery.Create(ctx, phrase)
	check(err)
	keyring := draft.Stored()

	// The old key is wrapped once. The server stores the blob.
	binding := wrap.Binding{Purpose: "example.org/ellipticc-master-key/v1"}
	blob, err := keyring.Wrap(old[:], binding)
	check(err)

	// Old data is read with it. New data gets a key that the old server cannot
	// know.
	reading, err := keyring.UnwrapOld(blob, binding)
	check(err)
	_, newBlob, err := keyring.Generate(wrap.Binding{Purpose: "example.org/folder/v1", Item: []byte("photos")})
	check(err)
	fmt.Println("the old key, for reading:", [32]byte(reading) == old)
	fmt.Println("blobs:", len(blob), len(newBlob))
	// Output:
	// the old key, for reading: true
	// blobs: 116 116
}
