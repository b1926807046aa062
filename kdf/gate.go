package kdf

import "context"

// Gate bounds how many memory-hard derivations run at once, and so the memory
// that they take together. It is safe for concurrent use.
type Gate struct {
	slots chan struct{}
}

// NewGate returns a gate that lets n derivations run at once, at least one.
func NewGate(n int) *Gate { return &Gate{make(chan struct{}, max(n, 1))} }

// enter waits for a slot, or returns the error of ctx. A nil gate is open.
func (g *Gate) enter(ctx context.Context) error {
	if g == nil {
		return ctx.Err()
	}
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *Gate) leave() {
	if g != nil {
		<-g.slots
	}
}
