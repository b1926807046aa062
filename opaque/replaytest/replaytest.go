// Package replaytest tests implementations of [opaque.Replay], the memory of
// single uses that the replicas of a server share. Everyone who writes one
// should run it: a Replay that always answers "first" passes every test of an
// ordinary login, and lets an attacker use the state of a login twice.
//
// Call [Run] from a test of your own. The Replay of package srp has the same
// method, so one store and one test serve both packages.
//
// Run tests that one call for an id is first and no other, among concurrent
// calls, through two handles on one store, and after the store is opened again;
// that an id is kept until it expires; that similar ids are not mixed up; and
// that calls with a cancelled context do not make an id first twice.
//
// Run does not test whether records survive a power failure or the loss of a
// database node, what happens if the clocks of the store and its callers differ
// by more than a tenth of a second, whether a store forgets ids that were to be
// kept for more than two seconds, or whether it frees what has expired. An
// expired id may be forgotten or not. Races between processes are tested only as
// far as two handles in one process show them.
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
// Run calls open several times, twice in some subtests, and every call must open
// the same store, as another replica or a restarted process would. So create the
// store, such as a database file, before Run and open it in open. To close what
// open opened, use the Cleanup method of the t that open gets. The calls of open
// are sequential, the calls of Consume are not.
//
// Run takes about three seconds with a store in memory and longer with one that
// takes a millisecond or more for each call. It leaves up to some 100,000 ids in
// the store, which expire within a minute, apart from a few that expire in
// 2100. Ids are random, so Run may be repeated with the same store. Use a test
// database.
func Run(t *testing.T, open func(t *testing.T) opaque.Replay) {
	check(subtest{t}, func(t tester) opaque.Replay { return open(t.(subtest).T) })
}

// tester is what the checks use of a testing.T. The tests of this package have
// one that notes failures instead of failing.
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

// patience is how long a subtest may take. A call that waits forever then gets
// a cancelled context.
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

// store is the store under test in one subtest. Its methods report what is
// wrong and return false if the subtest cannot go on.
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

// first requires that the call is first. If it is not, why says what that means.
func (s *store) first(r opaque.Replay, id [16]byte, expires time.Time, why string) bool {
	s.Helper()
	first, ok := s.consume(r, id, expires)
	if ok && !first {
		s.Errorf("Consume answered false for the first use of id %x: %s", id, why)
	}
	return ok && first
}

// used requires that the call is not first. If it is, why says what that means.
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
