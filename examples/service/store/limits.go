package store

import (
	"context"
	"encoding/binary"
	"time"
)

// Budget is a limit: Burst tries at once, and one more after each Every.
type Budget struct {
	Burst int
	Every time.Duration
}

// A Receipt is for the refund of a try.
type Receipt []byte

// Spend takes one try from a budget. If none is left, it returns how long to
// wait for the next.
func (q *queries) Spend(ctx context.Context, id []byte, b Budget, now time.Time) (r Receipt, wait time.Duration, err error) {
	every, t := b.Every.Milliseconds(), millis(now)
	latest := t + int64(b.Burst-1)*every // the budget is not empty if it regains by then
	var regains int64
	err = q.row(ctx, `INSERT INTO budgets (id, regains) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET regains = CASE WHEN budgets.regains > $3 THEN budgets.regains + $4 ELSE $2 END
		WHERE budgets.regains <= $5 RETURNING regains`, []any{id, t + every, t, every, latest}, &regains)
	if err != ErrNotFound {
		return binary.BigEndian.AppendUint64(id[:len(id):len(id)], uint64(every)), 0, err
	}
	err = q.row(ctx, `SELECT regains FROM budgets WHERE id = $1`, []any{id}, &regains)
	if err == ErrNotFound { // swept meanwhile
		regains, err = latest, nil
	}
	return nil, max(time.Duration(regains-latest)*time.Millisecond, time.Millisecond), err
}

// Refund gives a try back.
func (q *queries) Refund(ctx context.Context, r Receipt) error {
	if len(r) < 8 {
		return nil
	}
	id, every := r[:len(r)-8], binary.BigEndian.Uint64(r[len(r)-8:])
	_, err := q.exec(ctx, `UPDATE budgets SET regains = regains - $2 WHERE id = $1`, []byte(id), int64(every))
	return err
}
