package recovery_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/recovery"
)

// signedUp returns a client of a new account with a phrase.
func signedUp(server *server) *recovery.Client {
	phrase, err := recovery.NewPhrase(12)
	check(err)
	client := recovery.NewClient(new(memory), server)
	check(client.Create(context.Background(), phrase))
	return client
}

// A user makes a recovery file, and later opens the keyring with it. The server
// stores its half with the header, but not in it. The user gets the file when
// both are stored. If anything fails, make a new file: a File makes one slot.
// The server releases its half only after a login or a review.
func ExampleFile() {
	ctx := context.Background()
	server := new(server)
	client := signedUp(server)
	halves := make(map[recovery.SlotID][]byte) // at the server

	file := recovery.NewFile()
	slot, err := client.Seal(ctx, file)
	check(err)
	halves[file.ID()] = file.ServerSecret()
	check(client.Change(ctx, func(e *recovery.Edit) error { return e.Add(slot) }))
	text := file.Text() // the user keeps it
	fmt.Println(text[:36])

	parsed, err := recovery.ParseFile("Alice's file:\r\n" + text)
	check(err)
	complete, err := parsed.WithServerSecret(halves[parsed.ID()])
	check(err)
	device := recovery.NewClient(new(memory), server)
	check(device.OpenFirst(ctx, client.Account(), complete))
	fmt.Println(device.OpenedBy() == slot.ID())
	// Output:
	// -----BEGIN NESCIO RECOVERY FILE-----
	// true
}

// authenticator stands for the PRF of a passkey on a browser.
func authenticator(salt [32]byte) []byte {
	output := sha256.Sum256(slices.Concat([]byte("the passkey's key"), salt[:]))
	return output[:]
}

// A passkey becomes a slot, and later opens the keyring.
//
// In both ceremonies, the salt is the input eval.first of WebAuthn's PRF
// extension. Few authenticators return the output from create(). Ask for
// prf.enabled there, and get the output from get(). Authenticators have one PRF
// with user verification and another one without it.
//
// If the account is known, pass get() the salts of its passkey slots in
// evalByCredential, by credential id. A discoverable login does not know the
// account when the PRF runs. It needs one constant salt for the whole service,
// which is safe: each credential has its own PRF, and each slot adds a random
// salt.
func ExamplePasskey() {
	ctx := context.Background()
	server := new(server)
	client := signedUp(server)

	passkey := recovery.Passkey{
		Salt:             sha256.Sum256([]byte("example.org/passkey-salt/v1")),
		CredentialIDHash: sha256.Sum256([]byte("the credential id")),
		RPID:             "example.org",
		UserVerified:     true,
	}
	id, err := client.Add(ctx, passkey.WithPRF(authenticator(passkey.Salt)))
	check(err)

	for _, slot := range client.Slots() { // with the header, before the ceremony
		wanted, err := recovery.ParsePasskeySlot(slot)
		if err != nil {
			continue // another type
		}
		device := recovery.NewClient(new(memory), server)
		check(device.OpenFirst(ctx, client.Account(), wanted.WithPRF(authenticator(wanted.Salt))))
		fmt.Println(device.OpenedBy() == id)
	}
	// Output: true
}

// An account that logs in with SRP has a password slot. The server stores the
// slot's id with the record of the login, and sends it after the login. The
// user also keeps a secret key. The application asks the user for it and does
// not look at the header, because the server could answer that there is none.
func ExamplePassword() {
	ctx := context.Background()
	server := new(server)
	secretKey := recovery.NewSecretKey()
	client := recovery.NewClient(new(memory), server)
	check(client.Create(ctx, recovery.NewPassword([]byte("correct horse"), secretKey)))
	withRecord := client.OpenedBy() // the server stores it

	typed, err := recovery.ParseSecretKey(strings.ToLower(secretKey.Text()))
	check(err)
	password := recovery.NewPassword([]byte("correct horse"), typed)
	password.Slot = withRecord
	check(client.OpenAfterLogin(ctx, password))

	password = recovery.NewPassword([]byte("correct horse"), nil)
	err = client.Open(ctx, password)
	fmt.Println("without the secret key:", errors.Is(err, recovery.ErrWrongSecret))
	// Output: without the secret key: true
}

// A phrase has a login of its own, which guards the download of the header. The
// user sees the words first. Then the server stores the record of this login,
// and then the slot is added.
//
// The login's id is not UTF-8, so nobody can register it as a name. The server
// computes it from the user's prepared name, and does not prepare it again.
func ExamplePhrase_AuthSecret() {
	ctx := context.Background()
	client := signedUp(new(server))

	phrase, err := recovery.NewPhrase(12)
	check(err)
	fmt.Println(len(strings.Fields(phrase.Words())), "words") // the user writes them down
	id := recovery.PhraseLoginID([]byte("alice"))
	password, err := phrase.AuthSecret()
	check(err)
	fmt.Println(len(id), len(password)) // register them with SRP or OPAQUE
	_, err = client.Add(ctx, phrase)
	fmt.Println(err)
	// Output:
	// 12 words
	// 53 32
	// <nil>
}
