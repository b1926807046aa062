package e2e

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// keptTables are what no refused request changes. They do not include times of
// use, budgets, used states and events.
var keptTables = []string{
	"SELECT id, record, slot, created, revision, items, bytes FROM accounts",
	"SELECT name, account, sealed FROM names",
	"SELECT kind, record FROM kinds",
	"SELECT former, account, since FROM formers",
	"SELECT account, slot, record FROM phrases",
	"SELECT account, slot, half, proof FROM files",
	"SELECT id, token, account, half, record, device, name, way, recovered, slot, claim, migration, login_at, code_at FROM sessions",
	"SELECT token, session, operation, digest FROM step_ups",
	"SELECT token, account, phrase, session, operation FROM logins",
	"SELECT token, account FROM devices",
	"SELECT account, secret, confirmed, step FROM totp",
	"SELECT account, code FROM backup_codes",
	"SELECT account, header, epoch FROM headers",
	"SELECT account, header FROM old_headers",
	"SELECT account, id, version, revision, epoch, deleted, key, body FROM items",
	"SELECT id, token, account, number, way, state, slot, text, reason, doubled, fresh, begun, opens, ends FROM claims",
	"SELECT claim, time, note FROM notes",
	"SELECT id, claim, account, way, ask, answer, reveal, granted, slot, contact FROM asks",
	"SELECT id, account, contact, answer, slot, message, received, created FROM invitations",
}

// openDatabase opens the database of a world, past its servers.
func (w *world) openDatabase() *sql.DB {
	db := w.open()
	w.Cleanup(func() { db.Close() })
	return db
}

// digestOf returns a digest of the tables by their names.
func digestOf(t testing.TB, db *sql.DB) map[string]string {
	digests := make(map[string]string)
	for _, statement := range keptTables {
		rows, err := db.QueryContext(t.Context(), statement+" ORDER BY 1, 2")
		require.NoError(t, err)
		columns, err := rows.Columns()
		require.NoError(t, err)
		h := sha256.New()
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			require.NoError(t, rows.Scan(values...))
			for _, v := range values {
				fmt.Fprintf(h, "%T %v\n", *v.(*any), *v.(*any))
			}
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		_, table, _ := strings.Cut(statement, "FROM ")
		digests[table] = fmt.Sprintf("%x", h.Sum(nil)[:8])
	}
	return digests
}
