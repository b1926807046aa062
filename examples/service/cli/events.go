package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
)

const eventsUsage = `
[-all] [flags]

Lists what happened to the account, the newest first: at most 100 events, or all
of the last 90 days. If you do not know an event, change the password.
`

func events(ctx context.Context, d *device, args []string) error {
	all := d.flags.Bool("all", false, "list all events")
	if err := d.begin(ctx, args); err != nil {
		return err
	}
	page, err := d.EventsBefore(ctx, "")
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "%-16s  %-*s  %s\n", "time", eventWidth, "event", "network")
	for {
		for _, e := range page.Events {
			printEvent(d.out, e)
		}
		if page.Before == "" {
			return nil
		}
		if !*all {
			d.say("there are older events: use events -all")
			return nil
		}
		if page, err = d.EventsBefore(ctx, page.Before); err != nil {
			return err
		}
	}
}

// eventWidth leaves 18 of 80 columns for the network.
const eventWidth = 42

// printEvent prints an event. A long text goes on in the next line.
func printEvent(out io.Writer, e api.Event) {
	indent := strings.Repeat(" ", 80-eventWidth)
	time, network := date(e.Time), cut(plain(e.Address), 18)
	for text := range strings.Lines(cli.Wrap(indent, eventText(e.Kind))) {
		line := fmt.Sprintf("%-16s  %-*s  %s", time, eventWidth, cut(strings.TrimSpace(text), eventWidth), network)
		fmt.Fprintln(out, strings.TrimRight(line, " "))
		time, network = "", ""
	}
}

// eventText says what the server means with the kind of an event.
func eventText(kind string) string {
	rest, former := strings.CutPrefix(kind, "former account, ")
	what, of, found := strings.Cut(rest, ": ")
	if found {
		switch what {
		case "slot added", "slot removed":
			rest = what + ": " + slotKind(of)
		case "password set", "claim begun", "claim for review", "claim opened", "claim delayed", "claim cancelled",
			"claim approved by the operator", "claim refused by the operator":
			rest = what + ": " + eventWay(api.Way(of))
		}
	}
	if former {
		rest = "former account, " + rest
	}
	return plain(rest)
}

// eventWay says with what a claim was made, or a password was set.
func eventWay(way api.Way) string {
	switch way {
	case api.WayPhrase:
		return "with the recovery phrase"
	case api.WayPassword, api.WayDevice:
		return "on an approved device"
	case api.WayReview:
		return "for a new account under the old names"
	}
	return claimWay(way)
}
