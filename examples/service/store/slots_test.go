package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestPhraseAndFiles: an account has one phrase, which another one replaces,
// and a half for each file.
func TestPhraseAndFiles(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		b.insert(db, id(1), "alice")
		record, slot, err := db.Phrase(ctx, id(1))
		require.NoError(b, err)
		require.Nil(b, record)
		require.Nil(b, slot)
		for n := range byte(2) {
			b.tx(db, func(tx *store.Tx) error { return tx.SetPhrase(ctx, id(1), id(n), []byte{n, n}) })
			record, slot, err = db.Phrase(ctx, id(1))
			require.NoError(b, err)
			require.Equal(b, []byte{n, n}, record)
			require.Equal(b, id(n), store.ID(slot))
			b.tx(db, func(tx *store.Tx) error { return tx.AddFile(ctx, id(1), id(n), []byte{n, n}, []byte{n}) })
		}
		for n := range byte(2) {
			half, _, err := db.File(ctx, id(1), id(n))
			require.NoError(b, err)
			require.Equal(b, []byte{n, n}, half)
		}
		for account, slot := range map[store.ID]store.ID{id(1): id(2), id(2): id(1)} {
			half, _, err := db.File(ctx, account, slot)
			require.NoError(b, err)
			require.Nil(b, half)
		}
		summary, err := db.Summary(ctx, id(1))
		require.NoError(b, err)
		require.True(b, summary.Phrase)
		require.Equal(b, 2, summary.Files)
		require.Error(b, db.Tx(ctx, func(tx *store.Tx) error { return tx.AddFile(ctx, id(1), id(1), []byte("other"), nil) }), "the slot has a half")
	})
}

// TestRemoveSlot: what belongs to a slot goes with it, its claims fail, and
// invitations of its contacts stay without the share. What belongs to other
// slots and other accounts stays.
func TestRemoveSlot(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		later := now.Add(time.Hour)
		for n, name := range map[byte]string{1: "alice", 2: "bob"} {
			b.fill(db, id(n), name)
			other := id(n + 10) // another slot of the account
			b.tx(db, func(tx *store.Tx) error {
				key := append([]byte("other "), name...)
				return errors.Join(
					tx.AddFile(ctx, id(n), other, key, key),
					tx.AddSession(ctx, key, store.Session{ID: other, Account: id(n), Record: key, Receipt: key, Slot: other[:], Expires: later}),
					tx.AddStepUp(ctx, key, store.StepUp{Session: other, Operation: "refresh", Digest: key}, later),
					tx.AddClaim(ctx, key, store.Claim{ID: other, Account: id(n), Way: "file", State: "waiting", Slot: other[:], Begun: now, Ends: later, Expires: later}),
					tx.AddAsk(ctx, store.Ask{ID: other, Claim: other, Account: id(n), Ask: key, Slot: other[:], Begun: now, Expires: later}),
					tx.AddAsk(ctx, store.Ask{ID: id(n + 20), Claim: other, Account: id(n), Ask: key, Begun: now, Expires: later}),
					tx.AddInvitation(ctx, store.Invitation{ID: other, Account: id(n), Slot: other[:], Received: true, Created: now}))
			})
		}
		counts := func() map[string]int {
			all := make(map[string]int)
			for _, table := range []string{"phrases", "files", "asks", "claims", "invitations", "sessions", "step_ups"} {
				all[table] = b.count(table)
			}
			return all
		}
		want := counts()
		b.tx(db, func(tx *store.Tx) error { return tx.RemoveSlot(ctx, id(1), id(99)) })
		require.Equal(b, want, counts())
		b.tx(db, func(tx *store.Tx) error { return tx.RemoveSlot(ctx, id(1), id(1)) })
		for _, table := range []string{"phrases", "files", "asks", "sessions", "step_ups"} {
			want[table]--
		}
		require.Equal(b, want, counts())
		for n := range byte(2) {
			n++
			_, slot, err := db.Phrase(ctx, id(n))
			require.NoError(b, err)
			require.Equal(b, n == 1, slot == nil)
			half, _, err := db.File(ctx, id(n), id(n))
			require.NoError(b, err)
			require.Equal(b, n == 1, half == nil)
			claim, err := db.Claim(ctx, id(n))
			require.NoError(b, err)
			require.Equal(b, n == 1, claim.Ends.Equal(now))
			require.Equal(b, "waiting", claim.State)
			claim, err = db.Claim(ctx, id(n+10))
			require.NoError(b, err)
			require.Equal(b, later, claim.Ends)
			i, err := db.Invitation(ctx, id(n))
			require.NoError(b, err)
			require.Equal(b, n == 1, i.Slot == nil && i.Message == nil)
			require.NotNil(b, i.Contact)
			i, err = db.Invitation(ctx, id(n+10))
			require.NoError(b, err)
			require.True(b, i.Received)
			require.NotNil(b, i.Slot)
		}
		summary, err := db.Summary(ctx, id(1))
		require.NoError(b, err)
		require.Equal(b, 1, summary.Files)
		require.False(b, summary.Phrase)
	})
}

// TestRemoveReceivedSlot: a share that was received counts no longer.
func TestRemoveReceivedSlot(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx, slot := b.migrated(), b.Context(), id(7)
		b.tx(db, func(tx *store.Tx) error {
			return errors.Join(
				tx.AddInvitation(ctx, store.Invitation{ID: id(1), Account: id(1), Contact: slot[:], Slot: slot[:], Received: true, Created: now}),
				tx.RemoveSlot(ctx, id(1), slot))
		})
		i, err := db.Invitation(ctx, id(1))
		require.NoError(b, err)
		require.False(b, i.Received)
	})
}

// TestEndSlot: the sessions of a device's slot end, with the tokens of the
// device, which later logins would have used.
func TestEndSlot(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		later, slot, other := now.Add(time.Hour), id(7), id(8)
		add := func(n byte, account store.ID, slot []byte) {
			b.tx(db, func(tx *store.Tx) error {
				key := []byte{n}
				return errors.Join(
					tx.AddSession(ctx, key, store.Session{ID: id(n), Account: account, Record: key, Receipt: key, Device: key, Slot: slot, Expires: later}),
					tx.AddDevice(ctx, key, account, later),
					tx.AddStepUp(ctx, key, store.StepUp{Session: id(n), Operation: "refresh", Digest: key}, later))
			})
		}
		add(1, id(1), slot[:])
		add(2, id(1), slot[:])
		add(3, id(1), other[:])
		add(4, id(1), nil)
		add(5, id(2), slot[:])
		b.tx(db, func(tx *store.Tx) error { return tx.EndSlot(ctx, id(1), slot) })
		for n := range byte(5) {
			n++
			_, err := db.Session(ctx, []byte{n}, now)
			owner, err2 := db.DeviceOf(ctx, []byte{n}, now)
			require.NoError(b, err2)
			require.Equal(b, n <= 2, err == store.ErrNotFound, n)
			require.Equal(b, n <= 2, owner == store.ID{}, n)
		}
		require.Equal(b, 3, b.count("step_ups"))

		b.tx(db, func(tx *store.Tx) error { return tx.SetSessionSlot(ctx, id(4), slot) })
		s, err := db.Session(ctx, []byte{4}, now)
		require.NoError(b, err)
		require.Equal(b, slot[:], s.Slot)
		b.tx(db, func(tx *store.Tx) error { return tx.EndSlot(ctx, id(1), slot) })
		require.Equal(b, 2, b.count("sessions"))
		require.ErrorIs(b, db.Tx(ctx, func(tx *store.Tx) error { return tx.SetSessionSlot(ctx, id(4), slot) }), store.ErrNotFound)
	})
}
