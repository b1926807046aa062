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

// Generator is the G of all searches.
const Generator = 2

// SearchResult is a modulus and its search.
type SearchResult struct {
	Modulus
	Start     Start
	Offset    uint64 // N − start
	FirstSlot uint64 // not 0 for a [Search.Range]
}

// Generate finds the first modulus after the start. At 2048 bits it takes 5 CPU
// seconds on average, and sometimes 20. It returns [ErrMalformed] for the zero
// [Start], [ErrExhausted], or the error of ctx.
func Generate(ctx context.Context, start Start) (SearchResult, error) {
	s, err := NewSearch(start)
	if err != nil {
		return SearchResult{}, err
	}
	return s.Run(ctx, nil)
}

// Search can be stopped, stored, and continued elsewhere. It tests slots 24·k +
// 11 from the start. During [Search.Run] only the report function may call
// methods.
type Search struct {
	Workers int // cores to use, or 0 for all

	start   Start
	first   uint64 // of the range
	next    uint64 // the first slot not known to be empty
	end     uint64 // of the range
	tests   uint64
	elapsed time.Duration
}

// Progress is the state of a search.
type Progress struct {
	Next          uint64
	Sieved        uint64 // slots in this run
	Tests         uint64 // in all runs
	Elapsed       time.Duration
	Expected      float64 // average slots of a search
	ExpectedTests float64 // average tests, or 0 at first
}

// maxElapsed bounds the elapsed time of an encoded search: a century.
const maxElapsed = 100 * 365 * 24 * uint64(time.Hour)

// lastSlot bounds the slots of one search. A search needs far fewer.
const lastSlot = 1 << 40

// NewSearch returns a search, or [ErrMalformed] for the zero [Start].
func NewSearch(start Start) (*Search, error) {
	if start.bits == 0 {
		return nil, errNoStart
	}
	return &Search{start: start, end: lastSlot}, nil
}

// Range returns a search of the slots from first to end−1. Its result counts if
// earlier ranges are exhausted. Range returns [ErrMalformed] unless first < end
// ≤ 2^40.
func (s *Search) Range(first, end uint64) (*Search, error) {
	if first >= end || end > lastSlot {
		return nil, errRange
	}
	return &Search{Workers: s.Workers, start: s.start, first: first, next: first, end: end}, nil
}

// Start returns the start.
func (s *Search) Start() Start { return s.start }

// Slots returns the range.
func (s *Search) Slots() (first, end uint64) { return s.first, s.end }

// Next returns the first slot not yet known to be empty.
func (s *Search) Next() uint64 { return s.next }

// Run searches until it has proved a modulus. It returns [ErrExhausted] or the
// error of ctx. It calls report, which may be nil, five times a second.
func (s *Search) Run(ctx context.Context, report func(Progress)) (SearchResult, error) {
	// A worker needs at most 4 MiB of memory at 4096 bits.
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

// The binary form. The start is empty if there is a label, and the elapsed time
// is in nanoseconds:
//
//	'M' ‖ version 01 ‖ 'S' ‖ u16 bits ‖ u8 len ‖ label ‖ u32 counter ‖
//	u16 len ‖ start ‖ u64 first ‖ u64 next ‖ u64 end ‖ u64 tests ‖ u64 elapsed

// MarshalBinary returns the state, or [ErrMalformed] for the zero Search.
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

// UnmarshalBinary reads [Search.MarshalBinary]. A forged input can skip slots.
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
