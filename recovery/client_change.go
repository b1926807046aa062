package recovery

import (
	"context"
	"slices"

	"github.com/nescio-go/nescio/internal/secret"
)

// Change stores one edit: see [Keyring.Edit]. It calls f again if another
// change was quicker. For an f that removes slots, it returns
// [ErrOvertaken] instead, and [ErrUnseen] unless every slot that stays was
// shown or is in [Edit.Keep].
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

// Add seals and adds a slot.
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

// Revoke stores an [Edit.Revoke].
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

// RotateLineage stores a [Keyring.RotateLineage].
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

// Refresh follows the server's header. It returns [ErrWrongSecret] if the
// client's slot is gone.
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

// Resolve continues after [ErrOvertaken], with the user's consent. It repeats
// the removal on top of the other change, and returns [ErrUnseen] until that
// change was shown.
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
			// A removal could be forgotten between two writes.
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

// Restore offers this device's header to a restored server, if the operator
// allows it.
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
