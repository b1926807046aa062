package contacts_test

import (
	"fmt"
	"log"

	"github.com/nescio-go/nescio/recovery/contacts"
)

// A contact releases a share by short code. Each side reads the half on its own
// screen to the other, whom it recognizes by voice, and types the half that it
// hears. The solid arrows may pass the server:
//
//	owner                                   contact
//	Ask     ───────────────────────────→    Share.Approve
//	Reveal  ←──────────────────────────     Approval.Answer
//	        ───────────────────────────→    Approval.Code
//	shows its half ···· by voice ······→    Approval.Grant
//	Open    ←·········· by voice ·······    shows its half
//	        ←──────────────────────────     the grant
//
// Both devices must be online. The owner can keep collected shares for days with
// [contacts.Share.Secret].
func ExampleShare_Approve() {
	share, err := contacts.ParseShare(exampleShare) // the contact
	check(err)
	request, err := contacts.NewRequest(share.Account()) // the owner
	check(err)
	approval, err := share.Approve(request.Ask()) // the contact
	check(err)
	reveal, ownersHalf, err := request.Reveal(approval.Answer()) // the owner
	check(err)
	contactsHalf, err := approval.Code(reveal) // the contact
	check(err)
	grant, err := approval.Grant(ownersHalf) // the contact
	check(err)
	collected, err := request.Open(grant, contactsHalf) // the owner
	check(err)
	fmt.Printf("share %d of %d\n", collected.Index(), collected.Contacts())
	// Output: share 2 of 3
}

// exampleShare is the secret form of a share, from the contact's key store.
var exampleShare = append([]byte("S\x01the account's idthe id of a slot\x02\x02\x03"), make([]byte, 64)...)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
