package kdf

import "context"

// Gate bounds how many memory-hard derivations run at once, and so the memory
// that they take together: for services that derive keys from their users'
// passwords. A server of srp or opaque does not, its clients do. What a derivation
// leaves behind waits for the garbage collector, so plan for twice the memory, or
// set a memory limit (runtime/debug.SetMemoryLimit).
//
// Who waits does so until a place is free or the context ends, in no order: give
// the context a deadline.
//
// A Gate comes from [NewGate]; the zero Gate bounds nothing. It is safe for
// concurrent use.
type Gate struct {
	slots chan struct{}
}

// NewGate returns a gate that lets n derivations run at once, at least one.
func NewGate(n int) *Gate { return &Gate{make(chan struct{}, max(n, 1))} }

// enter waits for a place, where the algorithm needs one, or returns the error of
// ctx.
func (g *Gate) enter(ctx context.Context, a Algorithm) (leave func(), err error) {
	if a == PBKDF2SHA512 || g == nil || g.slots == nil {
		return func() {}, ctx.Err()
	}
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave = func() { <-g.slots }
	// With both at hand, select takes one or the other.
	if err := ctx.Err(); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}
