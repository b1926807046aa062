package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestCloseBefore: the floor rises, never above the epoch of the edit's base,
// and never falls.
func TestCloseBefore(t *testing.T) {
	o := exportKey(1)
	k := create(t, o)
	var blobs [][]byte
	for range 5 {
		blobs = append(blobs, must(k.Wrap([]byte("secret"), files("a"))))
		k = rotated(t, k)
	}
	blobs = append(blobs, must(k.Wrap([]byte("secret"), files("a"))))
	early := k.Checkpoint()
	readable := func(k *recovery.Keyring, from int) {
		t.Helper()
		for i, blob := range blobs {
			_, err := k.UnwrapOld(blob, files("a"))
			_, rewrapErr := k.Rewrap(blob, files("a"))
			if i+1 < from {
				require.Equal(t, recovery.ErrEpochClosed, err)
				require.Equal(t, recovery.ErrEpochClosed, rewrapErr)
				_, err = k.Unwrap(blob, files("a"))
				require.Equal(t, recovery.ErrEpochClosed, err, "also before it is called old")
				continue
			}
			require.NoError(t, err)
			require.NoError(t, rewrapErr)
		}
	}
	readable(k, 1)
	closeBefore := func(epoch uint32) func(e *recovery.Edit) error {
		return func(e *recovery.Edit) error { return e.CloseBefore(epoch) }
	}
	for _, epoch := range []uint32{7, 8, 1<<32 - 1} {
		refuseEdit(t, k, recovery.ErrPolicy, closeBefore(epoch))
		refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { e.Rotate(); return e.CloseBefore(epoch) })
	}
	k = edit(t, k, closeBefore(3))
	require.Equal(t, []uint32{6, 3}, []uint32{k.Epoch(), k.Floor()}, "it does not rotate")
	readable(k, 3)
	for _, epoch := range []uint32{0, 1, 2, 3} {
		refuseEdit(t, k, recovery.ErrPolicy, closeBefore(epoch))
		after := edit(t, k, func(e *recovery.Edit) error { e.Rotate(); return e.CloseBefore(epoch) })
		require.EqualValues(t, 3, after.Floor())
	}
	opened := open(t, k.Header(), o, early)
	readable(opened, 3)
	last := edit(t, k, func(e *recovery.Edit) error {
		require.NoError(t, e.CloseBefore(6))
		return e.CloseBefore(4)
	})
	require.EqualValues(t, 6, last.Floor())
	readable(last, 6)
	require.EqualValues(t, 6, rotated(t, last).Floor())
	require.EqualValues(t, 6, must(last.RotateLineage(t.Context(), o)).Stored().Floor())
	requireSame(t, last, open(t, last.Header(), o, early))
}

// TestFloorIsOfTheDevice: what a device has seen closed stays closed, whatever
// header it gets.
func TestFloorIsOfTheDevice(t *testing.T) {
	o := exportKey(1)
	k := rotated(t, create(t, o))
	closed := edit(t, k, func(e *recovery.Edit) error { return e.CloseBefore(2) })
	lower := forge(t, closed, func(h *refHeader) {
		h.next(closed.Header())
		h.floor = 1
	})
	require.ErrorIs(t, openErr(t, lower, o, closed.Checkpoint()), recovery.ErrRollback)
	_, err := closed.Follow(lower, closed.Checkpoint())
	require.ErrorIs(t, err, recovery.ErrRollback)
}
