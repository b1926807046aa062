package store_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestDeleteBesideRemoveSlot: a contact deletes the account while the owner
// removes the slot of the contacts. Neither waits for the other forever.
func TestDeleteBesideRemoveSlot(t *testing.T) {
	onBoth(t, func(b *base) {
		if !strings.HasPrefix(b.where, "postgres://") {
			return // SQLite has one transaction at a time
		}
		db, err := store.Open(b.Context(), b.where)
		require.NoError(b, err)
		b.Cleanup(func() { db.Close() })
		require.NoError(b, db.Migrate(b.Context()))
		owner, contact, slot := store.ID{1}, store.ID{2}, store.ID{3}
		now := time.Now()
		require.NoError(b, db.Tx(b.Context(), func(tx *store.Tx) error {
			for _, id := range []store.ID{owner, contact} {
				if _, err := tx.Insert(b.Context(), store.Account{ID: id, Record: []byte("O")}, nil, now); err != nil {
					return err
				}
			}
			if err := tx.AddInvitation(b.Context(), store.Invitation{ID: store.ID{4}, Account: owner, Contact: contact[:], Slot: slot[:], Received: true, Created: now}); err != nil {
				return err
			}
			return tx.AddAsk(b.Context(), store.Ask{ID: store.ID{5}, Claim: store.ID{6}, Account: owner, Way: "contacts", Ask: []byte("x"), Granted: []byte("x"), Slot: slot[:], Contact: contact[:], Begun: now, Expires: now.Add(time.Hour)})
		}))
		var first, second sync.Once
		asks, invitations := make(chan struct{}), make(chan struct{})
		wait := func(c chan struct{}) {
			select {
			case <-c:
			case <-time.After(2 * time.Second): // the other one waits for a lock
			}
		}
		db.Trace(func(s string) {
			switch {
			case strings.HasPrefix(s, "DELETE FROM invitations WHERE account"): // asks are locked
				first.Do(func() { close(asks); wait(invitations) })
			case strings.HasPrefix(s, "DELETE FROM asks WHERE account = $1 AND slot"): // invitations are locked
				second.Do(func() { close(invitations); wait(asks) })
			}
		})
		var group sync.WaitGroup
		errs := make([]error, 2)
		group.Go(func() {
			errs[0] = db.Tx(b.Context(), func(tx *store.Tx) error {
				if _, err := tx.LockAccount(b.Context(), contact); err != nil {
					return err
				}
				return tx.Delete(b.Context(), contact)
			})
		})
		group.Go(func() {
			errs[1] = db.Tx(b.Context(), func(tx *store.Tx) error {
				if _, err := tx.LockAccount(b.Context(), owner); err != nil {
					return err
				}
				return tx.RemoveSlot(b.Context(), owner, slot)
			})
		})
		group.Wait()
		require.NoError(b, errs[0])
		require.NoError(b, errs[1])
	})
}
