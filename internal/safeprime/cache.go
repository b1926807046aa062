package safeprime

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// Digest names the pair (N, g). It is what a cache remembers and what a device
// may keep of an earlier proof: SHA-256("nescio/safeprime/v1" ‖ 00 ‖ u64be g ‖ N).
func Digest(n []byte, g int) [32]byte {
	h := sha256.New()
	h.Write([]byte("nescio/safeprime/v1\x00"))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(g)))
	h.Write(n)
	return [32]byte(h.Sum(nil))
}

// Cache remembers which pairs (N, g) were proved, up to a fixed number of
// them, and lets concurrent callers share one proof. Failures are not
// remembered. It is safe for concurrent use.
type Cache struct {
	verify func(n []byte, g int) error

	mu     sync.Mutex
	proved map[[32]byte]struct{}
	order  [][32]byte // a ring of what proved holds, oldest at next once full
	next   int
	flying map[[32]byte]*flight
}

// flight is one proof under way.
type flight struct {
	done chan struct{} // closed when err is set
	err  error
}

// NewCache returns a cache of at most size proofs that are made by verify.
func NewCache(size int, verify func(n []byte, g int) error) *Cache {
	return &Cache{
		verify: verify,
		proved: make(map[[32]byte]struct{}),
		order:  make([][32]byte, 0, size),
		flying: make(map[[32]byte]*flight),
	}
}

// proofs is the module's only mutable global: 32 bytes each for the last 1024
// pairs, so that a process proves a modulus once.
var proofs = NewCache(1024, Verify)

// Prove is Verify with the cache of the process.
func Prove(ctx context.Context, n []byte, g int) error { return proofs.Prove(ctx, n, g) }

// Remember enters a pair that was proved earlier, by this device or in another
// way, into the cache of the process.
func Remember(n []byte, g int) { proofs.Remember(n, g) }

// Prove returns nil if (N, g) is remembered, and otherwise what the cache's
// verify says. A context that ends while a proof runs ends the wait and never
// the proof, which others may be waiting for.
func (c *Cache) Prove(ctx context.Context, n []byte, g int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	key := Digest(n, g)
	c.mu.Lock()
	if _, ok := c.proved[key]; ok {
		c.mu.Unlock()
		return nil
	}
	f := c.flying[key]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		c.flying[key] = f
		go c.fly(f, key, append([]byte(nil), n...), g)
	}
	c.mu.Unlock()

	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Cache) fly(f *flight, key [32]byte, n []byte, g int) {
	f.err = c.verify(n, g)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flying, key)
	if f.err == nil {
		c.remember(key)
	}
	close(f.done)
}

// Remember enters (N, g) without a proof.
func (c *Cache) Remember(n []byte, g int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remember(Digest(n, g))
}

func (c *Cache) remember(key [32]byte) {
	if _, ok := c.proved[key]; ok {
		return
	}
	if len(c.order) < cap(c.order) {
		c.order = append(c.order, key)
	} else {
		delete(c.proved, c.order[c.next])
		c.order[c.next] = key
		c.next = (c.next + 1) % len(c.order)
	}
	c.proved[key] = struct{}{}
}
