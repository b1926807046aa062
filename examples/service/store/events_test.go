package store_test

import (
	"math"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestEvents: pages have each event once, the newest first, also if many have
// the same time.
func TestEvents(t *testing.T) {
	onBoth(t, func(b *base) {
		const count = 40
		db, ctx := b.migrated(), b.Context()
		for n := range count {
			e := store.Event{Time: now.Add(time.Duration(n/15) * time.Millisecond), Kind: "login", Address: "192.0.2.0/24", Expires: now.Add(time.Hour)}
			require.NoError(b, db.AddEvent(ctx, id(1), e))
		}
		require.NoError(b, db.AddEvent(ctx, id(2), store.Event{Time: now, Kind: "other", Expires: now}))
		for _, size := range []int{1, 7, 15, count, 100} {
			before, last, seen := time.UnixMilli(math.MaxInt64), store.ID{}, make(map[store.ID]bool)
			for {
				page, err := db.Events(ctx, id(1), before, last, size)
				require.NoError(b, err)
				for _, e := range page {
					require.True(b, e.Time.Before(before) || e.Time.Equal(before) && string(e.ID[:]) < string(last[:]))
					require.Equal(b, store.Event{ID: e.ID, Account: id(1), Time: e.Time, Kind: "login", Address: "192.0.2.0/24", Expires: now.Add(time.Hour)}, e)
					before, last = e.Time, e.ID
					seen[e.ID] = true
				}
				if len(page) < size {
					break
				}
			}
			require.Len(b, seen, count, size)
		}
	})
}

// TestNotices: notices are listed until they are marked, the oldest first.
func TestNotices(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		for n := range 4 {
			e := store.Event{Time: now.Add(-time.Duration(n) * time.Minute), Kind: string(rune('a' + n)), Notice: n != 2, Expires: now}
			require.NoError(b, db.AddEvent(ctx, id(byte(n)), e))
		}
		kinds := func(count int) (all string, first store.Event) {
			events, err := db.Notices(ctx, count)
			require.NoError(b, err)
			for _, e := range events {
				all += e.Kind
				require.True(b, e.Notice)
			}
			if len(events) > 0 {
				first = events[0]
			}
			return all, first
		}
		all, first := kinds(10)
		require.Equal(b, "dba", all)
		require.Equal(b, id(3), first.Account)
		all, _ = kinds(2)
		require.Equal(b, "db", all)
		for range 2 {
			require.NoError(b, db.Noticed(ctx, first.ID))
		}
		all, _ = kinds(10)
		require.Equal(b, "ba", all)
		events, err := db.Events(ctx, id(3), now, store.ID{}, 10)
		require.NoError(b, err)
		require.Len(b, events, 1, "it stays an event")
	})
}
