package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestFollow: a keyring follows later headers with the slot that opened it,
// over one or many revisions, without Opener and KDF.
func TestFollow(t *testing.T) {
	k, openers := everySlot(t)
	for name, o := range openers {
		mine := open(t, k.Header(), o, k.Checkpoint())
		later := k
		for range 4 {
			later, _ = add(t, rotated(t, later), phrase())
			got, err := mine.Follow(parse(t, later.Header().Bytes()), mine.Checkpoint())
			require.NoError(t, err, name)
			requireSame(t, later, got)
			require.Equal(t, mine.OpenedBy(), got.OpenedBy())
			requireFollows(t, got)
		}
		got, err := mine.Follow(mine.Header(), mine.Checkpoint())
		require.NoError(t, err, "its own header")
		requireSame(t, mine, got)
	}
}

// TestFollowNeedsItsSlot: a header without the slot, or with another one under
// its id, needs Open.
func TestFollowNeedsItsSlot(t *testing.T) {
	o := exportKey(1)
	k := create(t, phrase(), o)
	mine := open(t, k.Header(), o, k.Checkpoint())
	after := revoked(t, k, mine.OpenedBy())
	_, err := mine.Follow(after.Header(), mine.Checkpoint())
	require.Equal(t, recovery.ErrWrongSecret, err)

	_, master := recovery.KeysOf(k)
	lineage, _ := recovery.KeysOf(k)
	next := random(32)
	changed := forgeWith(t, k, lineage, next, func(h *refHeader) {
		h.next(k.Header())
		for i := range h.slots {
			if h.slots[i].kind == 2 {
				h.slots[i].params = append(h.slots[i].params[:32:32], random(32)...)
			}
		}
		h.rotate(master, next)
	})
	_, err = mine.Follow(changed, recovery.TrustOnFirstUse(k.Account()))
	require.Equal(t, recovery.ErrWrongSecret, err)
	_, err = mine.Follow(changed, mine.Checkpoint())
	require.Equal(t, recovery.ErrWrongSecret, err)
}

// TestFollowChecks: Follow accepts no header that Open would not.
func TestFollowChecks(t *testing.T) {
	k := create(t, phrase(), exportKey(1))
	first := k
	k = rotated(t, k)
	_, err := k.Follow(first.Header(), k.Checkpoint())
	require.ErrorIs(t, err, recovery.ErrRollback)
	_, err = k.Follow(rotated(t, first).Header(), k.Checkpoint())
	require.ErrorIs(t, err, recovery.ErrFork)
	_, err = k.Follow(create(t, phrase()).Header(), k.Checkpoint())
	require.ErrorIs(t, err, recovery.ErrOtherAccount)
	_, err = k.Follow(rotated(t, k).Header(), recovery.Checkpoint{})
	require.ErrorIs(t, err, recovery.ErrNoCheckpoint)
	_, err = k.Follow(nil, k.Checkpoint())
	require.Equal(t, recovery.ErrMalformed, err)
	for _, f := range []func(lineage, master []byte){
		func(lineage, master []byte) { lineage[0] ^= 1 },
		func(lineage, master []byte) { master[0] ^= 1 },
	} {
		lineage, master := recovery.KeysOf(k)
		f(lineage, master)
		forged := forgeWith(t, k, lineage, master, func(h *refHeader) { h.next(k.Header()) })
		_, err = k.Follow(forged, k.Checkpoint())
		require.ErrorIs(t, err, recovery.ErrUntrusted)
	}
	got, err := k.Follow(rotated(t, k).Header(), k.Checkpoint())
	require.NoError(t, err, "an honest header follows afterwards")
	require.EqualValues(t, 3, got.Epoch())
}
