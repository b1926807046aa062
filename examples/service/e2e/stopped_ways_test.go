package e2e

import (
	"errors"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// unlocked restarts a device and opens it with its password.
func (d *device) unlocked(pin string) *device {
	again := d.restart()
	u, err := again.Unlock(d.w.Context(), []byte(pin))
	require.NoError(d.w, err)
	require.NoError(d.w, u.Offline)
	return again
}

// opensByPhrase returns which of several phrases opens an account.
func (w *world) opensByPhrase(name string, phrases ...*recovery.Phrase) int {
	for i, p := range phrases {
		d := w.device()
		err := d.LoginPhrase(w.Context(), who(name), p)
		if errors.Is(err, client.ErrAuthentication) {
			continue
		}
		require.NoError(w, err)
		d.requireNote()
		return i
	}
	require.Fail(w, "no phrase opens the account")
	return 0
}

// newPhrases returns phrases that no account has yet.
func newPhrases(w *world, n int) (all []*recovery.Phrase) {
	for range n {
		p, err := recovery.NewPhrase(12)
		require.NoError(w, err)
		all = append(all, p)
	}
	return all
}

// TestStoppedSetPhrase: setting a phrase in place of another can stop at every
// request. One of the two opens the account, and setting it again works.
func TestStoppedSetPhrase(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		p := newPhrases(w, 3)
		worked := make(map[int]int)
		stoppedAnywhere(w, func(try int) *device {
			d := w.account(try)
			require.NoError(w, d.SetPhrase(ctx, []byte(password), p[0]))
			return d
		}, func(d *device) error {
			if _, err := d.Unlock(ctx, []byte(password)); err != nil {
				return err
			}
			return d.SetPhrase(ctx, []byte(password), p[1])
		}, func(d *device, err error) {
			require.Error(w, err)
			worked[w.opensByPhrase(d.Name(), p[:2]...)]++
			again := d.unlocked(password)
			again.requireNote()
			again.shown()
			require.NoError(w, again.SetPhrase(ctx, []byte(password), p[2]))
			require.Equal(w, 2, w.opensByPhrase(d.Name(), p...))
			d.opensWith(password)
		})
		require.NotZero(w, worked[0])
		require.NotZero(w, worked[1])
	})
}

// TestStoppedMakeFile: making a file can stop at every request. The next file
// opens the account.
func TestStoppedMakeFile(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		stoppedAnywhere(w, w.account, func(d *device) error {
			if _, err := d.Unlock(ctx, []byte(password)); err != nil {
				return err
			}
			_, err := d.MakeFile(ctx, []byte(password))
			return err
		}, func(d *device, err error) {
			require.Error(w, err)
			again := d.unlocked(password)
			file := again.withFile()
			fresh := w.device()
			require.NoError(w, fresh.ClaimFile(ctx, who(d.Name()), file))
			fresh.waits(file)
			fresh.requireNote()
			// A slot whose file nobody has can be removed.
			again.shown()
			for _, s := range again.Slots() {
				if s.Type == "file" && s.ID != file.ID() {
					require.NoError(w, again.RemoveSlots(ctx, []byte(password), s.ID))
				}
			}
			account, err := again.Account(ctx)
			require.NoError(w, err)
			require.Equal(w, 1, account.Files)
			d.opensWith(password)
		})
	})
}

// TestStoppedPhraseRecovery: a recovery with the phrase can stop at every
// request. The old or the new password logs in, and so does the phrase.
func TestStoppedPhraseRecovery(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		p := newPhrases(w, 1)[0]
		name := ""
		worked := make(map[string]int)
		stoppedAnywhere(w, func(try int) *device {
			d := w.account(try)
			name = d.Name()
			require.NoError(w, d.SetPhrase(ctx, []byte(password), p))
			return w.device()
		}, func(d *device) error {
			if err := d.LoginPhrase(ctx, who(name), p); err != nil {
				return err
			}
			_, err := d.SetPassword(ctx, one(other), true)
			return err
		}, func(d *device, err error) {
			require.Error(w, err)
			worked[w.logsIn(name, password, other)]++
			again := d.restart()
			require.NoError(w, again.LoginPhrase(ctx, who(name), p))
			again.setsPassword("a third password")
			require.Equal(w, "a third password", again.opensWith(password, other, "a third password"))
			w.opensByPhrase(name, p)
		})
		require.NotZero(w, worked[password])
		require.NotZero(w, worked[other])
	})
}

// logsIn returns the first of several passwords that opens an account on a new
// device.
func (w *world) logsIn(name string, passwords ...string) string {
	for _, p := range passwords {
		d := w.device()
		_, err := d.Login(w.Context(), name, one(p))
		if errors.Is(err, client.ErrAuthentication) {
			continue
		}
		require.NoError(w, err)
		d.requireNote()
		return p
	}
	require.Fail(w, "no password opens the account")
	return ""
}

// setsPassword sets a password in a session that recovers the account. A change
// before it may have been overtaken, and then the user is shown the slots.
func (d *device) setsPassword(password string) {
	ctx := d.w.Context()
	e, err := d.SetPassword(ctx, one(password), false)
	if errors.Is(err, recovery.ErrOvertaken) || errors.Is(err, recovery.ErrUnseen) {
		require.True(d.w, e.Overtaken)
		require.NoError(d.w, d.MarkSeen(ctx, e.Unseen))
		_, err = d.SetPassword(ctx, one(password), false)
	}
	require.NoError(d.w, err)
	d.requireNote()
}

// TestStoppedFileClaim: a claim with a file can stop at every request, from its
// beginning to the new password. The user begins where it stopped, or again.
func TestStoppedFileClaim(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		name := ""
		var file *recovery.File
		worked := make(map[string]int)
		stoppedAnywhere(w, func(try int) *device {
			d := w.account(try)
			name, file = d.Name(), d.withFile()
			return w.device()
		}, func(d *device) error {
			if err := d.ClaimFile(ctx, who(name), file); err != nil {
				return err
			}
			w.clock.advance(day)
			if err := d.OpenClaim(ctx, file); err != nil {
				return err
			}
			_, err := d.SetPassword(ctx, one(other), false)
			return err
		}, func(d *device, err error) {
			require.Error(w, err)
			worked[w.logsIn(name, password, other)]++
			again := d.restart()
			now, err := again.Claim(ctx)
			switch {
			case errors.Is(err, client.ErrNoClaim):
				require.NoError(w, again.ClaimFile(ctx, who(name), file))
				w.clock.advance(day)
			case now.State == api.ClaimDone:
				require.ErrorIs(w, again.OpenClaim(ctx, file), client.ErrClaimOver)
				require.NoError(w, again.DropClaim(ctx))
				require.NoError(w, again.ClaimFile(ctx, who(name), file))
				w.clock.advance(day)
			default:
				require.NoError(w, err)
			}
			require.NoError(w, again.OpenClaim(ctx, file))
			again.setsPassword("a third password")
			require.Equal(w, "a third password", again.opensWith(password, other, "a third password"))
		})
		require.NotZero(w, worked[password])
		require.NotZero(w, worked[other])
	})
}

// TestStoppedNewAccount: a new account after a review can stop at every request.
// NewAccount with the same password finishes it, and the old account opens as
// the former one.
func TestStoppedNewAccount(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		name := ""
		stoppedAnywhere(w, func(try int) *device {
			name = w.account(try).Name()
			d := w.device()
			require.NoError(w, d.ClaimReview(ctx, name, "It is me."))
			w.approved(d)
			return d
		}, func(d *device) error {
			_, err := d.NewAccount(ctx, one(other))
			return err
		}, func(d *device, err error) {
			require.Error(w, err)
			again := d.restart()
			_, err = again.NewAccount(ctx, one(other))
			if errors.Is(err, client.ErrNoClaim) {
				_, err = again.Login(ctx, name, one(other))
			}
			require.NoError(w, err)
			_, err = again.Put(ctx, client.Item{Kind: client.KindNote, Title: "New", Text: secret})
			require.NoError(w, err)
			require.NoError(w, again.Sync(ctx))
			require.Equal(w, []string{"New: " + secret}, again.notes())
			old := w.device()
			_, err = old.LoginFormer(ctx, 1, name, one(password))
			require.NoError(w, err)
			old.requireNote()
			account, err := again.Account(ctx)
			require.NoError(w, err)
			require.Equal(w, 1, account.Former, "once")
		})
	})
}

// TestStoppedPasswordClaim: an approved device that sets a password can stop at
// every request, and keeps its own session until it has logged in.
func TestStoppedPasswordClaim(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		worked := make(map[string]int)
		stoppedAnywhere(w, func(try int) *device {
			return w.account(try).lets(w.device(), "a pin")
		}, func(d *device) error {
			if _, err := d.Unlock(ctx, []byte("a pin")); err != nil {
				return err
			}
			if err := d.ClaimPassword(ctx); err != nil {
				return err
			}
			w.clock.advance(day)
			if err := d.OpenClaim(ctx, nil); err != nil {
				return err
			}
			_, err := d.SetPassword(ctx, one(other), false)
			return err
		}, func(d *device, err error) {
			require.Error(w, err)
			worked[w.logsIn(d.Name(), password, other)]++
			again := d.restart()
			_, err = again.Unlock(ctx, []byte("a pin"))
			if errors.Is(err, client.ErrWrongPassword) { // it has logged in
				_, err = again.Login(ctx, d.Name(), one(other))
				require.NoError(w, err)
				again.requireNote()
				return
			}
			require.NoError(w, err)
			way, recovered := again.Way()
			if way == api.WayPassword {
				again.requireNote()
				return
			}
			if recovered {
				require.NoError(w, again.LogOut(ctx))
			}
			again = again.unlocked("a pin")
			if err := again.Sync(ctx); err != nil { // another device was quicker
				require.ErrorIs(w, err, recovery.ErrOvertaken)
				require.NoError(w, again.MarkSeen(ctx, again.Unseen()))
				require.NoError(w, again.Resolve(ctx, nil))
			}
			again.requireNote()
			if _, err = again.Claim(ctx); err == nil {
				require.NoError(w, again.DropClaim(ctx))
			}
			require.NoError(w, again.ClaimPassword(ctx))
			w.clock.advance(day)
			require.NoError(w, again.OpenClaim(ctx, nil))
			again.setsPassword("a third password")
			require.Equal(w, "a third password", w.logsIn(d.Name(), password, other, "a third password"))
		})
		require.NotZero(w, worked[password])
		require.NotZero(w, worked[other])
	})
}
