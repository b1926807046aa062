package recoverytest_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// A server loses requests and answers, or lies about what it has stored.

// TestAttack_ClaimsToHaveStored: a server says that a header is stored, and it
// is not. The device notices, and gives the header again.
func TestAttack_ClaimsToHaveStored(t *testing.T) {
	words, lost := phrase(), phrase()
	d := signUp(t, words, lost)
	before := d.remote.Stored()
	d.remote.Fault = func(write bool) (bool, error) { return !write, nil }
	require.NoError(t, d.Revoke(t.Context(), learn(t, before, lost).Slot))
	require.EqualValues(t, 2, d.Epoch())
	for range 2 {
		requireIs(t, recovery.ErrRollback, d.Refresh(t.Context()))
		again := d.restarted()
		requireIs(t, recovery.ErrRollback, again.Open(t.Context(), words))
		require.NoError(t, again.OpenOffline(t.Context(), words))
		require.EqualValues(t, 2, again.Epoch())
	}
	d.remote.Fault = nil
	require.NoError(t, d.Restore(t.Context()))
	require.NoError(t, d.Refresh(t.Context()))
	require.NotEqual(t, before, d.remote.Stored())
}

// TestAttack_ClaimsAConflict: a server stores a header and says that it did
// not, or the other way round.
func TestAttack_ClaimsAConflict(t *testing.T) {
	words, lost := phrase(), phrase()
	for _, run := range []bool{false, true} {
		d := signUp(t, words, lost)
		id := learn(t, d.remote.Stored(), lost).Slot
		d.remote.Fault = func(write bool) (bool, error) {
			if !write {
				return true, nil
			}
			return run, recovery.ErrConflict
		}
		err := d.Revoke(t.Context(), id)
		d.remote.Fault = nil
		if run {
			require.NoError(t, err)
		} else {
			requireIs(t, recovery.ErrConflict, err)
			require.EqualValues(t, 1, d.Epoch())
			require.NoError(t, d.Revoke(t.Context(), id))
		}
		require.EqualValues(t, 2, d.Epoch())
		require.Len(t, d.Slots(), 1)
	}
}

// TestAttack_WithheldAnswers: the server loses requests and answers as it
// likes. Once it answers again, every change was made once.
func TestAttack_WithheldAnswers(t *testing.T) {
	for faults := range 81 { // a digit for each call: honest, a lost request, a lost answer
		words := phrase()
		d := signUp(t, words)
		d.remote.Fault = func(bool) (bool, error) {
			digit := faults % 3
			if faults /= 3; digit == 0 {
				return true, nil
			}
			return digit == 2, errOffline
		}
		sealed := must(d.Seal(t.Context(), export(1)))
		change := func(e *recovery.Edit) error {
			if slices.ContainsFunc(e.Slots(), func(s recovery.Slot) bool { return s.ID == sealed.ID() }) {
				return nil
			}
			return e.Add(sealed)
		}
		for range 6 {
			if err := d.Change(t.Context(), change); err == nil {
				break
			} else {
				require.True(t, errors.Is(err, recovery.ErrUnconfirmed) && errors.Is(err, errOffline), err)
			}
		}
		d.remote.Fault = nil
		require.NoError(t, d.Refresh(t.Context()))
		require.Len(t, d.Slots(), 2)
		require.EqualValues(t, 2, parse(t, d.remote.Stored()).Revision())
	}
}

// TestAdditionIsNotLost: a device that slept through changes adds a slot. The
// call says that it is there only if it is. An attacker is not needed: the
// other changes are honest, or a server holds them back.
func TestAdditionIsNotLost(t *testing.T) {
	for later := 1; later <= 5; later++ {
		for rotated := 0; rotated <= later; rotated++ { // which of the changes rotates
			words := phrase()
			d := signUp(t, words)
			other := d.another(t, words)
			for i := 1; i <= later; i++ {
				require.NoError(t, other.Change(t.Context(), func(e *recovery.Edit) error {
					if i == rotated {
						e.Rotate()
					}
					return e.Add(must(other.Seal(t.Context(), new(heldDevice))))
				}))
			}
			written := phrase()
			id, err := d.Add(t.Context(), written)
			require.NoError(t, err)
			require.NotNil(t, split(t, d.remote.Stored()).Slot(id), "%d changes, number %d rotates", later, rotated)
			open(t, d.remote.Stored(), written, recovery.TrustOnFirstUse(d.Account()))
		}
	}
}

// TestPendingAdditionIsNotLost is the same for a change whose request got lost:
// the device learns that it is not stored.
func TestPendingAdditionIsNotLost(t *testing.T) {
	for later := 1; later <= 5; later++ {
		for rotated := 0; rotated <= later; rotated++ {
			words := phrase()
			d := signUp(t, words)
			other := d.another(t, words)
			d.remote.Fault = func(bool) (bool, error) { return false, errOffline }
			sealed := must(d.Seal(t.Context(), phrase()))
			require.ErrorIs(t, d.Change(t.Context(), func(e *recovery.Edit) error { return e.Add(sealed) }), recovery.ErrUnconfirmed)
			d.remote.Fault = nil
			for i := 1; i <= later; i++ {
				require.NoError(t, other.Change(t.Context(), func(e *recovery.Edit) error {
					if i == rotated {
						e.Rotate()
					}
					return e.Add(must(other.Seal(t.Context(), new(heldDevice))))
				}))
			}
			requireIs(t, recovery.ErrConflict, d.Refresh(t.Context()), "%d changes, number %d rotates", later, rotated)
			require.NoError(t, d.Refresh(t.Context()))
			require.False(t, slices.ContainsFunc(d.Unseen(), func(c recovery.SlotChange) bool { return c.Gone }), "it never was there")
		}
	}
}

// TestResolveAfterANewLineage: the change that was quicker is a new lineage, in
// which the user's phrase has a slot again. The user goes on with it.
func TestResolveAfterANewLineage(t *testing.T) {
	words, lost := phrase(), phrase()
	d := signUp(t, words, lost)
	other := d.another(t, words)
	d.remote.Fault = func(bool) (bool, error) { return false, errOffline }
	require.ErrorIs(t, d.Revoke(t.Context(), learn(t, d.remote.Stored(), lost).Slot), recovery.ErrUnconfirmed)
	d.remote.Fault = nil
	require.NoError(t, other.RotateLineage(t.Context(), words))
	requireIs(t, recovery.ErrOvertaken, d.Open(t.Context(), words))
	requireIs(t, recovery.ErrUnseen, d.Resolve(t.Context()))
	d.showAll(t)
	err := d.Resolve(t.Context())
	require.True(t, err == nil || errors.Is(err, recovery.ErrWrongSecret) || errors.Is(err, recovery.ErrConflict), err)
	require.NoError(t, d.Open(t.Context(), words))
	require.EqualValues(t, 2, d.Epoch())
}
