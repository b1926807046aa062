package kdf

import "context"

// Gate limits concurrent memory-hard derivations in a service. Others wait
// until a place is free or their context ends. Plan for twice the memory,
// because the garbage collector frees it later. The zero Gate has no limit. A
// Gate is safe for concurrent use.
type Gate struct {
	running chan struct{}
}

// NewGate allows n derivations at a time, at least 1.
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
