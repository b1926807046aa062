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

// Parameters from a server may be too weak, or too much for the machine. New
// refuses them before anything runs.
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

// A policy for parameters that something else fixes.
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

// Costs for this machine, within the memory of every device of the account.
func ExampleCalibrate() {
	policy := kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: 128 << 10}} // KiB
	report, err := kdf.Calibrate(context.Background(), kdf.Argon2id, 200*time.Millisecond, policy)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Params.Algorithm(), policy.Check(report.Params))
	// Output: argon2id <nil>
}

// Autonomail calibrates PBKDF2 to one second and keeps the count on the device.
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
