package recovery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"sync"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// server is a service's table of headers and of OPAQUE's raw records, with a
// lock instead of a transaction.
type server struct {
	mu             sync.Mutex
	header, record []byte
}

// storeHeader is the transaction that takes a header. A real server first
// checks that the login is fresh and that its record is still the account's.
func (s *server) storeHeader(b []byte) error {
	next, err := recovery.ParseHeader(b)
	if err != nil {
		return err // 400
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var stored *recovery.Header
	if s.header != nil {
		if stored, err = recovery.ParseHeader(s.header); err != nil {
			return err
		}
	}
	if err := next.Follows(stored); err != nil {
		return errors.Join(recovery.ErrConflict, err) // 409
	}
	if s.record != nil && !next.HasRecord(s.record) {
		return recovery.ErrConflict // it would lock the user out
	}
	s.header = b
	return nil
}

// storeRecord is the transaction that takes a login record. A real server also
// ends the account's other sessions in it.
func (s *server) storeRecord(raw []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.header != nil {
		header, err := recovery.ParseHeader(s.header)
		if err != nil {
			return err
		}
		if !header.HasRecord(raw) {
			return recovery.ErrConflict
		}
	}
	s.record = raw
	return nil
}

// Fetch and Swap make the server a Remote. A real Remote makes calls over HTTP.
func (s *server) Fetch(context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header, nil
}

func (s *server) Swap(_ context.Context, _ [32]byte, header []byte) error {
	return s.storeHeader(header) // the header names its predecessor
}

// memory is a Local. A real one is a file or a database on the device.
type memory struct {
	mu    sync.Mutex
	value []byte
}

func (m *memory) Load(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.value, nil
}

func (m *memory) Swap(_ context.Context, previous, next []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !bytes.Equal(m.value, previous) {
		return recovery.ErrConflict
	}
	m.value = next
	return nil
}

// register stands for a registration with OPAQUE, which returns an export key
// and the raw record.
func register(password string) (exportKey, record []byte) {
	return bytes.Repeat([]byte(password[:1]), 64), bytes.Repeat([]byte(password[1:2]), 192)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

var binding = wrap.Binding{Purpose: "example.org/note/v1", Item: []byte("note 1")}

// An account signs up, opens its keyring on a second device with a phrase, and
// removes a slot. Applications store a name for each slot, wrapped by the
// keyring, to show it with [Client.Unseen]. They keep the name until the
// removal of the slot was shown.
func Example() {
	ctx := context.Background()
	server := new(server)
	exportKey, record := register("correct horse")
	check(server.storeRecord(record))

	phrase, err := recovery.NewPhrase(12)
	check(err)
	file := recovery.NewFile() // the server keeps file.ServerSecret() under file.ID()
	laptop := recovery.NewClient(new(memory), server)
	check(laptop.Create(ctx, recovery.NewExportKey(exportKey, record), phrase, file))
	key, blob, err := laptop.Generate(binding) // store the blob beside the note
	check(err)
	text := wrap.Binding{Purpose: "example.org/note-text/v1", Item: binding.Item}
	note, err := key.Wrap(ctx, []byte("The spare key is under the pot."), text)
	check(err)

	typed, err := recovery.ParsePhrase("1. " + phrase.Words() + ".")
	check(err)
	phone := recovery.NewClient(new(memory), server)
	check(phone.OpenFirst(ctx, laptop.Account(), typed))
	unseen := phone.Unseen()
	fmt.Println("the user looks at", len(unseen), "other slots")
	check(phone.MarkSeen(ctx, unseen))
	check(phone.Revoke(ctx, file.ID()))

	_, err = phone.Unwrap(blob, binding)
	fmt.Println("old key:", errors.Is(err, recovery.ErrOldKey))
	secret, err := phone.UnwrapOld(blob, binding)
	check(err)
	old := wrap.ImportKey([32]byte(secret)) // to read; a change is written with a new key
	read, err := old.Unwrap(ctx, note, text)
	check(err)
	fmt.Printf("%s\n", read)
	// Output:
	// the user looks at 2 other slots
	// old key: true
	// The spare key is under the pot.
}

// The server stores one header and one login record for each account. It takes
// a header only if it follows the stored one and has the slot of the stored
// record. It takes a record only if the stored header has its slot. Therefore
// the login and the keyring always have a secret in common.
//
// Each check and its write are one transaction. It also checks that the record
// of the session's login is still the account's record. With SRP, the client
// sends the id of its password slot with the record. The server stores the id
// and looks for it in [Header.Slots] instead of calling [Header.HasRecord].
//
// A header is at most [MaxHeader] bytes long. Before a server takes one, it
// requires a fresh login or a second factor. If it refuses a header for lack of
// one, it must not answer with [ErrConflict]. The client's change then stays
// pending. The server keeps the replaced header for a few days, and deletes
// what belonged to the slots in [Header.Gone].
func ExampleHeader_Follows() {
	ctx := context.Background()
	server := new(server)
	_, record := register("correct horse")
	check(server.storeRecord(record))

	phrase, err := recovery.NewPhrase(12)
	check(err)
	draft, err := recovery.Create(ctx, phrase)
	check(err)
	fmt.Println("without the login's slot:", server.storeHeader(draft.Header().Bytes()))

	exportKey, record := register("correct horse")
	draft, err = recovery.Create(ctx, phrase, recovery.NewExportKey(exportKey, record))
	check(err)
	fmt.Println("with it:", server.storeHeader(draft.Header().Bytes()))
	_, other := register("another password")
	fmt.Println("a record without a slot:", server.storeRecord(other))
	fmt.Println("the same header again:", server.storeHeader(draft.Header().Bytes()) != nil)
	// Output:
	// without the login's slot: recovery: something else is stored
	// with it: <nil>
	// a record without a slot: recovery: something else is stored
	// the same header again: true
}

// A password changes, with OPAQUE. A move from SRP to OPAQUE and a new password
// after a recovery take the same steps. The change can stop anywhere. The user
// then logs in with one of the two passwords, and that login opens the keyring.
//
//	  who     writes                                  if it stops here
//	1 client  Supersede: a slot for the new secret    both slots, old record
//	2 server  the new record; ends other sessions     both slots, one of the records
//	3 client  a login with the new record             both slots, new record
//	4 client  OpenAfterLogin: revokes the old slot    done
//
// The old slot is [Client.OpenedBy] after a login with its secret. After a
// recovery it is any slot of the type "export" or "password". Step 4 runs at
// every login and rotates. Changes that fail before it can add slots up to the
// limit. Then [Edit.Supersede] returns [ErrPolicy] until step 4 has run. After
// a crash, [Client.Slots] shows whether a change was stored.
//
// A sign-up stores the record first, and then calls [Client.Create].
func ExampleEdit_Supersede() {
	ctx := context.Background()
	server := new(server)
	oldKey, oldRecord := register("correct horse")
	check(server.storeRecord(oldRecord))
	client := recovery.NewClient(new(memory), server)
	check(client.Create(ctx, recovery.NewExportKey(oldKey, oldRecord)))

	// The server has not stored the new registration yet.
	newKey, newRecord := register("battery staple")
	slot, err := client.Seal(ctx, recovery.NewExportKey(newKey, newRecord))
	check(err)
	old := client.OpenedBy()
	check(client.Change(ctx, func(e *recovery.Edit) error { return e.Supersede(old, slot) }))
	fmt.Println(len(client.Slots()), "slots")
	check(server.storeRecord(newRecord))

	// The next login, with the new password.
	check(client.OpenAfterLogin(ctx, recovery.NewExportKey(newKey, nil)))
	fmt.Println(len(client.Slots()), "slot, the new one:", client.OpenedBy() == slot.ID())
	err = client.Open(ctx, recovery.NewExportKey(oldKey, nil))
	fmt.Println("the old password:", errors.Is(err, recovery.ErrWrongSecret))
	// Output:
	// 2 slots
	// 1 slot, the new one: true
	// the old password: true
}

// Old epochs are closed. Blobs that are still needed are wrapped again, and
// then the floor is raised.
//
// Read the epoch before the first blob is wrapped again, and not inside the
// callback, because another device can rotate meanwhile. Replace a stored blob
// only if it has not changed meanwhile. The server can refuse a header whose
// [Header.Floor] is above the lowest [BlobEpoch] that it stores. Anyone who
// keeps an old blob and its key can still open it.
func ExampleEdit_CloseBefore() {
	ctx := context.Background()
	client := recovery.NewClient(new(memory), new(server))
	phrase, err := recovery.NewPhrase(12)
	check(err)
	check(client.Create(ctx, phrase))
	_, blob, err := client.Generate(binding)
	check(err)
	check(client.Change(ctx, func(e *recovery.Edit) error { e.Rotate(); return nil }))

	epoch := client.Epoch() // before the first blob is wrapped again
	again, err := client.Rewrap(blob, binding)
	check(err)
	check(client.Change(ctx, func(e *recovery.Edit) error { return e.CloseBefore(epoch) }))
	_, err = client.UnwrapOld(blob, binding)
	fmt.Println("the old blob:", err)
	_, err = client.UnwrapOld(again, binding)
	fmt.Println("the new blob:", err)
	_, err = client.Unwrap(again, binding)
	fmt.Println("its key is as old as before:", errors.Is(err, recovery.ErrOldKey))
	// Output:
	// the old blob: recovery: epoch closed
	// the new blob: <nil>
	// its key is as old as before: true
}

// An application without a [Client] keeps the order of writes itself: the
// unconfirmed checkpoint, the upload, the checkpoint. While the upload is
// unconfirmed, [Open] accepts what follows from the new header, and the header
// before it. It accepts other headers that follow from the header before only
// if the edit removed nothing.
func ExampleKeyring_Edit() {
	ctx := context.Background()
	server := new(server)
	var saved recovery.Checkpoint // on the device
	phrase, err := recovery.NewPhrase(12)
	check(err)
	draft, err := recovery.Create(ctx, phrase)
	check(err)
	saved = draft.Unconfirmed()
	check(server.storeHeader(draft.Header().Bytes()))
	saved = draft.Checkpoint()
	keyring := draft.Stored()

	draft, err = keyring.Edit(func(e *recovery.Edit) error { e.Rotate(); return nil })
	check(err)
	saved = draft.Unconfirmed()
	check(server.storeHeader(draft.Header().Bytes()))
	// The process stops here. It continues with what the server has.
	header, err := recovery.ParseHeader(server.header)
	check(err)
	keyring, err = recovery.Open(ctx, header, phrase, saved)
	check(err)
	saved = keyring.Checkpoint()
	fmt.Println("revision", saved.Revision(), "epoch", keyring.Epoch())
	// Output: revision 2 epoch 2
}
