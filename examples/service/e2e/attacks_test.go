package e2e

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// account makes an account of its own for a try, with a note.
func (w *world) account(try int) *device {
	d := w.device()
	_, err := d.SignUp(w.Context(), []string{fmt.Sprint("alice", try)}, one(password))
	require.NoError(w, err)
	_, err = d.Put(w.Context(), client.Item{Kind: client.KindNote, Title: "Key", Text: secret})
	require.NoError(w, err)
	require.NoError(w, d.Sync(w.Context()))
	return d
}

// opensWith logs in with the first of the passwords that works, on the device
// and on a new one, and reads the note.
func (d *device) opensWith(passwords ...string) string {
	ctx, name := d.w.Context(), d.Name()
	for _, password := range passwords {
		again := d.restart()
		_, err := again.Login(ctx, name, one(password))
		if errors.Is(err, client.ErrAuthentication) {
			continue
		}
		require.NoError(d.w, err)
		require.NoError(d.w, again.Sync(ctx))
		require.Equal(d.w, []string{"Key: " + secret}, again.notes())
		fresh := d.w.device()
		_, err = fresh.Login(ctx, name, one(password))
		require.NoError(d.w, err)
		require.NoError(d.w, fresh.Sync(ctx))
		require.Equal(d.w, []string{"Key: " + secret}, fresh.notes())
		return password
	}
	require.Fail(d.w, "nobody logs in")
	return ""
}

// TestStoppedPasswordChange: a change of the password can stop at every request.
// One of the passwords opens everything, and the next change works.
func TestStoppedPasswordChange(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		const other = "another password"
		worked := make(map[string]int)
		stoppedAnywhere(w, w.account, func(d *device) error {
			if _, err := d.Unlock(ctx, []byte(password)); err != nil {
				return err
			}
			return d.ChangePassword(ctx, one(password), one(other))
		}, func(d *device, err error) {
			require.Error(w, err)
			now := d.opensWith(password, other)
			worked[now]++
			again := d.restart()
			_, err = again.Login(ctx, d.Name(), one(now))
			require.NoError(w, err)
			require.NoError(w, again.MarkSeen(ctx, again.Unseen()))
			require.NoError(w, again.ChangePassword(ctx, one(now), one("a third password")))
			require.Equal(w, "a third password", d.opensWith(password, other, "a third password"))
		})
		require.NotZero(w, worked[password])
		require.NotZero(w, worked[other])
	})
}

// TestStoppedMove: a move to OPAQUE can stop at every request.
func TestStoppedMove(t *testing.T) {
	inWorlds(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
		var ready []*device
		for try := range 40 {
			ready = append(ready, w.account(try))
		}
		w.restart(func(c *server.Config) { c.Offer = server.OfferOPAQUE })
		tries := 0
		stoppedAnywhere(w, func(int) *device {
			tries++
			return ready[tries]
		}, func(d *device) error {
			_, err := d.Login(w.Context(), d.Name(), one(password))
			return err
		}, func(d *device, _ error) {
			d.opensWith(password)
			account, err := d.restart().Account(w.Context())
			if err == nil {
				require.Equal(w, "opaque", account.Protocol)
			}
		})
		require.Greater(w, tries, 15)
	})
}

// TestStoppedSignUp: a registration can stop at every request. The name is then
// free, or the password logs in.
func TestStoppedSignUp(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		name := ""
		stoppedAnywhere(w, func(try int) *device {
			name = fmt.Sprint("alice", try)
			return w.device()
		}, func(d *device) error {
			_, err := d.SignUp(ctx, []string{name}, one(password))
			return err
		}, func(d *device, err error) {
			require.ErrorIs(w, err, client.ErrOffline)
			again := d.restart()
			_, err = again.Login(ctx, name, one(password))
			if errors.Is(err, client.ErrAuthentication) {
				_, err = w.device().SignUp(ctx, []string{name}, one(password))
			}
			require.NoError(w, err)
		})
	})
}

// TestStoppedSync: an item is sent once, wherever the network stops.
func TestStoppedSync(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		stoppedAnywhere(w, w.account, func(d *device) error {
			if _, err := d.Unlock(ctx, []byte(password)); err != nil {
				return err
			}
			if _, err := d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Second", Text: secret}); err != nil {
				return err
			}
			return d.Sync(ctx)
		}, func(d *device, _ error) {
			again := d.restart()
			_, err := again.Unlock(ctx, []byte(password))
			require.NoError(w, err)
			require.NoError(w, again.Sync(ctx))
			want := []string{"Key: " + secret, "Second: " + secret}
			require.Equal(w, want, again.notes())
			fresh := w.device()
			_, err = fresh.Login(ctx, d.Name(), one(password))
			require.NoError(w, err)
			require.NoError(w, fresh.Sync(ctx))
			require.Equal(w, want, fresh.notes())
		})
	})
}

// TestLostAnswerIsNoConflict: a device whose answer was lost, and which changes
// the item again, does not take its own change for another device's.
func TestLostAnswerIsNoConflict(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d, f := w.account(0).faulty()
		_, err := d.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		items, err := d.Items(ctx)
		require.NoError(w, err)
		items[0].Text = "first"
		_, err = d.Put(ctx, items[0])
		require.NoError(w, err)
		f.stopAt, f.answered = f.sent+3, true // the keyring, the items, and this one
		require.ErrorIs(w, d.Sync(ctx), client.ErrOffline)
		require.Equal(w, 1, d.Unsent())
		f.stopAt = 0
		items[0].Text = "second"
		_, err = d.Put(ctx, items[0])
		require.NoError(w, err)
		require.NoError(w, d.Sync(ctx))
		require.Equal(w, []string{"Key: second"}, d.notes())
		fresh := w.device()
		_, err = fresh.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.NoError(w, fresh.Sync(ctx))
		require.Equal(w, []string{"Key: second"}, fresh.notes())
	})
}

// TestLoginBesideAPasswordChange: a login with the old password that began
// before the change gets no session. Neither does one for a deleted account.
func TestLoginBesideAPasswordChange(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		finish := w.beginLogin("alice", password)
		require.NoError(w, d.ChangePassword(ctx, one(password), one("another password")))
		require.Equal(w, 401, finish())
		finish = w.beginLogin("alice", "another password")
		require.NoError(w, d.Delete(ctx, []byte("another password")))
		require.Equal(w, 401, finish())
		require.Zero(w, w.rows("sessions")["sessions"])
	})
}

// TestLoginsFinishOnce: of many copies of a last message, one gets a session.
func TestLoginsFinishOnce(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		w.signUp()
		before := w.rows("sessions")["sessions"]
		for range 5 {
			finish := w.beginLogin("alice", password)
			var group sync.WaitGroup
			statuses := make(chan int, 8)
			for range cap(statuses) {
				group.Go(func() { statuses <- finish() })
			}
			group.Wait()
			close(statuses)
			count := make(map[int]int)
			for status := range statuses {
				count[status]++
			}
			require.Equal(w, map[int]int{200: 1, 401: 7}, count)
		}
		require.Equal(w, before+5, w.rows("sessions")["sessions"])
	})
}

// TestTwoDevicesChangeThePasswordAtOnce: one password is left, and it opens
// everything.
func TestTwoDevicesChangeThePasswordAtOnce(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		phone := w.device()
		e, err := phone.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.NoError(w, phone.MarkSeen(ctx, e.Unseen))
		require.NoError(w, laptop.Sync(ctx))
		require.NoError(w, laptop.MarkSeen(ctx, laptop.Unseen()))
		var group sync.WaitGroup
		var errs [2]error
		for i, d := range []*device{laptop, phone} {
			group.Go(func() { errs[i] = d.ChangePassword(ctx, one(password), one(fmt.Sprint("another password ", i))) })
		}
		group.Wait()
		require.False(w, errs[0] == nil && errs[1] == nil, "both")
		laptop.opensWith("another password 0", "another password 1", password)
	})
}

// TestTwoDevicesMoveAtOnce: the account moves once, and nobody is locked out.
func TestTwoDevicesMoveAtOnce(t *testing.T) {
	inWorlds(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		phone := w.device()
		_, err := phone.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		w.restart(func(c *server.Config) { c.Offer = server.OfferOPAQUE })
		var group sync.WaitGroup
		for _, d := range []*device{laptop, phone} {
			group.Go(func() { d.Login(ctx, "alice0", one(password)) })
		}
		group.Wait()
		for _, d := range []*device{laptop, phone} {
			d.opensWith(password)
		}
		third := w.device()
		_, err = third.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		account, err := third.Account(ctx)
		require.NoError(w, err)
		require.Equal(w, "opaque", account.Protocol)
	})
}

// TestNoWayBack: a device that has seen OPAQUE refuses SRP before it uses the
// password, whatever the server has.
func TestNoWayBack(t *testing.T) {
	inWorlds(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		old := w.record()
		w.restart(func(c *server.Config) { c.Offer = server.OfferOPAQUE })
		e, err := d.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.True(w, e.Moved)
		w.setRecord(old)
		_, err = d.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, client.ErrProtocol)
		_, err = d.NewTOTP(ctx, []byte(password))
		require.ErrorIs(w, err, client.ErrProtocol)
		require.NoError(w, d.Sync(ctx))
	})
}

// TestHeaders: a session uploads a header only in the first minutes after its
// login, and only one that follows the stored one and has the login's slot.
func TestHeaders(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.account(0)
		w.account(1)
		put := func(token string, header []byte, slot *api.ID) (int, string) {
			body := fmt.Sprintf(`{"header":%q}`, b64(header))
			if slot != nil {
				body = fmt.Sprintf(`{"header":%q,"slot":%q}`, b64(header), slot)
			}
			return w.request("PUT", "/v1/keyring", token, body)
		}
		export, session, _ := w.logIn("alice0", password)
		stored := w.header(session.Token)
		h, err := recovery.ParseHeader(stored)
		require.NoError(w, err)
		k, err := recovery.Open(ctx, h, recovery.NewExportKey(export, nil), recovery.TrustOnFirstUse(h.Account()))
		require.NoError(w, err)
		edit := func(f func(*recovery.Edit) error) []byte {
			draft, err := k.Edit(f)
			require.NoError(w, err)
			return draft.Header().Bytes()
		}
		rotated := edit(func(e *recovery.Edit) error { e.Rotate(); return nil })
		phrase, err := recovery.NewPhrase(12)
		require.NoError(w, err)
		sealed, err := k.Seal(ctx, phrase)
		require.NoError(w, err)
		locked := edit(func(e *recovery.Edit) error {
			return errors.Join(e.Add(sealed), e.Revoke(k.OpenedBy()))
		})
		_, another, _ := w.logIn("alice1", password)
		slot := api.ID(k.OpenedBy())
		for what, refused := range map[string]struct {
			token  string
			header []byte
			slot   *api.ID
			code   api.Code
		}{
			"garbage":               {session.Token, []byte("NSCO"), nil, api.Malformed},
			"no slot for the login": {session.Token, locked, nil, api.Conflict},
			"another account's":     {another.Token, rotated, nil, api.Conflict},
			"no session":            {"made up", rotated, nil, api.Unauthenticated},
			"a slot of no password": {session.Token, rotated, &slot, api.Conflict},
		} {
			_, body := put(refused.token, refused.header, refused.slot)
			require.Contains(w, body, fmt.Sprintf("%q", refused.code), what)
		}
		require.Equal(w, stored, w.header(session.Token))
		w.clock.advance(10 * time.Minute)
		_, body := put(session.Token, rotated, nil)
		require.Contains(w, body, api.LoginRequired)
		_, session, _ = w.logIn("alice0", password)
		for range 2 { // an answer may be lost
			status, body := put(session.Token, rotated, nil)
			require.Equal(w, 200, status, body)
		}
		_, body = put(session.Token, stored, nil)
		require.Contains(w, body, api.Conflict, "an older one")
		h, err = recovery.ParseHeader(rotated)
		require.NoError(w, err)
		next, err := k.Follow(h, k.Checkpoint())
		require.NoError(w, err)
		closed, err := next.Edit(func(e *recovery.Edit) error { return e.CloseBefore(2) })
		require.NoError(w, err)
		_, body = put(session.Token, closed.Header().Bytes(), nil)
		require.Contains(w, body, api.Conflict, "it closes the epoch of an item")

		// A key of the epoch before is refused, and a device encrypts again.
		_, blob, err := k.Generate(wrap.Binding{Purpose: "example.org/old/v1", Item: []byte("x")})
		require.NoError(w, err)
		_, body = w.request("PUT", "/v1/items/"+strings.Repeat("ab", 16), session.Token, fmt.Sprintf(`{"previous":0,"key":%q,"body":"AAAA"}`, b64(blob)))
		require.Contains(w, body, api.OldEpoch)
		_, err = d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Offline", Text: secret})
		require.NoError(w, err)
		require.NoError(w, d.Sync(ctx))
		require.Equal(w, []string{"Key: " + secret, "Offline: " + secret}, d.notes())
	})
}

// TestMoveMessages: a move takes messages of its own login only, and once.
func TestMoveMessages(t *testing.T) {
	floor, above := costs(t)
	inWorlds(t, func(c *server.Config) { c.KSF = floor }, func(w *world) {
		w.policy = kdf.Policy{}
		w.account(0)
		w.account(1)
		w.restart(func(c *server.Config) { c.KSF = above })
		_, session, key := w.logIn("alice0", password)
		require.True(w, session.Move)
		_, other, otherKey := w.logIn("alice1", password)
		c, err := opaque.NewClient(opaque.ClientConfig{KSFPolicy: w.policy, ServerIdentity: []byte(server.DefaultIdentity)})
		require.NoError(w, err)
		registration, request, err := c.Register(nil, []byte("the attacker's"))
		require.NoError(w, err)
		m, err := opaque.NewMigration(key, session.Account[:])
		require.NoError(w, err)
		protected, err := m.Protect(opaque.MigrateRequest, request)
		require.NoError(w, err)
		send := func(path, token string, message []byte) (int, []byte) {
			var out api.Message
			status := w.post(path, token, api.Message{Message: message}, &out)
			return status, out.Message
		}
		const begin, finish = "/v1/move/begin", "/v1/move/finish"
		altered := append([]byte(nil), protected...)
		altered[len(altered)-1] ^= 1
		for what, message := range map[string][]byte{"without a tag": request, "altered": altered} {
			status, _ := send(begin, session.Token, message)
			require.Equal(w, 401, status, what)
		}
		status, _ := send(begin, other.Token, protected)
		require.Equal(w, 401, status, "in another account's session")
		_, second, _ := w.logIn("alice0", password)
		status, _ = send(begin, second.Token, protected)
		require.Equal(w, 401, status, "in another session")
		wrongKey, err := opaque.NewMigration(otherKey, session.Account[:])
		require.NoError(w, err)
		forged, err := wrongKey.Protect(opaque.MigrateRequest, request)
		require.NoError(w, err)
		status, _ = send(begin, session.Token, forged)
		require.Equal(w, 401, status, "with another key")
		status, _ = send(finish, session.Token, protected)
		require.Equal(w, 401, status, "of another step")

		status, answer := send(begin, session.Token, protected)
		require.Equal(w, 200, status)
		response, err := m.Verify(opaque.MigrateResponse, answer)
		require.NoError(w, err)
		upload, err := registration.Finish(w.Context(), response)
		require.NoError(w, err)
		protected, err = m.Protect(opaque.MigrateUpload, upload)
		require.NoError(w, err)
		status, _ = send(finish, session.Token, protected)
		require.Equal(w, 409, status, "the keyring has no slot for it")
		_, again, _ := w.logIn("alice0", password)
		require.True(w, again.Move, "nothing has changed")
	})
}

// costs returns two costs that clients accept by default.
func costs(t *testing.T) (floor, above kdf.Params) {
	floor, err := kdf.NewArgon2id(19<<10, 2, 1)
	require.NoError(t, err)
	above, err = kdf.NewArgon2id(20<<10, 2, 1)
	require.NoError(t, err)
	return floor, above
}

// TestNewCost: an account registers again if the cost of logins changes.
func TestNewCost(t *testing.T) {
	floor, above := costs(t)
	inWorlds(t, func(c *server.Config) { c.KSF = floor }, func(w *world) {
		ctx := w.Context()
		w.policy = kdf.Policy{}
		d := w.account(0)
		w.restart(func(c *server.Config) { c.KSF = above })
		e, err := d.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.True(w, e.Moved)
		e, err = d.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.False(w, e.Moved)
		d.opensWith(password)
	})
}

// TestLyingServer: a removed holder and the server together make headers that no
// device accepts. Devices keep what they have, and follow the honest header.
func TestLyingServer(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.signUp()
		_, err := laptop.Put(ctx, client.Item{Kind: client.KindNote, Title: "Key", Text: secret})
		require.NoError(w, err)
		require.NoError(w, laptop.Sync(ctx))
		thief := w.holder(laptop, password)
		before := w.stored()
		require.NoError(w, laptop.ChangePassword(ctx, one(password), one("another password")))
		honest := w.stored()
		forgeries, err := thief.Forgeries(honest)
		require.NoError(w, err)
		require.NotEmpty(w, forgeries)
		forgeries["rolled back"] = before
		for what, forged := range forgeries {
			d, f := laptop.faulty()
			_, err := d.Unlock(ctx, []byte("another password"))
			require.NoError(w, err)
			f.serveHeader(forged)
			require.Error(w, d.Sync(ctx), what)
			require.Equal(w, []string{"Key: " + secret}, d.notes(), what)
			_, err = d.Login(ctx, "alice", one("another password"))
			require.Error(w, err, what)
			again, f := laptop.faulty()
			f.serveHeader(forged)
			_, err = again.Unlock(ctx, []byte("another password"))
			require.Error(w, err, what)
			f.serveHeader(nil)
			u, err := again.Unlock(ctx, []byte("another password"))
			require.NoError(w, err, what)
			require.NoError(w, u.Offline, what)
			require.NoError(w, again.Sync(ctx), what)
		}
	})
}
