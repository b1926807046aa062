package safeprime

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// Digest names the pair (N, g). A cache remembers digests, and a device may
// keep the digest of an earlier proof. It is
//
//	SHA-256("nescio/safeprime/v1" ‖ 00 ‖ u64be g ‖ N)
func Digest(n []byte, g int) [32]byte {
	h := sha256.New()
	h.Write([]byte("nescio/safeprime/v1\x00"))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(g)))
	h.Write(n)
	return [32]byte(h.Sum(nil))
}

// Cache remembers which pairs (N, g) were proved, up to a fixed number of
// pairs, and lets concurrent callers share one proof. The long part of a proof
// depends only on N and is made once for all g. Failures are not remembered. A
// Cache is safe for concurrent use.
type Cache struct {
	generator func(n []byte, g int) error
	prime     func(n []byte) error

	mu      sync.Mutex
	proved  set // pairs
	primes  set // N, by the digest of (N, 0)
	trusted set // pairs that were proved elsewhere
	flying  map[[32]byte]*flight
}

// flight is one proof under way.
type flight struct {
	done chan struct{} // closed when err is set
	err  error
}

// NewCache returns a cache of at most size pairs. generator proves the part of
// a proof that depends on g, and prime proves the rest.
func NewCache(size int, generator func(n []byte, g int) error, prime func(n []byte) error) *Cache {
	return &Cache{
		generator: generator,
		prime:     prime,
		proved:    newSet(size),
		primes:    newSet(size),
		trusted:   newSet(size),
		flying:    make(map[[32]byte]*flight),
	}
}

// proofs is the only mutable global of the module. It takes 32 bytes for each
// of the last 1024 pairs, so a process proves a modulus once.
var proofs = NewCache(1024, VerifyGenerator, verifyPrime)

// Prove is [Verify] with the cache of the process.
func Prove(ctx context.Context, n []byte, g int) error { return proofs.Prove(ctx, n, g) }

// Trust is [Cache.Trust] with the cache of the process.
func Trust(n []byte, g int) { proofs.Trust(n, g) }

// ProveOrTrust is [Cache.ProveOrTrust] with the cache of the process.
func ProveOrTrust(ctx context.Context, n []byte, g int) error {
	return proofs.ProveOrTrust(ctx, n, g)
}

// Trust enters a pair that was proved earlier and elsewhere. It satisfies
// [Cache.ProveOrTrust], and never [Cache.Prove].
func (c *Cache) Trust(n []byte, g int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trusted.add(Digest(n, g))
}

// ProveOrTrust is [Cache.Prove], except that it returns nil for a pair that was
// entered with [Cache.Trust].
func (c *Cache) ProveOrTrust(ctx context.Context, n []byte, g int) error {
	c.mu.Lock()
	trusted := c.trusted.has(Digest(n, g))
	c.mu.Unlock()
	if trusted {
		return ctx.Err()
	}
	return c.Prove(ctx, n, g)
}

// Prove returns nil if (N, g) was proved before, and otherwise the result of
// the proof. The end of ctx ends the wait and returns its error. It never ends
// the proof, because other callers may be waiting for it.
func (c *Cache) Prove(ctx context.Context, n []byte, g int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	pair := Digest(n, g)
	c.mu.Lock()
	if c.proved.has(pair) {
		c.mu.Unlock()
		return nil
	}
	f := c.flying[pair]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		c.flying[pair] = f
		go c.fly(f, pair, append([]byte(nil), n...), g)
	}
	c.mu.Unlock()

	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Cache) fly(f *flight, pair [32]byte, n []byte, g int) {
	N := Digest(n, 0)
	f.err = c.generator(n, g)
	if f.err == nil && !c.isPrime(N) {
		f.err = c.prime(n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flying, pair)
	if f.err == nil {
		c.proved.add(pair)
		c.primes.add(N)
	}
	close(f.done)
}

func (c *Cache) isPrime(N [32]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.primes.has(N)
}

// set is a set of a fixed capacity. When it is full, a new member replaces the
// oldest.
type set struct {
	members map[[32]byte]struct{}
	order   [][32]byte // a ring once it is full, the oldest at next
	next    int
}

func newSet(size int) set {
	return set{members: make(map[[32]byte]struct{}), order: make([][32]byte, 0, size)}
}

func (s *set) has(key [32]byte) bool {
	_, ok := s.members[key]
	return ok
}

func (s *set) add(key [32]byte) {
	if s.has(key) {
		return
	}
	if len(s.order) < cap(s.order) {
		s.order = append(s.order, key)
	} else {
		delete(s.members, s.order[s.next])
		s.order[s.next] = key
		s.next = (s.next + 1) % len(s.order)
	}
	s.members[key] = struct{}{}
}
