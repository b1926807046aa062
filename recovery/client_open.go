package recovery

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
)

// errNoHeader means that the account has no keyring yet.
var errNoHeader = fmt.Errorf("recovery: no header is stored: %w", fs.ErrNotExist)

// Create makes the account's keyring. After [ErrUnconfirmed], call
// [Client.Open].
func (c *Client) Create(ctx context.Context, sealers ...Sealer) error {
	d, err := Create(ctx, sealers...)
	if err != nil {
		return err
	}
	return c.run(ctx, func() error {
		if !c.state.empty() {
			return errNotEmpty
		}
		return c.commit(ctx, c.state, d)
	})
}

// Open opens the keyring on a known device. [ErrConflict] and [ErrOvertaken]
// concern an earlier change. The client may then be open.
func (c *Client) Open(ctx context.Context, o Opener) error {
	return c.run(ctx, func() error { return c.open(ctx, o) })
}

// open finishes a pending change and opens the server's header. If the change
// was lost, the client is open and open returns ErrConflict. If it was
// overtaken, the client opens the header from before the change, if the secret
// fits.
func (c *Client) open(ctx context.Context, o Opener) error {
	if c.state.empty() {
		return ErrNoCheckpoint
	}
	opens := func(h *Header, base Checkpoint) (*Keyring, error) { return Open(ctx, h, o, base) }
	pending := c.settleEarlier(ctx, opens)
	switch {
	case pending == ErrOvertaken:
		if k, err := opens(c.state.header, c.state.confirmed); err == nil {
			c.setRing(k)
		}
		return ErrOvertaken
	case pending != nil && pending != ErrConflict || c.state.empty():
		return pending
	}
	err := c.catchUp(ctx, opens)
	if err == nil {
		err = c.see(ctx, c.ring.by)
	}
	if err == nil || err == errStale || pending == nil {
		return cmp.Or(err, pending)
	}
	return fmt.Errorf("%w: %w", pending, err)
}

// see records that the user knows the slot that opened.
func (c *Client) see(ctx context.Context, by SlotID) error {
	m, ok := c.state.confirmed.find(by)
	if !ok {
		return nil
	}
	return c.saveSeen(ctx, see(c.state.seen, m))
}

// OpenOffline opens this device's header without the server.
func (c *Client) OpenOffline(ctx context.Context, o Opener) error {
	return c.run(ctx, func() error {
		if c.state.header == nil {
			return ErrNoCheckpoint
		}
		k, err := Open(ctx, c.state.header, o, c.state.confirmed)
		if err != nil {
			return err
		}
		c.setRing(k)
		return c.see(ctx, k.by)
	})
}

// OpenFirst opens the keyring on a new device with [TrustOnFirstUse]. Take the
// account from the user or the server's header. OpenFirst returns [ErrPolicy]
// if the device has a state, and [fs.ErrNotExist] if the server has no header.
func (c *Client) OpenFirst(ctx context.Context, account AccountID, o Opener) error {
	return c.run(ctx, func() error {
		if !c.state.empty() {
			return errNotEmpty
		}
		stored, err := c.fetch(ctx)
		if err != nil {
			return err
		}
		if stored == nil {
			return errNoHeader
		}
		k, err := Open(ctx, stored, o, TrustOnFirstUse(account))
		if err != nil {
			return err
		}
		m, _ := k.checkpoint.find(k.by)
		next := c.state.withHeader(stored, k.checkpoint)
		next.seen = see(nil, m)
		if err := c.save(ctx, next); err != nil {
			c.clear(k)
			return err
		}
		c.use(k)
		return nil
	})
}

// OpenAfterLogin is [Client.Open] with a completed login's [ExportKey], or
// [Password] with its Slot. It then revokes what [Edit.Supersede] left. If only
// that fails, the client is open.
func (c *Client) OpenAfterLogin(ctx context.Context, o Opener) error {
	return c.run(ctx, func() error {
		if err := c.open(ctx, o); err != nil {
			return err
		}
		d, err := c.ring.Edit(func(e *Edit) error {
			if losers := relatives(e.Slots(), e.base.by); len(losers) > 0 {
				return e.Revoke(losers...)
			}
			return nil
		})
		if err == errNothing {
			return nil
		}
		if err != nil {
			return err
		}
		return c.commitOnce(ctx, d)
	})
}

// relatives returns the other login slots of a login slot's family.
func relatives(slots []Slot, of SlotID) (ids []SlotID) {
	i := slices.IndexFunc(slots, func(s Slot) bool { return s.ID == of && s.isLogin() })
	if i < 0 {
		return nil
	}
	for j := range slots {
		if s := &slots[j]; j != i && s.isLogin() && s.family() == slots[i].family() {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
