package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// Attacks on the Client that need a Local, another process of the device, or
// the inside of an edit. Attacks by the server and a removed holder alone are
// in recoverytest.

// hookedLocal calls hook before each write, with its number from 1. The write
// is done, or not, and fails with the hook's error.
type hookedLocal struct {
	Local
	writes int
	hook   func(n int) (write bool, err error)
}

func (l *hookedLocal) Swap(ctx context.Context, previous, next []byte) error {
	l.writes++
	write, err := l.hook(l.writes)
	if write {
		if err := l.Local.Swap(ctx, previous, next); err != nil {
			return err
		}
	}
	return err
}

// hooked puts a hook between the device and its Local. From now on writes count
// from 1.
func (d *testDevice) hooked(hook func(n int) (write bool, err error)) *hookedLocal {
	l := &hookedLocal{Local: d.local, hook: hook}
	d.Client.local = l
	return l
}

// at returns a hook that calls f at the nth write.
func at(n int, f func()) func(int) (bool, error) {
	return func(i int) (bool, error) {
		if i == n {
			f()
		}
		return true, nil
	}
}

// tab opens another client on the device's Local.
func (d *testDevice) tab(t testing.TB, server Remote) *testDevice {
	other := d.restarted(server)
	require.NoError(t, other.Open(t.Context(), other.slot))
	return other
}

// movesAway replaces a device's slot by another one of the same holder, as a
// removed holder would who gets there first.
func (d *testDevice) movesAway(t testing.TB) *heldSlot {
	next := new(heldSlot)
	sealed := must(d.Seal(t.Context(), next))
	require.NoError(t, d.MarkSeen(t.Context(), d.Unseen()))
	require.NoError(t, d.Change(t.Context(), func(e *Edit) error { return e.Replace(d.slot.id, sealed) }))
	return next
}

// TestDraftOfAnotherProcess: a change that another process has confirmed is not
// accepted again in place of what came later.
func TestDraftOfAnotherProcess(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	remote := &flaky{Remote: server}
	a := newAccount(t, remote)
	eve := a.join(t, server)
	b := a.tab(t, server)
	remote.swap = func(previous [32]byte, header []byte) error {
		server.Swap(ctx, previous, header)
		return errNetwork
	}
	_, err := a.Add(ctx, new(heldSlot))
	require.ErrorIs(t, err, ErrUnconfirmed)
	remote.swap = nil
	before := server.stored
	require.NoError(t, b.Refresh(ctx))
	require.NoError(t, b.Revoke(ctx, eve.slot.id))

	remote.fetch = func() ([]byte, error) { return before, nil }
	require.Equal(t, ErrRollback, a.Refresh(ctx))
	require.False(t, a.has(eve.slot.id))
	require.Equal(t, ErrRollback, a.Open(ctx, a.slot))
	remote.fetch = nil
	a.requireWorks(t)
}

// TestHolderMovesAway: the holder of a slot that is being removed has another
// slot when the removal arrives. No call says that the removal is done.
func TestHolderMovesAway(t *testing.T) {
	ctx := t.Context()
	moves := map[string]func(*testing.T, *testDevice) SlotID{
		"to another slot": func(t *testing.T, eve *testDevice) SlotID { return eve.movesAway(t).id },
		"to other content under the same id": func(t *testing.T, eve *testDevice) SlotID {
			require.NoError(t, eve.Change(t.Context(), func(e *Edit) error {
				e.Rotate()
				e.state.slot(eve.slot.id).Family[0] ^= 1
				return nil
			}))
			return eve.slot.id
		},
	}
	for name, move := range moves {
		t.Run(name, func(t *testing.T) {
			server := new(testServer)
			a := newAccount(t, server)
			eve := a.join(t, server)
			id := move(t, eve)
			require.Equal(t, ErrOvertaken, a.Revoke(ctx, eve.slot.id))
			require.Equal(t, ErrUnseen, a.Resolve(ctx))
			require.NoError(t, a.MarkSeen(ctx, a.Unseen()))
			require.NoError(t, a.Resolve(ctx))
			require.NoError(t, a.Revoke(ctx, id))
			require.Len(t, a.Slots(), 1)
		})
		t.Run(name+", while another process follows", func(t *testing.T) {
			server := new(testServer)
			a := newAccount(t, server)
			eve := a.join(t, server)
			require.NoError(t, a.Refresh(ctx))
			b := a.tab(t, server)
			a.hooked(at(1, func() {
				move(t, eve)
				require.NoError(t, b.Refresh(ctx))
			}))
			if err := a.Revoke(ctx, eve.slot.id); err != nil {
				require.Equal(t, ErrUnseen, err)
				require.Len(t, a.Unseen(), 2)
				return
			}
			require.Len(t, a.Slots(), 1, "it was removed under its id")
		})
	}
}

// TestResolveForgetsNothing: a removal that was overtaken stays pending,
// whatever happens at each write of Resolve, until it is repeated.
func TestResolveForgetsNothing(t *testing.T) {
	ctx := t.Context()
	for write := 1; write <= 2; write++ {
		for name, hook := range map[string]func(*testDevice, *testDevice) func(int) (bool, error){
			"Local fails":               func(_, _ *testDevice) func(int) (bool, error) { return fails(write, false) },
			"Local fails after writing": func(_, _ *testDevice) func(int) (bool, error) { return fails(write, true) },
			"another process": func(other, b *testDevice) func(int) (bool, error) {
				return at(write, func() {
					_, err := other.Add(ctx, new(heldSlot))
					require.NoError(t, err)
					b.Refresh(ctx) // which finishes what it can
				})
			},
		} {
			for _, restart := range []bool{false, true} {
				server := new(testServer)
				a := newAccount(t, server)
				eve, other := a.join(t, server), a.join(t, server)
				require.NoError(t, a.Refresh(ctx))
				b := a.tab(t, server)
				require.NoError(t, other.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))
				require.Equal(t, ErrOvertaken, a.Revoke(ctx, eve.slot.id))
				a.hooked(hook(other, b))
				a.Resolve(ctx)
				a.Client.local = a.local
				if restart {
					a = a.restarted(server)
					a.Open(ctx, a.slot)
				}
				for range 4 {
					err := a.Resolve(ctx)
					if err == nil {
						break
					}
					if errors.Is(err, ErrUnseen) {
						require.NoError(t, a.MarkSeen(ctx, a.Unseen()))
					}
				}
				require.False(t, a.has(eve.slot.id), "%s, write %d, restart %v", name, write, restart)
				a.requireWorks(t)
			}
		}
	}
}

// fails returns a hook that fails at the nth write, before or after writing.
func fails(n int, after bool) func(int) (bool, error) {
	return func(i int) (bool, error) {
		if i != n {
			return true, nil
		}
		return after, errCrash
	}
}

// TestPendingRemovalAndChangedSecret: a removal is pending, and the device's
// secret was changed elsewhere. The new secret goes on.
func TestPendingRemovalAndChangedSecret(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	remote := &flaky{Remote: server}
	oldLogin, login := newLogin(), newLogin()
	phone := newAccount(t, server, oldLogin)
	lost := phone.join(t, server)
	laptop := NewClient(new(testLocal), remote)
	require.NoError(t, laptop.OpenFirst(ctx, phone.Account(), oldLogin))
	require.NoError(t, laptop.MarkSeen(ctx, laptop.Unseen()))
	remote.swap = func([32]byte, []byte) error { return errNetwork }
	require.ErrorIs(t, laptop.Revoke(ctx, lost.slot.id), ErrUnconfirmed)
	remote.swap = nil

	sealed := must(phone.Seal(ctx, login))
	require.NoError(t, phone.Change(ctx, func(e *Edit) error { return e.Supersede(oldLogin.id, sealed) }))
	require.NoError(t, phone.Revoke(ctx, oldLogin.id))
	restarted := NewClient(laptop.local, remote)
	require.Equal(t, ErrOvertaken, restarted.Open(ctx, login))
	require.Equal(t, ErrUnseen, restarted.Resolve(ctx))
	require.NoError(t, restarted.MarkSeen(ctx, restarted.Unseen()))
	require.NoError(t, restarted.Resolve(ctx))
	require.NoError(t, restarted.Open(ctx, login))
	require.Equal(t, ErrWrongSecret, lost.Refresh(ctx))
}

// TestJoinInAnotherProcess: after another process was approved again, this one
// does not go on with its older keyring.
func TestJoinInAnotherProcess(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	remote := &flaky{Remote: server}
	a := newAccount(t, remote)
	eve, phone := a.join(t, server), a.join(t, server)
	require.NoError(t, a.Refresh(ctx))
	require.NoError(t, phone.Revoke(ctx, eve.slot.id))
	b := NewClient(a.local, server)
	r := must(NewRequest(phone.Account()))
	grant, _, err := phone.ApproveQR(ctx, r.QR(), r.Ask())
	require.NoError(t, err)
	device, err := b.Join(ctx, r, grant, "")
	require.NoError(t, err)
	joined := a.local.value
	for _, answer := range []error{nil, errNetwork} {
		remote.swap = func([32]byte, []byte) error { return answer }
		_, err = a.Add(ctx, new(heldSlot))
		require.ErrorIs(t, err, ErrPolicy, "it is not open any more")
		require.Equal(t, joined, a.local.value)
	}
	require.NoError(t, b.Open(ctx, device))
}

// cheapPassword is a password slot without a KDF.
type cheapPassword struct {
	Password
	id SlotID
}

func (p *cheapPassword) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	params = make([]byte, saltSize)
	rand.Read(params)
	p.id = SlotID(b.Item)
	params = append(params, 0, 8, 'K', 1, 1, 0, 0, 0x10, 0, 0)
	return sealSlot(ctx, b, bytes.Repeat([]byte{7}, 32), 0, params, secret)
}

func (p *cheapPassword) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	if s.Type != typePassword || p.Slot != (SlotID{}) && p.Slot != s.ID {
		return nil, ErrWrongSecret
	}
	return openSlot(ctx, b, bytes.Repeat([]byte{7}, 32), s)
}

// TestResolveWithinTheLimits: a repeated change makes no header that nobody
// reads.
func TestResolveWithinTheLimits(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	other := a.join(t, server)
	require.NoError(t, a.Refresh(ctx))
	seal := func(d *testDevice) *SealedSlot { return must(d.Seal(ctx, new(cheapPassword))) }
	one, two, three := seal(a), seal(a), seal(a)
	require.NoError(t, a.Change(ctx, func(e *Edit) error { return errors.Join(e.Add(one), e.Add(two), e.Add(three)) }))
	require.NoError(t, other.Refresh(ctx))
	require.NoError(t, other.MarkSeen(ctx, other.Unseen()))
	theirs, fourth, ours := seal(other), seal(other), seal(a)
	require.NoError(t, other.Change(ctx, func(e *Edit) error {
		return errors.Join(e.Replace(one.ID(), theirs), e.Supersede(two.ID(), fourth))
	}))
	require.Equal(t, ErrOvertaken, a.Change(ctx, func(e *Edit) error { return e.Replace(one.ID(), ours) }))
	require.Equal(t, ErrUnseen, a.Resolve(ctx))
	require.NoError(t, a.MarkSeen(ctx, a.Unseen()))
	require.ErrorIs(t, a.Resolve(ctx), ErrPolicy, "five passwords")
	a.requireWorks(t)
}

// TestKeepIsOfContent: Keep does not cover another slot under the id that was
// shown.
func TestKeepIsOfContent(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	phrase := must(NewPhrase(12))
	a := newAccount(t, server, phrase)
	eve := a.join(t, server)
	n := NewClient(new(testLocal), server)
	require.NoError(t, n.OpenFirst(ctx, a.Account(), a.slot))
	shown := n.Unseen()
	require.Len(t, shown, 2)

	seed := make([]byte, 32)
	rand.Read(seed)
	publicKey, _, err := slotPublicKey(seed)
	require.NoError(t, err)
	require.NoError(t, eve.Change(ctx, func(e *Edit) error {
		e.Rotate()
		for i := range e.state.slots {
			if s := &e.state.slots[i]; s.Type == typePhrase {
				s.publicKey = publicKey
			}
		}
		return nil
	}))
	require.NoError(t, n.Refresh(ctx))
	require.Equal(t, ErrUnseen, n.Change(ctx, func(e *Edit) error {
		e.Keep(shown...)
		return e.Revoke(eve.slot.id)
	}))
}

// TestSupersedeIsForLogins: nothing but the secret of a login is put into a
// family, and nothing else of a family is revoked by a login.
func TestSupersedeIsForLogins(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	phrase, old, next := must(NewPhrase(12)), newLogin(), newLogin()
	a := newAccount(t, server, phrase, old)
	sealed, device := must(a.Seal(ctx, next)), must(a.Seal(ctx, new(heldSlot)))
	for _, s := range a.Slots() {
		require.ErrorIs(t, a.Change(ctx, func(e *Edit) error { return e.Supersede(s.ID, device) }), ErrPolicy)
		if s.Type != typeExport {
			require.ErrorIs(t, a.Change(ctx, func(e *Edit) error { return e.Supersede(s.ID, sealed) }), ErrPolicy)
		}
	}
	// A holder plants the login's family on the phrase, and is removed.
	eve := a.join(t, server)
	require.NoError(t, eve.Change(ctx, func(e *Edit) error {
		e.Rotate()
		for i := range e.state.slots {
			if s := &e.state.slots[i]; s.Type == typePhrase {
				s.Family = old.id
			}
		}
		return nil
	}))
	require.NoError(t, a.Refresh(ctx))
	require.NoError(t, a.MarkSeen(ctx, a.Unseen()))
	require.NoError(t, a.Revoke(ctx, eve.slot.id))
	require.NoError(t, a.OpenAfterLogin(ctx, old))
	require.NoError(t, NewClient(new(testLocal), server).OpenFirst(ctx, a.Account(), phrase))
}

// TestPasswordSealedTwice: a password change with SRP was tried twice with one
// password. The slot of the stored record stays.
func TestPasswordSealedTwice(t *testing.T) {
	ctx := t.Context()
	for range 8 {
		server := new(testServer)
		old := newLogin()
		a := newAccount(t, server, old)
		password := new(cheapPassword)
		for range 2 {
			sealed := must(a.Seal(ctx, password))
			require.NoError(t, a.Change(ctx, func(e *Edit) error { return e.Supersede(old.id, sealed) }))
		}
		record := password.id // what the server keeps beside the record
		password.Slot = record
		require.NoError(t, a.OpenAfterLogin(ctx, password))
		require.True(t, a.has(record))
		require.Len(t, a.Slots(), 2)
	}
}

// TestLocalFailsAfterWriting: the error says that the change may be pending.
func TestLocalFailsAfterWriting(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	a.hooked(fails(1, true))
	fresh := new(heldSlot)
	err := a.RotateLineage(ctx, fresh)
	require.ErrorIs(t, err, ErrUnconfirmed)
	require.ErrorIs(t, err, errCrash)
	require.NoError(t, a.Open(ctx, fresh))
	a.requireWorks(t)
}

// TestCloseClears: Close and the keyring that takes another's place clear keys.
func TestCloseClears(t *testing.T) {
	a := newAccount(t, new(testServer))
	first := a.ring
	require.NoError(t, a.Change(t.Context(), func(e *Edit) error { e.Rotate(); return nil }))
	second := a.ring
	a.Close()
	for _, k := range []*Keyring{first, second} {
		_, err := k.keys()
		require.ErrorIs(t, err, ErrPolicy)
		require.Equal(t, keyringSecrets{}, *k.secrets.Get())
	}
}

// TestContextEndsTheWait: a call that waits for another one ends with its
// context.
func TestContextEndsTheWait(t *testing.T) {
	remote := &flaky{Remote: new(testServer)}
	a := newAccount(t, remote)
	entered, leave := make(chan bool), make(chan bool)
	remote.fetch = func() ([]byte, error) {
		close(entered)
		<-leave
		return nil, errNetwork
	}
	done := make(chan error)
	go func() { done <- a.Refresh(context.Background()) }()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, a.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }), context.DeadlineExceeded)
	_, err := a.Wrap([]byte("meanwhile"), noteBinding)
	require.NoError(t, err)
	close(leave)
	require.Equal(t, errNetwork, <-done)
}

// TestCallbacksMayLook: a callback may call what takes no context.
func TestCallbacksMayLook(t *testing.T) {
	ctx := t.Context()
	a := newAccount(t, new(testServer))
	require.NoError(t, a.Change(ctx, func(e *Edit) error {
		a.Slots()
		a.Unseen()
		a.OpenedBy()
		a.Wrap([]byte("x"), noteBinding)
		e.Rotate()
		return nil
	}))
	require.NoError(t, a.Open(ctx, lookingOpener{a}))
}

type lookingOpener struct{ *testDevice }

func (o lookingOpener) Open(ctx context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	o.Slots()
	o.Unseen()
	return o.slot.Open(ctx, b, s)
}

// TestRevokedInAnotherProcess: while this process approves a device, another
// one of the same device revokes its slot.
func TestRevokedInAnotherProcess(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	second := new(heldSlot)
	_, err := a.Add(ctx, second)
	require.NoError(t, err)
	b := &testDevice{NewClient(a.local, server), a.local, second}
	require.NoError(t, b.Open(ctx, second))
	r := must(NewRequest(a.Account()))
	a.hooked(at(2, func() {
		require.NoError(t, b.Refresh(ctx))
		require.NoError(t, b.Revoke(ctx, a.slot.id))
	}))
	_, _, err = a.ApproveQR(ctx, r.QR(), r.Ask())
	require.ErrorIs(t, err, ErrPolicy)
}

// TestEditOfOneSlotTwice: no slot comes in twice, or in place of itself.
func TestEditOfOneSlotTwice(t *testing.T) {
	ctx := t.Context()
	a := newAccount(t, new(testServer))
	x, y := must(a.Seal(ctx, new(heldSlot))), must(a.Seal(ctx, new(heldSlot)))
	require.NoError(t, a.Change(ctx, func(e *Edit) error {
		require.NoError(t, e.Replace(a.slot.id, x))
		require.NoError(t, e.Replace(x.ID(), y))
		for _, s := range []*SealedSlot{x, y} {
			require.ErrorIs(t, e.Add(s), ErrPolicy)
			require.ErrorIs(t, e.Replace(y.ID(), s), ErrPolicy)
		}
		return nil
	}))
	require.Equal(t, y.ID(), a.OpenedBy())
	require.ErrorIs(t, a.Change(ctx, func(e *Edit) error { return e.Replace(y.ID(), y) }), ErrPolicy)
	a.requireWorks(t)
}

// TestStoredAndOvertakenTwice: the server stores a change and calls it a
// conflict, and another process has confirmed it and gone on. It is done, once.
func TestStoredAndOvertakenTwice(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	remote := &flaky{Remote: server}
	a := newAccount(t, remote)
	b := a.tab(t, server)
	remote.swap = func(previous [32]byte, header []byte) error {
		server.Swap(ctx, previous, header)
		return ErrConflict
	}
	remote.fetch = func() ([]byte, error) {
		remote.swap, remote.fetch = nil, nil
		require.NoError(t, b.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))
		return server.stored, nil
	}
	id, err := a.Add(ctx, new(heldSlot))
	require.NoError(t, err)
	require.True(t, a.has(id))
	require.Len(t, a.Slots(), 2)
}

// TestJoinAfterAnErrorOfLocal: the grant is not lost when Local fails.
func TestJoinAfterAnErrorOfLocal(t *testing.T) {
	ctx := t.Context()
	for _, after := range []bool{false, true} {
		server := new(testServer)
		a := newAccount(t, server)
		r := must(NewRequest(a.Account()))
		grant, _, err := a.ApproveQR(ctx, r.QR(), r.Ask())
		require.NoError(t, err)
		b := NewClient(&hookedLocal{Local: new(testLocal), hook: fails(1, after)}, server)
		_, err = b.Join(ctx, r, grant, "")
		require.Equal(t, errCrash, err)
		d, err := b.Join(ctx, r, grant, "")
		require.NoError(t, err)
		require.NoError(t, b.Open(ctx, d))
		_, err = b.Join(ctx, r, grant, "")
		require.ErrorIs(t, err, ErrPolicy)
	}
}
