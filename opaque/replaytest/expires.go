package replaytest

import (
	"time"

	"github.com/nescio-go/nescio/opaque"
)

const (
	probes = 8

	// wait is when ids are looked up that expire much later.
	wait = 2 * time.Second

	// A store that is too slow for the first lifetime gets longer ones.
	firstLife = time.Second
	lastLife  = 8 * time.Second
)

// untilExpires waits for two seconds or more, in which other ids expire.
func untilExpires(s *store) {
	r, ok := s.open()
	if !ok {
		return
	}
	// The number of ids finds stores that keep only the latest, the time zone
	// finds stores that drop it.
	lasting, west := newIDs(100), time.FixedZone("", -12*60*60)
	expires := soon().In(west)
	for _, id := range lasting {
		if !s.first(r, id, expires, newIsNotFirst) {
			return
		}
	}
	begin := time.Now()
	for life := firstLife; ; life *= 2 {
		inTime, ok := s.probe(r, life)
		if !ok {
			return
		}
		if inTime {
			break
		}
		if life == lastLife {
			s.Errorf("the store is too slow to test: %d ids that were to be kept for %v expired before all were looked up", probes, life)
			return
		}
	}
	if !s.sleepUntil(begin.Add(wait)) {
		return
	}
	for _, id := range lasting {
		if !s.used(r, id, expires, "it was to be kept for a minute. Other ids have expired or were recorded since, "+
			"which must make no difference. Does the store drop the time zone of expires, "+
			"have one expiry for all ids, or keep only the latest ids?") {
			return
		}
	}
}

// probe records ids and looks up each of them once, at different times before
// they expire. Each only once, because a lookup may extend the time of an id. If
// an answer comes after the id expired, inTime is false.
func (s *store) probe(r opaque.Replay, life time.Duration) (inTime, ok bool) {
	begin := time.Now()
	expires := lateInSecond(begin.Add(life))
	ids := newIDs(probes)
	for _, id := range ids {
		if !s.first(r, id, expires, newIsNotFirst) {
			return false, false
		}
	}
	recorded := time.Now()
	// The last lookup leaves a tenth of life for the answer, and for a store whose
	// clock is ahead.
	step := expires.Add(-life/10).Sub(begin) / probes
	for i, id := range ids {
		if !s.sleepUntil(begin.Add(time.Duration(i+1) * step)) {
			return false, false
		}
		// Another id expires, for stores that then clean up.
		soon := time.Now().Add(time.Millisecond)
		if _, ok := s.consume(r, newID(), soon); !ok || !s.sleepUntil(soon.Add(time.Millisecond)) {
			return false, false
		}
		first, ok := s.consume(r, id, expires)
		if !ok {
			return false, false
		}
		now := time.Now()
		if !now.Before(expires) {
			return false, true
		}
		if first {
			s.Errorf("Consume answered true for id %x again, %v after it was recorded and %v before it expires. "+
				"An id must be kept until expires: round up where the store's times are coarse. "+
				"Is the store's clock ahead of this machine's?", id, now.Sub(recorded), expires.Sub(now))
			return false, false
		}
	}
	return true, true
}

// lateInSecond returns the next time after t that is nine tenths of a second
// after a whole one, to find stores that cut times to whole seconds.
func lateInSecond(t time.Time) time.Time {
	late := t.Truncate(time.Second).Add(900 * time.Millisecond)
	if late.Before(t) {
		late = late.Add(time.Second)
	}
	return late
}

func (s *store) sleepUntil(t time.Time) bool {
	select {
	case <-time.After(time.Until(t)):
		return true
	case <-s.ctx.Done():
		s.Errorf("the subtest took longer than %v", patience)
		return false
	}
}

// otherExpires finds stores whose key includes expires, and stores in which a
// later call replaces it.
func otherExpires(s *store) {
	r, ok := s.open()
	if !ok {
		return
	}
	id := newID()
	if !s.first(r, id, soon(), newIsNotFirst) {
		return
	}
	for _, other := range []time.Duration{2 * time.Minute, time.Hour, 100 * time.Millisecond, 0, -time.Hour} {
		if !s.used(r, id, time.Now().Add(other), "the call had another expires. Only the id decides.") {
			return
		}
	}
	if s.sleepUntil(time.Now().Add(200 * time.Millisecond)) {
		s.used(r, id, soon(), "later calls had an earlier expires. They must not shorten the time of the first.")
	}
}

// pastAndFuture accepts either answer for an id that has expired.
func pastAndFuture(s *store) {
	r, ok := s.open()
	if !ok {
		return
	}
	kept, expires := newID(), soon()
	if !s.first(r, kept, expires, newIsNotFirst) {
		return
	}
	for _, past := range []time.Time{time.Now().Add(-time.Hour), time.Unix(0, 0)} {
		if _, ok := s.consume(r, newID(), past); !ok {
			return
		}
	}
	id, future := newID(), time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)
	const overflow = "it expires in 2100. Do the store's times overflow in 2038?"
	if s.first(r, id, future, overflow) && s.used(r, id, future, overflow) {
		s.used(r, kept, expires, "calls with an expires in the past or far in the future must not change other ids.")
	}
}
