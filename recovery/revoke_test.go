package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestRevoke: slots go together, in one revision with one new master key.
func TestRevoke(t *testing.T) {
	stays, first, second := phrase(), phrase(), phrase()
	k, one := add(t, create(t, stays), first)
	k, two := add(t, k, second)
	d := change(t, k, func(e *recovery.Edit) error { return e.Revoke(one, two) })
	after := d.Stored()
	require.True(t, recovery.Removes(d.Unconfirmed()))
	require.Equal(t, k.Epoch()+1, after.Epoch())
	require.Equal(t, k.Header().Revision()+1, after.Header().Revision())
	require.Len(t, after.Slots(), 1)
	for _, gone := range []recovery.Opener{first, second} {
		require.Equal(t, recovery.ErrWrongSecret, openErr(t, after.Header(), gone, k.Checkpoint()))
	}
	requireOpens(t, after, stays)
	_, old := recovery.KeysOf(k)
	_, master := recovery.KeysOf(after)
	require.NotEqual(t, old, master)
}

// TestRevokeNothing: Revoke without ids is an error and rotates nothing. A
// caller whose list is empty by mistake learns that nobody was removed.
func TestRevokeNothing(t *testing.T) {
	k := create(t, phrase())
	refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Revoke() })
	var none []recovery.SlotID
	refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Revoke(none...) })
}

// TestReplaceRotates: the holder of the old secret cannot open what comes
// after, with the new header or with the old one.
func TestReplaceRotates(t *testing.T) {
	old, better := password("leaked"), password("better")
	k := create(t, old, phrase())
	id := slotIDs(k, "password")[0]
	sealed := seal(t, k, better)
	d := change(t, k, func(e *recovery.Edit) error { return e.Replace(id, sealed) })
	after := d.Stored()
	require.True(t, recovery.Removes(d.Unconfirmed()))
	require.Equal(t, k.Epoch()+1, after.Epoch())
	require.Equal(t, []recovery.SlotID{sealed.ID()}, slotIDs(after, "password"))
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, after.Header(), old, k.Checkpoint()))
	requireOpens(t, after, better)

	blob := must(after.Wrap([]byte("secret"), files("a")))
	thief := open(t, k.Header(), old, recovery.TrustOnFirstUse(k.Account()))
	_, err := thief.Unwrap(blob, files("a"))
	require.ErrorIs(t, err, recovery.ErrRollback)
	_, err = thief.UnwrapOld(blob, files("a"))
	require.ErrorIs(t, err, recovery.ErrRollback)
	_, master := recovery.KeysOf(thief)
	_, _, _, err = refBlob(func(uint32) ([]byte, error) { return master, nil }, "files", refParse(k.Header().Bytes()).account, []byte("a"), blob)
	require.Error(t, err)
	_, err = thief.Follow(after.Header(), thief.Checkpoint())
	require.ErrorIs(t, err, recovery.ErrWrongSecret)
}

// TestSlotsOutlastRotations: every slot gets each new master key without its
// secret, and does not change otherwise.
func TestSlotsOutlastRotations(t *testing.T) {
	k, openers := everySlot(t)
	before := k
	for range 3 {
		k = rotated(t, k)
	}
	for i, s := range k.Slots() {
		want := before.Slots()[i]
		require.Equal(t, want.Born, s.Born)
		require.Equal(t, want.Params, s.Params)
		require.Equal(t, want.Wrapped, s.Wrapped)
	}
	for i, s := range refParse(k.Header().Bytes()).slots {
		want := refParse(before.Header().Bytes()).slots[i]
		require.Equal(t, want.slotDigest(), s.slotDigest())
		require.NotEqual(t, want.sealed, s.sealed)
	}
	for _, o := range openers {
		requireSame(t, k, open(t, k.Header(), o, before.Checkpoint()))
	}
}

// TestBorn: a slot keeps the epoch in which it was sealed.
func TestBorn(t *testing.T) {
	k := create(t, phrase())
	early := seal(t, k, exportKey(1))
	k = rotated(t, rotated(t, k))
	late := seal(t, k, exportKey(2))
	k = edit(t, k, func(e *recovery.Edit) error {
		e.Rotate()
		require.NoError(t, e.Add(early))
		return e.Add(late)
	})
	require.EqualValues(t, 1, slotOf(t, k, early.ID()).Born)
	require.EqualValues(t, 3, slotOf(t, k, late.ID()).Born)
	requireOpens(t, k, exportKey(1))
	requireOpens(t, k, exportKey(2))
}
