package contacts_test

import (
	"context"
	"fmt"
	"log"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// An account's owner appoints three contacts, of whom two must agree, loses
// everything, and opens the keyring on a new device.
func Example() {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}

	// Sign-up with a phrase. The server stores draft.Header().
	phrase, err := recovery.NewPhrase(12)
	check(err)
	draft, err := recovery.Create(ctx, phrase)
	check(err)
	keyring := draft.Stored()

	// The contacts make key pairs. The owner has compared contacts.Fingerprint
	// of each public key with them.
	var keys []*contacts.Key
	var publicKeys [][]byte
	for range 3 {
		key, err := contacts.NewKey()
		check(err)
		keys, publicKeys = append(keys, key), append(publicKeys, key.PublicKey())
	}

	// The owner appoints them, and sends the messages once the header is
	// stored.
	split, err := contacts.NewSplit(2, publicKeys...)
	check(err)
	slot, err := keyring.Seal(ctx, split)
	check(err)
	draft, err = keyring.Edit(func(e *recovery.Edit) error { return e.Add(slot) })
	check(err)
	header := draft.Header()
	var kept []*contacts.Share
	for i, message := range split.Messages() {
		share, err := keys[i].Open(message)
		check(err)
		if share.Fingerprint() != split.Fingerprint() { // compared by voice
			log.Fatal("somebody else made this share")
		}
		kept = append(kept, share)
	}

	// A new device has the header and nothing else. Two contacts scan its QR
	// codes.
	collection, err := contacts.NewCollection(header, kept[0].Slot())
	check(err)
	for _, share := range []*contacts.Share{kept[2], kept[0]} {
		request, err := contacts.NewRequest(header.Account())
		check(err)
		grant, err := share.ApproveQR(request.QR(), request.Ask())
		check(err)
		collected, err := request.Open(grant, "")
		check(err)
		check(collection.Add(collected))
		fmt.Printf("share %d of %d, %d missing\n", collected.Index(), collected.Contacts(), collection.Missing())
	}
	keyring, err = recovery.Open(ctx, header, collection, recovery.TrustOnFirstUse(header.Account()))
	check(err)
	fmt.Println("opened by the contacts:", keyring.OpenedBy() == slot.ID())
	// Output:
	// share 3 of 3, 1 missing
	// share 1 of 3, 0 missing
	// opened by the contacts: true
}
