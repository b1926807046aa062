package e2e

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// answered seals a public key as the contact of a link does.
func answered(w *world, link string, publicKey []byte) []byte {
	_, fragment, _ := strings.Cut(link, "#")
	id, text, _ := strings.Cut(fragment, ".")
	secret, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(w, err)
	var invitation api.ID
	require.NoError(w, invitation.UnmarshalText([]byte(id)))
	const purpose = "service.nescio/invitation/v1"
	key, err := wrap.DeriveKey(secret, nil, purpose)
	require.NoError(w, err)
	out, err := key.Wrap(w.Context(), publicKey, wrap.Binding{Purpose: purpose, Item: invitation[:]})
	require.NoError(w, err)
	return out
}

// TestForgedContacts: the server answers invitations with keys of its own. With
// the link, the fingerprint differs from what the contact says. Without it, or
// after the owner has seen the contact's key, the client notices.
func TestForgedContacts(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop, friend := w.account(0), w.account(1)
		link, err := laptop.Invite(ctx, "first")
		require.NoError(w, err)
		wrongLink := link[:len(link)-43] + base64.RawURLEncoding.EncodeToString(make([]byte, 32))
		said, err := friend.AcceptInvitation(ctx, link, "the owner")
		require.NoError(w, err)
		key, err := contacts.NewKey()
		require.NoError(w, err)
		d, f := laptop.faulty()
		_, err = d.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		serve := func(answer []byte) client.Contact {
			lies(f, "/v1/contacts", func(c *api.Contacts) { c.Invited[0].Answer = answer })
			all, err := d.Contacts(ctx)
			require.NoError(w, err)
			require.Len(w, all, 1)
			return all[0]
		}
		for what, answer := range map[string][]byte{
			"another link's": answered(w, wrongLink, key.PublicKey()), "garbage": []byte("x"),
		} {
			found := serve(answer)
			require.Equal(w, client.ContactForged, found.State, what)
			_, err = d.Appoint(ctx, []byte(password), 1, found.Invitation)
			require.ErrorIs(w, err, client.ErrForged, what)
		}
		f.honest()
		all, err := d.Contacts(ctx)
		require.NoError(w, err)
		require.Equal(w, said, all[0].Fingerprint)
		found := serve(answered(w, link, key.PublicKey())) // the server has the link, and comes later
		require.Equal(w, client.ContactForged, found.State)
		require.Equal(w, said, found.Fingerprint)
		_, err = d.Appoint(ctx, []byte(password), 1, found.Invitation)
		require.ErrorIs(w, err, client.ErrForged)
		f.honest()
		d.shown()
		_, err = d.Appoint(ctx, []byte(password), 1, found.Invitation)
		require.NoError(w, err)

		link, err = d.Invite(ctx, "second") // the server has the link, and comes first
		require.NoError(w, err)
		said, err = w.account(2).AcceptInvitation(ctx, link, "the owner")
		require.NoError(w, err)
		lies(f, "/v1/contacts", func(c *api.Contacts) { c.Invited[1].Answer = answered(w, link, key.PublicKey()) })
		all, err = d.Contacts(ctx)
		require.NoError(w, err)
		require.Equal(w, client.ContactAccepted, all[1].State)
		require.NotEqual(w, said, all[1].Fingerprint, "people compare this")
	})
}

// TestForgedShares: the server gives a contact a share of its own making. The
// fingerprint differs from the owner's. A contact who has a share takes none of
// another keyring.
func TestForgedShares(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop, friend, mallory := w.account(0), w.account(1), w.account(2)
		mine, theirs := laptop.befriends(friend), mallory.befriends(friend)
		appoint := func(owner *device, id api.ID) string {
			owner.shown()
			split, err := owner.Appoint(ctx, []byte(password), 1, id)
			require.NoError(w, err)
			return split
		}
		split, forged := appoint(laptop, mine), appoint(mallory, theirs)
		d, f := friend.faulty()
		_, err := d.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		swap := func(c *api.Contacts) {
			for i := range c.Of {
				for j := range c.Of {
					if c.Of[i].ID == mine && c.Of[j].ID == theirs {
						c.Of[i].Slot, c.Of[i].Message = c.Of[j].Slot, c.Of[j].Message
					}
				}
			}
		}
		fooled, g := friend.copy().faulty()
		_, err = fooled.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		lies(g, "/v1/contacts", swap)
		swapped := g.change
		g.change = func(r client.Request, out *client.Response) {
			if r.Path == "/v1/contacts/received" {
				out.Status, out.Body = 200, []byte("{}")
			}
			swapped(r, out)
		}
		seen, err := fooled.Receive(ctx, mine)
		require.NoError(w, err)
		require.Equal(w, forged, seen)
		require.NotEqual(w, split, seen, "people compare this")

		// The owner delivers again, and the contact takes the right share.
		appoint(laptop, mine)
		_, err = d.Receive(ctx, mine)
		require.Error(w, err, "another keyring's share is there")
		require.NoError(w, laptop.Disinvite(ctx, []byte(password), mine))
		require.NoError(w, d.Sync(ctx))
		again := laptop.befriends(d)
		split = appoint(laptop, again)
		got, err := d.Receive(ctx, again)
		require.NoError(w, err)
		require.Equal(w, split, got)
		lies(f, "/v1/contacts", func(c *api.Contacts) {
			for i := range c.Of {
				if c.Of[i].ID == again {
					c.Of[i].Message, c.Of[i].Received = []byte("x"), false
				}
			}
		})
		got, err = d.Receive(ctx, again)
		require.NoError(w, err)
		require.Equal(w, split, got, "it has the share already")
	})
}

// TestSwappedQuestions: the server exchanges questions, numbers and grants
// between two accounts and two claims. No share and no device gets to the wrong
// side.
func TestSwappedQuestions(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		mallory := w.account(1)
		number := func(d *device) api.ID {
			h, err := recovery.ParseHeader(d.headerOf())
			require.NoError(w, err)
			return api.ID(h.Account())
		}
		theirs := number(mallory)

		// A new device is told another account's number.
		joining, f := w.device().faulty()
		lies(f, "/v1/claims/begin", func(c *api.Claimed) { c.Number = theirs })
		a, err := joining.Join(ctx, who("alice0"))
		require.NoError(w, err)
		require.ErrorIs(w, e.laptop.GrantQR(ctx, []byte(password), a.QR()), client.ErrNoAsk)
		g := e.laptop.tries(a)
		if g != nil {
			_, err = a.Code(ctx)
			if err == nil {
				_, err = g.Code(ctx)
			}
			require.Error(w, err)
		}
		require.Empty(w, joining.store.values["keyring"])
		f.honest()
		a, err = joining.Join(ctx, who("alice0"))
		require.NoError(w, err)
		require.NoError(w, e.laptop.GrantQR(ctx, []byte(password), a.QR()))

		// Grants of two devices are exchanged, and altered.
		other, g2 := w.device().faulty()
		b, err := other.Join(ctx, who("alice0"))
		require.NoError(w, err)
		require.NoError(w, e.laptop.GrantQR(ctx, []byte(password), b.QR()))
		var granted [][]byte
		for _, one := range []*faults{f, g2} {
			lies(one, "/v1/claims/status", func(c *api.Claim) {
				granted = append(granted, c.Asks[0].Grant)
				c.Asks[0].Grant = granted[0]
			})
		}
		require.NoError(w, a.Joined(ctx, "", []byte("a pin")))
		require.Error(w, b.Joined(ctx, "", []byte("a pin")), "the first device's grant")
		require.Empty(w, other.store.values["keyring"])
		lies(g2, "/v1/claims/status", func(c *api.Claim) { c.Asks[0].Grant[7] ^= 1 })
		require.Error(w, b.Joined(ctx, "", []byte("a pin")))
		g2.honest()
		require.NoError(w, b.Joined(ctx, "", []byte("a pin")))
		other.requireNote()

		// A claim with contacts: shares of two questions are exchanged.
		claimant, h := w.device().faulty()
		require.NoError(w, claimant.ClaimContacts(ctx, who("alice0")))
		var asks []*client.Asking
		for _, friend := range e.friends[:2] {
			ask, err := claimant.AskContact(ctx)
			require.NoError(w, err)
			require.NoError(w, friend.GrantQR(ctx, nil, ask.QR()))
			asks = append(asks, ask)
		}
		lies(h, "/v1/claims/status", func(c *api.Claim) {
			c.Asks[0].Grant, c.Asks[1].Grant = c.Asks[1].Grant, c.Asks[0].Grant
		})
		for _, ask := range asks {
			_, err = ask.Share(ctx, "")
			require.Error(w, err)
		}
		h.honest()
		for _, ask := range asks {
			_, err = ask.Share(ctx, "")
			require.NoError(w, err)
		}
		claimant.waits(nil)
		claimant.requireNote()

		// Another account's number finds no share of these contacts.
		claimant, h = w.device().faulty()
		lies(h, "/v1/claims/begin", func(c *api.Claimed) { c.Number = theirs })
		require.NoError(w, claimant.ClaimContacts(ctx, who("alice0")))
		ask, err := claimant.AskContact(ctx)
		require.NoError(w, err)
		require.ErrorIs(w, e.friends[0].GrantQR(ctx, nil, ask.QR()), client.ErrNoAsk)
	})
}

// tries answers a question, or returns nil if the client refuses.
func (d *device) tries(a *client.Asking) *client.Granting {
	asks, err := d.Asks(d.w.Context())
	require.NoError(d.w, err)
	for _, ask := range asks {
		if client.AskNumber(ask.ID) == a.Number() {
			if g, err := d.Grant(d.w.Context(), ask.ID); err == nil {
				return g
			}
		}
	}
	return nil
}
