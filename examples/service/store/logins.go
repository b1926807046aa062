package store

import (
	"context"
	"time"
)

// Login is a login in progress, or a step-up in a session.
type Login struct {
	Account  ID // made up for an unknown name
	Protocol byte
	Phrase   bool // the password is the phrase's
	State    []byte
	Receipt  Receipt
	Device   []byte // digest of the token of a known device, or nil
	Session  []byte // of a step-up, otherwise nil
	// Operation and Digest are what a step-up confirms.
	Operation string
	Digest    []byte
	Expires   time.Time
}

// AddLogin stores a login under the digest of its token.
func (q *queries) AddLogin(ctx context.Context, token []byte, l Login) error {
	return q.one(ctx, `INSERT INTO logins (token, account, protocol, phrase, state, receipt, device, session, operation, digest, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		token, l.Account[:], []byte{l.Protocol}, flag(l.Phrase), l.State, []byte(l.Receipt), l.Device, l.Session, l.Operation, l.Digest, millis(l.Expires))
}

// Login returns a login in progress. The Replay of packages srp and opaque sees
// to it that it finishes once.
func (q *queries) Login(ctx context.Context, token []byte, now time.Time) (l Login, err error) {
	var account, protocol []byte
	var phrase, expires int64
	err = q.row(ctx, `SELECT account, protocol, phrase, state, receipt, device, session, operation, digest, expires
		FROM logins WHERE token = $1 AND expires > $2`, []any{token, millis(now)},
		&account, &protocol, &phrase, &l.State, &l.Receipt, &l.Device, &l.Session, &l.Operation, &l.Digest, &expires)
	if err != nil {
		return l, err
	}
	copy(l.Account[:], account)
	l.Protocol, l.Phrase, l.Expires = protocol[0], phrase == 1, at(expires)
	return l, nil
}

// Consume makes DB the Replay of packages srp and opaque.
func (d *DB) Consume(ctx context.Context, id [16]byte, expires time.Time) (first bool, err error) {
	n, err := d.exec(ctx, `INSERT INTO replay (id, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id[:], millis(expires))
	return n == 1, err
}

// StepUp is a finished step-up. It confirms one request of a session.
type StepUp struct {
	Session   ID
	Operation string
	Digest    []byte
}

// AddStepUp stores a step-up under the digest of its token.
func (tx *Tx) AddStepUp(ctx context.Context, token []byte, s StepUp, expires time.Time) error {
	return tx.one(ctx, `INSERT INTO step_ups (token, session, operation, digest, expires) VALUES ($1, $2, $3, $4, $5)`,
		token, s.Session[:], s.Operation, s.Digest, millis(expires))
}

// EndStepUps ends all step-ups of an account.
func (tx *Tx) EndStepUps(ctx context.Context, account ID) error {
	_, err := tx.exec(ctx, `DELETE FROM step_ups WHERE session IN (SELECT id FROM sessions WHERE account = $1)`, account[:])
	return err
}

// UseStepUp reports whether a step-up confirms what s says, and ends it.
func (tx *Tx) UseStepUp(ctx context.Context, token []byte, s StepUp, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `DELETE FROM step_ups WHERE token = $1 AND session = $2 AND operation = $3 AND digest = $4 AND expires > $5`,
		token, s.Session[:], s.Operation, s.Digest, millis(now))
	return n == 1, err
}

// Sweep deletes what has expired, at most limit rows of each table, and
// reports whether more is left. Rows are deleted a second late, because clocks
// of servers differ.
func (q *queries) Sweep(ctx context.Context, now time.Time, limit int) (more bool, err error) {
	for _, t := range [][3]string{
		{"logins", "token", "expires"}, {"replay", "id", "expires"}, {"step_ups", "token", "expires"},
		{"sessions", "id", "expires"}, {"devices", "token", "expires"}, {"budgets", "id", "regains"},
		{"claims", "id", "expires"},
	} {
		n, err := q.exec(ctx, `DELETE FROM `+t[0]+` WHERE `+t[1]+` IN (SELECT `+t[1]+` FROM `+t[0]+` WHERE `+t[2]+` < $1 LIMIT $2) AND `+t[2]+` < $1`,
			millis(now.Add(-time.Second)), limit)
		if err != nil {
			return false, err
		}
		more = more || n == int64(limit)
	}
	for _, table := range []string{"old_headers", "events", "notes"} {
		if _, err := q.exec(ctx, `DELETE FROM `+table+` WHERE expires < $1`, millis(now)); err != nil {
			return false, err
		}
	}
	// What contacts have granted stays until the claim lapses.
	_, err = q.exec(ctx, `DELETE FROM asks WHERE expires < $1 AND (granted IS NULL OR claim NOT IN (SELECT id FROM claims WHERE ends > $1))`,
		millis(now.Add(-time.Second)))
	return more, err
}
