package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/kdf/prepare"
)

const accountUsage = `
[flags]

Prints what the server knows of the account.
`

func account(ctx context.Context, d *device, args []string) error {
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	a, err := d.Account(ctx)
	if err != nil {
		return err
	}
	factor := "off"
	if a.TOTP {
		factor = "on, with " + count(a.Codes, "unused backup code")
	}
	for _, name := range a.Names {
		fmt.Fprintf(d.out, "name:           %s\n", plain(name))
	}
	fmt.Fprintf(d.out, "id:             %s\n", a.ID)
	fmt.Fprintf(d.out, "created:        %s\n", date(a.Created))
	fmt.Fprintf(d.out, "login:          %s\n", protocol(a))
	fmt.Fprintf(d.out, "second factor:  %s\n", factor)
	fmt.Fprintf(d.out, "recovery:       %s\n", ways(a))
	if a.Former > 0 {
		fmt.Fprintf(d.out, "before it:      %s with the names, see login -former\n", count(a.Former, "account"))
	}
	_, err = fmt.Fprintf(d.out, "items:          %d, with %s\n", a.Items, size(a.Bytes))
	return err
}

func protocol(a api.Account) string {
	switch {
	case a.Protocol == "opaque" && a.Slot != nil:
		return "OPAQUE, and the keyring has a password of its own"
	case a.Protocol == "opaque":
		return "OPAQUE"
	}
	return "SRP, profile " + plain(a.Protocol)
}

// ways says what opens the account without the password. The server does not
// know whether contacts have received their shares.
func ways(a api.Account) string {
	phrase := "no phrase"
	if a.Phrase {
		phrase = "a phrase"
	}
	return phrase + ", " + count(a.Files, "file")
}

func size(bytes int64) string {
	if bytes < 10_000 {
		return count(int(bytes), "byte")
	}
	return fmt.Sprintf("%d kB", bytes/1000)
}

const deleteUsage = `
[flags]

Deletes the account with all its items, and what this device has of it. Nothing
can bring it back, and nobody gets its names again. Only a former account, whose
names it has since a review, gets them back.

Input: a name of the account; the password of the login; a code if the account
has a second factor.
`

func deleteAccount(ctx context.Context, d *device, args []string) error {
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	a, err := d.Account(ctx)
	if err != nil {
		return err
	}
	typed, err := d.line(ctx, "Name of the account to delete")
	if err != nil {
		return err
	}
	if name, err := prepare.Username(typed); err != nil || !slices.Contains(a.Names, name) {
		return fmt.Errorf("the account has another name, and was not deleted: it is %s", plain(strings.Join(a.Names, ", ")))
	}
	err = d.withLogin(ctx, func(password []byte) error {
		return d.confirmed(ctx, func() error { return d.Delete(ctx, password) })
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(d.out, "the account is deleted")
	return err
}

const forgetUsage = `
[flags]

Removes what this device has of the account, also changes that were not sent.
The account stays on the server. Use logout before, because the session stays
too.

Input: yes.
`

func forget(ctx context.Context, d *device, args []string) error {
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	ok, err := d.yes(ctx, fmt.Sprintf("Remove the data of %s from this device?", plain(d.Name())))
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("nothing was removed, because the answer was not yes")
	}
	if err := d.Forget(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(d.out, "this device has forgotten the account")
	return err
}
