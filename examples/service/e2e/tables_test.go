package e2e

import (
	"bytes"
	"database/sql"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

func (w *world) open() *sql.DB {
	driver := "sqlite"
	if strings.HasPrefix(w.database, "postgres://") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, w.database)
	require.NoError(w, err)
	return db
}

// query runs a query in the database of a world, past its servers.
func (w *world) query(statement string, row func(scan func(...any) error) error) {
	w.rowsOf(statement, func(rows *sql.Rows) error { return row(rows.Scan) })
}

func (w *world) rowsOf(statement string, row func(*sql.Rows) error) {
	db := w.open()
	defer db.Close()
	rows, err := db.QueryContext(w.Context(), statement)
	require.NoError(w, err)
	defer rows.Close()
	for rows.Next() {
		require.NoError(w, row(rows))
	}
	require.NoError(w, rows.Err())
}

// rows counts the rows of tables.
func (w *world) rows(tables ...string) map[string]int {
	counts := make(map[string]int)
	for _, table := range tables {
		w.query("SELECT count(*) FROM "+table, func(scan func(...any) error) error {
			var n int
			err := scan(&n)
			counts[table] = n
			return err
		})
	}
	return counts
}

// table returns all values of a table.
func (w *world) table(name string) []byte {
	b := new(bytes.Buffer)
	w.rowsOf("SELECT * FROM "+name, func(rows *sql.Rows) error {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for _, value := range values {
			if bytes, ok := value.([]byte); ok {
				b.Write(bytes)
			} else {
				fmt.Fprint(b, value)
			}
			b.WriteByte('\n')
		}
		return nil
	})
	return b.Bytes()
}

// records returns the records of all accounts, which are of SRP.
func (w *world) records() (records []*srp.Record) {
	w.query("SELECT record FROM accounts", func(scan func(...any) error) error {
		var b []byte
		if err := scan(&b); err != nil {
			return err
		}
		r, err := srp.ParseRecord(b)
		records = append(records, r)
		return err
	})
	return records
}

// record returns the record of the only account.
func (w *world) record() (record []byte) {
	w.query("SELECT record FROM accounts", func(scan func(...any) error) error { return scan(&record) })
	return record
}

// setRecord changes the record of all accounts, as a malicious server would.
func (w *world) setRecord(record []byte) {
	db := w.open()
	defer db.Close()
	_, err := db.Exec("UPDATE accounts SET record = $1, slot = NULL", record)
	require.NoError(w, err)
}

// stored returns the stored header of the only account.
func (w *world) stored() (header []byte) {
	w.query("SELECT header FROM headers", func(scan func(...any) error) error { return scan(&header) })
	return header
}
