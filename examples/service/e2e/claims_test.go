package e2e

import (
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// opened opens a claim by hand.
func (w *world) opened(token string) (status int, out api.Opened) {
	status = w.post("/v1/claims/open", "", api.ClaimToken{Token: token}, &out)
	return status, out
}

// alive reports whether a session can read.
func (w *world) alive(token string) bool {
	status, _ := w.request("GET", "/v1/items?after=0", token, "")
	return status == 200
}

// TestClaimOpensAgain: an answer may be lost, so a claim opens until it is used.
// Only its last session counts. It survives restarts of the servers.
func TestClaimOpensAgain(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		file := laptop.withFile()
		d := w.device()
		require.NoError(w, d.ClaimFile(ctx, who("alice0"), file))
		require.ErrorIs(w, d.ClaimFile(ctx, who("alice0"), file), client.ErrHasClaim)
		w.restart(func(*server.Config) {})
		w.clock.advance(day)
		w.tend()
		w.restart(func(*server.Config) {})
		status, first := w.opened(d.claimToken())
		require.Equal(w, 200, status)
		status, second := w.opened(d.claimToken())
		require.Equal(w, 200, status)
		require.Equal(w, first.Half, second.Half)
		require.False(w, w.alive(first.Token))
		require.True(w, w.alive(second.Token))
		again := d.restart()
		require.NoError(w, again.OpenClaim(ctx, file))
		require.False(w, w.alive(second.Token))
		token := again.claimToken()
		_, err := again.SetPassword(ctx, one(other), false)
		require.NoError(w, err)
		status, _ = w.opened(token)
		require.Equal(w, 409, status, "it was used")
		var now api.Claim
		require.Equal(w, 200, w.post("/v1/claims/status", "", api.ClaimToken{Token: token}, &now))
		require.Equal(w, api.ClaimDone, now.State)
		require.Equal(w, other, again.opensWith(password, other))
	})
}

// TestClaimEndsWithItsSlot: when a file, contacts or a device are removed from
// the keyring, their claims and sessions end with the same request.
func TestClaimEndsWithItsSlot(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		waiting, byFile := w.device(), w.device()
		require.NoError(w, waiting.ClaimFile(ctx, who("alice0"), e.file))
		second := e.laptop.withFile()
		require.NoError(w, byFile.ClaimFile(ctx, who("alice0"), second))
		byContacts := e.byContacts()
		require.NoError(w, byFile.OpenClaim(ctx, second))
		byPhrase := e.byPhrase()
		byDevice := e.byDevice()
		third := e.laptop.withFile()
		other := w.device()
		require.NoError(w, other.ClaimFile(ctx, who("alice0"), third))
		require.Equal(w, api.ClaimReady, waiting.state())

		_, err := e.laptop.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		phone, err := e.phone.DeviceSlot(ctx)
		require.NoError(w, err)
		remove := []recovery.SlotID{e.file.ID(), second.ID(), phone}
		for _, s := range e.laptop.Slots() {
			if s.Type == "contacts" || s.Type == "phrase" {
				remove = append(remove, s.ID)
			}
		}
		held := heldToken(e.phone)
		require.True(w, w.alive(held))
		e.laptop.shown()
		require.NoError(w, e.laptop.RemoveSlots(ctx, []byte(password), remove...))
		require.Equal(w, api.ClaimFailed, waiting.state())
		require.ErrorIs(w, waiting.OpenClaim(ctx, e.file), client.ErrClaimOver)
		for _, d := range []*device{byFile, byContacts, byDevice} {
			require.Equal(w, api.ClaimFailed, d.state())
			status, _ := w.opened(d.claimToken())
			require.Equal(w, 409, status)
		}
		for _, d := range []*device{byFile, byContacts, byDevice, byPhrase} {
			require.False(w, w.alive(d.token()))
			_, err := d.SetPassword(ctx, one("never"), false)
			require.Error(w, err)
		}
		require.False(w, w.alive(held), "the device's own session")
		require.True(w, w.alive(e.laptop.token()))
		require.Equal(w, api.ClaimWaiting, other.state(), "its slot is there")
		for _, friend := range e.friends {
			asks, err := friend.Asks(ctx)
			require.NoError(w, err)
			require.Empty(w, asks)
		}
		require.ErrorIs(w, w.device().LoginPhrase(ctx, who("alice0"), e.phrase), client.ErrAuthentication)
		e.laptop.requireNote()
	})
}

// heldToken returns the token of an approved device's own session while it
// recovers the account.
func heldToken(d *device) string {
	var state struct{ Joined struct{ Token string } }
	unmarshal(d.w, string(d.store.values["account"]), &state)
	return state.Joined.Token
}

// TestPasswordChangeDuringTheWait: a change of the password ends sessions that
// recover the account, and no claims: whoever has changed it may not be the
// owner. The new password cancels them.
func TestPasswordChangeDuringTheWait(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		file := laptop.withFile()
		phrase := laptop.withPhrase()
		d, byPhrase := w.device(), w.device()
		require.NoError(w, d.ClaimFile(ctx, who("alice0"), file))
		require.NoError(w, byPhrase.LoginPhrase(ctx, who("alice0"), phrase))
		require.NoError(w, laptop.ChangePassword(ctx, one(password), one(other)))
		require.False(w, w.alive(byPhrase.token()))
		d.waits(file)
		d.requireNote()
		require.NoError(w, laptop.ChangePassword(ctx, one(other), one("a third password")))
		require.False(w, w.alive(d.token()), "opened before the change")
		require.NoError(w, d.OpenClaim(ctx, file))
		claims := laptop.claims()
		require.Len(w, claims, 1)
		require.ErrorIs(w, laptop.CancelClaim(ctx, []byte(password), claims[0].ID), client.ErrAuthentication)
		require.NoError(w, laptop.CancelClaim(ctx, []byte("a third password"), claims[0].ID))
		require.False(w, w.alive(d.token()))
		require.Equal(w, api.ClaimCancelled, d.state())
		require.ErrorIs(w, d.OpenClaim(ctx, file), client.ErrClaimOver)
		require.ErrorIs(w, laptop.CancelClaim(ctx, []byte("a third password"), claims[0].ID), is(api.Conflict))
		require.Equal(w, api.ClaimCancelled, laptop.claims()[0].State)
	})
}

// TestRecoveryEndsClaims: once the account is recovered by one way, the claims
// and the sessions of all other ways end. Claims that any stranger can begin
// lapse by themselves, so that strangers notice nothing.
func TestRecoveryEndsClaims(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		opened := e.byFile()
		tablet := e.laptop.lets(w.device(), "a pin")
		require.NoError(w, tablet.ClaimPassword(ctx))
		tablet.waits(nil)
		waiting, asked, review, joining := w.device(), w.device(), w.device(), w.device()
		require.NoError(w, waiting.ClaimFile(ctx, who("alice0"), e.file))
		require.NoError(w, asked.ClaimContacts(ctx, who("alice0")))
		e.friends[0].helps(asked)
		require.NoError(w, review.ClaimReview(ctx, "alice0", "It is me."))
		require.NoError(w, e.phone.ClaimPassword(ctx))
		a, err := joining.Join(ctx, who("alice0"))
		require.NoError(w, err)
		byPhrase := e.byPhrase()
		_, err = byPhrase.SetPassword(ctx, one(other), false)
		require.NoError(w, err)
		require.Equal(w, []api.ClaimState{api.ClaimAsked, api.ClaimReview}, []api.ClaimState{asked.state(), review.state()})
		for _, d := range []*device{opened, tablet, waiting, e.phone} {
			require.Equal(w, api.ClaimDone, d.state())
			status, _ := w.opened(d.claimToken())
			require.Equal(w, 409, status)
		}
		require.False(w, w.alive(opened.token()))
		require.False(w, w.alive(tablet.token()))
		require.True(w, w.alive(heldToken(tablet)), "an approved device")
		require.True(w, w.alive(e.phone.token()))
		_, err = opened.SetPassword(ctx, one("never"), false)
		require.Error(w, err)
		require.NoError(w, byPhrase.GrantQR(ctx, []byte(other), a.QR()), "the owner lets the device in")
		w.clock.advance(3 * day)
		require.Equal(w, api.ClaimDone, waiting.state())
		require.Equal(w, api.ClaimFailed, asked.state())
		for _, c := range byPhrase.claims() {
			require.Equal(w, api.ClaimDone, c.State)
		}
		require.Equal(w, other, byPhrase.opensWith(password, "never", other))
	})
}

// TestTokensOfClaims: a token is the only key to a claim, and no key to another.
func TestTokensOfClaims(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		circle := w.newCircle(laptop, 2, 2)
		mine, theirs := w.device(), w.device()
		require.NoError(w, mine.ClaimContacts(ctx, who("alice0")))
		require.NoError(w, theirs.ClaimContacts(ctx, who("alice0")))
		a, err := mine.AskContact(ctx)
		require.NoError(w, err)
		asks, err := circle.friends[0].Asks(ctx)
		require.NoError(w, err)
		require.Len(w, asks, 1)
		g, err := circle.friends[0].Grant(ctx, asks[0].ID)
		require.NoError(w, err)
		defer g.Discard()
		reveal := api.Reveal{Token: theirs.claimToken(), Ask: asks[0].ID, Reveal: make([]byte, 32)}
		require.Equal(w, 409, w.post("/v1/claims/reveal", "", reveal, nil))
		var now api.Claim
		require.Equal(w, 200, w.post("/v1/claims/status", "", api.ClaimToken{Token: theirs.claimToken()}, &now))
		require.Empty(w, now.Asks)
		for _, token := range []string{"", "made up", laptop.token(), mine.claimToken() + "A"} {
			for path, in := range map[string]any{
				"/v1/claims/status": api.ClaimToken{Token: token}, "/v1/claims/open": api.ClaimToken{Token: token},
				"/v1/claims/ask": api.NewAsk{Token: token, Ask: []byte("ask")}, "/v1/claims/reveal": reveal,
			} {
				if r, ok := in.(api.Reveal); ok {
					r.Token = token
					in = r
				}
				require.Equal(w, 404, w.post(path, "", in, nil), "%s %s", path, token)
			}
		}
		_, err = a.Code(ctx)
		require.NoError(w, err)
		// A session's token is no claim's, and the other way round.
		require.False(w, w.alive(mine.claimToken()))
	})
}
