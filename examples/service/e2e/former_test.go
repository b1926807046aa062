package e2e

import (
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/stretchr/testify/require"
)

// replaced lets the operator replace the account, and returns a device of the
// new one, which has a note.
func (w *world) replaced(name, password string) *device {
	ctx := w.Context()
	d := w.device()
	require.NoError(w, d.ClaimReview(ctx, name, "It is me."))
	w.approved(d)
	_, err := d.NewAccount(ctx, one(password))
	require.NoError(w, err)
	_, err = d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Of", Text: password})
	require.NoError(w, err)
	require.NoError(w, d.Sync(ctx))
	return d
}

// TestFormerAccounts: an account that was replaced, and one that was replaced
// before it, still open with their password, phrase, file, contacts and devices.
func TestFormerAccounts(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		w.replaced("alice0", "the second")
		third := w.replaced("alice0", "the third")
		account, err := third.Account(ctx)
		require.NoError(w, err)
		require.Equal(w, 2, account.Former)

		oldest, middle := client.Who{Name: "alice0", Former: 2}, client.Who{Name: "alice0", Former: 1}
		d := w.device()
		_, err = d.LoginFormer(ctx, 1, "alice0", one("the second"))
		require.NoError(w, err)
		require.NoError(w, d.Sync(ctx))
		require.Equal(w, []string{"Of: the second"}, d.notes())
		require.Equal(w, middle, d.Who())
		_, err = w.device().LoginFormer(ctx, 1, "alice0", one(password))
		require.ErrorIs(w, err, client.ErrAuthentication)
		_, err = w.device().LoginFormer(ctx, 3, "alice0", one(password))
		require.ErrorIs(w, err, client.ErrAuthentication)
		_, err = w.device().LoginFormer(ctx, 101, "alice0", one(password))
		require.ErrorIs(w, err, is(api.Malformed))

		d = w.device()
		entered, err := d.LoginFormer(ctx, 2, "alice0", one(password))
		require.NoError(w, err)
		require.NoError(w, d.MarkSeen(ctx, entered.Unseen))
		d.requireNote()
		account, err = d.Account(ctx)
		require.NoError(w, err)
		require.Empty(w, account.Names)
		byPhrase := w.device()
		require.NoError(w, byPhrase.LoginPhrase(ctx, oldest, e.phrase))
		byPhrase.requireNote()
		require.ErrorIs(w, w.device().LoginPhrase(ctx, middle, e.phrase), client.ErrAuthentication)
		byFile := w.device()
		require.NoError(w, byFile.ClaimFile(ctx, oldest, e.file))
		require.Equal(w, api.WayFile, d.claims()[0].Way)
		byFile.waits(e.file)
		byFile.requireNote()
		byContacts := w.device()
		require.NoError(w, byContacts.ClaimContacts(ctx, oldest))
		e.friends[0].helps(byContacts)
		e.friends[2].helps(byContacts)
		byContacts.waits(nil)
		byContacts.requireNote()
		_, err = byContacts.SetPassword(ctx, one(other), true)
		require.NoError(w, err)
		_, err = w.device().LoginFormer(ctx, 2, "alice0", one(other))
		require.NoError(w, err)
		joined := w.device()
		a, err := joined.Join(ctx, oldest)
		require.NoError(w, err)
		require.NoError(w, byContacts.GrantQR(ctx, []byte(other), a.QR()))
		require.NoError(w, a.Joined(ctx, "", []byte("a pin")))
		joined.requireNote()

		// The new account notices nothing of all that.
		require.NoError(w, third.Sync(ctx))
		require.Empty(w, third.claims())
		require.Equal(w, []string{"Of: the third"}, third.notes())
		_, err = w.device().Login(ctx, "alice0", one("the third"))
		require.NoError(w, err)
	})
}

// TestReviewOfAFormerAccount: a former account has no names that a new one could
// take over. Its claims are reviewed like others, and cannot be approved.
func TestReviewOfAFormerAccount(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		w.replaced("alice0", "the second")
		former := client.Who{Name: "alice0", Former: 1}
		owner := w.device()
		_, err := owner.LoginFormer(ctx, 1, "alice0", one(password))
		require.NoError(w, err)
		d := w.device()
		require.NoError(w, d.ClaimFile(ctx, former, e.file))
		require.NoError(w, owner.CancelClaim(ctx, []byte(password), owner.claims()[0].ID))
		require.NoError(w, d.DropClaim(ctx))
		require.NoError(w, d.ClaimFile(ctx, former, e.file))
		require.Equal(w, api.ClaimReview, d.state())
		r := w.queue()
		if err := r.Approve(ctx, w.reviewed().ID, "Good."); err == nil {
			w.clock.advance(day)
			_, err := d.NewAccount(ctx, one("the third"))
			require.NotErrorIs(w, err, is(api.Internal), "a failure of the server")
			require.Error(w, err)
		} else {
			require.NoError(w, r.Refuse(ctx, w.reviewed().ID, "It has been replaced."))
			require.Equal(w, api.ClaimRefused, d.state())
		}
		_, err = w.device().Login(ctx, "alice0", one("the second"))
		require.NoError(w, err)
		_, err = w.device().LoginFormer(ctx, 1, "alice0", one(password))
		require.NoError(w, err)
	})
}

// TestImpostorDeletes: somebody whom the operator has believed deletes the new
// account. What the old one contains must not be lost by that.
func TestImpostorDeletes(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		impostor := w.replaced("alice0", "the impostor's")
		require.NoError(w, impostor.Delete(ctx, []byte("the impostor's")))
		opens := 0
		for former := range 2 {
			d := w.device()
			if err := d.LoginPhrase(ctx, client.Who{Name: "alice0", Former: former}, e.phrase); err == nil {
				d.requireNote()
				opens++
			}
		}
		require.Equal(w, 1, opens, "the phrase opens the old account")
	})
}
