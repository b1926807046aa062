package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

// ErrNotRestored means that the server does not take this device's newer
// keyring. After its operator has restored a backup, the operator can allow it.
var ErrNotRestored = errors.New("the server does not take the newer keyring of this device: its operator can allow it after a backup was restored")

// Restored says what Restore has done.
type Restored struct {
	// Items is the number of items that the next Sync sends.
	Items int
	// Lost are slots that are newer than the backup, and of which the server has
	// lost its part. Make these phrases, files and contacts again.
	Lost []recovery.Slot
}

// Restore gives a server what this device has and the server has lost, after its
// operator has restored a backup. Before, calls return recovery.ErrRollback. A
// malicious server looks the same. Call Restore only if the user has heard of
// the backup from the operator.
//
// Log in first, with the password that the server knows. Login then returns
// recovery.ErrRollback, and the session is there. That password is login. The
// passwords of this device are own. If both differ, the password was changed
// after the backup, and own are the passwords of the account again. Restore may
// be repeated after any error. Then call Sync.
//
// Every device of the user has to call Restore, the one that was used last
// first. It returns recovery.ErrFork if the device has never seen the keyring
// of the backup.
func (c *Client) Restore(ctx context.Context, login []byte, own Passwords) (r Restored, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := own.prepared()
	if err != nil {
		return r, err
	}
	defer p.clear()
	device, err := c.openVault(ctx, p.keyring())
	if err != nil {
		return r, err
	}
	before, err := c.serverHeader(ctx)
	if err != nil {
		return r, err
	}
	if err := c.withPassword(login, func(login []byte) error { return c.restoreKeyring(ctx, login, p, device) }); err != nil {
		return r, err
	}
	if r.Lost, err = c.lost(ctx, before); err != nil {
		return r, err
	}
	r.Items, err = c.restoreItems(ctx)
	return r, err
}

// lost returns the slots whose other part the server had in no backup. If an
// earlier call has restored the keyring, the server tells how much it has, but
// not of which files.
func (c *Client) lost(ctx context.Context, before *recovery.Header) (lost []recovery.Slot, err error) {
	slots := make(map[string][]recovery.Slot) // by type
	for _, s := range c.keys.Slots() {
		slots[s.Type] = append(slots[s.Type], s)
		had := before != nil && slices.ContainsFunc(before.Slots(), func(old recovery.Slot) bool { return old.ID == s.ID })
		if !had && slices.Contains([]string{"phrase", "file", "contacts"}, s.Type) {
			lost = append(lost, s)
		}
	}
	if len(lost) > 0 {
		return lost, nil
	}
	var account api.Account
	if err := c.call(ctx, "GET", "/v1/account", nil, &account); err != nil {
		return nil, err
	}
	if !account.Phrase {
		lost = slots["phrase"]
	}
	if account.Files < len(slots["file"]) {
		lost = append(lost, slots["file"]...)
	}
	return lost, nil
}

// AllowSRP lets this device log in with SRP, although its account has used
// OPAQUE. Call it after ErrProtocol if the operator has restored a backup from
// before the account moved. The account moves again.
func (c *Client) AllowSRP(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.account
	next.OPAQUE = false
	return c.save(ctx, next)
}

// serverHeader returns the header that the server has, or nil.
func (c *Client) serverHeader(ctx context.Context) (*recovery.Header, error) {
	b, err := c.remote.Fetch(ctx)
	if err != nil || b == nil {
		return nil, err
	}
	return recovery.ParseHeader(b)
}

// restoreKeyring offers the device's keyring to the server and opens it. If the
// account's record is from before a change of the password, it is changed again.
func (c *Client) restoreKeyring(ctx context.Context, login []byte, own Passwords, device *recovery.Device) error {
	s, err := c.refresh(ctx, login)
	if err != nil {
		return err
	}
	defer s.clear()
	err = c.offer(ctx, login, device)
	if errors.Is(err, recovery.ErrConflict) {
		return fmt.Errorf("%w: %w", ErrNotRestored, err)
	}
	if err != nil {
		return err
	}
	var e Entered
	open := func() error { return c.keys.Open(ctx, device) }
	if err := c.openedAfter(open(), &e, open); err != nil {
		return err
	}
	c.open = true
	if e.Overtaken {
		return recovery.ErrOvertaken // Resolve first
	}
	fits, err := c.fits(ctx, s)
	if err != nil {
		return err
	}
	if !fits || !bytes.Equal(login, own.Login) {
		err = c.setAgain(ctx, login, own)
	} else {
		next := c.account
		next.TwoPasswords = len(own.Keyring) > 0
		err = c.save(ctx, next)
	}
	if err != nil {
		return err
	}
	if err := c.keepDevice(ctx, own.keyring()); !errors.Is(err, recovery.ErrPolicy) {
		return err
	}
	return nil
}

// offer sends the device's header, which the password confirms.
func (c *Client) offer(ctx context.Context, login []byte, device *recovery.Device) error {
	c.remote.restores, c.remote.password = true, login
	defer func() {
		c.remote.restores, c.remote.password = false, nil
	}()
	return c.keys.Restore(ctx)
}

// fits reports whether the stored keyring has the slot of the login.
func (c *Client) fits(ctx context.Context, s secrets) (bool, error) {
	if c.account.Slot != nil {
		return slices.ContainsFunc(c.keys.Slots(), func(slot recovery.Slot) bool { return slot.ID == recovery.SlotID(*c.account.Slot) }), nil
	}
	h, err := c.serverHeader(ctx)
	if err != nil {
		return false, err
	}
	return h.HasRecord(s.record), nil
}

// setAgain sets the passwords, with a slot beside the newest slot of a login.
func (c *Client) setAgain(ctx context.Context, login []byte, own Passwords) error {
	n, _, err := c.registration(ctx, own.Login, func(r api.Requests) (out api.Begun, err error) {
		err = c.call(ctx, "POST", "/v1/password/begin", r, &out)
		return out, err
	})
	if err != nil {
		return err
	}
	defer clear(n.export)
	slot, err := c.keys.Seal(ctx, c.newSlot(n, own))
	if err != nil {
		return err
	}
	in := api.NewRecord{Upload: n.upload}
	if needsSlot(n, own) {
		id := api.ID(slot.ID())
		in.Slot = &id
	}
	if err := c.keys.Change(ctx, func(e *recovery.Edit) error {
		old, ok := newestLogin(e.Slots())
		if !ok {
			return e.Add(slot)
		}
		return e.Supersede(old, slot)
	}); err != nil {
		return err
	}
	if err := c.confirmed(ctx, login, api.OpPassword, "/v1/password/finish", in, nil); err != nil {
		return err
	}
	err = c.settle(ctx, own, in.Slot, n.export != nil)
	if errors.Is(err, recovery.ErrUnseen) {
		return nil // the old slot stays until the user has looked and logs in
	}
	return err
}

// newestLogin returns the newest slot of a login. The record that it belonged to
// is lost.
func newestLogin(slots []recovery.Slot) (id recovery.SlotID, ok bool) {
	born := uint32(0)
	for _, s := range slots {
		if (s.Type == "export" || s.Type == "password") && s.Born >= born {
			id, born, ok = s.ID, s.Born, true
		}
	}
	return id, ok
}

// restoreItems compares all items with the server's. What the server has lost
// becomes a change of this device. It returns their number.
func (c *Client) restoreItems(ctx context.Context) (n int, err error) {
	var theirs []api.Item
	there := make(map[string]bool)
	revision := int64(0)
	for more := true; more; {
		page, err := c.page(ctx, revision)
		if err != nil {
			return 0, err
		}
		for _, i := range page.Items {
			there[i.ID.String()] = true
		}
		theirs = append(theirs, page.Items...)
		revision, more = page.Revision, page.More
	}
	var unreadable error
	err = c.update(ctx, func(next *cache) error {
		n, unreadable = 0, nil
		for _, remote := range theirs {
			changed, err := c.restoreItem(ctx, next, remote)
			if err != nil && !errors.Is(err, ErrUnreadable) {
				return err
			}
			n += changed
			unreadable = errors.Join(unreadable, err)
		}
		for id, i := range next.Items {
			if there[id] || i.Base == 0 {
				continue
			}
			item, err := c.read(ctx, parseID(id), i)
			if err != nil {
				return err
			}
			if next.Items[id], err = c.seal(ctx, item, 0); err != nil {
				return err
			}
			n++
		}
		next.Revision, next.Session = revision, c.account.Session
		if unreadable != nil {
			next.Revision = 0 // fetch it again the next time
		}
		return nil
	})
	return n, errors.Join(err, unreadable)
}

// restoreItem compares one item. If the server has an older version, or another
// one with the same number, the device's version follows it. Only a version that
// was written by a later clock, under no older key, stays, and the device's
// version becomes an item of its own.
func (c *Client) restoreItem(ctx context.Context, next *cache, remote api.Item) (changed int, err error) {
	id := remote.ID.String()
	mine, ok := next.Items[id]
	theirs := cached{Base: remote.Version, Deleted: remote.Deleted, Key: remote.Key, Body: remote.Body}
	if remote.Version < 1 {
		return 0, recovery.ErrMalformed
	}
	if !ok || mine.Base < remote.Version {
		return 0, c.merge(ctx, next, remote)
	}
	if mine.Base == remote.Version && bytes.Equal(mine.digest(), theirs.digest()) {
		return 0, nil
	}
	item, err := c.read(ctx, remote.ID, mine)
	if err != nil {
		return 0, err
	}
	ahead := mine.Base > remote.Version || mine.Unsent
	if c.authentic(ctx, remote.ID, theirs, next.Epoch) == nil {
		other, err := c.read(ctx, remote.ID, theirs)
		if err != nil {
			return 0, err
		}
		if equal(item, other) {
			next.Items[id] = theirs
			return 0, nil
		}
		// A deletion may have no time.
		if !ahead || !item.Changed.IsZero() && other.Changed.After(item.Changed) {
			next.Items[id] = theirs
			if item.Deleted {
				return 0, nil
			}
			return 1, c.conflict(ctx, next, item)
		}
	}
	if mine.Unsent && mine.Base == remote.Version {
		return 0, nil // it follows already
	}
	next.Items[id], err = c.seal(ctx, item, remote.Version)
	return 1, err
}
