package kdf

import "context"

// Gate limits how many memory-hard derivations run at the same time, and so the
// memory that they use together. It is meant for services that derive keys from
// the passwords of their users. Servers of packages srp and opaque derive no
// keys from passwords; their clients do. The memory of a finished derivation
// waits for the garbage collector: plan for twice the memory, or set a limit
// with [runtime/debug.SetMemoryLimit].
//
// A derivation waits until another one ends or its context ends. The order is
// not defined. Give the context a deadline.
//
// Use [NewGate]. The zero Gate has no limit. A Gate is safe for concurrent use.
type Gate struct {
	running chan struct{}
}

// NewGate returns a gate that lets n derivations run at the same time. If n is
// less than 1, it lets one run.
func NewGate(n int) *Gate { return &Gate{make(chan struct{}, max(n, 1))} }

// enter waits until a memory-hard derivation may run, or returns the error of
// ctx.
func (g *Gate) enter(ctx context.Context, a Algorithm) (leave func(), err error) {
	if a == PBKDF2SHA512 || g == nil || g.running == nil {
		return func() {}, ctx.Err()
	}
	select {
	case g.running <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave = func() { <-g.running }
	// If both were ready, select may have chosen either.
	if err := ctx.Err(); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}
