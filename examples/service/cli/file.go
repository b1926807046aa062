package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/recovery"
)

const fileUsage = `
-o FILE [flags]

Makes a recovery file, which opens the account if the password is lost, together
with the server and after a wait, usually of 24 hours. Alone it opens nothing.
Keep it away from this device, such as on a stick or with somebody.

An account can have several files. The command slots lists them, and removes a
file that is lost.

Input: the password of the login; the keyring's password if it is another one; a
code if the account has a second factor.
`

func makeFile(ctx context.Context, d *device, args []string) error {
	path := d.flags.String("o", "", "new `FILE` to write")
	if err := d.parse(args, 0, 0, "there are no arguments"); err != nil {
		return err
	}
	if *path == "" {
		return cli.Misuse(d.flags, "-o FILE is missing")
	}
	if err := cli.Absent(*path); err != nil {
		return err
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	p, err := d.open(ctx)
	defer wipe(p)
	if err != nil {
		return err
	}
	var text string
	err = d.confirmed(ctx, func() (err error) {
		text, err = d.MakeFile(ctx, p.Login)
		return err
	})
	if err != nil {
		return err
	}
	slot := ""
	if f, err := recovery.ParseFile(text); err == nil {
		slot = f.ID().String()[:short]
	}
	if err := cli.Create(*path, []byte(text), 0o600); err != nil {
		fmt.Fprintln(d.out, text)
		return fmt.Errorf("the recovery file of the slot %s could not be written, and its text is printed: %w", slot, err)
	}
	_, err = fmt.Fprint(d.out, cli.Wrap("", fmt.Sprintf("%s is a recovery file now, with the slot %s. Keep it away from this device.", plain(*path), slot)))
	return err
}

// readFile reads a recovery file.
func readFile(path string) (*recovery.File, error) {
	text, err := cli.Read(path, 64<<10)
	if err != nil {
		return nil, err
	}
	f, err := recovery.ParseFile(string(text))
	if err != nil {
		return nil, errors.New(plain(path) + " is not a recovery file, or it is damaged")
	}
	return f, nil
}
