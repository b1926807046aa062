package store_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/internal/pgtest"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/opaque/replaytest"
	"github.com/stretchr/testify/require"
)

var cluster *pgtest.Cluster

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	cluster, err = pgtest.Start(false)
	switch {
	case err == pgtest.ErrNotInstalled && os.Getenv("NESCIO_REQUIRE_POSTGRES") == "":
		fmt.Println("NOT TESTED on PostgreSQL, which is not installed")
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	default:
		defer cluster.Stop()
	}
	return m.Run()
}

// base is an empty database for one test.
type base struct {
	*testing.T
	where string
}

// onBoth runs a test on an empty database of each kind.
func onBoth(t *testing.T, test func(*base)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(&base{t, filepath.Join(t.TempDir(), "with space?&#%.db")})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		if cluster == nil {
			t.Skip("PostgreSQL is not installed")
		}
		t.Parallel()
		test(&base{t, cluster.Create(t, "")})
	})
}

// open opens the database, as another server would.
func (b *base) open(t testing.TB) *store.DB {
	db, err := store.Open(b.Context(), b.where)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// migrated opens the database with all tables.
func (b *base) migrated() *store.DB {
	db := b.open(b)
	require.NoError(b, db.Migrate(b.Context()))
	return db
}

func (b *base) postgres() bool { return strings.HasPrefix(b.where, "postgres") }

// raw opens the database without package store.
func (b *base) raw() *sql.DB {
	driver, source := "pgx", b.where
	if !b.postgres() {
		source = strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(b.where)
		driver, source = "sqlite", "file:"+source+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	require.NoError(b, err)
	b.Cleanup(func() { db.Close() })
	return db
}

func (b *base) count(table string) (n int) {
	require.NoError(b, b.raw().QueryRowContext(b.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// tx runs f in a transaction that must succeed.
func (b *base) tx(db *store.DB, f func(*store.Tx) error) {
	b.Helper()
	require.NoError(b, db.Tx(b.Context(), f))
}

func id(n byte) store.ID { return store.ID{0: n, 15: 1} }

// now is a time as the server has it.
var now = time.Now().Truncate(time.Millisecond)

// insert makes an account with one name.
func (b *base) insert(db *store.DB, of store.ID, name string) {
	b.Helper()
	b.tx(db, func(tx *store.Tx) error {
		ok, err := tx.Insert(b.Context(), store.Account{ID: of, Record: []byte("record")}, []store.Name{{Key: []byte(name), Sealed: []byte("sealed")}}, now)
		require.True(b, ok)
		return err
	})
}

// TestReplay: every id is consumed once, also by two servers.
func TestReplay(t *testing.T) {
	onBoth(t, func(b *base) {
		b.migrated()
		replaytest.Run(b.T, func(t *testing.T) opaque.Replay { return b.open(t) })
	})
}

// TestMigrateTwice: migrations of servers that start together wait for each
// other, and a later one changes nothing.
func TestMigrateTwice(t *testing.T) {
	onBoth(t, func(b *base) {
		errs := make(chan error, 3)
		for range cap(errs) {
			db := b.open(b)
			go func() { errs <- db.Migrate(b.Context()) }()
		}
		for range cap(errs) {
			require.NoError(b, <-errs)
		}
		db := b.migrated()
		b.insert(db, id(1), "alice")
		require.NoError(b, db.Migrate(b.Context()))
		account, err := db.ByName(b.Context(), []byte("alice"))
		require.NoError(b, err)
		require.True(b, account.Known)
	})
}

// TestRollback: an error, a panic or a cancelled context undoes a transaction.
func TestRollback(t *testing.T) {
	onBoth(t, func(b *base) {
		db, wrong := b.migrated(), errors.New("wrong")
		half := func(tx *store.Tx) {
			ok, err := tx.Insert(b.Context(), store.Account{ID: id(1), Record: []byte("record")}, []store.Name{{Key: []byte("alice")}}, now)
			require.NoError(b, err)
			require.True(b, ok)
		}
		require.ErrorIs(b, db.Tx(b.Context(), func(tx *store.Tx) error {
			half(tx)
			return wrong
		}), wrong)
		require.Panics(b, func() {
			db.Tx(b.Context(), func(tx *store.Tx) error {
				half(tx)
				panic("wrong")
			})
		})
		ctx, cancel := context.WithCancel(b.Context())
		require.ErrorIs(b, db.Tx(ctx, func(tx *store.Tx) error {
			half(tx)
			cancel()
			return nil
		}), context.Canceled)
		require.Zero(b, b.count("accounts"))
		require.Zero(b, b.count("names"))
		b.insert(db, id(1), "alice") // the connection is free
	})
}

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
		account, err := db.ByName(b.Context(), []byte("alice"))
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
		account, err = db.ByName(b.Context(), []byte("dave"))
		require.NoError(b, err)
		require.Equal(b, id(<-won), account.ID)
		require.Equal(b, 2, b.count("accounts"))
	})
}

// TestLockAccount: a transaction that locks an account waits until another one
// ends, and then sees what it has changed.
func TestLockAccount(t *testing.T) {
	onBoth(t, func(b *base) {
		db, other := b.migrated(), b.open(b)
		b.insert(db, id(1), "alice")
		b.insert(db, id(2), "bob")
		locked, release, done := make(chan bool), make(chan bool), make(chan []byte, 1)
		go func() {
			err := db.Tx(b.Context(), func(tx *store.Tx) error {
				if _, err := tx.LockAccount(b.Context(), id(1)); err != nil {
					return err
				}
				close(locked)
				<-release
				return tx.SetRecord(b.Context(), id(1), []byte("changed"), nil)
			})
			if err != nil {
				b.Error(err)
			}
		}()
		<-locked
		go func() {
			var seen []byte
			err := other.Tx(b.Context(), func(tx *store.Tx) error {
				account, err := tx.LockAccount(b.Context(), id(1))
				seen = account.Record
				return err
			})
			if err != nil {
				b.Error(err)
			}
			done <- seen
		}()
		if b.postgres() { // other accounts and readers do not wait
			b.tx(other, func(tx *store.Tx) error {
				_, err := tx.LockAccount(b.Context(), id(2))
				return err
			})
		}
		account, err := other.Account(b.Context(), id(1))
		if b.postgres() {
			require.NoError(b, err)
			require.Equal(b, "record", string(account.Record))
		}
		select {
		case <-done:
			b.Fatal("a second transaction has locked the account")
		case <-time.After(200 * time.Millisecond):
		}
		close(release)
		require.Equal(b, "changed", string(<-done))
	})
}

// TestLockFleet: servers that lock the fleet change what they have in common one
// after the other.
func TestLockFleet(t *testing.T) {
	const servers, each = 4, 10
	onBoth(t, func(b *base) {
		b.migrated()
		var wg sync.WaitGroup
		for range servers {
			db := b.open(b)
			wg.Go(func() {
				for range each {
					err := db.Tx(b.Context(), func(tx *store.Tx) error {
						if err := tx.LockFleet(b.Context()); err != nil {
							return err
						}
						weights, err := tx.Weights(b.Context())
						if err != nil {
							return err
						}
						return tx.AddWeight(b.Context(), store.Weight{Kind: "kind", Weight: uint32(len(weights)), NotBefore: now})
					})
					if err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
		weights, err := b.open(b).Weights(b.Context())
		require.NoError(b, err)
		require.Len(b, weights, servers*each)
		for n, w := range weights {
			require.EqualValues(b, n, w.Weight)
		}
	})
}

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

// TestEmpty: empty and absent values are stored. SQLite reads both as nil.
func TestEmpty(t *testing.T) {
	onBoth(t, func(b *base) {
		db := b.migrated()
		ctx := b.Context()
		b.insert(db, id(1), "alice")
		header, epoch, err := db.Header(ctx, id(1))
		require.NoError(b, err)
		require.Nil(b, header)
		require.Zero(b, epoch)
		account, err := db.Account(ctx, id(1))
		require.NoError(b, err)
		require.Nil(b, account.Slot)
		account, err = db.Account(ctx, id(2))
		require.NoError(b, err)
		require.Equal(b, store.Account{ID: id(2)}, account)

		full := store.Session{ID: id(1), Account: id(1), Record: []byte{0}, Receipt: []byte{0}, Device: []byte{0}, Name: []byte{0},
			Migration: []byte{0}, Created: now, Seen: now, LoginAt: now, CodeAt: now, Expires: now.Add(time.Hour)}
		least := store.Session{ID: id(2), Account: id(1), Half: true, Tries: 3, Record: []byte{}, Receipt: []byte{}, Created: now,
			Seen: now, LoginAt: now, Expires: now.Add(time.Hour)}
		b.tx(db, func(tx *store.Tx) error {
			return errors.Join(tx.AddSession(ctx, []byte("full"), full), tx.AddSession(ctx, []byte("least"), least))
		})
		s, err := db.Session(ctx, []byte("full"), now)
		require.NoError(b, err)
		require.Equal(b, full, s)
		s, err = db.Session(ctx, []byte("least"), now)
		require.NoError(b, err)
		s.Record, s.Receipt = append([]byte{}, s.Record...), append([]byte{}, s.Receipt...)
		require.Equal(b, least, s)
		_, err = db.Session(ctx, []byte("full"), now.Add(time.Hour))
		require.ErrorIs(b, err, store.ErrNotFound, "expired")

		l := store.Login{Account: id(7), Protocol: 'O', State: []byte{1}, Receipt: []byte{2}, Expires: now.Add(time.Minute)}
		require.NoError(b, db.AddLogin(ctx, []byte("token"), l))
		stored, err := db.Login(ctx, []byte("token"), now)
		require.NoError(b, err)
		require.Equal(b, l, stored, "a login is no step-up: its session is nil")
		l.Session, l.Device, l.Operation, l.Digest = []byte{1}, []byte{2}, "refresh", []byte{3}
		require.NoError(b, db.AddLogin(ctx, []byte("step-up"), l))
		stored, err = db.Login(ctx, []byte("step-up"), now)
		require.NoError(b, err)
		require.Equal(b, l, stored)
		require.Error(b, db.AddLogin(ctx, []byte("token"), l), "the token of another login")
	})
}
