package recoverytest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// What a server does to a Client, alone and with a removed holder.

var errOffline = errors.New("offline")

// device is a Client, and what outlives it.
type device struct {
	*recovery.Client
	local  *recoverytest.Local
	remote *recoverytest.Remote
}

func newDevice(remote *recoverytest.Remote) device {
	local := new(recoverytest.Local)
	return device{recovery.NewClient(local, remote), local, remote}
}

func signUp(t testing.TB, s ...recovery.Sealer) device {
	t.Helper()
	d := newDevice(new(recoverytest.Remote))
	require.NoError(t, d.Create(t.Context(), s...))
	return d
}

// another is a second device that opens with a secret for the first time.
func (d device) another(t testing.TB, o recovery.Opener) device {
	t.Helper()
	other := newDevice(d.remote)
	require.NoError(t, other.OpenFirst(t.Context(), d.Account(), o))
	return other
}

// restarted is the device after the program was started again.
func (d device) restarted() device {
	local := d.local.Clone()
	return device{recovery.NewClient(local, d.remote), local, d.remote}
}

// holding is a second device whose holder keeps everything.
func (d device) holding(t testing.TB, o recovery.Opener) (device, *recoverytest.Holder) {
	t.Helper()
	holder := recoverytest.NewHolder(o)
	other := d.another(t, holder)
	require.NoError(t, holder.Learn(d.remote.Stored()))
	return other, holder
}

// showAll shows the user all changes.
func (d device) showAll(t testing.TB) {
	t.Helper()
	require.NoError(t, d.MarkSeen(t.Context(), d.Unseen()))
	require.Empty(t, d.Unseen())
}

// requireUnmoved: a device that a server lies to stays with the keyring that it
// has, on every way to a header, also after a restart.
func (d device) requireUnmoved(t testing.TB, o recovery.Opener, what string) {
	t.Helper()
	epoch, slots, blob := d.Epoch(), d.Slots(), must(d.Wrap(secretOf(d.Epoch()), note))
	again := d.restarted()
	for _, err := range []error{d.Refresh(t.Context()), again.Open(t.Context(), o), d.restarted().OpenAfterLogin(t.Context(), o)} {
		require.Error(t, err, what)
		require.NotErrorIs(t, err, recovery.ErrNoCheckpoint, what)
		require.NotErrorIs(t, err, fs.ErrNotExist, what)
		require.NotNil(t, sentinel(err), err)
	}
	require.Equal(t, epoch, d.Epoch(), what)
	require.Equal(t, slots, d.Slots(), what)
	require.Equal(t, secretOf(epoch), must(d.Unwrap(blob, note)))
	require.NoError(t, again.OpenOffline(t.Context(), o), what)
	require.Equal(t, epoch, again.Epoch(), what)
	require.Equal(t, secretOf(epoch), must(again.Unwrap(blob, note)))
}

// TestAttack_ClientAndExHolder: a client that has revoked somebody, or has seen
// it, accepts nothing that the holder and the server make, and follows the
// honest header afterwards.
func TestAttack_ClientAndExHolder(t *testing.T) {
	words, lent := phrase(), phrase()
	owner := signUp(t, words, lent, new(heldDevice))
	second := owner.another(t, words)
	thief, holder := owner.holding(t, lent)
	before := owner.remote.Stored()
	require.NoError(t, owner.Revoke(t.Context(), holder.Slot))
	require.NoError(t, second.Refresh(t.Context()))
	honest := owner.remote.Stored()

	forgeries := must(holder.Forgeries(honest))
	for what, forged := range must(holder.Forgeries(before)) {
		forgeries["beside the removal: "+what] = forged
	}
	fork := thief.remote.Fork()
	fork.Serve(before)
	theirs := recovery.NewClient(thief.local.Clone(), fork)
	require.NoError(t, theirs.Open(t.Context(), lent))
	for range 3 { // what the thief's own client makes, on a server of its own
		_, err := theirs.Add(t.Context(), phrase())
		require.NoError(t, err)
		forgeries[fmt.Sprint("added ", len(forgeries))] = fork.Stored()
		require.NoError(t, theirs.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
		forgeries[fmt.Sprint("rotated ", len(forgeries))] = fork.Stored()
	}
	for what, forged := range forgeries {
		owner.remote.Serve(forged)
		owner.requireUnmoved(t, words, what)
		second.requireUnmoved(t, words, what)
		// Nor does a change go there.
		require.Error(t, second.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }), what)
		require.Equal(t, forged, owner.remote.Stored(), what)
		owner.remote.Serve(honest)
		require.NoError(t, owner.Refresh(t.Context()), what)
		err := second.Refresh(t.Context()) // its change was refused, or is stored now
		require.True(t, err == nil || errors.Is(err, recovery.ErrConflict), err)
		require.NoError(t, second.Refresh(t.Context()), what)
		honest = owner.remote.Stored()
		require.NoError(t, owner.Refresh(t.Context()), what)
		require.Equal(t, owner.Epoch(), second.Epoch())
	}
	require.Error(t, thief.Refresh(t.Context()))
}

// TestAttack_ClientRollback: a client that has seen a header takes no earlier
// one, no header at all, and no header of a fork.
func TestAttack_ClientRollback(t *testing.T) {
	words := phrase()
	d := signUp(t, words)
	fork := d.remote.Fork()
	other := device{recovery.NewClient(d.local.Clone(), fork), nil, fork}
	require.NoError(t, other.Open(t.Context(), words))
	change := func(d device, i int) {
		if i%2 == 0 {
			_, err := d.Add(t.Context(), new(heldDevice))
			require.NoError(t, err)
			return
		}
		require.NoError(t, d.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
	}
	for i := range 4 {
		change(d, i)
		change(other, i)
	}
	honest := d.remote.Stored()
	stale := append(d.remote.Headers()[:4:4], fork.Headers()[1:]...)
	for i, header := range append(stale, nil, []byte{}, []byte("x"), make([]byte, recovery.MaxHeader+1), honest[:len(honest)-1]) {
		d.remote.Serve(header)
		d.requireUnmoved(t, words, fmt.Sprint("header ", i))
		require.Error(t, d.Refresh(t.Context()))
	}
	d.remote.Serve(nil)
	requireIs(t, recovery.ErrRollback, d.Refresh(t.Context()))
	d.remote.Serve(honest)
	require.NoError(t, d.Refresh(t.Context()))
}

// TestAttack_ForkedDevices: two devices of one account are answered by two
// servers that do not know of each other. Neither device ever takes what the
// other has made.
func TestAttack_ForkedDevices(t *testing.T) {
	words := phrase()
	for _, remove := range []bool{false, true} {
		lost := phrase()
		a := signUp(t, words, lost)
		b := a.another(t, words)
		b.showAll(t)
		fork := a.remote.Fork()
		forked := device{recovery.NewClient(b.local, fork), b.local, fork}
		require.NoError(t, forked.Open(t.Context(), words))
		if remove {
			require.NoError(t, a.Revoke(t.Context(), learn(t, a.remote.Stored(), lost).Slot))
		} else {
			_, err := a.Add(t.Context(), export(1))
			require.NoError(t, err)
		}
		for range 3 {
			_, err := forked.Add(t.Context(), export(2))
			require.NoError(t, err)
			ours, theirs := a.remote.Stored(), fork.Stored()
			a.remote.Serve(theirs)
			a.requireUnmoved(t, words, "theirs")
			a.remote.Serve(ours)
			fork.Serve(ours)
			forked.requireUnmoved(t, words, "ours")
			fork.Serve(theirs)
			require.NoError(t, a.Refresh(t.Context()))
			require.NoError(t, forked.Refresh(t.Context()))
		}
	}
}

// TestAttack_RemovalHiddenFromADevice: device A removes a lost phrase. The
// server hides that from device B, which goes on, and then shows A what B has
// made.
func TestAttack_RemovalHiddenFromADevice(t *testing.T) {
	words, lost := phrase(), phrase()
	a := signUp(t, words, lost)
	b := a.another(t, words)
	fork := a.remote.Fork()
	b = device{recovery.NewClient(b.local, fork), b.local, fork}
	require.NoError(t, b.Open(t.Context(), words))
	require.NoError(t, a.Revoke(t.Context(), learn(t, fork.Stored(), lost).Slot))
	for i := range 6 {
		if i == 3 {
			require.NoError(t, b.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
		}
		_, err := b.Add(t.Context(), new(heldDevice))
		require.NoError(t, err)
		a.remote.Serve(fork.Stored())
		a.requireUnmoved(t, words, "what B has made")
		require.Contains(t, []error{recovery.ErrFork, recovery.ErrRollback, recovery.ErrUntrusted}, sentinel(a.Refresh(t.Context())))
	}
}

// TestAttack_LostAnswerOfARevoke: the server takes the answer to a removal
// away, or the removal itself, and hands out what a removed holder has made
// meanwhile.
func TestAttack_LostAnswerOfARevoke(t *testing.T) {
	words, lent := phrase(), phrase()
	for _, run := range []bool{false, true} {
		owner := signUp(t, words, lent)
		thief, holder := owner.holding(t, lent)
		before := owner.remote.Stored()
		owner.remote.Fault = func(write bool) (bool, error) { return run && write, errOffline }
		require.ErrorIs(t, owner.Revoke(t.Context(), holder.Slot), recovery.ErrUnconfirmed)
		for range 2 {
			require.ErrorIs(t, owner.Refresh(t.Context()), recovery.ErrUnconfirmed)
			require.ErrorIs(t, owner.restarted().Open(t.Context(), words), recovery.ErrUnconfirmed)
		}
		owner.remote.Fault = nil
		candidate := owner.remote.Headers()[1]
		require.Equal(t, run, owner.remote.Stored() != nil && string(owner.remote.Stored()) == string(candidate))

		forgeries := must(holder.Forgeries(before))
		for what, forged := range must(holder.Forgeries(candidate)) {
			forgeries["after the removal: "+what] = forged
		}
		fork := owner.remote.Fork()
		fork.Serve(before)
		theirs := recovery.NewClient(thief.local.Clone(), fork)
		require.NoError(t, theirs.Open(t.Context(), lent))
		_, err := theirs.Add(t.Context(), phrase())
		require.NoError(t, err)
		forgeries["the next revision"] = fork.Stored()
		require.NoError(t, theirs.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
		forgeries["the revision after that"] = fork.Stored()
		for what, forged := range forgeries {
			d := owner.restarted()
			d.remote = owner.remote.Fork()
			d.remote.Serve(forged)
			d.Client = recovery.NewClient(d.local, d.remote)
			err := d.Open(t.Context(), words)
			require.Error(t, err, what)
			require.NotErrorIs(t, err, recovery.ErrNoCheckpoint, what)
			// It is open at most as it was, so that the user can decide.
			if d.Epoch() != 0 {
				require.ErrorIs(t, err, recovery.ErrOvertaken, what)
				require.Len(t, d.Slots(), 2)
				require.EqualValues(t, 1, d.Epoch(), what)
				require.ErrorIs(t, d.Refresh(t.Context()), recovery.ErrOvertaken, what)
				require.ErrorIs(t, d.Revoke(t.Context(), holder.Slot), recovery.ErrOvertaken, what)
			}
			require.Equal(t, forged, d.remote.Stored())

			// What the server should have said still counts.
			for _, honest := range [][]byte{before, candidate} {
				d := d.restarted()
				d.remote = owner.remote.Fork()
				d.remote.Serve(honest)
				d.Client = recovery.NewClient(d.local, d.remote)
				require.NoError(t, d.Open(t.Context(), words), what)
				require.EqualValues(t, 2, d.Epoch())
				require.Equal(t, candidate, d.remote.Stored(), "it was sent again")
			}
		}
	}
}

// TestAttack_ClientAndBlobs: a client reads and wraps with the confirmed
// keyring, so blobs of a removed holder are never current and blobs of the
// future wait.
func TestAttack_ClientAndBlobs(t *testing.T) {
	words, lent := phrase(), phrase()
	owner := signUp(t, words, lent)
	second := owner.another(t, words)
	_, holder := owner.holding(t, lent)
	planted := must(holder.Blob([]byte("a key of theirs"), note, 1, 1))
	require.Equal(t, "a key of theirs", string(must(owner.Unwrap(planted, note))), "they are in")
	require.NoError(t, owner.Revoke(t.Context(), holder.Slot))
	_, err := owner.Unwrap(planted, note)
	requireIs(t, recovery.ErrOldKey, err)
	again := must(owner.Rewrap(planted, note))
	_, err = owner.Unwrap(again, note)
	requireIs(t, recovery.ErrOldKey, err)

	later := must(owner.Wrap(secretOf(2), note))
	for _, open := range []func() error{
		func() error { _, err := second.Unwrap(later, note); return err },
		func() error { _, err := second.UnwrapOld(later, note); return err },
		func() error { _, err := second.Rewrap(later, note); return err },
	} {
		require.ErrorIs(t, open(), recovery.ErrRollback)
	}
	require.NoError(t, second.Refresh(t.Context()))
	require.Equal(t, secretOf(2), must(second.Unwrap(later, note)))
	require.NoError(t, owner.Change(t.Context(), func(e *recovery.Edit) error { return e.CloseBefore(2) }))
	_, err = owner.UnwrapOld(planted, note)
	requireIs(t, recovery.ErrEpochClosed, err)
	// A change that was not stored wraps nothing.
	owner.remote.Fault = func(bool) (bool, error) { return false, errOffline }
	require.ErrorIs(t, owner.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }), recovery.ErrUnconfirmed)
	require.EqualValues(t, 2, must(recovery.BlobEpoch(must(owner.Wrap([]byte("x"), note)))))
}

// TestAttack_AlteredLocal: a state of the device that was damaged is malformed,
// or the device accepts no less than the account's own header. It never panics.
func TestAttack_AlteredLocal(t *testing.T) {
	words := phrase()
	d := signUp(t, words, phrase())
	d.remote.Fault = func(write bool) (bool, error) { return false, errOffline }
	require.Error(t, d.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
	d.remote.Fault = nil
	state := must(d.local.Load(t.Context()))
	step := 1
	if !testvec.Long {
		step = 41
	}
	for i := 0; i < len(state); i += step {
		if i > 600 && i < len(state)-200 && i%17 != 0 {
			continue // inside headers, whose digests are checked
		}
		altered := slices.Clone(state)
		altered[i] ^= 1 << (i % 8)
		local := new(recoverytest.Local)
		require.NoError(t, local.Swap(t.Context(), nil, altered))
		c := recovery.NewClient(local, d.remote.Fork())
		err := c.Open(t.Context(), words)
		require.True(t, err == nil || sentinel(err) != nil, err)
		if err == nil {
			require.Equal(t, d.Account(), c.Account())
		}
	}
}
