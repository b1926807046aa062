package recoverytest_test

import (
	"errors"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// The tools of this package do what they say. A tool that made unusable headers
// would let every attack fail.

func TestSplitAndJoin(t *testing.T) {
	v := victim(t)
	for i, header := range v.headers {
		p := split(t, header)
		h := parse(t, header)
		require.Equal(t, header, p.Join())
		require.Equal(t, h.Account(), p.Account)
		require.Equal(t, h.Revision(), p.Revision)
		require.Equal(t, h.Epoch(), p.Epoch)
		require.Equal(t, h.Floor(), p.Floor)
		require.Equal(t, h.Previous(), p.Previous)
		require.Len(t, p.History, int(h.Epoch()-1))
		for j, s := range h.Slots() {
			require.Equal(t, s.ID, p.Slots[j].ID)
			require.Equal(t, s.Type, slotNames[p.Slots[j].Type])
			require.Equal(t, s.Params, append([]byte{}, p.Slots[j].Params...))
			require.Equal(t, &p.Slots[j], p.Slot(s.ID))
		}
		require.Nil(t, p.Slot(recovery.SlotID{}))
		if i > 0 {
			before := p.Previous
			require.NoError(t, p.Follow(v.headers[i-1]))
			require.Equal(t, before, p.Previous)
			require.Equal(t, header, p.Join())
		}
	}
	for altered := range testvec.Lengths(v.headers[0]) {
		_, err := recoverytest.Split(altered)
		require.Error(t, err)
		require.Error(t, new(parts).Follow(altered))
	}
}

// TestForgedWithAllKeys: with all keys, what this package makes is as good as
// what package recovery makes.
func TestForgedWithAllKeys(t *testing.T) {
	v := victim(t)
	in := v.insider(t)
	p := after(t, v.latest(), v.latest(), 1)
	require.Equal(t, v.latest(), split(t, v.latest()).Sign(in.Lineage, master(in, v.latest())), "the MACs are the same")

	words, seed := phrase(), random(32)
	id := must(p.AddSlot(t.Context(), words, random(32), in.Lineage))
	deviceID := must(p.AddSlot(t.Context(), nil, seed, in.Lineage))
	b := nextEpochs(t, p, in, 1)
	for name, way := range v.ways {
		require.EqualValues(t, 5, open(t, b, way, v.latestSeen()).Epoch(), name)
	}
	k := open(t, b, words, v.latestSeen())
	require.Equal(t, id, k.OpenedBy())
	for e, blob := range v.blobs {
		require.Equal(t, secretOf(e), must(k.UnwrapOld(blob, note)))
		require.Equal(t, "x", string(must(k.UnwrapOld(must(in.Blob([]byte("x"), note, e, e)), note))))
	}
	require.Equal(t, "x", string(must(k.Unwrap(must(in.Blob([]byte("x"), note, 5, 5)), note))))
	device := &recoverytest.Holder{Account: v.account, Slot: deviceID, Seed: seed, Masters: map[uint32][]byte{}}
	require.NoError(t, device.Learn(b))
	require.Equal(t, in.Masters, device.Masters)
	// And an honest client goes on from there.
	require.EqualValues(t, 6, rotate(t, k).Epoch())
	require.NoError(t, parse(t, b).Follows(parse(t, v.latest())))
}

// TestForgeriesAreTheHolders: each forgery is accepted by a device that has not
// seen the removal, or is refused for one reason: the keys.
func TestForgeriesAreTheHolders(t *testing.T) {
	v := victim(t)
	forgeries := must(v.goneKnew.Forgeries(v.latest()))
	require.Len(t, forgeries, 11)
	opened := 0
	for what, forged := range forgeries {
		h, err := recovery.ParseHeader(forged)
		require.NoError(t, err, what)
		_, err = recovery.Open(t.Context(), h, v.someWay(), v.firstUse())
		if err == nil {
			opened++
		}
	}
	require.GreaterOrEqual(t, opened, 6)
	_, err := recoverytest.NewHolder(phrase()).Forgeries(v.latest())
	require.Error(t, err)
	_, err = v.goneKnew.Forgeries(nil)
	require.Error(t, err)
}

func TestHolder(t *testing.T) {
	v := victim(t)
	h := recoverytest.NewHolder(v.gone)
	require.Error(t, h.Learn(v.headers[2]), "it has opened nothing")
	requireIs(t, recovery.ErrWrongSecret, openErr(t, v.headers[3], h, v.firstUse()))
	require.Nil(t, h.Seed)
	k := open(t, v.headers[2], h, v.firstUse())
	require.Equal(t, k.OpenedBy(), h.Slot)
	require.Equal(t, v.account, h.Account)
	require.NoError(t, h.Learn(v.headers[2]))
	require.NoError(t, h.Learn(v.headers[1]))
	require.Error(t, h.Learn(v.headers[3]))
	require.Error(t, h.Learn(nil))
	require.Equal(t, v.goneKnew.Masters, h.Masters)
	_, err := h.Blob([]byte("x"), note, 3, 3)
	require.Error(t, err)
	_, err = h.Blob(nil, note, 2, 2)
	require.Error(t, err)
}

func TestBadKeys(t *testing.T) {
	p := split(t, victim(t).latest())
	_, err := p.AddSlot(t.Context(), nil, random(31), random(32))
	require.Error(t, err)
	_, err = p.AddSlot(t.Context(), recovery.Passkey{}, random(32), random(32))
	require.Error(t, err)
	require.Error(t, p.Rekey(5, nil))
	require.Error(t, p.Rekey(5, map[uint32][]byte{4: random(32), 5: random(31)}))
	p.Slots[0].PublicKey = random(7)
	require.Error(t, p.Rekey(5, map[uint32][]byte{5: random(32)}))
}

func TestRemote(t *testing.T) {
	words, remote := phrase(), new(recoverytest.Remote)
	a := create(t, words)
	b, c := rotate(t, a), add(t, a, export(1))
	swap := func(k *recovery.Keyring) error { return remote.Swap(t.Context(), k.Header().Previous(), bytesOf(k)) }
	require.Nil(t, must(remote.Fetch(t.Context())))
	requireIs(t, recovery.ErrConflict, swap(b))
	require.NoError(t, swap(a))
	requireIs(t, recovery.ErrConflict, swap(a))
	requireIs(t, recovery.ErrConflict, remote.Swap(t.Context(), [32]byte{}, bytesOf(b)))
	requireIs(t, recovery.ErrConflict, remote.Swap(t.Context(), [32]byte{}, nil))
	fork := remote.Fork()
	require.NoError(t, swap(b))
	requireIs(t, recovery.ErrConflict, swap(c))
	require.NoError(t, fork.Swap(t.Context(), c.Header().Previous(), bytesOf(c)))
	require.Equal(t, bytesOf(b), must(remote.Fetch(t.Context())))
	require.Equal(t, bytesOf(c), must(fork.Fetch(t.Context())))
	require.Equal(t, [][]byte{bytesOf(b), bytesOf(a), nil, bytesOf(c)}, remote.Headers())

	// A served header is the one that is stored, for Swap too.
	remote.Serve(bytesOf(a))
	require.NoError(t, swap(c))
	remote.Serve([]byte("x"))
	require.Equal(t, "x", string(must(remote.Fetch(t.Context()))))
	requireIs(t, recovery.ErrConflict, swap(b))
	remote.Serve(nil)
	require.Nil(t, must(remote.Fetch(t.Context())))

	failed := errors.New("failed")
	for _, run := range []bool{false, true} {
		for _, want := range []error{nil, failed} {
			remote := new(recoverytest.Remote)
			var writes []bool
			remote.Fault = func(write bool) (bool, error) { writes = append(writes, write); return run, want }
			require.Equal(t, want, remote.Swap(t.Context(), [32]byte{}, bytesOf(a)))
			require.Equal(t, run, remote.Stored() != nil)
			require.Len(t, remote.Headers(), 1)
			got, err := remote.Fetch(t.Context())
			require.Equal(t, want, err)
			require.Equal(t, run && want == nil, got != nil)
			require.Equal(t, []bool{true, false}, writes)
		}
	}
}

func TestLocal(t *testing.T) {
	local := new(recoverytest.Local)
	require.Nil(t, must(local.Load(t.Context())))
	requireIs(t, recovery.ErrConflict, local.Swap(t.Context(), []byte("a"), []byte("b")))
	require.NoError(t, local.Swap(t.Context(), nil, []byte("a")))
	backup := local.Clone()
	requireIs(t, recovery.ErrConflict, local.Swap(t.Context(), nil, []byte("b")))
	require.NoError(t, local.Swap(t.Context(), []byte("a"), []byte("b")))
	require.Equal(t, "a", string(must(backup.Load(t.Context()))))
	require.NoError(t, local.Swap(t.Context(), []byte("b"), nil))
	require.Nil(t, must(local.Load(t.Context())))

	failed := errors.New("failed")
	for _, run := range []bool{false, true} {
		local.Fault = func(bool) (bool, error) { return run, failed }
		require.Equal(t, failed, local.Swap(t.Context(), nil, []byte("c")))
		_, err := local.Load(t.Context())
		require.Equal(t, failed, err)
		local.Fault = nil
		require.Equal(t, run, must(local.Load(t.Context())) != nil)
	}
}
