package store_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
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
		account, err := db.ByName(b.Context(), []byte("alice"), 0)
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

// TestLockFleet: servers that lock the fleet change what they have in common
// one after the other.
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
