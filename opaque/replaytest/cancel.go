package replaytest

import (
	"context"
	"time"

	"github.com/nescio-go/nescio/opaque"
)

// cancelledContext allows a call whose context is cancelled to return an error
// or the right answer. After an error the id may be recorded or not, so a second
// call may be first or not. At most one call that returns no error may be first.
func cancelledContext(s *store) {
	r, ok := s.open()
	if !ok {
		return
	}
	cancelled, cancel := context.WithCancel(s.ctx)
	cancel()
	if !s.cancelledAfterUse(r, cancelled) {
		return
	}
	for range 5 {
		if !s.interrupted(r, cancelled, newID()) {
			return
		}
	}
	// Cancelled at different times during the call.
	for i := range 40 {
		ctx, cancel := context.WithCancel(s.ctx)
		timer := time.AfterFunc(time.Duration(i)*25*time.Microsecond, cancel)
		ok := s.interrupted(r, ctx, newID())
		timer.Stop()
		cancel()
		if !ok {
			return
		}
	}
	s.first(r, newID(), soon(), "calls before it had a cancelled context. The store must go on to work.")
}

// cancelledAfterUse finds stores that undo on errors what an earlier call did.
func (s *store) cancelledAfterUse(r opaque.Replay, cancelled context.Context) bool {
	id, expires := newID(), soon()
	if !s.first(r, id, expires, newIsNotFirst) {
		return false
	}
	if first, err := r.Consume(cancelled, id, expires); first && err == nil {
		s.Errorf("Consume with a cancelled context answered true for id %x, which was used before. Return the error, or the right answer.", id)
		return false
	}
	return s.used(r, id, expires, "a call with a cancelled context came in between. It must not undo what another call recorded.")
}

// interrupted has ctx cancelled before or during the first call for an id.
func (s *store) interrupted(r opaque.Replay, ctx context.Context, id [16]byte) bool {
	expires, firsts := soon(), 0
	first, err := r.Consume(ctx, id, expires)
	if err == nil && !first {
		s.Errorf("Consume with a cancelled context answered false for id %x, which was never used. Return the error, or the right answer.", id)
		return false
	}
	if err == nil {
		firsts++
	}
	for range 2 {
		first, ok := s.consume(r, id, expires)
		if !ok {
			return false
		}
		if first {
			firsts++
		}
	}
	if firsts > 1 {
		s.Errorf("Consume answered true %d times for id %x. The context of the first call was cancelled before or during it, "+
			"and its error was %v. Of the calls that return no error only one may be first. "+
			"Do not answer true before the id is recorded.", firsts, id, err)
	}
	return firsts <= 1
}
