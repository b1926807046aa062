package store

import (
	"context"
	"time"
)

// Ask is a question of a claim to a contact, or to another device.
type Ask struct {
	ID      ID
	Claim   ID
	Account ID // of the claim
	Number  ID // of the claim
	Way     string
	Ask     []byte
	Answer  []byte // or nil
	Reveal  []byte // or nil
	Granted []byte // or nil
	Slot    []byte // of the grant, or nil
	Contact []byte // the account that has granted a share, or nil
	Begun   time.Time
	Address string // shortened
	Expires time.Time
}

const askColumns = `id, claim, account, way, ask, answer, reveal, granted, slot, contact, begun, address, expires`

// AddAsk stores a question.
func (tx *Tx) AddAsk(ctx context.Context, a Ask) error {
	return tx.one(ctx, `INSERT INTO asks (`+askColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		a.ID[:], a.Claim[:], a.Account[:], a.Way, a.Ask, a.Answer, a.Reveal, a.Granted, a.Slot, a.Contact,
		millis(a.Begun), a.Address, millis(a.Expires))
}

// SetAsk changes what can change of a question.
func (tx *Tx) SetAsk(ctx context.Context, a Ask) error {
	return tx.one(ctx, `UPDATE asks SET answer = $2, reveal = $3, granted = $4, slot = $5, contact = $6 WHERE id = $1`,
		a.ID[:], a.Answer, a.Reveal, a.Granted, a.Slot, a.Contact)
}

// AsksOf returns the questions of a claim, the oldest first.
func (q *queries) AsksOf(ctx context.Context, claim ID) ([]Ask, error) {
	return q.asks(ctx, `claim = $1 ORDER BY begun, id`, claim[:])
}

// Asked returns a question, or [ErrNotFound].
func (q *queries) Asked(ctx context.Context, id ID, now time.Time) (a Ask, err error) {
	all, err := q.asks(ctx, `id = $1 AND expires > $2`, id[:], millis(now))
	if err != nil {
		return a, err
	}
	if len(all) == 0 {
		return a, ErrNotFound
	}
	return all[0], nil
}

// AsksTo returns open questions that an account may grant: to join it, and to
// accounts whose shares it has. They came before a time and an id, the newest
// first.
func (q *queries) AsksTo(ctx context.Context, account ID, now, before time.Time, id ID, count int) ([]Ask, error) {
	return q.asks(ctx, `expires > $2 AND granted IS NULL AND (begun < $4 OR begun = $4 AND id < $5) AND (way = 'device' AND account = $1 OR way = 'contacts' AND account IN
		(SELECT account FROM invitations WHERE contact = $1 AND received = 1)) ORDER BY begun DESC, id DESC LIMIT $3`, account[:], millis(now), count, millis(before), id[:])
}

func (q *queries) asks(ctx context.Context, where string, args ...any) (all []Ask, err error) {
	err = q.all(ctx, `SELECT `+askColumns+`, (SELECT number FROM claims WHERE id = claim) FROM asks WHERE `+where, args, func(scan func(...any) error) error {
		var a Ask
		var id, claim, account, number []byte
		var begun, expires int64
		err := scan(&id, &claim, &account, &a.Way, &a.Ask, &a.Answer, &a.Reveal, &a.Granted, &a.Slot, &a.Contact, &begun, &a.Address, &expires, &number)
		copy(a.Number[:], number)
		copy(a.ID[:], id)
		copy(a.Claim[:], claim)
		copy(a.Account[:], account)
		a.Begun, a.Expires = at(begun), at(expires)
		all = append(all, a)
		return err
	})
	return all, err
}
