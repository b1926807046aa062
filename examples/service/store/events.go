package store

import (
	"context"
	"time"
)

// EventsKept is how long events are kept.
const EventsKept = 90 * 24 * time.Hour

// Event is something that happened to an account.
type Event struct {
	Time    time.Time
	Kind    string
	Address string // shortened
}

// AddEvent stores an event.
func (q *queries) AddEvent(ctx context.Context, account ID, e Event) error {
	_, err := q.exec(ctx, `INSERT INTO events (account, time, kind, address) VALUES ($1, $2, $3, $4)`, account[:], millis(e.Time), e.Kind, e.Address)
	return err
}

// Events returns the newest events.
func (q *queries) Events(ctx context.Context, account ID, count int) (events []Event, err error) {
	err = q.all(ctx, `SELECT time, kind, address FROM events WHERE account = $1 ORDER BY time DESC LIMIT $2`, []any{account[:], count},
		func(scan func(...any) error) error {
			var e Event
			var t int64
			err := scan(&t, &e.Kind, &e.Address)
			e.Time = at(t)
			events = append(events, e)
			return err
		})
	return events, err
}
