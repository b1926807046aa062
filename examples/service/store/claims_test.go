package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// claim returns a claim that was begun some minutes ago.
func claim(n byte, account store.ID, minutes int, state string) store.Claim {
	begun := now.Add(-time.Duration(minutes) * time.Minute)
	return store.Claim{
		ID: id(n), Account: account, Number: id(n + 100), Way: "file", State: state, Begun: begun, Opens: begun.Add(time.Hour),
		Ends: begun.Add(2 * time.Hour), Address: "192.0.2.0/24", Expires: begun.Add(3 * time.Hour),
	}
}

func (b *base) addClaims(db *store.DB, claims ...store.Claim) {
	for _, c := range claims {
		require.NoError(b, db.AddClaim(b.Context(), c.ID[:], c))
	}
}

// TestClaims: a claim is found by its token until it is forgotten, and in the
// lists of its account and its state. What can change of it does.
func TestClaims(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		full := claim(1, id(1), 0, "waiting")
		slot := id(9)
		full.Slot, full.Text, full.Reason, full.Fresh = slot[:], []byte("text"), []byte("reason"), true
		b.addClaims(db, full, claim(2, id(1), 30, "review"), claim(3, id(1), 30, "waiting"), claim(4, id(2), 10, "review"))
		require.Error(b, db.AddClaim(ctx, full.ID[:], claim(5, id(1), 0, "asked")), "the token of another claim")

		c, err := db.ClaimOf(ctx, full.ID[:], full.Expires.Add(-time.Millisecond))
		require.NoError(b, err)
		require.Equal(b, full, c)
		_, err = db.ClaimOf(ctx, full.ID[:], full.Expires)
		require.ErrorIs(b, err, store.ErrNotFound)
		_, err = db.ClaimOf(ctx, []byte("another token"), now)
		require.ErrorIs(b, err, store.ErrNotFound)
		c, err = db.Claim(ctx, id(2))
		require.NoError(b, err)
		require.Equal(b, claim(2, id(1), 30, "review"), c)
		_, err = db.Claim(ctx, id(5))
		require.ErrorIs(b, err, store.ErrNotFound)

		lists := func(all []store.Claim, err error, want ...byte) {
			b.Helper()
			require.NoError(b, err)
			got := []byte{}
			for _, c := range all {
				got = append(got, c.ID[0])
			}
			require.Equal(b, append([]byte{}, want...), got)
		}
		all, err := db.Claims(ctx, id(1), now)
		lists(all, err, 1, 2, 3)
		all, err = db.Claims(ctx, id(1), now.Add(150*time.Minute))
		lists(all, err, 1)
		all, err = db.Claims(ctx, id(1), full.Expires)
		lists(all, err)
		all, err = db.ClaimsIn(ctx, "review", now)
		lists(all, err, 4, 2)
		all, err = db.ClaimsIn(ctx, "review", now.Add(90*time.Minute))
		lists(all, err, 4)
		all, err = db.ClaimsIn(ctx, "asked", now)
		lists(all, err)

		changed := claim(3, id(1), 30, "cancelled")
		changed.Slot, changed.Reason, changed.Doubled = slot[:], []byte("no"), true
		changed.Opens, changed.Ends, changed.Expires = now.Add(time.Hour), now.Add(2*time.Hour), now.Add(3*time.Hour)
		next := changed
		next.Account, next.Number, next.Way, next.Text, next.Address, next.Begun = id(7), id(7), "x", []byte("x"), "x", now
		b.tx(db, func(tx *store.Tx) error { return tx.SetClaim(ctx, next) })
		c, err = db.Claim(ctx, id(3))
		require.NoError(b, err)
		require.Equal(b, changed, c)
		require.ErrorIs(b, db.Tx(ctx, func(tx *store.Tx) error { return tx.SetClaim(ctx, claim(5, id(1), 0, "done")) }), store.ErrNotFound)
	})
}

// TestEndClaims: the claims of one account in one state end.
func TestEndClaims(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		b.addClaims(db, claim(1, id(1), 0, "asked"), claim(2, id(1), 0, "waiting"), claim(3, id(1), 0, "cancelled"), claim(4, id(2), 0, "asked"))
		b.tx(db, func(tx *store.Tx) error {
			return tx.EndClaims(ctx, id(1), "waiting", "done")
		})
		for n, want := range map[byte]string{1: "asked", 2: "done", 3: "cancelled", 4: "asked"} {
			c, err := db.Claim(ctx, id(n))
			require.NoError(b, err)
			require.Equal(b, want, c.State)
		}
	})
}

// TestEndClaimSessions: the sessions of one claim end with their step-ups.
func TestEndClaimSessions(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		one, other := id(8), id(9)
		for n, s := range []store.Session{{Account: id(1), Claim: one[:]}, {Account: id(1), Claim: one[:]}, {Account: id(1), Claim: other[:]}, {Account: id(1)}, {Account: id(2), Claim: one[:]}} {
			key := []byte{byte(n)}
			s.ID, s.Record, s.Receipt, s.Expires = id(byte(n)), key, key, now.Add(time.Hour)
			b.tx(db, func(tx *store.Tx) error {
				return errors.Join(tx.AddSession(ctx, key, s), tx.AddStepUp(ctx, key, store.StepUp{Session: s.ID, Operation: "refresh", Digest: key}, s.Expires))
			})
		}
		b.tx(db, func(tx *store.Tx) error { return tx.EndClaimSessions(ctx, id(1), one) })
		for n := range byte(5) {
			_, err := db.Session(ctx, []byte{n}, now)
			require.Equal(b, n < 2, err == store.ErrNotFound, n)
		}
		require.Equal(b, 3, b.count("step_ups"))
	})
}

// TestNotes: the notes about a claim are listed, the oldest first.
func TestNotes(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		notes := []store.Note{
			{Claim: id(1), Time: now, Note: []byte("first"), Expires: now.Add(time.Hour)},
			{Claim: id(1), Time: now.Add(time.Second), Note: []byte("second"), Expires: now.Add(2 * time.Hour)},
		}
		b.tx(db, func(tx *store.Tx) error {
			return errors.Join(tx.AddNote(ctx, notes[1]), tx.AddNote(ctx, notes[0]),
				tx.AddNote(ctx, store.Note{Claim: id(2), Time: now, Note: []byte("other"), Expires: now}))
		})
		found, err := db.Notes(ctx, id(1))
		require.NoError(b, err)
		require.Equal(b, notes, found)
		found, err = db.Notes(ctx, id(3))
		require.NoError(b, err)
		require.Empty(b, found)
	})
}
