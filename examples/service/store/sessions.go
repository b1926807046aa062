package store

import (
	"context"
	"time"
)

// Session is a session of an account. A half session waits for a code.
type Session struct {
	ID        ID
	Account   ID
	Half      bool
	Tries     int     // of codes, of a half session
	Record    []byte  // digest of the record that logged in
	Receipt   Receipt // of the login
	Device    []byte  // digest of the device's token, or nil
	Name      []byte  // sealed by the client
	Way       string  // how it has logged in
	Recovered bool    // it may set a password
	Slot      []byte  // of its device, or nil
	Claim     []byte  // that it comes from, or nil
	Migration []byte  // sealed key of the login
	Created   time.Time
	Seen      time.Time
	LoginAt   time.Time
	CodeAt    time.Time // zero if there was no code
	Expires   time.Time
}

// AddSession stores a session under the digest of its token.
func (tx *Tx) AddSession(ctx context.Context, token []byte, s Session) error {
	return tx.one(ctx, `INSERT INTO sessions (id, token, account, half, tries, record, receipt, device, name, way, recovered, slot, claim, migration,
			created, seen, login_at, code_at, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		s.ID[:], token, s.Account[:], flag(s.Half), s.Tries, s.Record, []byte(s.Receipt), s.Device, s.Name, s.Way, flag(s.Recovered), s.Slot, s.Claim, s.Migration,
		millis(s.Created), millis(s.Seen), millis(s.LoginAt), codeAt(s.CodeAt), millis(s.Expires))
}

func codeAt(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return millis(t)
}

const sessionColumns = `id, account, half, tries, record, receipt, device, name, way, recovered, slot, claim, migration, created, seen, login_at, code_at, expires`

func scanSession(scan func(...any) error) (s Session, err error) {
	var id, account []byte
	var half, recovered, created, seen, login, code, expires int64
	err = scan(&id, &account, &half, &s.Tries, &s.Record, &s.Receipt, &s.Device, &s.Name, &s.Way, &recovered, &s.Slot, &s.Claim, &s.Migration, &created, &seen, &login, &code, &expires)
	copy(s.ID[:], id)
	copy(s.Account[:], account)
	s.Half, s.Recovered = half == 1, recovered == 1
	s.Created, s.Seen, s.LoginAt, s.Expires = at(created), at(seen), at(login), at(expires)
	if code != 0 {
		s.CodeAt = at(code)
	}
	return s, err
}

// Session returns the session of a token's digest.
func (q *queries) Session(ctx context.Context, token []byte, now time.Time) (s Session, err error) {
	found := false
	err = q.all(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE token = $1 AND expires > $2`, []any{token, millis(now)},
		func(scan func(...any) error) (err error) {
			found = true
			s, err = scanSession(scan)
			return err
		})
	if err == nil && !found {
		err = ErrNotFound
	}
	return s, err
}

// Sessions returns the full sessions of an account, the last seen first.
func (q *queries) Sessions(ctx context.Context, account ID, now time.Time) (all []Session, err error) {
	err = q.all(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE account = $1 AND half = 0 AND expires > $2 ORDER BY seen DESC, id`,
		[]any{account[:], millis(now)}, func(scan func(...any) error) error {
			s, err := scanSession(scan)
			all = append(all, s)
			return err
		})
	return all, err
}

// HasSession reports whether a session has not ended.
func (tx *Tx) HasSession(ctx context.Context, id ID) (bool, error) {
	var n int64
	err := tx.row(ctx, `SELECT count(*) FROM sessions WHERE id = $1`, []any{id[:]}, &n)
	return n == 1, err
}

// See notes that a session was used.
func (q *queries) See(ctx context.Context, id ID, now, expires time.Time) error {
	_, err := q.exec(ctx, `UPDATE sessions SET seen = $2, expires = $3 WHERE id = $1`, id[:], millis(now), millis(expires))
	return err
}

// SetSessionName stores the sealed name of a session.
func (q *queries) SetSessionName(ctx context.Context, id ID, name []byte) error {
	return q.one(ctx, `UPDATE sessions SET name = $2 WHERE id = $1`, id[:], name)
}

// Refresh notes a login in a session, with the digest of the record.
func (tx *Tx) Refresh(ctx context.Context, id ID, record []byte, now time.Time) error {
	return tx.one(ctx, `UPDATE sessions SET login_at = $2, record = $3 WHERE id = $1`, id[:], millis(now), record)
}

// SetCodeTime notes a code in a session.
func (tx *Tx) SetCodeTime(ctx context.Context, id ID, now time.Time) error {
	return tx.one(ctx, `UPDATE sessions SET code_at = $2 WHERE id = $1`, id[:], millis(now))
}

// ForgetMigration ends the right of a session to move the account.
func (tx *Tx) ForgetMigration(ctx context.Context, account ID) error {
	_, err := tx.exec(ctx, `UPDATE sessions SET migration = NULL WHERE account = $1`, account[:])
	return err
}

// Try counts a try of a code in a half session. It returns false after the
// last one.
func (tx *Tx) Try(ctx context.Context, id ID, max int) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE sessions SET tries = tries + 1 WHERE id = $1 AND half = 1 AND tries < $2`, id[:], max)
	return n == 1, err
}

// EndSession deletes a session of an account and the token of its device, or
// returns [ErrNotFound].
func (tx *Tx) EndSession(ctx context.Context, account, id ID) error {
	if err := tx.endJoins(ctx, account, `id = $2`, id); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM devices WHERE account = $1 AND token IN (SELECT device FROM sessions WHERE account = $1 AND id = $2)
		AND token NOT IN (SELECT device FROM sessions WHERE account = $1 AND id <> $2 AND device IS NOT NULL)`, account[:], id[:]); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM step_ups WHERE session = $1`, id[:]); err != nil {
		return err
	}
	return tx.one(ctx, `DELETE FROM sessions WHERE account = $1 AND id = $2`, account[:], id[:])
}

// endJoins uses up the approvals of devices whose sessions end. The device could
// open another one.
func (tx *Tx) endJoins(ctx context.Context, account ID, which string, id ID) error {
	_, err := tx.exec(ctx, `UPDATE claims SET state = 'done' WHERE account = $1 AND way = 'device'
		AND id IN (SELECT claim FROM sessions WHERE account = $1 AND `+which+`)`, account[:], id[:])
	return err
}

// EndOtherSessions deletes all sessions of an account except one, and the tokens
// of other devices. A way keeps the sessions that have logged in with it.
func (tx *Tx) EndOtherSessions(ctx context.Context, account, except ID, keep string) error {
	if keep != "device" {
		if err := tx.endJoins(ctx, account, `id <> $2`, except); err != nil {
			return err
		}
	}
	if _, err := tx.exec(ctx, `DELETE FROM devices WHERE account = $1
		AND token NOT IN (SELECT device FROM sessions WHERE id = $2 AND device IS NOT NULL)`, account[:], except[:]); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM step_ups WHERE session IN (SELECT id FROM sessions WHERE account = $1 AND id <> $2)`,
		account[:], except[:]); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM sessions WHERE account = $1 AND id <> $2 AND NOT (way = $3 AND recovered = 0)`, account[:], except[:], keep)
	return err
}

// EndSlot deletes the sessions of a device's slot, and the tokens of the device.
func (tx *Tx) EndSlot(ctx context.Context, account, slot ID) error {
	for _, statement := range []string{
		`DELETE FROM devices WHERE account = $1 AND token IN (SELECT device FROM sessions WHERE account = $1 AND slot = $2)`,
		`DELETE FROM step_ups WHERE session IN (SELECT id FROM sessions WHERE account = $1 AND slot = $2)`,
		`DELETE FROM sessions WHERE account = $1 AND slot = $2`,
	} {
		if _, err := tx.exec(ctx, statement, account[:], slot[:]); err != nil {
			return err
		}
	}
	return nil
}

// SetSessionSlot notes the slot of a session's device.
func (tx *Tx) SetSessionSlot(ctx context.Context, id ID, slot ID) error {
	return tx.one(ctx, `UPDATE sessions SET slot = $2 WHERE id = $1`, id[:], slot[:])
}

// AddDevice stores that a device has logged in, under its token's digest.
func (tx *Tx) AddDevice(ctx context.Context, token []byte, account ID, expires time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO devices (token, account, expires) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET expires = $3 WHERE devices.account = $2 AND devices.expires < $4`,
		token, account[:], millis(expires), millis(expires.Add(-24*time.Hour))) // an index makes each change expensive
	return err
}

// LimitSessions deletes the full sessions and the devices of an account that have
// not been used for longest, except count of each.
func (tx *Tx) LimitSessions(ctx context.Context, account ID, count int) error {
	// Sessions of one grade do not push out those of another.
	if _, err := tx.exec(ctx, `DELETE FROM sessions WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER
		(PARTITION BY recovered, CASE WHEN way = 'device' THEN 1 ELSE 0 END ORDER BY seen DESC, id) AS n
		FROM sessions WHERE account = $1 AND half = 0) AS ranked WHERE n > $2)`, account[:], count); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM devices WHERE account = $1 AND token NOT IN
		(SELECT token FROM devices WHERE account = $1 ORDER BY expires DESC, token LIMIT $2)`, account[:], count)
	return err
}

// DeviceOf returns the account that a device has logged in to, or zero.
func (q *queries) DeviceOf(ctx context.Context, token []byte, now time.Time) (account ID, err error) {
	var id []byte
	err = q.row(ctx, `SELECT account FROM devices WHERE token = $1 AND expires > $2`, []any{token, millis(now)}, &id)
	if err == ErrNotFound {
		err = nil
	}
	copy(account[:], id)
	return account, err
}
