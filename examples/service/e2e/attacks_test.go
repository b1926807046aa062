package e2e

import (
	"fmt"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

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
	atOnce(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
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
	atOnce(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
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

// TestMoveMessages: a move takes messages of its own login only, and once.
func TestMoveMessages(t *testing.T) {
	floor, above := costs(t)
	atOnce(t, func(c *server.Config) { c.KSF = floor }, func(w *world) {
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
	atOnce(t, func(c *server.Config) { c.KSF = floor }, func(w *world) {
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
