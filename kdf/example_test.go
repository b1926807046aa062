package kdf_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/nescio-go/nescio/kdf"
)

// A password becomes a key. Later it becomes the same key again, with the
// stored parameters.
func Example() {
	ctx := context.Background()
	password := []byte("correct horse battery staple")

	params := kdf.Default().WithNewSalt()
	function, err := kdf.New(params, kdf.Policy{})
	if err != nil {
		log.Fatal(err)
	}
	key, err := function.Derive(ctx, password, 32)
	if err != nil {
		log.Fatal(err)
	}
	stored := params.String()

	params, err = kdf.ParseParams(stored)
	if err != nil {
		log.Fatal(err)
	}
	function, err = kdf.New(params, kdf.Policy{}) // the storage may have changed them
	if err != nil {
		log.Fatal(err)
	}
	again, err := function.Derive(ctx, password, 32)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stored[:31], string(key) == string(again))
	// Output: $argon2id$v=19$m=65536,t=3,p=4$ true
}

// Parameters from a server may be too weak, or exceed what the machine can
// bear. New refuses them before any work.
func ExampleNew() {
	for _, text := range []string{
		"$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA",
		"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA",
		"$argon2id$v=19$m=2147483647,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA",
	} {
		params, err := kdf.ParseParams(text)
		if err != nil {
			log.Fatal(err)
		}
		_, err = kdf.New(params, kdf.Policy{})
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// kdf: parameters below the policy's floor: memory
	// kdf: parameters above the policy's ceiling: memory
}

// Parameters that RFC 9807 fixes, with its salt of 16 zero bytes.
func ExampleFixedPolicy() {
	params, err := kdf.RFC9807Scrypt().WithSalt(make([]byte, 16))
	if err != nil {
		log.Fatal(err)
	}
	_, err = kdf.New(params, kdf.Policy{})
	fmt.Println(errors.Is(err, kdf.ErrWeak))
	function, err := kdf.New(params, kdf.FixedPolicy(kdf.RFC9807Scrypt()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(function.NeedsUpgrade())
	// Output:
	// true
	// true
}

// Costs for this machine. The ceiling fits the memory of every device of the
// account.
func ExampleCalibrate() {
	policy := kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: 128 << 10}} // KiB
	report, err := kdf.Calibrate(context.Background(), kdf.Argon2id, 200*time.Millisecond, policy)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Params.Algorithm(), policy.Check(report.Params))
	// Output: argon2id <nil>
}

// Autonomail calibrates PBKDF2 to one second and keeps the number of iterations
// on the device.
func ExampleParams_WithoutIterations() {
	params, err := kdf.NewPBKDF2SHA512(1_234_567) // or kdf.Calibrate(ctx, kdf.PBKDF2SHA512, 0, policy)
	if err != nil {
		log.Fatal(err)
	}
	public, onDevice, err := params.WithNewSalt().WithoutIterations()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(onDevice, public.String()[:15])

	params, err = public.WithIterations(onDevice)
	if err != nil {
		log.Fatal(err)
	}
	_, err = kdf.New(params, kdf.Policy{})
	fmt.Println(err)
	// Output:
	// 1234567 $pbkdf2-sha512$
	// <nil>
}

// An application that stores scrypt parameters of its own.
func ExampleNewScrypt() {
	params, err := kdf.NewScrypt(1<<16, 8, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(params, params.Memory()>>20, "MiB")
	fmt.Println(kdf.Policy{}.Check(params))
	// Output:
	// $scrypt$ln=16,r=8,p=1 64 MiB
	// <nil>
}

// The Argon2id parameters of OPAQUE take more memory than the zero Policy
// allows.
func ExampleRFC9807Argon2id() {
	params := kdf.RFC9807Argon2id()
	fmt.Println(params, params.Memory()>>20, "MiB")
	fmt.Println(kdf.Policy{}.Check(params))
	fmt.Println(kdf.FixedPolicy(params).Check(params))
	// Output:
	// $argon2id$v=19$m=2097152,t=1,p=4 2048 MiB
	// kdf: parameters above the policy's ceiling: memory
	// <nil>
}

// The passphrase of a Proton user's OpenPGP keys.
func ExampleProtonKeyPassword() {
	salt := []byte("16 bytes of salt") // the server sends it in base64
	passphrase, err := kdf.ProtonKeyPassword([]byte("correct horse"), salt)
	if err != nil {
		log.Fatal(err)
	}
	defer clear(passphrase)
	fmt.Println(len(passphrase), "characters")
	// Output: 31 characters
}
