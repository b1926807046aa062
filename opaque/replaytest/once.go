package replaytest

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nescio-go/nescio/opaque"
)

// firstOnce finds stores that always or never answer first, and stores that
// forget an id when it is looked up.
func firstOnce(s *store) {
	r, ok := s.open()
	if !ok {
		return
	}
	expires := soon()
	for _, id := range newIDs(10) {
		if !s.first(r, id, expires, newIsNotFirst) {
			return
		}
		for range 4 {
			if !s.used(r, id, expires, "Consume must record the id and answer true only once, however often it is called.") {
				return
			}
		}
	}
}

func concurrent(s *store) {
	r, ok := s.open()
	if !ok {
		return
	}
	s.race("Consume must look for the id and record it in one atomic step, "+
		"such as an INSERT that fails on a duplicate key.", r)
}

// twoHandles finds handles that keep a copy of the store, which another
// replica does not see or change.
func twoHandles(s *store) {
	a, ok := s.open()
	if !ok {
		return
	}
	b, ok := s.open()
	if !ok {
		return
	}
	const why = "it was used through another handle on the same store. " +
		"What one replica records must be known to all others at once. Does open create a store instead of opening one?"
	expires := soon()
	for _, id := range newIDs(10) {
		if !s.first(a, id, expires, newIsNotFirst) || !s.used(b, id, expires, why) || !s.used(a, id, expires, why) {
			return
		}
		a, b = b, a
	}
}

func twoHandlesConcurrent(s *store) {
	a, ok := s.open()
	if !ok {
		return
	}
	b, ok := s.open()
	if !ok {
		return
	}
	s.race("Calls came through two handles on one store. A lock in the process does not keep "+
		"another replica out. The store itself must look for the id and record it in one atomic step.", a, b)
}

func reopened(s *store) {
	ids, expires := newIDs(10), soon()
	recorded := s.step("Before", func(s *store) {
		r, ok := s.open()
		for i := 0; ok && i < len(ids); i++ {
			ok = s.first(r, ids[i], expires, newIsNotFirst)
		}
	})
	if !recorded {
		return
	}
	s.step("After", func(s *store) {
		r, ok := s.open()
		for i := 0; ok && i < len(ids); i++ {
			ok = s.used(r, ids[i], expires, "the store was opened again since then. A restart must not forget ids. "+
				"Does open create a store instead of opening one, or does its Cleanup delete the store?")
		}
	})
}

const (
	// callers call at the same time, each for all ids of a round.
	callers  = 8
	perRound = 4

	// A fast store gets as many rounds as fit in raceTime, because a race in
	// memory is short. A slow one gets minRounds.
	raceTime  = 400 * time.Millisecond
	minRounds = 10
	maxRounds = 12_000
)

// race requires that exactly one of several concurrent calls through the handles
// is first for each id. The message for more than one ends with why.
func (s *store) race(why string, handles ...opaque.Replay) {
	s.Helper()
	begin := time.Now()
	for round := 0; round < minRounds || round < maxRounds && time.Since(begin) < raceTime; round++ {
		ids := newIDs(perRound)
		firsts, err := raceOnce(s.ctx, ids, handles)
		if err != nil {
			s.Errorf("Consume returned an error while %d goroutines called it: %v", callers, err)
			return
		}
		for i, id := range ids {
			switch n := firsts[i].Load(); {
			case n == 0:
				s.Errorf("none of %d concurrent calls was first for id %x. Exactly one must be, or the login fails.", callers, id)
				return
			case n > 1:
				s.Errorf("%d of %d concurrent calls were first for id %x. Exactly one must be. %s", n, callers, id, why)
				return
			}
		}
	}
}

// raceOnce has every caller call for every id. The callers start together, in
// pairs that begin with the same id. Calls for the same id meet, and calls for
// different ids.
func raceOnce(ctx context.Context, ids [][16]byte, handles []opaque.Replay) (firsts *[perRound]atomic.Int32, err error) {
	var (
		ready  atomic.Int32
		failed sync.Once
		wg     sync.WaitGroup
	)
	firsts = new([perRound]atomic.Int32)
	expires := soon()
	for caller := range callers {
		wg.Go(func() {
			for ready.Add(1); ready.Load() < callers; {
				runtime.Gosched()
			}
			// Callers of one id have neighbouring numbers, and so other handles.
			r := handles[caller%len(handles)]
			for i := range ids {
				n := (caller/2 + i) % len(ids)
				first, e := r.Consume(ctx, ids[n], expires)
				if e != nil {
					failed.Do(func() { err = e })
				}
				if e == nil && first {
					firsts[n].Add(1)
				}
			}
		})
	}
	wg.Wait()
	return firsts, err
}
