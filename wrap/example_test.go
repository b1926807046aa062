package wrap_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/wrap"
)

// A data key, wrapped under a key from elsewhere, such as a password hash, an
// OPAQUE export key or a passkey.
func Example() {
	ctx := context.Background()
	secret := []byte("32 bytes from a password hash...")
	kek, err := wrap.DeriveKey(secret, nil, "example.org/notes/kek/v1")
	if err != nil {
		log.Fatal(err)
	}
	binding := wrap.Binding{
		Purpose: "example.org/notes/v1",
		Account: []byte("16 random bytes."),
		Epoch:   1,
	}
	dataKey := []byte("thirty-two bytes of data key....")
	blob, err := kek.Wrap(ctx, dataKey, binding) // store it anywhere
	if err != nil {
		log.Fatal(err)
	}

	again, err := kek.Unwrap(ctx, blob, binding)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(blob), string(again) == string(dataKey))

	binding.Epoch = 2 // an old blob in place of a new one
	_, err = kek.Unwrap(ctx, blob, binding)
	fmt.Println(err)
	fmt.Println(kek)
	// Output:
	// 106 true
	// wrap: cannot open
	// wrap.Key(redacted)
}

// keyService is a Wrapper with a key that never leaves a service. The secret to
// wrap crosses the network, so it suits keys but not large data.
type keyService struct {
	call func(ctx context.Context, operation string, data []byte, b wrap.Binding) ([]byte, error)
}

func (s keyService) Wrap(ctx context.Context, secret []byte, b wrap.Binding) ([]byte, error) {
	return s.call(ctx, "wrap", secret, b)
}

func (s keyService) Unwrap(ctx context.Context, blob []byte, b wrap.Binding) ([]byte, error) {
	return s.call(ctx, "unwrap", blob, b)
}

// A key service or an HSM instead of a key. With Double the service sees only
// the middle key, and the secret stays here.
func ExampleWrapper() {
	inside := wrap.NewKey() // the service's own key
	service := keyService{func(ctx context.Context, operation string, data []byte, b wrap.Binding) ([]byte, error) {
		fmt.Println("service:", operation, "for", b.Purpose)
		switch operation {
		case "wrap":
			return inside.Wrap(ctx, data, b)
		case "unwrap":
			return inside.Unwrap(ctx, data, b)
		}
		return nil, errors.New("unknown operation")
	}}
	var wrapper wrap.Wrapper = service

	ctx := context.Background()
	binding := wrap.Binding{Purpose: "example.org/master-key/v1", Account: []byte("16 random bytes."), Epoch: 1}
	wrappedKey, wrappedSecret, err := wrap.Double(ctx, wrapper, binding, []byte("master key"))
	if err != nil {
		log.Fatal(err)
	}
	secret, err := wrap.OpenDouble(ctx, wrapper, binding, wrappedKey, wrappedSecret)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", secret)
	// Output:
	// service: wrap for example.org/master-key/v1
	// service: unwrap for example.org/master-key/v1
	// master key
}

// A new password, with today's costs. The data key is wrapped again, for the
// next epoch. What it encrypts stays the same.
func ExampleRewrap() {
	ctx := context.Background()
	passwordKey := func(password string, params kdf.Params) *wrap.Key {
		function, err := kdf.New(params, kdf.Policy{})
		if err != nil {
			log.Fatal(err)
		}
		secret, err := function.Derive(ctx, []byte(password), 32)
		if err != nil {
			log.Fatal(err)
		}
		key, err := wrap.DeriveKey(secret, nil, "example.org/notes/password-key/v1")
		if err != nil {
			log.Fatal(err)
		}
		return key
	}
	binding := wrap.Binding{Purpose: "example.org/notes/v1", Account: []byte("16 random bytes."), Epoch: 1}

	// The parameters and the blob that were stored when the account was made.
	stored, err := kdf.ParseParams("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA")
	if err != nil {
		log.Fatal(err)
	}
	blob, err := passwordKey("old password", stored).Wrap(ctx, []byte("thirty-two bytes of data key...."), binding)
	if err != nil {
		log.Fatal(err)
	}

	params := kdf.Default().WithNewSalt()
	oldKey, newKey := passwordKey("old password", stored), passwordKey("new password", params)
	next := binding
	next.Epoch++
	blob, err = wrap.Rewrap(ctx, oldKey, binding, newKey, next, blob)
	if err != nil {
		log.Fatal(err)
	}

	dataKey, err := newKey.Unwrap(ctx, blob, next)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %v\n", dataKey, params.Cost() > stored.Cost())
	_, err = oldKey.Unwrap(ctx, blob, next)
	fmt.Println(err)
	// Output:
	// thirty-two bytes of data key.... true
	// wrap: cannot open
}

// Double wrapping. The outer key changes, and the blob of the secret stays the
// same.
func ExampleDouble() {
	ctx := context.Background()
	binding := wrap.Binding{Purpose: "example.org/master-key/v1", Account: []byte("16 random bytes."), Epoch: 1}
	phraseKey := wrap.NewKey()
	wrappedKey, wrappedSecret, err := wrap.Double(ctx, phraseKey, binding, []byte("master key"))
	if err != nil {
		log.Fatal(err)
	}

	// A new phrase. Only the middle key is wrapped again, for the same binding.
	newPhraseKey := wrap.NewKey()
	wrappedKey, err = wrap.Rewrap(ctx, phraseKey, binding, newPhraseKey, binding, wrappedKey)
	if err != nil {
		log.Fatal(err)
	}

	secret, err := wrap.OpenDouble(ctx, newPhraseKey, binding, wrappedKey, wrappedSecret)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", secret)
	_, err = wrap.OpenDouble(ctx, phraseKey, binding, wrappedKey, wrappedSecret)
	fmt.Println(err)
	// Output:
	// master key
	// wrap: cannot open
}
