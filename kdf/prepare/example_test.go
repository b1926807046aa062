package prepare_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/kdf/prepare"
)

// A client prepares what the user typed, before a registration and before every
// login.
func Example() {
	name, err := prepare.Username("Jose\u0301") // a letter and an accent
	if err != nil {
		log.Fatal(err)
	}
	password, err := prepare.Password([]byte("correct\u00a0horse")) // a no-break space
	if err != nil {
		log.Fatal(err)
	}
	defer clear(password)
	fmt.Printf("%s %q\n", name, password)

	_, err = prepare.Password([]byte("two\tlines"))
	fmt.Println(err)
	// Output:
	// josé "correct horse"
	// prepare: text must be 1 to 1,024 bytes that RFC 8265 allows
}

// errPassword stands for the ErrAuthentication of package srp or opaque.
var errPassword = errors.New("wrong password")

// Accounts that registered before the client prepared passwords. The client
// tries the prepared password first, then the password as typed if the two
// differ. The server counts each attempt: a user with a wrong password uses up
// two, and never more. After a login with the password as typed, the client
// registers the prepared password. From then on the account needs one attempt.
func Example_olderAccounts() {
	// The server has a record of the password as it was typed.
	registered, attempts := []byte("correct\u00a0horse"), 0
	login := func(password []byte) error {
		attempts++ // a real server refuses logins after too many attempts
		if !bytes.Equal(password, registered) {
			return errPassword
		}
		return nil
	}
	register := func(password []byte) error {
		registered = bytes.Clone(password)
		return nil
	}

	// The client.
	logIn := func(typed []byte) error {
		prepared, err := prepare.Password(typed)
		if err != nil { // only an older account can have such a password
			return login(typed)
		}
		defer clear(prepared)
		err = login(prepared)
		if !errors.Is(err, errPassword) || bytes.Equal(prepared, typed) {
			return err
		}
		if err := login(typed); err != nil {
			return err
		}
		return register(prepared)
	}
	for _, typed := range []string{"correct\u00a0horse", "correct\u00a0horse", "correct horse", "wrong\u00a0horse"} {
		attempts = 0
		err := logIn([]byte(typed))
		fmt.Println(attempts, err)
	}
	// Output:
	// 2 <nil>
	// 1 <nil>
	// 1 <nil>
	// 2 wrong password
}
