package safeprime

import (
	"context"
	"math"
	"math/big"
	"sync"
	"time"

	"github.com/nescio-go/nescio/internal/modexp"
)

// Class is the residue of the primes that a search finds, modulo Step: safe
// primes of which 2 generates the whole group.
const (
	Class = 11
	Step  = 24
)

// FirstSlot returns the first number of the class from start on: slot 0.
func FirstSlot(start *big.Int) *big.Int {
	r := new(big.Int).Mod(start, big.NewInt(Step)).Int64()
	return new(big.Int).Add(start, big.NewInt((Class-r+Step)%Step))
}

// Slot returns slot i after base.
func Slot(base *big.Int, i uint64) *big.Int {
	p := new(big.Int).SetUint64(i)
	return p.Mul(p, big.NewInt(Step)).Add(p, base)
}

// Progress is how far a search has come.
type Progress struct {
	Next  uint64 // the first slot that is not settled: all before it hold nothing
	Slots uint64 // sieved
	Depth uint64 // by primes up to
	Tests uint64 // base-2 tests run
}

// Search finds the first safe prime of the class in slots First to End−1 after
// Base. Whatever the number of workers, it finds the same.
type Search struct {
	Base       *big.Int // slot 0
	First, End uint64
	Workers    int
	Report     func(Progress) // called now and then, by Run's goroutine alone; may be nil

	test     func(n, e *big.Int) *big.Int // 2^e mod n
	progress Progress
}

const reportEvery = 200 * time.Millisecond

// Run searches. It returns the slot and true, or false if there is none, or the
// error of ctx, in which case progress says where to go on.
func (s *Search) Run(ctx context.Context) (slot uint64, found bool, p Progress, err error) {
	s.progress = Progress{Next: s.First}
	test, took := fastestTest(ctx, s.Base)
	s.test = test
	for s.progress.Next < s.End {
		slot, found, err := s.segment(ctx, took)
		if err != nil || found {
			return slot, found, s.progress, err
		}
	}
	return 0, false, s.progress, nil
}

// segment sieves the next slots and tests what is left of them.
func (s *Search) segment(ctx context.Context, took time.Duration) (slot uint64, found bool, err error) {
	first := s.progress.Next
	n := min(segmentSlots(s.Base), s.End-first)
	base := Slot(s.Base, first)
	v := &sieve{
		base:    newResidues(base),
		slots:   int(n),
		workers: s.workers(),
		limit:   largestUseful(base),
	}
	// A range that is shorter than a search takes on average has so much less to
	// test.
	expect := expected(base) * min(1, float64(n)/SlotsPerHit(base))
	v.depth = func(reached uint64, primes int, spent time.Duration) bool {
		return worthwhile(expect, reached, primes, spent, took)
	}
	left, err := v.run(ctx)
	if err != nil {
		return 0, false, err
	}
	s.progress.Slots += n
	s.progress.Depth = v.reached

	c := &candidates{slots: left, best: len(left)}
	work := func() {
		for ctx.Err() == nil {
			i, ok := c.take()
			if !ok {
				return
			}
			hit := s.isSafePrime(ctx, Slot(base, uint64(left[i])))
			if !hit && ctx.Err() != nil {
				return // it may have been stopped in the proof: not settled
			}
			c.settle(i, hit)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		inParallel(s.workers(), work)
	}()
	s.watch(c, first, n, done)
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	if c.best < len(left) {
		s.progress.Next = first + uint64(left[c.best])
		return s.progress.Next, true, nil
	}
	s.progress.Next = first + n
	return 0, false, nil
}

// watch reports until the candidates are tested or the search has ended.
func (s *Search) watch(c *candidates, first, n uint64, done <-chan struct{}) {
	tested := s.progress.Tests
	update := func() {
		settled, tests := c.settled()
		s.progress.Tests = tested + tests
		if settled < len(c.slots) {
			s.progress.Next = first + uint64(c.slots[settled])
		} else {
			s.progress.Next = first + n
		}
		if s.Report != nil {
			s.Report(s.progress)
		}
	}
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			update()
		case <-done:
			update()
			return
		}
	}
}

func (s *Search) workers() int { return max(1, s.Workers) }

// isSafePrime runs the tests, the cheapest first: the one exponentiation that
// decides over p and its generator once q is known to be prime; one strong test
// of q; and, for what is left, the rest of the proof, until ctx ends.
func (s *Search) isSafePrime(ctx context.Context, p *big.Int) bool {
	q := new(big.Int).Rsh(p, 1)
	minusOne := new(big.Int).Sub(p, one)
	if s.test(p, q).Cmp(minusOne) != 0 {
		return false
	}
	base2 := newStrongTest(q)
	return base2.passes(s.test(q, base2.d)) && bailliePSW(q) && millerRabin(q, ctx.Done())
}

// candidates hands out the slots that are left, in order, and remembers the
// first that holds a hit.
type candidates struct {
	slots []uint32

	mu     sync.Mutex
	next   int
	active []int // taken and not settled
	best   int   // the first hit, len(slots) if there is none yet
	tests  uint64
}

// take returns the next candidate, until it would be behind a hit.
func (c *candidates) take() (i int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next >= c.best {
		return 0, false
	}
	i = c.next
	c.next++
	c.active = append(c.active, i)
	return i, true
}

func (c *candidates) settle(i int, hit bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, a := range c.active {
		if a == i {
			c.active[k] = c.active[len(c.active)-1]
			c.active = c.active[:len(c.active)-1]
			break
		}
	}
	c.tests++
	if hit {
		c.best = min(c.best, i)
	}
}

// settled returns the first candidate that is not known to hold nothing, and the
// number of tests.
func (c *candidates) settled() (i int, tests uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i = min(c.next, c.best)
	for _, a := range c.active {
		i = min(i, a)
	}
	return i, c.tests
}

// fastestTest returns 2^e mod n by the arithmetic that is the fastest for numbers
// of this size here, and the time that it takes.
func fastestTest(ctx context.Context, base *big.Int) (test func(n, e *big.Int) *big.Int, took time.Duration) {
	n := new(big.Int).Or(base, one)
	e := new(big.Int).Rsh(n, 1)
	took = math.MaxInt64
	for _, t := range []func(n, e *big.Int) *big.Int{bigTest, modexpTest, base2Test} {
		if d := timeOf(ctx, t, n, e); d <= took {
			test, took = t, d
		}
	}
	return test, took
}

func timeOf(ctx context.Context, test func(n, e *big.Int) *big.Int, n, e *big.Int) time.Duration {
	best := time.Duration(math.MaxInt64)
	for i := 0; i < 2 && ctx.Err() == nil; i++ {
		start := time.Now()
		test(n, e)
		best = min(best, time.Since(start))
	}
	return best
}

func bigTest(n, e *big.Int) *big.Int { return new(big.Int).Exp(two, e, n) }

func modexpTest(n, e *big.Int) *big.Int {
	m, err := modexp.NewModulus(n.Bytes())
	if err != nil {
		return new(big.Int) // which is what no prime gives
	}
	return new(big.Int).SetBytes(m.Bytes(m.Exp(m.Reduce([]byte{2}), e.Bytes())))
}

// expGamma is e^−γ, of Mertens' third theorem.
const expGamma = 0.5614594835668851

// expected is ln p · ln q, from which everything follows: a hit in that / 7.92
// slots, and e^−2γ / ln² B of it in tests after sieving to B.
func expected(p *big.Int) float64 {
	lnP := float64(p.BitLen()) * math.Ln2
	return lnP * (lnP - math.Ln2)
}

// slotsPerHit is the density's constant: a slot holds a safe prime with
// probability 7.92 / (ln p · ln q), 24 times half of 2·C₂ = 0.66016….
const slotsPerHit = 7.9219425

// SlotsPerHit returns how many slots a search passes on average.
func SlotsPerHit(base *big.Int) float64 { return expected(base) / slotsPerHit }

// TestsPerHit returns how many numbers are tested on average after sieving to
// depth.
func TestsPerHit(base *big.Int, depth float64) float64 {
	x := expGamma / math.Log(depth)
	return x * x * expected(base)
}

// worthwhile reports whether sieving by more primes saves more than it costs.
// A prime r costs what the average one did, and saves 2/r of the tests, until r is
// twice the tests' time over the prime's.
func worthwhile(expect float64, reached uint64, primes int, spent, test time.Duration) bool {
	const least = 1 << 14 // before that, what a prime costs is not yet known
	if reached < least || primes == 0 {
		return true
	}
	x := expGamma / math.Log(float64(reached))
	tests := x * x * expect
	perPrime := float64(spent) / float64(primes)
	return float64(reached) < 2*tests*float64(test)/perPrime
}

// largestUseful is the largest prime to sieve by: the root of the largest number
// tested is enough, and is less than every p and q, so that none is struck for
// being itself. Products of two primes must stay below 2^63, and no search wants
// to go as far.
func largestUseful(base *big.Int) uint64 {
	root := new(big.Int).Sqrt(base)
	if root.BitLen() > 31 {
		return math.MaxInt32
	}
	return root.Uint64()
}

// segmentSlots is how many slots are sieved at once: four times those that a hit
// takes on average, so that one segment is enough in 98 of 100 searches, and at
// most what its bits may take in memory.
func segmentSlots(base *big.Int) uint64 {
	slots := uint64(1) << 10
	for float64(slots) < 4*SlotsPerHit(base) && slots < 1<<22 {
		slots *= 2
	}
	return slots
}
