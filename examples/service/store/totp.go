package store

import "context"

// TOTP is the second factor of an account.
type TOTP struct {
	Secret    []byte // sealed
	Confirmed bool
	Step      int64 // the last one that was accepted
}

// TOTP returns the second factor of an account, or [ErrNotFound].
func (q *queries) TOTP(ctx context.Context, account ID) (t TOTP, err error) {
	var confirmed int64
	err = q.row(ctx, `SELECT secret, confirmed, step FROM totp WHERE account = $1`, []any{account[:]}, &t.Secret, &confirmed, &t.Step)
	t.Confirmed = confirmed == 1
	return t, err
}

// SetTOTP stores a second factor.
func (tx *Tx) SetTOTP(ctx context.Context, account ID, t TOTP) error {
	_, err := tx.exec(ctx, `INSERT INTO totp (account, secret, confirmed, step) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account) DO UPDATE SET secret = $2, confirmed = $3, step = $4`, account[:], t.Secret, flag(t.Confirmed), t.Step)
	return err
}

// RemoveTOTP removes the second factor and the backup codes.
func (tx *Tx) RemoveTOTP(ctx context.Context, account ID) error {
	if _, err := tx.exec(ctx, `DELETE FROM totp WHERE account = $1`, account[:]); err != nil {
		return err
	}
	return tx.SetCodes(ctx, account, nil)
}

// SetCodes replaces the backup codes of an account.
func (tx *Tx) SetCodes(ctx context.Context, account ID, codes [][]byte) error {
	if _, err := tx.exec(ctx, `DELETE FROM backup_codes WHERE account = $1`, account[:]); err != nil {
		return err
	}
	for _, code := range codes {
		if err := tx.one(ctx, `INSERT INTO backup_codes (account, code) VALUES ($1, $2)`, account[:], code); err != nil {
			return err
		}
	}
	return nil
}

// UseCode reports whether a backup code is there, and deletes it.
func (tx *Tx) UseCode(ctx context.Context, account ID, code []byte) (bool, error) {
	n, err := tx.exec(ctx, `DELETE FROM backup_codes WHERE account = $1 AND code = $2`, account[:], code)
	return n == 1, err
}
