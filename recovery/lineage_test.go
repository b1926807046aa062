package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestRotateLineage: all slots are new, and the data stays within reach.
func TestRotateLineage(t *testing.T) {
	k, openers := everySlot(t)
	k = rotated(t, k)
	blob := must(k.Wrap([]byte("secret"), files("a")))
	kept, fresh := openers["phrase of 12"].(*recovery.Phrase), exportKey(7)
	d, err := k.RotateLineage(t.Context(), fresh, kept)
	require.NoError(t, err)
	after := d.Stored()
	require.Equal(t, k.Account(), after.Account())
	require.Equal(t, k.Epoch()+1, after.Epoch())
	require.Equal(t, k.Header().Revision()+1, after.Header().Revision())
	require.NoError(t, after.Header().Follows(k.Header()))
	require.Len(t, after.Slots(), 2)
	require.Equal(t, slotIDs(after, "export")[0], after.OpenedBy())
	for _, s := range after.Slots() {
		require.Equal(t, after.Epoch(), s.Born)
		require.Zero(t, s.Family)
	}
	require.True(t, recovery.Removes(d.Unconfirmed()))
	lineage, master := recovery.KeysOf(k)
	lineage2, master2 := recovery.KeysOf(after)
	require.NotEqual(t, lineage, lineage2)
	require.NotEqual(t, master, master2)
	requireFollows(t, after)

	for _, o := range []recovery.Opener{fresh, kept} {
		got := open(t, after.Header(), o, k.Checkpoint())
		requireSame(t, after, got)
		require.Equal(t, "secret", string(must(got.UnwrapOld(blob, files("a")))))
		_, err := got.Unwrap(blob, files("a"))
		require.Equal(t, recovery.ErrOldKey, err)
	}
	for name, o := range openers {
		if o != recovery.Opener(kept) {
			require.ErrorIs(t, openErr(t, after.Header(), o, k.Checkpoint()), recovery.ErrWrongSecret, name)
		}
	}
	_, err = k.Follow(after.Header(), k.Checkpoint())
	require.Equal(t, recovery.ErrWrongSecret, err)
	requireOpens(t, k, kept) // the base is as it was
}

// TestOldLineageKey: with the old lineage key, nobody makes a header that a
// slot of the new lineage opens.
func TestOldLineageKey(t *testing.T) {
	k := create(t, phrase(), exportKey(1))
	old, _ := recovery.KeysOf(k)
	o := phrase()
	after := must(k.RotateLineage(t.Context(), o)).Stored()
	_, master := recovery.KeysOf(after)
	forged := forgeWith(t, after, old, master, func(h *refHeader) { h.next(after.Header()) })
	require.ErrorIs(t, openErr(t, forged, o, recovery.TrustOnFirstUse(k.Account())), recovery.ErrUntrusted)
}
