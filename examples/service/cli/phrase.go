package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/recovery"
)

const phraseUsage = `
[-remove] [flags]

Makes the recovery phrase, in place of a former one. Its twelve words open the
account if the password is lost, at once and without a code. Write them down on
paper, and keep the paper as safe as the account. They are never shown again.

Before anything is stored, the words are asked back: on a terminal three of them
by their numbers, and from a script the whole phrase. Enter the phrase nowhere
except in recover -phrase.

Input: the password of the login; the keyring's password if it is another one;
yes to confirm new slots of the keyring, if there is a former phrase; on a
terminal three words, or from a script the whole phrase, as it was printed; a
code if the account has a second factor. With -remove, no phrase.
`

func phrase(ctx context.Context, d *device, args []string) error {
	remove := d.flags.Bool("remove", false, "remove the phrase, so that it opens nothing")
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	p, err := d.open(ctx)
	defer wipe(p)
	if err != nil {
		return err
	}
	if *remove {
		return d.removePhrase(ctx, p.Login)
	}
	if d.phraseSlot() != nil {
		d.say("the account has a phrase, which opens nothing once there is a new one")
		if err := d.reviewed(ctx, d.Unseen()); err != nil {
			return err
		}
	}
	return d.makePhrase(ctx, p.Login)
}

// phraseSlot returns the slot of the phrase, or nil.
func (d *device) phraseSlot() *recovery.Slot {
	for _, s := range d.Slots() {
		if s.Type == "phrase" {
			return &s
		}
	}
	return nil
}

func (d *device) removePhrase(ctx context.Context, password []byte) error {
	slot := d.phraseSlot()
	if slot == nil {
		return errors.New("the account has no recovery phrase")
	}
	others := slices.DeleteFunc(d.Unseen(), func(c recovery.SlotChange) bool { return c.ID == slot.ID })
	if err := d.reviewed(ctx, others); err != nil {
		return err
	}
	if err := d.confirmed(ctx, func() error { return d.RemoveSlots(ctx, password, slot.ID) }); err != nil {
		return err
	}
	_, err := fmt.Fprintln(d.out, "the recovery phrase is removed")
	return err
}

// makePhrase makes a phrase once the user has written it down.
func (d *device) makePhrase(ctx context.Context, password []byte) error {
	if _, err := d.Account(ctx); err != nil { // nobody writes twelve words in vain
		return err
	}
	p, err := recovery.NewPhrase(12)
	if err != nil {
		return err
	}
	if err := d.showWords(ctx, strings.Fields(p.Words())); err != nil {
		return err
	}
	if err := d.confirmed(ctx, func() error { return d.SetPhrase(ctx, password, p) }); err != nil {
		return err
	}
	_, err = fmt.Fprint(d.out, cli.Wrap("", "The recovery phrase is made. If you lose the password, use recover -phrase."))
	return err
}

// showWords shows the words, and asks some of them back.
func (d *device) showWords(ctx context.Context, words []string) error {
	reason := ""
	for try := 1; ; try++ {
		if err := d.printWords(ctx, reason, words); err != nil {
			return err
		}
		right, err := d.askWords(ctx, words)
		if err != nil || right {
			return err
		}
		if try == d.tries() {
			return errors.New("the words do not match, and nothing was changed")
		}
		reason = "That is another word: look at the phrase again."
	}
}

// printWords shows the words to a person on a screen that disappears, below the
// reason why they are shown again. Elsewhere they are a part of the result.
func (d *device) printWords(ctx context.Context, reason string, words []string) error {
	const intro = "These are the twelve words of your recovery phrase. Write them down on paper, with their numbers:"
	if !d.interactive() {
		if reason != "" {
			d.say("%s", reason)
		}
		_, err := io.WriteString(d.out, cli.Wrap("", intro)+"\n"+wordTable(words)+"\n")
		return err
	}
	return d.aside(func() error {
		if reason != "" {
			io.WriteString(d.errOut, cli.Wrap("", reason)+"\n")
		}
		io.WriteString(d.errOut, cli.Wrap("", intro)+"\n"+wordTable(words)+"\n")
		_, err := d.line(ctx, "Press Enter when they are on paper. They disappear then")
		return err
	})
}

func wordTable(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i%3 == 2 {
			fmt.Fprintf(&b, "  %2d. %s\n", i+1, word)
			continue
		}
		fmt.Fprintf(&b, "  %2d. %-10s", i+1, word)
	}
	return b.String()
}

// askedWords is how many words are asked back.
const askedWords = 3

// askWords asks a person for some words. A program cannot know for which, and
// returns all.
func (d *device) askWords(ctx context.Context, words []string) (right bool, err error) {
	if !d.interactive() {
		p, err := d.readPhrase(ctx)
		return err == nil && p.Words() == strings.Join(words, " "), err
	}
	numbers := rand.Perm(len(words))[:askedWords]
	slices.Sort(numbers)
	for _, i := range numbers {
		typed, err := d.line(ctx, fmt.Sprintf("Word %d", i+1))
		if err != nil {
			return false, err
		}
		if !strings.EqualFold(typed, words[i]) {
			return false, nil
		}
	}
	return true, nil
}

// offerPhrase tells the owner of a new account what a lost password means.
func (d *device) offerPhrase(ctx context.Context, password []byte) error {
	fmt.Fprint(d.out, cli.Wrap("", "Nobody can reset the password, not even the operator of the server. If it is lost, a recovery phrase opens the account: twelve words on paper."))
	ok, err := d.yes(ctx, "Make the recovery phrase now?")
	if err == nil && ok {
		err = d.makePhrase(ctx, password)
	}
	if err != nil || !ok {
		d.say("The account has no recovery phrase. If the password is lost, everything in the account is lost. The command phrase makes one.")
	}
	return err
}
