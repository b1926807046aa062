// Package store keeps the service's data in SQLite or PostgreSQL. Both have the
// same tables and run the same statements.
//
// Methods of [DB] are one statement each, or say that they are a transaction.
// Methods of [Tx] belong to a transaction, which begins with a lock on the
// account where several rows change together. All methods are safe for
// concurrent use by several servers.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// ErrNotFound means that there is no such row.
var ErrNotFound = errors.New("store: not found")

// DB is a database. Several servers may share one in PostgreSQL.
type DB struct {
	queries
	db *sql.DB
}

// Tx is a transaction.
type Tx struct{ queries }

// queries are the statements that both can run.
type queries struct {
	on interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	}
	postgres bool
	trace    *func(statement string)
}

// Open opens postgres://…, or the SQLite database in a file, which it creates.
func Open(ctx context.Context, where string) (*DB, error) {
	postgres := strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
	driver, source := "pgx", where
	if !postgres && strings.Contains(where, "://") {
		return nil, errors.New("store: the address of the database must begin with postgres://")
	}
	if !postgres {
		f, err := os.OpenFile(where, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would let others read it
		if err != nil {
			return nil, err
		}
		f.Close()
		// A write waits for its turn before it reads, and for the disk at the end.
		driver, source = "sqlite", (&url.URL{Scheme: "file", Opaque: url.PathEscape(where), RawQuery: url.Values{
			"_txlock": {"immediate"},
			"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)"},
		}.Encode()}).String()
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, errors.New("store: the address of the database is not valid") // the error may contain a password
	}
	if postgres {
		db.SetMaxOpenConns(32)
		db.SetMaxIdleConns(32)
		db.SetConnMaxIdleTime(5 * time.Minute)
	} else {
		db.SetMaxOpenConns(1) // SQLite has one writer anyway
	}
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("store: the database does not answer: %w", err)
	}
	trace := new(func(string))
	return &DB{queries{db, postgres, trace}, db}, nil
}

// Trace calls f with every statement. Call it before the first one.
func (d *DB) Trace(f func(statement string)) { *d.trace = f }

// Close closes the database.
func (d *DB) Close() error { return d.db.Close() }

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	var one int
	return d.row(ctx, "SELECT 1", nil, &one)
}

// Time returns the time of the database, or of this machine for SQLite.
func (q *queries) Time(ctx context.Context) (time.Time, error) {
	if !q.postgres {
		return time.Now(), nil
	}
	var ms int64
	err := q.row(ctx, `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`, nil, &ms)
	return at(ms), err
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the tables up to date. Servers that start together wait for
// each other.
func (d *DB) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption(nil)
	if d.postgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // asks every second
		if err != nil {
			return err
		}
		dialect, options = goose.DialectPostgres, []goose.ProviderOption{goose.WithSessionLocker(locker)}
	}
	p, err := goose.NewProvider(dialect, d.db, files, options...)
	if err != nil {
		return err
	}
	for range 5 { // goose has no lock for SQLite: another process may be quicker
		if _, err = p.Up(ctx); err == nil || d.postgres {
			break
		}
	}
	return err
}

// Tx runs f in a transaction. An error of f rolls it back.
func (d *DB) Tx(ctx context.Context, f func(*Tx) error) error {
	d.traced("BEGIN")
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(&Tx{queries{tx, d.postgres, d.trace}}); err != nil {
		return err
	}
	d.traced("COMMIT")
	return tx.Commit()
}

func (q *queries) traced(statement string) {
	if *q.trace != nil {
		(*q.trace)(statement)
	}
}

// exec returns the number of changed rows.
func (q *queries) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	q.traced(statement)
	r, err := q.on.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// one is exec for a statement that changes one row, or returns ErrNotFound.
func (q *queries) one(ctx context.Context, statement string, args ...any) error {
	n, err := q.exec(ctx, statement, args...)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// row scans the only row, or returns ErrNotFound.
func (q *queries) row(ctx context.Context, statement string, args []any, into ...any) error {
	found := false
	err := q.all(ctx, statement, args, func(scan func(...any) error) error {
		found = true
		return scan(into...)
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return err
}

// all calls f for every row.
func (q *queries) all(ctx context.Context, statement string, args []any, f func(scan func(...any) error) error) error {
	q.traced(statement)
	rows, err := q.on.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// forUpdate ends a SELECT that locks its rows. In SQLite the transaction has
// locked everything.
func (q *queries) forUpdate() string {
	if q.postgres {
		return " FOR UPDATE"
	}
	return ""
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func at(ms int64) time.Time { return time.UnixMilli(ms) }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
