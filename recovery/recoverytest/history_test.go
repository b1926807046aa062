package recoverytest_test

import (
	"maps"
	"math"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// Epochs, histories and floors that nobody may change, whoever makes the
// header.

// nextEpochs makes p a header that is so many epochs later, with all keys. The
// insider learns the new ones.
func nextEpochs(t testing.TB, p *parts, in *recoverytest.Holder, epochs uint32) []byte {
	t.Helper()
	now := p.Epoch + epochs
	for e := max(p.Epoch, now-min(now, 256)); e < now; e++ {
		in.Masters[e+1] = random(32)
	}
	p.Floor = max(p.Floor, uint32(max(1, int64(now)-255)))
	require.NoError(t, p.Rekey(now, in.Masters))
	return p.Sign(in.Lineage, in.Masters[now])
}

// TestAttack_EpochJump: the epoch grows by one a revision at most, whoever has
// made the header and however good its history is.
func TestAttack_EpochJump(t *testing.T) {
	for _, c := range []struct {
		later  uint64
		epochs uint32
		want   error
	}{
		{1, 1, nil}, {2, 1, nil}, {2, 2, nil}, {255, 255, nil},
		{1, 2, recovery.ErrUntrusted}, {2, 3, recovery.ErrUntrusted}, {1, 200, recovery.ErrUntrusted}, {254, 255, recovery.ErrUntrusted},
		// As many revisions, but the history does not reach back.
		{256, 256, recovery.ErrUntrusted}, {1000, 256, recovery.ErrUntrusted}, {math.MaxUint64 - 1000, 300, recovery.ErrUntrusted},
		{math.MaxUint64 - 1000, math.MaxUint32 - 1, recovery.ErrUntrusted},
	} {
		words := phrase()
		first := bytesOf(create(t, words))
		in := learn(t, first, words)
		// An account with many revisions and one epoch.
		p := after(t, first, first, 999)
		k := open(t, p.Sign(in.Lineage, in.Masters[1]), words, recovery.TrustOnFirstUse(p.Account))
		b := nextEpochs(t, after(t, bytesOf(k), bytesOf(k), c.later), in, c.epochs)
		got, err := recovery.Open(t.Context(), parse(t, b), words, k.Checkpoint())
		if c.want == nil {
			require.NoError(t, err)
			require.Equal(t, 1+c.epochs, got.Epoch())
			continue
		}
		require.Nil(t, got)
		require.Equal(t, c.want, sentinel(err), "%v: no error asks to drop the checkpoint", c)
	}
}

// flip changes a byte, if there is one.
func flip(b []byte, at int) {
	if at < len(b) {
		b[at] ^= 1
	}
}

// TestAttack_HistoryEndsElsewhere: whoever makes the header, the history leads
// to the master key that the device has seen.
func TestAttack_HistoryEndsElsewhere(t *testing.T) {
	v := victim(t)
	in := v.insider(t)
	now := master(in, v.latest())
	for e := uint32(1); e < 4; e++ {
		for what, entry := range map[string]func(p *parts){
			"another key": func(p *parts) {
				keys := maps.Clone(in.Masters)
				keys[e] = random(32)
				require.NoError(t, p.Rekey(4, keys))
			},
			"no wrap":      func(p *parts) { p.History[e-1] = randomWrap(106) },
			"zeros":        func(p *parts) { p.History[e-1] = make([]byte, 106) },
			"another's":    func(p *parts) { p.History[e-1] = p.History[e%3] },
			"then's":       func(p *parts) { p.History[e-1] = append(p.History[e-1][:58:58], random(48)...) },
			"another salt": func(p *parts) { p.History[e-1][2] ^= 1 },
		} {
			p := after(t, v.latest(), v.latest(), 1)
			entry(p)
			b := p.Sign(in.Lineage, now)
			h := parse(t, b)
			for i, c := range v.seen {
				k, err := recovery.Open(t.Context(), h, v.someWay(), c)
				seen := splitCheckpoint(must(c.MarshalBinary())).epoch
				if seen > e || seen < e && what == "another key" { // the key of that epoch alone is not the account's
					require.NoError(t, err, "%s of epoch %d, revision %d", what, e, i+1)
					continue
				}
				require.Nil(t, k)
				requireIs(t, recovery.ErrUntrusted, err, "%s of epoch %d, revision %d", what, e, i+1)
			}
			// On first use the present is right, and the past does not open.
			k := open(t, b, v.someWay(), v.firstUse())
			_, err := k.UnwrapOld(v.blobs[e], note)
			requireIs(t, recovery.ErrUntrusted, err, what)
			secret, err := k.Unwrap(v.blobs[4], note)
			require.NoError(t, err)
			require.Equal(t, secretOf(4), secret)
		}
	}
}

// TestAttack_FloorFalls: a floor that a device has seen does not fall, whoever
// says so. A server does not store such a header.
func TestAttack_FloorFalls(t *testing.T) {
	v := victim(t)
	k := open(t, v.latest(), v.someWay(), v.latestSeen())
	closed := edit(t, k, func(e *recovery.Edit) error { return e.CloseBefore(3) })
	in := v.insider(t)
	for floor := uint32(1); floor <= 4; floor++ {
		for _, later := range []uint64{1, 2, 9} {
			p := after(t, bytesOf(closed), bytesOf(closed), later)
			p.Floor = floor
			b := p.Sign(in.Lineage, master(in, v.latest()))
			_, err := recovery.Open(t.Context(), parse(t, b), v.someWay(), closed.Checkpoint())
			_, followed := closed.Follow(parse(t, b), closed.Checkpoint())
			stored := parse(t, b).Follows(closed.Header())
			if floor < 3 {
				requireIs(t, recovery.ErrRollback, err)
				requireIs(t, recovery.ErrRollback, followed)
				require.ErrorIs(t, stored, recovery.ErrUntrusted)
				continue
			}
			require.NoError(t, err)
			require.NoError(t, followed)
			if later == 1 {
				require.NoError(t, stored)
			}
		}
	}
	// Without the keys a floor neither falls nor rises.
	for floor := uint32(1); floor <= 4; floor++ {
		for later := range uint64(2) {
			p := split(t, bytesOf(closed))
			if later > 0 {
				p = after(t, bytesOf(closed), bytesOf(closed), later)
			}
			p.Floor = floor
			if later == 0 && floor == 3 {
				continue
			}
			for _, c := range append(v.anySeen(), closed.Checkpoint()) {
				require.Error(t, v.end(t, p.Join(), v.someWay(), c))
				require.Error(t, v.end(t, p.Sign(v.goneKnew.Lineage, nil), v.someWay(), c), "with a removed holder")
			}
		}
	}
}
