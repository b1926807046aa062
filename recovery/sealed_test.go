package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestSealedSlotIsUsedAgain: an edit may run again on the result of another
// one, with the same sealed slot, at the same or a later epoch.
func TestSealedSlotIsUsedAgain(t *testing.T) {
	o := password("expensive")
	k := create(t, phrase())
	sealed := seal(t, k, o)
	require.NotZero(t, sealed.ID())
	for range 3 {
		after := edit(t, k, func(e *recovery.Edit) error { return e.Add(sealed) })
		requireOpens(t, after, o)
		require.Equal(t, sealed.ID(), slotIDs(after, "password")[0])
		refuseEdit(t, after, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Add(sealed) })
		k = rotated(t, k)
	}
}

// TestForeignSealedSlots: a slot of another account, of another lineage, or of
// a later epoch is refused.
func TestForeignSealedSlots(t *testing.T) {
	k := create(t, phrase(), exportKey(1))
	id := slotIDs(k, "export")[0]
	old := seal(t, k, phrase())
	lineage := must(k.RotateLineage(t.Context(), phrase(), exportKey(1))).Stored()
	later := rotated(t, k)
	for name, c := range map[string]struct {
		k *recovery.Keyring
		s *recovery.SealedSlot
	}{
		"another account":        {k, seal(t, create(t, phrase()), phrase())},
		"a later lineage":        {k, seal(t, lineage, phrase())},
		"an earlier lineage":     {lineage, old},
		"a later epoch":          {k, seal(t, later, phrase())},
		"the zero slot":          {k, new(recovery.SealedSlot)},
		"nil":                    {k, nil},
		"a lost rotation's slot": {later, seal(t, rotated(t, rotated(t, k)), phrase())},
	} {
		slots := slotIDs(c.k, "export")
		for _, f := range []func(e *recovery.Edit) error{
			func(e *recovery.Edit) error { return e.Add(c.s) },
			func(e *recovery.Edit) error { return e.Replace(slots[0], c.s) },
			func(e *recovery.Edit) error { return e.Supersede(slots[0], c.s) },
			func(e *recovery.Edit) error { e.Rotate(); return e.Add(c.s) },
		} {
			d, err := c.k.Edit(f)
			require.ErrorIs(t, err, recovery.ErrPolicy, name)
			require.Nil(t, d)
		}
	}
	edit(t, later, func(e *recovery.Edit) error { return e.Add(old) })
	require.Equal(t, id, slotIDs(k, "export")[0])
}

// TestSealDoesNotChangeTheKeyring: a sealed slot is in no header before an
// edit.
func TestSealDoesNotChangeTheKeyring(t *testing.T) {
	k := create(t, phrase())
	header := k.Header().Bytes()
	o := exportKey(1)
	seal(t, k, o)
	require.Equal(t, header, k.Header().Bytes())
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), o, k.Checkpoint()))
	one, two := seal(t, k, o), seal(t, k, o)
	require.NotEqual(t, one.ID(), two.ID())
	after := edit(t, k, func(e *recovery.Edit) error {
		require.NoError(t, e.Add(one))
		return e.Add(two)
	})
	requireOpens(t, after, o)
}
