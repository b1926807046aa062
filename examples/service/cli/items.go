package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nescio-go/nescio/examples/service/client"
)

const listUsage = `
[flags]

Lists the notes and logins, after a sync if the server is reached.

Input: the password.
`

func list(ctx context.Context, d *device, args []string) error {
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	all, unread, why, err := d.items(ctx)
	if err != nil {
		return err
	}
	d.stale(why)
	if len(all) == 0 && unread == nil {
		_, err := fmt.Fprintln(d.out, "there are no items")
		return err
	}
	fmt.Fprintf(d.out, "%-*s  %-5s  %-16s  %s\n", short, "id", "kind", "changed", "title")
	for _, i := range all {
		title, note := plain(i.Title), ""
		if i.Unsent {
			note = " (not sent)"
		}
		fmt.Fprintf(d.out, "%s  %-5s  %s  %s%s\n", i.ID.String()[:short], cut(plain(i.Kind), 5), when(i.Changed), cut(title, 45-len(note)), note)
	}
	return unread
}

// items opens the keyring, fetches changes, and returns the items, except
// settings of programs. The error unread names items that cannot be read. If
// the server was not reached, why tells the reason.
func (d *device) items(ctx context.Context) (all []client.Item, unread error, why string, err error) {
	if why, err = d.unlock(ctx); err != nil {
		return nil, nil, "", err
	}
	if why, err = d.fetched(ctx, why); err != nil {
		return nil, nil, "", err
	}
	all, err = d.Items(ctx)
	if errors.Is(err, client.ErrLocked) {
		return nil, nil, "", err
	}
	if err != nil {
		unread = fmt.Errorf("some items cannot be read:\n%v", err)
	}
	all = slices.DeleteFunc(all, func(i client.Item) bool { return i.Kind == client.KindSet })
	return all, unread, why, nil
}

// item is items for the item whose id begins with digits.
func (d *device) item(ctx context.Context, digits string) (found client.Item, why string, err error) {
	all, unread, why, err := d.items(ctx)
	if err != nil {
		return found, "", err
	}
	found, err = pick(all, func(i client.Item) string { return i.ID.String() }, "item", digits)
	if err != nil {
		err = errors.Join(err, unread)
	}
	return found, why, err
}

const showUsage = `
[flags] ID

Prints an item with everything in it, passwords too. The first digits of its id
are enough.

Input: the password.
`

func show(ctx context.Context, d *device, args []string) error {
	if err := d.parse(args, 1, 1, "give the id of one item"); err != nil {
		return err
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	i, why, err := d.item(ctx, d.flags.Arg(0))
	if err != nil {
		return err
	}
	d.stale(why)
	fmt.Fprintf(d.out, "id:       %s\n", i.ID)
	fmt.Fprintf(d.out, "kind:     %s\n", plain(i.Kind))
	fmt.Fprintf(d.out, "title:    %s\n", plain(i.Title))
	fmt.Fprintf(d.out, "changed:  %s\n", when(i.Changed))
	if i.Unsent {
		fmt.Fprintln(d.out, "sent:     no")
	}
	for _, name := range slices.Sorted(maps.Keys(i.Fields)) {
		fmt.Fprintf(d.out, "%-9s %s\n", plain(name)+":", plain(i.Fields[name]))
	}
	if i.Text != "" {
		fmt.Fprintf(d.out, "\n%s\n", plainLines(i.Text))
	}
	return nil
}

const syncUsage = `
[flags]

Sends the changes of this device and fetches those of others. If two devices
changed an item, both versions are kept, one of them as "(conflict)".

Input: the password.
`

func syncItems(ctx context.Context, d *device, args []string) error {
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	why, err := d.unlock(ctx)
	if err == nil && why != "" {
		err = needsServer(why)
	}
	if err != nil {
		return err
	}
	if err := d.Sync(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(d.out, "in sync with the server")
	return err
}
