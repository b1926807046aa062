package recovery_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log"
	"strings"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// randomBytes stands for what comes from elsewhere.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// Sign-up with two ways in, a data key under the master key, and another device
// that has nothing but the words.
func Example() {
	ctx := context.Background()
	account := randomBytes(16) // drawn by the client; the server keeps it

	// Sign-up. The export key and the record are those of OPAQUE's registration.
	phrase, err := recovery.NewPhrase(12)
	check(err)
	fmt.Println("write down", len(strings.Fields(phrase.Words())), "words")
	export := recovery.NewExport(randomBytes(64), randomBytes(192))
	keyring, err := recovery.Create(ctx, account, export, phrase)
	check(err)

	master, err := keyring.Key(keyring.Epoch())
	check(err)
	binding := wrap.Binding{Purpose: "example.org/notes/v1", Account: account, Epoch: uint64(keyring.Epoch())}
	dataKey := randomBytes(32)
	wrapped, err := master.Wrap(ctx, dataKey, binding)
	check(err)
	stored := keyring.Bytes() // → the server, with the wrapped key

	// Another device: the words, the header, and no pin yet.
	typed, err := recovery.ParsePhrase(strings.ToUpper(phrase.Words()))
	check(err)
	header, err := recovery.ParseHeader(stored)
	check(err)
	keyring, err = recovery.Open(ctx, header, typed, recovery.FirstUse(account))
	check(err)
	master, err = keyring.Key(uint32(binding.Epoch))
	check(err)
	again, err := master.Unwrap(ctx, wrapped, binding)
	check(err)
	fmt.Println("the same data key:", bytes.Equal(again, dataKey))
	// Output:
	// write down 12 words
	// the same data key: true
}

// A password that somebody else may know: it is replaced, and its slot is shut out
// of all that comes.
func ExampleKeyring_Revoke() {
	ctx := context.Background()
	phrase, err := recovery.NewPhrase(12)
	check(err)
	old := recovery.NewPassword([]byte("correct horse"), nil)
	keyring, err := recovery.Create(ctx, randomBytes(16), phrase)
	check(err)
	id, err := keyring.Add(ctx, old)
	check(err)
	before := keyring.Header() // on the server

	_, err = keyring.Add(ctx, recovery.NewPassword([]byte("battery staple"), nil))
	check(err)
	check(keyring.Revoke(ctx, id))
	pin, err := keyring.Pin()
	check(err)
	fmt.Println("epoch:", keyring.Epoch())

	_, err = recovery.Open(ctx, keyring.Header(), old, pin)
	fmt.Println("the old password:", err)
	_, err = recovery.Open(ctx, before, old, pin)
	fmt.Println("in an old header:", err)
	_, err = keyring.Key(1) // what data keys of before are wrapped under
	fmt.Println("the old master key:", err)
	// Output:
	// epoch: 2
	// the old password: recovery: no slot opens with this
	// in an old header: recovery: the header is older than one seen before
	// the old master key: <nil>
}

// The words also log in: an account of their own, whose password is the phrase's
// AuthSecret, guards the download of the header.
func ExamplePhrase_AuthSecret() {
	ctx := context.Background()
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	check(err)
	server, err := opaque.NewServer(opaque.ServerConfig{
		DecoyKey:  [32]byte(randomBytes(32)),
		StateKeys: []opaque.StateKey{{Key: [32]byte(randomBytes(32))}},
		Setups:    map[uint16]*opaque.Setup{1: setup},
	})
	check(err)
	client, err := opaque.NewClient(opaque.ClientConfig{})
	check(err)
	id := recovery.PhraseLoginID([]byte("alice")) // beside "alice", who logs in with a password

	// Sign-up, or a new phrase.
	phrase, err := recovery.NewPhrase(12)
	check(err)
	secret, err := phrase.AuthSecret()
	check(err)
	registration, request, err := client.Register(nil, secret)
	check(err)
	response, err := server.BeginRegistration(ctx, id, request)
	check(err)
	upload, err := registration.Finish(ctx, response)
	check(err)
	record, err := server.FinishRegistration(nil, upload)
	check(err)

	// The password is lost.
	typed, err := recovery.ParsePhrase(phrase.Words())
	check(err)
	secret, err = typed.AuthSecret()
	check(err)
	login, request, err := client.Login(nil, secret)
	check(err)
	response, pending, err := server.BeginLogin(ctx, id, record, request)
	check(err)
	final, err := login.Respond(ctx, response)
	check(err)
	_, _, err = server.FinishLogin(ctx, id, record, pending, final)
	fmt.Println("the server hands out the header:", err == nil)
	// Output: the server hands out the header: true
}

// Split custody: neither the file nor the server's half opens anything alone.
func ExampleFile() {
	ctx := context.Background()
	account := randomBytes(16)
	phrase, err := recovery.NewPhrase(12)
	check(err)
	keyring, err := recovery.Create(ctx, account, phrase)
	check(err)

	file := recovery.NewFile()
	_, err = keyring.Add(ctx, file)
	check(err)
	text := file.Text() // → the user's drawer
	fmt.Println(strings.SplitN(text, "\n", 2)[0])
	server := map[recovery.SlotID][]byte{file.ID(): file.ServerSecret()} // and the header

	// Later, after a login or a review.
	file, err = recovery.ParseFile(text)
	check(err)
	_, err = recovery.Open(ctx, keyring.Header(), file, recovery.FirstUse(account))
	fmt.Println(err)
	file, err = file.WithServerSecret(server[file.ID()])
	check(err)
	_, err = recovery.Open(ctx, keyring.Header(), file, recovery.FirstUse(account))
	fmt.Println(err)
	// Output:
	// -----BEGIN NESCIO RECOVERY FILE-----
	// recovery: refused by policy: the file needs the server's secret
	// <nil>
}

// The order of writes of a change: the new pin beside the old, the upload, the new
// pin alone. After a crash in between, one of the two fits.
func ExamplePin() {
	ctx := context.Background()
	way := recovery.NewExport(randomBytes(64), randomBytes(192))
	keyring, err := recovery.Create(ctx, randomBytes(16), way)
	check(err)
	server := keyring.Header()
	store := func(h *recovery.Header) { // one transaction
		if h.Previous() == server.Digest() {
			server = h
		}
	}
	var device [][]byte // pins, the newest first
	write := func(pins ...[]byte) { device = pins }
	encode := func(k *recovery.Keyring) []byte {
		pin, err := k.Pin()
		check(err)
		b, err := pin.MarshalBinary()
		check(err)
		return b
	}
	open := func() (err error) {
		for _, b := range device {
			var pin recovery.Pin
			check(pin.UnmarshalBinary(b))
			if _, err = recovery.Open(ctx, server, way, pin); err == nil {
				return nil
			}
		}
		return err
	}

	write(encode(keyring))
	check(keyring.Rotate(ctx))
	write(encode(keyring), device[0])
	fmt.Println("crash before the upload:", open())
	store(keyring.Header())
	fmt.Println("crash after the upload:", open())
	write(device[0])
	fmt.Println("afterwards:", open())
	// Output:
	// crash before the upload: <nil>
	// crash after the upload: <nil>
	// afterwards: <nil>
}

// A passkey, whose authenticator is simulated: prf stands for WebAuthn's PRF
// extension.
func ExamplePasskey() {
	ctx := context.Background()
	credential, inside := randomBytes(32), randomBytes(32)
	prf := func(salt [32]byte) []byte {
		out := sha256.Sum256(append(bytes.Clone(inside), salt[:]...))
		return out[:]
	}
	account := randomBytes(16)
	phrase, err := recovery.NewPhrase(24)
	check(err)

	salt := recovery.NewPasskeySalt()
	keyring, err := recovery.Create(ctx, account, phrase, recovery.Passkey{
		Salt: salt, CredentialID: credential, RPID: "example.org", UserVerified: true,
	}.WithPRF(prf(salt)))
	check(err)
	header := keyring.Header()

	// To open, the slots say which salt to ask the authenticator for.
	for _, s := range header.Slots() {
		slot, err := recovery.ParsePasskeySlot(s)
		if err != nil {
			continue // another way in
		}
		_, err = recovery.Open(ctx, header, recovery.Passkey{
			Salt: slot.Salt, CredentialID: credential, RPID: slot.RPID, UserVerified: slot.UserVerified,
		}.WithPRF(prf(slot.Salt)), recovery.FirstUse(account))
		fmt.Println(slot.RPID, err)
	}
	// Output: example.org <nil>
}
