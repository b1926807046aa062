package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
)

const restoreUsage = `
[-srp] [flags]

Gives the server what this device has and the server has lost, after its
operator has restored a backup. Until then, commands say that the server answers
with older data. A dishonest server looks the same: use restore only if the
operator has told you of the backup.

Use it on every device, first on the one that was used last. If the password was
changed after the backup, enter both: the present one stays.

With -srp, the device logs in with the older protocol SRP. This is only right if
the backup is from before the account moved to OPAQUE.

Input: yes; the password; the keyring's password if it is another one; if the
server does not know the password, the one from before the backup; a code if the
account has a second factor.
`

func restore(ctx context.Context, d *device, args []string) error {
	srp := d.flags.Bool("srp", false, "the backup is from before the account moved to OPAQUE")
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	ok, err := d.yes(ctx, "Has the operator told you that a backup was restored?")
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("nothing was done, because it may be an attack: ask the operator")
	}
	var own client.Passwords
	defer func() { wipe(own) }()
	if own.Login, err = d.secret(ctx, d.loginPrompt()); err != nil {
		return err
	}
	if d.TwoPasswords() {
		if own.Keyring, err = d.secret(ctx, "Keyring password"); err != nil {
			return err
		}
	}
	if *srp {
		if err := d.AllowSRP(ctx); err != nil {
			return err
		}
	}
	known, err := d.knownPassword(ctx, own)
	defer clear(known)
	if err != nil {
		return err
	}
	var r client.Restored
	err = d.confirmed(ctx, func() (err error) {
		r, err = d.Restore(ctx, known, own)
		return err
	})
	if err != nil {
		return err
	}
	if err := d.Sync(ctx); err != nil {
		return err
	}
	return d.restored(r)
}

// knownPassword logs in with a password that the restored server knows: the
// present one, or one from before the backup.
func (d *device) knownPassword(ctx context.Context, own client.Passwords) ([]byte, error) {
	known := slices.Clone(own.Login)
	for try := 1; ; try++ {
		_, err := d.logIn(ctx, d.Who(), client.Passwords{Login: known, Keyring: own.Keyring})
		switch {
		case err == nil, errors.Is(err, recovery.ErrRollback), errors.Is(err, recovery.ErrFork),
			errors.Is(err, client.ErrKeyringPassword), errors.Is(err, client.ErrSecondPassword):
			return known, nil // there is a session
		case !errors.Is(err, client.ErrAuthentication) || try > d.tries():
			return known, err
		}
		if try == 1 {
			d.say("the server does not know this password: it may have been changed after the backup")
		} else {
			d.say("that is wrong too")
		}
		clear(known)
		if known, err = d.secret(ctx, "Password from before the backup"); err != nil {
			return known, err
		}
	}
}

// restored says what has become of the account.
func (d *device) restored(r client.Restored) error {
	if _, err := fmt.Fprintf(d.out, "the server has everything that this device has: %s sent\n", count(r.Items, "item")); err != nil {
		return err
	}
	if len(r.Lost) == 0 {
		return nil
	}
	fmt.Fprintln(d.out, "The server has lost its part of these slots. Make them again:")
	for _, s := range r.Lost {
		fmt.Fprintf(d.out, "  %s\n", slotText(s.ID, s.Type))
	}
	return nil
}
