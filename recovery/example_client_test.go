package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/nescio-go/nescio/recovery"
)

// A login opens the keyring. With the header, the server sends the account's
// number. On a new device, [Client.Join] is safer than [Client.OpenFirst],
// which trusts the server. If the sign-up stopped before the keyring was
// stored, the next login creates it.
func ExampleClient_OpenAfterLogin() {
	ctx := context.Background()
	server := new(server)
	exportKey, record := register("correct horse")
	check(server.storeRecord(record)) // the sign-up stopped here

	for range 2 {
		client := recovery.NewClient(new(memory), server)
		login := recovery.NewExportKey(exportKey, record)
		err := client.OpenAfterLogin(ctx, login)
		if errors.Is(err, recovery.ErrNoCheckpoint) {
			err = client.OpenFirst(ctx, server.account(), login)
		}
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Println("a new keyring")
			err = client.Create(ctx, login)
		}
		check(err)
		fmt.Println("epoch", client.Epoch())
	}
	// Output:
	// a new keyring
	// epoch 1
	// epoch 1
}

// account is the number that the server sends after a login.
func (s *server) account() recovery.AccountID {
	if s.header == nil {
		return recovery.AccountID{}
	}
	header, err := recovery.ParseHeader(s.header)
	check(err)
	return header.Account()
}

// A device gets a slot of its own, with which it opens the keyring offline. Its
// secret is kept before the slot is added. If the change stops in the middle,
// the device still has the secret of a slot that may be stored.
func ExampleClient_SealDevice() {
	ctx := context.Background()
	phrase, err := recovery.NewPhrase(12)
	check(err)
	client := recovery.NewClient(new(memory), new(server))
	check(client.Create(ctx, phrase))

	device, slot, err := client.SealDevice()
	check(err)
	kept := device.Secret() // in the platform's key store
	check(client.Change(ctx, func(e *recovery.Edit) error { return e.Add(slot) }))

	device, err = recovery.ParseDevice(kept)
	check(err)
	fmt.Println(client.OpenOffline(ctx, device), client.OpenedBy() == slot.ID())
	// Output: <nil> true
}

// The removal of a lent phrase is overtaken: its holder has just added another
// slot. Resolve repeats the removal, but first the user looks at the new slot.
// A [Client.RotateLineage] that was overtaken is not repeated. Resolve then
// returns [ErrConflict], and the application calls RotateLineage again.
func ExampleClient_Resolve() {
	ctx := context.Background()
	server := new(server)
	mine, err := recovery.NewPhrase(12)
	check(err)
	lent, err := recovery.NewPhrase(12)
	check(err)
	laptop := recovery.NewClient(new(memory), server)
	check(laptop.Create(ctx, mine, lent))

	holder := recovery.NewClient(new(memory), server)
	check(holder.OpenFirst(ctx, laptop.Account(), lent))
	another, err := recovery.NewPhrase(12)
	check(err)
	added, err := holder.Add(ctx, another)
	check(err)

	err = laptop.Revoke(ctx, holder.OpenedBy())
	fmt.Println(errors.Is(err, recovery.ErrOvertaken), errors.Is(laptop.Resolve(ctx), recovery.ErrUnseen))
	unseen := laptop.Unseen() // the user looks at it
	check(laptop.MarkSeen(ctx, unseen))
	check(laptop.Resolve(ctx))
	fmt.Println(len(unseen), unseen[0].ID == added)
	check(laptop.Revoke(ctx, added))
	fmt.Println(len(laptop.Slots()), "slot")
	// Output:
	// true true
	// 1 true
	// 1 slot
}

// restored is the server after its operator has restored a backup. For some
// time it takes a newer header in place of the restored one, after a login.
type restored struct{ *server }

func (r restored) Swap(_ context.Context, previous [32]byte, header []byte) error {
	next, err := recovery.ParseHeader(header)
	check(err)
	stored, err := recovery.ParseHeader(r.header)
	check(err)
	if stored.Digest() != previous || stored.Account() != next.Account() || stored.Revision() >= next.Revision() {
		return recovery.ErrConflict
	}
	r.header = header
	return nil
}

// The server has restored a backup, and a device brings the newer header back.
// Restore returns [ErrFork] if the stored header is not among the last 64 that
// the device has seen, and [ErrNoCheckpoint] if the device has none.
func ExampleClient_Restore() {
	ctx := context.Background()
	server, local := new(server), new(memory)
	phrase, err := recovery.NewPhrase(12)
	check(err)
	client := recovery.NewClient(local, server)
	check(client.Create(ctx, phrase))
	backup := server.header
	check(client.Change(ctx, func(e *recovery.Edit) error { e.Rotate(); return nil }))

	server.header = backup
	fmt.Println(errors.Is(client.Refresh(ctx), recovery.ErrRollback))
	check(recovery.NewClient(local, restored{server}).Restore(ctx))
	fmt.Println(client.Refresh(ctx), client.Epoch())
	// Output:
	// true
	// <nil> 2
}

// An existing device approves a new one with a QR code:
//
//	new device                              existing device
//	QR    ········ on the screen ·······→   scans it
//	Ask   ─────────────────────────────→    Client.ApproveQR
//	Client.Join  ←─────────────────────     the grant
//
// After QR, the request accepts only a grant that was made with the QR code.
// After an error of the Remote or the Local, both calls can be repeated. The
// device gets one slot. Its login can be a random token, whose hash the server
// stores under the slot's id.
func ExampleClient_ApproveQR() {
	ctx := context.Background()
	server := new(server)
	phrase, err := recovery.NewPhrase(12)
	check(err)
	laptop := recovery.NewClient(new(memory), server)
	check(laptop.Create(ctx, phrase))

	phone := recovery.NewClient(new(memory), server)
	request, err := recovery.NewRequest(laptop.Account()) // the server sent it
	check(err)
	qr := request.QR()   // the phone shows it, the laptop scans it
	ask := request.Ask() // sent through the server
	grant, id, err := laptop.ApproveQR(ctx, qr, ask)
	check(err)
	device, err := phone.Join(ctx, request, grant, "") // sent through the server
	check(err)
	_ = device.Secret() // for the platform's key store
	check(phone.Open(ctx, device))
	fmt.Println("the phone's slot:", phone.OpenedBy() == id)
	// Output: the phone's slot: true
}

// An existing device approves a new one with a short code. Each screen shows
// half of it, such as "K7M-2QX", and the user types it on the other device:
//
//	new device                              existing device
//	Ask     ───────────────────────────→    Client.Approve
//	Reveal  ←──────────────────────────     Approval.Answer
//	        ───────────────────────────→    Approval.Code
//	shows its half ···· the user ······→    Approval.Grant
//	Client.Join ←······ the user ·······    shows its half
//	            ←───────────────────────    the grant
//
// After an error of the Remote or the Local, [Approval.Grant] and [Client.Join]
// can be repeated with the same half. A wrong half ends both. A request takes
// one answer, and none after [Request.QR]. Approving a device again replaces
// its state, drops a pending change, and needs a grant that is not older.
func ExampleClient_Approve() {
	ctx := context.Background()
	server := new(server)
	phrase, err := recovery.NewPhrase(12)
	check(err)
	laptop := recovery.NewClient(new(memory), server)
	check(laptop.Create(ctx, phrase))

	phone := recovery.NewClient(new(memory), server)
	request, err := recovery.NewRequest(laptop.Account())
	check(err)
	approval, err := laptop.Approve(request.Ask())
	check(err)
	reveal, onPhone, err := request.Reveal(approval.Answer())
	check(err)
	onLaptop, err := approval.Code(reveal)
	check(err)
	// The user types the phone's half on the laptop, and the laptop's half on
	// the phone.
	grant, id, err := approval.Grant(ctx, onPhone)
	check(err)
	device, err := phone.Join(ctx, request, grant, onLaptop)
	check(err)
	check(phone.Open(ctx, device))
	fmt.Println(len(onPhone), len(onLaptop), phone.OpenedBy() == id)
	// Output: 7 7 true
}
