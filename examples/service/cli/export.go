package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/client"
)

const exportUsage = `
-o FILE | -read FILE [flags]

Saves everything that the account has in a new file, encrypted with a password
of its own: items, slots, sessions, events and claims. With -read it prints the
notes and logins in such a file, with passwords, and with -json everything.
Reading needs neither an account nor the server.

With -offline it saves what this device has, without asking the server.

Input: with -o, the password of the account and a new password for the file;
with -read, the password of the file.
`

func export(ctx context.Context, d *device, args []string) error {
	path := d.flags.String("o", "", "new `FILE` to write")
	read := d.flags.String("read", "", "`FILE` to read")
	offline := d.flags.Bool("offline", false, "save what this device has, without the server")
	asJSON := d.flags.Bool("json", false, "print everything as JSON")
	if err := d.parse(args, 0, 0, "there are no arguments"); err != nil {
		return err
	}
	action, err := d.oneOf("o", "read")
	if err != nil {
		return err
	}
	switch {
	case *path == "" && *read == "":
		return cli.Misuse(d.flags, "-o FILE or -read FILE is missing")
	case *asJSON && action != "read":
		return cli.Misuse(d.flags, "-json is for -read")
	case *offline && action != "o":
		return cli.Misuse(d.flags, "-offline is for -o")
	}
	if action == "o" {
		return d.save(ctx, *path, *offline)
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	e, err := d.readExport(ctx, *read)
	if err != nil {
		return err
	}
	if *asJSON {
		out := json.NewEncoder(d.out)
		out.SetIndent("", "  ")
		return out.Encode(e)
	}
	return printExport(d.out, e)
}

// save writes an export.
func (d *device) save(ctx context.Context, path string, offline bool) error {
	if err := cli.Absent(path); err != nil {
		return err
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	why, err := d.unlock(ctx)
	if err == nil && why != "" && !offline {
		err = fmt.Errorf("%w. With -offline, what this device has is saved", needsServer(why))
	}
	if err != nil {
		return err
	}
	password, err := d.newSecret(ctx, "New password for the file")
	if err != nil {
		return err
	}
	defer clear(password)
	write := d.Export
	if offline {
		write = d.ExportOffline
	}
	var b bytes.Buffer
	err = write(ctx, &b, password)
	incomplete := errors.Is(err, client.ErrUnreadable)
	if err != nil && !incomplete {
		return err
	}
	if err := cli.Create(path, b.Bytes(), 0o600); err != nil {
		return err
	}
	if incomplete {
		return fmt.Errorf("%s lacks items that cannot be read:\n%v", plain(path), err)
	}
	_, err = fmt.Fprintf(d.out, "%s has everything, with %s\n", plain(path), size(int64(b.Len())))
	return err
}

// readExport asks for the password of an export, and opens it.
func (d *device) readExport(ctx context.Context, path string) (*client.Exported, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for try := 1; ; try++ {
		password, err := d.secret(ctx, "Password of the file")
		if err != nil {
			return nil, err
		}
		d.step("Opening the file")
		e, err := client.ReadExport(ctx, f, password, d.policy)
		d.clear()
		clear(password)
		if try == d.tries() || !errors.Is(err, client.ErrExport) {
			return e, err
		}
		d.say("%v", client.ErrExport)
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
	}
}

// printExport prints the notes and logins of an export.
func printExport(out io.Writer, e *client.Exported) error {
	fmt.Fprintf(out, "saved:   %s\nserver:  %s\n", when(e.Made), plain(e.Server))
	if e.Account != nil {
		for _, name := range e.Account.Names {
			fmt.Fprintf(out, "name:    %s\n", plain(name))
		}
	}
	others := 0
	for _, one := range e.Items {
		if i := one.Item; i.Kind == client.KindNote || i.Kind == client.KindLogin {
			printItem(out, one)
			continue
		}
		others++
	}
	rest := fmt.Sprintf("Not shown, see -json: %s, %s, %s, %s.", entries(others),
		count(len(e.Slots), "slot"), count(len(e.Sessions), "session"), count(len(e.Events), "event"))
	_, err := io.WriteString(out, "\n"+cli.Wrap("", rest))
	return err
}

func printItem(out io.Writer, one client.ExportedItem) {
	i := one.Item
	fmt.Fprintf(out, "\n%s  %s  %s  %s\n", one.ID.String()[:short], cut(plain(i.Kind), 5), when(i.Changed), cut(plain(i.Title), 45))
	for _, name := range slices.Sorted(maps.Keys(i.Fields)) {
		fmt.Fprintf(out, "  %s: %s\n", plain(name), plain(i.Fields[name]))
	}
	if i.Text != "" {
		fmt.Fprint(out, plainLines(i.Text)+"\n")
	}
}

const importUsage = `
[flags] FILE

Brings the notes and logins of a file of the command export into this account,
also from another account. Importing twice changes nothing. If the account has
another version of an item, both are kept.

Input: the password of the account; the password of the file.
`

func importFile(ctx context.Context, d *device, args []string) error {
	if err := d.parse(args, 1, 1, "give one file"); err != nil {
		return err
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	why, err := d.unlock(ctx)
	if err == nil && why != "" {
		err = needsServer(why)
	}
	if err != nil {
		return err
	}
	e, err := d.readExport(ctx, d.flags.Arg(0))
	if err != nil {
		return err
	}
	n, err := d.Import(ctx, e)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(d.out, "%s imported\n", count(n, "item")); err != nil {
		return err
	}
	return d.synced(ctx, "")
}

func entries(n int) string {
	if n == 1 {
		return "1 entry of programs"
	}
	return fmt.Sprintf("%d entries of programs", n)
}
