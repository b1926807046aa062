package store

import (
	"bytes"
	"context"
	"time"
)

// ID is a random number of 16 bytes.
type ID = [16]byte

// Account is what a login needs of an account.
type Account struct {
	ID     ID
	Record []byte
	Slot   []byte // the password slot of the record, or nil
	Known  bool   // false if there is no such account
}

// ByName returns the account of a name, given as its HMAC, or the nth former
// account, the newest first. If there is none, it returns the zero Account.
func (q *queries) ByName(ctx context.Context, name []byte, former int) (a Account, err error) {
	var id []byte
	statement, args := `SELECT a.id, a.record, a.slot FROM names n JOIN accounts a ON a.id = n.account WHERE n.name = $1`, []any{name}
	if former > 0 {
		statement, args = `SELECT a.id, a.record, a.slot FROM names n JOIN formers f ON f.account = n.account JOIN accounts a ON a.id = f.former
			WHERE n.name = $1 ORDER BY f.since DESC, f.former LIMIT 1 OFFSET $2`, append(args, former-1)
	}
	err = q.row(ctx, statement, args, &id, &a.Record, &a.Slot)
	if err == ErrNotFound {
		return Account{}, nil
	}
	a.Known = copy(a.ID[:], id) == len(a.ID)
	return a, err
}

// Account returns an account. An unknown id returns an Account that is not
// Known.
func (q *queries) Account(ctx context.Context, id ID) (Account, error) {
	return q.account(ctx, id, "")
}

// LockAccount is Account, and no other transaction can change the account or
// anything that belongs to it until this one ends.
func (tx *Tx) LockAccount(ctx context.Context, id ID) (Account, error) {
	return tx.account(ctx, id, tx.forUpdate())
}

func (q *queries) account(ctx context.Context, id ID, lock string) (a Account, err error) {
	a.ID = id
	err = q.row(ctx, `SELECT record, slot FROM accounts WHERE id = $1`+lock, []any{id[:]}, &a.Record, &a.Slot)
	if err == ErrNotFound {
		return a, nil
	}
	a.Known = err == nil
	return a, err
}

// Name is a name of an account.
type Name struct {
	Key    []byte // HMAC
	Sealed []byte
}

// Insert makes an account. It returns false if a name is taken, or was.
func (tx *Tx) Insert(ctx context.Context, a Account, names []Name, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO accounts (id, record, created, revision, items, bytes)
		VALUES ($1, $2, $3, 0, 0, 0) ON CONFLICT DO NOTHING`, a.ID[:], a.Record, millis(now))
	if err != nil || n == 0 {
		return false, err
	}
	for _, name := range names {
		n, err := tx.exec(ctx, `INSERT INTO names (name, account, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			name.Key, a.ID[:], name.Sealed)
		if err != nil || n == 0 {
			return false, err
		}
	}
	return true, nil
}

// SetRecord replaces the record of an account and its slot, which may be nil.
func (tx *Tx) SetRecord(ctx context.Context, id ID, record, slot []byte) error {
	return tx.one(ctx, `UPDATE accounts SET record = $2, slot = $3 WHERE id = $1`, id[:], record, slot)
}

// Delete deletes an account with everything that belongs to it, except the
// HMACs of its names. Former accounts have to get the names back first.
func (tx *Tx) Delete(ctx context.Context, id ID) error {
	for _, statement := range []string{
		`UPDATE names SET account = NULL, sealed = NULL WHERE account = $1`,
		`DELETE FROM step_ups WHERE session IN (SELECT id FROM sessions WHERE account = $1)`,
		`DELETE FROM sessions WHERE account = $1`,
		`DELETE FROM logins WHERE account = $1`,
		`DELETE FROM devices WHERE account = $1`,
		`DELETE FROM phrases WHERE account = $1`,
		`DELETE FROM files WHERE account = $1`,
		`DELETE FROM formers WHERE former = $1`,
		`DELETE FROM notes WHERE claim IN (SELECT id FROM claims WHERE account = $1)`,
		`DELETE FROM claims WHERE account = $1`,
		`DELETE FROM invitations WHERE account = $1 OR contact = $1`,
		`DELETE FROM asks WHERE account = $1`,
		`UPDATE asks SET contact = NULL WHERE contact = $1`,
		`DELETE FROM totp WHERE account = $1`,
		`DELETE FROM backup_codes WHERE account = $1`,
		`DELETE FROM headers WHERE account = $1`,
		`DELETE FROM old_headers WHERE account = $1`,
		`DELETE FROM items WHERE account = $1`,
		`DELETE FROM events WHERE account = $1`,
	} {
		if _, err := tx.exec(ctx, statement, id[:]); err != nil {
			return err
		}
	}
	return tx.one(ctx, `DELETE FROM accounts WHERE id = $1`, id[:])
}

// Summary is what the server can tell about an account.
type Summary struct {
	Created      time.Time
	Items, Bytes int64
	TOTP         bool
	Codes        int // unused backup codes
	Phrase       bool
	Files        int
	Former       int
}

// Summary returns what is stored of an account.
func (q *queries) Summary(ctx context.Context, id ID) (s Summary, err error) {
	var created, totp, phrases int64
	err = q.row(ctx, `SELECT created, items, bytes,
		(SELECT count(*) FROM totp WHERE account = $1 AND confirmed = 1),
		(SELECT count(*) FROM backup_codes WHERE account = $1),
		(SELECT count(*) FROM phrases WHERE account = $1),
		(SELECT count(*) FROM files WHERE account = $1),
		(SELECT count(*) FROM formers WHERE account = $1) FROM accounts WHERE id = $1`,
		[]any{id[:]}, &created, &s.Items, &s.Bytes, &totp, &s.Codes, &phrases, &s.Files, &s.Former)
	if err != nil {
		return s, err
	}
	s.Created, s.TOTP, s.Phrase = at(created), totp == 1, phrases == 1
	return s, err
}

// Names returns the names of an account.
func (q *queries) Names(ctx context.Context, id ID) (names []Name, err error) {
	err = q.all(ctx, `SELECT name, sealed FROM names WHERE account = $1 ORDER BY name`, []any{id[:]}, func(scan func(...any) error) error {
		var n Name
		err := scan(&n.Key, &n.Sealed)
		names = append(names, n)
		return err
	})
	return names, err
}

// Replace gives the names of an account to a new one. The old account becomes a
// former one.
func (tx *Tx) Replace(ctx context.Context, old ID, a Account, now time.Time) error {
	if _, err := tx.exec(ctx, `INSERT INTO accounts (id, record, created, revision, items, bytes) VALUES ($1, $2, $3, 0, 0, 0)`,
		a.ID[:], a.Record, millis(now)); err != nil {
		return err
	}
	for _, statement := range []string{`UPDATE names SET account = $1 WHERE account = $2`, `UPDATE formers SET account = $1 WHERE account = $2`} {
		if _, err := tx.exec(ctx, statement, a.ID[:], old[:]); err != nil {
			return err
		}
	}
	return tx.one(ctx, `INSERT INTO formers (former, account, since) VALUES ($1, $2, $3)`, old[:], a.ID[:], millis(now))
}

// GiveBack gives the names of an account back to a former one, which is a former
// account no more.
func (tx *Tx) GiveBack(ctx context.Context, account, former ID) error {
	if err := tx.one(ctx, `DELETE FROM formers WHERE former = $1 AND account = $2`, former[:], account[:]); err != nil {
		return err
	}
	for _, statement := range []string{`UPDATE names SET account = $1 WHERE account = $2`, `UPDATE formers SET account = $1 WHERE account = $2`} {
		if _, err := tx.exec(ctx, statement, former[:], account[:]); err != nil {
			return err
		}
	}
	return nil
}

// Formers returns the former accounts of an account, the newest first.
func (q *queries) Formers(ctx context.Context, account ID) (formers []ID, err error) {
	err = q.all(ctx, `SELECT former FROM formers WHERE account = $1 ORDER BY since DESC, former`, []any{account[:]}, func(scan func(...any) error) error {
		var id []byte
		err := scan(&id)
		formers = append(formers, ID(id))
		return err
	})
	return formers, err
}

// Current returns the account that has the names of a former account now, or
// [ErrNotFound].
func (q *queries) Current(ctx context.Context, former ID) (account ID, err error) {
	var id []byte
	err = q.row(ctx, `SELECT account FROM formers WHERE former = $1`, []any{former[:]}, &id)
	copy(account[:], id)
	return account, err
}

// AddKind notes a record as the example of its kind, unless there is one.
func (tx *Tx) AddKind(ctx context.Context, kind, record []byte) error {
	_, err := tx.exec(ctx, `INSERT INTO kinds (kind, record) VALUES ($1, $2) ON CONFLICT DO NOTHING`, kind, record)
	return err
}

// Kinds returns a record of every kind that an account has or had.
func (q *queries) Kinds(ctx context.Context) (records [][]byte, err error) {
	err = q.all(ctx, `SELECT record FROM kinds`, nil, func(scan func(...any) error) error {
		var record []byte
		err := scan(&record)
		records = append(records, record)
		return err
	})
	return records, err
}

// Meta returns a fact about the database, or stores value if there is none yet.
// It returns what is stored.
func (q *queries) Meta(ctx context.Context, name string, value []byte) (stored []byte, err error) {
	if len(value) > 0 {
		if _, err := q.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, value); err != nil {
			return nil, err
		}
	}
	err = q.row(ctx, `SELECT value FROM meta WHERE name = $1`, []any{name}, &stored)
	return bytes.Clone(stored), err
}

// SetMeta replaces a fact about the database.
func (q *queries) SetMeta(ctx context.Context, name string, value []byte) error {
	return q.one(ctx, `UPDATE meta SET value = $2 WHERE name = $1`, name, value)
}
