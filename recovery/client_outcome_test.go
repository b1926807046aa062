package recovery

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a call says about a change is true, and a change whose loss no call has
// told is told by the next one.

// overtakenByRemoval returns devices after a's removal of eve has lost to
// another device's removal of mallory.
func overtakenByRemoval(t *testing.T) (remote *flaky, a, eve, mallory *testDevice) {
	ctx := t.Context()
	server := new(testServer)
	remote = &flaky{Remote: server}
	a = newAccount(t, remote)
	eve, mallory = a.join(t, server), a.join(t, server)
	other := a.join(t, server)
	for _, d := range []*testDevice{a, mallory, other} {
		require.NoError(t, d.Refresh(ctx))
	}
	require.NoError(t, other.Revoke(ctx, mallory.slot.id))
	require.Equal(t, ErrOvertaken, a.Revoke(ctx, eve.slot.id))
	return remote, a, eve, mallory
}

// TestResolveUsesWhatItConfirmed: the repeated removal fails. What is written
// afterwards is not under a key of the holder whose removal was confirmed.
func TestResolveUsesWhatItConfirmed(t *testing.T) {
	ctx := t.Context()
	for _, answer := range []error{errNetwork, ErrConflict} {
		remote, a, _, mallory := overtakenByRemoval(t)
		swaps := 0
		remote.swap = func([32]byte, []byte) error {
			if swaps++; swaps == 1 {
				return ErrConflict // the lost candidate, again
			}
			return answer
		}
		require.Error(t, a.Resolve(ctx))
		remote.swap = nil
		require.False(t, a.has(mallory.slot.id))
		blob, err := a.Wrap([]byte("after her removal"), noteBinding)
		require.NoError(t, err)
		_, err = mallory.UnwrapOld(blob, noteBinding)
		require.ErrorIs(t, err, ErrRollback)
		if answer == errNetwork {
			require.NoError(t, a.Refresh(ctx))
		}
		a.requireWorks(t)
	}
}

// TestRemovedDeviceIsNotPutBack: a device is approved and, before the approver
// has the answer, removed by somebody else.
func TestRemovedDeviceIsNotPutBack(t *testing.T) {
	ctx := t.Context()
	for _, more := range []int{0, 1, 3} {
		server := new(testServer)
		remote := &flaky{Remote: server}
		a := newAccount(t, remote)
		b := a.join(t, server)
		require.NoError(t, a.Refresh(ctx))
		r := must(NewRequest(a.Account()))
		remote.swap = func(previous [32]byte, header []byte) error {
			remote.swap = nil
			require.NoError(t, server.Swap(ctx, previous, header)) // stored, and the answer waits
			require.NoError(t, b.Refresh(ctx))
			require.NoError(t, b.Revoke(ctx, b.Unseen()[0].ID))
			for range more {
				require.NoError(t, b.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))
			}
			return ErrConflict
		}
		grant, _, err := a.ApproveQR(ctx, r.QR(), r.Ask())
		require.ErrorIs(t, err, ErrConflict)
		require.Nil(t, grant)
		require.NoError(t, b.Refresh(ctx))
		require.Len(t, b.Slots(), 2)
	}
}

// TestStoredAndRemoved: a change is stored, its answer is lost, and somebody
// removes what it added. It is not called lost.
func TestStoredAndRemoved(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	remote := &flaky{Remote: server}
	a := newAccount(t, remote)
	b := a.join(t, server)
	require.NoError(t, a.Refresh(ctx))
	remote.swap = func(previous [32]byte, header []byte) error {
		server.Swap(ctx, previous, header)
		return errNetwork
	}
	_, err := a.Add(ctx, new(heldSlot))
	require.ErrorIs(t, err, ErrUnconfirmed)
	remote.swap = nil
	require.NoError(t, b.Refresh(ctx))
	require.NoError(t, b.Revoke(ctx, b.Unseen()[0].ID))
	require.NoError(t, a.Refresh(ctx))
	require.Len(t, a.Unseen(), 1)
	require.True(t, a.Unseen()[0].Gone)
}

// TestLossIsTold: whatever happens while a call learns that a change was lost,
// some call says so.
func TestLossIsTold(t *testing.T) {
	ctx := t.Context()
	type world struct {
		server *testServer
		remote *flaky
		a, eve *testDevice
	}
	// pending leaves a removal pending, which the server then refuses for good.
	pending := func() world {
		w := world{server: new(testServer)}
		w.remote = &flaky{Remote: w.server}
		w.a = newAccount(t, w.remote)
		w.eve = w.a.join(t, w.server)
		require.NoError(t, w.a.Refresh(ctx))
		w.remote.swap = func([32]byte, []byte) error { return errNetwork }
		require.ErrorIs(t, w.a.Revoke(ctx, w.eve.slot.id), ErrUnconfirmed)
		w.remote.swap = func([32]byte, []byte) error { return ErrConflict }
		return w
	}
	told := func(name string, a *testDevice, calls ...func() error) {
		t.Helper()
		conflicts := 0
		for _, call := range calls {
			if err := call(); err != nil {
				require.ErrorIs(t, err, ErrConflict, name)
				conflicts++
			}
		}
		require.Equal(t, 1, conflicts, name)
		require.Nil(t, a.local.state(t).candidate)
	}

	w := pending()
	fetches := 0
	w.remote.fetch = func() ([]byte, error) {
		if fetches++; fetches == 2 {
			return nil, errNetwork
		}
		return w.server.Fetch(ctx)
	}
	a := w.a.restarted(w.remote)
	told("the network goes", a, func() error { return a.Open(ctx, a.slot) }, func() error { return a.Open(ctx, a.slot) })

	w = pending()
	b := w.a.restarted(w.remote)
	told("another process drops it", w.a, func() error { return b.Open(ctx, b.slot) })
	told("another process drops it", w.a, func() error { return w.a.Refresh(ctx) }, func() error { return w.a.Refresh(ctx) })

	w = pending()
	w.a.hooked(fails(1, true))
	require.ErrorIs(t, w.a.Refresh(ctx), ErrUnconfirmed)
	told("Local fails after writing", w.a, func() error { return w.a.Refresh(ctx) }, func() error { return w.a.Refresh(ctx) })
}

// TestResolveIsNotDoneByAnother: another process drops the repetition. Resolve
// does not say that the removal is done.
func TestResolveIsNotDoneByAnother(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	remote := &flaky{Remote: server}
	a := newAccount(t, remote)
	eve, other := a.join(t, server), a.join(t, server)
	require.NoError(t, a.Refresh(ctx))
	b := a.tab(t, remote)
	require.NoError(t, other.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))
	require.Equal(t, ErrOvertaken, a.Revoke(ctx, eve.slot.id))
	remote.swap = func([32]byte, []byte) error { return ErrConflict }
	a.hooked(at(2, func() { require.Equal(t, ErrConflict, b.Refresh(ctx)) }))
	require.ErrorIs(t, a.Resolve(ctx), ErrConflict)
	remote.swap = nil
	require.NoError(t, a.Refresh(ctx))
	require.True(t, a.has(eve.slot.id))
}

// TestStoredAndSignedOut: a change is stored, and another process signs the
// device out before this one knows. The new secret is not to be thrown away.
func TestStoredAndSignedOut(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	account := a.Account()
	a.hooked(at(2, func() { require.NoError(t, a.local.Swap(ctx, a.local.value, nil)) }))
	phrase := must(NewPhrase(12))
	err := a.RotateLineage(ctx, phrase)
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.NotErrorIs(t, err, ErrConflict)
	require.NoError(t, NewClient(new(testLocal), server).OpenFirst(ctx, account, phrase))
}

// TestBusyLocal: another process writes all the time. A stored change is not
// called lost.
func TestBusyLocal(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	mark := slotMark{id: SlotID{1}}
	busy := func(from int) func(int) (bool, error) {
		return func(n int) (bool, error) {
			if n >= from {
				s := *a.local.state(t)
				if s.seen = forget(s.seen, mark); slices.Equal(s.seen, a.local.state(t).seen) {
					s.seen = see(s.seen, mark)
				}
				a.local.value = must(s.marshal())
			}
			return true, nil
		}
	}
	sealed := must(a.Seal(ctx, new(heldSlot)))
	a.hooked(busy(2))
	err := a.Change(ctx, func(e *Edit) error { return e.Add(sealed) })
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.NotErrorIs(t, err, ErrConflict)
	a.hooked(busy(1))
	require.ErrorIs(t, a.Refresh(ctx), ErrUnconfirmed)
	a.Client.local = a.local
	require.NoError(t, a.Refresh(ctx))
	require.True(t, a.has(sealed.ID()))
}

// TestJoinWaits: a Join that waits for another call ends with its context, and
// a Discard does not wait.
func TestJoinWaits(t *testing.T) {
	server := new(testServer)
	remote := &flaky{Remote: server}
	a := newAccount(t, remote)
	b := a.tab(t, remote)
	r := must(NewRequest(a.Account()))
	grant, _, err := a.ApproveQR(t.Context(), r.QR(), r.Ask())
	require.NoError(t, err)
	entered, leave, done := make(chan bool), make(chan bool), make(chan error)
	remote.fetch = func() ([]byte, error) {
		close(entered)
		<-leave
		return nil, errNetwork
	}
	go func() { done <- b.Refresh(context.Background()) }()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = b.Join(ctx, r, grant, "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	r.Discard()
	close(leave)
	require.Equal(t, errNetwork, <-done)
	_, err = b.Join(t.Context(), r, grant, "")
	require.ErrorIs(t, err, ErrPolicy)
}

// TestResolveOfAnUnseenSlot: the removal removes what the user was not shown.
func TestResolveOfAnUnseenSlot(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	other := a.join(t, server)
	require.NoError(t, a.Refresh(ctx))
	id, err := other.Add(ctx, new(heldSlot))
	require.NoError(t, err)
	require.NoError(t, a.Refresh(ctx))
	require.NoError(t, other.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))
	require.Equal(t, ErrOvertaken, a.Revoke(ctx, id))
	require.NoError(t, a.Resolve(ctx))
	require.False(t, a.has(id))
}
