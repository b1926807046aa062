package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
)

const approveUsage = `
[-qr] [flags]

Lets a new device of yours in, or gives your share to somebody whose contact you
are and who has lost everything. Both show their request with the command join
or recover -contacts.

With -qr, give the text of the QR code that you have scanned from the other
screen. Otherwise choose the request that the other screen names, such as c451.
Then each screen shows a code, which you type on the other one.

Approve nothing before you see the device, or see or hear the person. Never use
a code or a text that came in a message: its sender would get in.

Input: the password of the login; the keyring's password if it is another one;
with -qr the text of the code, and yes for your share; otherwise the request,
such as c451, and the code on the other screen; a code of the authenticator if
the account has a second factor. Without a request, they are only listed.
`

func approve(ctx context.Context, d *device, args []string) error {
	qr := d.flags.Bool("qr", false, "read the text of a scanned QR code")
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	if way, recovered := d.Way(); way != api.WayDevice || recovered {
		if err := d.mayChange(); err != nil {
			return err
		}
	}
	p, err := d.openWith(ctx)
	defer wipe(p)
	if err != nil {
		return err
	}
	if *qr {
		return d.approveQR(ctx, p.Login)
	}
	asks, err := d.Asks(ctx)
	if err != nil {
		return err
	}
	if len(asks) == 0 {
		_, err := fmt.Fprint(d.out, cli.Wrap("", "There is no request. Begin on the other side, with join or recover -contacts."))
		return err
	}
	for _, a := range asks {
		line := fmt.Sprintf("%s  %s  %s  %s", client.AskNumber(a.ID), date(a.Asked), askText(a), cut(plain(a.Address), 18))
		fmt.Fprintln(d.out, strings.TrimRight(line, " "))
	}
	digits, err := d.line(ctx, "Request on the other screen, such as c451")
	if ended(err) || err == nil && digits == "" {
		return nil
	}
	if err != nil {
		return err
	}
	ask, err := pick(asks, func(a client.Ask) string { return a.ID.String() }, "request", digits)
	if err != nil {
		return err
	}
	return d.approveAsk(ctx, p.Login, ask)
}

// askText says who asks. A label is the user's own.
func askText(a client.Ask) string {
	if a.Way == api.WayDevice {
		return "a new device of this account"
	}
	return "your share for " + cut(plain(or(a.Label, "somebody")), 25)
}

func (d *device) approveQR(ctx context.Context, password []byte) error {
	text, err := d.line(ctx, "Text of the QR code, never from a message")
	if err != nil {
		return err
	}
	noAsk := errors.New("the text belongs to no open request: scan the code again")
	ask, err := d.AskOfQR(ctx, text)
	if errors.Is(err, client.ErrNoAsk) {
		return noAsk
	}
	if err != nil {
		return err
	}
	if ask.Way == api.WayContacts {
		ok, err := d.yes(ctx, fmt.Sprintf("Give %s?", askText(ask)))
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("nothing was given, because the answer was not yes")
		}
	}
	err = d.confirmed(ctx, func() error { return d.GrantQR(ctx, password, text) })
	if errors.Is(err, client.ErrNoAsk) {
		return noAsk
	}
	if err != nil {
		return err
	}
	if ask.Way == api.WayContacts {
		return d.shareSent(ask)
	}
	_, err = fmt.Fprintln(d.out, "approved: the other side goes on by itself")
	return err
}

func (d *device) approveAsk(ctx context.Context, password []byte, ask client.Ask) error {
	g, err := d.Grant(ctx, ask.ID)
	if answered(err, api.Conflict) {
		return errors.New("the request was answered already: begin again on the other side")
	}
	if err != nil {
		return err
	}
	defer g.Discard()
	code, err := wait(ctx, d, "Waiting for the other side", g.Code)
	if err != nil {
		return giving(ask, err)
	}
	if err := d.showCode(code); err != nil {
		return err
	}
	typed, err := d.typed(ctx)
	if err != nil {
		return err
	}
	err = d.confirmed(ctx, func() error { return g.Finish(ctx, password, typed) })
	if err != nil {
		return giving(ask, err)
	}
	if ask.Way == api.WayContacts {
		return d.shareSent(ask)
	}
	_, err = fmt.Fprintln(d.out, "the new device is let in")
	return err
}

// giving explains an error of an answer to a request.
func giving(ask client.Ask, err error) error {
	if ask.Way == api.WayContacts {
		return sharesAgain(err)
	}
	return err
}

// shareSent says that this device cannot see whether a share has arrived.
func (d *device) shareSent(ask client.Ask) error {
	who := cut(plain(or(ask.Label, "somebody")), 40)
	_, err := fmt.Fprint(d.out, cli.Wrap("", "Your share is given to "+who+". It was sent: ask whether the other screen shows it."))
	return err
}
