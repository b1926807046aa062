package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// allTables returns the names of all tables, except the one of the migrations.
func (b *base) allTables() (names []string) {
	list := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if b.postgres() {
		list = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	}
	rows, err := b.raw().QueryContext(b.Context(), list)
	require.NoError(b, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		require.NoError(b, rows.Scan(&name))
		if !strings.HasPrefix(name, "goose") && !strings.HasPrefix(name, "sqlite") {
			names = append(names, name)
		}
	}
	require.NoError(b, rows.Err())
	return names
}

// addRow inserts a row into a table.
func (b *base) addRow(raw *sql.DB, table string) {
	rows, err := raw.QueryContext(b.Context(), "SELECT * FROM "+table)
	require.NoError(b, err)
	columns, err := rows.ColumnTypes()
	require.NoError(b, err)
	require.NoError(b, rows.Close())
	var names, holes []string
	var values []any
	for i, c := range columns {
		names, holes = append(names, c.Name()), append(holes, fmt.Sprint("$", i+1))
		switch c.DatabaseTypeName() {
		case "BYTEA":
			values = append(values, []byte("sixteen bytes of"))
		case "TEXT":
			values = append(values, "text")
		default:
			values = append(values, 1)
		}
	}
	_, err = raw.ExecContext(b.Context(), fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)",
		table, strings.Join(names, ", "), strings.Join(holes, ", ")), values...)
	require.NoError(b, err, table)
}

// TestForget: nothing that was used or revoked since a backup survives its
// restore, and everything else does.
func TestForget(t *testing.T) {
	onBoth(t, func(b *base) {
		db := b.migrated()
		dropped := []string{"state_keys", "logins", "step_ups", "sessions", "devices", "backup_codes", "claims", "notes", "asks"}
		kept := []string{
			"meta", "accounts", "names", "formers", "phrases", "files", "kinds", "replay", "totp", "headers",
			"old_headers", "items", "invitations", "budgets", "weights", "events",
		}
		require.ElementsMatch(t, b.allTables(), slices.Concat(dropped, kept), "a new table: must it outlive a restore?")
		raw := b.raw()
		for _, table := range b.allTables() {
			b.addRow(raw, table)
		}
		b.tx(db, func(tx *store.Tx) error { return tx.Forget(b.Context(), 1000) })
		for _, table := range dropped {
			require.Zero(b, b.count(table), table)
		}
		for _, table := range kept {
			require.Equal(b, 1, b.count(table), table)
		}
		account := store.ID([]byte("sixteen bytes of"))
		for step, want := range map[int64]int64{999: 1000, 1001: 1001} {
			b.tx(db, func(tx *store.Tx) error { return tx.Forget(b.Context(), step) })
			totp, err := db.TOTP(b.Context(), account)
			require.NoError(b, err)
			require.GreaterOrEqual(b, totp.Step, want, "it never falls")
		}
	})
}

// TestTakeHeaders: the time in which devices may replace headers.
func TestTakeHeaders(t *testing.T) {
	onBoth(t, func(b *base) {
		db, now := b.migrated(), time.Now()
		takes := func(at time.Time) bool {
			ok, err := db.TakesHeaders(b.Context(), at)
			require.NoError(b, err)
			return ok
		}
		set := func(until time.Time) {
			b.tx(db, func(tx *store.Tx) error { return tx.TakeHeaders(b.Context(), until) })
		}
		require.False(b, takes(now))
		set(time.Time{})
		require.False(b, takes(now))
		for _, hours := range []time.Duration{2, 1} {
			set(now.Add(hours * time.Hour))
			require.True(b, takes(now))
			require.True(b, takes(now.Add(hours*time.Hour-time.Second)))
			require.False(b, takes(now.Add(hours*time.Hour)))
		}
		set(time.Time{})
		require.False(b, takes(now))
		set(now.Add(time.Hour))
		_, err := b.raw().ExecContext(b.Context(), `UPDATE meta SET value = $1`, []byte("x"))
		require.NoError(b, err)
		_, err = db.TakesHeaders(b.Context(), now)
		require.Error(b, err)
	})
}

// TestBackup: a backup has all that was stored before it began, while others
// write, and overwrites nothing.
func TestBackup(t *testing.T) {
	ctx, folder := t.Context(), filepath.Join(t.TempDir(), "with space?&#%")
	require.NoError(t, os.Mkdir(folder, 0o700))
	where := filepath.Join(folder, "nescio.db")
	db, err := store.Open(ctx, where)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Migrate(ctx))
	other, err := store.Open(ctx, where)
	require.NoError(t, err)
	defer other.Close()

	_, err = db.Meta(ctx, "before", []byte("x"))
	require.NoError(t, err)
	writing, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := 0; writing.Err() == nil; i++ {
			if _, err := db.Meta(ctx, fmt.Sprint(i), []byte("x")); err != nil {
				t.Error(err)
				return
			}
		}
	})
	file := filepath.Join(folder, "backup.db")
	require.NoError(t, other.Backup(ctx, file))
	stop()
	wait.Wait()
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.ErrorContains(t, other.Backup(ctx, file), "not overwritten")
	link := filepath.Join(folder, "link")
	require.NoError(t, os.Symlink("nowhere", link))
	require.ErrorContains(t, other.Backup(ctx, link), "not overwritten")
	require.Error(t, other.Backup(ctx, filepath.Join(folder, "no folder", "backup.db")))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	require.Error(t, other.Backup(ended, filepath.Join(folder, "ended.db")))
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	for _, name := range left {
		require.NotContains(t, name, ".tmp")
		require.NotContains(t, name, "ended")
	}
	copied, err := store.Open(ctx, file)
	require.NoError(t, err)
	defer copied.Close()
	_, err = copied.Meta(ctx, "before", nil)
	require.NoError(t, err)
}

// TestBackupOfPostgreSQL: PostgreSQL has its own program.
func TestBackupOfPostgreSQL(t *testing.T) {
	if cluster == nil {
		t.Skip("PostgreSQL is not installed")
	}
	db, err := store.Open(t.Context(), cluster.Create(t, ""))
	require.NoError(t, err)
	defer db.Close()
	require.Equal(t, store.ErrBackup, db.Backup(t.Context(), filepath.Join(t.TempDir(), "backup.db")))
}
