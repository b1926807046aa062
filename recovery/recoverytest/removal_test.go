package recoverytest_test

import (
	"slices"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// A removal takes effect at once, and cannot be half of one.

// TestAttack_ReplaceRotates: a replaced password and an old header open nothing
// that is written afterwards, and make nothing that is accepted.
func TestAttack_ReplaceRotates(t *testing.T) {
	words, leaked := phrase(), password("leaked", nil)
	k := create(t, words, leaked)
	thief := learn(t, bytesOf(k), leaked)
	before := must(k.Wrap(secretOf(1), note))
	sealed := must(k.Seal(t.Context(), password("new", nil)))
	after := edit(t, k, func(e *recovery.Edit) error { return e.Replace(thief.Slot, sealed) })

	require.EqualValues(t, 2, after.Epoch())
	require.Error(t, thief.Learn(bytesOf(after)))
	requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(after), leaked, k.Checkpoint()))
	requireIs(t, recovery.ErrRollback, openErr(t, bytesOf(k), leaked, after.Checkpoint()))
	requireUnrelated(t, thief.Masters[1], learn(t, bytesOf(after), words).Masters[2])
	for what, forged := range must(thief.Forgeries(bytesOf(after))) {
		if h, err := recovery.ParseHeader(forged); err == nil {
			_, err := after.Follow(h, after.Checkpoint())
			require.Error(t, err, what)
		}
	}
	// The data of before is theirs. It does not encrypt any more.
	_, err := after.Unwrap(before, note)
	requireIs(t, recovery.ErrOldKey, err)
	_, err = after.Unwrap(must(thief.Blob([]byte("theirs"), note, 1, 1)), note)
	requireIs(t, recovery.ErrOldKey, err)

	// Supersede does not rotate. The removal of the loser does.
	sealed = must(k.Seal(t.Context(), password("new", nil)))
	beside := edit(t, k, func(e *recovery.Edit) error { return e.Supersede(thief.Slot, sealed) })
	require.EqualValues(t, 1, beside.Epoch())
	require.EqualValues(t, 2, revoke(t, beside, thief.Slot).Epoch())
}

// TestAttack_RemovalsRotate: there is no way to remove a slot and keep the
// master key.
func TestAttack_RemovalsRotate(t *testing.T) {
	a, b := phrase(), password("old", nil)
	k := create(t, a, b)
	id, other := learn(t, bytesOf(k), b).Slot, learn(t, bytesOf(k), a).Slot
	sealed := must(k.Seal(t.Context(), password("new", nil)))
	for what, f := range map[string]func(e *recovery.Edit) error{
		"Revoke":  func(e *recovery.Edit) error { return e.Revoke(id) },
		"Replace": func(e *recovery.Edit) error { return e.Replace(id, sealed) },
		"Add, Revoke": func(e *recovery.Edit) error {
			if err := e.Add(sealed); err != nil {
				return err
			}
			return e.Revoke(sealed.ID(), id)
		},
		"Revoke, Add": func(e *recovery.Edit) error {
			if err := e.Revoke(id); err != nil {
				return err
			}
			return e.Add(sealed)
		},
		"Supersede, Revoke": func(e *recovery.Edit) error {
			if err := e.Supersede(id, sealed); err != nil {
				return err
			}
			return e.Revoke(id)
		},
		"Replace, Revoke": func(e *recovery.Edit) error {
			if err := e.Replace(id, sealed); err != nil {
				return err
			}
			return e.Revoke(sealed.ID())
		},
	} {
		next := edit(t, k, f)
		require.EqualValues(t, 2, next.Epoch(), what)
		require.EqualValues(t, 2, next.Header().Revision(), what)
		requireUnrelated(t, learn(t, bytesOf(k), a).Masters[1], learn(t, bytesOf(next), a).Masters[2])
		require.False(t, slices.ContainsFunc(next.Slots(), func(s recovery.Slot) bool { return s.ID == id }), what)
	}
	// A failed call changes nothing, so it does not rotate either.
	d, err := k.Edit(func(e *recovery.Edit) error {
		require.ErrorIs(t, e.Revoke(other, other), recovery.ErrPolicy)
		require.ErrorIs(t, e.Revoke(recovery.SlotID{}), recovery.ErrPolicy)
		require.ErrorIs(t, e.Replace(recovery.SlotID{}, sealed), recovery.ErrPolicy)
		require.ErrorIs(t, e.Replace(id, nil), recovery.ErrPolicy)
		return nil
	})
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.Nil(t, d)
}

// TestAttack_RevokeNothing: a removal that names no slot is an error, and
// changes nothing.
func TestAttack_RevokeNothing(t *testing.T) {
	words, remote := phrase(), new(recoverytest.Remote)
	c := recovery.NewClient(new(recoverytest.Local), remote)
	require.NoError(t, c.Create(t.Context(), words, phrase()))
	before := remote.Stored()
	for _, ids := range [][]recovery.SlotID{nil, {}, {{}}, {c.OpenedBy(), c.OpenedBy()}, {c.OpenedBy(), {}}, {recovery.SlotID(random(16))}} {
		require.ErrorIs(t, c.Revoke(t.Context(), ids...), recovery.ErrPolicy)
		require.ErrorIs(t, c.Change(t.Context(), func(e *recovery.Edit) error { return e.Revoke(ids...) }), recovery.ErrPolicy)
		k := open(t, before, words, recovery.TrustOnFirstUse(c.Account()))
		d, err := k.Edit(func(e *recovery.Edit) error { return e.Revoke(ids...) })
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Nil(t, d)
	}
	require.Equal(t, before, remote.Stored())
	require.Len(t, remote.Headers(), 1)
	require.EqualValues(t, 1, c.Epoch())
}
