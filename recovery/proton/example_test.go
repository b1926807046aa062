package proton_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/nescio-go/nescio/srp"
)

// This example sets up a recovery phrase and later recovers the key with it.
func Example_phrase() {
	ctx := context.Background()
	key := exampleKey()

	// The user is logged in and writes down the words.
	phrase, err := recovery.NewPhrase(12)
	if err != nil {
		log.Fatal(err)
	}
	salt := []byte("0123456789abcdef") // random for each phrase
	password, err := proton.PhraseKeyPassword(phrase, salt)
	if err != nil {
		log.Fatal(err)
	}
	locked, err := key.Lock(password)
	if err != nil {
		log.Fatal(err)
	}
	// P is the password for a separate login. Proton's clients use a modulus
	// that Proton signed, see package moduli/openpgp.
	secret, err := proton.PhraseSecret(phrase)
	if err != nil {
		log.Fatal(err)
	}
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.Proton(4)}})
	if err != nil {
		log.Fatal(err)
	}
	group, err := srp.RFC5054Group(2048)
	if err != nil {
		log.Fatal(err)
	}
	registration, _, err := client.Register(nil, secret)
	if err != nil {
		log.Fatal(err)
	}
	record, err := registration.MakeRecord(ctx, srp.Proton(4), group.Unverified(), kdf.Params{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("for the server: a verifier of", len(record.Verifier()), "bytes, the salts, the locked key")

	// The password is lost. The user logs in with the secret as the password,
	// and receives the salt and the locked key.
	typed, err := recovery.ParsePhrase(phrase.Words())
	if err != nil {
		log.Fatal(err)
	}
	password, err = proton.PhraseKeyPassword(typed, salt)
	if err != nil {
		log.Fatal(err)
	}
	recovered, err := proton.ParseKey([]byte(locked), password)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the same key:", bytes.Equal(recovered.Bytes(), key.Bytes()))
	// After the password change, the server gets recovered.Lock(newPassword).

	// Output:
	// for the server: a verifier of 256 bytes, the salts, the locked key
	// the same key: true
}

// This example makes a recovery file and later recovers the key, which decrypts
// a message from before.
func Example_file() {
	ctx := context.Background()
	key := exampleKey()
	message := exampleMessage(key, "written before")

	// The user is logged in. The secret is for the server and the file for
	// the user.
	locked, err := key.Lock([]byte("a password")) // the server has it like this
	if err != nil {
		log.Fatal(err)
	}
	fingerprint, err := proton.Fingerprint([]byte(locked)) // which the device keeps
	if err != nil {
		log.Fatal(err)
	}
	secret, err := proton.NewFileSecret(key)
	if err != nil {
		log.Fatal(err)
	}
	file, err := proton.MakeFile(secret, key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(file[:27])

	// The password was reset, and the account's keys are locked with a
	// password that nobody knows. The server sends all secrets that it has for
	// the account.
	keys, err := proton.OpenFile(ctx, file, secret)
	if skipped, ok := errors.AsType[*proton.SkippedKeysError](err); ok {
		log.Print(skipped) // there are other keys
	} else if err != nil {
		log.Fatal(err)
	}
	for _, k := range keys {
		if !bytes.Equal(k.Fingerprint(), fingerprint) {
			continue
		}
		fmt.Println(exampleRead(k, message))
	}
	// Output:
	// -----BEGIN PGP MESSAGE-----
	// written before
}

// This example refuses a secret that the server chose itself to open the user's
// next file.
func ExampleFileSecret_Verify() {
	key, servers := exampleKey(), exampleKey()
	secret, err := proton.NewFileSecret(servers)
	if err != nil {
		log.Fatal(err)
	}
	_, err = proton.MakeFile(secret, key)
	fmt.Println(err)
	// Output: proton: recovery secret not signed by the user's key
}

func exampleKey() *proton.Key {
	entity, err := openpgp.NewEntity("Alice", "", "alice@example.org", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		log.Fatal(err)
	}
	var b bytes.Buffer
	if err := entity.SerializePrivateWithoutSigning(&b, nil); err != nil {
		log.Fatal(err)
	}
	key, err := proton.ParseKey(b.Bytes(), nil)
	if err != nil {
		log.Fatal(err)
	}
	return key
}

func exampleEntities(key *proton.Key) openpgp.EntityList {
	entities, err := openpgp.ReadKeyRing(bytes.NewReader(key.Bytes()))
	if err != nil {
		log.Fatal(err)
	}
	return entities
}

func exampleMessage(key *proton.Key, note string) []byte {
	var b bytes.Buffer
	w, err := openpgp.Encrypt(&b, exampleEntities(key), nil, nil, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	io.WriteString(w, note)
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	return b.Bytes()
}

func exampleRead(key *proton.Key, message []byte) string {
	md, err := openpgp.ReadMessage(bytes.NewReader(message), exampleEntities(key), nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	note, err := io.ReadAll(md.UnverifiedBody)
	if err != nil {
		log.Fatal(err)
	}
	return string(note)
}
