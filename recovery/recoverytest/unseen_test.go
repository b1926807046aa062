package recoverytest_test

import (
	"slices"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// Slots that the user was not shown do not survive a removal.

// TestAttack_ResolveNeedsTheUser: after a removal that was overtaken, what the
// other side has added does not survive unless the user was shown it.
func TestAttack_ResolveNeedsTheUser(t *testing.T) {
	words, lent := phrase(), phrase()
	for _, adds := range []bool{false, true} {
		owner := signUp(t, words, lent)
		thief, holder := owner.holding(t, lent)
		var back recovery.SlotID
		owner.remote.Fault = func(write bool) (bool, error) { return false, errOffline }
		require.ErrorIs(t, owner.Revoke(t.Context(), holder.Slot), recovery.ErrUnconfirmed)
		owner.remote.Fault = nil
		if adds {
			back = must(thief.Add(t.Context(), phrase()))
		} else {
			require.NoError(t, thief.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
		}
		require.ErrorIs(t, owner.Refresh(t.Context()), recovery.ErrOvertaken)
		require.EqualValues(t, 1, owner.Epoch())
		err := owner.Resolve(t.Context())
		if !adds {
			require.NoError(t, err)
			require.EqualValues(t, 3, owner.Epoch())
			require.Len(t, owner.Slots(), 1)
		} else {
			require.ErrorIs(t, err, recovery.ErrUnseen)
			for range 2 {
				require.ErrorIs(t, owner.Revoke(t.Context(), holder.Slot), recovery.ErrOvertaken)
				require.ErrorIs(t, owner.Resolve(t.Context()), recovery.ErrUnseen)
				require.EqualValues(t, 1, owner.Epoch())
			}
			shown := owner.Unseen()
			require.Equal(t, []recovery.SlotChange{{ID: back, Digest: shown[0].Digest, Type: "phrase"}}, shown)
			require.NoError(t, owner.MarkSeen(t.Context(), shown))
			require.NoError(t, owner.Resolve(t.Context()))
			require.Len(t, owner.Slots(), 2)
			require.NoError(t, owner.Revoke(t.Context(), back))
			require.Len(t, owner.Slots(), 1)
		}
		require.ErrorIs(t, thief.Refresh(t.Context()), recovery.ErrWrongSecret)
		require.Error(t, holder.Learn(owner.remote.Stored()))
	}
}

// TestAttack_ResolveIsOfWhatWasShown: the user agrees to what was shown. If the
// other side adds one more slot before Resolve, it is shown again.
func TestAttack_ResolveIsOfWhatWasShown(t *testing.T) {
	words, lent := phrase(), phrase()
	owner := signUp(t, words, lent)
	thief, holder := owner.holding(t, lent)
	must(thief.Add(t.Context(), phrase()))
	require.ErrorIs(t, owner.Revoke(t.Context(), holder.Slot), recovery.ErrOvertaken)
	for range 3 {
		owner.showOne(t)
		must(thief.Add(t.Context(), phrase()))
		require.ErrorIs(t, owner.Resolve(t.Context()), recovery.ErrUnseen)
		require.EqualValues(t, 1, owner.Epoch())
		require.Len(t, owner.Unseen(), 1)
	}
	// A list that was made up is not what was shown.
	for _, made := range []recovery.SlotChange{{ID: owner.Unseen()[0].ID}, {ID: owner.Unseen()[0].ID, Digest: [16]byte(random(16))}} {
		require.NoError(t, owner.MarkSeen(t.Context(), []recovery.SlotChange{made}))
		require.ErrorIs(t, owner.Resolve(t.Context()), recovery.ErrUnseen)
	}
	// Nor does a restart forget that there is something to decide.
	again := owner.restarted()
	require.ErrorIs(t, again.Open(t.Context(), words), recovery.ErrOvertaken)
	require.ErrorIs(t, again.Resolve(t.Context()), recovery.ErrUnseen)
	again.showOne(t)
	require.NoError(t, again.Resolve(t.Context()))
	require.ErrorIs(t, thief.Refresh(t.Context()), recovery.ErrWrongSecret)
	require.Len(t, again.Slots(), 5)
}

// showOne shows the user the one change that there is.
func (d device) showOne(t testing.TB) {
	t.Helper()
	require.Len(t, d.Unseen(), 1)
	require.NoError(t, d.MarkSeen(t.Context(), d.Unseen()))
}

// TestAttack_SlotThatCameFirst: an attacker with access adds a slot before the
// owner removes the attacker. It does not survive the removal, whatever the
// owner has been shown before.
func TestAttack_SlotThatCameFirst(t *testing.T) {
	words, lent := phrase(), phrase()
	owner := signUp(t, words, lent, export(1))
	thief, holder := owner.holding(t, lent)
	require.Empty(t, owner.Unseen())

	first := must(thief.Add(t.Context(), phrase()))
	require.NoError(t, owner.Refresh(t.Context()))
	require.ErrorIs(t, owner.Revoke(t.Context(), holder.Slot), recovery.ErrUnseen)
	// A list that was shown before another slot came.
	shown := owner.Unseen()
	second := must(thief.Add(t.Context(), phrase()))
	require.NoError(t, owner.Refresh(t.Context()))
	require.NoError(t, owner.MarkSeen(t.Context(), shown))
	require.ErrorIs(t, owner.Revoke(t.Context(), holder.Slot), recovery.ErrUnseen)
	require.ErrorIs(t, owner.Change(t.Context(), func(e *recovery.Edit) error {
		e.Keep(shown...)
		return e.Revoke(holder.Slot)
	}), recovery.ErrUnseen)
	// Lists that were made up do not help.
	for _, made := range []recovery.SlotChange{{ID: second}, {ID: second, Digest: shown[0].Digest}, {ID: second, Gone: true}} {
		require.NoError(t, owner.MarkSeen(t.Context(), []recovery.SlotChange{made}))
		require.ErrorIs(t, owner.Revoke(t.Context(), holder.Slot), recovery.ErrUnseen)
	}
	// Replace and OpenAfterLogin are removals as well. RotateLineage leaves
	// nothing.
	sealed := must(owner.Seal(t.Context(), phrase()))
	require.ErrorIs(t, owner.Change(t.Context(), func(e *recovery.Edit) error { return e.Replace(holder.Slot, sealed) }), recovery.ErrUnseen)
	require.ErrorIs(t, owner.restarted().Revoke(t.Context(), holder.Slot), recovery.ErrPolicy, "it is not open")
	again := owner.restarted()
	require.NoError(t, again.Open(t.Context(), words))
	require.ErrorIs(t, again.Revoke(t.Context(), holder.Slot), recovery.ErrUnseen)

	require.NoError(t, owner.Revoke(t.Context(), holder.Slot, first, second))
	require.Len(t, owner.Slots(), 2)
	require.ErrorIs(t, thief.Refresh(t.Context()), recovery.ErrWrongSecret)

	// On a new device everything but the slot that opened is unseen.
	fresh := owner.another(t, words)
	require.Len(t, fresh.Unseen(), 1)
	require.ErrorIs(t, fresh.Revoke(t.Context(), fresh.OpenedBy()), recovery.ErrUnseen)
	keep := fresh.Unseen()
	made := recovery.SlotChange{ID: keep[0].ID, Digest: [16]byte(random(16))}
	sealed = must(fresh.Seal(t.Context(), phrase()))
	require.ErrorIs(t, fresh.Change(t.Context(), func(e *recovery.Edit) error {
		e.Keep(made) // the id with another content
		return e.Replace(fresh.OpenedBy(), sealed)
	}), recovery.ErrUnseen)
	require.NoError(t, fresh.Change(t.Context(), func(e *recovery.Edit) error {
		e.Keep(keep...)
		return e.Replace(fresh.OpenedBy(), sealed)
	}))
	requireIs(t, recovery.ErrWrongSecret, owner.Refresh(t.Context()), "its slot was replaced")
}

// TestAttack_OwnChangesShowNothing: what the owner changes meanwhile does not
// make other slots seen. Nor does a restart, or the end of a change that was
// pending.
func TestAttack_OwnChangesShowNothing(t *testing.T) {
	words, lent := phrase(), phrase()
	owner := signUp(t, words, lent)
	thief, holder := owner.holding(t, lent)
	came := must(thief.Add(t.Context(), phrase()))
	requireUnseen := func(d device) {
		t.Helper()
		require.Len(t, d.Unseen(), 1)
		require.Equal(t, came, d.Unseen()[0].ID)
		require.ErrorIs(t, d.Revoke(t.Context(), holder.Slot), recovery.ErrUnseen)
	}
	must(owner.Add(t.Context(), export(1)))
	requireUnseen(owner)
	require.NoError(t, owner.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
	requireUnseen(owner)
	require.NoError(t, owner.Change(t.Context(), func(e *recovery.Edit) error { return e.CloseBefore(2) }))
	requireUnseen(owner)
	for _, run := range []bool{true, false} {
		owner.remote.Fault = func(bool) (bool, error) { return run, errOffline }
		require.Error(t, owner.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
		owner.remote.Fault = nil
		require.NoError(t, owner.Refresh(t.Context()))
		requireUnseen(owner)
	}
	again := owner.restarted()
	require.NoError(t, again.Open(t.Context(), words))
	requireUnseen(again)
	// To remove the slot alone leaves nothing that was not seen.
	require.NoError(t, again.Revoke(t.Context(), came))
	require.Empty(t, again.Unseen())
}

// TestAttack_ChangedSlotIsShown: somebody with access puts another content
// under the id of a slot that the user knows. The user is shown that one went
// and one came.
func TestAttack_ChangedSlotIsShown(t *testing.T) {
	words, known := phrase(), phrase()
	d := signUp(t, words, known)
	in, id := learn(t, d.remote.Stored(), words), learn(t, d.remote.Stored(), known).Slot
	p := after(t, d.remote.Stored(), d.remote.Stored(), 1)
	added, err := p.AddSlot(t.Context(), phrase(), random(32), in.Lineage)
	require.NoError(t, err)
	*p.Slot(id) = *p.Slot(added)
	p.Slots = slices.DeleteFunc(p.Slots, func(s recoverytest.SlotParts) bool { return s.ID == added })
	p.Slots = append(p.Slots, *split(t, d.remote.Stored()).Slot(id))
	require.Len(t, p.Slots, 2)
	mine := p.Slot(id)
	flip(mine.Wrapped, 100)
	p.Sort()
	d.remote.Serve(nextEpochs(t, p, in, 1))
	require.NoError(t, d.Refresh(t.Context()))
	changes := d.Unseen()
	require.Len(t, changes, 2)
	require.Equal(t, id, changes[0].ID)
	require.Equal(t, id, changes[1].ID)
	require.NotEqual(t, changes[0].Gone, changes[1].Gone)
	require.NotEqual(t, changes[0].Digest, changes[1].Digest)
	lost := must(d.Seal(t.Context(), phrase()))
	require.ErrorIs(t, d.Change(t.Context(), func(e *recovery.Edit) error { return e.Replace(d.OpenedBy(), lost) }), recovery.ErrUnseen)
}
