package contacts_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// An account's owner appoints three contacts, of whom two have to agree, loses
// everything, and gets in again on a new device.
func Example() {
	ctx := context.Background()

	// Each contact has made a key pair, and given the public key to the owner,
	// who has compared contacts.Fingerprint of it with them.
	var keys []*contacts.Key
	var publicKeys [][]byte
	for range 3 {
		key, err := contacts.NewKey()
		if err != nil {
			log.Fatal(err)
		}
		keys, publicKeys = append(keys, key), append(publicKeys, key.PublicKey())
	}

	// The owner appoints them, uploads the header, and sends the messages.
	account := make([]byte, 16)
	rand.Read(account)
	phrase, err := recovery.NewPhrase(12)
	if err != nil {
		log.Fatal(err)
	}
	keyring, err := recovery.Create(ctx, account, phrase)
	if err != nil {
		log.Fatal(err)
	}
	split, err := contacts.NewSplit(2, publicKeys...)
	if err != nil {
		log.Fatal(err)
	}
	id, err := keyring.Add(ctx, split)
	if err != nil {
		log.Fatal(err)
	}
	header := keyring.Bytes()

	// Each contact opens theirs, compares the fingerprint with the owner, by
	// voice, and keeps the share, with share.Secret.
	var shares []*contacts.Share
	for i, message := range split.Messages() {
		share, err := keys[i].Open(message)
		if err != nil {
			log.Fatal(err)
		}
		if share.Fingerprint() != split.Fingerprint() {
			log.Fatal("somebody else made this share")
		}
		shares = append(shares, share)
	}

	// A new device knows the account's number and has the header.
	h, err := recovery.ParseHeader(header)
	if err != nil {
		log.Fatal(err)
	}
	collection, err := contacts.NewCollection(h, id)
	if err != nil {
		log.Fatal(err)
	}
	for _, contact := range []int{2, 2, 0} { // the third contact answers twice
		// The device shows a QR code, the contact scans it and says yes.
		request, err := recovery.NewRequest(recovery.ForShare, account)
		if err != nil {
			log.Fatal(err)
		}
		grant, err := shares[contact].ApproveQR(request.QR(), request.Ask())
		if err != nil {
			log.Fatal(err)
		}
		share, err := contacts.OpenGrant(request, grant)
		if err != nil {
			log.Fatal(err)
		}
		if err := collection.Add(share); errors.Is(err, contacts.ErrDuplicate) {
			fmt.Println(err)
			continue
		} else if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("share %d of %d, %d missing\n", share.Index(), share.Contacts(), collection.Missing())
	}
	again, err := recovery.Open(ctx, h, collection, recovery.FirstUse(account))
	if err != nil {
		log.Fatal(err)
	}
	before, err := keyring.Key(1)
	if err != nil {
		log.Fatal(err)
	}
	after, err := again.Key(1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the same master key:", before.Equal(after))
	fmt.Println(shares[0])
	// Output:
	// share 3 of 3, 1 missing
	// contacts: the share is there already (share 3)
	// share 1 of 3, 0 missing
	// the same master key: true
	// contacts.Share(redacted)
}
