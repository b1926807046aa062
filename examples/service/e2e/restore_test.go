package e2e

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

const changed = "a quite different password"

// backup makes a backup of the database. The result puts it back, any number of
// times.
func (w *world) backup() (restore func(takeHeaders time.Duration)) {
	var file string
	again := func() string {
		b, err := os.ReadFile(file)
		require.NoError(w, err)
		copied := filepath.Join(w.TempDir(), "restored.db")
		require.NoError(w, os.WriteFile(copied, b, 0o600))
		return copied
	}
	if strings.HasPrefix(w.database, "postgres") {
		name := func(url string) string { return path.Base(strings.TrimSuffix(url, "?sslmode=disable")) }
		w.restart(func(*server.Config) { file = cluster.Create(w.T, name(w.database)) })
		again = func() string { return cluster.Create(w.T, name(file)) }
	} else {
		file = filepath.Join(w.TempDir(), "backup.db")
		require.NoError(w, w.dbs[0].Backup(w.Context(), file))
	}
	return func(takeHeaders time.Duration) {
		w.restart(func(*server.Config) {
			w.database = again()
			db, err := store.Open(w.Context(), w.database)
			require.NoError(w, err)
			require.NoError(w, server.Restored(w.Context(), db, w.keys, w.clock.now(), takeHeaders))
			require.NoError(w, db.Close())
		})
	}
}

// put keeps a note on the device.
func (d *device) put(title, text string) client.Item {
	i, err := d.Put(d.w.Context(), client.Item{Kind: client.KindNote, Title: title, Text: text})
	require.NoError(d.w, err)
	return i
}

func (d *device) sync() { require.NoError(d.w, d.Sync(d.w.Context())) }

// TestRestoredService: after a backup was put back, nothing that was used since
// works again, devices notice, and the device that the operator allows it gives
// everything back, with one password.
func TestRestoredService(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		a, _ := laptop.withTOTP()
		edited, deleted := laptop.put("Edited", "before"), laptop.put("Deleted", "")
		laptop.sync()
		pending := w.beginLogin("alice0", password)
		restore := w.backup()

		edited.Text = "after"
		_, err := laptop.Put(ctx, edited)
		require.NoError(w, err)
		require.NoError(w, laptop.Remove(ctx, deleted.ID))
		laptop.put("New", "after")
		laptop.sync()
		require.NoError(w, laptop.ChangePassword(ctx, one(password), one(changed)))
		phone := w.device()
		_, err = phone.Login(ctx, "alice0", one(changed))
		require.ErrorIs(w, err, client.ErrCodeRequired)
		used := a.code()
		e, err := phone.Code(ctx, used)
		require.NoError(w, err)
		require.NoError(w, phone.MarkSeen(ctx, e.Unseen))
		phone.sync()
		laptop.sync()
		require.NoError(w, laptop.MarkSeen(ctx, laptop.Unseen()))
		all := laptop.notes()
		require.Equal(w, []string{"Edited: after", "Key: " + secret, "New: after"}, all)

		// logIn returns after a login with a code that nobody has used.
		logIn := func(d *device, password string) error {
			_, err := d.Login(ctx, "alice0", one(password))
			require.ErrorIs(w, err, client.ErrCodeRequired)
			_, err = d.Code(ctx, used)
			require.ErrorIs(w, err, is(api.WrongCode), "a used code")
			a.code()
			_, err = d.Code(ctx, a.code())
			return err
		}
		restore(0)
		require.ErrorIs(w, laptop.Sync(ctx), is(api.Unauthenticated))
		require.ErrorIs(w, phone.Sync(ctx), is(api.Unauthenticated))
		require.Equal(w, 401, pending())
		_, err = laptop.Login(ctx, "alice0", one(changed))
		require.ErrorIs(w, err, client.ErrAuthentication)
		require.ErrorIs(w, logIn(laptop, password), recovery.ErrRollback)
		require.ErrorIs(w, laptop.Sync(ctx), recovery.ErrRollback)
		_, err = laptop.Restore(ctx, []byte(password), one(changed))
		require.ErrorIs(w, err, client.ErrNotRestored, "the operator has not allowed it")
		require.ErrorIs(w, laptop.Sync(ctx), recovery.ErrRollback)

		restore(time.Hour)
		w.clock.advance(time.Hour)
		require.ErrorIs(w, logIn(laptop, password), recovery.ErrRollback)
		_, err = laptop.Restore(ctx, []byte(password), one(changed))
		require.ErrorIs(w, err, client.ErrNotRestored, "too late")

		restore(time.Hour)
		require.ErrorIs(w, logIn(laptop, password), recovery.ErrRollback)
		laptop = laptop.restart()
		_, err = laptop.Restore(ctx, []byte(password), one(password))
		require.ErrorIs(w, err, client.ErrWrongPassword, "the device has another")
		_, err = laptop.Restore(ctx, []byte(changed), one(changed))
		require.ErrorIs(w, err, client.ErrAuthentication, "the server has another")
		r, err := laptop.Restore(ctx, []byte(password), one(changed))
		require.NoError(w, err)
		require.Equal(w, client.Restored{Items: 3}, r)
		laptop.sync()
		require.Equal(w, all, laptop.notes())
		require.Zero(w, laptop.Unsent())
		require.Equal(w, []string{"device", "device", "export"}, sorted(laptop.types()))

		// The other device follows, and keeps what it has.
		require.NoError(w, logIn(phone, changed))
		require.ErrorIs(w, phone.Sync(ctx), recovery.ErrRollback)
		r, err = phone.Restore(ctx, []byte(changed), one(changed))
		require.NoError(w, err)
		require.Zero(w, r, "the server has it already")
		phone.sync()
		require.Equal(w, all, phone.notes())

		fresh := w.device()
		_, err = fresh.Login(ctx, "alice0", one(password))
		require.ErrorIs(w, err, client.ErrAuthentication)
		require.NoError(w, logIn(fresh, changed))
		fresh.sync()
		require.Equal(w, all, fresh.notes())
		_, err = laptop.restart().Unlock(ctx, []byte(changed))
		require.NoError(w, err)
	})
}

// TestRestoredForms: passwords of all forms come back.
func TestRestoredForms(t *testing.T) {
	const login, keyring, other = "for the login only", "for the keyring only", "another one for the keyring"
	forms := []struct{ before, after client.Passwords }{
		{one(password), one(password)},
		{two(login, keyring), one(changed)},
		{one(password), two(login, keyring)},
		{two(login, keyring), two(changed, keyring)},
		{two(login, keyring), two(login, other)},
		{two(login, keyring), two(changed, other)},
		{two(login, keyring), two(keyring, login)},
	}
	for offer, forms := range map[string][]struct{ before, after client.Passwords }{
		server.OfferOPAQUE: forms, server.OfferProton: forms[:3], // they take long
	} {
		t.Run(offer, func(t *testing.T) {
			inWorlds(t, func(c *server.Config) { c.Offer = offer }, func(w *world) {
				ctx := w.Context()
				var devices []*device
				for i, form := range forms {
					d := w.account(i)
					if string(form.before.Login) != password {
						require.NoError(w, d.ChangePassword(ctx, one(password), form.before))
					}
					devices = append(devices, d)
				}
				restore := w.backup()
				for i, form := range forms {
					require.NoError(w, devices[i].ChangePassword(ctx, form.before, form.after))
				}
				restore(time.Hour)
				for i, form := range forms {
					d := devices[i]
					_, err := d.Login(ctx, d.Name(), form.before)
					require.ErrorIs(w, err, recovery.ErrRollback)
					r, err := d.Restore(ctx, form.before.Login, form.after)
					require.NoError(w, err)
					require.Zero(w, r.Items)
					d.sync()
					require.Len(w, d.Slots(), 2, d.types())
					require.Equal(w, len(form.after.Keyring) > 0, d.TwoPasswords())
					for _, one := range []*device{d.restart(), w.device()} {
						_, err = one.Login(ctx, d.Name(), form.after)
						require.NoError(w, err)
						one.sync()
						require.Equal(w, []string{"Key: " + secret}, one.notes())
					}
				}
			})
		})
	}
}

// TestRestoredProtocol: a device whose account had moved to OPAQUE logs in with
// SRP only if its user allows that.
func TestRestoredProtocol(t *testing.T) {
	inWorlds(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
		ctx := w.Context()
		d := w.account(0)
		restore := w.backup()
		w.restart(func(c *server.Config) { c.Offer = server.OfferOPAQUE })
		e, err := d.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.True(w, e.Moved)
		restore(time.Hour)
		_, err = d.Login(ctx, "alice0", one(password))
		require.ErrorIs(w, err, client.ErrProtocol)
		require.NoError(w, d.AllowSRP(ctx))
		_, err = d.Login(ctx, "alice0", one(password))
		require.ErrorIs(w, err, recovery.ErrRollback)
		_, err = d.Restore(ctx, []byte(password), one(password))
		require.NoError(w, err)
		d.sync()
		account, err := d.Account(ctx)
		require.NoError(w, err)
		require.Equal(w, "opaque", account.Protocol)
		require.Equal(w, password, d.opensWith(password))
	})
}

// TestRestoredItems: items alone come back without the operator, and nothing
// that another device has written since is lost.
func TestRestoredItems(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop, phone := w.account(0), w.device()
		_, err := phone.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		both, early := laptop.put("Both", "first"), laptop.put("Early", "first")
		gone := laptop.put("Gone", "")
		laptop.sync()
		phone.sync()
		restore := w.backup()

		both.Text = "of the laptop"
		_, err = laptop.Put(ctx, both)
		require.NoError(w, err)
		for _, text := range []string{"second", "third"} {
			early.Text = text
			_, err = laptop.Put(ctx, early)
			require.NoError(w, err)
			laptop.sync()
		}
		require.NoError(w, laptop.Remove(ctx, gone.ID))
		laptop.put("New", "")
		laptop.sync()
		unsent := laptop.put("Unsent", "")
		restore(0)

		// A device that has seen nothing of it writes first.
		_, err = phone.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		both.Text = "of the phone"
		_, err = phone.Put(ctx, both)
		require.NoError(w, err)
		phone.sync()

		_, err = laptop.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		for range 2 {
			require.ErrorIs(w, laptop.Sync(ctx), recovery.ErrRollback)
		}
		r, err := laptop.Restore(ctx, []byte(password), one(password))
		require.NoError(w, err)
		require.Equal(w, 4, r.Items)
		require.Equal(w, 5, laptop.Unsent(), "and %s", unsent.Title)
		again, err := laptop.Restore(ctx, []byte(password), one(password))
		require.NoError(w, err)
		require.Zero(w, again.Items, "once is enough")
		laptop.sync()
		want := []string{
			"Both: of the phone", "Both (conflict): of the laptop", "Early: third", "Key: " + secret, "New: ", "Unsent: ",
		}
		require.Equal(w, want, laptop.notes())
		phone.sync()
		require.Equal(w, want, phone.notes())
	})
}
