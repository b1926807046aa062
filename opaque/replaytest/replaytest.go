// Package replaytest tests implementations of [opaque.Replay], the memory of
// single uses that the replicas of a server share. Run it for every
// implementation. A Replay that always reports a first use passes every test of
// an ordinary login, and lets an attacker finish a login twice.
//
// Call [Run] from a test. The Replay of package srp has the same method, and
// one test serves both packages.
//
// Run requires:
//
//   - Exactly one call for an id is first, also among concurrent calls, through
//     two handles on one store, and after the store is opened again.
//   - An id is kept until the expires of the first call with it. Later calls do
//     not change the time. An expired id may be forgotten or kept.
//   - All 16 bytes of an id count, whatever they are.
//   - An expires in the past or in the year 2100 is not an error. The answer
//     for a new id that has already expired may be true or false.
//   - A call with a cancelled context returns an error or the right answer.
//     After an error a second call for the id may be first or not. At most one
//     call without an error is first.
//
// Run does not test:
//
//   - Durability: records must survive a power failure and the loss of a
//     database node.
//   - Clock skew: the clock of the store may be ahead of the servers' by one
//     lifetime of a login, during the test by a tenth of a second.
//   - Long times: an id must be kept for longer than two seconds.
//   - Space: the store should free what has expired.
//   - Races between processes, except through two handles in one process. A
//     race of nanoseconds, in memory, may take several runs to show.
package replaytest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/nescio-go/nescio/opaque"
)

// Run tests the store that open opens, with a subtest for each requirement.
//
// Run calls open several times, in some subtests twice. Every call must open
// the same store, as another replica or a restarted process would. Create the
// store, for example a database file, before Run, and open it in open. Each
// call gets the t of the subtest that uses the handle. Close the handle with
// t.Cleanup. Calls of open are sequential. Calls of Consume are concurrent.
//
// Run takes about three seconds with a store in memory, and about 20 seconds if
// a call takes 20 milliseconds. A store that takes 100 milliseconds or more is
// reported as too slow.
//
// Run leaves up to 100,000 ids in the store. All but one of them expire within
// an hour, and one expires in 2100. Ids are random, so Run may be repeated with
// the same store. Use a test database.
func Run(t *testing.T, open func(t *testing.T) opaque.Replay) {
	check(subtest{t}, func(t tester) opaque.Replay { return open(t.(subtest).T) })
}

// tester is the part of testing.T that the checks use. The tests of this
// package have a tester that records failures.
type tester interface {
	Context() context.Context
	Errorf(format string, args ...any)
	Helper()
	Run(name string, f func(tester)) bool
}

type subtest struct{ *testing.T }

func (t subtest) Run(name string, f func(tester)) bool {
	return t.T.Run(name, func(t *testing.T) { f(subtest{t}) })
}

type opener func(tester) opaque.Replay

// property is a requirement, with a subtest of its name.
type property struct {
	name  string
	check func(*store)
}

var properties = []property{
	{"FirstOnce", firstOnce},
	{"Concurrent", concurrent},
	{"TwoHandles", twoHandles},
	{"TwoHandlesConcurrent", twoHandlesConcurrent},
	{"Reopened", reopened},
	{"UntilExpires", untilExpires},
	{"OtherExpires", otherExpires},
	{"PastAndFuture", pastAndFuture},
	{"SimilarIDs", similarIDs},
	{"CancelledContext", cancelledContext},
}

// patience is how long a subtest may take before the context of its calls is
// cancelled.
const patience = 30 * time.Second

func check(t tester, open opener) {
	for _, p := range properties {
		checkOne(t, p, open)
	}
}

func checkOne(t tester, p property, open opener) {
	t.Run(p.name, func(t tester) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		p.check(&store{t, open, ctx})
	})
}

// store is the store under test in one subtest. Its methods report failures and
// return false if the subtest cannot go on.
type store struct {
	tester
	opener opener
	ctx    context.Context
}

func (s *store) open() (opaque.Replay, bool) {
	s.Helper()
	r := s.opener(s.tester)
	if r == nil {
		s.Errorf("open returned nil")
	}
	return r, r != nil
}

// step runs f as a subtest. What f opens is closed when it ends, if open
// registers a Cleanup.
func (s *store) step(name string, f func(s *store)) bool {
	return s.Run(name, func(t tester) { f(&store{t, s.opener, s.ctx}) })
}

// consume returns the answer to one call, which must not be an error.
func (s *store) consume(r opaque.Replay, id [16]byte, expires time.Time) (first, ok bool) {
	s.Helper()
	first, err := r.Consume(s.ctx, id, expires)
	if err != nil {
		s.Errorf("Consume(id %x, expires %v) returned an error: %v", id, expires, err)
	}
	return first, err == nil
}

// first requires that the call is first. The failure message ends with why.
func (s *store) first(r opaque.Replay, id [16]byte, expires time.Time, why string) bool {
	s.Helper()
	first, ok := s.consume(r, id, expires)
	if ok && !first {
		s.Errorf("Consume answered false for the first use of id %x: %s", id, why)
	}
	return ok && first
}

// used requires that the call is not first. The failure message ends with why.
func (s *store) used(r opaque.Replay, id [16]byte, expires time.Time, why string) bool {
	s.Helper()
	first, ok := s.consume(r, id, expires)
	if ok && first {
		s.Errorf("Consume answered true for id %x, which was used before: %s", id, why)
	}
	return ok && !first
}

const newIsNotFirst = "an id that was never used must be first, or logins fail."

// soon is when the ids of most subtests expire.
func soon() time.Time { return time.Now().Add(time.Minute) }

func newID() (id [16]byte) {
	rand.Read(id[:])
	return id
}

func newIDs(n int) [][16]byte {
	ids := make([][16]byte, n)
	for i := range ids {
		ids[i] = newID()
	}
	return ids
}
