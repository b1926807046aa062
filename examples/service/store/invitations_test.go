package store_test

import (
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestInvitations: both sides see an invitation, the oldest first. What can
// change of it does.
func TestInvitations(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		slot, contact := id(8), id(2)
		full := store.Invitation{ID: id(1), Account: id(1), Contact: contact[:], Answer: []byte("answer"), Slot: slot[:], Message: []byte("message"), Received: true, Created: now}
		least := store.Invitation{ID: id(2), Account: id(1), Created: now.Add(-time.Hour)}
		other := store.Invitation{ID: id(3), Account: id(2), Created: now}
		b.tx(db, func(tx *store.Tx) error {
			for _, i := range []store.Invitation{full, least, other} {
				if err := tx.AddInvitation(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
		for account, want := range map[byte][]store.Invitation{1: {least, full}, 2: {full, other}, 3: nil} {
			all, err := db.Invitations(ctx, id(account))
			require.NoError(b, err)
			require.Equal(b, want, all)
		}
		changed := full
		changed.ID = least.ID
		next := changed
		changed.Account, changed.Created = least.Account, least.Created
		next.Account, next.Created = id(9), now
		b.tx(db, func(tx *store.Tx) error { return tx.SetInvitation(ctx, next) })
		i, err := db.Invitation(ctx, least.ID)
		require.NoError(b, err)
		require.Equal(b, changed, i)
		b.tx(db, func(tx *store.Tx) error { return tx.RemoveInvitation(ctx, least.ID) })
		_, err = db.Invitation(ctx, least.ID)
		require.ErrorIs(b, err, store.ErrNotFound)
		for _, f := range []func(*store.Tx) error{
			func(tx *store.Tx) error { return tx.RemoveInvitation(ctx, least.ID) },
			func(tx *store.Tx) error { return tx.SetInvitation(ctx, least) },
			func(tx *store.Tx) error { _, err := tx.LockInvitation(ctx, least.ID); return err },
		} {
			require.ErrorIs(b, db.Tx(ctx, f), store.ErrNotFound)
		}
	})
}

// TestLockInvitation: a transaction that locks an invitation waits until
// another one ends, and then sees what it has changed.
func TestLockInvitation(t *testing.T) {
	onBoth(t, func(b *base) {
		if !b.postgres() {
			b.Skip("SQLite has one writer")
		}
		db, other, ctx := b.migrated(), b.open(b), b.Context()
		b.tx(db, func(tx *store.Tx) error {
			return tx.AddInvitation(ctx, store.Invitation{ID: id(1), Account: id(1), Created: now})
		})
		seen, ended := make(chan []byte, 1), make(chan error, 1)
		b.tx(db, func(tx *store.Tx) error {
			i, err := tx.LockInvitation(ctx, id(1))
			if err != nil {
				return err
			}
			go func() {
				ended <- other.Tx(ctx, func(tx *store.Tx) error {
					i, err := tx.LockInvitation(ctx, id(1))
					seen <- i.Answer
					return err
				})
			}()
			b.waitForLock()
			i.Answer = []byte("answer")
			return tx.SetInvitation(ctx, i)
		})
		require.Equal(b, "answer", string(<-seen))
		require.NoError(b, <-ended)
	})
}
