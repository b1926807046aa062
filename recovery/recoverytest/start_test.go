package recoverytest_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// A server at the beginning of a device's life, and after a backup was
// restored.

// TestAttack_SignUpAnsweredByAnother: during a sign-up the server has a header
// of its own. The device does not take it.
func TestAttack_SignUpAnsweredByAnother(t *testing.T) {
	words := phrase()
	own := bytesOf(create(t, words, phrase()))
	// At once.
	d := newDevice(new(recoverytest.Remote))
	d.remote.Serve(own)
	requireIs(t, recovery.ErrConflict, d.Create(t.Context(), words))
	require.Nil(t, must(d.local.Load(t.Context())))
	requireIs(t, recovery.ErrNoCheckpoint, d.Open(t.Context(), words))
	// After the answer was lost, also with the number of the account on it.
	for _, pretend := range []bool{false, true} {
		d := newDevice(new(recoverytest.Remote))
		d.remote.Fault = func(bool) (bool, error) { return true, errOffline }
		require.ErrorIs(t, d.Create(t.Context(), words), recovery.ErrUnconfirmed)
		require.ErrorIs(t, d.Create(t.Context(), words), recovery.ErrPolicy, "one at a time")
		d.remote.Fault = nil
		p := split(t, own)
		if pretend {
			p.Account = split(t, d.remote.Headers()[0]).Account
		}
		d.remote.Serve(p.Join())
		requireIs(t, recovery.ErrConflict, d.Open(t.Context(), words))
		require.Zero(t, d.Epoch())
		require.Nil(t, must(d.local.Load(t.Context())))
	}
	// An honest server: the same header is stored.
	d = newDevice(new(recoverytest.Remote))
	d.remote.Fault = func(bool) (bool, error) { return true, errOffline }
	require.ErrorIs(t, d.Create(t.Context(), words), recovery.ErrUnconfirmed)
	d.remote.Fault = nil
	require.NoError(t, d.Open(t.Context(), words))
	require.EqualValues(t, 1, d.Epoch())
}

// TestAttack_FirstUse: a device without a state takes only the account that it
// was told, and a device with a state never begins again.
func TestAttack_FirstUse(t *testing.T) {
	words := phrase()
	d := signUp(t, words)
	other := signUp(t, words)
	fresh := newDevice(other.remote)
	requireIs(t, recovery.ErrOtherAccount, fresh.OpenFirst(t.Context(), d.Account(), words))
	require.ErrorIs(t, fresh.OpenFirst(t.Context(), recovery.AccountID{}, words), recovery.ErrNoCheckpoint)
	require.ErrorIs(t, newDevice(new(recoverytest.Remote)).OpenFirst(t.Context(), d.Account(), words), fs.ErrNotExist)
	require.Nil(t, must(fresh.local.Load(t.Context())))
	for _, served := range [][]byte{nil, other.remote.Stored(), d.remote.Stored()} {
		remote := d.remote.Fork()
		remote.Serve(served)
		again := recovery.NewClient(d.local.Clone(), remote)
		require.ErrorIs(t, again.OpenFirst(t.Context(), d.Account(), words), recovery.ErrPolicy)
		require.ErrorIs(t, again.OpenFirst(t.Context(), other.Account(), words), recovery.ErrPolicy)
		require.ErrorIs(t, again.Create(t.Context(), words), recovery.ErrPolicy)
	}
}

// permissive is a server whose operator lets devices restore their headers.
type permissive struct{ *recoverytest.Remote }

func (p permissive) Swap(_ context.Context, previous [32]byte, header []byte) error {
	if stored, err := recovery.ParseHeader(p.Stored()); err != nil || stored.Digest() != previous {
		return recovery.ErrConflict
	}
	p.Serve(header)
	return nil
}

// TestAttack_RestoreOverSeen: a device offers its header only in place of one
// that it has seen before, of the last 64. Nothing that a server or a removed
// holder makes is such a header.
func TestAttack_RestoreOverSeen(t *testing.T) {
	words, lent := phrase(), phrase()
	d := signUp(t, words, lent)
	thief, holder := d.holding(t, lent)
	require.NoError(t, d.Revoke(t.Context(), holder.Slot))
	for range 70 {
		require.NoError(t, d.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
	}
	mine, headers := d.remote.Stored(), d.remote.Headers()
	require.Len(t, headers, 72)
	for i, header := range headers {
		remote := permissive{d.remote.Fork()}
		remote.Serve(header)
		c := recovery.NewClient(d.local.Clone(), remote)
		require.NoError(t, c.OpenOffline(t.Context(), words))
		err := c.Restore(t.Context())
		if i < len(headers)-64 {
			requireIs(t, recovery.ErrFork, err, i)
			require.Equal(t, header, remote.Stored())
			continue
		}
		require.NoError(t, err, i)
		require.Equal(t, mine, remote.Stored())
		require.NoError(t, c.Refresh(t.Context()))
		// An honest server that nobody has told of it refuses.
		honest := d.remote.Fork()
		honest.Serve(header)
		err = recovery.NewClient(d.local.Clone(), honest).Restore(t.Context())
		require.Equal(t, i < len(headers)-2, errors.Is(err, recovery.ErrConflict), "%d: %v", i, err)
	}
	fork := d.remote.Fork()
	fork.Serve(headers[0])
	theirs := recovery.NewClient(thief.local, fork)
	require.NoError(t, theirs.Open(t.Context(), lent))
	must(theirs.Add(t.Context(), phrase()))
	forgeries := must(holder.Forgeries(mine))
	forgeries["the thief's"], forgeries["none"], forgeries["nothing"] = fork.Stored(), nil, []byte{}
	for what, forged := range forgeries {
		remote := permissive{d.remote.Fork()}
		remote.Serve(forged)
		err := recovery.NewClient(d.local.Clone(), remote).Restore(t.Context())
		require.Error(t, err, what)
		require.Equal(t, forged, remote.Stored(), what)
	}
	requireIs(t, recovery.ErrNoCheckpoint, newDevice(d.remote).Restore(t.Context()))
}
