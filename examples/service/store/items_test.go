package store_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestConcurrentPuts: servers that lock the account give every version of an
// item a revision of its own, and lose none.
func TestConcurrentPuts(t *testing.T) {
	const writers, each = 6, 20
	onBoth(t, func(b *base) {
		dbs := []*store.DB{b.migrated(), b.open(b)}
		b.insert(dbs[0], id(1), "alice")
		var wg sync.WaitGroup
		for w := range byte(writers) {
			wg.Go(func() {
				for n := range byte(each) {
					err := dbs[w%2].Tx(b.Context(), func(tx *store.Tx) error {
						if _, err := tx.LockAccount(b.Context(), id(1)); err != nil {
							return err
						}
						u, err := tx.Usage(b.Context(), id(1))
						if err != nil {
							return err
						}
						u.Revision, u.Items, u.Bytes = u.Revision+1, u.Items+1, u.Bytes+4
						return tx.PutItem(b.Context(), id(1), store.Item{ID: store.ID{w, n}, Version: 1, Revision: u.Revision, Body: []byte("body")}, u)
					})
					if err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
		u, err := dbs[0].Usage(b.Context(), id(1))
		require.NoError(b, err)
		require.Equal(b, store.Usage{Revision: writers * each, Items: writers * each, Bytes: 4 * writers * each}, u)
		items, err := dbs[1].ItemsAfter(b.Context(), id(1), 0, 1000, 1<<20)
		require.NoError(b, err)
		require.Len(b, items, writers*each)
	})
}

// TestItemsAfter: pages have the items in the order of their revisions, end at
// the limits, and together have each item once.
func TestItemsAfter(t *testing.T) {
	onBoth(t, func(b *base) {
		db := b.migrated()
		b.insert(db, id(1), "alice")
		b.insert(db, id(2), "bob")
		put := func(account store.ID, i store.Item) {
			b.tx(db, func(tx *store.Tx) error {
				return tx.PutItem(b.Context(), account, i, store.Usage{Revision: i.Revision, Items: 3, Bytes: 30})
			})
		}
		var want []store.Item
		for n := range byte(6) {
			i := store.Item{ID: id(9 - n), Version: 1, Revision: int64(n) + 1, Epoch: 1<<32 - 1, Key: []byte("key"), Body: make([]byte, 7)}
			put(id(1), i)
			want = append(want, i)
		}
		put(id(2), store.Item{ID: id(9), Version: 1, Revision: 1, Body: []byte("of another account")})

		// Another version moves to the end, and a deleted item keeps its place.
		changed := want[1]
		changed.Version, changed.Revision, changed.Deleted, changed.Key, changed.Body = 2, 7, true, nil, nil
		put(id(1), changed)
		want = append(slices.Delete(want, 1, 2), changed)
		stored, err := db.Item(b.Context(), id(1), changed.ID)
		require.NoError(b, err)
		require.Equal(b, changed, nilled(stored))
		_, err = db.Item(b.Context(), id(2), changed.ID)
		require.ErrorIs(b, err, store.ErrNotFound)

		page := func(after int64, count int, size int64) []store.Item {
			items, err := db.ItemsAfter(b.Context(), id(1), after, count, size)
			require.NoError(b, err)
			for i := range items {
				items[i] = nilled(items[i])
			}
			return items
		}
		require.Equal(b, want, page(0, 100, 1<<20))
		require.Equal(b, want[:2], page(0, 2, 1<<20))
		require.Equal(b, want[3:], page(4, 100, 1<<20))
		require.Empty(b, page(7, 100, 1<<20))
		require.Equal(b, want[:1], page(0, 100, 0), "an item always fits")
		require.Equal(b, want[:2], page(0, 100, 10), "10 bytes fit, and one item more")
		require.Equal(b, want[:3], page(0, 100, 20))
		for size := range int64(30) {
			var all []store.Item
			for after := int64(0); ; after = all[len(all)-1].Revision {
				items := page(after, 3, size)
				if len(items) == 0 {
					break
				}
				all = append(all, items...)
			}
			require.Equal(b, want, all)
		}
		b.tx(db, func(tx *store.Tx) error {
			lowest, err := tx.LowestEpoch(b.Context(), id(1))
			require.Equal(b, uint32(1<<32-1), lowest)
			return err
		})
	})
}

// nilled returns an item whose empty values are nil, as SQLite reads them.
func nilled(i store.Item) store.Item {
	if i.Size() == 0 {
		i.Key, i.Body = nil, nil
	}
	return i
}
