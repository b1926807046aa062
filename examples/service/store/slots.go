package store

import "context"

// What belongs to a slot of the keyring is stored and deleted together with it.

// Phrase returns the record of an account's recovery phrase and its slot, or nil.
func (q *queries) Phrase(ctx context.Context, account ID) (record, slot []byte, err error) {
	err = q.row(ctx, `SELECT record, slot FROM phrases WHERE account = $1`, []any{account[:]}, &record, &slot)
	if err == ErrNotFound {
		err = nil
	}
	return record, slot, err
}

// SetPhrase stores the record of an account's phrase.
func (tx *Tx) SetPhrase(ctx context.Context, account, slot ID, record []byte) error {
	return tx.one(ctx, `INSERT INTO phrases (account, slot, record) VALUES ($1, $2, $3)
		ON CONFLICT (account) DO UPDATE SET slot = $2, record = $3`, account[:], slot[:], record)
}

// File returns the sealed half of a recovery file, and the digest of what claims
// show. Without a file both are nil.
func (q *queries) File(ctx context.Context, account, slot ID) (half, proof []byte, err error) {
	err = q.row(ctx, `SELECT half, proof FROM files WHERE account = $1 AND slot = $2`, []any{account[:], slot[:]}, &half, &proof)
	if err == ErrNotFound {
		err = nil
	}
	return half, proof, err
}

// AddFile stores what belongs to a recovery file: see [DB.File].
func (tx *Tx) AddFile(ctx context.Context, account, slot ID, half, proof []byte) error {
	return tx.one(ctx, `INSERT INTO files (account, slot, half, proof) VALUES ($1, $2, $3, $4)`, account[:], slot[:], half, proof)
}

// RemoveSlot deletes what belongs to a slot that is gone: the record of a
// phrase, the half of a file, shares of contacts, and sessions. Claims of the slot
// fail.
func (tx *Tx) RemoveSlot(ctx context.Context, account, slot ID) error {
	for _, statement := range []string{
		`DELETE FROM phrases WHERE account = $1 AND slot = $2`,
		`DELETE FROM files WHERE account = $1 AND slot = $2`,
		`UPDATE invitations SET slot = NULL, message = NULL, received = 0 WHERE account = $1 AND slot = $2`,
		`DELETE FROM asks WHERE account = $1 AND slot = $2`,
		`UPDATE claims SET ends = begun WHERE account = $1 AND slot = $2`,
	} {
		if _, err := tx.exec(ctx, statement, account[:], slot[:]); err != nil {
			return err
		}
	}
	return tx.EndSlot(ctx, account, slot)
}
