package store_test

import (
	"errors"
	"strings"
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

// belonging returns the tables that have rows of accounts, or of their sessions
// and claims, with the condition that finds those of the id in $1.
func (b *base) belonging() map[string]string {
	found := map[string]string{"accounts": "id = $1"}
	for table, columns := range b.columns() {
		var conditions []string
		for _, column := range []string{"account", "contact", "former", "session", "claim"} {
			if columns[column] {
				conditions = append(conditions, column+" = $1")
			}
		}
		if conditions != nil {
			found[table] = strings.Join(conditions, " OR ")
		}
	}
	return found
}

// formerOf returns the account that fill makes before another one.
func formerOf(of store.ID) store.ID { return id(of[0] + 100) }

// fill stores a row of everything that an account can have. Its session, its
// slot, its claim and its question have the same id.
func (b *base) fill(db *store.DB, of store.ID, name string) {
	ctx, key := b.Context(), []byte(name)
	b.insert(db, formerOf(of), name)
	later := now.Add(time.Hour)
	claim := store.Claim{ID: of, Account: of, Way: "file", State: "waiting", Slot: of[:], Begun: now, Opens: now, Ends: later, Expires: later}
	owner, contact := id(of[0]+110), id(of[0]+120) // accounts that do not exist
	b.tx(db, func(tx *store.Tx) error {
		return errors.Join(
			tx.Replace(ctx, formerOf(of), store.Account{ID: of, Record: key}, now),
			tx.AddSession(ctx, key, store.Session{ID: of, Account: of, Record: key, Receipt: key, Way: "device", Slot: of[:], Claim: of[:], Expires: later}),
			tx.AddStepUp(ctx, key, store.StepUp{Session: of, Operation: "refresh", Digest: key}, later),
			tx.AddLogin(ctx, key, store.Login{Account: of, Protocol: 'O', State: key, Receipt: key, Session: of[:], Expires: later}),
			tx.AddDevice(ctx, key, of, later),
			tx.SetTOTP(ctx, of, store.TOTP{Secret: key, Confirmed: true}),
			tx.SetCodes(ctx, of, [][]byte{[]byte("one"), []byte("two")}),
			tx.SetHeader(ctx, of, key, 1),
			tx.KeepOldHeader(ctx, of, key, later),
			tx.PutItem(ctx, of, store.Item{ID: id(1), Version: 1, Revision: 1, Body: key}, store.Usage{Revision: 1, Items: 1, Bytes: 1}),
			tx.AddEvent(ctx, of, store.Event{Time: now, Kind: "login"}),
			tx.SetPhrase(ctx, of, of, key),
			tx.AddFile(ctx, of, of, key, key),
			tx.AddClaim(ctx, key, claim),
			tx.AddNote(ctx, store.Note{Claim: of, Time: now, Note: key, Expires: later}),
			tx.AddAsk(ctx, store.Ask{ID: of, Claim: of, Account: of, Way: "contacts", Ask: key, Granted: key, Slot: of[:], Begun: now, Expires: later}),
			tx.AddInvitation(ctx, store.Invitation{ID: of, Account: of, Contact: contact[:], Slot: of[:], Message: key, Created: now}),
			tx.AddInvitation(ctx, store.Invitation{ID: owner, Account: owner, Contact: of[:], Created: now}))
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
		require.GreaterOrEqual(b, len(tables), 19)
		for table, condition := range tables {
			before[table] = rows(table, condition, id(2))
			require.Positive(b, before[table], "extend this test and Delete: table %s", table)
			require.Equal(b, before[table], rows(table, condition, id(1)))
		}
		b.tx(db, func(tx *store.Tx) error { return tx.Delete(b.Context(), formerOf(id(1))) })
		for table, condition := range tables {
			require.Zero(b, rows(table, condition, formerOf(id(1))), table)
			if table != "formers" {
				require.Equal(b, before[table], rows(table, condition, id(1)), table)
			}
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

// TestDeleteContact: the account of a contact leaves no trace of its id in the
// owner's rows, and the share that it has granted stays.
func TestDeleteContact(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		b.insert(db, id(1), "alice")
		b.insert(db, id(2), "bob")
		contact := id(2)
		ask := store.Ask{ID: id(3), Claim: id(4), Account: id(1), Way: "contacts", Ask: []byte("ask"), Granted: []byte("grant"), Contact: contact[:], Begun: now, Expires: now.Add(time.Hour)}
		b.tx(db, func(tx *store.Tx) error {
			return errors.Join(tx.AddAsk(ctx, ask),
				tx.AddInvitation(ctx, store.Invitation{ID: id(5), Account: id(1), Contact: contact[:], Received: true, Created: now}),
				tx.AddInvitation(ctx, store.Invitation{ID: id(6), Account: id(1), Created: now}),
				tx.Delete(ctx, contact))
		})
		all, err := db.Invitations(ctx, id(1))
		require.NoError(b, err)
		require.Len(b, all, 1)
		require.Equal(b, id(6), all[0].ID)
		stored, err := db.Asked(ctx, id(3), now)
		require.NoError(b, err)
		require.Equal(b, "grant", string(stored.Granted))
		require.Nil(b, stored.Contact)
	})
}
