package recovery

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// approveByCode plays an approval by short code up to the two halves.
func approveByCode(t testing.TB, a *testDevice, r *Request) (approval *Approval, onNew, onOld string) {
	approval, err := a.Approve(r.Ask())
	require.NoError(t, err)
	reveal, onNew, err := r.Reveal(approval.Answer())
	require.NoError(t, err)
	onOld, err = approval.Code(reveal)
	require.NoError(t, err)
	return approval, onNew, onOld
}

func TestApproveByCode(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	r := must(NewRequest(a.Account()))
	approval, onNew, onOld := approveByCode(t, a, r)
	grant, id, err := approval.Grant(ctx, " "+onNew+"\n")
	require.NoError(t, err)
	b := &testDevice{local: new(testLocal)}
	b.Client = NewClient(b.local, server)
	d, err := b.Join(ctx, r, grant, onOld)
	require.NoError(t, err)
	require.Equal(t, id, d.ID())
	require.NoError(t, b.Open(ctx, must(ParseDevice(d.Secret()))))
	require.Equal(t, id, b.OpenedBy())
	require.Len(t, b.Unseen(), 1, "all but its own slot")
	require.Empty(t, a.Unseen(), "what it added itself")
	b.requireWorks(t)
	require.NoError(t, a.Refresh(ctx))
	require.NoError(t, a.Revoke(ctx, id))
	require.Equal(t, ErrWrongSecret, b.Refresh(ctx))

	// It is over.
	_, _, err = approval.Grant(ctx, onNew)
	require.ErrorIs(t, err, ErrPolicy)
	_, err = b.Join(ctx, r, grant, onOld)
	require.ErrorIs(t, err, ErrPolicy)
}

// TestNoGrantWithoutTheHalf: each side releases and accepts nothing without the
// half that the other one shows, and a wrong half ends it.
func TestNoGrantWithoutTheHalf(t *testing.T) {
	ctx := t.Context()
	for _, wrong := range []string{"", "0", "AAA-AAA", "own half"} {
		server := new(testServer)
		a := newAccount(t, server)
		before := server.stored
		r := must(NewRequest(a.Account()))
		approval, onNew, onOld := approveByCode(t, a, r)
		typed := wrong
		if wrong == "own half" {
			typed = onOld
		}
		_, _, err := approval.Grant(ctx, typed)
		require.ErrorIs(t, err, ErrUntrusted)
		_, _, err = approval.Grant(ctx, onNew)
		require.ErrorIs(t, err, ErrPolicy, "one try")
		require.Equal(t, before, server.stored)
		require.Len(t, a.Slots(), 1)

		r = must(NewRequest(a.Account()))
		approval, onNew, onOld = approveByCode(t, a, r)
		grant, _, err := approval.Grant(ctx, onNew)
		require.NoError(t, err)
		b := NewClient(new(testLocal), server)
		typed = wrong
		if wrong == "own half" {
			typed = onNew
		}
		_, err = b.Join(ctx, r, grant, typed)
		require.ErrorIs(t, err, ErrUntrusted)
		_, err = b.Join(ctx, r, grant, onOld)
		require.ErrorIs(t, err, ErrPolicy, "one try")
	}
	// Grant before Code.
	a := newAccount(t, new(testServer))
	approval, err := a.Approve(must(NewRequest(a.Account())).Ask())
	require.NoError(t, err)
	_, _, err = approval.Grant(ctx, "AAA-AAA")
	require.ErrorIs(t, err, ErrPolicy)
	require.Len(t, a.Slots(), 1)
}

// TestGrantAfterTheHeaderIsStored: there is no grant before the server has the
// slot, and a second try makes no second slot.
func TestGrantAfterTheHeaderIsStored(t *testing.T) {
	ctx := t.Context()
	for name, executed := range map[string]bool{"the answer is lost": true, "the request is lost": false} {
		for _, byQR := range []bool{false, true} {
			server := new(testServer)
			remote := &flaky{Remote: server}
			a := newAccount(t, remote)
			r := must(NewRequest(a.Account()))
			var grantOnce func() ([]byte, SlotID, error)
			var onOld string
			if byQR {
				qr := r.QR()
				grantOnce = func() ([]byte, SlotID, error) { return a.ApproveQR(ctx, qr, r.Ask()) }
			} else {
				approval, onNew, half := approveByCode(t, a, r)
				onOld = half
				grantOnce = func() ([]byte, SlotID, error) { return approval.Grant(ctx, onNew) }
			}
			remote.swap = func(previous [32]byte, header []byte) error {
				if executed {
					server.Swap(ctx, previous, header)
				}
				return errNetwork
			}
			for range 2 {
				grant, id, err := grantOnce()
				require.ErrorIs(t, err, ErrUnconfirmed, name)
				require.Nil(t, grant)
				require.Zero(t, id)
			}
			remote.swap = nil
			grant, id, err := grantOnce()
			require.NoError(t, err, name)
			require.Len(t, a.Slots(), 2, "one slot, however often")
			require.NotNil(t, server.header(t).state.slot(id))
			b := NewClient(new(testLocal), server)
			d, err := b.Join(ctx, r, grant, onOld)
			require.NoError(t, err)
			require.NoError(t, b.Open(ctx, d))
		}
	}
}

// TestApprovalBesideOtherChanges: whatever happens between the start of an
// approval and its end, slot, keys and checkpoint of the grant belong together.
func TestApprovalBesideOtherChanges(t *testing.T) {
	ctx := t.Context()
	kept := new(heldSlot)
	for name, change := range map[string]func(a *testDevice) error{
		"rotation": func(a *testDevice) error { return a.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }) },
		"lineage":  func(a *testDevice) error { return a.RotateLineage(ctx, kept) },
		"slots":    func(a *testDevice) error { _, err := a.Add(ctx, new(heldSlot)); return err },
		"own slot": func(a *testDevice) error {
			sealed := must(a.Seal(ctx, kept))
			return a.Change(ctx, func(e *Edit) error { return e.Replace(a.slot.id, sealed) })
		},
	} {
		server := new(testServer)
		a := newAccount(t, server)
		r := must(NewRequest(a.Account()))
		approval, onNew, onOld := approveByCode(t, a, r)
		require.NoError(t, change(a), name)
		grant, _, err := approval.Grant(ctx, onNew)
		require.NoError(t, err, name)
		// The grant is on its way while the account goes on.
		require.NoError(t, a.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }), name)
		b := NewClient(new(testLocal), server)
		d, err := b.Join(ctx, r, grant, onOld)
		require.NoError(t, err, name)
		require.NoError(t, b.Open(ctx, d), name)
		require.Equal(t, a.Epoch(), b.Epoch())
	}
}

// TestJoinKeepsTheState: a device that was here before is approved again, and
// no grant takes it back.
func TestJoinKeepsTheState(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	b := a.join(t, server)
	join := func(grantOf *testDevice, when func()) error {
		r := must(NewRequest(grantOf.Account()))
		grant, _, err := grantOf.ApproveQR(ctx, r.QR(), r.Ask())
		require.NoError(t, err)
		if when != nil {
			when()
		}
		before := b.local.value
		d, err := b.Join(ctx, r, grant, "")
		if err != nil {
			require.Nil(t, d)
			require.Equal(t, before, b.local.value)
			return err
		}
		require.NoError(t, b.Open(ctx, d))
		return nil
	}
	require.NoError(t, join(a, nil))
	require.NoError(t, join(a, func() { require.NoError(t, a.Revoke(ctx, b.slot.id)) }), "its slot is gone")

	// A grant of before.
	require.Equal(t, ErrRollback, join(a, func() {
		require.NoError(t, b.Refresh(ctx))
		require.NoError(t, b.Change(ctx, func(e *Edit) error { e.Rotate(); return nil }))
	}))
	require.NoError(t, a.Refresh(ctx))
	// Another account, and a keyring that a server made for this account.
	other := newAccount(t, new(testServer))
	require.Equal(t, ErrOtherAccount, join(other, nil))
	forged := newAccount(t, new(testServer))
	state := forged.state.header.state.clone()
	state.account = a.Account()
	for state.revision < a.state.header.Revision() {
		state.revision++
		state.prev[0] = 1
	}
	state.epoch, state.history = a.Epoch(), a.state.header.state.history
	forged = forgedDevice(t, state)
	require.Equal(t, ErrFork, join(forged, nil))
}

// forgedDevice is a device in a keyring that somebody made up.
func forgedDevice(t *testing.T, state header) *testDevice {
	var keys keyringSecrets
	drawKey(&keys.lineage)
	drawKey(&keys.master)
	slot := new(heldSlot)
	sealed, err := newSealedSlot(context.Background(), state.account, &keys.lineage, state.epoch, slot)
	require.NoError(t, err)
	state.slots = []sealedSlot{sealed.slot}
	require.NoError(t, state.sealTo(&keys.master, func(*sealedSlot) bool { return true }))
	h, err := state.encode(&keys.lineage, &keys.master)
	require.NoError(t, err)
	server := &testServer{stored: h.Bytes()}
	d := &testDevice{local: new(testLocal), slot: slot}
	d.Client = NewClient(d.local, server)
	require.NoError(t, d.OpenFirst(t.Context(), state.account, slot))
	return d
}

// TestAwayForTooLong: a device that was away for more than 255 rotations is
// approved again, and no error invites it to drop its checkpoint.
func TestAwayForTooLong(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	b := a.join(t, server)
	for range 256 {
		require.NoError(t, a.Change(ctx, func(e *Edit) error {
			e.Rotate()
			return e.CloseBefore(e.base.Epoch())
		}))
	}
	require.ErrorIs(t, b.Refresh(ctx), ErrUntrusted)
	require.ErrorIs(t, b.Open(ctx, b.slot), ErrUntrusted)
	r := must(NewRequest(a.Account()))
	grant, _, err := a.ApproveQR(ctx, r.QR(), r.Ask())
	require.NoError(t, err)
	d, err := b.Join(ctx, r, grant, "")
	require.NoError(t, err)
	require.NoError(t, b.Open(ctx, d))
	b.requireWorks(t)
}

// TestApproveWithoutRoom: people type no codes for a slot that has no room.
func TestApproveWithoutRoom(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	r := must(NewRequest(a.Account()))
	qr := r.QR()
	_, id, err := a.ApproveQR(ctx, qr, r.Ask())
	require.NoError(t, err)
	for len(a.Slots()) < usualSlots {
		_, err := a.Add(ctx, new(heldSlot))
		require.NoError(t, err)
	}
	other := must(NewRequest(a.Account()))
	_, err = a.Approve(other.Ask())
	require.ErrorIs(t, err, ErrPolicy)
	_, _, err = a.ApproveQR(ctx, other.QR(), other.Ask())
	require.ErrorIs(t, err, ErrPolicy)
	_, again, err := a.ApproveQR(ctx, qr, r.Ask())
	require.NoError(t, err, "it has its slot already")
	require.Equal(t, id, again)
	_, err = a.Approve(r.Ask())
	require.NoError(t, err)
}

// TestRelayedDevice: a server answers the new device out of a keyring of its
// own. It cannot know the half that the real device shows, so the new device
// accepts nothing.
func TestRelayedDevice(t *testing.T) {
	ctx := t.Context()
	server := new(testServer)
	a := newAccount(t, server)
	r := must(NewRequest(a.Account()))
	state := a.state.header.state.clone()
	attacker := forgedDevice(t, state)
	// Towards the new device, the attacker is the approver.
	theirs, err := attacker.Approve(r.Ask())
	require.NoError(t, err)
	reveal, onNew, err := r.Reveal(theirs.Answer())
	require.NoError(t, err)
	onAttacker, err := theirs.Code(reveal)
	require.NoError(t, err)
	grant, _, err := theirs.Grant(ctx, onNew)
	require.NoError(t, err, "the attacker's own side is the attacker's")
	// Towards the real device, the attacker is the requester.
	asking := must(NewRequest(a.Account()))
	real, _, onOld := approveByCode(t, a, asking)
	require.NotEqual(t, onAttacker, onOld)
	// The user reads each screen and types it on the other.
	_, err = NewClient(new(testLocal), server).Join(ctx, r, grant, onOld)
	require.ErrorIs(t, err, ErrUntrusted)
	_, _, err = real.Grant(ctx, onNew)
	require.ErrorIs(t, err, ErrUntrusted)
	require.Len(t, a.Slots(), 1)
}
