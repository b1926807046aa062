package main

import (
	"context"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// ringVault is a vault over a keyring: the master key comes from there, and there
// is one for every epoch. A note says under which its key is.
type ringVault struct {
	ring *recovery.Keyring
}

// noteKeyBinding is that of a vault, with what a keyring knows: the account's number,
// which no server can change, and the epoch.
func (v ringVault) noteKeyBinding(name string, epoch uint32) wrap.Binding {
	number := v.ring.Account()
	return wrap.Binding{
		Purpose: "example.org/keyring/note-key/v1",
		Account: number[:],
		Item:    []byte(name),
		Epoch:   uint64(epoch),
	}
}

// write encrypts a note under a key of its own, and wraps that under the newest
// master key.
func (v ringVault) write(ctx context.Context, name, text string) (note, error) {
	epoch := v.ring.Epoch()
	master, err := v.ring.Key(epoch)
	if err != nil {
		return note{}, err
	}
	defer master.Destroy()
	n, err := writeNote(ctx, master, v.noteKeyBinding(name, epoch), text)
	n.Epoch = epoch
	return n, err
}

// read decrypts a note of any epoch. The server could change the number: then there
// is no such key, or another one, which does not open it.
func (v ringVault) read(ctx context.Context, name string, n note) (string, error) {
	master, err := v.ring.Key(n.Epoch)
	if err != nil {
		return "", err
	}
	defer master.Destroy()
	return readNote(ctx, master, v.noteKeyBinding(name, n.Epoch), n)
}
