package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestNames: a name belongs to one account, also for servers that race for it,
// and is not given out again after that account is deleted.
func TestNames(t *testing.T) {
	onBoth(t, func(b *base) {
		db, other := b.migrated(), b.open(b)
		insert := func(db *store.DB, of store.ID, names ...string) (ok bool) {
			err := db.Tx(b.Context(), func(tx *store.Tx) (err error) {
				var all []store.Name
				for _, name := range names {
					all = append(all, store.Name{Key: []byte(name), Sealed: []byte(name)})
				}
				if ok, err = tx.Insert(b.Context(), store.Account{ID: of, Record: []byte("record")}, all, now); err == nil && !ok {
					err = store.ErrNotFound // as the server does
				}
				return err
			})
			require.Equal(b, ok, err == nil, err)
			return ok
		}
		require.True(b, insert(db, id(1), "alice", "alice@example.org"))
		require.False(b, insert(other, id(2), "bob", "alice"), "taken")
		require.False(b, insert(other, id(1), "carol"), "the id is taken")
		require.Equal(b, 2, b.count("names"))
		require.True(b, insert(other, id(2), "bob"), "the failed tries left nothing")
		names, err := db.Names(b.Context(), id(1))
		require.NoError(b, err)
		require.Equal(b, []store.Name{{Key: []byte("alice"), Sealed: []byte("alice")},
			{Key: []byte("alice@example.org"), Sealed: []byte("alice@example.org")}}, names)

		b.tx(db, func(tx *store.Tx) error { return tx.Delete(b.Context(), id(1)) })
		require.False(b, insert(db, id(3), "alice"), "a tombstone")
		require.False(b, insert(db, id(3), "carol", "alice@example.org"))
		account, err := db.ByName(b.Context(), []byte("alice"), 0)
		require.NoError(b, err)
		require.Equal(b, store.Account{}, account)

		var wg sync.WaitGroup
		won := make(chan byte, 8)
		for i := range byte(8) {
			wg.Go(func() {
				if insert([]*store.DB{db, other}[i%2], id(10+i), "dave", "dave@example.org") {
					won <- 10 + i
				}
			})
		}
		wg.Wait()
		require.Len(b, won, 1)
		account, err = db.ByName(b.Context(), []byte("dave"), 0)
		require.NoError(b, err)
		require.Equal(b, id(<-won), account.ID)
		require.Equal(b, 2, b.count("accounts"))
	})
}

// TestFormers: an account that replaces another one has its names. The former
// ones stay, the newest first, and are found by the same names.
func TestFormers(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		b.insert(db, id(1), "alice")
		b.insert(db, id(9), "bob")
		replace := func(old, next byte, at time.Time) {
			b.tx(db, func(tx *store.Tx) error {
				return tx.Replace(ctx, id(old), store.Account{ID: id(next), Record: []byte{next}}, at)
			})
		}
		replace(1, 3, now)
		replace(3, 2, now.Add(time.Minute))
		replace(2, 4, now.Add(time.Minute)) // at the same time: by their ids
		formers, err := db.Formers(ctx, id(4))
		require.NoError(b, err)
		require.Equal(b, []store.ID{id(2), id(3), id(1)}, formers)
		for former, want := range []byte{4, 2, 3, 1, 0} {
			account, err := db.ByName(ctx, []byte("alice"), former)
			require.NoError(b, err)
			if want == 0 {
				require.Equal(b, store.Account{}, account)
				continue
			}
			require.Equal(b, id(want), account.ID)
			require.True(b, account.Known)
		}
		for name, former := range map[string]int{"bob": 1, "carol": 1} {
			account, err := db.ByName(ctx, []byte(name), former)
			require.NoError(b, err)
			require.Equal(b, store.Account{}, account)
		}
		summary, err := db.Summary(ctx, id(4))
		require.NoError(b, err)
		require.Equal(b, 3, summary.Former)
		require.Equal(b, now.Add(time.Minute), summary.Created)
		names, err := db.Names(ctx, id(4))
		require.NoError(b, err)
		require.Equal(b, []store.Name{{Key: []byte("alice"), Sealed: []byte("sealed")}}, names)
		names, err = db.Names(ctx, id(3))
		require.NoError(b, err)
		require.Empty(b, names)
		other, err := db.ByName(ctx, []byte("bob"), 0)
		require.NoError(b, err)
		require.Equal(b, id(9), other.ID)
		require.Error(b, db.Tx(ctx, func(tx *store.Tx) error {
			return tx.Replace(ctx, id(4), store.Account{ID: id(9), Record: []byte{1}}, now)
		}), "the id is taken")
		require.Error(b, db.Tx(ctx, func(tx *store.Tx) error {
			return tx.Replace(ctx, id(1), store.Account{ID: id(8), Record: []byte{1}}, now)
		}), "it is a former account already")
	})
}
