package main

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/client"
)

// The fields of a login.
const (
	fieldUser     = "user"
	fieldPassword = "password"
)

const addUsage = `
-title TITLE [-kind note|login] [-text TEXT] [flags]

Adds a note, or a login of a keychain. The text of a note is read from the input
if -text is absent. If the server is not reached, the item stays on this device
until the next sync.

Input: the password of the account; for a login, the password to keep, or an
empty line; for a note without -text, its text until the end of the input.
`

func add(ctx context.Context, d *device, args []string) error {
	var item client.Item
	d.flags.StringVar(&item.Title, "title", "", "`TITLE` of the item")
	d.flags.StringVar(&item.Kind, "kind", client.KindNote, "`KIND`: note or login")
	d.flags.StringVar(&item.Text, "text", "", "`TEXT` of the item")
	user := d.flags.String("user", "", "user `NAME` of a login")
	if err := d.parse(args, 0, 0, "there are no arguments: put the title and the text in quotation marks"); err != nil {
		return err
	}
	isLogin := item.Kind == client.KindLogin
	switch {
	case item.Title == "":
		return cli.Misuse(d.flags, "-title TITLE is missing")
	case !isLogin && item.Kind != client.KindNote:
		return cli.Misuse(d.flags, "-kind must be note or login")
	case !isLogin && *user != "":
		return cli.Misuse(d.flags, "-user is for a login")
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	why, err := d.unlock(ctx)
	if err != nil {
		return err
	}
	if isLogin {
		item.Fields = make(map[string]string)
		setField(item.Fields, fieldUser, *user)
		if err := d.askPassword(ctx, item.Fields); err != nil {
			return err
		}
	} else if !cli.Given(d.flags, "text") {
		if item.Text, err = d.text(ctx, client.MaxText); err != nil {
			return err
		}
	}
	return d.put(ctx, item, "added", why)
}

const editUsage = `
[-title TITLE] [-text TEXT] [flags] ID

Changes an item. Without -title, -text, -user and -password, its whole new text
is read from the input. The first digits of its id are enough.

Input: the password of the account; with -password, the new password to keep, or
an empty line; without these flags, the text until the end of the input.
`

func edit(ctx context.Context, d *device, args []string) error {
	title := d.flags.String("title", "", "new `TITLE`")
	text := d.flags.String("text", "", "new `TEXT`")
	user := d.flags.String("user", "", "new user `NAME` of a login")
	password := d.flags.Bool("password", false, "ask for the new password of a login")
	if err := d.parse(args, 1, 1, "give the id of one item"); err != nil {
		return err
	}
	given := func(name string) bool { return cli.Given(d.flags, name) }
	if given("title") && *title == "" {
		return cli.Misuse(d.flags, "-title is empty")
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	item, why, err := d.item(ctx, d.flags.Arg(0))
	if err != nil {
		return err
	}
	if item.Kind != client.KindLogin && (*password || given("user")) {
		return cli.Misuse(d.flags, "-user and -password are for a login")
	}
	if given("title") {
		item.Title = *title
	}
	if given("text") {
		item.Text = *text
	}
	item.Fields = maps.Clone(item.Fields)
	if item.Fields == nil {
		item.Fields = make(map[string]string)
	}
	if given("user") {
		setField(item.Fields, fieldUser, *user)
	}
	switch {
	case *password:
		err = d.askPassword(ctx, item.Fields)
	case !given("title") && !given("text") && !given("user"):
		item.Text, err = d.text(ctx, client.MaxText)
		if err == nil && item.Text == "" {
			err = errors.New("nothing was changed: the text is empty")
		}
	}
	if err != nil {
		return err
	}
	return d.put(ctx, item, "changed", why)
}

// askPassword asks for the password that an item keeps.
func (d *device) askPassword(ctx context.Context, fields map[string]string) error {
	password, err := d.secret(ctx, "Password to keep")
	if err != nil {
		return err
	}
	setField(fields, fieldPassword, string(password))
	clear(password)
	return nil
}

func setField(fields map[string]string, name, value string) {
	if value == "" {
		delete(fields, name)
		return
	}
	fields[name] = value
}

// put keeps an item, and sends it if the server is reached.
func (d *device) put(ctx context.Context, item client.Item, done, why string) error {
	item, err := d.Put(ctx, item)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(d.out, "%s %s  %s\n", done, item.ID.String()[:short], cut(plain(item.Title), 60)); err != nil {
		return err
	}
	return d.synced(ctx, why)
}

const removeUsage = `
[flags] ID

Removes an item on this device and on the server. The first digits of its id are
enough.

Input: the password.
`

func remove(ctx context.Context, d *device, args []string) error {
	if err := d.parse(args, 1, 1, "give the id of one item"); err != nil {
		return err
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	item, why, err := d.item(ctx, d.flags.Arg(0))
	if err != nil {
		return err
	}
	if err := d.Remove(ctx, item.ID); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(d.out, "removed %s  %s\n", item.ID.String()[:short], cut(plain(item.Title), 60)); err != nil {
		return err
	}
	return d.synced(ctx, why)
}
