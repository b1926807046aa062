package e2e

import (
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// is reports whether the server answered with a code.
func is(code api.Code) error { return &api.Error{Code: code} }

// types returns the types of the slots of a device's keyring.
func (d *device) types() (types []string) {
	for _, s := range d.Slots() {
		types = append(types, s.Type)
	}
	return types
}

// TestPasswordChange: the new password logs in on every device, the old one on
// none, other sessions end, and notes are still there.
func TestPasswordChange(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop, phone := w.signUp(), w.device()
		e, err := phone.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.NoError(w, phone.MarkSeen(ctx, e.Unseen))
		_, err = laptop.Put(ctx, client.Item{Kind: client.KindNote, Title: "Key", Text: secret})
		require.NoError(w, err)
		require.NoError(w, laptop.Sync(ctx))
		require.NoError(w, laptop.Sync(ctx))
		require.NoError(w, laptop.MarkSeen(ctx, laptop.Unseen()))

		const changed = "a quite different password"
		require.ErrorIs(w, laptop.ChangePassword(ctx, one("a guess at it"), one(changed)), client.ErrAuthentication)
		require.NoError(w, laptop.ChangePassword(ctx, one(password), one(changed)))
		require.ElementsMatch(w, []string{"export", "device", "device"}, laptop.types())
		require.NoError(w, laptop.Sync(ctx))
		require.ErrorIs(w, phone.Sync(ctx), is(api.Unauthenticated), "its session has ended")
		_, err = phone.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, client.ErrAuthentication)
		_, err = phone.Login(ctx, "alice", one(changed))
		require.NoError(w, err)
		require.NoError(w, phone.Sync(ctx))
		require.Equal(w, []string{"Key: " + secret}, phone.notes())

		again := laptop.restart()
		_, err = again.Unlock(ctx, []byte(password))
		require.ErrorIs(w, err, client.ErrWrongPassword)
		u, err := again.Unlock(ctx, []byte(changed))
		require.NoError(w, err)
		require.NoError(w, u.Offline)
	})
}

// TestTwoPasswords: an account goes to two-password mode and back. In it, the
// login's password does not open the keyring.
func TestTwoPasswords(t *testing.T) {
	for _, offer := range []string{server.OfferOPAQUE, server.OfferProton} {
		t.Run(offer, func(t *testing.T) {
			atOnce(t, func(c *server.Config) { c.Offer = offer }, func(w *world) {
				ctx := w.Context()
				laptop := w.signUp()
				const login, keyring = "for the login only", "for the keyring only"
				require.NoError(w, laptop.ChangePassword(ctx, one(password), two(login, keyring)))
				require.Equal(w, []string{"device", "password"}, sorted(laptop.types()))

				phone := w.device()
				_, err := phone.Login(ctx, "alice", one(login))
				require.ErrorIs(w, err, client.ErrSecondPassword)
				require.ErrorIs(w, phone.Sync(ctx), client.ErrLocked)
				e, err := phone.KeyringPassword(ctx, []byte(keyring))
				require.NoError(w, err)
				require.False(w, e.Moved)
				require.True(w, phone.TwoPasswords())
				_, err = phone.restart().Unlock(ctx, []byte(login))
				require.ErrorIs(w, err, client.ErrWrongPassword)
				_, err = phone.restart().Unlock(ctx, []byte(keyring))
				require.NoError(w, err)
				require.NoError(w, phone.MarkSeen(ctx, e.Unseen))

				const other = "another one for the keyring"
				require.NoError(w, phone.ChangePassword(ctx, two(login, keyring), two(login, other)))
				_, err = phone.Login(ctx, "alice", two(login, other))
				require.NoError(w, err)
				require.NoError(w, phone.ChangePassword(ctx, two(login, other), one(password)))
				third := w.device()
				_, err = third.Login(ctx, "alice", one(password))
				require.NoError(w, err)
			})
		})
	}
}

func sorted(s []string) []string {
	out := append([]string(nil), s...)
	for i := range out {
		for j := i; j > 0 && out[j] < out[j-1]; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

// TestMove: accounts of Proton's protocol move to OPAQUE at their next login.
// Sessions stay, but upload no header until they log in again. Devices never go
// back.
func TestMove(t *testing.T) {
	atOnce(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
		ctx := w.Context()
		laptop, phone := w.signUp(), w.device()
		e, err := phone.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.False(w, e.Moved)
		require.NoError(w, phone.MarkSeen(ctx, e.Unseen))
		require.NoError(w, laptop.Sync(ctx))
		require.NoError(w, laptop.MarkSeen(ctx, laptop.Unseen()))
		account, err := laptop.Account(ctx)
		require.NoError(w, err)
		require.Equal(w, "proton-4", account.Protocol)
		_, err = laptop.Put(ctx, client.Item{Kind: client.KindNote, Title: "Key", Text: secret})
		require.NoError(w, err)
		require.NoError(w, laptop.Sync(ctx))

		w.restart(func(c *server.Config) { c.Offer = server.OfferOPAQUE })
		e, err = laptop.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.True(w, e.Moved)
		account, err = laptop.Account(ctx)
		require.NoError(w, err)
		require.Equal(w, "opaque", account.Protocol)
		require.Nil(w, account.Slot)
		require.ElementsMatch(w, []string{"export", "device", "device"}, laptop.types())

		require.NoError(w, phone.Sync(ctx), "its session stays")
		require.Equal(w, []string{"Key: " + secret}, phone.notes())
		e, err = phone.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.False(w, e.Moved, "once")
		third := w.device()
		_, err = third.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.NoError(w, third.Sync(ctx))
		require.Equal(w, []string{"Key: " + secret}, third.notes())

		w.restart(func(c *server.Config) { c.Offer = server.OfferProton })
		e, err = phone.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.False(w, e.Moved, "it moves nobody")
	})
}

// TestAnotherModulus: every change of a password gets another modulus.
func TestAnotherModulus(t *testing.T) {
	atOnce(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		before := w.records()
		for i := range 4 {
			old, next := one(password), one("another password")
			if i%2 == 1 {
				old, next = next, old
			}
			require.NoError(w, d.ChangePassword(ctx, old, next))
			after := w.records()
			require.Len(w, after, 1)
			require.NotEqual(w, before[0].Group().N, after[0].Group().N)
			before = after
		}
	})
}

// TestDeletion: a deleted account is gone, and its names are not given out again.
func TestDeletion(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		_, err := d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Key", Text: secret})
		require.NoError(w, err)
		require.NoError(w, d.Sync(ctx))
		require.ErrorIs(w, d.Delete(ctx, []byte("a guess at it")), client.ErrAuthentication)
		require.NoError(w, d.Delete(ctx, []byte(password)))
		require.Empty(w, d.Name())
		require.Equal(w, map[string]int{
			"accounts": 0, "headers": 0, "old_headers": 0, "items": 0, "sessions": 0, "devices": 0, "names": 2, "totp": 0, "step_ups": 0,
		}, w.rows("accounts", "headers", "old_headers", "items", "sessions", "devices", "names", "totp", "step_ups"))
		other := w.device()
		_, err = other.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, client.ErrAuthentication)
		_, err = other.SignUp(ctx, []string{"ALICE"}, one(password))
		require.ErrorIs(w, err, is(api.Taken))
	})
}

// TestSessions: sessions are listed with their names, and end.
func TestSessions(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop, phone := w.signUp(), w.device()
		_, err := phone.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.NoError(w, laptop.NameSession(ctx, "Alice's laptop"))
		require.NoError(w, phone.NameSession(ctx, "Alice's phone"))
		all, err := laptop.Sessions(ctx)
		require.NoError(w, err)
		require.Len(w, all, 2)
		for _, s := range all {
			require.Equal(w, map[bool]string{true: "Alice's laptop", false: "Alice's phone"}[s.Current], s.Name)
			if !s.Current {
				require.NoError(w, laptop.EndSession(ctx, s.ID))
				require.ErrorIs(w, laptop.EndSession(ctx, s.ID), is(api.NotFound))
			}
		}
		require.ErrorIs(w, phone.Sync(ctx), is(api.Unauthenticated))
		_, err = phone.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.NoError(w, phone.EndOtherSessions(ctx))
		require.ErrorIs(w, laptop.Sync(ctx), is(api.Unauthenticated))
		require.NoError(w, phone.LogOut(ctx))
		require.ErrorIs(w, phone.Sync(ctx), client.ErrLoggedOut)
		require.ErrorIs(w, phone.LogOut(ctx), client.ErrLoggedOut)
	})
}

// TestSessionsExpire: a session ends 30 days after its last use.
func TestSessionsExpire(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		d := w.signUp()
		for range 3 {
			w.clock.advance(29 * 24 * time.Hour)
			w.tend()
			require.NoError(w, d.Sync(w.Context()))
		}
		w.clock.advance(30*24*time.Hour + time.Second)
		require.ErrorIs(w, d.Sync(w.Context()), is(api.Unauthenticated))
		w.tend()
		require.Equal(w, map[string]int{"sessions": 0}, w.rows("sessions"))
	})
}

// TestRevokedDevice: the session of a removed device ends with its slot. With
// the session of somebody else, it reads nothing that is written afterwards.
func TestRevokedDevice(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop, phone := w.signUp(), w.device()
		e, err := phone.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.NoError(w, phone.MarkSeen(ctx, e.Unseen))
		old, err := laptop.Put(ctx, client.Item{Kind: client.KindNote, Title: "Old", Text: secret})
		require.NoError(w, err)
		require.NoError(w, laptop.Sync(ctx))

		// A stolen laptop: unlocked with its own slot, not with the password.
		token := ""
		asAnother := func(c *client.Config) {
			c.Transport = before{c.Transport, func(r client.Request) client.Request {
				if token == "" {
					return r
				}
				return with(r, "Authorization", "Bearer "+token)
			}}
		}
		stolen := w.deviceWith(laptop.store, asAnother)
		_, err = stolen.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		require.Equal(w, map[string]int{"sessions": 2, "devices": 2}, w.rows("sessions", "devices"))
		lost, err := laptop.DeviceSlot(ctx)
		require.NoError(w, err)
		require.NoError(w, phone.RemoveSlots(ctx, []byte(password), lost))
		require.Equal(w, map[string]int{"sessions": 1, "devices": 1}, w.rows("sessions", "devices"))
		require.ErrorIs(w, stolen.Sync(ctx), is(api.Unauthenticated))
		_, err = phone.Put(ctx, client.Item{Kind: client.KindNote, Title: "New", Text: secret})
		require.NoError(w, err)
		require.NoError(w, phone.Sync(ctx))

		token = w.session("alice", "")
		require.ErrorIs(w, stolen.Sync(ctx), recovery.ErrWrongSecret)
		_, err = stolen.Put(ctx, client.Item{ID: old.ID, Kind: client.KindNote, Title: "Old", Text: "planted"})
		require.NoError(w, err, "on the device itself")
		require.Error(w, stolen.Sync(ctx))
		require.NoError(w, phone.Sync(ctx))
		require.Equal(w, []string{"New: " + secret, "Old: " + secret}, phone.notes())
		_, err = w.deviceWith(laptop.store, asAnother).Unlock(ctx, []byte(password))
		require.ErrorIs(w, err, recovery.ErrWrongSecret)
		token = ""
		u, err := stolen.restart().Unlock(ctx, []byte(password))
		require.NoError(w, err)
		require.ErrorIs(w, u.Offline, is(api.Unauthenticated), "what it has fetched before")
	})
}

// TestDeviceIterations: the cost of the password on a device is the device's
// own, and can be taken from another device.
func TestDeviceIterations(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		n, err := d.DeviceIterations(ctx)
		require.NoError(w, err)
		require.Equal(w, 1000, n)
		require.ErrorIs(w, d.SetDeviceIterations(ctx, []byte("a guess at it"), 1234), client.ErrWrongPassword)
		require.Error(w, d.SetDeviceIterations(ctx, []byte(password), 0))
		require.NoError(w, d.SetDeviceIterations(ctx, []byte(password), 1234))
		_, err = d.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		again := d.restart()
		_, err = again.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		n, err = again.DeviceIterations(ctx)
		require.NoError(w, err)
		require.Equal(w, 1234, n)
	})
}
