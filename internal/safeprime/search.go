package safeprime

import (
	"context"
	"math"
	"math/big"
	"sync"
	"time"

	"github.com/nescio-go/nescio/internal/modexp"
)

// Class is the residue modulo Step of the primes that a search finds. 2
// generates the whole group of a safe prime of this class.
const (
	Class = 11
	Step  = 24
)

// FirstSlot returns slot 0: the first number of the class from start on.
func FirstSlot(start *big.Int) *big.Int {
	r := new(big.Int).Mod(start, big.NewInt(Step)).Int64()
	return new(big.Int).Add(start, big.NewInt((Class-r+Step)%Step))
}

// Slot returns slot i, counted from base.
func Slot(base *big.Int, i uint64) *big.Int {
	p := new(big.Int).SetUint64(i)
	return p.Mul(p, big.NewInt(Step)).Add(p, base)
}

// Progress says how far a search has come.
type Progress struct {
	Next  uint64 // the first slot that is not yet known to be empty
	Slots uint64 // sieved
	Depth uint64 // by primes up to
	Tests uint64 // base-2 tests run
}

// Search finds the first safe prime of the class in the slots First to End−1,
// counted from Base. It finds the same prime with any number of workers.
type Search struct {
	Base       *big.Int // slot 0
	First, End uint64
	Workers    int
	Report     func(Progress) // called by the goroutine of Run only; may be nil

	test     func(n, e *big.Int) *big.Int // 2^e mod n
	progress Progress
}

const reportEvery = 200 * time.Millisecond

// Run searches. It returns the slot and true, or false if there is none. If ctx
// ends, it returns the error of ctx, and p says where to continue.
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
	// A range shorter than the average search has proportionally less to test.
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
				return // ctx may have stopped the proof, so the slot is not settled
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

// isSafePrime runs the tests, the cheapest first. The first is the
// exponentiation that proves p and its generator if q is prime. The second is
// one strong test of q. The rest of the proof follows for the few numbers that
// are left, until ctx ends. It ends with the first test again, by math/big, so
// that no proof rests on the assembly of this package.
func (s *Search) isSafePrime(ctx context.Context, p *big.Int) bool {
	q := new(big.Int).Rsh(p, 1)
	minusOne := new(big.Int).Sub(p, one)
	if s.test(p, q).Cmp(minusOne) != 0 {
		return false
	}
	base2 := newStrongTest(q)
	return base2.passes(s.test(q, base2.d)) && bailliePSW(q) && millerRabin(q, ctx.Done()) &&
		bigTest(p, q).Cmp(minusOne) == 0
}

// candidates hands out the slots that the sieve left, in order, and remembers
// the first one that contains a safe prime.
type candidates struct {
	slots []uint32

	mu     sync.Mutex
	next   int
	active []int // taken and not settled
	best   int   // the first hit, len(slots) if there is none yet
	tests  uint64
}

// take returns the next candidate, or false if it would come after a hit.
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

// settled returns the first candidate that is not yet known to be empty, and
// the number of tests.
func (c *candidates) settled() (i int, tests uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i = min(c.next, c.best)
	for _, a := range c.active {
		i = min(i, a)
	}
	return i, c.tests
}

// fastestTest returns the implementation of 2^e mod n that is the fastest on
// this machine for numbers of this size, and the time that it takes.
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
		return new(big.Int) // 0, which is never a power of 2 modulo a prime
	}
	return new(big.Int).SetBytes(m.Bytes(m.Exp(m.Reduce([]byte{2}), e.Bytes())))
}

// expGamma is e^−γ, of Mertens' third theorem.
const expGamma = 0.5614594835668851

// expected is ln p · ln q. Divided by 7.92 it is the number of slots for each
// hit, and multiplied by e^−2γ / ln² B the number of tests after a sieve to B.
func expected(p *big.Int) float64 {
	lnP := float64(p.BitLen()) * math.Ln2
	return lnP * (lnP - math.Ln2)
}

// density is the constant of the density of safe primes: a slot contains one
// with probability 7.92 / (ln p · ln q). It is 24/2 times C₂ = 0.66016….
const density = 7.9219425

// SlotsPerHit returns the number of slots that a search passes on average.
func SlotsPerHit(base *big.Int) float64 { return expected(base) / density }

// TestsPerHit returns the number of tests of a search on average, after a sieve
// to depth.
func TestsPerHit(base *big.Int, depth float64) float64 {
	x := expGamma / math.Log(depth)
	return x * x * expected(base)
}

// worthwhile reports whether sieving with more primes saves more time than it
// costs. A prime r takes the average time of the primes so far, and saves 2/r
// of the tests. So it is worthwhile until r is twice the time of all tests
// divided by the time of a prime.
func worthwhile(expect float64, reached uint64, primes int, spent, test time.Duration) bool {
	const least = 1 << 14 // below, the time of a prime is not yet known
	if reached < least || primes == 0 {
		return true
	}
	x := expGamma / math.Log(float64(reached))
	tests := x * x * expect
	perPrime := float64(spent) / float64(primes)
	return float64(reached) < 2*tests*float64(test)/perPrime
}

// largestUseful is the largest prime to sieve with. The square root of the
// largest number is enough. It is less than every p and q, so no prime strikes
// itself out. Products of two primes must stay below 2^63, and no search gains
// by larger primes.
func largestUseful(base *big.Int) uint64 {
	root := new(big.Int).Sqrt(base)
	if root.BitLen() > 31 {
		return math.MaxInt32
	}
	return root.Uint64()
}

// segmentSlots is the number of slots that are sieved at once: at least four
// times the slots for each hit, so that one segment is enough in 98 of 100
// searches, but not more than 2^22, which bounds the memory.
func segmentSlots(base *big.Int) uint64 {
	slots := uint64(1) << 10
	for float64(slots) < 4*SlotsPerHit(base) && slots < 1<<22 {
		slots *= 2
	}
	return slots
}
