package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// columns returns the columns of every table, as the database describes them.
func (b *base) columns() map[string]map[string]bool {
	query := `SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'`
	if b.postgres() {
		query = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()`
	}
	rows, err := b.raw().QueryContext(b.Context(), query)
	require.NoError(b, err)
	defer rows.Close()
	tables := make(map[string]map[string]bool)
	for rows.Next() {
		var table, column string
		require.NoError(b, rows.Scan(&table, &column))
		if tables[table] == nil {
			tables[table] = make(map[string]bool)
		}
		tables[table][column] = true
	}
	require.NoError(b, rows.Err())
	return tables
}

// belonging returns the tables that have rows of accounts or their sessions,
// with the condition that finds those of the id in $1.
func (b *base) belonging() map[string]string {
	found := map[string]string{"accounts": "id = $1"}
	for table, columns := range b.columns() {
		switch {
		case columns["account"] && columns["session"]:
			found[table] = "account = $1 OR session = $1"
		case columns["account"]:
			found[table] = "account = $1"
		case columns["session"]:
			found[table] = "session = $1"
		}
	}
	return found
}

// fill stores a row of everything that an account can have. Its session has the
// same id.
func (b *base) fill(db *store.DB, of store.ID, name string) {
	ctx, key := b.Context(), []byte(name)
	b.insert(db, of, name)
	later := now.Add(time.Hour)
	b.tx(db, func(tx *store.Tx) error {
		return errors.Join(
			tx.AddSession(ctx, key, store.Session{ID: of, Account: of, Record: key, Receipt: key, Expires: later}),
			tx.AddStepUp(ctx, key, store.StepUp{Session: of, Operation: "refresh", Digest: key}, later),
			tx.AddLogin(ctx, key, store.Login{Account: of, Protocol: 'O', State: key, Receipt: key, Session: of[:], Expires: later}),
			tx.AddDevice(ctx, key, of, later),
			tx.SetTOTP(ctx, of, store.TOTP{Secret: key, Confirmed: true}),
			tx.SetCodes(ctx, of, [][]byte{[]byte("one"), []byte("two")}),
			tx.SetHeader(ctx, of, key, 1),
			tx.KeepOldHeader(ctx, of, key, later),
			tx.PutItem(ctx, of, store.Item{ID: id(1), Version: 1, Revision: 1, Body: key}, store.Usage{Revision: 1, Items: 1, Bytes: 1}),
			tx.AddEvent(ctx, of, store.Event{Time: now, Kind: "login"}))
	})
}

// TestDelete: a deleted account leaves nothing in any table except the HMACs of
// its names, and takes nothing from another account.
func TestDelete(t *testing.T) {
	onBoth(t, func(b *base) {
		db := b.migrated()
		b.fill(db, id(1), "alice")
		b.fill(db, id(2), "bob")
		rows := func(table, condition string, of store.ID) (n int) {
			query := "SELECT count(*) FROM " + table + " WHERE " + condition
			require.NoError(b, b.raw().QueryRowContext(b.Context(), query, of[:]).Scan(&n), query)
			return n
		}
		tables, before := b.belonging(), make(map[string]int)
		require.GreaterOrEqual(b, len(tables), 12)
		for table, condition := range tables {
			before[table] = rows(table, condition, id(2))
			require.Positive(b, before[table], "extend this test and Delete: table %s", table)
			require.Equal(b, before[table], rows(table, condition, id(1)))
		}
		b.tx(db, func(tx *store.Tx) error { return tx.Delete(b.Context(), id(1)) })
		for table, condition := range tables {
			require.Zero(b, rows(table, condition, id(1)), table)
			require.Equal(b, before[table], rows(table, condition, id(2)), table)
		}
		var key, account, sealed []byte
		err := b.raw().QueryRowContext(b.Context(), "SELECT name, account, sealed FROM names WHERE account IS NULL").Scan(&key, &account, &sealed)
		require.NoError(b, err)
		require.Equal(b, "alice", string(key))
		require.Nil(b, sealed)

		err = db.Tx(b.Context(), func(tx *store.Tx) error { return tx.Delete(b.Context(), id(1)) })
		require.ErrorIs(b, err, store.ErrNotFound)
	})
}

// TestEndOtherSessions: other sessions of the account end with their step-ups.
// Those of other accounts stay.
func TestEndOtherSessions(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		b.fill(db, id(1), "alice")
		b.fill(db, id(2), "bob")
		later := now.Add(time.Hour)
		b.tx(db, func(tx *store.Tx) error {
			return errors.Join(
				tx.AddSession(ctx, []byte("second"), store.Session{ID: id(3), Account: id(1), Record: []byte{1}, Receipt: []byte{1}, Expires: later}),
				tx.AddStepUp(ctx, []byte("second"), store.StepUp{Session: id(3), Operation: "refresh", Digest: []byte{1}}, later))
		})
		require.ErrorIs(b, db.Tx(ctx, func(tx *store.Tx) error { return tx.EndSession(ctx, id(2), id(3)) }), store.ErrNotFound)
		require.Equal(b, 3, b.count("step_ups"), "the session of another account keeps its step-ups")
		b.tx(db, func(tx *store.Tx) error { return tx.EndOtherSessions(ctx, id(1), id(3)) })
		for token, want := range map[string]error{"alice": store.ErrNotFound, "second": nil, "bob": nil} {
			_, err := db.Session(ctx, []byte(token), now)
			require.Equal(b, want, err, token)
		}
		require.Equal(b, 2, b.count("step_ups"))
	})
}

// TestLimitSessions: the sessions and devices that were used last stay, and so
// do those of other accounts.
func TestLimitSessions(t *testing.T) {
	const kept = 3
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		b.fill(db, id(1), "alice")
		b.fill(db, id(2), "bob")
		b.tx(db, func(tx *store.Tx) error {
			for n := range byte(6) {
				seen := now.Add(time.Duration(n*5%6+1) * time.Minute) // in another order than the ids
				s := store.Session{ID: id(10 + n), Account: id(1), Record: []byte{1}, Receipt: []byte{1}, Seen: seen, Expires: seen.Add(time.Hour)}
				if err := errors.Join(tx.AddSession(ctx, []byte{n}, s), tx.AddDevice(ctx, []byte{n}, id(1), seen.Add(2*time.Hour))); err != nil {
					return err
				}
			}
			return tx.LimitSessions(ctx, id(1), kept)
		})
		all, err := db.Sessions(ctx, id(1), now)
		require.NoError(b, err)
		require.Len(b, all, kept)
		for n, s := range all {
			require.Equal(b, now.Add(time.Duration(6-n)*time.Minute), s.Seen)
			owner, err := db.DeviceOf(ctx, []byte{s.ID[0] - 10}, now)
			require.NoError(b, err)
			require.Equal(b, id(1), owner)
		}
		require.Equal(b, kept+1, b.count("sessions"))
		require.Equal(b, kept+1, b.count("devices"))
	})
}
