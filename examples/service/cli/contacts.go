package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
)

const contactsUsage = `
[-invite LABEL | -accept LINK -label LABEL |
  -appoint K [ID...] | -receive | -remove ID] [flags]

Contacts are people with accounts here. Any K of them can give you back the
account together, after a wait. Fewer than K learn nothing. The server does not
see the labels. Without flags it lists your contacts, and the people whose
contact you are.

  1. You: -invite LABEL prints a link, with -qr also as a QR code. Give it to
     the contact in private.
  2. The contact: -accept LINK -label LABEL prints the fingerprint of a key.
  3. You: compare all fingerprints with the contacts, by voice, and then
     -appoint K. Without IDs, all who have accepted are appointed. This replaces
     the contacts before.
  4. The contacts: -receive. Then compare the fingerprint of the shares with
     you, by voice.

If you lose everything, recover -contacts asks them, and they use approve.

Input: the password. With -appoint and -remove: the password of the login; the
keyring's password if it is another one; with -appoint, yes to confirm new slots
if there are contacts before, and yes if you have compared the fingerprints; a
code if the account has a second factor.
`

func contacts(ctx context.Context, d *device, args []string) error {
	invite := d.flags.String("invite", "", "`LABEL` of a new contact, for you alone")
	accept := d.flags.String("accept", "", "`LINK` of an invitation")
	label := d.flags.String("label", "", "`LABEL` of the person who invites you, for you alone")
	code := d.flags.Bool("qr", false, "show the link as a QR code too")
	k := d.flags.Int("appoint", 0, "`K` contacts open the account together")
	d.flags.Bool("receive", false, "receive the shares that wait for you")
	remove := d.flags.String("remove", "", "`ID` of a contact, or of somebody whose contact you are")
	if err := d.parse(args, 0, api.MaxContacts, "too many arguments"); err != nil {
		return err
	}
	action, err := d.oneOf("invite", "accept", "appoint", "receive", "remove")
	if err != nil {
		return err
	}
	switch {
	case d.flags.NArg() > 0 && action != "appoint":
		return cli.Misuse(d.flags, "there are no arguments, except with -appoint")
	case (action == "accept") != (*label != ""):
		return cli.Misuse(d.flags, "-accept LINK and -label LABEL go together")
	case *code && action != "invite":
		return cli.Misuse(d.flags, "-qr is for -invite")
	case action == "invite" && *invite == "":
		return cli.Misuse(d.flags, "the LABEL is empty")
	case action == "appoint" && *k < 1:
		return cli.Misuse(d.flags, "K must be at least 1")
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	switch action {
	case "appoint":
		return d.appoint(ctx, *k, d.flags.Args())
	case "remove":
		return d.disinvite(ctx, *remove)
	}
	if action != "" {
		if err := d.mayChange(); err != nil {
			return err
		}
	}
	why, err := d.unlock(ctx)
	if err == nil && why != "" {
		err = needsServer(why)
	}
	if err != nil {
		return err
	}
	switch action {
	case "invite":
		return d.invite(ctx, *invite, *code)
	case "accept":
		return d.accept(ctx, *accept, *label)
	case "receive":
		return d.receive(ctx)
	}
	return d.listContacts(ctx)
}

func (d *device) listContacts(ctx context.Context) error {
	mine, of, err := d.allContacts(ctx)
	if err != nil {
		return err
	}
	if len(mine)+len(of) == 0 {
		_, err := fmt.Fprintln(d.out, "there are no contacts: begin with contacts -invite LABEL")
		return err
	}
	if len(mine) > 0 {
		fmt.Fprintln(d.out, "your contacts:")
	}
	for _, c := range mine {
		d.printContact(c, ownState(c.State))
	}
	if len(of) > 0 {
		fmt.Fprintln(d.out, "you are a contact of:")
	}
	for _, c := range of {
		d.printContact(c, theirState(c.State))
	}
	return nil
}

func (d *device) allContacts(ctx context.Context) (mine, of []client.Contact, err error) {
	if mine, err = d.Contacts(ctx); err == nil {
		of, err = d.ContactOf(ctx)
	}
	return mine, of, err
}

// printContact prints a contact with the fingerprints to compare by voice.
func (d *device) printContact(c client.Contact, state string) {
	fmt.Fprintf(d.out, "  %s  %-25s  %s\n", c.Invitation.String()[:short], cut(contactLabel(c), 25), state)
	if c.Fingerprint != "" {
		fmt.Fprintf(d.out, "            key:    %s\n", c.Fingerprint)
	}
	if c.Split != "" {
		fmt.Fprintf(d.out, "            share:  %s\n", c.Split)
	}
}

func contactLabel(c client.Contact) string { return plain(or(c.Label, "without a label")) }

func ownState(s client.ContactState) string {
	switch s {
	case client.ContactInvited:
		return "has not accepted yet"
	case client.ContactAccepted:
		return "accepted, not appointed"
	case client.ContactForged:
		return "FORGED: invite again"
	case client.ContactDelivered:
		return "appointed, share not received"
	case client.ContactReceived:
		return "has a share"
	}
	return plain(string(s))
}

func theirState(s client.ContactState) string {
	switch s {
	case client.ContactAccepted:
		return "not appointed yet"
	case client.ContactDelivered:
		return "use contacts -receive"
	case client.ContactReceived:
		return "you have a share"
	}
	return plain(string(s))
}

func (d *device) invite(ctx context.Context, label string, code bool) error {
	link, err := d.Invite(ctx, label)
	if err != nil {
		return err
	}
	fmt.Fprint(d.out, cli.Wrap("", "Give this link to "+plain(label)+" in private. Anyone else who has it could answer, which you notice when you compare fingerprints."))
	if _, err := fmt.Fprintln(d.out, link); err != nil {
		return err
	}
	if code {
		if err := d.showQR(link); err != nil {
			return err
		}
	}
	_, err = fmt.Fprint(d.out, cli.Wrap("", "The contact then uses contacts -accept 'LINK' -label YOUR-NAME. Then compare the fingerprints by voice, and use contacts -appoint K."))
	return err
}

func (d *device) accept(ctx context.Context, link, label string) error {
	fingerprint, err := d.AcceptInvitation(ctx, link, label)
	if err != nil {
		return err
	}
	fmt.Fprint(d.out, cli.Wrap("", "Read this fingerprint to "+plain(label)+", by voice and not in a message:"))
	_, err = fmt.Fprintf(d.out, "  %s\n", fingerprint)
	return err
}

func (d *device) receive(ctx context.Context) error {
	of, err := d.ContactOf(ctx)
	if err != nil {
		return err
	}
	waiting := slices.DeleteFunc(of, func(c client.Contact) bool { return c.State != client.ContactDelivered })
	if len(waiting) == 0 {
		_, err := fmt.Fprintln(d.out, "no share waits for you")
		return err
	}
	var errs []error
	for _, c := range waiting {
		fingerprint, err := d.Receive(ctx, c.Invitation)
		if err != nil {
			errs = append(errs, fmt.Errorf("the share of %s: %w", contactLabel(c), explain(ctx, err)))
			continue
		}
		fmt.Fprint(d.out, cli.Wrap("", fmt.Sprintf("You keep a share for %s. Compare this fingerprint with %[1]s, by voice. If it differs, use contacts -remove %s.", contactLabel(c), c.Invitation.String()[:short])))
		fmt.Fprintf(d.out, "  %s\n", fingerprint)
	}
	return errors.Join(errs...)
}

func (d *device) disinvite(ctx context.Context, digits string) error {
	p, err := d.open(ctx)
	defer wipe(p)
	if err != nil {
		return err
	}
	mine, of, err := d.allContacts(ctx)
	if err != nil {
		return err
	}
	c, err := pick(slices.Concat(mine, of), func(c client.Contact) string { return c.Invitation.String() }, "contact", digits)
	if err != nil {
		return err
	}
	if err := d.confirmed(ctx, func() error { return d.Disinvite(ctx, p.Login, c.Invitation) }); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "removed %s  %s\n", c.Invitation.String()[:short], contactLabel(c))
	if c.Slot.String() != (client.Contact{}).Slot.String() && c.Created != 0 {
		d.say("the contact still has a share: use contacts -appoint with the others, or slots -remove %s", c.Slot.String()[:short])
	}
	return nil
}
