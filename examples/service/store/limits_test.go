package store_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

const every = 10 * time.Second

// spend takes a try, and reports whether there was one.
func (b *base) spend(db *store.DB, id string, burst int, at time.Time) (r store.Receipt, wait time.Duration) {
	b.Helper()
	r, wait, err := db.Spend(b.Context(), []byte(id), store.Budget{Burst: burst, Every: every}, at)
	require.NoError(b, err)
	require.Equal(b, wait == 0, r != nil)
	return r, wait
}

// TestBudget: a budget has its burst, regains one try after each interval up to
// the burst, and says how long to wait. A refused try costs nothing.
func TestBudget(t *testing.T) {
	onBoth(t, func(b *base) {
		db := b.migrated()
		for _, burst := range []int{1, 3} {
			key := fmt.Sprint("key", burst)
			full := func(at time.Time, tries int) {
				b.Helper()
				for range tries {
					_, wait := b.spend(db, key, burst, at)
					require.Zero(b, wait)
				}
				for range 3 {
					_, wait := b.spend(db, key, burst, at)
					require.Positive(b, wait)
					require.LessOrEqual(b, wait, every)
				}
			}
			at := now
			full(at, burst)
			_, wait := b.spend(db, key, burst, at)
			require.Equal(b, every, wait)
			_, wait = b.spend(db, key, burst, at.Add(every-time.Millisecond))
			require.Equal(b, time.Millisecond, wait)
			at = at.Add(every)
			full(at, 1)
			if burst > 2 {
				at = at.Add(2*every + every/2)
				full(at, 2)
				_, wait = b.spend(db, key, burst, at)
				require.Equal(b, every/2, wait)
			}
			at = at.Add(1000 * every)
			full(at, burst)
		}
		_, wait := b.spend(db, "another key", 1, now)
		require.Zero(b, wait)
	})
}

// TestRefund: a refund gives one try back, of its own budget and of no other. A
// refund of a try that was regained gives nothing.
func TestRefund(t *testing.T) {
	onBoth(t, func(b *base) {
		db := b.migrated()
		first, _ := b.spend(db, "key", 2, now)
		_, wait := b.spend(db, "key", 2, now)
		require.Zero(b, wait)
		other, _ := b.spend(db, "other", 1, now)
		require.NoError(b, db.Refund(b.Context(), first))
		_, wait = b.spend(db, "key", 2, now)
		require.Zero(b, wait)
		_, wait = b.spend(db, "key", 2, now)
		require.Positive(b, wait)
		_, wait = b.spend(db, "other", 1, now)
		require.Positive(b, wait)

		require.NoError(b, db.Refund(b.Context(), other))
		late := now.Add(every)
		for range 2 { // the second was regained
			require.NoError(b, db.Refund(b.Context(), other))
		}
		_, wait = b.spend(db, "other", 1, late)
		require.Zero(b, wait)
		_, wait = b.spend(db, "other", 1, late)
		require.Positive(b, wait)

		for _, none := range []store.Receipt{nil, {}, make([]byte, 7), make([]byte, 8), append([]byte("unknown"), make([]byte, 8)...)} {
			require.NoError(b, db.Refund(b.Context(), none))
		}
		require.Equal(b, 2, b.count("budgets"))
	})
}

// TestBudgetOfFleet: servers together get no more than the burst, and no less.
func TestBudgetOfFleet(t *testing.T) {
	const burst, tries = 25, 20
	onBoth(t, func(b *base) {
		dbs := []*store.DB{b.migrated(), b.open(b)}
		round := func(at time.Time) int64 {
			var got atomic.Int64
			var wg sync.WaitGroup
			for w := range 8 {
				wg.Go(func() {
					for range tries {
						r, _, err := dbs[w%2].Spend(b.Context(), []byte("key"), store.Budget{Burst: burst, Every: every}, at)
						if err != nil {
							b.Error(err)
						}
						if r != nil {
							got.Add(1)
						}
					}
				})
			}
			wg.Wait()
			return got.Load()
		}
		require.EqualValues(b, burst, round(now))
		require.EqualValues(b, 0, round(now))
		require.EqualValues(b, 7, round(now.Add(7*every)))
		require.EqualValues(b, burst, round(now.Add(1000*every)))
	})
}

// sweepable are rows of every table that Sweep sweeps: one that has expired a
// second ago and more, and one that has not.
func (b *base) sweepable(db *store.DB) (kept map[string]int) {
	ctx := b.Context()
	b.insert(db, id(1), "alice")
	for n, at := range map[byte]time.Time{1: now.Add(-1001 * time.Millisecond), 2: now.Add(-time.Second)} {
		key := []byte{n}
		require.NoError(b, db.AddLogin(ctx, key, store.Login{Account: id(9), Protocol: 'O', State: key, Receipt: key, Expires: at}))
		_, err := db.Consume(ctx, id(n), at)
		require.NoError(b, err)
		_, _, err = db.Spend(ctx, key, store.Budget{Burst: 1, Every: every}, at.Add(-every))
		require.NoError(b, err)
		b.tx(db, func(tx *store.Tx) error {
			for _, err := range []error{
				tx.AddStepUp(ctx, key, store.StepUp{Session: id(n), Operation: "refresh", Digest: key}, at),
				tx.AddSession(ctx, key, store.Session{ID: id(n), Account: id(1), Record: key, Receipt: key, Expires: at}),
				tx.AddDevice(ctx, key, id(1), at),
				tx.KeepOldHeader(ctx, id(1), key, at.Add(time.Second)), // of these nobody asks for the time
				tx.AddEvent(ctx, id(1), store.Event{Time: at, Kind: "login", Expires: at.Add(time.Second)}),
				tx.AddClaim(ctx, key, store.Claim{ID: id(n), Account: id(1), Expires: at}),
				tx.AddAsk(ctx, store.Ask{ID: id(n), Ask: key, Expires: at}),
				tx.AddNote(ctx, store.Note{Note: key, Expires: at.Add(time.Second)}),
			} {
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return map[string]int{
		"logins": 1, "replay": 1, "budgets": 1, "step_ups": 1, "sessions": 1, "devices": 1, "old_headers": 1, "events": 1,
		"claims": 1, "asks": 1, "notes": 1,
	}
}

// TestSweep: what has expired is deleted a second late, and nothing else is. No
// table with times that expire is forgotten.
func TestSweep(t *testing.T) {
	onBoth(t, func(b *base) {
		db := b.migrated()
		kept := b.sweepable(db)
		for table, columns := range b.columns() {
			if columns["expires"] || columns["regains"] {
				require.Contains(b, kept, table, "extend this test and Sweep")
				require.Equal(b, 2, b.count(table), table)
			}
		}
		more, err := db.Sweep(b.Context(), now, 100)
		require.NoError(b, err)
		require.False(b, more)
		for table, n := range kept {
			require.Equal(b, n, b.count(table), table)
		}
		require.Equal(b, 1, b.count("accounts"))
		require.Equal(b, 1, b.count("names"))
	})
}

// TestSweepOfFleet: servers that sweep one after the other delete all that has
// expired, in parts, without errors.
func TestSweepOfFleet(t *testing.T) {
	const rows = 3000
	onBoth(t, func(b *base) {
		dbs := []*store.DB{b.migrated(), b.open(b), b.open(b)}
		for range 3 {
			for start := 0; start < rows; start += 500 { // in another order than the index
				values := make([]string, 500)
				for n := range values {
					values[n] = fmt.Sprintf("('%016d', %d)", (start+n)*7919%rows, now.Add(-time.Hour).UnixMilli()+int64((start+n)*104729%rows))
				}
				_, err := b.raw().ExecContext(b.Context(), "INSERT INTO budgets (id, regains) VALUES "+strings.Join(values, ", "))
				require.NoError(b, err)
			}
			var wg sync.WaitGroup
			for _, db := range dbs {
				wg.Go(func() {
					for more := true; more; {
						err := db.Tx(b.Context(), func(tx *store.Tx) (err error) {
							if err = tx.LockFleet(b.Context()); err == nil {
								more, err = tx.Sweep(b.Context(), now, 1000)
							}
							return err
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			require.Zero(b, b.count("budgets"))
		}
	})
}

// TestSweepSparesWhatIsUsed: a budget that is spent while it is swept stays.
func TestSweepSparesWhatIsUsed(t *testing.T) {
	onBoth(t, func(b *base) {
		if !b.postgres() {
			b.Skip("SQLite has one writer")
		}
		db := b.migrated()
		b.spend(db, "key", 1, now.Add(-time.Hour))
		spend, err := b.raw().BeginTx(b.Context(), nil)
		require.NoError(b, err)
		defer spend.Rollback()
		_, err = spend.ExecContext(b.Context(), `UPDATE budgets SET regains = $1`, now.Add(every).UnixMilli())
		require.NoError(b, err)
		swept := make(chan error, 1)
		go func() {
			_, err := db.Sweep(b.Context(), now, 100)
			swept <- err
		}()
		b.waitForLock()
		require.NoError(b, spend.Commit())
		require.NoError(b, <-swept)
		_, wait := b.spend(db, "key", 1, now)
		require.Positive(b, wait, "the try was forgotten")
	})
}

// waitForLock waits until a statement of the database waits for a lock.
func (b *base) waitForLock() {
	db := b.raw()
	require.Eventually(b, func() bool {
		var n int
		err := db.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		return err == nil && n > 0
	}, 10*time.Second, 5*time.Millisecond)
}
