package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/recovery"
)

// review is the operator's.
func review(_ context.Context, c *client, o *options) error {
	if o.claim != "" && o.clear == o.drop || o.drop && o.claim == "" {
		return usageError{"review", "-claim goes with -clear or -drop, and -drop with -claim"}
	}
	return c.srv.watched(c.name, func(w *watch) error {
		if o.claim != "" && w.Claims[o.claim] == nil {
			return fmt.Errorf("there is no claim %q: review without flags lists them", o.claim)
		}
		switch {
		case o.drop:
			delete(w.Claims, o.claim)
		case o.clear:
			clear(w.Failures)
			if o.claim != "" {
				w.Claims[o.claim].Cleared = true
			}
		}
		for _, kind := range slices.Sorted(maps.Keys(w.Failures)) {
			c.say("%s: %d failures in a row", kind, w.Failures[kind])
		}
		if w.held() {
			c.say("HOLD: no recovery by file, contacts or device until review %s -clear", c.name)
		}
		for _, id := range slices.Sorted(maps.Keys(w.Claims)) {
			word := "waits: -clear -claim " + id + " lets it through, -drop -claim " + id + " ends it"
			if w.Claims[id].Cleared {
				word = "is let through"
			}
			c.say("claim %s of %s %s", id, w.Claims[id].Since.Format("2006-01-02 15:04"), word)
		}
		if len(w.Failures)+len(w.Claims) == 0 {
			c.say("Nothing is counted, and nothing waits.")
		}
		return nil
	})
}

// inspect lists what the server has.
func inspect(_ context.Context, c *client, _ *options) error {
	entries, err := os.ReadDir(filepath.Join(c.srv.dir, "accounts"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, isAccount := strings.CutSuffix(e.Name(), ".json")
		if !isAccount {
			continue
		}
		a, _, err := c.srv.view(name)
		if err != nil {
			return err
		}
		if err := c.describe(name, a); err != nil {
			return err
		}
	}
	for _, f := range [][2]string{{"requests", "approvals under way, of public keys and sealed messages"}, {"watch", "names with counted failures and claims"}} {
		entries, err := os.ReadDir(filepath.Join(c.srv.dir, f[0]))
		if err != nil {
			return err
		}
		c.say("%s: %d %s", f[0], len(entries), f[1])
	}
	c.say("\nNone of it opens anything. What it does allow:")
	c.say("  - Who has keys.json and the accounts can try passwords, as on hashes: a service")
	c.say("    keeps the two apart.")
	c.say("  - A file's half opens the keyring together with the file, and shares do when so")
	c.say("    many contacts agree: so both are given out after a review.")
	return nil
}

func (c *client) describe(name string, a account) error {
	h, err := recovery.ParseHeader(a.Header)
	if err != nil {
		return err
	}
	row := func(size int, format string, args ...any) {
		if size > 0 {
			c.say("  %6d bytes  %s", size, fmt.Sprintf(format, args...))
		}
	}
	c.say("%s", name)
	row(len(a.Record), "OPAQUE record of the password: a public key, and an envelope under the password and the server's key")
	row(len(a.Phrase), "OPAQUE record of the login by phrase")
	row(len(a.Header), "keyring header, revision %d, master key %d, which opens by:", h.Revision(), h.Epoch())
	for _, s := range h.Slots() {
		c.say("                  %-9s %s", wayIn(s), s.ID)
	}
	row(len(a.Note.Key)+len(a.Note.Text), "note, encrypted under master key %d", a.Note.Epoch)
	for _, slot := range h.Slots() {
		row(len(a.Files[slot.ID]), "server's half of the recovery file %s", slot.ID)
		row(len(a.Devices[slot.ID]), "hash of the token of device %s", slot.ID)
	}
	row(len(a.ContactKey), "public key, to which others' shares are sealed")
	row(len(a.ContactSecret.Key)+len(a.ContactSecret.Text), "its private key, encrypted under master key %d", a.ContactSecret.Epoch)
	if len(a.Contacts) > 0 {
		c.say("                the names of contacts: %s", strings.Join(a.Contacts, ", "))
	}
	for _, m := range a.Shares {
		row(len(m.Sealed), "share of the key of %s, sealed to the public key", m.Owner)
	}
	for _, kept := range a.Kept {
		row(len(kept.Key)+len(kept.Text), "share that was compared, encrypted under master key %d", kept.Epoch)
	}
	return nil
}
