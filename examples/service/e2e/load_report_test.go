package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/service/internal/pgtest"
	"github.com/stretchr/testify/require"
)

// loadCost is what has been used so far.
type loadCost struct {
	at                time.Time
	process, postgres time.Duration // CPU time
	old               int64         // logins with SRP
	statements, wal   int64
}

func (l *loader) cost(cluster *pgtest.Cluster) (c loadCost) {
	c = loadCost{at: time.Now(), process: cpuTime(), old: l.old.Load(), statements: l.statements.Load()}
	if cluster != nil {
		var err error
		c.postgres, err = cluster.CPU()
		require.NoError(l, err)
		c.wal = l.wal()
	}
	return c
}

// clientTimes measures the CPU time of the clients' halves of a login with OPAQUE
// and with SRP, while nothing else runs.
func (l *loader) clientTimes() (newer, older time.Duration) {
	l.alone = true
	defer func() { l.alone = false }()
	average := func(accounts []*loadAccount) time.Duration {
		l.clients = 0
		for _, a := range accounts {
			l.login(a, a.password, 200)
		}
		return l.clients / time.Duration(len(accounts))
	}
	return average(l.accounts[loadSRP:]), average(l.accounts[:loadSRP])
}

// report reports what a login costs. The time of the servers is that of the
// process without the clients' halves, which it measures afterwards. It includes
// no network and no TLS.
func (l *loader) report(logins int, before, after loadCost) {
	n := float64(logins)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	seconds, statements := after.at.Sub(before.at).Seconds(), float64(after.statements-before.statements)/n
	newer, older := l.clientTimes()
	old := after.old - before.old
	client := newer*time.Duration(int64(logins)-old) + older*time.Duration(old)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var b strings.Builder
	line := func(name, format string, values ...any) {
		fmt.Fprintf(&b, "\n%-34s "+format, append([]any{name}, values...)...)
	}
	line("logins", "%d of %d accounts, with %d servers and %d cores", logins, loadAccounts, len(l.servers), runtime.NumCPU())
	line("logins/s, with clients", "%.0f", n/seconds)
	line("CPU ms per login, servers", "%.2f", ms(after.process-before.process-client)/n)
	if after.postgres > 0 {
		line("CPU ms per login, PostgreSQL", "%.2f", ms(after.postgres-before.postgres)/n)
	}
	line("CPU ms of a client, OPAQUE, SRP", "%.2f, %.0f", ms(newer), ms(older))
	line("statements per login", "%.1f", statements)
	if after.wal > 0 {
		line("WAL bytes per login", "%.0f", float64(after.wal-before.wal)/n)
	}
	for i, took := range [][]time.Duration{l.begin, l.end} {
		slices.Sort(took)
		line([]string{"BeginLogin", "FinishLogin"}[i]+" p50, p99 in ms", "%.1f, %.1f", ms(took[len(took)/2]), ms(took[len(took)*99/100]))
	}
	line("heap after, MB", "%.1f", float64(m.HeapAlloc)/1e6)
	l.Log(b.String())
	require.LessOrEqual(l, statements, float64(loadStatements))
}

// wal returns the number of bytes that the write-ahead log ever had.
func (l *loader) wal() (bytes int64) {
	db := l.sql()
	require.NoError(l, db.QueryRowContext(context.Background(), `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint`).Scan(&bytes))
	return bytes
}

// reportTables reports the size of tables, and the WAL of logins that are the
// first after a checkpoint. Those write whole pages.
func (l *loader) reportTables(cluster *pgtest.Cluster) {
	db := l.sql()
	_, err := db.ExecContext(l.Context(), `ANALYZE`)
	require.NoError(l, err)
	rows, err := db.QueryContext(l.Context(), `SELECT relname, reltuples::bigint, pg_total_relation_size(oid) FROM pg_class
		WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND reltuples > 100 ORDER BY relname`)
	require.NoError(l, err)
	defer rows.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-16s %8s %10s %14s", "table", "rows", "bytes/row", "bytes/account")
	for rows.Next() {
		var name string
		var n, size int64
		require.NoError(l, rows.Scan(&name, &n, &size))
		fmt.Fprintf(&b, "\n%-16s %8d %10d %14d", name, n, size/n, size/loadAccounts)
	}
	require.NoError(l, rows.Err())
	const cold = 20
	var wal int64
	for n := range cold {
		require.NoError(l, cluster.Exec(`CHECKPOINT`))
		before := l.wal()
		a := l.accounts[loadSRP+n]
		l.login(a, a.password, 200)
		wal += l.wal() - before
	}
	fmt.Fprintf(&b, "\nWAL bytes of a login after a checkpoint: %d", wal/cold)
	l.Log(b.String())
}

// sql opens the database without package store.
func (l *loader) sql() *sql.DB {
	db, err := sql.Open("pgx", l.database)
	require.NoError(l, err)
	l.Cleanup(func() { db.Close() })
	return db
}
