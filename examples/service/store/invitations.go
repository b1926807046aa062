package store

import (
	"context"
	"time"
)

// Invitation makes another account a contact.
type Invitation struct {
	ID       ID
	Account  ID     // the owner
	Contact  []byte // the account that has accepted, or nil
	Answer   []byte // its public key, sealed by the client, or nil
	Slot     []byte // whose share was delivered, or nil
	Message  []byte // until it is received
	Received bool
	Created  time.Time
}

const invitationColumns = `id, account, contact, answer, slot, message, received, created`

// AddInvitation stores an invitation.
func (tx *Tx) AddInvitation(ctx context.Context, i Invitation) error {
	return tx.one(ctx, `INSERT INTO invitations (`+invitationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		i.ID[:], i.Account[:], i.Contact, i.Answer, i.Slot, i.Message, flag(i.Received), millis(i.Created))
}

// SetInvitation changes what can change of an invitation.
func (tx *Tx) SetInvitation(ctx context.Context, i Invitation) error {
	return tx.one(ctx, `UPDATE invitations SET contact = $2, answer = $3, slot = $4, message = $5, received = $6 WHERE id = $1`,
		i.ID[:], i.Contact, i.Answer, i.Slot, i.Message, flag(i.Received))
}

// RemoveInvitation deletes an invitation.
func (tx *Tx) RemoveInvitation(ctx context.Context, id ID) error {
	return tx.one(ctx, `DELETE FROM invitations WHERE id = $1`, id[:])
}

// Invitation returns an invitation, or [ErrNotFound].
func (q *queries) Invitation(ctx context.Context, id ID) (i Invitation, err error) {
	all, err := q.invitations(ctx, `id = $1`, id[:])
	if err != nil {
		return i, err
	}
	if len(all) == 0 {
		return i, ErrNotFound
	}
	return all[0], nil
}

// LockInvitation is Invitation, and no other transaction can change it.
func (tx *Tx) LockInvitation(ctx context.Context, id ID) (i Invitation, err error) {
	if _, err := tx.exec(ctx, `UPDATE invitations SET created = created WHERE id = $1`, id[:]); err != nil {
		return i, err
	}
	return tx.Invitation(ctx, id)
}

// Invitations returns the invitations that an account has made or accepted, the
// oldest first.
func (q *queries) Invitations(ctx context.Context, account ID) ([]Invitation, error) {
	return q.invitations(ctx, `account = $1 OR contact = $1`, account[:])
}

func (q *queries) invitations(ctx context.Context, where string, args ...any) (all []Invitation, err error) {
	err = q.all(ctx, `SELECT `+invitationColumns+` FROM invitations WHERE `+where+` ORDER BY created, id`, args, func(scan func(...any) error) error {
		var i Invitation
		var id, account []byte
		var received, created int64
		err := scan(&id, &account, &i.Contact, &i.Answer, &i.Slot, &i.Message, &received, &created)
		copy(i.ID[:], id)
		copy(i.Account[:], account)
		i.Received, i.Created = received == 1, at(created)
		all = append(all, i)
		return err
	})
	return all, err
}
