package e2e

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/stretchr/testify/require"
)

// join asks to join an account, is granted by QR code or by codes, and joins.
func (d *device) join(granter *device, codes bool) error {
	ctx := d.w.Context()
	a, err := d.Join(ctx, granter.Who())
	if err != nil {
		return err
	}
	if !codes {
		if err := granter.GrantQR(ctx, []byte(password), a.QR()); err != nil {
			return err
		}
		return a.Joined(ctx, "", []byte("a pin"))
	}
	var ask api.ID
	asks, err := granter.Asks(ctx)
	if err != nil {
		return err
	}
	for _, one := range asks {
		if client.AskNumber(one.ID) == a.Number() {
			ask = one.ID
		}
	}
	g, err := granter.Grant(ctx, ask)
	if err != nil {
		return err
	}
	mine, err := a.Code(ctx)
	if err != nil {
		return err
	}
	theirs, err := g.Code(ctx)
	if err != nil {
		return err
	}
	if err := g.Finish(ctx, []byte(password), mine); err != nil {
		return err
	}
	return a.Joined(ctx, theirs, []byte("a pin"))
}

// TestStoppedJoin: a new device or the device that approves it can stop at every
// request. It joins at the next try, or logs in with the password.
func TestStoppedJoin(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		var granter *device
		joins := 0
		stoppedAnywhere(w, func(try int) *device {
			granter = w.account(try)
			return w.device()
		}, func(d *device) error { return d.join(granter, true) }, func(d *device, err error) {
			require.Error(w, err)
			again := d.restart()
			if joins++; joins%2 == 0 {
				_, err := again.Login(ctx, granter.Name(), one(password))
				require.NoError(w, err)
				again.requireNote()
				granter.opensWith(password)
				return
			}
			require.NoError(w, again.join(granter, false))
			again.requireNote()
			again.unlocked("a pin").requireNote()
			granter.opensWith(password)
		})
		var joining *device
		stoppedAnywhere(w, func(try int) *device {
			joining = w.device()
			return w.account(1000 + try)
		}, func(d *device) error {
			if _, err := d.Unlock(ctx, []byte(password)); err != nil {
				return err
			}
			return joining.join(d, false)
		}, func(d *device, err error) {
			require.Error(w, err)
			again := d.unlocked(password)
			require.NoError(w, joining.restart().join(again, true))
			joining.unlocked("a pin").requireNote()
			d.opensWith(password)
		})
	})
}

// TestStoppedJoined: the new device only loses the network for a moment. The
// same question goes on.
func TestStoppedJoined(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		for n := 1; ; n++ {
			laptop := w.account(n)
			d, f := w.device().faulty()
			a, err := d.Join(ctx, laptop.Who())
			require.NoError(w, err)
			require.NoError(w, laptop.GrantQR(ctx, []byte(password), a.QR()))
			f.stopAt, f.answered = f.sent+n, n%2 == 0
			err = a.Joined(ctx, "", []byte("a pin"))
			f.stopAt = 0
			if err == nil {
				require.Greater(w, n, 2)
				d.requireNote()
				return
			}
			require.ErrorIs(w, err, client.ErrOffline)
			require.NoError(w, a.Joined(ctx, "", []byte("a pin")))
			d.requireNote()
		}
	})
}

// TestStoppedAppointment: appointing contacts, and receiving a share, can stop at
// every request. Both work the next time, and the contacts then help.
func TestStoppedAppointment(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		var c circle
		helps := func(owner *device) {
			d := w.device()
			require.NoError(w, d.ClaimContacts(ctx, owner.Who()))
			for _, friend := range c.friends {
				friend.helps(d)
			}
			d.waits(nil)
			d.requireNote()
		}
		stoppedAnywhere(w, func(try int) *device {
			owner := w.account(try)
			c = w.newCircle(owner, 1, 1)
			return owner
		}, func(d *device) error {
			if _, err := d.Unlock(ctx, []byte(password)); err != nil {
				return err
			}
			_, err := d.Appoint(ctx, []byte(password), 1, c.invitations...)
			return err
		}, func(d *device, err error) {
			require.Error(w, err)
			again := d.unlocked(password)
			c.appointed(again, 1)
			helps(again)
			d.opensWith(password)
		})
		var owner *device
		split := ""
		stoppedAnywhere(w, func(try int) *device {
			owner = w.account(1000 + try)
			c = w.newCircle(owner, 1, 1)
			owner.shown()
			var err error
			split, err = owner.Appoint(ctx, []byte(password), 1, c.invitations...)
			require.NoError(w, err)
			return c.friends[0]
		}, func(d *device) error {
			if _, err := d.Unlock(ctx, []byte(password)); err != nil {
				return err
			}
			_, err := d.Receive(ctx, c.invitations[0])
			return err
		}, func(d *device, err error) {
			require.Error(w, err)
			another := w.device() // of the contact, who has lost the one that stopped
			_, err = another.Login(ctx, d.Name(), one(password))
			require.NoError(w, err)
			of, err := another.ContactOf(ctx)
			require.NoError(w, err)
			if of[0].Received {
				require.Equal(w, split, of[0].Split)
			}
			c.friends[0] = d.unlocked(password)
			got, err := c.friends[0].Receive(ctx, c.invitations[0])
			require.NoError(w, err)
			require.Equal(w, split, got)
			helps(owner)
		})
	})
}

// TestStoppedInvitation: accepting an invitation can stop at every request.
func TestStoppedInvitation(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		var owner *device
		link := ""
		stoppedAnywhere(w, func(try int) *device {
			owner = w.account(try)
			var err error
			link, err = owner.Invite(ctx, "first")
			require.NoError(w, err)
			return w.account(1000 + try)
		}, func(d *device) error {
			if _, err := d.Unlock(ctx, []byte(password)); err != nil {
				return err
			}
			_, err := d.AcceptInvitation(ctx, link, "the owner")
			return err
		}, func(d *device, err error) {
			require.Error(w, err)
			again := d.unlocked(password)
			said, err := again.AcceptInvitation(ctx, link, "the owner")
			require.NoError(w, err)
			all, err := owner.Contacts(ctx)
			require.NoError(w, err)
			require.Len(w, all, 1)
			require.Equal(w, said, all[0].Fingerprint)
			owner.shown()
			split, err := owner.Appoint(ctx, []byte(password), 1, all[0].Invitation)
			require.NoError(w, err)
			got, err := again.Receive(ctx, all[0].Invitation)
			require.NoError(w, err)
			require.Equal(w, split, got)
		})
	})
}

// TestStoppedContactsClaim: a claim with contacts can stop at every request, from
// its beginning to the new password. The shares that were received stay.
func TestStoppedContactsClaim(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		owner := w.account(0)
		c := w.newCircle(owner, 2, 2)
		passwords := []string{password}
		claims := func(d *device, new string) error {
			if _, err := d.Claim(ctx); errors.Is(err, client.ErrNoClaim) {
				if err := d.ClaimContacts(ctx, who("alice0")); err != nil {
					return err
				}
			}
			for _, friend := range c.friends {
				a, err := d.AskContact(ctx)
				if hasCode(err, api.Conflict) {
					break // enough have granted
				}
				if err != nil {
					return err
				}
				err = friend.GrantQR(ctx, nil, a.QR())
				if hasCode(err, api.Conflict) {
					continue // this one has
				}
				if err != nil {
					return err
				}
				if _, err := a.Share(ctx, ""); err != nil {
					return err
				}
			}
			w.clock.advance(day)
			if err := d.OpenClaim(ctx, nil); err != nil {
				return err
			}
			_, err := d.SetPassword(ctx, one(new), false)
			return err
		}
		n := 0
		stoppedAnywhere(w, func(try int) *device {
			n++
			return w.device()
		}, func(d *device) error { return claims(d, "another password") }, func(d *device, err error) {
			require.Error(w, err)
			now := w.logsIn("alice0", append(passwords, "another password")...)
			again := d.restart()
			next := fmt.Sprint("password after stop ", n)
			require.NotEqual(w, next, now)
			err = claims(again, next)
			if err != nil { // a share was lost with its question, or the claim is used
				require.NoError(w, again.DropClaim(ctx))
				err = claims(again, next)
			}
			if err != nil {
				again.setsPassword(next)
			}
			passwords = []string{next}
			require.Equal(w, next, w.logsIn("alice0", now, "another password", next))
		})
		require.Greater(w, n, 20)
	})
}
