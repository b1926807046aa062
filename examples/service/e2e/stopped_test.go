package e2e

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
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
	atOnce(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
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
