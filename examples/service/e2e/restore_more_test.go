package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestRestoreAgainstAttackers: a header from before a removal is not taken in
// place of the one with the removal, and what a removed holder has stored first
// deceives no device.
func TestRestoreAgainstAttackers(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		own, err := laptop.DeviceSlot(ctx)
		require.NoError(w, err)
		restore := w.backup()
		thief := w.device()
		_, err = thief.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		laptop.sync()
		_, session, _ := w.logIn("alice0", password)
		older := w.header(session.Token)
		require.NoError(w, laptop.MarkSeen(ctx, laptop.Unseen()))
		for _, s := range laptop.Slots() {
			if s.Type == "device" && s.ID != own {
				require.NoError(w, laptop.RemoveSlots(ctx, []byte(password), s.ID))
			}
		}
		laptop.sync()

		_, session, _ = w.logIn("alice0", password)
		newest := w.header(session.Token)
		offer := func(header []byte) (int, string) {
			_, session, _ := w.logIn("alice0", password)
			return w.request("PUT", "/v1/keyring", session.Token, fmt.Sprintf(`{"header":%q}`, b64(header)))
		}
		back := func() error {
			_, err := laptop.Login(ctx, "alice0", one(password))
			require.ErrorIs(w, err, recovery.ErrRollback)
			_, err = laptop.Restore(ctx, []byte(password), one(password))
			return err
		}
		restore(time.Hour)
		_, answer := offer(newest)
		require.Contains(w, answer, api.StepUpRequired, "a session alone restores nothing")
		status, _ := offer(older)
		require.Equal(w, 200, status, "the server cannot know")
		require.NoError(w, back())
		_, answer = offer(older)
		require.Contains(w, answer, api.Conflict, "it is older")
		laptop.sync()
		require.ErrorIs(w, thief.Sync(ctx), is(api.Unauthenticated))

		// A header that the laptop has never seen.
		restore(time.Hour)
		_, err = thief.Login(ctx, "alice0", one(password))
		require.ErrorIs(w, err, recovery.ErrRollback)
		_, err = thief.Restore(ctx, []byte(password), one(password))
		require.NoError(w, err)
		require.NoError(w, thief.MarkSeen(ctx, thief.Unseen()))
		require.NoError(w, thief.ChangePassword(ctx, one(password), one(changed)))
		_, err = laptop.Login(ctx, "alice0", one(changed))
		require.True(w, errors.Is(err, recovery.ErrFork) || errors.Is(err, recovery.ErrUntrusted), err)
		_, err = laptop.Restore(ctx, []byte(changed), one(password))
		require.ErrorIs(w, err, recovery.ErrFork)
		require.Equal(w, []string{"Key: " + secret}, laptop.notes())
	})
}

// TestStoppedRestore: Restore can stop at every request, and goes on.
func TestStoppedRestore(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		var devices []*device
		for i := range 60 {
			devices = append(devices, w.account(i))
		}
		restore := w.backup()
		for _, d := range devices {
			d.put("New", "after")
			d.sync()
			require.NoError(w, d.ChangePassword(ctx, one(password), one(changed)))
		}
		restore(time.Hour)
		stoppedAnywhere(w, func(try int) *device {
			d := devices[try-2]
			_, err := d.Login(ctx, d.Name(), one(password))
			require.ErrorIs(w, err, recovery.ErrRollback)
			return d
		}, func(d *device) error {
			_, err := d.Restore(ctx, []byte(password), one(changed))
			return err
		}, func(d *device, err error) {
			require.Error(w, err)
			again := d.restart()
			login := changed
			if _, err := again.Login(ctx, d.Name(), one(login)); errors.Is(err, client.ErrAuthentication) {
				login = password
				_, err = again.Login(ctx, d.Name(), one(login))
				require.Error(w, err)
			}
			_, err = again.Restore(ctx, []byte(login), one(changed))
			require.NoError(w, err)
			again.sync()
			fresh := w.device()
			_, err = fresh.Login(ctx, d.Name(), one(changed))
			require.NoError(w, err)
			fresh.sync()
			for _, one := range []*device{again, fresh} {
				require.Equal(w, []string{"Key: " + secret, "New: after"}, one.notes())
			}
		})
	})
}

// TestRestoredSlots: a phrase from before the backup still logs in. What the
// server has lost of newer slots is made again, and claims are gone.
func TestRestoredSlots(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		first, err := recovery.NewPhrase(12)
		require.NoError(w, err)
		second, err := recovery.NewPhrase(12)
		require.NoError(w, err)
		require.NoError(w, laptop.SetPhrase(ctx, []byte(password), first))
		text, err := laptop.MakeFile(ctx, []byte(password))
		require.NoError(w, err)
		file, err := recovery.ParseFile(text)
		require.NoError(w, err)
		stranger := w.device()
		require.NoError(w, stranger.ClaimFile(ctx, client.Who{Name: "alice0"}, file))
		require.Equal(w, map[string]int{"claims": 1}, w.rows("claims"))
		restore := w.backup()
		require.NoError(w, laptop.SetPhrase(ctx, []byte(password), second))
		_, err = laptop.MakeFile(ctx, []byte(password))
		require.NoError(w, err)
		laptop.sync()

		restore(time.Hour)
		require.Equal(w, map[string]int{"claims": 0, "asks": 0, "notes": 0}, w.rows("claims", "asks", "notes"))
		require.Error(w, stranger.OpenClaim(ctx, file))
		require.NoError(w, w.device().LoginPhrase(ctx, client.Who{Name: "alice0"}, first))
		_, err = laptop.Login(ctx, "alice0", one(password))
		require.ErrorIs(w, err, recovery.ErrRollback)
		r, err := laptop.Restore(ctx, []byte(password), one(password))
		require.NoError(w, err)
		lost := make(map[string]int)
		for _, s := range r.Lost {
			lost[s.Type]++
			require.NotEqual(w, file.ID(), s.ID)
		}
		require.Equal(w, map[string]int{"phrase": 1, "file": 1}, lost)
		again, err := laptop.Restore(ctx, []byte(password), one(password))
		require.NoError(w, err)
		require.Len(w, again.Lost, 3, "the server has one half for two files, and does not tell of which")
		require.ErrorIs(w, w.device().LoginPhrase(ctx, client.Who{Name: "alice0"}, first), client.ErrAuthentication, "it was replaced")
		require.ErrorIs(w, w.device().LoginPhrase(ctx, client.Who{Name: "alice0"}, second), client.ErrAuthentication, "its record is lost")
		require.NoError(w, laptop.SetPhrase(ctx, []byte(password), second))
		require.NoError(w, w.device().LoginPhrase(ctx, client.Who{Name: "alice0"}, second))
		laptop.sync()
	})
}

// TestRestoredOneChange: a single change after the backup comes back, although
// the header follows the one of the backup.
func TestRestoredOneChange(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		var restore func(time.Duration)
		changes := []func(*device) error{
			func(d *device) error {
				p, err := recovery.NewPhrase(12)
				require.NoError(w, err)
				return d.SetPhrase(ctx, []byte(password), p)
			},
			func(d *device) error {
				_, err := d.MakeFile(ctx, []byte(password))
				return err
			},
			func(d *device) error {
				_, err := w.device().Login(ctx, d.Name(), one(password))
				return errors.Join(err, d.Sync(ctx))
			},
			func(d *device) error { // the backup is from the middle of it
				again, f := d.faulty()
				if _, err := again.Unlock(ctx, []byte(password)); err != nil {
					return err
				}
				f.change = func(r client.Request, _ *client.Response) {
					if r.Method == "PUT" && r.Path == "/v1/keyring" && restore == nil {
						restore = w.backup()
					}
				}
				return again.ChangePassword(ctx, one(password), one(changed))
			},
		}
		var devices []*device
		for i := range changes {
			devices = append(devices, w.account(i))
		}
		last := len(changes) - 1
		require.NoError(w, changes[last](devices[last]))
		for i := range changes[:last] {
			require.NoError(w, changes[i](devices[i]))
		}
		restore(time.Hour)
		for i, d := range devices {
			own := password
			if i == last {
				own = changed
			}
			d = d.restart()
			_, err := d.Login(ctx, d.Name(), one(password))
			require.ErrorIs(w, err, recovery.ErrRollback)
			r, err := d.Restore(ctx, []byte(password), one(own))
			require.NoError(w, err, i)
			require.Len(w, r.Lost, map[bool]int{true: 1}[i < 2])
			require.NoError(w, d.MarkSeen(ctx, d.Unseen()))
			require.Equal(w, own, d.opensWith(own))
		}
	})
}
