package seal_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/seal"
	"github.com/stretchr/testify/require"
)

func TestFullMemoryFailsClosed(t *testing.T) {
	b, c := newBox(t, func(c *seal.Config) { c.Capacity = 3 })
	first := mustSeal(t, b)
	c.advance(10 * time.Second)
	second := mustSeal(t, b)
	third := mustSeal(t, b)
	_, err := b.Reserve()
	require.ErrorIs(t, err, seal.ErrFull)

	_, err = b.Open(t.Context(), alice, nowhere, second)
	require.NoError(t, err, "what is open stays open")
	fourth := mustSeal(t, b)
	_, err = b.Reserve()
	require.ErrorIs(t, err, seal.ErrFull)

	c.advance(50 * time.Second) // the first expires
	fifth := mustSeal(t, b)
	refused(t, b, alice, nowhere, first)
	for _, sealed := range [][]byte{third, fourth, fifth} {
		_, err = b.Open(t.Context(), alice, nowhere, sealed)
		require.NoError(t, err)
	}
}

func TestRelease(t *testing.T) {
	b, _ := newBox(t, func(c *seal.Config) { c.Capacity = 1 })
	for range 3 {
		ticket, err := b.Reserve()
		require.NoError(t, err)
		_, err = b.Reserve()
		require.ErrorIs(t, err, seal.ErrFull)
		b.Release(ticket)
	}
	sealed := mustSeal(t, b)
	_, err := b.Open(t.Context(), alice, nowhere, sealed)
	require.NoError(t, err)
}

// TestNoCallFreesMoreThanAFew: when a burst expires at once, every call that
// follows frees a few of it, and none is refused.
func TestNoCallFreesMoreThanAFew(t *testing.T) {
	const burst = 1000
	b, c := newBox(t, func(c *seal.Config) { c.Capacity = burst })
	for range burst {
		_, err := b.Reserve()
		require.NoError(t, err)
	}
	_, err := b.Reserve()
	require.ErrorIs(t, err, seal.ErrFull)
	require.Equal(t, burst, seal.Held(b))

	c.advance(seal.DefaultLifetime)
	for expired := burst; expired > 0; {
		want := seal.Held(b) - min(expired, seal.FreedPerCall)
		if expired%3 == 0 {
			b.Release(seal.Ticket{}) // unknown
		} else {
			_, err := b.Reserve()
			require.NoError(t, err)
			want++
		}
		require.Equal(t, want, seal.Held(b))
		expired -= min(expired, seal.FreedPerCall)
	}
	before := seal.Held(b)
	b.Release(seal.Ticket{})
	require.Equal(t, before, seal.Held(b), "what has not expired is not freed")
}

// TestFullOfExpired: an expired reservation never refuses a new one.
func TestFullOfExpired(t *testing.T) {
	for capacity := 1; capacity < 3*seal.FreedPerCall; capacity++ {
		b, c := newBox(t, func(c *seal.Config) { c.Capacity = capacity })
		for range 3 {
			for range capacity {
				_, err := b.Reserve()
				require.NoError(t, err)
			}
			_, err := b.Reserve()
			require.ErrorIs(t, err, seal.ErrFull)
			c.advance(seal.DefaultLifetime)
		}
	}
}

// TestExpiredReservationIsUsed: what has expired counts as used, whether it is
// freed yet or not.
func TestExpiredReservationIsUsed(t *testing.T) {
	b, c := newBox(t, nil)
	var tickets []seal.Ticket
	for range 3 * seal.FreedPerCall {
		ticket, err := b.Reserve()
		require.NoError(t, err)
		tickets = append(tickets, ticket)
	}
	require.True(t, seal.Consume(b, tickets[0]))
	require.False(t, seal.Consume(b, tickets[0]))
	c.advance(seal.DefaultLifetime)
	require.False(t, seal.Consume(b, tickets[len(tickets)-1]))
	require.Positive(t, seal.Held(b))
	for _, ticket := range tickets {
		require.False(t, seal.Consume(b, ticket))
	}
	require.Zero(t, seal.Held(b))
}

// TestManyStatesStayOpen: more than fit into one table, and old and new ones.
func TestManyStatesStayOpen(t *testing.T) {
	b, c := newBox(t, nil)
	var tickets []seal.Ticket
	for range 4*seal.RotateAfter + 1 {
		ticket, err := b.Reserve()
		require.NoError(t, err)
		tickets = append(tickets, ticket)
		c.advance(time.Millisecond)
	}
	for _, ticket := range tickets {
		require.True(t, seal.Consume(b, ticket))
		require.False(t, seal.Consume(b, ticket))
	}
	require.Zero(t, seal.Held(b))
}

// TestMemoryAgainstModel compares the memory of single uses with a map that is
// searched from end to end.
func TestMemoryAgainstModel(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 5))
	for range 20 {
		steps := make([]byte, 1000)
		for i := range steps {
			steps[i] = byte(random.Uint32())
		}
		againstModel(t, steps)
	}
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte("\x07reserve and expire\xff\xff"))
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) <= 4096 {
			againstModel(t, steps)
		}
	})
}

// againstModel runs steps on a Box and on the model. The first byte decides how
// large the memory is.
func againstModel(t *testing.T, steps []byte) {
	if len(steps) == 0 {
		return
	}
	type entry struct {
		ticket  seal.Ticket
		sealed  []byte
		expires time.Time
		used    bool
	}
	capacity := 1 + int(steps[0]%64)
	b, c := newBox(t, func(c *seal.Config) { c.Capacity = capacity })
	var entries []*entry
	for i, step := range steps[1:] {
		open := 0
		for _, e := range entries {
			if !e.used && c.t.Before(e.expires) {
				open++
			}
		}
		switch {
		case step < 150: // reserve and seal
			ticket, err := b.Reserve()
			if open >= capacity {
				require.ErrorIs(t, err, seal.ErrFull)
				continue
			}
			require.NoError(t, err, "%d of %d are open", open, capacity)
			sealed, err := b.Seal(ticket, alice, nowhere, seal.State{Body: []byte{byte(i)}})
			require.NoError(t, err)
			entries = append(entries, &entry{ticket, sealed, c.t.Add(seal.DefaultLifetime), false})
		case step < 220 && len(entries) > 0: // open, or release, one of the last
			e := entries[len(entries)-1-int(step)%min(len(entries), 70)]
			if step%5 == 0 {
				b.Release(e.ticket)
				e.used = true
				continue
			}
			_, err := b.Open(t.Context(), alice, nowhere, e.sealed)
			if e.used || !c.t.Before(e.expires) {
				require.ErrorIs(t, err, seal.ErrState)
			} else {
				require.NoError(t, err)
			}
			e.used = true
		default:
			c.advance(time.Duration(step-200) * 500 * time.Millisecond)
		}
		require.LessOrEqual(t, seal.Held(b), capacity)
	}
}

// TestMemoryOfABurstIsGivenBack: the tables of a burst are dropped, although the
// server is never without an open login.
func TestMemoryOfABurstIsGivenBack(t *testing.T) {
	const burst = 1 << 16
	b, c := newBox(t, nil)
	before := heap()
	for range burst {
		_, err := b.Reserve()
		require.NoError(t, err)
	}
	peak := heap() - before
	for range 3 {
		c.advance(seal.DefaultLifetime / 2)
		for range burst / (seal.FreedPerCall - 1) {
			ticket, err := b.Reserve()
			require.NoError(t, err)
			b.Release(ticket)
		}
		_, err := b.Reserve()
		require.NoError(t, err)
	}
	require.Less(t, seal.Held(b), 5)
	require.Less(t, heap()-before, peak/8)
	runtime.KeepAlive(b)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkReserve/expired=1048576 begins each round with that many expired
// reservations and reports the slowest of the calls that clear them away.
func BenchmarkReserve(b *testing.B) {
	for _, expired := range []int{0, seal.DefaultCapacity} {
		b.Run(fmt.Sprintf("expired=%d", expired), func(b *testing.B) {
			var slowest time.Duration
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				box, c := newBox(b, nil)
				for range expired {
					if _, err := box.Reserve(); err != nil {
						b.Fatal(err)
					}
				}
				c.advance(seal.DefaultLifetime)
				b.StartTimer()
				for range 1 << 16 {
					start := time.Now()
					if _, err := box.Reserve(); err != nil {
						b.Fatal(err)
					}
					slowest = max(slowest, time.Since(start))
				}
			}
			b.ReportMetric(float64(slowest.Nanoseconds()), "slowest-ns")
		})
	}
}
