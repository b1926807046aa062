package moduli

import (
	"context"
	"encoding"
	"math"
	"math/big"
	"runtime"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
)

// Generator is the generator of every modulus that a search finds.
const Generator = 2

// SearchResult is a modulus together with the search that found it.
type SearchResult struct {
	Modulus
	Start  Start
	Offset uint64 // N − start
	// FirstSlot is the slot where the search began. If it is not 0, the modulus
	// is the first of a range, and not of the start, unless all earlier ranges
	// returned [ErrExhausted]. See [Search.Range].
	FirstSlot uint64
}

// Generate finds and proves the first modulus from the start on, with all
// cores. It takes about 5 CPU seconds on average at 2048 bits. The time varies:
// half of all searches take less than 70 % of the mean, and one in twenty takes
// more than three times the mean.
//
// It returns [ErrMalformed] for the zero [Start] and [ErrExhausted] if no
// modulus of that size follows the start. After ctx ends it returns the error
// of ctx within about 10 ms at 2048 bits and 100 ms at 4096.
func Generate(ctx context.Context, start Start) (SearchResult, error) {
	s, err := NewSearch(start)
	if err != nil {
		return SearchResult{}, err
	}
	return s.Run(ctx, nil)
}

// Search is a search for the first modulus from a start on, or in a range of
// its slots. It can be stopped, stored and continued, here or on another
// machine, and always gives the same answer. A slot is a number of the form
// 24·k + 11. Slot 0 is the first slot at or after the start.
//
// A Search is not safe for concurrent use. While [Search.Run] is running, only
// its report function may call methods, for example to store the search.
// [NewSearch] makes a Search.
type Search struct {
	// Workers is the number of cores to use. If it is 0, all cores are used.
	Workers int

	start   Start
	first   uint64 // of the range
	next    uint64 // the first slot not known to be empty
	end     uint64 // of the range
	tests   uint64
	elapsed time.Duration
}

// Progress says how far a search has come.
type Progress struct {
	Next     uint64        // the first slot that is not yet known to be empty
	Sieved   uint64        // slots sieved in this run
	Tests    uint64        // numbers tested, in this run and earlier runs
	Elapsed  time.Duration // in this run and earlier runs
	Expected float64       // slots that a search passes on average

	// ExpectedTests is how many numbers a search tests on average after a sieve
	// of this depth. It is 0 before the first sieve is done.
	ExpectedTests float64
}

// maxElapsed bounds the elapsed time of an encoded search: a century.
const maxElapsed = 100 * 365 * 24 * uint64(time.Hour)

// lastSlot bounds the slots of one search. It is many times what a
// search needs.
const lastSlot = 1 << 40

// NewSearch returns the search from the start on. It returns [ErrMalformed] for
// the zero [Start].
func NewSearch(start Start) (*Search, error) {
	if start.bits == 0 {
		return nil, errNoStart
	}
	return &Search{start: start, end: lastSlot}, nil
}

// Range returns a search of the slots from first to end−1 only, for another
// machine. Among the results of several ranges, the one with the smallest
// Offset is the answer, once every earlier range has returned [ErrExhausted].
// Range returns [ErrMalformed] if first is not below end, or end is above 2^40.
func (s *Search) Range(first, end uint64) (*Search, error) {
	if first >= end || end > lastSlot {
		return nil, errRange
	}
	return &Search{Workers: s.Workers, start: s.start, first: first, next: first, end: end}, nil
}

// Start returns where the search begins.
func (s *Search) Start() Start { return s.start }

// Slots returns the slots of the search, from first to end−1. For [NewSearch] they
// are 0 and 2^40. A search of other slots is one of [Search.Range].
func (s *Search) Slots() (first, end uint64) { return s.first, s.end }

// Next returns the first slot that is not yet known to be empty.
func (s *Search) Next() uint64 { return s.next }

// Run searches until it has found and proved the first modulus of its slots. It
// returns [ErrExhausted] if there is none, and the error of ctx if ctx ends
// first; another call of Run then continues the search. Run calls report about
// five times a second while it tests numbers, and at the end, always from the
// goroutine of the caller. report may be nil.
//
// A search needs less than 4 MiB of memory for each worker at 4096 bits,
// however long it runs.
func (s *Search) Run(ctx context.Context, report func(Progress)) (SearchResult, error) {
	begin, before, tests := time.Now(), s.elapsed, s.tests
	start := new(big.Int).SetBytes([]byte(s.start.n))
	base := safeprime.FirstSlot(start)
	workers := s.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	update := func(p safeprime.Progress) {
		s.next, s.tests, s.elapsed = p.Next, tests+p.Tests, before+time.Since(begin)
		if report != nil {
			out := Progress{Next: p.Next, Sieved: p.Slots, Tests: s.tests, Elapsed: s.elapsed, Expected: safeprime.SlotsPerHit(base)}
			if p.Depth > 1 {
				out.ExpectedTests = safeprime.TestsPerHit(base, float64(p.Depth))
			}
			report(out)
		}
	}
	inner := &safeprime.Search{Base: base, First: s.next, End: s.last(base), Workers: workers, Report: update}
	slot, found, p, err := inner.Run(ctx)
	update(p)
	if err != nil {
		return SearchResult{}, err
	}
	if !found {
		return SearchResult{}, ErrExhausted
	}
	n := safeprime.Slot(base, slot)
	return SearchResult{
		Modulus: Modulus{N: n.Bytes(), G: Generator},
		Start:   s.start,
		Offset:  new(big.Int).Sub(n, start).Uint64(),

		FirstSlot: s.first,
	}, nil
}

// last returns the end of the slots: the end of the range, or the slot where
// numbers become longer than the start.
func (s *Search) last(base *big.Int) uint64 {
	room := new(big.Int).Lsh(big.NewInt(1), uint(s.start.bits))
	room.Sub(room, base)
	if room.Sign() <= 0 {
		return s.next
	}
	room.Add(room, big.NewInt(safeprime.Step-1)).Div(room, big.NewInt(safeprime.Step))
	if !room.IsUint64() {
		return s.end
	}
	return min(s.end, room.Uint64())
}

// The binary form, in which the start is empty if there is a label, and the
// elapsed time is in nanoseconds:
//
//	'M' ‖ version 01 ‖ 'S' ‖ u16 bits ‖ u8 len ‖ label ‖ u32 counter ‖
//	u16 len ‖ start ‖ u64 first ‖ u64 next ‖ u64 end ‖ u64 tests ‖ u64 elapsed

// MarshalBinary returns the canonical binary form of the search and of what it
// has done so far. It returns [ErrMalformed] for the zero Search.
func (s *Search) MarshalBinary() ([]byte, error) {
	if s.start.bits == 0 {
		return nil, errNoStart
	}
	b := newEncoding(kindSearch)
	addStart(b, s.start)
	b.AddUint64(s.first)
	b.AddUint64(s.next)
	b.AddUint64(s.end)
	b.AddUint64(s.tests)
	b.AddUint64(uint64(s.elapsed))
	return b.Bytes()
}

// UnmarshalBinary reads the form that [Search.MarshalBinary] writes. It returns
// [ErrMalformed] for anything else, and then leaves s as it was. The bytes are
// not authenticated: anyone who can change them can make the search skip slots.
func (s *Search) UnmarshalBinary(data []byte) error {
	body, ok := openEncoding(data, kindSearch)
	if !ok {
		return ErrMalformed
	}
	r := Search{Workers: s.Workers}
	var elapsed uint64
	if r.start, ok = readStart(&body); !ok ||
		!body.ReadUint64(&r.first) || !body.ReadUint64(&r.next) || !body.ReadUint64(&r.end) || !body.ReadUint64(&r.tests) || !body.ReadUint64(&elapsed) ||
		!body.Empty() || r.first > r.next || r.first >= r.end || r.next > r.end || r.end > lastSlot || elapsed > maxElapsed || r.tests > math.MaxInt64 {
		return ErrMalformed
	}
	r.elapsed = time.Duration(elapsed)
	*s = r
	return nil
}

var (
	_ encoding.BinaryMarshaler   = (*Search)(nil)
	_ encoding.BinaryUnmarshaler = (*Search)(nil)
)
