package recoverytest_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// A server hands out genuine headers that are not the one that is due, and
// somebody with all keys makes headers that break the order.

// TestAttack_Rollback: each earlier header for each later checkpoint, and each
// header for each checkpoint that is not later.
func TestAttack_Rollback(t *testing.T) {
	v := victim(t)
	for i, header := range v.headers {
		for j, c := range v.seen {
			for _, name := range []string{"phrase", "device", "password"} {
				err := v.end(t, header, v.ways[name], c)
				if i < j {
					requireIs(t, recovery.ErrRollback, err, "revision %d, seen %d", i+1, j+1)
					requireIs(t, recovery.ErrRollback, v.follow(t, header, name, c))
				} else {
					require.NoError(t, err, "revision %d, seen %d", i+1, j+1)
				}
			}
		}
		// First use sees nothing of it, which is its limit.
		require.NoError(t, v.end(t, header, v.someWay(), v.firstUse()))
	}
	// A removed slot opens what it opened, and no header that is not older.
	require.NoError(t, v.end(t, v.headers[2], v.gone, v.firstUse()))
	requireIs(t, recovery.ErrRollback, v.end(t, v.headers[2], v.gone, v.seen[3]))
	requireIs(t, recovery.ErrWrongSecret, v.end(t, v.headers[3], v.gone, v.seen[2]))

	// An older epoch in a newer revision, made by somebody who has all keys.
	p := after(t, v.headers[1], v.headers[2], 7)
	in := learn(t, v.headers[1], v.someWay())
	later := p.Sign(in.Lineage, in.Masters[1])
	require.NoError(t, v.end(t, later, v.someWay(), v.seen[1]))
	requireIs(t, recovery.ErrRollback, v.end(t, later, v.someWay(), v.seen[2]))
}

// TestAttack_ForkAndGap: two headers of one revision, one that does not name
// the seen one as the one before, and several revisions at once.
func TestAttack_ForkAndGap(t *testing.T) {
	words := phrase()
	k := create(t, words)
	left, right := add(t, k, export(1)), add(t, k, export(1))
	requireIs(t, recovery.ErrFork, openErr(t, bytesOf(left), words, right.Checkpoint()))
	requireIs(t, recovery.ErrFork, openErr(t, bytesOf(right), words, left.Checkpoint()))
	open(t, bytesOf(left), words, k.Checkpoint())
	open(t, bytesOf(right), words, k.Checkpoint())

	// The next of one branch does not follow from the other one. Nor does a
	// later one: it lacks a slot.
	leftNext := add(t, left, export(2))
	for range 3 {
		requireIs(t, recovery.ErrFork, openErr(t, bytesOf(leftNext), words, right.Checkpoint()))
		open(t, bytesOf(leftNext), words, left.Checkpoint())
		open(t, bytesOf(leftNext), words, k.Checkpoint())
		leftNext = add(t, leftNext, export(3))
	}
	// After a rotation the branches have different master keys.
	leftNext, rightNext := rotate(t, leftNext), rotate(t, right)
	for range 3 {
		want := recovery.ErrUntrusted
		if leftNext.Epoch() == rightNext.Epoch() {
			want = recovery.ErrFork // which also lacks a slot
		}
		requireIs(t, want, openErr(t, bytesOf(leftNext), words, rightNext.Checkpoint()))
		leftNext = rotate(t, leftNext)
	}

	// Everything else is right, and made with all keys: the previous digest
	// alone.
	in := learn(t, bytesOf(right), words)
	p := split(t, bytesOf(right))
	p.Previous = [32]byte(random(32))
	b := p.Sign(in.Lineage, in.Masters[1])
	requireIs(t, recovery.ErrFork, openErr(t, b, words, k.Checkpoint()))
	open(t, b, words, firstUse(k))

	// A gap is no fork. A device may have slept through revisions and
	// rotations.
	later := right
	for range 3 {
		later = rotate(t, later)
		for _, c := range []recovery.Checkpoint{k.Checkpoint(), right.Checkpoint()} {
			require.Equal(t, later.Epoch(), open(t, bytesOf(later), words, c).Epoch())
		}
	}
}

// TestAttack_RemovalHidden: device A removes a lost phrase in revision 2, and
// the server hides that from device B, which makes three changes. Nothing that
// B has made is accepted by A.
func TestAttack_RemovalHidden(t *testing.T) {
	words, lost := phrase(), phrase()
	k := create(t, words, lost)
	id := learn(t, bytesOf(k), lost).Slot
	a := revoke(t, k, id)
	for name, change := range map[string]func(k *recovery.Keyring) *recovery.Keyring{
		"adds":    func(k *recovery.Keyring) *recovery.Keyring { return add(t, k, export(byte(k.Header().Revision()))) },
		"rotates": func(k *recovery.Keyring) *recovery.Keyring { return rotate(t, k) },
		"replaces": func(k *recovery.Keyring) *recovery.Keyring {
			k = add(t, k, export(1))
			id, sealed := learn(t, bytesOf(k), export(1)).Slot, must(k.Seal(t.Context(), export(2)))
			return edit(t, k, func(e *recovery.Edit) error { return e.Replace(id, sealed) })
		},
		"new lineage": func(k *recovery.Keyring) *recovery.Keyring {
			return must(k.RotateLineage(t.Context(), words, lost)).Stored()
		},
	} {
		for _, late := range []bool{false, true} { // A has gone on as well
			seen := a
			if late {
				seen = rotate(t, add(t, a, export(9)))
			}
			b := k
			for range 6 {
				b = change(b)
				for _, way := range []recovery.Opener{words, lost} {
					err := openErr(t, bytesOf(b), way, seen.Checkpoint())
					require.Contains(t, []error{recovery.ErrFork, recovery.ErrRollback, recovery.ErrUntrusted}, sentinel(err), "%s: %v", name, err)
				}
			}
		}
	}
}

// TestAttack_VanishedSlot: in one epoch no slot goes and none changes, whoever
// has made the header. With a new master key it may.
func TestAttack_VanishedSlot(t *testing.T) {
	v := victim(t)
	in := v.insider(t)
	now, tried := master(in, v.latest()), 0
	for i := range split(t, v.latest()).Slots {
		for what, change := range map[string]func(p *parts){
			"gone":       func(p *parts) { p.Slots = slices.Delete(p.Slots, i, i+1) },
			"renamed":    func(p *parts) { p.Slots[i].ID = recovery.SlotID(random(16)) },
			"flags":      func(p *parts) { p.Slots[i].Flags ^= 1 },
			"born":       func(p *parts) { p.Slots[i].Born ^= 1 },
			"family":     func(p *parts) { p.Slots[i].Family[15] ^= 1 },
			"params":     func(p *parts) { flip(p.Slots[i].Params, 0) },
			"wrapped":    func(p *parts) { flip(p.Slots[i].Wrapped, 100) },
			"public key": func(p *parts) { flip(p.Slots[i].PublicKey, 1200) },
		} {
			for _, later := range []uint64{1, 2, 100} {
				p := after(t, v.latest(), v.latest(), later)
				change(p)
				p.Sort()
				b := p.Sign(in.Lineage, now)
				if _, err := recovery.ParseHeader(b); err != nil || maps.Equal(slotDigests(p), slotDigests(split(t, v.latest()))) {
					continue // such a flag does not exist, or there was nothing to change
				}
				for _, name := range []string{"phrase", "device", "export"} {
					requireIs(t, recovery.ErrFork, v.end(t, b, v.ways[name], v.latestSeen()), what)
					requireIs(t, recovery.ErrFork, v.follow(t, b, name, v.latestSeen()), what)
				}
				tried++
			}
		}
	}
	require.Greater(t, tried, 100)

	// With a new master key it is accepted.
	p := after(t, v.latest(), v.latest(), 1)
	gone := learn(t, v.latest(), v.ways["export"]).Slot
	p.Slots = slices.DeleteFunc(p.Slots, func(s recoverytest.SlotParts) bool { return s.ID == gone })
	b := nextEpochs(t, p, in, 1)
	require.EqualValues(t, 5, open(t, b, v.someWay(), v.latestSeen()).Epoch())
	requireIs(t, recovery.ErrWrongSecret, openErr(t, b, v.ways["export"], v.latestSeen()))
}

// TestAttack_UnusableCheckpoints: the zero Checkpoint and first use without an
// account are errors. They never mean that nothing is checked.
func TestAttack_UnusableCheckpoints(t *testing.T) {
	v := victim(t)
	for name, way := range v.ways {
		for _, c := range []recovery.Checkpoint{{}, recovery.TrustOnFirstUse(recovery.AccountID{})} {
			requireIs(t, recovery.ErrNoCheckpoint, v.end(t, v.latest(), way, c))
			requireIs(t, recovery.ErrNoCheckpoint, v.follow(t, v.latest(), name, c))
			_, err := c.MarshalBinary()
			requireIs(t, recovery.ErrNoCheckpoint, err)
			_, err = c.MarshalText()
			requireIs(t, recovery.ErrNoCheckpoint, err)
		}
	}
	_, err := v.firstUse().MarshalBinary()
	requireIs(t, recovery.ErrNoCheckpoint, err)
	for _, text := range []string{"", "00", "42424242424242424242424242424242 ", "00000000000000000000000000000000"} {
		requireIs(t, recovery.ErrMalformed, new(recovery.AccountID).UnmarshalText([]byte(text)))
	}
	for _, b := range [][]byte{nil, {}, make([]byte, 16), v.account[:15], append(v.account[:], 0)} {
		_, err := recovery.ParseAccountID(b)
		requireIs(t, recovery.ErrMalformed, err)
	}
}
