package testvec

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Replay is a memory of single uses that several servers share, in this process.
type Replay struct {
	mu   sync.Mutex
	used map[[16]byte]time.Time
	Err  error // what every Consume returns, if set
}

// NewReplay returns an empty memory.
func NewReplay() *Replay { return &Replay{used: make(map[[16]byte]time.Time)} }

// Consume records id and reports whether it was the first to do so.
func (r *Replay) Consume(_ context.Context, id [16]byte, expires time.Time) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Err != nil {
		return false, r.Err
	}
	_, used := r.used[id]
	r.used[id] = expires
	return !used, nil
}

// Used returns the ids and when they expire.
func (r *Replay) Used() map[[16]byte]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.used)
}

// Clone returns a copy of the memory, as a backup of a database has one.
func (r *Replay) Clone() *Replay { return &Replay{used: r.Used()} }
