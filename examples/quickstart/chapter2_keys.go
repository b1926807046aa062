package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/srp"
	"github.com/nescio-go/nescio/wrap"
)

// newPassword is Alice's second one, and secondPassword what she uses beside it
// for a while.
var (
	newPassword    = []byte("ordinary llama paperclip nine")
	secondPassword = []byte("what only the keys know")
)

// The note that the story writes and reads.
const noteName, noteText = "shopping", "bread, milk, a good lock"

// keys is chapter 2: a master key under the password, two devices, a password
// change, and two passwords.
func keys(ctx context.Context, n narrator, s *server, base string) error {
	n.chapter(2, "Keys that the server cannot use")

	n.say("Alice's laptop draws a random master key and wraps it under a key that it")
	n.say("derives from her password: the same one, with a salt of its own. One-password")
	n.say("mode, as Proton calls it.")
	laptop, err := device(ctx, base, password)
	if err != nil {
		return err
	}
	open := newVault("alice")
	if err := laptop.upload(ctx, open, password); err != nil {
		return err
	}
	written, err := open.write(ctx, noteName, noteText)
	if err != nil {
		return err
	}
	if err := laptop.call(ctx, "PUT", "/notes", notes{noteName: written}, nil); err != nil {
		return err
	}
	stored := s.stored("alice")
	n.say("All that the server stored of it:")
	n.detail("KDF", "%s", stored.keys.KDF)
	n.detail("master key", "%x…  (wrapped, %d bytes)", stored.keys.MasterKey[:12], len(stored.keys.MasterKey))
	n.detail("note", "%x…  (%d bytes)", stored.notes[noteName].Text[:12], len(stored.notes[noteName].Text))

	n.say("\n  Her phone logs in, fetches both, unwraps, and reads.")
	phone, err := device(ctx, base, password)
	if err != nil {
		return err
	}
	copied, err := phone.download(ctx)
	if err != nil {
		return err
	}
	if err := show(ctx, n, "on the phone", copied, password); err != nil {
		return err
	}

	n.say("\n  It keeps what it fetched, as it came: encrypted. Without a network the")
	n.say("password is enough.")
	offline, err := json.Marshal(copied) // what is on the phone's disk
	if err != nil {
		return err
	}
	copied = localCopy{}
	if err := json.Unmarshal(offline, &copied); err != nil {
		return err
	}
	if err := show(ctx, n, "offline", copied, password); err != nil {
		return err
	}

	n.say("\n  She changes her password, in a fresh login. A new verifier on another modulus,")
	n.say("and the master key wrapped anew; the note is not touched.")
	if err := change(ctx, base, newPassword); err != nil {
		return err
	}
	after := s.stored("alice")
	if !reflect.DeepEqual(after.notes, stored.notes) || bytes.Equal(after.keys.MasterKey, stored.keys.MasterKey) {
		return errors.New("the notes must stay, and the wrapped master key must change")
	}
	if err := showModulus(n, after.records[bySRP], stored.records[bySRP]); err != nil {
		return err
	}
	n.detail("master key", "%x…  (wrapped anew)", after.keys.MasterKey[:12])
	n.detail("note", "%x…  (the same bytes)", after.notes[noteName].Text[:12])
	_, err = device(ctx, base, password)
	n.detail("old password", "%v", err)
	if err == nil {
		return errors.New("the old password still works")
	}
	phone, err = device(ctx, base, newPassword)
	if err != nil {
		return err
	}
	if copied, err = phone.download(ctx); err != nil {
		return err
	}
	if err := show(ctx, n, "new password", copied, newPassword); err != nil {
		return err
	}

	n.say("\n  Two-password mode: from now on the master key hangs on a second password,")
	n.say("and who learns the first one can log in and read nothing.")
	opened, err := unlock(ctx, "alice", copied.Keys, newPassword)
	if err != nil {
		return err
	}
	if err := phone.upload(ctx, opened, secondPassword); err != nil {
		return err
	}
	if copied, err = phone.download(ctx); err != nil {
		return err
	}
	_, err = unlock(ctx, "alice", copied.Keys, newPassword)
	n.detail("login password", "%v", err)
	if !errors.Is(err, wrap.ErrOpen) {
		return fmt.Errorf("the login password must not open the keys: %v", err)
	}
	return show(ctx, n, "second password", copied, secondPassword)
}

// showModulus says where the modulus of a record comes from, which must be
// another than the old one's.
func showModulus(n narrator, record, old []byte) error {
	r, err := srp.ParseRecord(record)
	if err != nil {
		return err
	}
	before, err := srp.ParseRecord(old)
	if err != nil {
		return err
	}
	if bytes.Equal(r.Group().N, before.Group().N) {
		return errors.New("the modulus is the old one")
	}
	m, err := moduli.ParseRecord(r.Group().Credential)
	if err != nil {
		return err
	}
	n.detail("modulus", "%x…, %d after the start that %q leads to", r.Group().N[:4], m.Offset(), m.Start().Label())
	return nil
}

// device is a client that has logged in as Alice.
func device(ctx context.Context, base string, password []byte) (*client, error) {
	c, err := newClient(base)
	if err != nil {
		return nil, err
	}
	_, err = c.login(ctx, "alice", password)
	return c, err
}

// change replaces Alice's password: a login with the old one, the master key
// unwrapped by it, and both put under the new one.
func change(ctx context.Context, base string, newPassword []byte) error {
	c, err := device(ctx, base, password)
	if err != nil {
		return err
	}
	fetched, err := c.download(ctx)
	if err != nil {
		return err
	}
	opened, err := unlock(ctx, "alice", fetched.Keys, password)
	if err != nil {
		return err
	}
	locked, err := opened.lock(ctx, newPassword)
	if err != nil {
		return err
	}
	return c.changePassword(ctx, newPassword, locked)
}

// show opens a copy by a password and reads the note.
func show(ctx context.Context, n narrator, where string, copied localCopy, password []byte) error {
	v, err := unlock(ctx, "alice", copied.Keys, password)
	if err != nil {
		return err
	}
	return showNote(ctx, n, where, v, copied.Notes)
}

// showNote reads the note, which must say what was written.
func showNote(ctx context.Context, n narrator, where string, v *vault, fetched notes) error {
	got, err := v.read(ctx, noteName, fetched[noteName])
	if err != nil {
		return err
	}
	if got != noteText {
		return errors.New("the note says something else")
	}
	n.detail(where, "%q", got)
	return nil
}
