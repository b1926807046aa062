package recovery

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClientLife(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	phrase, err := NewPhrase(12)
	require.NoError(t, err)
	a := newAccount(t, server, phrase)
	require.Empty(t, a.Unseen())
	require.Equal(t, a.slot.id, a.OpenedBy())
	secret := []byte("a secret of epoch 1")
	blob, err := a.Wrap(secret, noteBinding)
	require.NoError(t, err)

	// A second device by phrase has seen one slot, its own.
	b := &testDevice{local: new(testLocal)}
	b.Client = NewClient(b.local, server)
	require.Equal(t, ErrNoCheckpoint, b.Open(ctx, phrase))
	require.NoError(t, b.OpenFirst(ctx, a.Account(), phrase))
	require.ErrorIs(t, b.OpenFirst(ctx, a.Account(), phrase), ErrPolicy)
	require.ErrorIs(t, b.Create(ctx, phrase), ErrPolicy)
	got, err := b.Unwrap(blob, noteBinding)
	require.NoError(t, err)
	require.Equal(t, secret, got)
	unseen := b.Unseen()
	require.Len(t, unseen, 1)
	require.Equal(t, a.slot.id, unseen[0].ID)
	require.Equal(t, typeDevice, unseen[0].Type)

	// It revokes the first.
	require.NoError(t, b.Revoke(ctx, a.slot.id))
	require.Empty(t, b.Unseen())
	_, err = b.Unwrap(blob, noteBinding)
	require.Equal(t, ErrOldKey, err)
	got, err = b.UnwrapOld(blob, noteBinding)
	require.NoError(t, err)
	require.Equal(t, secret, got)
	require.Equal(t, ErrWrongSecret, a.Refresh(ctx))
	require.Equal(t, ErrWrongSecret, a.Open(ctx, a.slot))
	require.NoError(t, a.OpenOffline(ctx, a.slot), "what it had")
	newer, err := b.Wrap(secret, noteBinding)
	require.NoError(t, err)
	_, err = a.Unwrap(newer, noteBinding)
	require.ErrorIs(t, err, ErrRollback)
	b.requireWorks(t)

	b.Close()
	_, err = b.Wrap(secret, noteBinding)
	require.ErrorIs(t, err, ErrPolicy)
	require.NoError(t, b.Open(ctx, phrase))
	b.requireWorks(t)
}

// TestClientUploadsOnce: a change is one upload if nobody interferes, and Local
// is written twice.
func TestClientUploadsOnce(t *testing.T) {
	server := new(testServer)
	a := newAccount(t, server)
	for range 5 {
		swaps, writes := server.swaps, a.local.swaps
		require.NoError(t, a.Change(t.Context(), func(e *Edit) error { e.Rotate(); return nil }))
		require.Equal(t, swaps+1, server.swaps)
		require.Equal(t, writes+2, a.local.swaps)
	}
	swaps, writes := server.swaps, a.local.swaps
	require.NoError(t, a.Change(t.Context(), func(*Edit) error { return nil }))
	require.NoError(t, a.Refresh(t.Context()))
	require.NoError(t, a.Open(t.Context(), a.slot))
	require.Equal(t, swaps, server.swaps)
	require.Equal(t, writes, a.local.swaps, "nothing new, nothing written")
}

// TestClientRetries: a change that loses to another one is made again on it,
// and never twice.
func TestClientRetries(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	b := a.join(t, server)
	require.NoError(t, a.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))
	calls := 0
	sealed, err := b.Seal(ctx, new(heldSlot))
	require.NoError(t, err)
	require.NoError(t, b.Change(ctx, func(e *Edit) error {
		calls++
		return e.Add(sealed)
	}))
	require.Equal(t, 2, calls)
	require.EqualValues(t, 2, b.Epoch())
	require.True(t, b.has(sealed.ID()))
	require.NoError(t, a.Refresh(ctx))
	require.True(t, a.has(sealed.ID()))
	require.Len(t, a.Unseen(), 1)
	// The slot that both revoke at once.
	require.NoError(t, b.Revoke(ctx, sealed.ID()))
	require.ErrorIs(t, a.Revoke(ctx, sealed.ID()), ErrOvertaken, "a removal that lost is not repeated without asking")
	require.NoError(t, a.Resolve(ctx))
	require.False(t, a.has(sealed.ID()))
	require.ErrorIs(t, a.Revoke(ctx, sealed.ID()), ErrPolicy)
	a.requireWorks(t)
	require.NoError(t, b.Refresh(ctx))
	b.requireWorks(t)
}

// TestRevokeOfASlotMadeElsewhere: a device revokes a slot that it has not
// fetched.
func TestRevokeOfASlotMadeElsewhere(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	b := a.join(t, server)
	id, err := a.Add(ctx, new(heldSlot))
	require.NoError(t, err)
	require.False(t, b.has(id))
	before := server.header(t)
	require.NoError(t, b.Revoke(ctx, id))
	require.Equal(t, []SlotID{id}, server.header(t).Gone(before))
	require.Empty(t, before.Gone(before))
	require.Empty(t, before.Gone(nil))
	require.Empty(t, (*Header)(nil).Gone(before))
	for _, ids := range [][]SlotID{nil, {{1}}, {id}, {b.slot.id, b.slot.id}, {b.slot.id, {1}}} {
		require.ErrorIs(t, b.Revoke(ctx, ids...), ErrPolicy)
	}
}

// TestUnseen: an attacker's slot that came in first does not survive the
// removal of the attacker.
func TestUnseen(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	thief := a.join(t, server)
	backdoor, err := thief.Add(ctx, new(heldSlot))
	require.NoError(t, err)

	require.NoError(t, a.Refresh(ctx))
	for range 2 { // a retry is no exception
		require.Equal(t, ErrUnseen, a.Revoke(ctx, thief.slot.id))
	}
	rotate := func(e *Edit) error { e.Rotate(); return nil }
	require.NoError(t, a.Change(ctx, rotate), "it removes nothing")

	unseen := a.Unseen()
	require.Equal(t, []SlotChange{{ID: backdoor, Digest: unseen[0].Digest, Type: typeDevice}}, unseen)
	// Only exactly what was shown counts as seen.
	other := unseen[0]
	other.Digest[0] ^= 1
	require.NoError(t, a.MarkSeen(ctx, []SlotChange{other}))
	require.Equal(t, unseen, a.Unseen())
	require.Equal(t, ErrUnseen, a.Revoke(ctx, thief.slot.id))
	require.NoError(t, a.Change(ctx, func(e *Edit) error {
		e.Keep(unseen...)
		return e.Revoke(thief.slot.id)
	}))
	require.Equal(t, unseen, a.Unseen(), "kept, and not shown")
	require.NoError(t, a.MarkSeen(ctx, unseen))
	require.Empty(t, a.Unseen())
	require.NoError(t, a.Revoke(ctx, backdoor))
	require.Empty(t, a.Unseen())
	a.requireWorks(t)
}

// TestUnseenAfterOvertaken: the attacker's slot comes in just before the
// removal. The removal stays pending until the user has looked.
func TestUnseenAfterOvertaken(t *testing.T) {
	ctx := t.Context()
	for name, restart := range map[string]bool{"same process": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			server := new(testServer)
			a := newAccount(t, server)
			thief := a.join(t, server)
			sealed := must(thief.Seal(ctx, new(heldSlot)))
			require.NoError(t, thief.Change(ctx, func(e *Edit) error { return e.Replace(thief.slot.id, sealed) }))
			require.Equal(t, ErrOvertaken, a.Revoke(ctx, thief.slot.id))
			if restart {
				a = a.restarted(server)
				require.Equal(t, ErrOvertaken, a.Open(ctx, a.slot))
			}
			for range 2 {
				require.Equal(t, ErrUnseen, a.Resolve(ctx), "the thief has another slot now")
				require.NotNil(t, a.local.state(t).candidate)
			}
			unseen := a.Unseen()
			require.Len(t, unseen, 2, "a slot that went and one that came")
			require.NoError(t, a.MarkSeen(ctx, unseen))
			require.NoError(t, a.Resolve(ctx))
			require.Empty(t, a.Unseen())
			require.NoError(t, a.Revoke(ctx, sealed.ID()))
			require.Len(t, a.Slots(), 1)
			a.requireWorks(t)
		})
	}
}

// TestUnseenGone: the user learns of slots that went.
func TestUnseenGone(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	b := a.join(t, server)
	third := a.join(t, server)
	require.NoError(t, a.Revoke(ctx, third.slot.id))
	require.NoError(t, b.Refresh(ctx))
	require.Empty(t, b.Unseen(), "it never saw the slot")
	require.NoError(t, b.Revoke(ctx, a.slot.id))
	require.Empty(t, b.Unseen(), "its own removal")

	c := b.join(t, server)
	fourth, err := b.Add(ctx, new(heldSlot))
	require.NoError(t, err)
	require.NoError(t, c.Refresh(ctx))
	require.NoError(t, c.MarkSeen(ctx, c.Unseen()))
	require.NoError(t, b.Revoke(ctx, fourth))
	require.NoError(t, c.Refresh(ctx))
	unseen := c.Unseen()
	require.Len(t, unseen, 1)
	require.True(t, unseen[0].Gone)
	require.Equal(t, fourth, unseen[0].ID)
	require.NoError(t, c.MarkSeen(ctx, unseen))
	require.Empty(t, c.Unseen())
}

// flaky is a server whose calls can be answered otherwise.
type flaky struct {
	Remote
	swap  func(previous [32]byte, header []byte) error // nil: pass on
	fetch func() ([]byte, error)
}

func (f *flaky) Swap(ctx context.Context, previous [32]byte, header []byte) error {
	if f.swap != nil {
		return f.swap(previous, header)
	}
	return f.Remote.Swap(ctx, previous, header)
}

func (f *flaky) Fetch(ctx context.Context) ([]byte, error) {
	if f.fetch != nil {
		return f.fetch()
	}
	return f.Remote.Fetch(ctx)
}

func TestUnconfirmed(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	remote := &flaky{Remote: server}
	a := newAccount(t, remote)
	blob, err := a.Wrap([]byte("before"), noteBinding)
	require.NoError(t, err)
	for name, executed := range map[string]bool{"the answer is lost": true, "the request is lost": false} {
		epoch := a.Epoch()
		sent := [][]byte{}
		remote.swap = func(previous [32]byte, header []byte) error {
			sent = append(sent, header)
			if executed {
				server.Swap(ctx, previous, header)
			}
			return errNetwork
		}
		rotate := func(e *Edit) error { e.Rotate(); return nil }
		for range 3 {
			err := a.Change(ctx, rotate)
			require.ErrorIs(t, err, ErrUnconfirmed, name)
			require.ErrorIs(t, err, errNetwork, name)
			require.Equal(t, epoch, a.Epoch(), "only what is stored wraps")
			require.ErrorIs(t, a.Refresh(ctx), ErrUnconfirmed)
			require.ErrorIs(t, a.Open(ctx, a.slot), ErrUnconfirmed)
			require.NoError(t, a.OpenOffline(ctx, a.slot))
		}
		for _, again := range sent {
			require.Equal(t, sent[0], again, "the same bytes")
		}
		remote.swap = nil
		require.NoError(t, a.Refresh(ctx))
		require.Equal(t, epoch+1, a.Epoch(), "once")
		got, err := a.UnwrapOld(blob, noteBinding)
		require.NoError(t, err)
		require.Equal(t, "before", string(got))
	}
}

// TestRefused: a server that refuses a header says conflict, and the change
// fails without a trace.
func TestRefused(t *testing.T) {
	ctx := t.Context()
	remote := &flaky{Remote: new(testServer)}
	a := newAccount(t, remote)
	before := a.local.value
	remote.swap = func([32]byte, []byte) error { return ErrConflict }
	_, err := a.Add(ctx, new(heldSlot))
	require.Equal(t, ErrConflict, err)
	require.Equal(t, before, a.local.value)
	remote.swap = nil
	a.requireWorks(t)

	// The first header too.
	remote = &flaky{Remote: new(testServer)}
	remote.swap = func([32]byte, []byte) error { return ErrConflict }
	local := new(testLocal)
	require.Equal(t, ErrConflict, NewClient(local, remote).Create(ctx, new(heldSlot)))
	require.Empty(t, local.value)
	remote.swap = nil
	require.NoError(t, NewClient(local, remote).Create(ctx, new(heldSlot)))
}

func TestCreateConflict(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	first := newAccount(t, server)
	second := NewClient(new(testLocal), server)
	require.Equal(t, ErrConflict, second.Create(ctx, new(heldSlot)))
	require.NoError(t, second.OpenFirst(ctx, first.Account(), first.slot))

	// An account without a keyring, after a sign-up that stopped.
	nobody := NewClient(new(testLocal), new(testServer))
	require.ErrorIs(t, nobody.OpenFirst(ctx, first.Account(), first.slot), fs.ErrNotExist)
	require.Equal(t, ErrNoCheckpoint, nobody.OpenAfterLogin(ctx, first.slot))
	require.NoError(t, nobody.Create(ctx, new(heldSlot)))
}

// TestWithheld: the server does not know of the keyring any more.
func TestWithheld(t *testing.T) {
	remote := &flaky{Remote: new(testServer)}
	a := newAccount(t, remote)
	remote.fetch = func() ([]byte, error) { return nil, nil }
	require.Equal(t, ErrRollback, a.Refresh(t.Context()))
	require.Equal(t, ErrRollback, a.Open(t.Context(), a.slot))
	require.NoError(t, a.OpenOffline(t.Context(), a.slot))
}

// TestOvertaken: after a removal, what follows from the header before it is not
// accepted without the user's consent, and the removal is repeated.
func TestOvertaken(t *testing.T) {
	ctx := t.Context()
	for name, restart := range map[string]bool{"same process": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			server := new(testServer)
			a := newAccount(t, server)
			b := a.join(t, server)
			lost := a.join(t, server)
			require.NoError(t, b.Refresh(ctx))
			require.NoError(t, b.MarkSeen(ctx, b.Unseen()))
			require.NoError(t, b.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))

			next := new(heldSlot)
			sealed, err := a.Seal(ctx, next)
			require.NoError(t, err)
			replace := func(e *Edit) error {
				if err := e.Replace(a.slot.id, sealed); err != nil {
					return err
				}
				return e.Revoke(lost.slot.id)
			}
			require.Equal(t, ErrOvertaken, a.Change(ctx, replace))
			require.Equal(t, ErrOvertaken, a.Refresh(ctx))
			require.Equal(t, ErrOvertaken, a.Change(ctx, replace))
			require.True(t, a.has(lost.slot.id))
			if restart {
				a = a.restarted(server)
				require.Equal(t, ErrOvertaken, a.Open(ctx, a.slot), "open as before")
				require.True(t, a.has(lost.slot.id))
			}
			require.NoError(t, a.Resolve(ctx))
			require.False(t, a.has(lost.slot.id))
			require.False(t, a.has(a.slot.id))
			require.True(t, a.has(next.id), "the replacement is not lost")
			require.EqualValues(t, 3, a.Epoch())
			require.Empty(t, a.Unseen())
			if !restart {
				require.Equal(t, next.id, a.OpenedBy())
				a.requireWorks(t)
			}
			require.NoError(t, a.Open(ctx, next))
			a.requireWorks(t)
			require.NoError(t, b.Refresh(ctx))
		})
	}
}

func TestRotateLineage(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	b := a.join(t, server)
	blob, err := a.Wrap([]byte("before"), noteBinding)
	require.NoError(t, err)
	next := new(heldSlot)
	require.NoError(t, a.RotateLineage(ctx, next))
	require.Len(t, a.Slots(), 1)
	require.Equal(t, next.id, a.OpenedBy())
	got, err := a.UnwrapOld(blob, noteBinding)
	require.NoError(t, err)
	require.Equal(t, "before", string(got))
	require.Equal(t, ErrWrongSecret, b.Refresh(ctx))
	require.NoError(t, b.Open(ctx, next), "it follows from what b has seen")
	require.NoError(t, a.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))
	require.Equal(t, ErrOvertaken, b.RotateLineage(ctx, new(heldSlot)))
	require.Equal(t, ErrConflict, b.Resolve(ctx))
	require.NoError(t, b.RotateLineage(ctx, new(heldSlot)))
	b.requireWorks(t)
}

// TestOpenAfterLogin: the loser of a change of the login secret goes, and
// nothing else, whichever of both won.
func TestOpenAfterLogin(t *testing.T) {
	ctx := t.Context()
	for name, changed := range map[string]bool{"the new record is stored": true, "the old record is stored": false} {
		t.Run(name, func(t *testing.T) {
			server := new(testServer)
			old, next, bystander := newLogin(), newLogin(), newLogin()
			a := newAccount(t, server, old, bystander)
			for range 3 { // changes that failed, one after the other
				sealed, err := a.Seal(ctx, newLogin())
				require.NoError(t, err)
				require.NoError(t, a.Change(ctx, func(e *Edit) error { return e.Supersede(old.id, sealed) }))
			}
			sealed, err := a.Seal(ctx, next)
			require.NoError(t, err)
			require.NoError(t, a.Change(ctx, func(e *Edit) error { return e.Supersede(old.id, sealed) }))
			require.Len(t, a.Slots(), 7)
			epoch := a.Epoch()
			winner, loser := old, next
			if changed {
				winner, loser = next, old
			}
			a = a.restarted(server)
			require.NoError(t, a.OpenAfterLogin(ctx, winner))
			require.Len(t, a.Slots(), 3)
			require.True(t, a.has(winner.id) && a.has(bystander.id) && a.has(a.slot.id))
			require.False(t, a.has(loser.id))
			require.Equal(t, epoch+1, a.Epoch())
			require.NoError(t, a.OpenAfterLogin(ctx, winner))
			require.Equal(t, epoch+1, a.Epoch(), "nothing left to revoke")
			require.Equal(t, ErrWrongSecret, a.Open(ctx, loser))
			a.requireWorks(t)
		})
	}
	t.Run("unseen slots", func(t *testing.T) {
		server := new(testServer)
		login, next := newLogin(), newLogin()
		a := newAccount(t, server, login)
		sealed, err := a.Seal(ctx, next)
		require.NoError(t, err)
		require.NoError(t, a.Change(ctx, func(e *Edit) error { return e.Supersede(login.id, sealed) }))
		b := NewClient(new(testLocal), server)
		require.NoError(t, b.OpenFirst(ctx, a.Account(), next))
		require.Equal(t, ErrUnseen, b.OpenAfterLogin(ctx, next))
		_, err = b.Wrap([]byte("it is open"), noteBinding)
		require.NoError(t, err)
		require.NoError(t, b.MarkSeen(ctx, b.Unseen()))
		require.NoError(t, b.OpenAfterLogin(ctx, next))
		require.Len(t, b.Slots(), 2)
	})
}

// TestRestore: a device gives a restored server the newer header back, if the
// operator allows it.
func TestRestore(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	remote := &flaky{Remote: server}
	a := newAccount(t, remote)
	require.NoError(t, a.Restore(ctx), "nothing to do")
	for range 80 {
		require.NoError(t, a.Change(ctx, func(e *Edit) error { return addHeld(e, a) }))
	}
	newest := server.stored
	for back, want := range map[int]error{2: nil, 30: nil, 63: nil, 64: ErrFork, 79: ErrFork} {
		server.stored = server.log[80-back]
		require.Equal(t, ErrRollback, a.Refresh(ctx))
		if want == nil {
			require.Equal(t, ErrConflict, a.Restore(ctx), "Follows refuses it")
		}
		offered := false
		remote.swap = func(previous [32]byte, header []byte) error {
			require.Equal(t, server.header(t).Digest(), previous)
			server.stored, offered = header, true
			return nil
		}
		require.Equal(t, want, a.Restore(ctx), back)
		require.Equal(t, want == nil, offered)
		remote.swap = nil
		server.stored = newest
		require.NoError(t, a.Refresh(ctx))
	}
	// The header before the newest: the server takes it as it would have then.
	server.stored = server.log[79]
	require.NoError(t, a.Restore(ctx))
	require.Equal(t, newest, server.stored)
	// Another header than one that it has seen.
	other := new(testServer)
	newAccount(t, other)
	server.stored = other.stored
	require.Equal(t, ErrFork, a.Restore(ctx))
	server.stored = nil
	require.Equal(t, ErrConflict, a.Restore(ctx), "Follows refuses it")
	require.Equal(t, ErrNoCheckpoint, NewClient(new(testLocal), server).Restore(ctx))
}

// addHeld adds a slot, or rotates if there is no room.
func addHeld(e *Edit, d *testDevice) error {
	if len(e.Slots()) >= usualSlots {
		e.Rotate()
		return nil
	}
	sealed, err := d.Seal(context.Background(), new(heldSlot))
	if err != nil {
		return err
	}
	return e.Add(sealed)
}

// TestTwoProcesses: two processes, or tabs, share one Local.
func TestTwoProcesses(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	tab := a.restarted(server)
	require.NoError(t, tab.Open(ctx, a.slot))
	for range 3 {
		for _, d := range []*testDevice{a, tab} {
			require.NoError(t, d.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))
		}
	}
	require.EqualValues(t, 7, tab.Epoch())
	require.NoError(t, a.MarkSeen(ctx, nil))
	require.EqualValues(t, 7, a.Epoch())
	next := new(heldSlot)
	sealed, err := tab.Seal(ctx, next)
	require.NoError(t, err)
	require.NoError(t, tab.Change(ctx, func(e *Edit) error { return e.Replace(a.slot.id, sealed) }))
	require.Equal(t, next.id, tab.OpenedBy())
	require.ErrorIs(t, a.Refresh(ctx), ErrPolicy, "its slot is gone")
	require.NoError(t, a.Open(ctx, next))
	a.requireWorks(t)
}

// racing is a Local that another process changes just before a write.
type racing struct {
	*testLocal
	race func()
}

func (l *racing) Swap(ctx context.Context, previous, next []byte) error {
	if race := l.race; race != nil {
		l.race = nil
		race()
	}
	return l.testLocal.Swap(ctx, previous, next)
}

func TestLocalConflict(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	local := &racing{testLocal: new(testLocal)}
	slot := new(heldSlot)
	a := NewClient(local, server)
	require.NoError(t, a.Create(ctx, slot))
	tab := NewClient(local.testLocal, server)
	require.NoError(t, tab.Open(ctx, slot))
	rotate := func(e *Edit) error { e.Rotate(); return nil }
	local.race = func() { require.NoError(t, tab.Change(ctx, rotate)) }
	require.NoError(t, a.Change(ctx, rotate))
	require.EqualValues(t, 3, a.Epoch())

	// Between the upload and the promotion the other process finishes the
	// change.
	remote := &flaky{Remote: server}
	a = NewClient(local, remote)
	require.NoError(t, a.Open(ctx, slot))
	remote.swap = func(previous [32]byte, header []byte) error {
		local.race = func() { require.NoError(t, tab.Refresh(ctx)) }
		return server.Swap(ctx, previous, header)
	}
	require.NoError(t, a.Change(ctx, rotate))
	require.EqualValues(t, 4, a.Epoch(), "once")
	require.EqualValues(t, 4, tab.Epoch())

	// Local changes all the time.
	remote.swap = nil
	busy := &alwaysBusy{testLocal: local.testLocal}
	c := NewClient(busy, server)
	require.NoError(t, c.OpenOffline(ctx, slot))
	require.Equal(t, ErrConflict, c.Change(ctx, rotate))
	// A Local that fails.
	broken := errors.New("disk full")
	busy.err = broken
	before := local.value
	err := c.Change(ctx, rotate)
	require.ErrorIs(t, err, broken)
	require.ErrorIs(t, err, ErrUnconfirmed, "who knows what the disk has")
	require.Equal(t, before, local.value)
}

type alwaysBusy struct {
	*testLocal
	err error
}

func (l *alwaysBusy) Swap(context.Context, []byte, []byte) error {
	if l.err != nil {
		return l.err
	}
	return ErrConflict
}

// TestLocalIsDamaged: no state but a valid one is used.
func TestLocalIsDamaged(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	a.local.value = a.local.value[1:]
	require.Equal(t, ErrMalformed, a.Refresh(ctx))
	a.local.value = nil
	require.ErrorIs(t, a.Refresh(ctx), ErrPolicy)
	require.Equal(t, ErrNoCheckpoint, a.Open(ctx, a.slot))
	require.NoError(t, a.OpenFirst(ctx, server.header(t).Account(), a.slot))
}
