package seal

import (
	"sync"
	"time"
)

const (
	// freedPerCall bounds how many expired reservations one call frees, so that
	// no call waits while a burst of them is cleared away. It is above 1 so that
	// clearing away is faster than filling up.
	freedPerCall = 8
	// rotateAfter is how many reservations enter one table before another takes
	// its place.
	rotateAfter = 1024
)

// memory holds the single-use ids that are open, which means reserved and
// neither consumed nor expired, and those that have expired and are not freed
// yet. Every id lives equally long, so the order of arrival is the order of
// expiry.
type memory struct {
	capacity int

	mu          sync.Mutex
	first, last *reservation // the queue, the oldest first
	held        int          // its length

	// The table of reservations is in two parts, because a Go map never
	// shrinks. New reservations enter young. When old is empty, which takes
	// about a lifetime, it is dropped and young takes its place.
	young, old map[[onceSize]byte]*reservation
	entered    int // how many reservations have entered young
}

type reservation struct {
	once       [onceSize]byte
	expires    time.Time
	prev, next *reservation
}

func newMemory(capacity int) *memory {
	return &memory{capacity: capacity, young: make(map[[onceSize]byte]*reservation)}
}

// reserve enters once, or reports false if the memory is full of ids that have
// not expired. It never frees one of those.
func (m *memory) reserve(once [onceSize]byte, now, expires time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free(now)
	if m.held >= m.capacity {
		return false
	}
	r := &reservation{once: once, expires: expires, prev: m.last}
	if m.last == nil {
		m.first = r
	} else {
		m.last.next = r
	}
	m.last = r
	m.held++
	m.young[once] = r
	m.entered++
	return true
}

// consume removes once and reports whether it was there and has not expired.
// Times here have Go's monotonic clock, so a wall clock that is set back does
// not open an id again.
func (m *memory) consume(once [onceSize]byte, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free(now)
	r := m.young[once]
	if r == nil {
		r = m.old[once]
	}
	if r == nil {
		return false
	}
	m.remove(r)
	return now.Before(r.expires)
}

// free removes up to freedPerCall expired reservations.
func (m *memory) free(now time.Time) {
	for range freedPerCall {
		if m.first == nil || now.Before(m.first.expires) {
			break
		}
		m.remove(m.first)
	}
	if len(m.old) == 0 && m.entered >= rotateAfter {
		m.old, m.young, m.entered = m.young, make(map[[onceSize]byte]*reservation), 0
	}
}

func (m *memory) remove(r *reservation) {
	if r.prev == nil {
		m.first = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		m.last = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
	m.held--
	delete(m.young, r.once)
	delete(m.old, r.once)
}
