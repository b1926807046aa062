package recoverytest_test

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// reachable is the memory without what the collector has found. Packages
// crypto/hkdf, crypto/hmac and crypto/hpke leave copies of keys there, which
// nothing can clear.
func reachable(t testing.TB) testvec.Memory {
	t.Helper()
	for range 2 {
		runtime.GC()
	}
	return testvec.Heap(t)
}

// requireCleared searches the memory for the keys that the holders of secrets
// learn from headers. They are learned after the search.
func requireCleared(t testing.TB, headers [][]byte, words *recovery.Phrase) {
	t.Helper()
	heap := reachable(t)
	found := make(map[string]bool)
	for i, header := range headers {
		in := learn(t, header, words)
		keys := map[string][]byte{"lineage key": in.Lineage, "seed": in.Seed, "MAC key of the lineage": derived(in.Lineage, "nescio/keyring/v1")}
		for e, key := range in.Masters {
			keys[fmt.Sprint("master key ", e)] = key
			keys[fmt.Sprint("data key ", e)] = derived(key, "nescio/keyring/data/v1")
			keys[fmt.Sprint("MAC key ", e)] = derived(key, "nescio/keyring/v1")
		}
		for what, key := range keys {
			if heap.Holds(key) {
				found[fmt.Sprintf("%s, header %d", what, i+1)] = true
			}
		}
	}
	require.Empty(t, slices.Sorted(maps.Keys(found)))
}

// TestNothingIsLeftOfAKeyring: a snapshot that is destroyed has no key, also if
// the program still holds it.
func TestNothingIsLeftOfAKeyring(t *testing.T) {
	words := phrase()
	var headers [][]byte
	var rings []*recovery.Keyring
	testvec.Elsewhere(func() {
		k := create(t, words)
		next := rotate(t, k)
		rings = []*recovery.Keyring{k, next, open(t, bytesOf(next), words, k.Checkpoint()), must(k.Follow(next.Header(), k.Checkpoint()))}
		for _, k := range rings {
			must(k.UnwrapOld(must(k.Wrap(secretOf(1), note)), note))
		}
		must(rings[2].UnwrapOld(must(k.Wrap(secretOf(1), note)), note))
		headers = [][]byte{bytesOf(k), bytesOf(next)}
		for _, k := range rings {
			k.Destroy()
		}
	})
	requireCleared(t, headers, words)
	runtime.KeepAlive(rings)
}

// TestNothingIsLeftOfAClient: a client that is closed has no key, neither of
// the present nor of keyrings that it had before, nor of a change that is not
// confirmed.
func TestNothingIsLeftOfAClient(t *testing.T) {
	words := phrase()
	for _, confirmed := range []bool{true, false} {
		d := newDevice(new(recoverytest.Remote))
		testvec.Elsewhere(func() {
			require.NoError(t, d.Create(t.Context(), words))
			must(d.Add(t.Context(), export(1)))
			require.NoError(t, d.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
			require.NoError(t, d.Refresh(t.Context()))
			must(d.Unwrap(must(d.Wrap(secretOf(1), note)), note))
			if !confirmed {
				d.remote.Fault = func(bool) (bool, error) { return true, errOffline }
				require.Error(t, d.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
				d.remote.Fault = nil
			}
			d.Close()
		})
		requireCleared(t, d.remote.Headers(), words)
		_, err := d.Wrap([]byte("x"), note)
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
}

// TestNothingIsLeftOfDroppedSnapshots: a client that goes on has no key of
// keyrings that it had before, except what the history gives.
func TestNothingIsLeftOfDroppedSnapshots(t *testing.T) {
	words := phrase()
	d := newDevice(new(recoverytest.Remote))
	testvec.Elsewhere(func() {
		require.NoError(t, d.Create(t.Context(), words))
		require.NoError(t, d.RotateLineage(t.Context(), words))
	})
	heap := reachable(t)
	before, now := learn(t, d.remote.Headers()[0], words), learn(t, d.remote.Stored(), words)
	require.False(t, heap.Holds(before.Lineage))
	require.False(t, heap.Holds(before.Seed))
	require.True(t, heap.Holds(now.Lineage))
	require.NoError(t, d.Refresh(t.Context()))
}

// TestHeapSearchFinds is its proof: a keyring that is open has its keys in
// memory.
func TestHeapSearchFinds(t *testing.T) {
	words := phrase()
	k := create(t, words)
	heap := reachable(t)
	in := learn(t, bytesOf(k), words)
	for _, key := range [][]byte{in.Lineage, in.Seed, in.Masters[1], derived(in.Masters[1], "nescio/keyring/data/v1")} {
		require.True(t, heap.Holds(key))
	}
	k.Destroy()
}
