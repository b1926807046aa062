package e2e

import (
	"crypto/sha256"
	"net/http"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestJoinByCodes: a new device joins with codes that are typed on both. It
// reads and writes, and its session outlasts a change of the password.
func TestJoinByCodes(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		laptop.withTOTP()
		phone := w.device()
		a, err := phone.Join(ctx, who("ALICE0"))
		require.NoError(w, err)
		_, err = a.Code(ctx)
		require.ErrorIs(w, err, client.ErrNotYet)
		g := laptop.answers(a)
		mine, err := a.Code(ctx)
		require.NoError(w, err)
		theirs, err := g.Code(ctx)
		require.NoError(w, err)
		require.ErrorIs(w, g.Finish(ctx, []byte("a guess at it"), mine), client.ErrAuthentication)
		require.ErrorIs(w, g.Finish(ctx, []byte(password), "a phrase of twelve words"), client.ErrNotACode)
		require.NoError(w, g.Finish(ctx, []byte(password), mine))
		require.Error(w, a.Joined(ctx, theirs, []byte("\x00")), "not a password")
		require.NoError(w, a.Joined(ctx, theirs, []byte("a pin")))
		phone.requireNote()
		_, err = phone.Put(ctx, client.Item{Kind: client.KindNote, Title: "Second", Text: secret})
		require.NoError(w, err)
		require.NoError(w, phone.Sync(ctx))
		require.Contains(w, laptop.kinds(), "device approved")
		laptop.shown()
		require.Len(w, laptop.notes(), 2)

		require.NoError(w, laptop.ChangePassword(ctx, one(password), one(other)))
		phone = phone.restart()
		_, err = phone.Unlock(ctx, []byte(other))
		require.ErrorIs(w, err, client.ErrWrongPassword, "it has a password of its own")
		u, err := phone.Unlock(ctx, []byte("a pin"))
		require.NoError(w, err)
		require.NoError(w, u.Offline)
		require.NoError(w, phone.Sync(ctx))
		sessions, err := phone.Sessions(ctx)
		require.NoError(w, err)
		slot, err := phone.DeviceSlot(ctx)
		require.NoError(w, err)
		for _, s := range sessions {
			require.Equal(w, s.Current, s.Way == api.WayDevice)
			require.False(w, s.Recovered)
			if s.Current {
				require.Equal(w, api.ID(slot), *s.Slot)
			}
		}
		// With the password it becomes a device like the others.
		_, err = phone.Login(ctx, "alice0", one(other))
		require.ErrorIs(w, err, client.ErrCodeRequired)
	})
}

// TestWrongJoins: without the codes and the password, nobody is let in.
func TestWrongJoins(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		slots := len(laptop.Slots())
		a, err := w.device().Join(ctx, who("alice0"))
		require.NoError(w, err)
		another, err := w.device().Join(ctx, who("alice0"))
		require.NoError(w, err)
		require.ErrorIs(w, laptop.GrantQR(ctx, nil, a.QR()), client.ErrPasswordRequired)
		require.ErrorIs(w, laptop.GrantQR(ctx, []byte("a guess at it"), a.QR()), client.ErrAuthentication)
		require.ErrorIs(w, laptop.GrantQR(ctx, []byte(password), "not a QR code"), client.ErrNoAsk)
		stranger := w.account(1)
		require.ErrorIs(w, stranger.GrantQR(ctx, []byte(password), a.QR()), client.ErrNoAsk)
		require.Len(w, laptop.Slots(), slots)

		require.NoError(w, laptop.GrantQR(ctx, []byte(password), a.QR()), "the right one of two")
		require.ErrorIs(w, another.Joined(ctx, "", []byte("a pin")), client.ErrNotYet)
		require.NoError(w, a.Joined(ctx, "", []byte("a pin")))
		require.ErrorIs(w, laptop.GrantQR(ctx, []byte(password), a.QR()), client.ErrNoAsk, "once")

		// Codes of two exchanges.
		b, err := w.device().Join(ctx, who("alice0"))
		require.NoError(w, err)
		g := laptop.answers(b)
		mine, err := b.Code(ctx)
		require.NoError(w, err)
		_, err = g.Code(ctx)
		require.NoError(w, err)
		require.ErrorIs(w, g.Finish(ctx, []byte(password), wrongCode(mine)), client.ErrCodes)
		require.Error(w, g.Finish(ctx, []byte(password), mine))
		require.ErrorIs(w, b.Joined(ctx, "", []byte("a pin")), client.ErrNotYet)
		laptop.shown()
		require.Len(w, laptop.Slots(), slots+1)
	})
}

// confirms makes a request with a step-up for an operation, by hand.
func (d *device) confirms(operation, path string, in any) (status int) {
	w := d.w
	var state struct{ Session api.ID }
	unmarshal(w, string(d.store.values["account"]), &state)
	body := marshal(w, in)
	digest := sha256.Sum256([]byte(body))
	o, err := w.opaqueClient().WithContext(api.StepUpContext(state.Session, operation, digest))
	require.NoError(w, err)
	login, request, err := o.Login(nil, []byte(password))
	require.NoError(w, err)
	var begun api.Begun
	first := api.BeginStepUp{Operation: operation, Digest: digest[:], Requests: api.Requests{OPAQUE: request, SRP: []byte("S\x01")}}
	require.Equal(w, 200, w.post("/v1/step-up/begin", d.token(), first, &begun))
	final, err := login.Respond(w.Context(), begun.Response)
	require.NoError(w, err)
	var out api.StepUp
	require.Equal(w, 200, w.post("/v1/step-up/finish", d.token(), api.FinishStepUp{Token: begun.Token, Final: final}, &out))
	return w.do("POST", path, body, func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+d.token())
		r.Header.Set(api.StepUpHeader, out.Token)
	}).StatusCode
}

// TestGrantNeedsASlot: the slot that a grant names must be a device's, and in the
// stored keyring. The password confirms this grant, and nothing else does.
func TestGrantNeedsASlot(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		e := w.everything()
		_, ask := w.asksToJoin("alice0")
		own, err := e.laptop.DeviceSlot(w.Context())
		require.NoError(w, err)
		grant := func(slot recovery.SlotID) api.AskGrant {
			return api.AskGrant{Ask: ask, Grant: []byte("x"), Slot: api.ID(slot)}
		}
		const path = "/v1/asks/grant"
		for what, slot := range map[string]recovery.SlotID{
			"no slot": {1}, "a file's": e.file.ID(), "the contacts'": contactsSlot(e.laptop), "zero": {},
		} {
			require.Equal(w, 409, e.laptop.confirms(api.OpApprove, path, grant(slot)), what)
		}
		require.Equal(w, 403, w.post(path, e.laptop.token(), grant(own), nil))
		require.Equal(w, 403, e.laptop.confirms(api.OpKeyring, path, grant(own)))
		require.Equal(w, 403, e.laptop.confirms(api.OpCancel, path, grant(own)))
		w.clock.advance(10 * time.Minute)
		require.Equal(w, 404, e.laptop.confirms(api.OpApprove, path, grant(own)), "too late")
	})
}

// TestRevokedSlotEndsSessions: removing a device's slot ends its session, the token of the
// device and a session that it logged in with the password, in one request.
func TestRevokedSlotEndsSessions(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		joined := laptop.lets(w.device(), "a pin")
		phone := w.device()
		entered, err := phone.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.NoError(w, phone.MarkSeen(ctx, entered.Unseen))
		before := w.rows("devices", "sessions")
		var remove []recovery.SlotID
		for _, d := range []*device{joined, phone} {
			slot, err := d.DeviceSlot(ctx)
			require.NoError(w, err)
			remove = append(remove, slot)
		}
		laptop.shown()
		require.NoError(w, laptop.RemoveSlots(ctx, []byte(password), remove...))
		require.Equal(w, map[string]int{"devices": before["devices"] - 1, "sessions": before["sessions"] - 2}, w.rows("devices", "sessions"))
		for _, d := range []*device{joined, phone} {
			require.False(w, w.alive(d.token()))
			require.ErrorIs(w, d.Sync(ctx), is(api.Unauthenticated))
		}
		_, err = laptop.Put(ctx, client.Item{Kind: client.KindNote, Title: "Second", Text: secret})
		require.NoError(w, err)
		require.NoError(w, laptop.Sync(ctx))
		require.ErrorIs(w, joined.ClaimPassword(ctx), is(api.Unauthenticated))
		again := laptop.lets(joined.restart(), "another pin") // the user has found it
		require.Len(w, again.notes(), 2)
	})
}

// TestJoinTwice: a device that has data of the account joins again, and keeps
// what it has not sent. One of another account does not join.
func TestJoinTwice(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		phone := laptop.lets(w.device(), "a pin")
		_, err := phone.Put(ctx, client.Item{Kind: client.KindNote, Title: "Unsent", Text: secret})
		require.NoError(w, err)
		require.NoError(w, phone.LogOut(ctx))
		phone = laptop.lets(phone.restart(), "another pin")
		require.Len(w, phone.notes(), 2)
		laptop.shown()
		require.Len(w, laptop.notes(), 2)

		stranger := w.account(1)
		a, err := stranger.Join(ctx, who("alice0"))
		require.NoError(w, err)
		require.NoError(w, laptop.GrantQR(ctx, []byte(password), a.QR()))
		require.ErrorIs(w, a.Joined(ctx, "", []byte("a pin")), client.ErrOtherAccount)
		stranger.requireNote()
		stranger = stranger.restart()
		_, err = stranger.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		stranger.requireNote()
	})
}
