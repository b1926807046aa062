package client

import (
	"context"
	"errors"
	"slices"

	"github.com/nescio-go/nescio/recovery"
)

// Slots returns the slots of the keyring.
func (c *Client) Slots() []recovery.Slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return nil
	}
	return c.keys.Slots()
}

// Unseen returns slots that came and went since the user was last shown them.
func (c *Client) Unseen() []recovery.SlotChange {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return nil
	}
	return slices.Clone(c.keys.Unseen())
}

// MarkSeen notes that the user was shown these changes.
func (c *Client) MarkSeen(ctx context.Context, shown []recovery.SlotChange) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys.MarkSeen(ctx, shown)
}

// RemoveSlots removes slots from the keyring. Their holders can open nothing that
// is written afterwards.
func (c *Client) RemoveSlots(ctx context.Context, password []byte, ids ...recovery.SlotID) error {
	return c.refreshed(ctx, password, func() error { return c.keys.Revoke(ctx, ids...) })
}

// Resolve repeats a removal that another change overtook. A session that may not
// change the keyring drops the removal, and needs no password.
func (c *Client) Resolve(ctx context.Context, password []byte) error {
	c.mu.Lock()
	if c.account.mayChange() {
		c.mu.Unlock()
		return c.refreshed(ctx, password, func() error { return c.keys.Resolve(ctx) })
	}
	defer c.mu.Unlock()
	if err := c.ready(); err != nil {
		return err
	}
	err := c.keys.Resolve(ctx)
	if errors.Is(err, recovery.ErrConflict) {
		err = nil
	}
	return err
}

// refreshed changes the keyring after a login inside the session. The password
// confirms changes of the ways into the account.
func (c *Client) refreshed(ctx context.Context, password []byte, change func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(); err != nil {
		return err
	}
	return c.withPassword(password, func(p []byte) error {
		s, err := c.refresh(ctx, p)
		if err != nil {
			return err
		}
		s.clear()
		c.remote.password = p
		defer func() { c.remote.password = nil }()
		return change()
	})
}

// replaceAll adds a slot in place of all slots of some types.
func replaceAll(e *recovery.Edit, slot *recovery.SealedSlot, types ...string) error {
	var old []recovery.SlotID
	for _, s := range e.Slots() {
		if slices.Contains(types, s.Type) {
			old = append(old, s.ID)
		}
	}
	if len(old) == 0 {
		return e.Add(slot)
	}
	if len(old) > 1 {
		if err := e.Revoke(old[1:]...); err != nil {
			return err
		}
	}
	return e.Replace(old[0], slot)
}
