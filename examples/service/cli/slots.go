package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

const slotsUsage = `
[-seen | -remove ID | -resolve] [flags]

Lists the slots of the keyring. Each of them opens all items: a file only with
the server, and contacts only together and with the server. New slots are those
that you have not confirmed on this device.

A device that you no longer have, or a slot that is not yours, should be
removed: it can then open nothing that is written afterwards. The first digits
of an id are enough. If another device changes the keyring at the same moment,
-resolve repeats the removal.

Input: the password. With -remove or -resolve: the password of the login; the
keyring's password if it is another one; yes to confirm new slots; a code if the
account has a second factor.
`

func slots(ctx context.Context, d *device, args []string) error {
	d.flags.Bool("seen", false, "mark all slots that are listed as seen")
	digits := d.flags.String("remove", "", "`ID` of the slot to remove, or several with commas between them")
	d.flags.Bool("resolve", false, "repeat a removal that another device overtook")
	if err := d.parse(args, 0, 0, "there are no arguments"); err != nil {
		return err
	}
	action, err := d.oneOf("seen", "remove", "resolve")
	if err != nil {
		return err
	}
	if err := d.known(ctx); err != nil {
		return err
	}
	switch action {
	case "remove":
		return d.removeSlot(ctx, *digits)
	case "resolve":
		return d.resolve(ctx)
	}
	if _, err := d.unlock(ctx); err != nil {
		return err
	}
	changes := d.Unseen()
	d.listSlots(ctx, changes)
	if action != "seen" || len(changes) == 0 {
		return nil
	}
	if err := d.MarkSeen(ctx, changes); err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "%s marked as seen\n", count(len(changes), "change"))
	return err
}

func (d *device) removeSlot(ctx context.Context, digits string) error {
	p, err := d.open(ctx)
	defer wipe(p)
	if err != nil {
		return err
	}
	var ids []recovery.SlotID
	var removed []string
	for one := range strings.SplitSeq(digits, ",") {
		slot, err := pick(d.Slots(), func(s recovery.Slot) string { return s.ID.String() }, "slot", strings.TrimSpace(one))
		if err != nil {
			return err
		}
		ids = append(ids, slot.ID)
		removed = append(removed, slotText(slot.ID, slot.Type))
	}
	others := slices.DeleteFunc(d.Unseen(), func(c recovery.SlotChange) bool { return slices.Contains(ids, c.ID) })
	if err := d.reviewed(ctx, others); err != nil {
		return err
	}
	if err := d.confirmed(ctx, func() error { return d.RemoveSlots(ctx, p.Login, ids...) }); err != nil {
		return err
	}
	for _, text := range removed {
		fmt.Fprintf(d.out, "removed %s\n", text)
	}
	return nil
}

func (d *device) resolve(ctx context.Context) error {
	p, err := d.open(ctx)
	defer wipe(p)
	if err != nil {
		return err
	}
	if err := d.reviewed(ctx, d.Unseen()); err != nil {
		return err
	}
	if err := d.confirmed(ctx, func() error { return d.Resolve(ctx, p.Login) }); err != nil {
		return err
	}
	_, err = fmt.Fprintln(d.out, "no removal is waiting any more")
	return err
}

// listSlots prints the slots, and what is new among them.
func (d *device) listSlots(ctx context.Context, changes []recovery.SlotChange) {
	own, err := d.DeviceSlot(ctx)
	uses := d.uses(ctx)
	for _, s := range d.Slots() {
		note := ""
		if err == nil && s.ID == own {
			note = " (this device)"
		}
		if slices.ContainsFunc(changes, func(c recovery.SlotChange) bool { return c.ID == s.ID && !c.Gone }) {
			note = " (new)"
		}
		fmt.Fprintf(d.out, "%s%s\n", slotText(s.ID, s.Type), note)
		if use := uses[s.ID]; use != "" {
			fmt.Fprintf(d.out, "          %s\n", use)
		}
	}
	for _, c := range changes {
		if c.Gone {
			fmt.Fprintf(d.out, "%s\n", changeText(c))
		}
	}
}

// uses tells of slots of devices how they are used, as far as the server is
// reached.
func (d *device) uses(ctx context.Context) map[recovery.SlotID]string {
	uses := make(map[recovery.SlotID]string)
	all, err := d.Sessions(ctx)
	if err != nil {
		return uses
	}
	for _, s := range all {
		if s.Slot == nil {
			continue
		}
		use := "last used " + date(s.Seen)
		if s.Name != "" {
			use = cut(plain(s.Name), 30) + ", " + use
		}
		if s.Way == api.WayDevice {
			use += ", let in by another device"
		}
		uses[recovery.SlotID(*s.Slot)] = use
	}
	return uses
}

// review lists changes of the keyring that the user has not seen, and asks
// whether they are right.
func (d *device) review(ctx context.Context, changes []recovery.SlotChange) (ok bool, err error) {
	if len(changes) == 0 {
		return true, nil
	}
	fmt.Fprintln(d.out, "This device has not seen these changes of the keyring before:")
	for _, c := range changes {
		fmt.Fprintf(d.out, "  %s\n", changeText(c))
	}
	if passwordChanged(changes) {
		fmt.Fprint(d.out, cli.Wrap("", "A change of the password looks like that: it removes a slot, and adds one for the new password."))
	}
	ok, err = d.yes(ctx, "Did you make all of them?")
	if err != nil {
		return false, err
	}
	if !ok {
		d.say("nothing is confirmed. Remove a slot that is not yours with slots -remove, or confirm all with slots -seen")
		return false, nil
	}
	return true, d.MarkSeen(ctx, changes)
}

// reviewed is review before a change that would otherwise stop in the middle.
func (d *device) reviewed(ctx context.Context, changes []recovery.SlotChange) error {
	ok, err := d.review(ctx, changes)
	if err == nil && !ok {
		err = errors.New("nothing was changed")
	}
	return err
}

func slotText(id recovery.SlotID, kind string) string {
	return fmt.Sprintf("%s  %s", id.String()[:short], slotKind(kind))
}

func changeText(c recovery.SlotChange) string {
	if c.Gone {
		what := "a slot"
		if c.Type != "" {
			what = slotKind(c.Type)
		}
		return fmt.Sprintf("%s  %s was removed", c.ID.String()[:short], what)
	}
	return slotText(c.ID, c.Type)
}

// passwordChanged reports whether there are a removed slot, which may have been
// the one of the former password, and the slot of a new password.
func passwordChanged(changes []recovery.SlotChange) bool {
	added := slices.ContainsFunc(changes, func(c recovery.SlotChange) bool { return !c.Gone && c.Type == "export" })
	gone := slices.ContainsFunc(changes, func(c recovery.SlotChange) bool { return c.Gone && (c.Type == "" || c.Type == "export") })
	return added && gone
}

// slotKind describes what opens a slot.
func slotKind(kind string) string {
	switch kind {
	case "password":
		return "the password of the keyring"
	case "export":
		return "the password of the login"
	case "phrase":
		return "a recovery phrase"
	case "file":
		return "a recovery file, with the server"
	case "passkey":
		return "a passkey"
	case "device":
		return "a device"
	case "contacts":
		return "contacts together, with the server"
	}
	return plain(kind)
}
