package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestFamilies: Supersede and Replace copy the family of the old slot, or its
// id if it has none. Add does not.
func TestFamilies(t *testing.T) {
	k := create(t, exportKey(1), phrase())
	first := slotIDs(k, "export")[0]
	require.Zero(t, slotOf(t, k, first).Family)
	put := func(k *recovery.Keyring, f func(e *recovery.Edit, s *recovery.SealedSlot) error) (*recovery.Keyring, recovery.SlotID) {
		t.Helper()
		sealed := seal(t, k, exportKey(9))
		k = edit(t, k, func(e *recovery.Edit) error { return f(e, sealed) })
		return k, sealed.ID()
	}
	supersede := func(old recovery.SlotID) func(*recovery.Edit, *recovery.SealedSlot) error {
		return func(e *recovery.Edit, s *recovery.SealedSlot) error { return e.Supersede(old, s) }
	}
	replace := func(old recovery.SlotID) func(*recovery.Edit, *recovery.SealedSlot) error {
		return func(e *recovery.Edit, s *recovery.SealedSlot) error { return e.Replace(old, s) }
	}
	k, second := put(k, supersede(first))
	require.Equal(t, first, slotOf(t, k, second).Family)
	require.Zero(t, slotOf(t, k, first).Family, "the old slot does not change")
	k, third := put(k, supersede(second))
	require.Equal(t, first, slotOf(t, k, third).Family)
	k, sibling := put(k, supersede(first))
	require.Equal(t, first, slotOf(t, k, sibling).Family)
	k, fourth := put(k, replace(third))
	require.Equal(t, first, slotOf(t, k, fourth).Family)
	k, heir := put(k, replace(first))
	require.Equal(t, first, slotOf(t, k, heir).Family, "the family is the id of a slot that is gone")
	k, added := put(k, func(e *recovery.Edit, s *recovery.SealedSlot) error { return e.Add(s) })
	require.Zero(t, slotOf(t, k, added).Family)
	k, _ = put(k, supersede(added))

	// The header has the families, and rotations keep them.
	k = rotated(t, k)
	for _, s := range parse(t, k.Header().Bytes()).Slots() {
		require.Equal(t, slotOf(t, k, s.ID).Family, s.Family)
	}
	count := make(map[recovery.SlotID]int)
	for _, s := range k.Slots() {
		count[s.Family]++
	}
	require.Equal(t, map[recovery.SlotID]int{{}: 2, first: 4, added: 1}, count)
}

// TestFamilyOfAnEdit: one sealed slot gets the family of each edit that uses
// it, and an edit's own replacements count.
func TestFamilyOfAnEdit(t *testing.T) {
	k := create(t, exportKey(1), exportKey(2), phrase())
	ids := slotIDs(k, "export")
	sealed, after := seal(t, k, exportKey(3)), seal(t, k, exportKey(4))
	for _, id := range ids {
		d := edit(t, k, func(e *recovery.Edit) error { return e.Supersede(id, sealed) })
		require.Equal(t, id, slotOf(t, d, sealed.ID()).Family)
		d = edit(t, k, func(e *recovery.Edit) error { return e.Replace(id, sealed) })
		require.Equal(t, id, slotOf(t, d, sealed.ID()).Family)
		d = edit(t, k, func(e *recovery.Edit) error {
			require.NoError(t, e.Supersede(id, sealed))
			return e.Replace(sealed.ID(), after)
		})
		require.Equal(t, id, slotOf(t, d, after.ID()).Family)
	}
	d := edit(t, k, func(e *recovery.Edit) error { return e.Add(sealed) })
	require.Zero(t, slotOf(t, d, sealed.ID()).Family)
	requireOpens(t, d, exportKey(3))
}

// TestSupersedeIsForLogins: both slots are of the type "password" or "export".
// The login removes the losers of its family, and would remove other slots with
// them.
func TestSupersedeIsForLogins(t *testing.T) {
	k := create(t, password("p"), exportKey(1), phrase(), recovery.NewFile(), passkey(1), contactsOf(1, 1))
	k, _ = addDevice(t, k)
	types := []string{"password", "export", "phrase", "file", "passkey", "contacts", "device"}
	sealers := []recovery.Sealer{password("q"), exportKey(2), phrase(), recovery.NewFile(), passkey(2), contactsOf(1, 1)}
	for i, typ := range types {
		for j, s := range sealers {
			sealed := seal(t, k, s)
			if f, ok := s.(*recovery.File); ok && f.Text() != "" {
				sealers[j] = recovery.NewFile()
			}
			f := func(e *recovery.Edit) error { return e.Supersede(slotIDs(k, typ)[0], sealed) }
			if i < 2 && j < 2 {
				edit(t, k, f)
			} else {
				refuseEdit(t, k, recovery.ErrPolicy, f)
			}
			edit(t, k, func(e *recovery.Edit) error { return e.Replace(slotIDs(k, typ)[0], sealed) })
		}
	}
}

// TestSupersedeDoesNotRotate: both secrets open, and nothing was removed.
func TestSupersedeDoesNotRotate(t *testing.T) {
	k := create(t, exportKey(1), phrase())
	sealed := seal(t, k, exportKey(2))
	d := change(t, k, func(e *recovery.Edit) error { return e.Supersede(slotIDs(k, "export")[0], sealed) })
	require.Equal(t, k.Epoch(), d.Stored().Epoch())
	require.False(t, recovery.Removes(d.Unconfirmed()))
	requireOpens(t, d.Stored(), exportKey(1))
	requireOpens(t, d.Stored(), exportKey(2))
}
