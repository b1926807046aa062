package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/client"
)

const sessionsUsage = `
[-end ID | -end-others | -name TEXT] [flags]

Lists the sessions of the account and how each was opened: with the password,
with the consent of another device, or to recover the account. Ends one or all
others, or names this one for your other devices. The server cannot read the
names. Therefore the list asks for the password if there are names. The first
digits of an id are enough.

Input: with -name, the password. For the list, the password if sessions have
names. If there is none, the list has no names.
`

func sessions(ctx context.Context, d *device, args []string) error {
	end := d.flags.String("end", "", "`ID` of the session to end")
	d.flags.Bool("end-others", false, "end all sessions except this one")
	name := d.flags.String("name", "", "`TEXT` that names this session")
	if err := d.parse(args, 0, 0, "there are no arguments"); err != nil {
		return err
	}
	action, err := d.oneOf("end", "end-others", "name")
	if err != nil {
		return err
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	switch action {
	case "end":
		return d.endSession(ctx, *end)
	case "end-others":
		return d.endOthers(ctx)
	case "name":
		return d.nameSession(ctx, *name)
	}
	return d.listSessions(ctx)
}

// listSessions asks for the password only if there are names to read.
func (d *device) listSessions(ctx context.Context) error {
	all, err := d.Sessions(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(s client.Session) bool { return len(s.Session.Name) > 0 }) {
		_, err := d.unlock(ctx)
		switch {
		case ended(err):
		case err != nil:
			return err
		default:
			if all, err = d.Sessions(ctx); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(d.out, "%-*s  %-16s  %-16s  %-8s  %s\n", short, "id", "since", "last used", "with", "name")
	for _, s := range all {
		name := plain(s.Name)
		if s.Current {
			name = strings.TrimSpace(name + " (this device)")
		}
		if s.Recovered {
			name = strings.TrimSpace(name + " (recovers)")
		}
		line := fmt.Sprintf("%s  %s  %s  %-8s  %s", s.ID.String()[:short], date(s.Created), date(s.Seen), cut(plain(string(s.Way)), 8), cut(name, 24))
		fmt.Fprintln(d.out, strings.TrimSpace(line))
	}
	return nil
}

func (d *device) endSession(ctx context.Context, digits string) error {
	all, err := d.Sessions(ctx)
	if err != nil {
		return err
	}
	s, err := pick(all, func(s client.Session) string { return s.ID.String() }, "session", digits)
	if err != nil {
		return err
	}
	if s.Current {
		return errors.New("this is the session of this device: use logout")
	}
	if err := d.EndSession(ctx, s.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "ended the session %s\n", s.ID.String()[:short])
	return err
}

func (d *device) endOthers(ctx context.Context) error {
	if err := d.EndOtherSessions(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(d.out, "ended all other sessions")
	return err
}

// maxSessionName keeps the sealed name within what the server accepts.
const maxSessionName = 100

func (d *device) nameSession(ctx context.Context, name string) error {
	if name == "" || len(name) > maxSessionName {
		return cli.Misuse(d.flags, "-name must have 1 to %d bytes", maxSessionName)
	}
	why, err := d.unlock(ctx)
	if err == nil && why != "" {
		err = needsServer(why)
	}
	if err != nil {
		return err
	}
	if err := d.NameSession(ctx, name); err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "this session is called %s\n", plain(name))
	return err
}
