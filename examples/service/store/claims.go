package store

import (
	"context"
	"time"
)

// Claim is a claim of an account without its password.
type Claim struct {
	ID      ID
	Account ID // made up for a wrong claim
	Number  ID // of the keyring, or made up
	Way     string
	State   string
	Slot    []byte // of the file, the contacts or the device, or nil
	Text    []byte // sealed
	Reason  []byte // sealed
	Doubled bool
	Fresh   bool // it leads to a new account
	Begun   time.Time
	Opens   time.Time
	Ends    time.Time // it lapses
	Address string    // shortened
	Expires time.Time // it is forgotten
}

const claimColumns = `id, account, number, way, state, slot, text, reason, doubled, fresh, begun, opens, ends, address, expires`

func scanClaim(scan func(...any) error) (c Claim, err error) {
	var id, account, number []byte
	var doubled, fresh, begun, opens, ends, expires int64
	err = scan(&id, &account, &number, &c.Way, &c.State, &c.Slot, &c.Text, &c.Reason, &doubled, &fresh, &begun, &opens, &ends, &c.Address, &expires)
	copy(c.ID[:], id)
	copy(c.Account[:], account)
	copy(c.Number[:], number)
	c.Doubled, c.Fresh = doubled == 1, fresh == 1
	c.Begun, c.Opens, c.Ends, c.Expires = at(begun), at(opens), at(ends), at(expires)
	return c, err
}

// AddClaim stores a claim under the digest of its token.
func (q *queries) AddClaim(ctx context.Context, token []byte, c Claim) error {
	return q.one(ctx, `INSERT INTO claims (token, `+claimColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		token, c.ID[:], c.Account[:], c.Number[:], c.Way, c.State, c.Slot, c.Text, c.Reason, flag(c.Doubled), flag(c.Fresh),
		millis(c.Begun), millis(c.Opens), millis(c.Ends), c.Address, millis(c.Expires))
}

// SetClaim changes what can change of a claim. The transaction has locked the
// account.
func (tx *Tx) SetClaim(ctx context.Context, c Claim) error {
	return tx.one(ctx, `UPDATE claims SET state = $2, slot = $3, reason = $4, doubled = $5, fresh = $6, opens = $7, ends = $8, expires = $9 WHERE id = $1`,
		c.ID[:], c.State, c.Slot, c.Reason, flag(c.Doubled), flag(c.Fresh), millis(c.Opens), millis(c.Ends), millis(c.Expires))
}

// ClaimOf returns the claim of a token's digest, or [ErrNotFound].
func (q *queries) ClaimOf(ctx context.Context, token []byte, now time.Time) (Claim, error) {
	return q.claim(ctx, `token = $1 AND expires > $2`, token, millis(now))
}

// Claim returns a claim, or [ErrNotFound].
func (q *queries) Claim(ctx context.Context, id ID) (Claim, error) {
	return q.claim(ctx, `id = $1`, id[:])
}

// LockClaim is Claim, and no other transaction can change it. A wrong claim has no
// account to lock.
func (tx *Tx) LockClaim(ctx context.Context, id ID) (c Claim, err error) {
	if _, err := tx.exec(ctx, `UPDATE claims SET begun = begun WHERE id = $1`, id[:]); err != nil {
		return c, err
	}
	return tx.Claim(ctx, id)
}

func (q *queries) claim(ctx context.Context, where string, args ...any) (c Claim, err error) {
	all, err := q.claims(ctx, where, args...)
	if err != nil {
		return c, err
	}
	if len(all) == 0 {
		return c, ErrNotFound
	}
	return all[0], nil
}

// Claims returns the claims of an account, the newest first.
func (q *queries) Claims(ctx context.Context, account ID, now time.Time) ([]Claim, error) {
	return q.claims(ctx, `account = $1 AND expires > $2`, account[:], millis(now))
}

// ClaimsIn returns the claims in a state, the newest first.
func (q *queries) ClaimsIn(ctx context.Context, state string, now time.Time) ([]Claim, error) {
	return q.claims(ctx, `state = $1 AND ends > $2`, state, millis(now))
}

func (q *queries) claims(ctx context.Context, where string, args ...any) (all []Claim, err error) {
	err = q.all(ctx, `SELECT `+claimColumns+` FROM claims WHERE `+where+` ORDER BY begun DESC, id`, args, func(scan func(...any) error) error {
		c, err := scanClaim(scan)
		all = append(all, c)
		return err
	})
	return all, err
}

// Note is the operator's note about a claim.
type Note struct {
	Claim   ID
	Time    time.Time
	Note    []byte // sealed
	Expires time.Time
}

// AddNote stores a note.
func (tx *Tx) AddNote(ctx context.Context, n Note) error {
	return tx.one(ctx, `INSERT INTO notes (claim, time, note, expires) VALUES ($1, $2, $3, $4)`, n.Claim[:], millis(n.Time), n.Note, millis(n.Expires))
}

// Notes returns the notes about a claim, the oldest first.
func (q *queries) Notes(ctx context.Context, claim ID) (notes []Note, err error) {
	err = q.all(ctx, `SELECT time, note, expires FROM notes WHERE claim = $1 ORDER BY time`, []any{claim[:]}, func(scan func(...any) error) error {
		n := Note{Claim: claim}
		var t, expires int64
		err := scan(&t, &n.Note, &expires)
		n.Time, n.Expires = at(t), at(expires)
		notes = append(notes, n)
		return err
	})
	return notes, err
}

// EndClaims puts the claims of an account that are in one state into another,
// except reviews that were not approved, which any stranger can begin.
func (tx *Tx) EndClaims(ctx context.Context, account ID, from, into string) error {
	_, err := tx.exec(ctx, `UPDATE claims SET state = $3 WHERE account = $1 AND state = $2 AND NOT (way = 'review' AND fresh = 0)`, account[:], from, into)
	return err
}

// EndClaimSessions deletes the sessions of a claim.
func (tx *Tx) EndClaimSessions(ctx context.Context, account, claim ID) error {
	if _, err := tx.exec(ctx, `DELETE FROM step_ups WHERE session IN (SELECT id FROM sessions WHERE account = $1 AND claim = $2)`, account[:], claim[:]); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM sessions WHERE account = $1 AND claim = $2`, account[:], claim[:])
	return err
}
