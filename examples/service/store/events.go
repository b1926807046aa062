package store

import (
	"context"
	"crypto/rand"
	"time"
)

// Event is something that happened to an account.
type Event struct {
	ID      ID // AddEvent draws it
	Account ID
	Time    time.Time
	Kind    string
	Address string // shortened
	Notice  bool   // the user is told outside the service too
	Expires time.Time
}

// AddEvent stores an event of an account.
func (q *queries) AddEvent(ctx context.Context, account ID, e Event) error {
	rand.Read(e.ID[:])
	_, err := q.exec(ctx, `INSERT INTO events (id, account, time, kind, address, notice, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.ID[:], account[:], millis(e.Time), e.Kind, e.Address, flag(e.Notice), millis(e.Expires))
	return err
}

const eventColumns = `id, account, time, kind, address, notice, expires`

func scanEvent(scan func(...any) error) (e Event, err error) {
	var id, account []byte
	var t, notice, expires int64
	err = scan(&id, &account, &t, &e.Kind, &e.Address, &notice, &expires)
	copy(e.ID[:], id)
	copy(e.Account[:], account)
	e.Time, e.Notice, e.Expires = at(t), notice == 1, at(expires)
	return e, err
}

// Events returns events of an account that came before a time and an id, the
// newest first.
func (q *queries) Events(ctx context.Context, account ID, before time.Time, id ID, count int) (events []Event, err error) {
	err = q.all(ctx, `SELECT `+eventColumns+` FROM events WHERE account = $1 AND (time < $2 OR time = $2 AND id < $3)
		ORDER BY time DESC, id DESC LIMIT $4`, []any{account[:], millis(before), id[:], count},
		func(scan func(...any) error) error {
			e, err := scanEvent(scan)
			events = append(events, e)
			return err
		})
	return events, err
}

// Notices returns events that the Notifier does not have, the oldest first.
func (q *queries) Notices(ctx context.Context, count int) (events []Event, err error) {
	err = q.all(ctx, `SELECT `+eventColumns+` FROM events WHERE notice = 1 ORDER BY time LIMIT $1`, []any{count},
		func(scan func(...any) error) error {
			e, err := scanEvent(scan)
			events = append(events, e)
			return err
		})
	return events, err
}

// Noticed marks an event as given to the Notifier.
func (q *queries) Noticed(ctx context.Context, id ID) error {
	_, err := q.exec(ctx, `UPDATE events SET notice = 0 WHERE id = $1`, id[:])
	return err
}
