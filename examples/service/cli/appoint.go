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

// appoint makes contacts who open the account together, k at a time.
func (d *device) appoint(ctx context.Context, k int, digits []string) error {
	p, err := d.open(ctx)
	defer wipe(p)
	if err != nil {
		return err
	}
	chosen, err := d.candidates(ctx, digits)
	if err != nil {
		return err
	}
	if k > len(chosen) {
		return cli.Misuse(d.flags, "K is %d, and %s", k, haveAccepted(len(chosen)))
	}
	for _, s := range d.Slots() {
		if s.Type != "contacts" {
			continue
		}
		d.say("the contacts before lose their shares")
		if err := d.reviewed(ctx, d.Unseen()); err != nil {
			return err
		}
		break
	}
	var ids []api.ID
	for _, c := range chosen {
		fmt.Fprintf(d.out, "%s  %-25s\n          %s\n", c.Invitation.String()[:short], cut(contactLabel(c), 25), c.Fingerprint)
		ids = append(ids, c.Invitation)
	}
	ok, err := d.yes(ctx, "Have you compared each fingerprint with the contact, by voice?")
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("nothing was changed: a person with a forged fingerprint would get a share")
	}
	var fingerprint string
	err = d.confirmed(ctx, func() (err error) {
		fingerprint, err = d.Appoint(ctx, p.Login, k, ids...)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprint(d.out, cli.Wrap("", fmt.Sprintf("Any %d of %s can open the account with you, once they use contacts -receive. Then compare this fingerprint with each of them, by voice:", k, count(len(chosen), "contact"))))
	_, err = fmt.Fprintf(d.out, "  %s\n", fingerprint)
	return err
}

func haveAccepted(n int) string {
	if n == 1 {
		return "1 contact has accepted"
	}
	return fmt.Sprintf("%d contacts have accepted", n)
}

// candidates returns the contacts with these ids, or all who have accepted.
func (d *device) candidates(ctx context.Context, digits []string) (chosen []client.Contact, err error) {
	all, err := d.Contacts(ctx)
	if err != nil {
		return nil, err
	}
	if len(digits) == 0 {
		return slices.DeleteFunc(all, func(c client.Contact) bool {
			return c.State == client.ContactInvited || c.State == client.ContactForged
		}), nil
	}
	for _, one := range digits {
		c, err := pick(all, func(c client.Contact) string { return c.Invitation.String() }, "contact", one)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(chosen, func(o client.Contact) bool { return o.Invitation == c.Invitation }) {
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}
