package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestEmpty: empty and absent values are stored. SQLite reads both as nil.
func TestEmpty(t *testing.T) {
	onBoth(t, func(b *base) {
		db := b.migrated()
		ctx := b.Context()
		b.insert(db, id(1), "alice")
		header, epoch, err := db.Header(ctx, id(1))
		require.NoError(b, err)
		require.Nil(b, header)
		require.Zero(b, epoch)
		account, err := db.Account(ctx, id(1))
		require.NoError(b, err)
		require.Nil(b, account.Slot)
		account, err = db.Account(ctx, id(2))
		require.NoError(b, err)
		require.Equal(b, store.Account{ID: id(2)}, account)

		full := store.Session{ID: id(1), Account: id(1), Record: []byte{0}, Receipt: []byte{0}, Device: []byte{0}, Name: []byte{0},
			Migration: []byte{0}, Created: now, Seen: now, LoginAt: now, CodeAt: now, Expires: now.Add(time.Hour)}
		least := store.Session{ID: id(2), Account: id(1), Half: true, Tries: 3, Record: []byte{}, Receipt: []byte{}, Created: now,
			Seen: now, LoginAt: now, Expires: now.Add(time.Hour)}
		b.tx(db, func(tx *store.Tx) error {
			return errors.Join(tx.AddSession(ctx, []byte("full"), full), tx.AddSession(ctx, []byte("least"), least))
		})
		s, err := db.Session(ctx, []byte("full"), now)
		require.NoError(b, err)
		require.Equal(b, full, s)
		s, err = db.Session(ctx, []byte("least"), now)
		require.NoError(b, err)
		s.Record, s.Receipt = append([]byte{}, s.Record...), append([]byte{}, s.Receipt...)
		require.Equal(b, least, s)
		_, err = db.Session(ctx, []byte("full"), now.Add(time.Hour))
		require.ErrorIs(b, err, store.ErrNotFound, "expired")

		l := store.Login{Account: id(7), Protocol: 'O', State: []byte{1}, Receipt: []byte{2}, Expires: now.Add(time.Minute)}
		require.NoError(b, db.AddLogin(ctx, []byte("token"), l))
		stored, err := db.Login(ctx, []byte("token"), now)
		require.NoError(b, err)
		require.Equal(b, l, stored, "a login is no step-up: its session is nil")
		l.Session, l.Device, l.Operation, l.Digest = []byte{1}, []byte{2}, "refresh", []byte{3}
		require.NoError(b, db.AddLogin(ctx, []byte("step-up"), l))
		stored, err = db.Login(ctx, []byte("step-up"), now)
		require.NoError(b, err)
		require.Equal(b, l, stored)
		require.Error(b, db.AddLogin(ctx, []byte("token"), l), "the token of another login")
	})
}

// TestNumber: the number of a keyring is read from the stored header.
func TestNumber(t *testing.T) {
	onBoth(t, func(b *base) {
		db := b.migrated()
		header := make([]byte, 100)
		for i := range header {
			header[i] = byte(i)
		}
		b.tx(db, func(tx *store.Tx) error { return tx.SetHeader(b.Context(), id(1), header, 1) })
		number, err := db.Number(b.Context(), id(1))
		require.NoError(b, err)
		require.Equal(b, header[5:21], number)
		number, err = db.Number(b.Context(), id(2))
		require.NoError(b, err)
		require.Nil(b, number)
	})
}
