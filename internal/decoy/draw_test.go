package decoy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/decoy"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

func TestNewDrawRefuses(t *testing.T) {
	twice := kinds(1, 2, 0)
	twice[2].Digest = twice[0].Digest
	for _, v := range []struct {
		key   [decoy.KeySize]byte
		kinds []decoy.KindWeight
		want  error
	}{
		{[decoy.KeySize]byte{}, kinds(1), decoy.ErrZeroKey},
		{key, nil, decoy.ErrKindCount},
		{key, equal(decoy.MaxKinds+1, 1), decoy.ErrKindCount},
		{key, kinds(1, decoy.MaxWeight+1), decoy.ErrWeight},
		{key, kinds(1, math.MaxUint32), decoy.ErrWeight},
		{key, kinds(0, 0), decoy.ErrNoWeight},
		{key, twice, decoy.ErrDuplicateKind},
	} {
		d, err := decoy.NewDraw(v.key, v.kinds)
		require.ErrorIs(t, err, v.want)
		require.Nil(t, d)
	}
	draw(t, equal(decoy.MaxKinds, decoy.MaxWeight))
	draw(t, kinds(0, 1))
}

func TestDrawHidesItsKey(t *testing.T) {
	d := draw(t, kinds(1, 2))
	testvec.Redacted(t, d, key[:])
	testvec.Redacted(t, struct{ d *decoy.Draw }{d}, key[:])
	testvec.Redacted(t, struct{ d decoy.Draw }{*d}, key[:])
}

func TestDrawKeepsACopyOfTheKinds(t *testing.T) {
	list := kinds(1, 0)
	d := draw(t, list)
	list[0].Weight, list[1].Weight = 0, 1
	for i := range 100 {
		require.Zero(t, d.Pick(name(i)))
	}
}

func TestAnotherKeyDrawsOtherKinds(t *testing.T) {
	d := draw(t, equal(16, 1))
	other, err := decoy.NewDraw([decoy.KeySize]byte{1}, equal(16, 1))
	require.NoError(t, err)
	agree := 0
	for i := range 1600 {
		if d.Pick(name(i)) == other.Pick(name(i)) {
			agree++
		}
	}
	require.InDelta(t, 100, agree, 40)
}

// sizes are numbers of kinds, with how many names the tests try on each.
var sizes = []struct{ kinds, names int }{{2, 2000}, {3, 2000}, {17, 1000}, {256, 300}}

// lists calls f with lists of random weights of several sizes. A fifth of the
// weights are 0, and the first never is.
func lists(t *testing.T, f func(t *testing.T, random *rand.Rand, list []decoy.KindWeight, ids [][]byte)) {
	for _, size := range sizes {
		t.Run(fmt.Sprint(size.kinds), func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, uint64(size.kinds)))
			for range 4 {
				weights := make([]uint32, size.kinds)
				limit := uint32(1) << (1 + random.IntN(20))
				for i := range weights {
					if i == 0 || random.IntN(5) > 0 {
						weights[i] = 1 + random.Uint32N(limit)
					}
				}
				ids := make([][]byte, size.names)
				for i := range ids {
					ids[i] = name(random.Int())
				}
				f(t, random, kinds(weights...), ids)
			}
		})
	}
}

// TestAddingAndRemoving: adding a kind moves only names that land on it.
// Removing it again, which is the same comparison read backwards, moves only
// names that were on it. A kind with weight 0 moves none.
func TestAddingAndRemoving(t *testing.T) {
	lists(t, func(t *testing.T, random *rand.Rand, list []decoy.KindWeight, ids [][]byte) {
		with := draw(t, list)
		changed := 1 + random.IntN(len(list)-1)
		without := slices.Delete(slices.Clone(list), changed, changed+1)
		less := draw(t, without)
		for _, id := range ids {
			kind := list[with.Pick(id)]
			require.NotZero(t, kind.Weight)
			if kind != list[changed] {
				require.Equal(t, kind, without[less.Pick(id)])
			}
		}
	})
}

func TestRaisingAWeightMovesNamesOnlyToIt(t *testing.T) {
	lists(t, func(t *testing.T, random *rand.Rand, list []decoy.KindWeight, ids [][]byte) {
		before := draw(t, list)
		raised := random.IntN(len(list))
		more := slices.Clone(list)
		more[raised].Weight = decoy.MaxWeight
		after := draw(t, more)
		moved := 0
		for _, id := range ids {
			from, to := before.Pick(id), after.Pick(id)
			if from != to {
				require.Equal(t, raised, to)
				moved++
			}
		}
		if list[raised].Weight < decoy.MaxWeight/2 {
			require.NotZero(t, moved)
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	lists(t, func(t *testing.T, random *rand.Rand, list []decoy.KindWeight, ids [][]byte) {
		shuffled := slices.Clone(list)
		random.Shuffle(len(list), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		d, other := draw(t, list), draw(t, shuffled)
		for _, id := range ids {
			require.Equal(t, list[d.Pick(id)], shuffled[other.Pick(id)])
		}
	})
}

func TestPickAmongIsADrawOfItsOwn(t *testing.T) {
	lists(t, func(t *testing.T, random *rand.Rand, list []decoy.KindWeight, ids [][]byte) {
		n := 1 + random.IntN(len(list))
		all, few := draw(t, list), draw(t, list[:n])
		for _, id := range ids {
			among := all.PickAmong(id, n)
			require.Equal(t, few.Pick(id), among)
			if winner := all.Pick(id); winner < n {
				require.Equal(t, winner, among, "the winner of all wins among some")
			}
		}
	})
}

func TestPickAmongKindsWithoutWeight(t *testing.T) {
	d, as := draw(t, kinds(0, 0, 0, 5)), draw(t, kinds(1, 1, 1))
	for i := range 1000 {
		require.Equal(t, as.Pick(name(i)), d.PickAmong(name(i), 3))
		require.Equal(t, 3, d.Pick(name(i)))
	}
	for _, n := range []int{-1, 0, 5} {
		require.Panics(t, func() { d.PickAmong(nil, n) })
	}
}

func TestRemovingTheOldestWithoutWeightChangesNothing(t *testing.T) {
	list := kinds(0, 30, 50, 20)
	d, less := draw(t, list), draw(t, list[1:])
	for i := range 2000 {
		require.Equal(t, d.Pick(name(i)), 1+less.Pick(name(i)))
	}
}

func TestOneMoreThanFifty(t *testing.T) {
	const names = 10_000
	list := equal(51, 1)
	before, after := draw(t, list[:50]), draw(t, list)
	moved := 0
	for i := range names {
		from, to := before.Pick(name(i)), after.Pick(name(i))
		if from != to {
			require.Equal(t, 50, to)
			moved++
		}
	}
	require.InDelta(t, names/51, moved, 42, "three standard deviations")
}

func TestManyEqualKindsAreDrawnEvenly(t *testing.T) {
	const names = 8000
	d := draw(t, equal(decoy.MaxKinds, 1))
	quarters := make([]int, 4)
	for i := range names {
		quarters[d.Pick(name(i))*4/decoy.MaxKinds]++
	}
	require.True(t, fits(quarters, []uint32{1, 1, 1, 1}), "%v", quarters)
}

func TestSharesFollowTheWeights(t *testing.T) {
	for _, weights := range [][]uint32{
		{1, 1}, {1, 3}, {0, 1, 0, 3}, {1 << 20, 1 << 20, 1 << 19}, {1, 1000}, {99, 1, 900}, {5, 4, 3, 2, 1, 1 << 3},
	} {
		t.Run(fmt.Sprint(weights), func(t *testing.T) {
			counts := shares(t, kinds(weights...))
			require.True(t, fits(counts, weights), "%v", counts)
		})
	}
}

// TestSharesTestFindsABias: the test of the shares fails for a draw that ignores
// weights, and for weights that are 10% off.
func TestSharesTestFindsABias(t *testing.T) {
	require.False(t, fits(shares(t, equal(3, 1)), []uint32{2, 3, 2}))
	require.False(t, fits(shares(t, kinds(100, 100)), []uint32{100, 110}))
	require.False(t, fits(shares(t, kinds(1, 1)), []uint32{1, 0}))
}

// shares counts how many of 20,000 names have each kind.
func shares(t *testing.T, list []decoy.KindWeight) []int {
	d := draw(t, list)
	counts := make([]int, len(list))
	for i := range 20_000 {
		counts[d.Pick(name(i))]++
	}
	return counts
}

// fits is the chi-squared test of counts against weights. A sound draw fails
// it once in 1,000 runs, but key and names are fixed, so that it never flakes.
// The critical value is by Wilson and Hilferty's approximation.
func fits(counts []int, weights []uint32) bool {
	var names, total, statistic float64
	freedom := -1.0
	for i, n := range counts {
		names += float64(n)
		total += float64(weights[i])
	}
	for i, n := range counts {
		want := names * float64(weights[i]) / total
		if want == 0 {
			if n != 0 {
				return false
			}
			continue
		}
		freedom++
		statistic += (float64(n) - want) * (float64(n) - want) / want
	}
	const quantile = 3.09 // of the normal distribution
	a := 2 / (9 * freedom)
	return statistic < freedom*math.Pow(1-a+quantile*math.Sqrt(a), 3)
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{1, 2, 16, 256} {
		b.Run(fmt.Sprintf("kinds=%d", n), func(b *testing.B) {
			d := draw(b, equal(n, 1))
			id := []byte("alice@example.org")
			b.ReportAllocs()
			for b.Loop() {
				d.Pick(id)
			}
		})
	}
}
