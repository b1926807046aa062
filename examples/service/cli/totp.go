package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
)

const totpUsage = `
on|off|codes [flags]

Turns the second factor on or off, or replaces its backup codes. The second
factor is an authenticator, a program that shows a new code of six digits every
30 seconds (RFC 6238). Each backup code works once, instead of a code.

Input: the password of the login; with on, the first code; with off and codes, a
code if the last one was more than ten minutes ago.
`

func totp(ctx context.Context, d *device, args []string) error {
	action := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		action, args = args[0], args[1:]
	}
	if err := d.parse(args, 0, 0, "the first argument must be on, off or codes, and there is no other one"); err != nil {
		return err
	}
	run := map[string]func(context.Context, []byte) error{"on": d.totpOn, "off": d.totpOff, "codes": d.totpCodes}[action]
	if run == nil {
		return cli.Misuse(d.flags, "the first argument must be on, off or codes")
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	return d.withLogin(ctx, func(password []byte) error { return run(ctx, password) })
}

func (d *device) totpOn(ctx context.Context, password []byte) error {
	var secret, uri string
	err := d.confirmed(ctx, func() error {
		new, err := d.NewTOTP(ctx, password)
		secret, uri = new.Secret, new.URI
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprint(d.out, cli.Wrap("", "Add this secret to your authenticator, or open the address on the device that has it:"))
	fmt.Fprintf(d.out, "\n  %s\n\n%s\n\n", groups(plain(secret)), plain(uri))
	var codes []string
	err = d.code(ctx, "First code of the authenticator", func(code string) (err error) {
		codes, err = d.ConfirmTOTP(ctx, code)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(d.out, "the second factor is on")
	return d.printCodes(codes)
}

func (d *device) totpOff(ctx context.Context, password []byte) error {
	if err := d.confirmed(ctx, func() error { return d.RemoveTOTP(ctx, password) }); err != nil {
		return err
	}
	_, err := fmt.Fprintln(d.out, "the second factor is off")
	return err
}

func (d *device) totpCodes(ctx context.Context, password []byte) error {
	var codes []string
	err := d.confirmed(ctx, func() (err error) {
		codes, err = d.NewBackupCodes(ctx, password)
		return err
	})
	if err != nil {
		return err
	}
	return d.printCodes(codes)
}

func (d *device) printCodes(codes []string) error {
	fmt.Fprint(d.out, cli.Wrap("", "Keep these backup codes away from the authenticator. They are not shown again, and earlier ones no longer work:"))
	for _, code := range codes {
		fmt.Fprintf(d.out, "  %s\n", plain(code))
	}
	return nil
}

// groups writes a text in groups of four, for people who type it.
func groups(text string) string {
	var parts []string
	for len(text) > 4 {
		parts, text = append(parts, text[:4]), text[4:]
	}
	return strings.Join(append(parts, text), " ")
}
