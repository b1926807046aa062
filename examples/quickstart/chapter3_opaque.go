package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nescio-go/nescio/opaque"
)

// moving is chapter 3: the account moves from SRP to OPAQUE, inside a login, and
// is not to be pushed back.
func moving(ctx context.Context, n narrator, s *server, base string) error {
	n.chapter(3, "Another protocol, and nobody notices")

	n.say("Alice goes back to one password.")
	if err := onePassword(ctx, base); err != nil {
		return err
	}
	backup := s.stored("alice")

	n.say("\n  The server learns OPAQUE. Until now a thief of its accounts could try passwords")
	n.say("on them; with OPAQUE that takes a key too, which is kept elsewhere.")
	n.say("She logs in as ever. Her phone begins in both protocols, the server picks SRP,")
	n.say("and inside that session the phone registers her with OPAQUE.")
	phone, err := newClient(base)
	if err != nil {
		return err
	}
	if err := visit(ctx, n, phone, bySRP); err != nil {
		return err
	}
	n.say("For now the server has two of everything, so that a crash locks nobody out. The")
	n.say("verifier is what the move is about: whoever steals it can try passwords on it.")
	showAccount(n, s.stored("alice"))

	n.say("\n  She logs in again: the same program, the same address, another protocol. The")
	n.say("server deletes the verifier in the transaction that ends this login. Her phone")
	n.say("deletes the key that hangs on the password, and notes that she has OPAQUE.")
	if err := visit(ctx, n, phone, byOPAQUE); err != nil {
		return err
	}
	after := s.stored("alice")
	showAccount(n, after)
	if !after.moved() || len(after.keys.MasterKey) > 0 {
		return errors.New("something of SRP is left")
	}
	n.say("There is no record of SRP any more, and so no verifier. Without the server the")
	n.say("password opens nothing now: not offline, and not for a thief of what it stores.")

	n.say("\n  Mallory has an old backup, with the verifier, and sits down between the two.")
	n.say("He answers in SRP, as the server would have at the time.")
	phone.base, err = impostor(ctx, backup)
	if err != nil {
		return err
	}
	_, _, err = phone.enter(ctx, "alice", newPassword)
	n.detail("her phone", "%v", err)
	if !errors.Is(err, errPushedBack) {
		return fmt.Errorf("the phone went back to SRP: %v", err)
	}
	n.say("It hangs up before it answers, and he learns nothing.")

	n.say("\n  He turns to the real server. It has no SRP for her any more, not for the right")
	n.say("password either, and what OPAQUE tells him is as little as before.")
	mallory, err := newClient(base)
	if err != nil {
		return err
	}
	_, old := mallory.login(ctx, "alice", newPassword)
	wrong := guess(ctx, mallory, "alice")
	unknown := guess(ctx, mallory, "nobody")
	n.detail("right password", "%v  (by SRP)", old)
	n.detail("wrong password", "%v", wrong)
	n.detail("unknown user", "%v", unknown)
	var status statusError
	if !errors.As(wrong, &status) || wrong != unknown || wrong != old {
		return fmt.Errorf("all must fail alike: %v; %v; %v", old, wrong, unknown)
	}
	return nil
}

// onePassword puts the master key back under the password of logins.
func onePassword(ctx context.Context, base string) error {
	c, err := device(ctx, base, newPassword)
	if err != nil {
		return err
	}
	copied, err := c.download(ctx)
	if err != nil {
		return err
	}
	opened, err := unlock(ctx, "alice", copied.Keys, secondPassword)
	if err != nil {
		return err
	}
	return c.upload(ctx, opened, newPassword)
}

// visit is a login of Alice's in which she reads the note. It goes by the protocol
// that the story expects.
func visit(ctx context.Context, n narrator, c *client, want protocol) error {
	v, by, err := c.enter(ctx, "alice", newPassword)
	if err != nil {
		return err
	}
	if by != want {
		return fmt.Errorf("the login went by %s", by)
	}
	copied, err := c.download(ctx)
	if err != nil {
		return err
	}
	return showNote(ctx, n, "login by "+string(by), v, copied.Notes)
}

// showAccount shows what the server has of the move.
func showAccount(n narrator, a account) {
	for _, p := range slices.Sorted(maps.Keys(a.records)) {
		n.detail("record", "%s, %d bytes", p, len(a.records[p]))
	}
	if k := a.keys.MasterKey; len(k) > 0 {
		n.detail("master key", "%x…  (under her password)", k[:12])
	}
	if k := a.keys.MasterKeyExport; len(k) > 0 {
		n.detail("master key", "%x…  (under what only her OPAQUE logins give)", k[:12])
	}
}

// impostor is the service of a while ago: the same program with an old account.
func impostor(ctx context.Context, backup account) (base string, err error) {
	s, err := newServer()
	if err != nil {
		return "", err
	}
	s.accounts["alice"] = &backup
	return s.listen(ctx)
}

// guess tries a password by OPAQUE. In that protocol the client finds out first;
// what the server says takes a proof, which Mallory makes up.
func guess(ctx context.Context, c *client, name string) error {
	login, begun, err := c.begin(ctx, name, []byte("Tr0ub4dor&3"))
	if err != nil {
		return err
	}
	if _, err := login.Respond(ctx, begun.Response); !errors.Is(err, opaque.ErrAuthentication) {
		return fmt.Errorf("not a wrong password: %v", err)
	}
	final := append([]byte("O\x01"), make([]byte, 64)...)
	return c.call(ctx, "POST", "/login/finish", finishRequest{name, begun.Session, final}, nil)
}
