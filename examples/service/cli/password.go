package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/client"
)

const passwordUsage = `
[-two | -one] [flags]

Changes the password, and ends all other sessions. Other devices open with the
old password until they log in with the new one.

With -two, the keyring has a password of its own, which the login does not use.
With -one, one password does both again. If the keyring already has a password
of its own, one of these flags is required.

Input: the password of the login; the keyring's password if it is another one;
yes to confirm new slots of the keyring; the new password; with -two, the new
password of the keyring; a code if the account has a second factor.
`

func password(ctx context.Context, d *device, args []string) error {
	d.flags.Bool("two", false, "give the keyring a password of its own, or change both")
	d.flags.Bool("one", false, "one password for the login and the keyring")
	if err := d.parse(args, 0, 0, "there are no arguments"); err != nil {
		return err
	}
	mode, err := d.oneOf("two", "one")
	if err != nil {
		return err
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	before, err := d.open(ctx)
	defer wipe(before)
	if err != nil {
		return err
	}
	if len(before.Keyring) > 0 && mode == "" {
		return cli.Misuse(d.flags, "the keyring has a password of its own: use -two to change both, or -one for one password")
	}
	if err := d.reviewed(ctx, d.Unseen()); err != nil {
		return err
	}
	next, err := d.newPasswords(ctx, mode == "two")
	defer wipe(next)
	if err != nil {
		return err
	}
	if err := d.confirmed(ctx, func() error { return d.ChangePassword(ctx, before, next) }); err != nil {
		return err
	}
	_, err = fmt.Fprintln(d.out, "the password is changed, and all other sessions are ended")
	return err
}

func (d *device) newPasswords(ctx context.Context, two bool) (p client.Passwords, err error) {
	if !two {
		p.Login, err = d.newSecret(ctx, "New password")
		return p, err
	}
	if p.Login, err = d.newSecret(ctx, "New login password"); err != nil {
		return p, err
	}
	if p.Keyring, err = d.newSecret(ctx, "New keyring password"); err != nil {
		return p, err
	}
	if bytes.Equal(p.Login, p.Keyring) {
		return p, errors.New("the passwords of the login and the keyring must differ")
	}
	return p, nil
}
