package store

import (
	"context"
	"time"
)

// Event is something that happened to an account.
type Event struct {
	Time    time.Time
	Kind    string
	Address string // shortened
	Expires time.Time
}

// AddEvent stores an event.
func (q *queries) AddEvent(ctx context.Context, account ID, e Event) error {
	_, err := q.exec(ctx, `INSERT INTO events (account, time, kind, address, expires) VALUES ($1, $2, $3, $4, $5)`,
		account[:], millis(e.Time), e.Kind, e.Address, millis(e.Expires))
	return err
}

// Events returns the newest events.
func (q *queries) Events(ctx context.Context, account ID, count int) (events []Event, err error) {
	err = q.all(ctx, `SELECT time, kind, address, expires FROM events WHERE account = $1 ORDER BY time DESC LIMIT $2`, []any{account[:], count},
		func(scan func(...any) error) error {
			var e Event
			var t, expires int64
			err := scan(&t, &e.Kind, &e.Address, &expires)
			e.Time, e.Expires = at(t), at(expires)
			events = append(events, e)
			return err
		})
	return events, err
}
