package recovery_test

import (
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// fullHistory is a keyring with 255 entries in its history, one blob for every
// epoch, and the keyring of epoch 1.
func fullHistory(t testing.TB, s ...recovery.Sealer) (k, first *recovery.Keyring, blobs [][]byte) {
	t.Helper()
	k = create(t, s...)
	first = k
	for {
		blobs = append(blobs, must(k.Wrap([]byte(fmt.Sprint("epoch ", k.Epoch())), files("a"))))
		if k.Epoch() == recovery.MaxHistory+1 {
			return k, first, blobs
		}
		k = rotated(t, k)
	}
}

// TestFullHistory: at 255 entries every edit that rotates is refused, and every
// other edit is possible, until the oldest epoch is closed.
func TestFullHistory(t *testing.T) {
	o := exportKey(1)
	k, first, blobs := fullHistory(t, o, phrase())
	require.Len(t, refParse(k.Header().Bytes()).history, 255)
	for i, blob := range blobs {
		secret, err := k.UnwrapOld(blob, files("a"))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("epoch ", i+1), string(secret))
	}
	requireSame(t, k, open(t, k.Header(), o, first.Checkpoint()))

	id, other, sealed := slotIDs(k, "export")[0], slotIDs(k, "phrase")[0], seal(t, k, exportKey(2))
	rotating := map[string]func(e *recovery.Edit) error{
		"rotate":  rotate,
		"revoke":  func(e *recovery.Edit) error { return e.Revoke(other) },
		"replace": func(e *recovery.Edit) error { return e.Replace(id, sealed) },
	}
	for name, f := range rotating {
		d, err := k.Edit(f)
		require.ErrorIs(t, err, recovery.ErrPolicy, name)
		require.ErrorContains(t, err, "history")
		require.Nil(t, d)
		refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error {
			require.NoError(t, e.CloseBefore(1))
			return f(e)
		})
	}
	_, err := k.RotateLineage(t.Context(), phrase())
	require.ErrorIs(t, err, recovery.ErrPolicy)
	for _, f := range []func(e *recovery.Edit) error{
		func(e *recovery.Edit) error { return e.Add(sealed) },
		func(e *recovery.Edit) error { return e.Supersede(id, sealed) },
		func(e *recovery.Edit) error { return e.CloseBefore(256) },
	} {
		requireOpens(t, edit(t, k, f), o)
	}

	// The same edit closes the epoch, before or after.
	for name, f := range rotating {
		for _, floor := range []uint32{2, 100, 256} {
			before := func(e *recovery.Edit) error { require.NoError(t, e.CloseBefore(floor)); return f(e) }
			after := func(e *recovery.Edit) error { require.NoError(t, f(e)); return e.CloseBefore(floor) }
			for _, f := range []func(e *recovery.Edit) error{before, after} {
				got := edit(t, k, f)
				require.Equal(t, []uint32{257, floor}, []uint32{got.Epoch(), got.Floor()}, name)
				require.Len(t, refParse(got.Header().Bytes()).history, 255)
			}
		}
	}

	// The floor allows it.
	closed := edit(t, k, func(e *recovery.Edit) error { return e.CloseBefore(3) })
	closed = rotated(t, rotated(t, closed))
	require.EqualValues(t, 258, closed.Epoch())
	refuseEdit(t, closed, recovery.ErrPolicy, rotate)
	_, err = closed.UnwrapOld(blobs[1], files("a"))
	require.Equal(t, recovery.ErrEpochClosed, err)
	for i := 2; i < 256; i++ {
		require.Equal(t, fmt.Sprint("epoch ", i+1), string(must(closed.UnwrapOld(blobs[i], files("a")))))
	}
	requireSame(t, closed, open(t, closed.Header(), o, k.Checkpoint()))
	_, err = must(k.Edit(func(e *recovery.Edit) error { return e.CloseBefore(2) })).Stored().RotateLineage(t.Context(), o)
	require.NoError(t, err)
}

// TestCheckpointOutOfReach: a header that no longer reaches the epoch of a
// device is not authentic to it. The device is approved again.
func TestCheckpointOutOfReach(t *testing.T) {
	o := exportKey(1)
	k, first, _ := fullHistory(t, o)
	second := open(t, k.Header(), o, first.Checkpoint())
	k = edit(t, k, func(e *recovery.Edit) error { e.Rotate(); return e.CloseBefore(2) })
	require.ErrorIs(t, openErr(t, k.Header(), o, first.Checkpoint()), recovery.ErrUntrusted)
	_, err := first.Follow(k.Header(), first.Checkpoint())
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	requireSame(t, k, open(t, k.Header(), o, second.Checkpoint()))
	requireSame(t, k, open(t, k.Header(), o, recovery.TrustOnFirstUse(k.Account())))
}

// TestNothingIsLost: over 300 rotations, with Rewrap before an epoch is closed,
// every secret stays readable, and none becomes young.
func TestNothingIsLost(t *testing.T) {
	o := exportKey(1)
	k := create(t, o)
	blobs := make(map[uint32][]byte) // by origin
	asked := 0
	for range 300 {
		blobs[k.Epoch()] = must(k.Wrap([]byte(fmt.Sprint("epoch ", k.Epoch())), files("a")))
		d, err := k.Edit(rotate)
		if err != nil { // the application is asked before anything closes
			require.ErrorIs(t, err, recovery.ErrPolicy)
			asked++
			for origin, blob := range blobs {
				blobs[origin] = must(k.Rewrap(blob, files("a")))
			}
			d, err = k.Edit(func(e *recovery.Edit) error { e.Rotate(); return e.CloseBefore(k.Epoch()) })
			require.NoError(t, err)
		}
		k = d.Stored()
	}
	require.Equal(t, 1, asked)
	require.EqualValues(t, 301, k.Epoch())
	require.Len(t, blobs, 300)
	k = open(t, k.Header(), o, recovery.TrustOnFirstUse(k.Account()))
	for origin, blob := range blobs {
		secret, err := k.UnwrapOld(blob, files("a"))
		require.NoError(t, err, origin)
		require.Equal(t, fmt.Sprint("epoch ", origin), string(secret))
		_, err = k.Unwrap(blob, files("a"))
		require.Equal(t, recovery.ErrOldKey, err)
	}
}
