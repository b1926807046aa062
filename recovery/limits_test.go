package recovery_test

import (
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// untouchable is a Sealer that must not be asked.
func untouchable(t testing.TB) recovery.Sealer {
	return badSealer{"file", 0, func(wrap.Binding, []byte) ([]byte, []byte, error) {
		require.FailNow(t, "a Sealer is asked for a slot that has no room")
		return nil, nil, nil
	}}
}

// full is a keyring of 20 slots.
func full(t testing.TB) (*recovery.Keyring, *recovery.Phrase) {
	t.Helper()
	first := phrase()
	sealers := []recovery.Sealer{first}
	for i := range byte(recovery.UsualSlots - 1) {
		sealers = append(sealers, exportKey(i+1))
	}
	return create(t, sealers...), first
}

// TestSlotLimits: Create and Add stop at 20 slots, and Supersede at 24. Replace
// is always possible.
func TestSlotLimits(t *testing.T) {
	k, first := full(t)
	require.Len(t, k.Slots(), 20)
	requireOpens(t, k, first)
	supersede := func(k *recovery.Keyring, old recovery.SlotID) (*recovery.Draft, error) {
		sealed := seal(t, k, exportKey(0xff))
		return k.Edit(func(e *recovery.Edit) error { return e.Supersede(old, sealed) })
	}
	for n := 20; n <= 24; n++ {
		require.Len(t, k.Slots(), n)
		sealed := seal(t, k, phrase())
		refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Add(sealed) })
		replaced := edit(t, k, func(e *recovery.Edit) error { return e.Replace(k.Slots()[0].ID, sealed) })
		require.Len(t, replaced.Slots(), n)
		d, err := supersede(k, slotIDs(k, "export")[0])
		if n == 24 {
			require.ErrorIs(t, err, recovery.ErrPolicy)
			break
		}
		require.NoError(t, err)
		k = d.Stored()
		requireOpens(t, k, first)
	}
	var ids []recovery.SlotID
	for _, s := range k.Slots()[:5] {
		if s.ID != k.OpenedBy() {
			ids = append(ids, s.ID)
		}
	}
	k = revoked(t, k, ids[:4]...)
	sealed := seal(t, k, phrase())
	refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Add(sealed) })
	edit(t, k, func(e *recovery.Edit) error {
		require.NoError(t, e.Revoke(k.Slots()[0].ID))
		return e.Add(sealed)
	})
}

// TestTooManySealers: no Sealer beyond the limit is asked.
func TestTooManySealers(t *testing.T) {
	sealers := []recovery.Sealer{}
	for range recovery.UsualSlots {
		sealers = append(sealers, phrase())
	}
	sealers = append(sealers, untouchable(t))
	_, err := recovery.Create(t.Context(), sealers...)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, err = create(t, phrase()).RotateLineage(t.Context(), sealers...)
	require.ErrorIs(t, err, recovery.ErrPolicy)
}

// TestPasswordLimits: Create and Add stop at 3 passwords, and Supersede at 4.
func TestPasswordLimits(t *testing.T) {
	var all []recovery.Sealer
	for i := range 3 {
		all = append(all, password(fmt.Sprint("password ", i)))
	}
	fourth, fifth := password("fourth"), password("fifth")
	_, err := recovery.Create(t.Context(), append(all, fourth)...)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	k := create(t, all...)
	_, err = k.RotateLineage(t.Context(), append(all, fourth)...)
	require.ErrorIs(t, err, recovery.ErrPolicy)

	sealed, extra := seal(t, k, fourth), seal(t, k, exportKey(1))
	refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Add(sealed) })
	k = edit(t, k, func(e *recovery.Edit) error {
		require.NoError(t, e.Add(extra))
		require.ErrorIs(t, e.Replace(extra.ID(), sealed), recovery.ErrPolicy)
		return e.Supersede(k.Slots()[0].ID, sealed)
	})
	for _, o := range append(all, fourth) {
		requireOpens(t, k, o.(recovery.Opener))
	}
	sealed = seal(t, k, fifth)
	refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Add(sealed) })
	refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Supersede(k.Slots()[0].ID, sealed) })
	refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Replace(extra.ID(), sealed) })
	after := edit(t, k, func(e *recovery.Edit) error { return e.Replace(slotIDs(k, "password")[0], sealed) })
	require.Len(t, slotIDs(after, "password"), 4)
	requireOpens(t, after, fifth)
}

// TestHeaderLimits: a reader refuses more than 24 slots, and more than 4
// passwords.
func TestHeaderLimits(t *testing.T) {
	k, _ := full(t)
	lineage, master := recovery.KeysOf(k)
	grown := func(slots, passwords int) []byte {
		h := refParse(k.Header().Bytes())
		for len(h.slots) < slots {
			s := h.slots[len(h.slots)-1]
			s.id = append([]byte{0xff, 0xff, 0xff, 0xff, byte(len(h.slots))}, random(11)...)
			h.slots = append(h.slots, s)
		}
		params := append(random(32), append([]byte{0, 13}, must(argon2id(8, 1, 1).MarshalBinary())...)...)
		for i := range passwords {
			h.slots[i].kind, h.slots[i].flags, h.slots[i].params = 1, 0, params
		}
		h.slots = h.slots[:slots]
		return h.encode(lineage, master)
	}
	for _, good := range [][2]int{{20, 0}, {24, 0}, {24, 4}, {4, 4}, {1, 1}} {
		_, err := recovery.ParseHeader(grown(good[0], good[1]))
		require.NoError(t, err, good)
	}
	for _, bad := range [][2]int{{25, 0}, {24, 5}, {5, 5}} {
		refuseHeader(t, grown(bad[0], bad[1]), fmt.Sprint(bad))
	}
}
