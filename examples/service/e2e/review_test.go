package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/stretchr/testify/require"
)

// queue opens the operator's queue.
func (w *world) queue() *server.Reviews {
	r, err := server.OpenReviews(w.Context(), w.dbs[0], w.keys, w.config.ClaimWait, w.config.Now)
	require.NoError(w, err)
	return r
}

// reviewed is the only claim in the operator's queue.
func (w *world) reviewed() server.Review {
	all, err := w.queue().List(w.Context())
	require.NoError(w, err)
	require.Len(w, all, 1)
	return all[0]
}

// approved lets the operator approve the only claim, and the time pass.
func (w *world) approved(d *device) {
	require.NoError(w, w.queue().Approve(w.Context(), w.reviewed().ID, "You have shown your passport."))
	require.Equal(w, api.ClaimWaiting, d.state())
	w.clock.advance(day)
	require.Equal(w, api.ClaimReady, d.state())
}

// TestReview: the operator approves a claim. It leads to a new account under the
// old names, and nothing of the old account.
func TestReview(t *testing.T) {
	inNoticedWorlds(t, func(w *world, n *remembered) {
		ctx := w.Context()
		e := w.everything()
		n.taken(w)
		d := w.device()
		const text = "My passport has the number 123456789."
		require.NoError(w, d.ClaimReview(ctx, "alice0", text))
		require.Equal(w, api.ClaimReview, d.state())
		require.ErrorIs(w, d.OpenClaim(ctx, nil), client.ErrNotReady)
		_, err := d.NewAccount(ctx, one(other))
		require.ErrorIs(w, err, client.ErrNotReady)
		require.Empty(w, e.laptop.claims())
		require.Empty(w, n.taken(w))

		r, in := w.queue(), w.reviewed()
		require.True(w, in.Known)
		require.Equal(w, []string{"alice0"}, in.Names)
		require.Equal(w, text, in.Text)
		require.NoError(w, r.Note(ctx, in.ID, "Seen on video."))
		evidence, err := r.Show(ctx, in.ID)
		require.NoError(w, err)
		require.Equal(w, "Seen on video.", evidence.Notes[0].Text)
		require.Equal(w, in.ID, evidence.Claims[0].ID)
		require.NotEmpty(w, evidence.Events)
		dump := string(w.dump())
		for _, sealed := range []string{text, "Seen on video."} {
			require.NotContains(w, dump, sealed)
		}

		require.NoError(w, r.Approve(ctx, in.ID, "You have shown it."))
		require.ErrorIs(w, r.Approve(ctx, in.ID, "Twice."), server.ErrNoReview)
		require.NotContains(w, string(w.dump()), "You have shown it.")
		require.Equal(w, []string{"claim approved by the operator: review"}, n.taken(w))
		require.Len(w, e.laptop.claims(), 1)
		now, err := d.Claim(ctx)
		require.NoError(w, err)
		require.Equal(w, "You have shown it.", now.Reason)
		require.True(w, now.Account)
		w.clock.advance(day - time.Minute)
		_, err = d.NewAccount(ctx, one(other))
		require.ErrorIs(w, err, client.ErrNotReady)
		w.clock.advance(time.Minute)
		status, _ := w.opened(d.claimToken())
		require.Equal(w, 409, status, "a new account only")
		require.ErrorIs(w, d.OpenClaim(ctx, nil), client.ErrNewAccountOnly)

		phone := e.phone.token()
		token := d.claimToken()
		entered, err := d.NewAccount(ctx, one(other))
		require.NoError(w, err)
		require.True(w, entered.Created)
		require.Empty(w, d.notes())
		require.False(w, w.alive(phone), "all sessions of the old account end")
		require.False(w, w.alive(e.laptop.token()))
		require.Equal(w, 200, w.post("/v1/claims/status", "", api.ClaimToken{Token: token}, &now))
		require.Equal(w, api.ClaimDone, now.State)
		_, err = d.Claim(ctx)
		require.ErrorIs(w, err, client.ErrNoClaim)
		account, err := d.Account(ctx)
		require.NoError(w, err)
		require.Equal(w, []string{"alice0"}, account.Names)
		require.Equal(w, 1, account.Former)
		require.Contains(w, d.kinds(), "new account after a review")
		_, err = w.device().Login(ctx, "alice0", one(password))
		require.ErrorIs(w, err, client.ErrAuthentication)
	})
}

// TestReviewEnds: the owner cancels an approved claim, the operator refuses
// others with a reason, and an unknown name can only be refused.
func TestReviewEnds(t *testing.T) {
	inNoticedWorlds(t, func(w *world, n *remembered) {
		ctx := w.Context()
		e := w.everything()
		r := w.queue()
		d := w.device()
		require.NoError(w, d.ClaimReview(ctx, "alice0", "It is me."))
		require.NoError(w, r.Approve(ctx, w.reviewed().ID, "Good."))
		w.clock.advance(2 * day)
		require.NoError(w, e.laptop.CancelClaim(ctx, []byte(password), e.laptop.claims()[0].ID))
		_, err := d.NewAccount(ctx, one(other))
		require.ErrorIs(w, err, client.ErrClaimOver)

		n.taken(w)
		require.NoError(w, d.DropClaim(ctx))
		require.NoError(w, d.ClaimReview(ctx, "alice0", "It is still me."))
		id := w.reviewed().ID
		for _, text := range []string{"", strings.Repeat("x", api.MaxText+1), "\xff"} {
			require.ErrorIs(w, r.Refuse(ctx, id, text), server.ErrText)
			require.ErrorIs(w, r.Note(ctx, id, text), server.ErrText)
		}
		require.NoError(w, r.Refuse(ctx, id, "Your passport is of somebody else."))
		require.Equal(w, api.ClaimRefused, d.state())
		_, err = d.NewAccount(ctx, one(other))
		require.ErrorIs(w, err, client.ErrClaimOver)
		require.ErrorContains(w, err, "Your passport is of somebody else.")
		require.Empty(w, n.taken(w), "a stranger's claim that was refused tells nobody")
		require.ErrorIs(w, r.Refuse(ctx, id, "Twice."), server.ErrNoReview)

		unknown := w.device()
		require.NoError(w, unknown.ClaimReview(ctx, "nobody", "It is me."))
		in := w.reviewed()
		require.False(w, in.Known)
		require.Empty(w, in.Names)
		require.ErrorIs(w, r.Approve(ctx, in.ID, "Good."), server.ErrUnknown)
		evidence, err := r.Show(ctx, in.ID)
		require.NoError(w, err)
		require.Equal(w, "It is me.", evidence.Text)
		require.NoError(w, r.Refuse(ctx, in.ID, "There is no such account."))
		require.Equal(w, api.ClaimRefused, unknown.state())

		late := w.device()
		require.NoError(w, late.ClaimReview(ctx, "alice0", "It is me."))
		id = w.reviewed().ID
		w.clock.advance(30 * day)
		require.ErrorIs(w, r.Approve(ctx, id, "Late."), server.ErrNoReview)
		require.Equal(w, api.ClaimFailed, late.state())
	})
}

// TestReviewOfAFile: after a cancelled claim, the operator may approve one with
// the file. It does not open the old account either.
func TestReviewOfAFile(t *testing.T) {
	inNoticedWorlds(t, func(w *world, n *remembered) {
		ctx := w.Context()
		e := w.everything()
		thief := w.device()
		require.NoError(w, thief.ClaimFile(ctx, who("alice0"), e.file))
		require.NoError(w, e.laptop.CancelClaim(ctx, []byte(password), e.laptop.claims()[0].ID))
		require.NoError(w, thief.DropClaim(ctx))
		require.NoError(w, thief.ClaimFile(ctx, who("alice0"), e.file))
		id := w.reviewed().ID
		n.taken(w)
		require.NoError(w, w.queue().Refuse(ctx, id, "No."))
		require.Equal(w, []string{"claim refused by the operator: file"}, n.taken(w), "the owner was told of it")

		require.NoError(w, thief.DropClaim(ctx))
		require.NoError(w, thief.ClaimFile(ctx, who("alice0"), e.file))
		w.approved(thief)
		require.ErrorIs(w, thief.OpenClaim(ctx, e.file), client.ErrNewAccountOnly)
		status, out := w.opened(thief.claimToken())
		require.Equal(w, 409, status)
		require.Empty(w, out.Half)
		_, err := thief.NewAccount(ctx, one(other))
		require.NoError(w, err)
		require.Empty(w, thief.notes())

		// The owner still gets in, with what opened the account before.
		again := w.device()
		require.NoError(w, again.LoginPhrase(ctx, client.Who{Name: "alice0", Former: 1}, e.phrase))
		again.requireNote()
	})
}

// TestReviewedSlotIsRemoved: a claim in review ends with its slot.
func TestReviewedSlotIsRemoved(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		file := laptop.withFile()
		thief := w.device()
		require.NoError(w, thief.ClaimFile(ctx, who("alice0"), file))
		require.NoError(w, laptop.CancelClaim(ctx, []byte(password), laptop.claims()[0].ID))
		require.NoError(w, thief.DropClaim(ctx))
		require.NoError(w, thief.ClaimFile(ctx, who("alice0"), file))
		id := w.reviewed().ID
		laptop.shown()
		require.NoError(w, laptop.RemoveSlots(ctx, []byte(password), file.ID()))
		require.Equal(w, api.ClaimFailed, thief.state())
		require.ErrorIs(w, w.queue().Approve(ctx, id, "Good."), server.ErrNoReview)
	})
}
