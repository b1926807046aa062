package safeprime_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// startOf is a start of so many bits, fixed for a label.
func startOf(bits int, label string) *big.Int {
	b := testvec.NewAccumulated(label).Input(bits / 8)
	b[0] |= 0x80
	return new(big.Int).SetBytes(b)
}

// findFirst finds the first hit from a start on.
func findFirst(t testing.TB, start *big.Int, workers int) *big.Int {
	base := safeprime.FirstSlot(start)
	s := &safeprime.Search{Base: base, End: 1 << 40, Workers: workers}
	slot, found, _, err := s.Run(t.Context())
	require.NoError(t, err)
	require.True(t, found)
	return safeprime.Slot(base, slot)
}

// isClass is the definition: p and q prime, p ≡ 11 (mod 24).
func isClass(p *big.Int) bool {
	q := new(big.Int).Rsh(p, 1)
	return new(big.Int).Mod(p, big.NewInt(24)).Int64() == 11 && p.ProbablyPrime(20) && q.ProbablyPrime(20)
}

// firstByHand walks all numbers.
func firstByHand(start *big.Int) *big.Int {
	p := new(big.Int).Set(start)
	for !isClass(p) {
		p.Add(p, big.NewInt(1))
	}
	return p
}

var exhaustive = flag.Bool("exhaustive", false, "search from every start of 16 to 24 bits, for some minutes")

// TestSearchIsExactFrom16To24Bits: from every start of 16 to 24 bits the search
// finds what a table of all primes says. Without -exhaustive it tries every
// start up to 19 bits and one in 31 from there on.
func TestSearchIsExactFrom16To24Bits(t *testing.T) {
	const limit = 1<<24 + 1<<16
	composite := make([]bool, limit)
	for r := 2; r*r < limit; r++ {
		for m := r * r; !composite[r] && m < limit; m += r {
			composite[m] = true
		}
	}
	next := make([]uint32, limit) // the first hit from there on
	for p := limit - 1; p > 0; p-- {
		if p < limit-1 {
			next[p] = next[p+1]
		}
		if p > 11 && p%24 == 11 && !composite[p] && !composite[p/2] {
			next[p] = uint32(p)
		}
	}
	// All starts of one slot have one base, from which it is enough to
	// search once.
	var last, found uint64
	for start, step := uint64(1<<15), uint64(1); start < 1<<24; start += step {
		if !*exhaustive && start >= 1<<19 {
			step = 24*31 + 1
		}
		if !testvec.Long {
			step = 24*997 + 1
		}
		if base := safeprime.FirstSlot(new(big.Int).SetUint64(start)); base.Uint64() != last {
			last = base.Uint64()
			found = findFirst(t, base, 1).Uint64()
		}
		if found != uint64(next[start]) {
			t.Fatalf("from %d: found %d, want %d", start, found, next[start])
		}
	}
}

// TestSearchIsExactTo64Bits, on a sample.
func TestSearchIsExactTo64Bits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	samples := 20
	if !testvec.Long {
		samples = 3
	}
	for bits := 25; bits <= 64; bits++ {
		for range samples {
			start := new(big.Int).SetUint64(1<<63 | r.Uint64())
			start.Rsh(start, uint(64-bits))
			require.Equal(t, firstByHand(start).Uint64(), findFirst(t, start, 1+r.IntN(3)).Uint64(), "from %v", start)
		}
	}
}

// TestFirstIsFirst walks every slot before a hit of 256 bits.
func TestFirstIsFirst(t *testing.T) {
	for i := range 3 {
		start := startOf(256, fmt.Sprint("first ", i))
		found := findFirst(t, start, 2)
		require.True(t, isClass(found))
		walked := 0
		for p := safeprime.FirstSlot(start); p.Cmp(found) < 0; p.Add(p, big.NewInt(24)) {
			require.False(t, isClass(p))
			walked++
		}
		require.Positive(t, walked)
		require.Equal(t, -1, new(big.Int).Sub(safeprime.FirstSlot(start), start).Cmp(big.NewInt(24)))
	}
}

// TestSieveStrikesTheRightSlots, by its definition, over primes of one and more
// blocks and sizes of base that are and are not a power of two of limbs.
func TestSieveStrikesTheRightSlots(t *testing.T) {
	for bits, depth := range map[int]uint64{64: 1 << 10, 192: 2000, 256: 1 << 20, 448: 3001} {
		base := safeprime.FirstSlot(startOf(bits, "sieve"))
		const slots = 5000
		left := safeprime.Sieve(t.Context(), base, slots, 2, depth)
		want := make([]bool, slots)
		residue := new(big.Int)
		for _, r := range safeprime.SmallPrimes(uint32(depth) + 1) {
			rem := residue.Mod(base, big.NewInt(int64(r))).Uint64()
			for i := range uint64(slots) {
				if v := (rem + 24*i) % uint64(r); v <= 1 {
					want[i] = true
				}
			}
		}
		for i := range uint32(slots) {
			_, got := slices.BinarySearch(left, i)
			require.Equal(t, !want[i], got, "slot %d of %d bits", i, bits)
		}
	}
}

func TestPrimesOfBlocks(t *testing.T) {
	const limit = 3*safeprime.BlockSpan + 1000
	want := safeprime.SmallPrimes(limit + 1)
	var got []uint32
	for index := uint64(0); index <= 3; index++ {
		got = append(got, safeprime.BlockPrimes(index, limit)...)
	}
	require.Equal(t, want, got)
	require.Equal(t, []uint32{5, 7, 11, 13}, safeprime.SmallPrimes(14))
	for i, r := range want {
		if i%8 != 0 && !testvec.Long {
			continue
		}
		if !big.NewInt(int64(r)).ProbablyPrime(0) {
			t.Fatal(r)
		}
	}
}

// TestSurvivorsFollowTheFormula within 2 % over 10^7 slots.
func TestSurvivorsFollowTheFormula(t *testing.T) {
	slots, chunk := 10_000_000, 1_000_000
	if !testvec.Long {
		slots = 2_000_000
	}
	base := safeprime.FirstSlot(startOf(512, "survivors"))
	const depth = 1 << 16
	left := 0
	for at := 0; at < slots; at += chunk {
		left += len(safeprime.Sieve(t.Context(), safeprime.Slot(base, uint64(at)), chunk, 2, depth))
	}
	want := safeprime.TestsPerHit(base, depth) / safeprime.SlotsPerHit(base)
	require.InEpsilon(t, want, float64(left)/float64(slots), 0.02)
}

// TestSlotsPerHitFollowTheFormula within 10 % over 1,000 hits of 256 bits.
func TestSlotsPerHitFollowTheFormula(t *testing.T) {
	hits, tolerance := 1000, 0.10
	if !testvec.Long {
		hits, tolerance = 100, 0.35
	}
	base := safeprime.FirstSlot(startOf(256, "hits"))
	next := uint64(0)
	for range hits {
		s := &safeprime.Search{Base: base, First: next, End: 1 << 40, Workers: 2}
		slot, found, _, err := s.Run(t.Context())
		require.NoError(t, err)
		require.True(t, found)
		next = slot + 1
	}
	t.Logf("%.0f slots a hit", float64(next)/float64(hits))
	require.InEpsilon(t, safeprime.SlotsPerHit(base), float64(next)/float64(hits), tolerance)
}

// TestAnswerDoesNotDependOnWorkers, nor on ranges.
func TestAnswerDoesNotDependOnWorkers(t *testing.T) {
	for i := range 4 {
		start := startOf(256, fmt.Sprint("workers ", i))
		want := findFirst(t, start, 1)
		for _, workers := range []int{0, 2, 3, 8} {
			require.Equal(t, want, findFirst(t, start, workers))
		}
		base := safeprime.FirstSlot(start)
		var best *big.Int
		for first := uint64(0); best == nil; first += 500 {
			s := &safeprime.Search{Base: base, First: first, End: first + 500, Workers: 2}
			slot, found, p, err := s.Run(t.Context())
			require.NoError(t, err)
			if found {
				best = safeprime.Slot(base, slot)
				require.Equal(t, slot, p.Next)
			} else {
				require.Equal(t, first+500, p.Next)
			}
		}
		require.Equal(t, want, best)
	}
}

// TestCancelledSearchGoesOn: wherever it was stopped, it ends with the same.
func TestCancelledSearchGoesOn(t *testing.T) {
	start := startOf(512, "cancel")
	base := safeprime.FirstSlot(start)
	want := findFirst(t, start, 2)
	stops := 0
	for first := uint64(0); ; stops++ {
		// Longer each time, so that a slow machine gets there too.
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(25+5*stops)*time.Millisecond)
		s := &safeprime.Search{Base: base, First: first, End: 1 << 40, Workers: 2}
		slot, found, p, err := s.Run(ctx)
		cancel()
		if err == nil {
			require.True(t, found)
			require.Equal(t, want, safeprime.Slot(base, slot))
			break
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.GreaterOrEqual(t, p.Next, first)
		first = p.Next
	}
	t.Logf("stopped %d times", stops)
}

// TestCancelIsQuick: within 100 ms, of a search of 4096 bits.
func TestCancelIsQuick(t *testing.T) {
	best := time.Hour
	for range 5 {
		for _, after := range []time.Duration{20 * time.Millisecond, 300 * time.Millisecond} {
			ctx, cancel := context.WithCancel(t.Context())
			var mu sync.Mutex
			var cancelled time.Time
			time.AfterFunc(after, func() {
				mu.Lock()
				defer mu.Unlock()
				cancelled = time.Now()
				cancel()
			})
			s := &safeprime.Search{Base: safeprime.FirstSlot(startOf(4096, "quick")), End: 1 << 40, Workers: 2}
			_, _, _, err := s.Run(ctx)
			require.ErrorIs(t, err, context.Canceled)
			mu.Lock()
			best = min(best, time.Since(cancelled))
			mu.Unlock()
		}
		if best < 100*time.Millisecond {
			return
		}
	}
	t.Errorf("it took %v", best)
}

func TestReports(t *testing.T) {
	var reports []safeprime.Progress
	s := &safeprime.Search{
		Base: safeprime.FirstSlot(startOf(512, "reports")), End: 1 << 40, Workers: 2,
		Report: func(p safeprime.Progress) { reports = append(reports, p) },
	}
	slot, found, p, err := s.Run(t.Context())
	require.NoError(t, err)
	require.True(t, found)
	require.NotEmpty(t, reports)
	require.True(t, slices.IsSortedFunc(reports, func(a, b safeprime.Progress) int { return int(a.Next) - int(b.Next) }))
	require.Equal(t, slot, p.Next)
	require.Positive(t, p.Tests)
	require.GreaterOrEqual(t, p.Slots, slot)
}

// TestDepthIsWhereItPays: the rule stops near the depth at which another prime
// costs what it saves.
func TestDepthIsWhereItPays(t *testing.T) {
	base := safeprime.FirstSlot(startOf(2048, "depth"))
	const perPrime, test = 100 * time.Nanosecond, 4 * time.Millisecond
	depth := uint64(1 << 14)
	for ; safeprime.Worthwhile(base, depth, 1000, 1000*perPrime, test); depth *= 2 {
	}
	best, at := math.Inf(1), 0.0
	for b := math.Exp2(14); b < math.Exp2(32); b *= 1.1 {
		cost := safeprime.TestsPerHit(base, b)*float64(test) + b/math.Log(b)*float64(perPrime)
		if cost < best {
			best, at = cost, b
		}
	}
	require.InDelta(t, math.Log2(at), math.Log2(float64(depth)), 1.2)
}

// TestResiduesAreRight, by either way.
func TestResiduesAreRight(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, bits := range []int{64, 128, 192, 512, 2048, 3072, 4096, 8192} {
		n := startOf(bits, "residues")
		for range 200 {
			m, k := r.Uint64()>>(1+r.IntN(50))|1, r.Uint64()>>(1+r.IntN(50))|1
			a, b := safeprime.Residues(n, m, k)
			require.Equal(t, new(big.Int).Mod(n, new(big.Int).SetUint64(m)).Uint64(), a)
			require.Equal(t, new(big.Int).Mod(n, new(big.Int).SetUint64(k)).Uint64(), b)
		}
	}
}

func BenchmarkSieve(b *testing.B) {
	for _, bits := range []int{2048, 4096} {
		b.Run(fmt.Sprint(bits), func(b *testing.B) {
			base := safeprime.FirstSlot(startOf(bits, "bench"))
			const depth = 1 << 24 // 1,077,868 primes from 5 on
			for b.Loop() {
				safeprime.Sieve(b.Context(), base, 1<<20, 1, depth)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1_077_868, "ns/prime")
		})
	}
}

// BenchmarkBase2Test is one test by each arithmetic, of which a search takes
// the fastest.
func BenchmarkBase2Test(b *testing.B) {
	for _, bits := range []int{1024, 2048, 3072, 4096} {
		n := safeprime.FirstSlot(startOf(bits, "bench"))
		q := new(big.Int).Rsh(n, 1)
		for _, c := range []struct {
			name string
			test func(n, e *big.Int) *big.Int
		}{{"math-big", safeprime.BigTest}, {"modexp", safeprime.ModexpTest}, {"base2", safeprime.Base2Test}} {
			b.Run(fmt.Sprintf("%d/%s", bits, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.test(n, q)
				}
			})
		}
	}
}
