package recovery

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// crasher stops a process at one of its calls of Local and Remote, before or
// after the call has had its effect. From then on, nothing of the process has
// an effect.
type crasher struct {
	at    int // the number of the call, from 1; 0 for none
	after bool
	calls int
	dead  bool
}

// call runs a call, unless the process has stopped.
func (c *crasher) call(f func() error) error {
	if c.dead {
		return errCrash
	}
	c.calls++
	if c.calls != c.at {
		return f()
	}
	c.dead = true
	if c.after {
		f()
	}
	return errCrash
}

type crashingLocal struct {
	Local
	*crasher
}

func (l crashingLocal) Load(ctx context.Context) (b []byte, err error) {
	err = l.call(func() (err error) { b, err = l.Local.Load(ctx); return err })
	return b, err
}

func (l crashingLocal) Swap(ctx context.Context, previous, next []byte) error {
	return l.call(func() error { return l.Local.Swap(ctx, previous, next) })
}

type crashingRemote struct {
	Remote
	*crasher
}

func (r crashingRemote) Fetch(ctx context.Context) (b []byte, err error) {
	err = r.call(func() (err error) { b, err = r.Remote.Fetch(ctx); return err })
	return b, err
}

func (r crashingRemote) Swap(ctx context.Context, previous [32]byte, header []byte) error {
	return r.call(func() error { return r.Remote.Swap(ctx, previous, header) })
}

// crashWorld is an account with two devices, a third one that is to be removed,
// and a login secret that is being changed.
type crashWorld struct {
	server          *testServer
	device, other   *testDevice
	lost            *heldSlot
	login, newLogin *loginSlot
	phrase          *Phrase
	blob            []byte
}

func newCrashWorld(t testing.TB) *crashWorld {
	w := &crashWorld{server: new(testServer), lost: new(heldSlot), login: newLogin(), newLogin: newLogin()}
	w.phrase = must(NewPhrase(12))
	w.device = newAccount(t, w.server, w.phrase, w.lost, w.login)
	w.other = w.device.join(t, w.server)
	w.blob = must(w.device.Wrap([]byte("kept"), noteBinding))
	return w
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// crashOperations are what a device can do, with what must hold afterwards
// whether or not it was interrupted. They are given the device of a process
// that may stop.
var crashOperations = map[string]struct {
	before func(*testing.T, *crashWorld) // the state that the operation finds
	do     func(context.Context, *crashWorld, *testDevice) error
	new    bool // the device is new: it has no Local and is not open
}{
	"Change: Rotate": {do: func(ctx context.Context, _ *crashWorld, d *testDevice) error {
		return d.Change(ctx, func(e *Edit) error { e.Rotate(); return nil })
	}},
	"Change: CloseBefore": {do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		return d.Change(ctx, func(e *Edit) error { e.Rotate(); return e.CloseBefore(1) })
	}},
	"Add": {do: func(ctx context.Context, _ *crashWorld, d *testDevice) error {
		_, err := d.Add(ctx, NewFile())
		return err
	}},
	"Revoke": {do: func(ctx context.Context, w *crashWorld, d *testDevice) error { return d.Revoke(ctx, w.lost.id) }},
	"Revoke of the own slot": {do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		return d.Revoke(ctx, d.slot.id)
	}},
	"Change: Replace": {do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		sealed, err := d.Seal(ctx, w.newLogin)
		if err != nil {
			return err
		}
		return d.Change(ctx, func(e *Edit) error { return e.Replace(w.login.id, sealed) })
	}},
	"Change: Supersede": {do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		sealed, err := d.Seal(ctx, w.newLogin)
		if err != nil {
			return err
		}
		return d.Change(ctx, func(e *Edit) error { return e.Supersede(w.login.id, sealed) })
	}},
	"OpenAfterLogin": {
		before: func(t *testing.T, w *crashWorld) {
			sealed := must(w.device.Seal(t.Context(), w.newLogin))
			require.NoError(t, w.device.Change(t.Context(), func(e *Edit) error { return e.Supersede(w.login.id, sealed) }))
		},
		do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
			return d.OpenAfterLogin(ctx, w.newLogin)
		},
	},
	"RotateLineage": {do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		return d.RotateLineage(ctx, w.phrase, w.newLogin)
	}},
	"Refresh": {before: otherRotates, do: func(ctx context.Context, _ *crashWorld, d *testDevice) error { return d.Refresh(ctx) }},
	"Open": {before: otherRotates, do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		return d.Open(ctx, w.phrase)
	}},
	"MarkSeen": {
		before: func(t *testing.T, w *crashWorld) {
			_, err := w.other.Add(t.Context(), new(heldSlot))
			require.NoError(t, err)
			require.NoError(t, w.device.Refresh(t.Context()))
		},
		do: func(ctx context.Context, _ *crashWorld, d *testDevice) error { return d.MarkSeen(ctx, d.Unseen()) },
	},
	"Add after another change": {before: otherRotates, do: func(ctx context.Context, _ *crashWorld, d *testDevice) error {
		_, err := d.Add(ctx, new(heldSlot))
		return err
	}},
	"Resolve after a removal that lost": {before: otherRotates, do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		if err := d.Revoke(ctx, w.lost.id); !errors.Is(err, ErrOvertaken) {
			return err
		}
		return d.Resolve(ctx)
	}},
	"Restore": {
		before: func(t *testing.T, w *crashWorld) {
			old := w.server.stored
			require.NoError(t, w.device.Change(t.Context(), func(e *Edit) error { e.Rotate(); return nil }))
			w.server.stored = old
		},
		do: func(ctx context.Context, _ *crashWorld, d *testDevice) error { return d.Restore(ctx) },
	},
	"ApproveQR": {do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		r := must(NewRequest(d.Account()))
		_, _, err := d.ApproveQR(ctx, r.QR(), r.Ask())
		return err
	}},
	"OpenFirst": {new: true, do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		return d.OpenFirst(ctx, w.device.Account(), w.phrase)
	}},
	"Join and Open": {new: true, do: func(ctx context.Context, w *crashWorld, d *testDevice) error {
		r := must(NewRequest(w.device.Account()))
		grant, _, err := w.device.ApproveQR(context.Background(), r.QR(), r.Ask())
		if err != nil {
			panic(err)
		}
		device, err := d.Join(ctx, r, grant, "")
		if err != nil {
			return err
		}
		return d.Open(ctx, device)
	}},
}

func otherRotates(t *testing.T, w *crashWorld) {
	require.NoError(t, w.other.Change(t.Context(), func(e *Edit) error { e.Rotate(); return nil }))
}

// TestCrash stops the process at every call of every operation, before and
// after the call has had its effect. A new client on the same Local goes on:
// nobody is locked out, nothing that was wrapped is lost, and the same
// operation succeeds.
func TestCrash(t *testing.T) {
	for name, operation := range crashOperations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, after := range []bool{false, true} {
				for at := 1; ; at++ {
					if !crashOnce(t, name, at, after) {
						require.Greater(t, at, 2, "some call was interrupted")
						break
					}
				}
			}
			_ = operation
		})
	}
}

// crashOnce reports whether the operation was interrupted.
func crashOnce(t *testing.T, name string, at int, after bool) bool {
	where := fmt.Sprintf("%s, call %d, after it %v", name, at, after)
	ctx := t.Context()
	operation := crashOperations[name]
	w := newCrashWorld(t)
	if operation.before != nil {
		operation.before(t, w)
	}
	crash := new(crasher)
	d := &testDevice{local: w.device.local, slot: w.device.slot}
	if operation.new {
		d.local = new(testLocal)
	}
	d.Client = NewClient(crashingLocal{d.local, crash}, crashingRemote{w.server, crash})
	if !operation.new {
		require.NoError(t, d.OpenOffline(ctx, d.slot), where)
	}
	crash.calls, crash.at, crash.after = 0, at, after
	err := operation.do(ctx, w, d)
	if !crash.dead {
		require.NoError(t, err, where)
		return false
	}
	require.ErrorIs(t, err, errCrash, where)

	// A new process.
	next := d.restarted(w.server)
	w.goOn(t, next, where)

	// The data is there, by the phrase on a new device too.
	fresh := NewClient(new(testLocal), w.server)
	require.NoError(t, fresh.OpenFirst(ctx, w.server.header(t).Account(), w.phrase), where)
	require.Equal(t, []byte("kept"), must(fresh.UnwrapOld(w.blob, noteBinding)), where)
	return true
}

// goOn brings a device that has stopped anywhere back to work.
func (w *crashWorld) goOn(t *testing.T, d *testDevice, where string) {
	ctx := t.Context()
	if d.local.value == nil {
		require.NoError(t, d.OpenFirst(ctx, w.server.header(t).Account(), w.phrase), where)
	}
	err := d.Open(ctx, w.phrase)
	if errors.Is(err, ErrRollback) { // the server was restored, and its operator agrees
		state := d.local.state(t)
		require.NoError(t, d.OpenOffline(ctx, w.phrase), where)
		require.NoError(t, d.Restore(ctx), where)
		require.Equal(t, state.confirmed.digest, w.server.header(t).Digest())
		err = d.Open(ctx, w.phrase)
	}
	if errors.Is(err, ErrOvertaken) {
		err = d.Resolve(ctx)
	}
	if errors.Is(err, ErrConflict) { // an earlier change was lost, and the client is open
		err = nil
	}
	require.NoError(t, err, where)
	require.Nil(t, d.local.state(t).candidate, where)
	require.Equal(t, w.server.header(t).Digest(), d.local.state(t).confirmed.digest, where)
	require.Equal(t, []byte("kept"), must(d.UnwrapOld(w.blob, noteBinding)), where)
	require.NoError(t, d.MarkSeen(ctx, d.Unseen()), where)
	d.requireWorks(t)
	if d.has(w.lost.id) {
		require.NoError(t, d.Revoke(ctx, w.lost.id), where)
	}
	require.Equal(t, ErrWrongSecret, NewClient(new(testLocal), w.server).OpenFirst(ctx, d.Account(), w.lost))
}

// TestCrashOfCreate stops a sign-up at every call.
func TestCrashOfCreate(t *testing.T) {
	ctx := t.Context()
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			where := fmt.Sprintf("call %d, after it %v", at, after)
			server, local, slot := new(testServer), new(testLocal), new(heldSlot)
			crash := &crasher{at: at, after: after}
			err := NewClient(crashingLocal{local, crash}, crashingRemote{server, crash}).Create(ctx, slot)
			if !crash.dead {
				require.NoError(t, err)
				require.Equal(t, 5, at, "load, save, upload, promote")
				break
			}
			require.ErrorIs(t, err, errCrash)
			next := &testDevice{NewClient(local, server), local, slot}
			switch err := next.Open(ctx, slot); err {
			case nil:
			case ErrNoCheckpoint: // nothing was saved, so nothing was sent
				require.Nil(t, server.stored, where)
				require.NoError(t, next.Create(ctx, slot), where)
			default:
				require.NoError(t, err, where)
			}
			next.requireWorks(t)
		}
	}
}

// TestCrashOfCreateConflict: another sign-up of the account was quicker than
// one that stopped. The device starts again from nothing.
func TestCrashOfCreateConflict(t *testing.T) {
	ctx := t.Context()
	server, local := new(testServer), new(testLocal)
	crash := &crasher{at: 3}
	require.ErrorIs(t, NewClient(crashingLocal{local, crash}, crashingRemote{server, crash}).Create(ctx, new(heldSlot)), errCrash)
	first := newAccount(t, server)
	c := NewClient(local, server)
	require.Equal(t, ErrConflict, c.Open(ctx, first.slot))
	require.Nil(t, local.value)
	require.NoError(t, c.OpenFirst(ctx, first.Account(), first.slot))
}

// TestErrorsChangeNothing: a call that fails leaves the keyring and Local as
// they were, and the next one works.
func TestErrorsChangeNothing(t *testing.T) {
	ctx := t.Context()
	for name, operation := range crashOperations {
		if operation.new {
			continue
		}
		for at := 1; at <= 6; at++ {
			w := newCrashWorld(t)
			if operation.before != nil {
				operation.before(t, w)
			}
			fail := new(crasher)
			d := &testDevice{local: w.device.local, slot: w.device.slot}
			d.Client = NewClient(crashingLocal{d.local, fail}, crashingRemote{w.server, fail})
			require.NoError(t, d.OpenOffline(ctx, d.slot))
			before, epoch, slots := d.local.value, d.Epoch(), d.Slots()
			fail.calls, fail.at = 0, at
			err := operation.do(ctx, w, d)
			if !fail.dead {
				break
			}
			fail.dead = false // the failure passes
			if !errors.Is(err, ErrUnconfirmed) && d.local.state(t).candidate == nil && w.server.header(t).Digest() != d.local.state(t).confirmed.digest {
				require.Equal(t, before, d.local.value, name)
				require.Equal(t, epoch, d.Epoch(), name)
				require.Equal(t, slots, d.Slots(), name)
			}
			require.Equal(t, []byte("kept"), must(d.UnwrapOld(w.blob, noteBinding)), name)
			w.goOn(t, &testDevice{d.Client, d.local, d.slot}, name)
		}
	}
}
