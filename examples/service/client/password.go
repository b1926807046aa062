package client

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// ChangePassword changes the passwords. With a password for the keyring, the
// account is in two-password mode afterwards, and without one it is not. All
// other sessions end. It returns recovery.ErrUnseen while there are slots that
// the user has not been shown. If the change stops in the middle, one of the
// passwords logs in, and the next login cleans up.
func (c *Client) ChangePassword(ctx context.Context, old, new Passwords) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(); err != nil {
		return err
	}
	old, err := old.prepared()
	if err != nil {
		return err
	}
	defer old.clear()
	if new, err = new.prepared(); err != nil {
		return err
	}
	defer new.clear()
	if err := c.keys.Refresh(ctx); err != nil {
		return err
	}
	if len(c.keys.Unseen()) > 0 {
		return recovery.ErrUnseen // the old slot could not be removed
	}
	before, err := c.refresh(ctx, old.Login)
	if err != nil {
		return err
	}
	before.clear()
	n, _, err := c.registration(ctx, new.Login, func(r api.Requests) (out api.Begun, err error) {
		err = c.call(ctx, "POST", "/v1/password/begin", r, &out)
		return out, err
	})
	if err != nil {
		return err
	}
	defer clear(n.export)

	// A slot for the new secret first. Only then may the server take the record.
	in := api.NewRecord{Upload: n.upload}
	slot, err := c.keys.Seal(ctx, c.newSlot(n, new))
	if err != nil {
		return err
	}
	if needsSlot(n, new) {
		id := api.ID(slot.ID())
		in.Slot = &id
	}
	if err := c.supersede(ctx, slot); err != nil {
		return err
	}
	if err := c.confirmed(ctx, old.Login, api.OpPassword, "/v1/password/finish", in, nil); err != nil {
		return err
	}
	// The password is changed. If another device has added a slot meanwhile, the
	// old slot stays until the user has looked and logs in again.
	unseen := c.settle(ctx, new, in.Slot, n.export != nil)
	if unseen != nil && !errors.Is(unseen, recovery.ErrUnseen) {
		return unseen
	}
	if err := c.keepDevice(ctx, new.keyring()); err != nil && !errors.Is(err, recovery.ErrPolicy) {
		return err
	}
	return unseen
}

// needsSlot reports whether the keyring needs a password slot, because a record
// has no export key or the keyring has its own password.
func needsSlot(n newRecord, p Passwords) bool { return n.export == nil || len(p.Keyring) > 0 }

// newSlot makes the slot of a new record.
func (c *Client) newSlot(n newRecord, p Passwords) recovery.Sealer {
	if needsSlot(n, p) {
		return c.passwordSlot(p.keyring())
	}
	return recovery.NewExportKey(n.export, n.record)
}

// supersede adds a slot beside the slot of the login. Another device may change
// the keyring meanwhile.
func (c *Client) supersede(ctx context.Context, slot *recovery.SealedSlot) error {
	return c.keys.Change(ctx, func(e *recovery.Edit) error {
		old, ok := c.loginSlot(e.Slots())
		if !ok {
			return ErrChanged
		}
		return e.Supersede(old, slot)
	})
}

// loginSlot returns the slot of the account's record: the named password slot,
// or the newest export slot.
func (c *Client) loginSlot(slots []recovery.Slot) (id recovery.SlotID, ok bool) {
	born := uint32(0)
	for _, s := range slots {
		named := c.account.Slot != nil && s.Type == "password" && s.ID == recovery.SlotID(*c.account.Slot)
		if named || c.account.Slot == nil && s.Type == "export" && s.Born >= born {
			id, born, ok = s.ID, s.Born, true
		}
	}
	return id, ok
}

// settle logs in with a new record inside the session, and removes the slot of
// the old one.
func (c *Client) settle(ctx context.Context, p Passwords, slot *api.ID, isOPAQUE bool) error {
	next := c.account
	next.Slot, next.OPAQUE, next.TwoPasswords = slot, isOPAQUE, len(p.Keyring) > 0
	if err := c.save(ctx, next); err != nil {
		return err
	}
	s, err := c.refresh(ctx, p.Login)
	if err != nil {
		return err
	}
	defer s.clear()
	o := &opened{LoggedIn: api.LoggedIn{Slot: slot}, secrets: s, passwords: p}
	return c.keys.OpenAfterLogin(ctx, c.opener(o))
}

// move registers for OPAQUE, or for another cost, with the password of the login
// that has just finished. The user notices nothing.
func (c *Client) move(ctx context.Context, o *opened) error {
	m, err := opaque.NewMigration(o.key, o.Account[:])
	if err != nil {
		return err
	}
	r, request, err := c.opaque.Register(nil, o.passwords.Login)
	if err != nil {
		return err
	}
	defer r.Discard()
	protected, err := m.Protect(opaque.MigrateRequest, request)
	if err != nil {
		return err
	}
	var begun api.Message
	if err := c.call(ctx, "POST", "/v1/move/begin", api.Message{Message: protected}, &begun); err != nil {
		return err
	}
	response, err := m.Verify(opaque.MigrateResponse, begun.Message)
	if err != nil {
		return err
	}
	c.cfg.Progress("Stretching the password for the newer protocol")
	n, err := finishOPAQUE(ctx, r, response)
	if err != nil {
		return err
	}
	defer clear(n.export)
	var in api.MovedRecord
	if c.twoPasswords(o) {
		in.Slot = o.Slot // the keyring has its own password, which stays
	} else {
		slot, err := c.keys.Seal(ctx, recovery.NewExportKey(n.export, n.record))
		if err != nil {
			return err
		}
		if err := c.supersede(ctx, slot); err != nil {
			return err
		}
	}
	if in.Message, err = m.Protect(opaque.MigrateUpload, n.upload); err != nil {
		return err
	}
	if err := c.call(ctx, "POST", "/v1/move/finish", in, nil); err != nil {
		return err
	}
	err = c.settle(ctx, o.passwords, in.Slot, true)
	if errors.Is(err, recovery.ErrUnseen) {
		return nil // the old slot stays until the user has looked and logs in
	}
	return err
}

func (c *Client) twoPasswords(o *opened) bool { return o.Slot != nil && len(o.passwords.Keyring) > 0 }

// ready reports whether the keyring is open.
func (c *Client) ready() error {
	switch {
	case c.account.Token == "":
		return ErrLoggedOut
	case !c.open:
		return ErrLocked
	}
	return nil
}
