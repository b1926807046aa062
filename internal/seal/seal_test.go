package seal_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/seal"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

var (
	keyA = seal.StateKey{Key: [seal.KeySize]byte(bytes.Repeat([]byte{0xa1}, seal.KeySize))}
	keyB = seal.StateKey{Key: [seal.KeySize]byte(bytes.Repeat([]byte{0xb2}, seal.KeySize))}
	keyC = seal.StateKey{Key: [seal.KeySize]byte(bytes.Repeat([]byte{0xc3}, seal.KeySize))}

	alice, nowhere = []byte("alice"), []byte(nil)
)

// clock is a settable time.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func newBox(t testing.TB, change func(*seal.Config)) (*seal.Box, *clock) {
	c := &clock{time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.UTC)}
	cfg := seal.Config{Protocol: "test", Keys: []seal.StateKey{keyA}, Now: c.now}
	if change != nil {
		change(&cfg)
	}
	b, err := seal.New(cfg)
	require.NoError(t, err)
	return b, c
}

func mustSeal(t testing.TB, b *seal.Box) []byte {
	ticket, err := b.Reserve()
	require.NoError(t, err)
	sealed, err := b.Seal(ticket, alice, nowhere, seal.State{Fake: 1, ReplyFlags: 0x80, Body: []byte("the body")})
	require.NoError(t, err)
	return sealed
}

func TestOpen(t *testing.T) {
	b, _ := newBox(t, nil)
	sealed := mustSeal(t, b)
	require.False(t, bytes.Contains(sealed, []byte("body")))
	s, err := b.Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err)
	require.Equal(t, seal.State{Fake: 1, ReplyFlags: 0x80, Body: []byte("the body")}, s)
}

func refused(t *testing.T, b *seal.Box, id, binding, sealed []byte) {
	t.Helper()
	s, err := b.Open(t.Context(), id, binding, sealed)
	require.ErrorIs(t, err, seal.ErrState)
	require.Zero(t, s)
}

func TestOpensOnce(t *testing.T) {
	b, _ := newBox(t, nil)
	sealed := mustSeal(t, b)
	_, err := b.Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err)
	refused(t, b, alice, nowhere, sealed)
}

func TestOpensOnceAmongMany(t *testing.T) {
	shared := testvec.NewReplay()
	for name, change := range map[string]func(*seal.Config){
		"own memory": nil,
		"shared":     func(c *seal.Config) { c.Replay = shared },
	} {
		b, _ := newBox(t, change)
		sealed := mustSeal(t, b)
		var opened atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := b.Open(t.Context(), alice, nowhere, sealed); err == nil {
					opened.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, opened.Load(), name)
	}
}

func TestAnothersStateIsRefused(t *testing.T) {
	b, _ := newBox(t, nil)
	sealed := mustSeal(t, b)
	refused(t, b, []byte("bob"), nowhere, sealed)
	refused(t, b, nil, nowhere, sealed)
	refused(t, b, alice, []byte("delete account"), sealed)
	_, err := b.Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err, "a stranger's attempt must not burn it")
}

func TestExpiry(t *testing.T) {
	b, c := newBox(t, nil)
	sealed, other := mustSeal(t, b), mustSeal(t, b)
	c.advance(seal.DefaultLifetime - time.Millisecond)
	_, err := b.Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err)
	c.advance(time.Millisecond)
	refused(t, b, alice, nowhere, other)

	b, c = newBox(t, func(c *seal.Config) { c.Lifetime = time.Hour })
	sealed = mustSeal(t, b)
	c.advance(time.Hour - time.Second)
	_, err = b.Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err)
}

// TestEveryBitCounts is part of row 13 of the attack table.
func TestEveryBitCounts(t *testing.T) {
	b, _ := newBox(t, nil)
	sealed := mustSeal(t, b)
	for bit, flipped := range testvec.BitFlips(sealed) {
		_, err := b.Open(t.Context(), alice, nowhere, flipped)
		require.ErrorIs(t, err, seal.ErrState, "bit %d", bit)
	}
	for other := range testvec.Lengths(sealed) {
		refused(t, b, alice, nowhere, other)
	}
	refused(t, b, alice, nowhere, make([]byte, seal.MaxSize+1))
	_, err := b.Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err)
}

func TestProtocolsAreApart(t *testing.T) {
	shared := testvec.NewReplay()
	with := func(protocol string) *seal.Box {
		b, _ := newBox(t, func(c *seal.Config) { c.Protocol, c.Replay = protocol, shared })
		return b
	}
	refused(t, with("srp"), alice, nowhere, mustSeal(t, with("opaque")))
}

func TestAnotherInstanceRefusesUnlessReplayIsShared(t *testing.T) {
	b1, _ := newBox(t, nil)
	b2, _ := newBox(t, nil)
	sealed := mustSeal(t, b1)
	refused(t, b2, alice, nowhere, sealed)

	shared := func(c *seal.Config) { c.Replay = testvec.NewReplay() }
	s1, _ := newBox(t, shared)
	s2, _ := newBox(t, shared)
	_, err := s2.Open(t.Context(), alice, nowhere, mustSeal(t, s1))
	require.NoError(t, err)
	refused(t, s2, alice, nowhere, sealed)
	refused(t, b1, alice, nowhere, mustSeal(t, s1))
}

func TestSharedReplay(t *testing.T) {
	shared := testvec.NewReplay()
	with := func(c *seal.Config) { c.Replay = shared }
	b1, c := newBox(t, with)
	b2, _ := newBox(t, with)
	sealed := mustSeal(t, b1)
	_, err := b1.Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err)
	refused(t, b2, alice, nowhere, sealed)
	for _, expires := range shared.Used() {
		require.True(t, expires.Equal(c.t.Add(2*seal.DefaultLifetime).Truncate(time.Millisecond)), "a store whose clock is ahead")
	}

	shared.Err = errors.New("the database is down")
	_, err = b1.Open(t.Context(), alice, nowhere, mustSeal(t, b1))
	require.ErrorIs(t, err, shared.Err)
	require.NotErrorIs(t, err, seal.ErrState)
}

func TestSize(t *testing.T) {
	b, _ := newBox(t, nil)
	ticket, err := b.Reserve()
	require.NoError(t, err)
	for n := seal.MaxSize; ; n-- {
		sealed, err := b.Seal(ticket, alice, nowhere, seal.State{Body: make([]byte, n)})
		if err == nil {
			require.Len(t, sealed, seal.MaxSize)
			require.Greater(t, n, 3800)
			return
		}
		require.ErrorIs(t, err, seal.ErrTooLong)
	}
}

func TestNewRefuses(t *testing.T) {
	keys := []seal.StateKey{keyA}
	for name, cfg := range map[string]seal.Config{
		"lifetime":  {Keys: keys, Lifetime: -1},
		"too long":  {Keys: keys, Lifetime: seal.MaxLifetime + 1},
		"capacity":  {Keys: keys, Capacity: -1},
		"long name": {Keys: keys, Protocol: string(make([]byte, 256))},
	} {
		b, err := seal.New(cfg)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, seal.ErrKeys, name)
		require.Nil(t, b, name)
	}
	_, err := seal.New(seal.Config{Keys: keys, Protocol: string(make([]byte, 255))})
	require.NoError(t, err)
}

func FuzzOpen(f *testing.F) {
	b, _ := newBox(f, func(c *seal.Config) { c.Replay = testvec.NewReplay() })
	f.Add([]byte(nil))
	f.Add(mustSeal(f, b)[:50])
	genuine := mustSeal(f, b)
	f.Fuzz(func(t *testing.T, sealed []byte) {
		s, err := b.Open(t.Context(), alice, nowhere, sealed)
		if bytes.Equal(sealed, genuine) {
			return
		}
		require.ErrorIs(t, err, seal.ErrState)
		require.Zero(t, s)
	})
}

func BenchmarkSealOpen(b *testing.B) {
	box, _ := newBox(b, nil)
	body := make([]byte, 1100)
	b.ReportAllocs()
	for b.Loop() {
		ticket, err := box.Reserve()
		if err != nil {
			b.Fatal(err)
		}
		sealed, err := box.Seal(ticket, alice, nowhere, seal.State{Body: body})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := box.Open(context.Background(), alice, nowhere, sealed); err != nil {
			b.Fatal(err)
		}
	}
}
