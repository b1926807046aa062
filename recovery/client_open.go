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

// Create makes the account's keyring, with a slot for each Sealer. It returns
// [ErrPolicy] if this device has a state already, [ErrConflict] if the account
// has a keyring, and the errors of the function Create. After [ErrUnconfirmed],
// continue with [Client.Open].
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

// Open opens the keyring on a device that was here before. It returns
// [ErrNoCheckpoint] if the device was not, and the errors of the function Open.
//
// It also returns [ErrConflict] if an earlier change was lost. The client is
// then open, except if the change was Create: continue with [Client.OpenFirst].
// It returns [ErrOvertaken] if an earlier removal lost to another change: see
// [Client.Resolve]. The client is then open, except if the secret is newer than
// the header of this device.
func (c *Client) Open(ctx context.Context, o Opener) error {
	return c.run(ctx, func() error { return c.open(ctx, o) })
}

// open opens what the server has, after a pending change is finished. If that
// change was lost, the client is open and open returns ErrConflict. If it was
// overtaken, the client is open as before it, if the secret opens that.
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

// OpenOffline opens the header that this device has, without the server. It
// returns [ErrNoCheckpoint] if the device has none, and the errors of the
// function Open.
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

// OpenFirst opens the keyring on a new device, with [TrustOnFirstUse]. It
// returns [ErrPolicy] if this device has a state already, an error that is
// [fs.ErrNotExist] if the account has no keyring, and the errors of the
// function Open.
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

// OpenAfterLogin is Open with the secret of a login that has just succeeded on
// both sides: an [ExportKey], or a [Password] with its Slot for SRP. The
// secret's record is the account's. So OpenAfterLogin revokes every other slot
// that [Edit.Supersede] has put into the family of the slot that opened: old
// passwords, and passwords of changes that failed. It does not retry. If
// opening succeeds and revoking fails, also with [ErrUnseen], the client stays
// open and OpenAfterLogin returns the error. It tries again at the next login.
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
