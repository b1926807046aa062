package seal

import (
	"container/list"
	"sync"
	"time"
)

// memory knows which single-use ids are open: reserved by Reserve and neither
// consumed nor expired. Every id lives equally long, so that the order of
// arrival is the order of expiry.
type memory struct {
	capacity int

	mu    sync.Mutex
	open  map[[onceSize]byte]*list.Element
	queue list.List // of reservation, oldest first
}

type reservation struct {
	once    [onceSize]byte
	expires time.Time
}

func newMemory(capacity int) *memory {
	return &memory{capacity: capacity, open: make(map[[onceSize]byte]*list.Element)}
}

// reserve enters once, or reports false if the memory is full of ids that have
// not expired: it fails closed, and forgets none of them.
func (m *memory) reserve(once [onceSize]byte, now, expires time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for e := m.queue.Front(); e != nil && !now.Before(e.Value.(reservation).expires); e = m.queue.Front() {
		m.remove(e)
	}
	if m.queue.Len() >= m.capacity {
		return false
	}
	m.open[once] = m.queue.PushBack(reservation{once, expires})
	return true
}

// consume removes once and reports whether it was there.
func (m *memory) consume(once [onceSize]byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.open[once]
	if ok {
		m.remove(e)
	}
	return ok
}

func (m *memory) remove(e *list.Element) {
	delete(m.open, m.queue.Remove(e).(reservation).once)
}
