package safeprime

import (
	"context"
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// The sieve. A slot is an integer p ≡ 11 (mod 24), and q = (p−1)/2 ≡ 5 (mod
// 12). Among the slots p = base + 24·i, a prime r > 3 strikes out those where
// it divides p, and those where it divides q, which means p ≡ 1 (mod r).
//
// For each prime the residue of base is computed again and nothing is kept, so
// a deeper sieve needs no more memory. A segment nearly always contains a hit.

// sieve is a segment of slots while it is sieved by several workers.
type sieve struct {
	base  residues
	slots int

	workers int
	depth   func(reached uint64, primes int, spent time.Duration) bool // whether to go on
	limit   uint64                                                     // the largest prime there is a use for

	mu      sync.Mutex
	bits    []uint64 // slots struck out
	blocks  int      // of primes, all from the first on
	primes  int
	spent   time.Duration
	reached uint64 // all primes below it were used
}

// run sieves and returns the slots that are not struck out, in order.
func (s *sieve) run(ctx context.Context) ([]uint32, error) {
	s.bits = make([]uint64, (s.slots+63)/64)
	base := smallPrimes(uint32(math.Sqrt(float64(s.limit))) + 2)
	var next atomic.Uint64
	work := func() {
		w := sieveWorker{sieve: s, primes: newPrimeBlock(base, s.limit), bits: make([]uint64, len(s.bits))}
		for ctx.Err() == nil {
			index := next.Add(1) - 1
			if index*blockSpan > s.limit || !s.goOn(index*blockSpan) {
				break
			}
			start := time.Now()
			n := w.strikeBlock(index)
			s.account(n, time.Since(start))
		}
		s.merge(w.bits)
	}
	inParallel(s.workers, work)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.reached = min(s.limit, uint64(s.blocks)*blockSpan)
	var left []uint32
	for w, word := range s.bits {
		for free := ^word; free != 0; free &= free - 1 {
			if i := 64*w + bits.TrailingZeros64(free); i < s.slots {
				left = append(left, uint32(i))
			}
		}
	}
	return left, nil
}

func (s *sieve) goOn(reached uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.depth == nil || s.depth(reached, s.primes, s.spent)
}

func (s *sieve) account(primes int, spent time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks++
	s.primes += primes
	s.spent += spent
}

func (s *sieve) merge(bits []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range bits {
		s.bits[i] |= bits[i]
	}
}

// inParallel runs f on the given number of goroutines, one of which is the
// caller's.
func inParallel(workers int, f func()) {
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(f)
	}
	f()
	wg.Wait()
}

// sieveWorker strikes out slots with whole blocks of primes, in its own bits.
type sieveWorker struct {
	*sieve
	primes *primeBlock
	bits   []uint64
}

// strikeBlock strikes out slots with the primes of one block, four at a time in
// two products, and returns the number of primes.
func (w *sieveWorker) strikeBlock(index uint64) int {
	primes := w.primes.find(index, w.limit)
	n := len(primes)
	for ; len(primes) >= 4; primes = primes[4:] {
		r, s, t, u := uint64(primes[0]), uint64(primes[1]), uint64(primes[2]), uint64(primes[3])
		rs, tu := w.base.mod2(r*s, t*u)
		w.strike(r, rs%r)
		w.strike(s, rs%s)
		w.strike(t, tu%t)
		w.strike(u, tu%u)
	}
	for _, r := range primes {
		w.strike(uint64(r), w.base.mod(uint64(r)))
	}
	return n
}

// strike strikes out the slots i with base + 24·i ≡ 0 or 1 (mod r), where rem
// is base mod r.
func (w *sieveWorker) strike(r, rem uint64) {
	// Every unit modulo 24 is its own inverse, so r·(24 − r mod 24) ≡ −1
	// (mod 24).
	inverse := (r*(24-r%24) + 1) / 24 // of 24 modulo r
	p := (r - rem) * inverse % r
	q := p + inverse
	if q >= r {
		q -= r
	}
	slots := uint64(w.slots)
	for i := p; i < slots; i += r {
		w.bits[i/64] |= 1 << (i % 64)
	}
	for i := q; i < slots; i += r {
		w.bits[i/64] |= 1 << (i % 64)
	}
}
