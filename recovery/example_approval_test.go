package recovery_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/recovery"
)

// A new device shows a QR code, and one that is in scans it. What goes from one to the
// other passes the server, except for the code.
func ExampleRequest() {
	ctx := context.Background()
	account := randomBytes(16)
	phrase, err := recovery.NewPhrase(12)
	check(err)
	keyring, err := recovery.Create(ctx, account, phrase) // open, on a device that is in
	check(err)

	// The new device knows the account's number from its login, or from the server.
	request, err := recovery.NewRequest(recovery.ForDevice, account)
	check(err)
	screen := request.QR() // shown to nobody else
	ask := request.Ask()   // → the server

	// The other device scans the code and fetches the message.
	grant, id, err := keyring.ApproveQR(screen, ask)
	check(err)
	uploaded := keyring.Bytes() // → the server, before the grant

	// The new device keeps its way in and its pin, and opens the keyring.
	device, pin, err := request.OpenDevice(grant)
	check(err)
	kept := device.Secret() // → the platform's key store
	header, err := recovery.ParseHeader(uploaded)
	check(err)
	opened, err := recovery.Open(ctx, header, device, pin)
	check(err)
	fmt.Println("in by the slot that was made:", opened.OpenedBy() == id)

	// One day it is lost.
	check(keyring.Revoke(ctx, id))
	device, err = recovery.ParseDevice(kept)
	check(err)
	_, err = recovery.Open(ctx, keyring.Header(), device, pin)
	fmt.Println(err)
	// Output:
	// in by the slot that was made: true
	// recovery: no slot opens with this
}

// Without a camera, both show a code of six characters, and both users have to say that
// they see the same.
func ExampleApproval() {
	ctx := context.Background()
	account := randomBytes(16)
	phrase, err := recovery.NewPhrase(12)
	check(err)
	keyring, err := recovery.Create(ctx, account, phrase)
	check(err)

	request, err := recovery.NewRequest(recovery.ForDevice, account)
	check(err)
	approval, err := keyring.Approve(request.Ask()) // the message comes from the server
	check(err)
	reveal, hers, err := request.Reveal(approval.Answer()) // and so does this one
	check(err)
	his, err := approval.Compare(reveal)
	check(err)
	if his != hers { // what people do, by eye or over the telephone
		approval.Discard()
		request.Discard()
		return
	}
	grant, err := approval.Grant()
	check(err)
	device, pin, err := request.OpenDevice(grant)
	check(err)
	fmt.Println("approved:", device.ID() == approval.Slot(), pin.Revision() == keyring.Header().Revision())
	// Output: approved: true true
}

// What people type: any case and spacing, and four letters or more of a word. A slip
// is told by its place, not by the word.
func ExampleParsePhrase() {
	_, err := recovery.ParsePhrase("ABANDON  abandon abandon abandon aban aban aban aban aban aban aban about")
	fmt.Println(err)

	_, err = recovery.ParsePhrase("abandon abandom abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
	if wrong, ok := errors.AsType[*recovery.WordError](err); ok {
		fmt.Println("look at word", wrong.Position)
	}
	// Output:
	// <nil>
	// look at word 2
}
