package recoverytest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// Somebody held a slot and was removed. They tell the server the lineage key,
// the master keys that they knew, and the seed of their slot.

// TestAttack_ColludingExHolder: a device that has seen the removal, or anything
// later, accepts nothing that the holder and the server make.
func TestAttack_ColludingExHolder(t *testing.T) {
	v := victim(t)
	for _, stored := range v.headers[2:] {
		for what, forged := range must(v.goneKnew.Forgeries(stored)) {
			for _, name := range v.names() {
				if !testvec.Long && strings.Contains(name, "password") {
					continue
				}
				for i, c := range v.seen[3:] {
					require.Error(t, v.end(t, forged, v.ways[name], c), "%s, revision %d: %s", name, i+4, what)
					require.Error(t, v.follow(t, forged, name, c), "%s, revision %d: %s", name, i+4, what)
				}
			}
		}
	}
}

// TestAttack_ForgedWithoutHistory: for a device that has seen the removal, a
// header of a higher epoch whose history is short, false or missing is not
// authentic. No error asks to drop the checkpoint.
func TestAttack_ForgedWithoutHistory(t *testing.T) {
	v := victim(t)
	old := v.goneKnew.Masters
	epochs := []uint32{4, 5, 6, 7, 41, 78, 115, 200, 258, 259, 260, 300}
	if !testvec.Long {
		epochs = []uint32{4, 5, 259, 260}
	}
	for _, epoch := range epochs {
		for _, later := range []uint64{1, 2, 300, 5000} {
			for what, masters := range map[string]map[uint32][]byte{
				"none":                 {},
				"theirs":               old,
				"theirs as the last":   {epoch - 1: old[2]},
				"theirs as the next":   {3: old[2]},
				"theirs as what is":    {4: old[2]},
				"zeros as what is":     {4: make([]byte, 32)},
				"theirs at all epochs": {1: old[1], 2: old[2], 3: old[2], 4: old[2]},
			} {
				masters = maps.Clone(masters)
				masters[epoch] = random(32)
				p := after(t, v.latest(), v.latest(), later)
				if _, err := p.AddSlot(t.Context(), nil, v.goneKnew.Seed, v.goneKnew.Lineage); err != nil {
					t.Fatal(err)
				}
				p.Floor = max(p.Floor, uint32(max(1, int64(epoch)-255)))
				require.NoError(t, p.Rekey(epoch, masters))
				forged := p.Sign(v.goneKnew.Lineage, masters[epoch])
				for _, c := range v.seen[3:] {
					err := v.end(t, forged, v.someWay(), c)
					require.Error(t, err, what)
					require.NotErrorIs(t, err, recovery.ErrNoCheckpoint, what)
				}
			}
		}
	}
}

// TestAttack_RemovedReadsNothing: neither the seed nor the old master keys give
// a later master key, whatever the server adds.
func TestAttack_RemovedReadsNothing(t *testing.T) {
	v := victim(t)
	gone := v.goneKnew
	require.Len(t, gone.Masters, 2)
	for _, later := range v.headers[3:] {
		require.Error(t, gone.Learn(later), "the slot is gone")
		require.Len(t, gone.Masters, 2)
		in := learn(t, later, v.someWay())
		now := master(in, later)
		for _, s := range split(t, later).Slots {
			as := &recoverytest.Holder{Account: gone.Account, Slot: s.ID, Seed: gone.Seed, Masters: map[uint32][]byte{}}
			require.Error(t, as.Learn(later))
			require.Empty(t, as.Masters)
		}
		for _, known := range [][]byte{gone.Seed, gone.Lineage, gone.Masters[1], gone.Masters[2]} {
			requireUnrelated(t, known, now)
		}
		// The master keys of the history open backwards only.
		for e := uint32(3); e <= parse(t, later).Epoch(); e++ {
			_, err := gone.Blob([]byte("x"), note, e, e)
			require.Error(t, err)
		}
	}
	// What is written afterwards does not open with any key of then.
	for e := uint32(3); e <= 4; e++ {
		for _, key := range [][]byte{gone.Masters[1], gone.Masters[2], gone.Lineage, gone.Seed} {
			p := after(t, v.headers[2], v.latest(), 1)
			require.NoError(t, p.Rekey(e, map[uint32][]byte{e: key}))
			k, err := recovery.Open(t.Context(), parse(t, p.Sign(gone.Lineage, key)), v.someWay(), v.firstUse())
			require.NoError(t, err, "the server can make a keyring with these keys")
			_, err = k.UnwrapOld(v.blobs[e], note)
			requireIs(t, recovery.ErrUntrusted, err)
		}
	}
}

// TestLimit_ExHolderAndOlderCheckpoints shows what the documentation says: a
// device that has not seen the removal, or that has no checkpoint, takes a
// header that the removed holder and the server make.
func TestLimit_ExHolderAndOlderCheckpoints(t *testing.T) {
	v := victim(t)
	masters := maps.Clone(v.goneKnew.Masters)
	masters[3] = random(32)
	p := after(t, v.headers[2], v.latest(), 1)
	require.NoError(t, p.Rekey(3, masters))
	forged := p.Sign(v.goneKnew.Lineage, masters[3])
	for _, name := range []string{"phrase", "password", "export", "file", "passkey", "device"} {
		for _, c := range append(slices.Clone(v.seen[:3]), v.firstUse()) {
			k := open(t, forged, v.ways[name], c)
			blob := must(k.Wrap([]byte("for everybody"), note))
			deceived := &recoverytest.Holder{Account: v.account, Masters: masters}
			require.Len(t, must(deceived.Blob([]byte("for everybody"), note, 3, 3)), len(blob))
			secret, err := k.Unwrap(must(deceived.Blob([]byte("theirs"), note, 3, 3)), note)
			require.NoError(t, err)
			require.Equal(t, "theirs", string(secret))
		}
		for _, c := range v.seen[3:] {
			require.Error(t, v.end(t, forged, v.ways[name], c))
			require.Error(t, v.follow(t, forged, name, c))
		}
	}
}

// TestRotateLineageEndsCollusion: after RotateLineage, slots whose secrets are
// new are safe from everybody who was removed before, with an old checkpoint
// and on first use too. A secret that is used again is not: its old slot is
// still good, under the old lineage key.
func TestRotateLineageEndsCollusion(t *testing.T) {
	v := victim(t)
	k := open(t, v.latest(), v.someWay(), v.latestSeen())
	fresh, kept, freshDevice := phrase(), v.ways["phrase"], new(heldDevice)
	rotated := must(k.RotateLineage(t.Context(), fresh, kept.(recovery.Sealer), freshDevice)).Stored()
	header := bytesOf(rotated)
	for _, c := range v.anySeen() { // everybody follows
		require.EqualValues(t, 5, open(t, header, fresh, c).Epoch())
		require.EqualValues(t, 5, open(t, header, kept, c).Epoch())
		requireIs(t, recovery.ErrWrongSecret, openErr(t, header, v.ways["device"], c))
		requireIs(t, recovery.ErrWrongSecret, openErr(t, header, v.ways["password"], c))
	}
	inFresh, inKept, before := learn(t, header, fresh), learn(t, header, kept), learn(t, v.latest(), kept)
	require.Equal(t, inKept.Lineage, inFresh.Lineage)
	requireUnrelated(t, before.Lineage, inKept.Lineage)
	requireUnrelated(t, before.Seed, inKept.Seed)
	requireUnrelated(t, v.goneKnew.Lineage, inFresh.Lineage)

	v.headers, v.blobs[5] = append(v.headers, header), must(rotated.Wrap(secretOf(5), note))
	masters := maps.Clone(v.goneKnew.Masters)
	masters[3] = random(32)
	forge := func(slots []recoverytest.SlotParts) []byte {
		p := after(t, v.headers[2], header, 1)
		p.Slots = slices.Clone(slots)
		for i := range p.Slots {
			p.Slots[i].Born = min(p.Slots[i].Born, 3)
		}
		require.NoError(t, p.Rekey(3, masters))
		return p.Sign(v.goneKnew.Lineage, masters[3])
	}
	for _, from := range [][]byte{header, v.headers[2], v.headers[5]} {
		forged := forge(split(t, from).Slots)
		for _, c := range append(v.anySeen(), rotated.Checkpoint()) {
			require.Error(t, v.end(t, forged, fresh, c))
			require.Error(t, v.end(t, forged, freshDevice, c))
		}
		for name, way := range v.ways {
			require.Error(t, v.end(t, forged, way, rotated.Checkpoint()), name)
		}
	}
	// The limit: a secret that is used again, on a device that has not seen it.
	deceived := open(t, forge(split(t, v.headers[2]).Slots), kept, v.firstUse())
	require.EqualValues(t, 3, deceived.Epoch())
	_, err := deceived.UnwrapOld(v.blobs[3], note)
	requireIs(t, recovery.ErrUntrusted, err, "theirs")
}
