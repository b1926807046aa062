package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestEndOtherSessions: other sessions of the account end with their step-ups,
// except those of a way. A session that recovers the account ends in any case,
// and sessions of other accounts stay.
func TestEndOtherSessions(t *testing.T) {
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		b.fill(db, id(1), "alice")
		b.fill(db, id(2), "bob")
		later := now.Add(time.Hour)
		add := func(n byte, token, way string, recovered bool) {
			b.tx(db, func(tx *store.Tx) error {
				s := store.Session{ID: id(n), Account: id(1), Record: []byte{1}, Receipt: []byte{1}, Device: []byte(token), Way: way, Recovered: recovered, Expires: later}
				return errors.Join(tx.AddSession(ctx, []byte(token), s), tx.AddDevice(ctx, []byte(token), id(1), later),
					tx.AddStepUp(ctx, []byte(token), store.StepUp{Session: id(n), Operation: "refresh", Digest: []byte{1}}, later))
			})
		}
		ends := func(want ...string) {
			b.Helper()
			for token, ended := range map[string]bool{"alice": false, "bob": false, "second": false, "third": false, "fourth": false} {
				_, err := db.Session(ctx, []byte(token), now)
				ended = slices.Contains(want, token)
				require.Equal(b, ended, err == store.ErrNotFound, token)
				require.True(b, ended || err == nil)
			}
		}
		add(3, "second", "password", false)
		add(4, "third", "password", false)
		add(5, "fourth", "device", true)
		require.ErrorIs(b, db.Tx(ctx, func(tx *store.Tx) error { return tx.EndSession(ctx, id(2), id(3)) }), store.ErrNotFound)
		require.Equal(b, 5, b.count("step_ups"), "the session of another account keeps its step-ups")
		ends()
		b.tx(db, func(tx *store.Tx) error { return tx.EndOtherSessions(ctx, id(1), id(3), "device") })
		ends("third", "fourth")
		require.Equal(b, 2, b.count("step_ups"))
		require.Equal(b, 2, b.count("devices"))
		owner, err := db.DeviceOf(ctx, []byte("second"), now)
		require.NoError(b, err)
		require.Equal(b, id(1), owner)
		b.tx(db, func(tx *store.Tx) error { return tx.EndOtherSessions(ctx, id(1), id(3), "") })
		ends("alice", "third", "fourth")
		b.tx(db, func(tx *store.Tx) error { return tx.EndOtherSessions(ctx, id(1), store.ID{}, "") })
		ends("alice", "second", "third", "fourth")
		require.Equal(b, 1, b.count("step_ups"))
		require.Equal(b, 1, b.count("devices"))
	})
}

// TestLimitSessions: the sessions and devices that were used last stay, and so
// do those of other accounts.
func TestLimitSessions(t *testing.T) {
	const kept = 3
	onBoth(t, func(b *base) {
		db, ctx := b.migrated(), b.Context()
		b.fill(db, id(1), "alice")
		b.fill(db, id(2), "bob")
		b.tx(db, func(tx *store.Tx) error {
			for n := range byte(6) {
				seen := now.Add(time.Duration(n*5%6+1) * time.Minute) // in another order than the ids
				s := store.Session{
					ID: id(10 + n), Account: id(1), Way: "device", Record: []byte{1}, Receipt: []byte{1}, Seen: seen, Expires: seen.Add(time.Hour),
				}
				if err := errors.Join(tx.AddSession(ctx, []byte{n}, s), tx.AddDevice(ctx, []byte{n}, id(1), seen.Add(2*time.Hour))); err != nil {
					return err
				}
			}
			other := store.Session{ID: id(30), Account: id(1), Way: "phrase", Recovered: true, Record: []byte{1}, Receipt: []byte{1}, Expires: now.Add(time.Hour)}
			return errors.Join(tx.AddSession(ctx, []byte{30}, other), tx.LimitSessions(ctx, id(1), kept))
		})
		all, err := db.Sessions(ctx, id(1), now)
		require.NoError(b, err)
		require.Len(b, all, kept+1, "others do not count")
		for n, s := range all[:kept] {
			require.Equal(b, now.Add(time.Duration(6-n)*time.Minute), s.Seen)
			owner, err := db.DeviceOf(ctx, []byte{s.ID[0] - 10}, now)
			require.NoError(b, err)
			require.Equal(b, id(1), owner)
		}
		require.Equal(b, kept+2, b.count("sessions"))
		require.Equal(b, kept+1, b.count("devices"))
	})
}
