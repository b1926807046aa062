package recovery

import (
	"context"
	"slices"

	"github.com/nescio-go/nescio/internal/secret"
)

// Change makes one edit and stores it: see [Keyring.Edit] for f. If another
// change was quicker and f removes no slot, Change calls f again on the result
// of that change. A removal is repeated by [Client.Resolve] alone. An f that
// changes nothing is not an error.
//
// If the edit removes slots, Change returns [ErrUnseen] unless every slot that
// the user has not been shown is removed too, or is named in [Edit.Keep]. It
// returns [ErrOvertaken] if the removal lost to another change,
// [ErrUnconfirmed] if it is not known whether the edit is stored, [ErrConflict]
// if the server refuses it, and the errors of [Keyring.Edit].
func (c *Client) Change(ctx context.Context, f func(*Edit) error) error {
	return c.run(ctx, func() error { return c.change(ctx, f) })
}

func (c *Client) change(ctx context.Context, f func(*Edit) error) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	for range maxTries {
		d, err := c.ring.Edit(f)
		if err == errNothing {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.commitSeen(ctx, d); err != errLost {
			return err
		}
		if c.ring == nil {
			return errNotOpen
		}
	}
	return ErrConflict
}

// ready finishes a pending change and checks that the client is open.
func (c *Client) ready(ctx context.Context) error {
	if err := c.settleEarlier(ctx, c.follow); err != nil {
		return err
	}
	if c.ring == nil {
		return errNotOpen
	}
	return nil
}

// commitSeen is commit after the check that the user knows of all slots that a
// removal leaves.
func (c *Client) commitSeen(ctx context.Context, d *Draft) error {
	if d.removes() {
		for _, m := range c.state.confirmed.slots {
			if !slices.Contains(c.state.seen, m) && d.leaves(m) {
				d.keyring.Destroy()
				return ErrUnseen
			}
		}
	}
	return c.commit(ctx, c.state, d)
}

// commitOnce is commitSeen for a change that is not repeated.
func (c *Client) commitOnce(ctx context.Context, d *Draft) error {
	err := c.commitSeen(ctx, d)
	if err == errLost {
		return ErrConflict
	}
	return err
}

// Add seals a slot, which for a password runs the KDF once, and adds it. A
// Sealer that serves once, such as a [File], is used up even if Add fails. To
// try again with the same slot, use [Client.Seal] and [Client.Change].
func (c *Client) Add(ctx context.Context, s Sealer) (SlotID, error) {
	sealed, err := c.Seal(ctx, s)
	if err != nil {
		return SlotID{}, err
	}
	if err := c.Change(ctx, func(e *Edit) error { return e.Add(sealed) }); err != nil {
		return SlotID{}, err
	}
	return sealed.ID(), nil
}

// Revoke removes slots. It follows the server's header first if this device
// does not know one of them. A slot that another device removes at the same
// time is not an error. Revoke has the errors of [Client.Change].
func (c *Client) Revoke(ctx context.Context, ids ...SlotID) error {
	first := true
	return c.run(ctx, func() error {
		if err := c.ready(ctx); err != nil {
			return err
		}
		if slices.ContainsFunc(ids, func(id SlotID) bool { return c.ring.state().slot(id) == nil }) {
			if err := c.catchUp(ctx, c.follow); err != nil {
				return err
			}
		}
		return c.change(ctx, func(e *Edit) error {
			if first {
				first = false
				return e.Revoke(ids...)
			}
			left := slices.DeleteFunc(slices.Clone(ids), func(id SlotID) bool { return e.state.slot(id) == nil })
			if len(left) < len(ids) && c.state.unseen() {
				return ErrUnseen // its holder may have replaced it
			}
			if len(left) == 0 {
				return nil
			}
			return e.Revoke(left...)
		})
	})
}

// RotateLineage is [Keyring.RotateLineage], stored. Every other device and slot
// is made again afterwards. It does not retry: after [ErrOvertaken] call
// [Client.Resolve], and then RotateLineage again.
func (c *Client) RotateLineage(ctx context.Context, sealers ...Sealer) error {
	return c.run(ctx, func() error {
		if err := c.ready(ctx); err != nil {
			return err
		}
		d, err := c.ring.RotateLineage(ctx, sealers...)
		if err != nil {
			return err
		}
		if err := c.commitOnce(ctx, d); err != errStale {
			return err
		}
		return ErrConflict // a Sealer may serve only once
	})
}

// Refresh finishes a pending change and follows the server's header. If the
// slot that opened the client is gone, it returns [ErrWrongSecret], and
// [Client.Open] is needed. Call it when the user comes back, and in every other
// process or browser tab of the device after one of them made a change.
func (c *Client) Refresh(ctx context.Context) error {
	return c.run(ctx, func() error {
		if err := c.settleEarlier(ctx, c.follow); err != nil {
			return err
		}
		if c.ring == nil {
			return errNotOpen
		}
		return c.catchUp(ctx, c.follow)
	})
}

// Resolve continues after [ErrOvertaken], with the user's consent: it accepts
// the change that was quicker, and repeats the removal on top of it. A holder
// whom the removal was meant for may have made that change, for example to
// replace the slot. So Resolve returns [ErrUnseen] and does nothing if the
// change brought slots that the user was not shown. Show [Client.Unseen], call
// [Client.MarkSeen] and Resolve again, and then revoke what should not be
// there.
//
// Resolve returns [ErrConflict] for a change that cannot be repeated, such as
// [Client.RotateLineage], and the errors of [Client.Change]. The client then
// has the change that was quicker. If nothing was overtaken, Resolve only
// finishes a pending change.
func (c *Client) Resolve(ctx context.Context) error {
	return c.run(ctx, func() error {
		if err := c.settleEarlier(ctx, c.follow); err != ErrOvertaken {
			return err
		}
		lost, won := c.state, c.won
		next := lost.withHeader(won.header, won.checkpoint)
		d, err := c.repeat(lost, won)
		for _, m := range next.confirmed.slots {
			if !slices.Contains(next.seen, m) && (err != nil || d.leaves(m)) {
				return ErrUnseen
			}
		}
		if err == nil {
			// One write. A removal is not forgotten between two.
			if err := c.commit(ctx, next, d); err != errLost {
				return err
			}
			return ErrConflict
		}
		if err := c.save(ctx, next); err != nil {
			return err
		}
		c.use(won)
		c.owed = [32]byte{} // the caller is told now
		if err == errNothing {
			return nil
		}
		return err
	})
}

// repeat makes the changes of a lost candidate again on the change that won.
func (c *Client) repeat(lost *localState, won *Keyring) (*Draft, error) {
	var opens SlotID // the slot that would open the candidate, and its seed
	var seed [keySize]byte
	defer clear(seed[:])
	if c.draft != nil {
		opens, seed = c.draft.keyring.by, c.draft.keyring.secrets.Get().seed
	}
	b := lost.candidate.encoded
	sameLineage := checkMAC(&won.secrets.Get().lineage, b[:len(b)-macSize]) == nil
	return won.Edit(func(e *Edit) error {
		var removed []SlotID
		for _, m := range lost.confirmed.slots {
			slot := e.state.slot(m.id)
			if !slices.Contains(lost.next.slots, m) && slot != nil && slot.digest() == m.digest {
				removed = append(removed, m.id)
			}
		}
		for i := range lost.candidate.state.slots {
			slot := lost.candidate.state.slots[i]
			if slices.Contains(lost.confirmed.slots, slotMark{slot.ID, slot.digest()}) || e.state.slot(slot.ID) != nil {
				continue
			}
			if !sameLineage {
				return ErrConflict // it was sealed with another lineage key
			}
			slot.sealed = nil
			e.insert(slot)
			e.added, e.changed = append(e.added, slot.ID), true
			if slot.ID == opens && slices.Contains(removed, won.by) {
				e.heirs[won.by] = &SealedSlot{e.state.account, slot, secret.New(sealedSecrets{*e.lineage, seed})}
			}
		}
		if err := e.CloseBefore(min(lost.candidate.state.floor, won.Epoch())); err != nil || len(removed) == 0 {
			return err
		}
		return e.Revoke(removed...)
	})
}

// Restore offers the server the header that this device has, after the operator
// has restored an older backup. It does so only if the server has no header, or
// one of the last 64 that this device has seen, and returns [ErrFork]
// otherwise. Whether the server takes the header is its operator's decision:
// [Header.Follows] alone refuses it. Restore returns [ErrNoCheckpoint] if the
// device has no header.
func (c *Client) Restore(ctx context.Context) error {
	return c.run(ctx, func() error {
		mine := c.state.header
		if mine == nil {
			return ErrNoCheckpoint
		}
		stored, err := c.fetch(ctx)
		switch {
		case err != nil:
			return err
		case stored == nil:
			return c.remote.Swap(ctx, [32]byte{}, mine.Bytes())
		case stored.Digest() == mine.Digest():
			return nil
		case !slices.Contains(c.state.digests, stored.Digest()):
			return ErrFork
		}
		return c.remote.Swap(ctx, stored.Digest(), mine.Bytes())
	})
}
