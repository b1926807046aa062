package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/server"
)

const reviewsUsage = `
[flags]
       service reviews -show ID [flags]
       service reviews -note ID | -approve ID | -refuse ID -text TEXT [flags]

Lists the claims of accounts that wait for your decision, or shows one with its
evidence: what the claimant has written, your notes, and the claims and events
of the account. Anyone can claim any account, so ask for proof that a stranger
cannot have, and note it.

-approve allows a new account under the names of the old one, after a wait in
which the owner can object. What the old account contains stays sealed: only its
old password, phrase, file or devices open it. The claimant reads the text of
-approve and -refuse. If the servers have another -claim-wait, give it here too.
`

func reviews(ctx context.Context, args []string, out, _ io.Writer) error {
	f := program.Flags("reviews", reviewsUsage)
	var p place
	p.flags(f)
	wait := f.Duration("claim-wait", server.DefaultClaimWait, "`time` in which the owner can object to an approved claim")
	text := f.String("text", "", "`text` of the note or the reason")
	ids := make(map[string]*string)
	actions := []string{"show", "note", "approve", "refuse"}
	for _, action := range actions {
		ids[action] = f.String(action, "", "`ID` of the claim to "+action)
	}
	if err := cli.Parse(f, args, out); err != nil {
		return err
	}
	action := ""
	for _, one := range actions {
		if *ids[one] == "" {
			continue
		}
		if action != "" {
			return cli.Misuse(f, "-%s and -%s exclude each other", action, one)
		}
		action = one
	}
	withText := action == "note" || action == "approve" || action == "refuse"
	switch {
	case withText && *text == "":
		return cli.Misuse(f, "-text TEXT is missing: the note, or the reason that the claimant reads")
	case !withText && *text != "":
		return cli.Misuse(f, "-text goes with -note, -approve and -refuse")
	case *wait <= 0:
		return cli.Misuse(f, "-claim-wait must be more than 0")
	}
	if err := p.check(f); err != nil {
		return err
	}
	db, keys, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	queue, err := server.OpenReviews(ctx, db, keys, *wait, nil)
	if err != nil {
		return err
	}
	all, err := queue.List(ctx)
	if err != nil {
		return err
	}
	if action == "" {
		return listReviews(out, all)
	}
	id, err := pickReview(all, *ids[action])
	if err != nil {
		return err
	}
	done := map[string]string{"note": "noted", "approve": "approved", "refuse": "refused"}
	switch action {
	case "show":
		e, err := queue.Show(ctx, id)
		if err != nil {
			return err
		}
		return showReview(out, e)
	case "note":
		err = queue.Note(ctx, id, *text)
	case "approve":
		err = queue.Approve(ctx, id, *text)
	case "refuse":
		err = queue.Refuse(ctx, id, *text)
	}
	if err == nil {
		_, err = fmt.Fprintf(out, "%s the claim %s\n", done[action], id.String()[:shortID])
	}
	return err
}

const shortID = 8 // digits of an id that are enough for people

// pickReview returns the only claim whose id begins with some digits.
func pickReview(all []server.Review, digits string) (id api.ID, err error) {
	found := 0
	for _, r := range all {
		if strings.HasPrefix(r.ID.String(), strings.ToLower(digits)) {
			id = r.ID
			found++
		}
	}
	switch {
	case found == 0:
		return id, server.ErrNoReview
	case found > 1:
		return id, fmt.Errorf("%d claims begin with %s: give more digits", found, digits)
	}
	return id, nil
}

func listReviews(out io.Writer, all []server.Review) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "no claim waits for a decision")
		return err
	}
	fmt.Fprintf(out, "%-8s  %-16s  %-16s  %-8s  %s\n", "id", "begun", "until", "by", "names")
	for _, r := range all {
		fmt.Fprintf(out, "%-8s  %s  %s  %-8s  %s\n", r.ID.String()[:shortID], minute(r.Begun), minute(r.Ends), r.Way, owner(r))
	}
	return nil
}

func owner(r server.Review) string {
	switch {
	case !r.Known:
		return "no account has this name"
	case len(r.Names) == 0:
		return "a former account"
	}
	return printable(strings.Join(r.Names, ", "))
}

func showReview(out io.Writer, e server.Evidence) error {
	fmt.Fprintf(out, "claim:    %s\nnames:    %s\nby:       %s\nbegun:    %s\nuntil:    %s\nnetwork:  %s\n",
		e.ID, owner(e.Review), e.Way, minute(e.Begun), minute(e.Ends), e.Address)
	if e.Known {
		fmt.Fprintf(out, "account:  since %s\n", minute(e.Created))
	}
	if e.Text != "" {
		fmt.Fprintf(out, "\nThe claimant writes:\n%s", cli.Wrap("  ", printable(e.Text)))
	}
	section(out, "Your notes", len(e.Notes))
	for _, n := range e.Notes {
		fmt.Fprint(out, cli.Wrap("  ", minute(n.Time)+"  "+printable(n.Text)))
	}
	section(out, "Claims of the account", len(e.Claims))
	for _, c := range e.Claims {
		fmt.Fprintf(out, "  %s  %-8s  %s\n", minute(c.Begun), c.Way, c.State)
	}
	section(out, "Events of the account", len(e.Events))
	for _, event := range e.Events {
		fmt.Fprintf(out, "  %s  %-36s  %s\n", minute(event.Time), event.Kind, event.Address)
	}
	return nil
}

func section(out io.Writer, title string, lines int) {
	if lines > 0 {
		fmt.Fprintf(out, "\n%s:\n", title)
	}
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// printable replaces control characters. A claimant could otherwise change what
// the terminal shows.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}
