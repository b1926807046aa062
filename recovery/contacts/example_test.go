package contacts_test

import (
	"context"
	"fmt"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// An owner appoints three contacts, of whom two must agree, loses everything,
// and opens the keyring on a new device.
func Example() {
	ctx := context.Background()
	phrase, err := recovery.NewPhrase(12)
	check(err)
	draft, err := recovery.Create(ctx, phrase)
	check(err)

	// Each contact makes a key. The owner compares contacts.Fingerprint of each
	// public key with its contact, and appoints them.
	var keys [3]*contacts.Key
	var publicKeys [3][]byte
	for i := range keys {
		keys[i], err = contacts.NewKey()
		check(err)
		publicKeys[i] = keys[i].PublicKey()
	}
	split, err := contacts.NewSplit(2, publicKeys[:]...)
	check(err)
	slot, err := draft.Stored().Seal(ctx, split)
	check(err)
	draft, err = draft.Stored().Edit(func(e *recovery.Edit) error { return e.Add(slot) })
	check(err)
	header := draft.Header() // the server stores it, and then passes on the messages

	// The new device has the header. Each contact opens the message, compares
	// the fingerprint, keeps the share, and later scans the owner's QR code.
	var collection *contacts.Collection
	for _, i := range []int{2, 0} {
		share, err := keys[i].Open(split.Messages()[i])
		check(err)
		fmt.Println("compared by voice:", share.Fingerprint() == split.Fingerprint())
		request, err := contacts.NewRequest(header.Account())
		check(err)
		grant, err := share.ApproveQR(request.QR(), request.Ask())
		check(err)
		collected, err := request.Open(grant, "")
		check(err)
		if collection == nil {
			collection, err = contacts.NewCollection(header, collected.Slot())
			check(err)
		}
		check(collection.Add(collected))
	}
	keyring, err := recovery.Open(ctx, header, collection, recovery.TrustOnFirstUse(header.Account()))
	check(err)
	fmt.Println("opened by the contacts:", keyring.OpenedBy() == slot.ID())
	// Output:
	// compared by voice: true
	// compared by voice: true
	// opened by the contacts: true
}
