package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
)

// setPassword asks for new passwords in a session that recovers the account, and
// logs in with them.
func (d *device) setPassword(ctx context.Context) error {
	a, err := d.Account(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(d.out, "the account is open: set a new password now")
	next, err := d.newPasswords(ctx, false)
	defer wipe(next)
	if err != nil {
		return err
	}
	reset := false
	if a.TOTP {
		if reset, err = d.yes(ctx, "The account has a second factor. Turn it off, because it is lost too?"); err != nil {
			return err
		}
	}
	e, err := d.passwordSet(ctx, next, reset)
	if err != nil {
		return err
	}
	fmt.Fprint(d.out, cli.Wrap("", "The password is set. All other sessions have ended, except those of approved devices. Slots of the keyring stay: look at them with slots, and remove what may be in the wrong hands."))
	if err := d.entered(ctx, e); err != nil {
		return err
	}
	if !e.NewDevice { // otherwise it was said
		fmt.Fprint(d.out, cli.Wrap("", sameSlots))
	}
	_, err = d.fetched(ctx, "")
	return err
}

// passwordSet sets passwords, and logs in.
func (d *device) passwordSet(ctx context.Context, next client.Passwords, reset bool) (e client.Entered, err error) {
	for try := 1; ; try++ {
		e, err = d.SetPassword(ctx, next, reset)
		stopped := errors.Is(err, recovery.ErrOvertaken) || errors.Is(err, recovery.ErrUnseen)
		if !stopped || try == tries {
			break
		}
		d.say("another device has changed the keyring meanwhile")
		if err := d.reviewed(ctx, e.Unseen); err != nil {
			return e, err
		}
	}
	if errors.Is(err, client.ErrCodeRequired) {
		err = d.code(ctx, codePrompt, func(code string) (err error) {
			e, err = d.Code(ctx, code)
			return err
		})
	}
	if answered(err, api.LoginRequired) {
		err = errors.New("that took too long, and nothing was changed: begin again with recover, and then set the password within ten minutes")
	}
	return e, err
}

// newAccount makes a new account under the old names, after a review.
func (d *device) newAccount(ctx context.Context) error {
	fmt.Fprint(d.out, cli.Wrap("", "The operator allows a new account under the old names. It begins empty. The old one stays as it is, and nobody can read it without its password, phrase or file."))
	next, err := d.newPasswords(ctx, false)
	defer wipe(next)
	if err != nil {
		return err
	}
	e, err := d.NewAccount(ctx, next)
	if err != nil {
		return err
	}
	if err := d.entered(ctx, e); err != nil {
		return err
	}
	name := cli.Quote(plain(d.Name()))
	fmt.Fprint(d.out, cli.Wrap("", "If you find the password of the old account, log in to it on another device or with another -folder:"))
	fmt.Fprintf(d.out, "  login -former 1 %s\n", name)
	fmt.Fprintln(d.out, "or, if you find its phrase or a recovery file:")
	fmt.Fprintf(d.out, "  recover -phrase -former 1 %s\n  recover -file FILE -former 1 %s\n", name, name)
	fmt.Fprint(d.out, cli.Wrap("", "The command export saves what is in it, and import brings that here."))
	return d.offerPhrase(ctx, next.Login)
}
