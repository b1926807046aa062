package moduli

import (
	"context"
	"encoding"
	"errors"
	"math"
	"math/big"
	"runtime"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
)

// Generator is the generator of every modulus that a search finds.
const Generator = 2

// ErrExhausted means that the slots of a search hold no modulus.
var ErrExhausted = errors.New("moduli: no modulus in these slots")

// SearchResult is a modulus together with the search that found it.
type SearchResult struct {
	Modulus
	Start  Start
	Offset uint64 // N − start
}

// Generate finds the first modulus from the start on, with all cores. It takes
// some 5 seconds of one core on average at 2048 bits, and varies: half of all
// searches take less than 70 % of the mean, one in twenty more than three times
// it. It returns the error of ctx within one exponentiation, or of its last proof
// within three: some 10 ms at 2048 bits, and less than 100 at 4096.
func Generate(ctx context.Context, start Start) (SearchResult, error) {
	s, err := NewSearch(start)
	if err != nil {
		return SearchResult{}, err
	}
	return s.Run(ctx, nil)
}

// Search is a search for the first modulus from a start on, or in a range of its
// slots: a value that can be stopped, kept and carried on, here or on another
// machine, and gives the same answer however that went. A slot is a number of
// the form 24·k + 11; slot 0 is the first from the start on.
//
// Its methods must not be called while Run is under way, except by its report,
// which may save it.
type Search struct {
	// Workers is the number of cores to use. 0: all of them.
	Workers int

	start   Start
	next    uint64 // the first slot not known to hold nothing
	end     uint64 // of the range
	tests   uint64
	elapsed time.Duration
}

// Progress is how far a search has come.
type Progress struct {
	Next     uint64        // the first slot that is not settled
	Sieved   uint64        // slots sieved in this run
	Tests    uint64        // numbers tested, in this run and the ones before
	Elapsed  time.Duration // in this run and the ones before
	Expected float64       // slots that a search passes on average

	// ExpectedTests is how many numbers a search tests on average after sieving
	// as deep as this one has. 0: it has not sieved yet.
	ExpectedTests float64
}

// maxElapsed bounds the time that an encoded search has taken: a century.
const maxElapsed = 100 * 365 * 24 * uint64(time.Hour)

// lastSlot bounds the slots of one search: many times what any takes.
const lastSlot = 1 << 40

// NewSearch returns the search from the start on.
func NewSearch(start Start) (*Search, error) {
	if start.bits == 0 {
		return nil, ErrStart
	}
	return &Search{start: start, end: lastSlot}, nil
}

// Range returns a search of the slots first to end−1 alone, to hand to another
// machine. Of several the answer is the found modulus with the smallest Offset,
// once all ranges before it have ended without one. It returns ErrExhausted for
// an empty range.
func (s *Search) Range(first, end uint64) (*Search, error) {
	if first >= end || end > lastSlot {
		return nil, ErrExhausted
	}
	return &Search{Workers: s.Workers, start: s.start, next: first, end: end}, nil
}

// Start returns where the search begins.
func (s *Search) Start() Start { return s.start }

// Next returns the first slot that is not settled.
func (s *Search) Next() uint64 { return s.next }

// Run searches until it finds the first modulus of its slots, which it has then
// proved, or until ctx ends; then another Run goes on. It reports now and then,
// from this goroutine, and at the end. It returns ErrExhausted if there is none,
// or the error of ctx.
//
// It takes at most 64 MiB of memory with 16 workers at 4096 bits, however long
// it runs: less than 4 MiB for each worker.
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
	}, nil
}

// last returns the end of the slots: that of the range, or where numbers would
// have another bit.
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

// The binary form: 'M' ‖ version 01 ‖ 'S' ‖ u16 bits ‖ u8 len ‖ label ‖ u32 counter ‖
// u16 len ‖ start ‖ u64 next ‖ u64 end ‖ u64 tests ‖ u64 elapsed, in nanoseconds,
// with an empty start if there is a label.

// MarshalBinary returns the canonical binary form of a search as it stands, or
// ErrStart for the zero Search.
func (s *Search) MarshalBinary() ([]byte, error) {
	if s.start.bits == 0 {
		return nil, ErrStart
	}
	b := newEncoding(kindSearch)
	addStart(b, s.start)
	b.AddUint64(s.next)
	b.AddUint64(s.end)
	b.AddUint64(s.tests)
	b.AddUint64(uint64(s.elapsed))
	return b.Bytes()
}

// UnmarshalBinary reads what MarshalBinary returned, strictly, or returns
// ErrMalformed.
func (s *Search) UnmarshalBinary(data []byte) error {
	body, ok := openEncoding(data, kindSearch)
	if !ok {
		return ErrMalformed
	}
	r := Search{Workers: s.Workers}
	var elapsed uint64
	if r.start, ok = readStart(&body); !ok ||
		!body.ReadUint64(&r.next) || !body.ReadUint64(&r.end) || !body.ReadUint64(&r.tests) || !body.ReadUint64(&elapsed) ||
		!body.Empty() || r.next > r.end || r.end > lastSlot || elapsed > maxElapsed || r.tests > math.MaxInt64 {
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
