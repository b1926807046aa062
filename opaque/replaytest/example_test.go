package replaytest_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/opaque/replaytest"
)

// usedIDs is a Replay in an SQL database that several servers share:
//
//	CREATE TABLE used_ids (id BYTEA PRIMARY KEY, expires TIMESTAMPTZ NOT NULL)
//
// The primary key makes Consume atomic. Rows may be deleted once they expire.
type usedIDs struct{ db *sql.DB }

func (u usedIDs) Consume(ctx context.Context, id [16]byte, expires time.Time) (first bool, err error) {
	result, err := u.db.ExecContext(ctx,
		`INSERT INTO used_ids (id, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id[:], expires)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func ExampleRun() {
	// In a test file this is func TestReplay(t *testing.T).
	testReplay := func(t *testing.T, source string) {
		replaytest.Run(t, func(t *testing.T) opaque.Replay {
			db, err := sql.Open("postgres", source)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return usedIDs{db}
		})
	}
	_ = testReplay
}
