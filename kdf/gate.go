package kdf

import "context"

// Gate bounds how many memory-hard derivations run at once, and so the memory
// that they take together: for services that derive keys from their users'
// passwords. A server of srp or opaque does not, its clients do. What a derivation
// leaves behind waits for the garbage collector, so plan for twice the memory, or
// set a memory limit (runtime/debug.SetMemoryLimit).
//
// Who waits does so until a place is free or the context ends, in no order: give
// the context a deadline. A Gate comes from [NewGate]; the zero Gate bounds nothing.
// It is safe for concurrent use.
type Gate struct {
	slots chan struct{}
}

// NewGate returns a gate that lets n derivations run at once, at least one.
func NewGate(n int) *Gate { return &Gate{make(chan struct{}, max(n, 1))} }

// enter waits for a slot, or returns the error of ctx. It is for bounds.
func (g *Gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *Gate) leave() { <-g.slots }

func (g *Gate) bounds() bool { return g != nil && g.slots != nil }
