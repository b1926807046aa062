package e2e

import (
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

// TestContactsByCodes: a contact grants with codes that both sides tell each
// other. The share arrives, and the wait begins with the second one.
func TestContactsByCodes(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		d := w.device()
		require.NoError(w, d.ClaimContacts(ctx, who("alice0")))
		for i, friend := range e.friends[1:] {
			a, g := d.asks(friend)
			require.Equal(w, "the owner", g.Ask().Label)
			missing, err := d.tell(a, g)
			require.NoError(w, err)
			require.Equal(w, 1-i, missing)
		}
		d.waits(nil)
		d.requireNote()
		for _, friend := range e.friends {
			asks, err := friend.Asks(ctx)
			require.NoError(w, err)
			require.Empty(w, asks)
		}
	})
}

// asks asks a contact, who answers.
func (d *device) asks(friend *device) (*client.Asking, *client.Granting) {
	ctx := d.w.Context()
	a, err := d.AskContact(ctx)
	require.NoError(d.w, err)
	g := friend.answers(a)
	return a, g
}

// answers finds the question by its number, and answers it.
func (d *device) answers(a *client.Asking) *client.Granting {
	ctx := d.w.Context()
	asks, err := d.Asks(ctx)
	require.NoError(d.w, err)
	for _, ask := range asks {
		if client.AskNumber(ask.ID) == a.Number() {
			g, err := d.Grant(ctx, ask.ID)
			require.NoError(d.w, err)
			_, err = g.Code(ctx)
			require.ErrorIs(d.w, err, client.ErrNotYet)
			return g
		}
	}
	require.Fail(d.w, "the question is not listed")
	return nil
}

// tell lets both sides type the other side's code.
func (d *device) tell(a *client.Asking, g *client.Granting) (missing int, err error) {
	ctx := d.w.Context()
	mine, err := a.Code(ctx)
	require.NoError(d.w, err)
	theirs, err := g.Code(ctx)
	require.NoError(d.w, err)
	require.NotEqual(d.w, mine, theirs)
	_, err = a.Share(ctx, theirs)
	require.ErrorIs(d.w, err, client.ErrNotYet)
	require.NoError(d.w, g.Finish(ctx, nil, mine))
	return a.Share(ctx, theirs)
}

// TestTooFewContacts: k-1 contacts open nothing, and one contact counts once,
// also with an approved device.
func TestTooFewContacts(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		d := w.device()
		require.NoError(w, d.ClaimContacts(ctx, who("alice0")))
		before := e.laptop.kinds()
		first := e.friends[0]
		first.helps(d)
		a, err := d.AskContact(ctx)
		require.NoError(w, err)
		require.NoError(w, first.GrantQR(ctx, nil, a.QR()), "again, and it counts once")
		tablet := first.lets(w.device(), "a pin")
		a, err = d.AskContact(ctx)
		require.NoError(w, err)
		require.NoError(w, tablet.GrantQR(ctx, nil, a.QR()), "also with another device")
		require.Equal(w, api.ClaimAsked, d.state())
		require.Equal(w, before, e.laptop.kinds(), "nobody is told")
		require.Empty(w, e.laptop.claims())
		status, _ := w.opened(d.claimToken())
		require.Equal(w, 409, status)
		w.clock.advance(3 * day)
		require.Equal(w, api.ClaimFailed, d.state())
		require.ErrorIs(w, d.OpenClaim(ctx, nil), client.ErrClaimOver)

		// An approved device of a contact grants as well as the contact's others.
		again := w.device()
		require.NoError(w, again.ClaimContacts(ctx, who("alice0")))
		tablet.helps(again)
		e.friends[2].helps(again)
		require.Contains(w, e.laptop.kinds(), "claim begun: contacts")
		again.waits(nil)
		again.requireNote()
	})
}

// TestContactsAreReplaced: shares of contacts who were replaced open nothing,
// and the question finds the new ones. A contact who was removed grants nothing.
func TestContactsAreReplaced(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		waiting, asked := w.device(), w.device()
		require.NoError(w, waiting.ClaimContacts(ctx, who("alice0")))
		e.friends[0].helps(waiting)
		e.friends[1].helps(waiting)
		require.NoError(w, asked.ClaimContacts(ctx, who("alice0")))
		e.friends[1].helps(asked)
		left := e.circle.split

		gone := e.friends[0]
		require.NoError(w, e.laptop.Disinvite(ctx, []byte(password), e.invitations[0]))
		a, err := asked.AskContact(ctx)
		require.NoError(w, err)
		require.Error(w, gone.GrantQR(ctx, nil, a.QR()), "the invitation was removed")
		asks, err := gone.Asks(ctx)
		require.NoError(w, err)
		require.Empty(w, asks)

		e.friends, e.invitations = e.friends[1:], e.invitations[1:]
		e.appointed(e.laptop, 2)
		require.NotEqual(w, left, e.circle.split)
		require.Equal(w, api.ClaimFailed, waiting.state(), "its slot is gone")
		require.Equal(w, api.ClaimAsked, asked.state())
		of, err := gone.ContactOf(ctx)
		require.NoError(w, err)
		require.Empty(w, of)

		// The old share does not count, and its contact grants the new one.
		e.friends[0].helps(asked)
		require.Equal(w, api.ClaimAsked, asked.state())
		e.friends[1].helps(asked)
		asked.waits(nil)
		asked.requireNote()
		_, err = asked.SetPassword(ctx, one(other), false)
		require.NoError(w, err)
		require.Equal(w, other, asked.opensWith(password, other))
	})
}

// TestShareThatWasNotReceived: a contact who has not kept the share is not
// asked, and can grant none, for this slot or another one.
func TestShareThatWasNotReceived(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		circle := w.newCircle(laptop, 2, 2)
		old := contactsSlot(laptop)
		laptop.shown()
		_, err := laptop.Appoint(ctx, []byte(password), 1, circle.invitations...)
		require.NoError(w, err)
		_, err = circle.friends[0].Receive(ctx, circle.invitations[0])
		require.NoError(w, err)
		d := w.device()
		require.NoError(w, d.ClaimContacts(ctx, who("alice0")))
		a, err := d.AskContact(ctx)
		require.NoError(w, err)
		late := circle.friends[1]
		require.ErrorIs(w, late.GrantQR(ctx, nil, a.QR()), client.ErrNoAsk)
		grant := func(slot recovery.SlotID) int {
			in := api.AskGrant{Ask: askOf(d), Grant: []byte("x"), Slot: api.ID(slot)}
			return w.post("/v1/asks/grant", late.token(), in, nil)
		}
		require.Equal(w, 404, grant(contactsSlot(laptop)), "delivered, not received")
		require.Equal(w, 404, grant(old))
		of, err := late.ContactOf(ctx)
		require.NoError(w, err)
		require.Equal(w, client.ContactDelivered, of[0].State)
		fingerprint, err := late.Receive(ctx, circle.invitations[1])
		require.NoError(w, err)
		require.NotEqual(w, circle.split, fingerprint)
		require.Equal(w, 404, grant(old), "the share of another slot")
		require.Equal(w, 404, grant(recovery.SlotID{1}))
		require.NoError(w, late.GrantQR(ctx, nil, a.QR()))
		_, err = a.Share(ctx, "")
		require.NoError(w, err)
		d.waits(nil)
		d.requireNote()
	})
}

// TestInvitations: the owner is no contact of its own, an invitation is accepted
// once, and by no contact twice.
func TestInvitations(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		circle := w.newCircle(laptop, 1, 1)
		friend, stranger := circle.friends[0], w.account(2)
		link, err := laptop.Invite(ctx, "second")
		require.NoError(w, err)
		_, err = laptop.AcceptInvitation(ctx, link, "myself")
		require.ErrorIs(w, err, is(api.Conflict))
		_, err = friend.AcceptInvitation(ctx, link, "the owner")
		require.ErrorIs(w, err, is(api.Conflict), "a contact already")
		for _, bad := range []string{"", "x", link + "x", link[:len(link)-1], "https://example.org/contact#" + zeroID} {
			_, err = stranger.AcceptInvitation(ctx, bad, "the owner")
			require.ErrorIs(w, err, client.ErrNotALink, bad)
		}
		fingerprint, err := stranger.AcceptInvitation(ctx, link, "the owner")
		require.NoError(w, err)
		again, err := stranger.AcceptInvitation(ctx, link, "the owner")
		require.NoError(w, err)
		require.Equal(w, fingerprint, again)
		_, err = w.account(3).AcceptInvitation(ctx, link, "the owner")
		require.ErrorIs(w, err, is(api.Conflict))
		all, err := laptop.Contacts(ctx)
		require.NoError(w, err)
		require.Len(w, all, 2)
		require.Equal(w, fingerprint, all[1].Fingerprint)

		open, err := laptop.Invite(ctx, "third")
		require.NoError(w, err)
		all, err = laptop.Contacts(ctx)
		require.NoError(w, err)
		require.Equal(w, open, all[2].Link)
		laptop.shown()
		_, err = laptop.Appoint(ctx, []byte(password), 1, all[2].Invitation)
		require.ErrorIs(w, err, client.ErrNotAccepted)
		_, err = laptop.Appoint(ctx, []byte(password), 1, api.ID{1})
		require.ErrorIs(w, err, client.ErrNoInvitation)
		_, err = laptop.Appoint(ctx, []byte(password), 3, all[0].Invitation, all[1].Invitation)
		require.Error(w, err)
		_, err = stranger.Receive(ctx, all[1].Invitation)
		require.ErrorIs(w, err, client.ErrNoMessage)
		require.NoError(w, w.account(4).Disinvite(ctx, []byte(password), all[1].Invitation), "not its own: nothing happens")
		require.NoError(w, stranger.Disinvite(ctx, []byte(password), all[1].Invitation))
		all, err = laptop.Contacts(ctx)
		require.NoError(w, err)
		require.Len(w, all, 2)
		require.Contains(w, laptop.kinds(), "contact removed")
	})
}

// TestWrongCodes: a wrong code ends one exchange. Nothing is granted, and the
// next question works.
func TestWrongCodes(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		d := w.device()
		require.NoError(w, d.ClaimContacts(ctx, who("alice0")))
		a, g := d.asks(e.friends[0])
		mine, err := a.Code(ctx)
		require.NoError(w, err)
		_, err = g.Code(ctx)
		require.NoError(w, err)
		require.ErrorIs(w, g.Finish(ctx, nil, e.phrase.Words()), client.ErrNotACode)
		require.ErrorIs(w, g.Finish(ctx, nil, wrongCode(mine)), client.ErrCodes)
		require.Error(w, g.Finish(ctx, nil, mine), "the exchange is over")
		_, err = a.Share(ctx, mine)
		require.ErrorIs(w, err, client.ErrNotYet)

		// The owner's side types a wrong code after the grant.
		a, g = d.asks(e.friends[1])
		mine, err = a.Code(ctx)
		require.NoError(w, err)
		theirs, err := g.Code(ctx)
		require.NoError(w, err)
		require.NoError(w, g.Finish(ctx, nil, mine))
		_, err = a.Share(ctx, e.phrase.Words())
		require.ErrorIs(w, err, client.ErrNotACode)
		_, err = a.Share(ctx, wrongCode(theirs))
		require.ErrorIs(w, err, client.ErrCodes)
		_, err = a.Share(ctx, theirs)
		require.Error(w, err)
		require.NotErrorIs(w, err, contacts.ErrFew)

		e.friends[0].helps(d)
		require.Equal(w, api.ClaimWaiting, d.state(), "two have granted")
		require.NoError(w, d.DropClaim(ctx))
		require.NoError(w, d.ClaimContacts(ctx, who("alice0")))
		e.friends[0].helps(d)
		e.friends[1].helps(d)
		d.waits(nil)
		d.requireNote()
	})
}

// wrongCode changes a digit of a code.
func wrongCode(code string) string {
	return string('0'+(code[0]-'0'+1)%10) + code[1:]
}
