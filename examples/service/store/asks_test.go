package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// ask returns a question of a claim of the account 1, begun some minutes ago.
func ask(n byte, way string, minutes int) store.Ask {
	begun := now.Add(-time.Duration(minutes) * time.Minute)
	return store.Ask{ID: id(n), Claim: id(50), Account: id(1), Number: id(150), Way: way, Ask: []byte{n}, Begun: begun, Address: "192.0.2.0/24", Expires: begun.Add(time.Hour)}
}

func (b *base) addAsks(db *store.DB, asks ...store.Ask) {
	b.tx(db, func(tx *store.Tx) error {
		for _, a := range asks {
			if err := tx.AddAsk(b.Context(), a); err != nil {
				return err
			}
		}
		return nil
	})
}

func numbers(asks []store.Ask) []byte {
	all := []byte{}
	for _, a := range asks {
		all = append(all, a.ID[0])
	}
	return all
}

// TestAsks: a question is found until it expires, and among those of its claim.
// What can change of it does.
func TestAsks(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		b.addClaims(db, claim(50, id(1), 0, "asked"))
		full := ask(1, "contacts", 0)
		slot, contact := id(8), id(9)
		full.Answer, full.Reveal, full.Granted, full.Slot, full.Contact = []byte("answer"), []byte("reveal"), []byte("grant"), slot[:], contact[:]
		other := ask(4, "contacts", 0)
		other.Claim, other.Number = id(51), store.ID{}
		b.addAsks(db, full, ask(2, "contacts", 5), ask(3, "contacts", 5), other)
		a, err := db.Asked(ctx, id(1), full.Expires.Add(-time.Millisecond))
		require.NoError(b, err)
		require.Equal(b, full, a)
		_, err = db.Asked(ctx, id(1), full.Expires)
		require.ErrorIs(b, err, store.ErrNotFound)
		a, err = db.Asked(ctx, id(4), now)
		require.NoError(b, err)
		require.Equal(b, other, a, "its claim is gone")
		all, err := db.AsksOf(ctx, id(50))
		require.NoError(b, err)
		require.Equal(b, []byte{2, 3, 1}, numbers(all))

		changed := ask(2, "contacts", 5)
		changed.Answer, changed.Reveal, changed.Granted, changed.Slot, changed.Contact = full.Answer, full.Reveal, full.Granted, full.Slot, full.Contact
		next := changed
		next.Claim, next.Account, next.Way, next.Ask, next.Address, next.Begun = id(9), id(9), "x", []byte("x"), "x", now
		b.tx(db, func(tx *store.Tx) error { return tx.SetAsk(ctx, next) })
		a, err = db.Asked(ctx, id(2), now)
		require.NoError(b, err)
		require.Equal(b, changed, a)
		require.ErrorIs(b, db.Tx(ctx, func(tx *store.Tx) error { return tx.SetAsk(ctx, ask(5, "device", 0)) }), store.ErrNotFound)
	})
}

// TestAsksTo: an account sees open questions of devices that want to join it,
// and of owners whose shares it has received. It sees no others.
func TestAsksTo(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		granted, late := ask(3, "contacts", 0), ask(4, "contacts", 60)
		granted.Granted = []byte("grant")
		b.addAsks(db, ask(1, "device", 2), ask(2, "contacts", 3), granted, late, ask(5, "contacts", 1), ask(6, "contacts", 3))
		grantedDevice := ask(7, "device", 0)
		grantedDevice.Granted = []byte("grant")
		b.addAsks(db, grantedDevice, ask(8, "device", 60))
		two, three, four := id(2), id(3), id(4)
		b.tx(db, func(tx *store.Tx) error {
			return errors.Join(
				tx.AddInvitation(ctx, store.Invitation{ID: id(1), Account: id(1), Contact: two[:], Received: true, Created: now}),
				tx.AddInvitation(ctx, store.Invitation{ID: id(2), Account: id(1), Contact: three[:], Created: now}),
				tx.AddInvitation(ctx, store.Invitation{ID: id(3), Account: id(9), Contact: four[:], Received: true, Created: now}))
		})
		for account, want := range map[byte][]byte{1: {1}, 2: {5, 6, 2}, 3: {}, 4: {}, 5: {}} {
			all, err := db.AsksTo(ctx, id(account), now, now.Add(time.Hour), store.ID{}, 10)
			require.NoError(b, err)
			require.Equal(b, want, numbers(all), account)
		}
		all, err := db.AsksTo(ctx, id(2), now, now.Add(time.Hour), store.ID{}, 2)
		require.NoError(b, err)
		require.Equal(b, []byte{5, 6}, numbers(all), "the newest")
		all, err = db.AsksTo(ctx, id(2), now, all[1].Begun, all[1].ID, 2)
		require.NoError(b, err)
		require.Equal(b, []byte{2}, numbers(all), "the next page")
	})
}

// TestSweepGrants: a grant stays as long as its claim can be opened.
func TestSweepGrants(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		granted := ask(1, "contacts", 0)
		granted.Granted = []byte("grant")
		c := claim(50, id(1), 0, "waiting") // ends after two hours, an hour later than the questions
		b.addClaims(db, c)
		b.addAsks(db, granted, ask(2, "contacts", 0))
		for _, sweep := range []struct {
			at   time.Time
			left []byte
		}{
			{granted.Expires.Add(time.Second), []byte{1, 2}},
			{granted.Expires.Add(1001 * time.Millisecond), []byte{1}},
			{c.Ends.Add(999 * time.Millisecond), []byte{1}},
			{c.Ends.Add(time.Second), []byte{}},
		} {
			_, err := db.Sweep(ctx, sweep.at, 100)
			require.NoError(b, err)
			all, err := db.AsksOf(ctx, id(50))
			require.NoError(b, err)
			require.Equal(b, sweep.left, numbers(all))
		}
	})
}
