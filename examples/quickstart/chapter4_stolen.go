package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// What chapter 4 shows of a stolen database, before the account moves to OPAQUE and
// after.

func (w *work) stolenBefore(ctx context.Context) error {
	w.say("\n  Mallory steals all of that. At home, where nobody counts his tries, he goes")
	w.say("through the popular passwords. The story lets a try cost as little as the policy")
	w.say("allows; by default one costs five times as much, and that would not save her.")
	w.before = w.s.stored(workName)
	found, k, err := guessAtHeader(ctx, w.before.keyring)
	if err != nil {
		return err
	}
	w.detail("a guess fits", "%q", found)
	if err := w.showPlan(ctx, "he reads", k, w.before.notes); err != nil {
		return err
	}
	w.say("He could have tried them on the record too: by SRP that is as good as a hash.")
	return nil
}

func (w *work) stolenAfter(ctx context.Context) error {
	w.say("\n  Another thief comes, after the move. The server has deleted the old headers:")
	if err := w.showStored(); err != nil {
		return err
	}
	a := w.s.stored(workName)
	_, _, err := guessAtHeader(ctx, a.keyring)
	w.detail("the header", "%v", err)
	if !errors.Is(err, errNoGuess) {
		return fmt.Errorf("a guess at the header: %v", err)
	}
	w.say("There is nothing to guess at: what opens these slots has 128 random bits or more.")
	w.say("OPAQUE's key comes from the password, but only together with a key of the")
	w.say("server's, which is not in the database. He makes one up, and plays both sides:")
	other, err := newOPAQUE(w.s.secrets)
	if err != nil {
		return err
	}
	for _, g := range guesses {
		err := guessAtRecord(ctx, other, workName, a.records[byOPAQUE], g)
		w.detail(g, "%v", err)
		if !errors.Is(err, opaque.ErrAuthentication) {
			return fmt.Errorf("a guess at the record: %v", err)
		}
	}
	w.say("The last of them is right, and he cannot tell. With the server's key he could:")
	if err := guessAtRecord(ctx, w.s.opaque, workName, a.records[byOPAQUE], string(weakPassword)); err != nil {
		return err
	}
	w.detail(string(weakPassword), "fits")
	w.say("So it is kept elsewhere. What Mallory took before the move stays his: the note of")
	w.say("that day, and whatever else master key 1 opens, until it is encrypted anew.")
	return nil
}

// showStored shows what the server has of the account and of its phrase's.
func (w *work) showStored() error {
	a, phrase := w.s.stored(workName), w.s.stored(workName+phraseSuffix)
	for _, r := range []struct {
		what string
		of   account
	}{{"record", a}, {"phrase's record", phrase}} {
		for p, record := range r.of.records {
			w.detail(r.what, "%s, %d bytes", p, len(record))
		}
	}
	h, err := recovery.ParseHeader(a.keyring)
	if err != nil {
		return err
	}
	w.detail("keyring", "%s; %d bytes", ways(h), len(a.keyring))
	for id, half := range a.files {
		w.detail("half of the file", "%d bytes, for slot %s…", len(half), id.String()[:8])
	}
	for _, name := range []string{planName, movedName} {
		if note, ok := a.notes[name]; ok {
			w.detail("note", "%x…  (under master key %d)", note.Text[:12], note.Epoch)
		}
	}
	return nil
}

// ways names the ways in of a header: public, so that the server may know them.
func ways(h *recovery.Header) string {
	var names []string
	for _, s := range h.Slots() {
		name := s.Type.String()
		if s.Type == recovery.SlotExport {
			name = "OPAQUE"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
