package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/client"
)

const joinUsage = `
[-code] [flags] NAME

Lets this new device in, with the consent of a device that is logged in. Unlike
login, it needs no password of the account, and trusts the server with nothing.

This device shows a QR code. Scan it with the other device, and give its text to
approve -qr there. If the other device cannot scan, use -code here and approve
there: each screen shows a code, which you type on the other one.

The device can then read and write items. It cannot change the password or the
slots, except with recover -password, which waits. The new password here opens
this device only. It may be the account's.

Input: a new password for this device; with -code, the code on the other screen.
`

func join(ctx context.Context, d *device, args []string) error {
	codes := d.flags.Bool("code", false, "compare codes, and show no QR code")
	if err := d.parse(args, 1, 1, "give one name"); err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	who, err := d.who(0)
	if err != nil {
		return err
	}
	if d.Name() != "" && d.Name() != who.Name {
		return client.ErrOtherAccount
	}
	password, err := d.newSecret(ctx, "New password for this device")
	if err != nil {
		return err
	}
	defer clear(password)
	a, err := d.Join(ctx, who)
	if err != nil {
		return err
	}
	err = d.exchange(ctx, a, *codes, func(ctx context.Context, typed string) error {
		return a.Joined(ctx, typed, password)
	})
	if errors.Is(err, client.ErrClaimOver) {
		return errors.New("no device has let this one in within ten minutes: use join again")
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "this device has joined %s\n", plain(d.Name()))
	_, err = d.fetched(ctx, "")
	return err
}

// exchange shows a question to the other side as a QR code, or compares codes,
// until take has got the answer.
func (d *device) exchange(ctx context.Context, a *client.Asking, codes bool, take func(ctx context.Context, typed string) error) error {
	defer a.Discard()
	if !codes {
		if err := d.showQR(a.QR()); err != nil {
			return err
		}
		fmt.Fprintf(d.out, "request %s: scan the code, and use approve -qr there\n", a.Number())
		return d.taken(ctx, "", take)
	}
	fmt.Fprintf(d.out, "request %s: use approve on the other side\n", a.Number())
	code, err := wait(ctx, d, "Waiting for the other side", a.Code)
	if err != nil {
		return err
	}
	if err := d.showCode(code); err != nil {
		return err
	}
	typed, err := d.typed(ctx)
	if err != nil {
		return err
	}
	return d.taken(ctx, typed, take)
}

// taken waits for a grant.
func (d *device) taken(ctx context.Context, typed string, take func(ctx context.Context, typed string) error) error {
	d.say("If the other side reports an error, press Ctrl-C and begin again.")
	_, err := wait(ctx, d, "Waiting for the consent of the other side", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, take(ctx, typed)
	})
	return err
}

// showCode shows this side's code.
func (d *device) showCode(code string) error {
	_, err := fmt.Fprintf(d.out, "code to type on the other side:  %s\n", code)
	return err
}

// askContacts asks one contact after the other for a share.
func (d *device) askContacts(ctx context.Context, codes bool) error {
	never := "Send nobody a picture of the code."
	if codes {
		never = "Tell each other the codes by voice, and never in a message."
	}
	fmt.Fprint(d.out, cli.Wrap("", "Ask a contact who sees or hears you now. "+never))
	for {
		missing, err := d.askContact(ctx, codes)
		if err != nil {
			return err
		}
		if missing == 0 {
			break
		}
		fmt.Fprintf(d.out, "the contact has given a share: %s missing\n", areMissing(missing))
		more, err := d.yes(ctx, "Ask the next contact now?")
		if err != nil {
			return err
		}
		if !more {
			_, err = fmt.Fprintln(d.out, "to ask the next contact, use recover -contacts")
			return err
		}
	}
	fmt.Fprintln(d.out, "enough contacts have given their shares")
	now, err := d.Claim(ctx)
	if err != nil {
		return err
	}
	return d.goOn(ctx, now, nil)
}

func (d *device) askContact(ctx context.Context, codes bool) (missing int, err error) {
	a, err := d.AskContact(ctx)
	if err != nil {
		return 0, err
	}
	err = d.exchange(ctx, a, codes, func(ctx context.Context, typed string) (err error) {
		missing, err = a.Share(ctx, typed)
		return err
	})
	return missing, sharesAgain(err)
}

func areMissing(n int) string {
	if n == 1 {
		return "1 more is"
	}
	return fmt.Sprintf("%d more are", n)
}
