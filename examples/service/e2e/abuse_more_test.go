package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// TestThiefWithASession: the token of a session, without the password, doubles
// the wait of a claim once. It cancels nothing, and lets nobody in.
func TestThiefWithASession(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		w.clock.advance(time.Hour)
		token := e.laptop.token()
		owner := w.device()
		require.NoError(w, owner.ClaimFile(ctx, who("alice0"), e.file))
		claim := e.laptop.claims()[0]
		post := func(path string, in any) (int, string) { return w.request("POST", path, token, marshal(w, in)) }
		status, _ := post("/v1/claims/delay", api.ClaimID{Claim: claim.ID})
		require.Equal(w, 200, status)
		for range 3 {
			status, _ = post("/v1/claims/delay", api.ClaimID{Claim: claim.ID})
			require.Equal(w, 409, status)
		}
		_, answer := post("/v1/claims/cancel", api.ClaimID{Claim: claim.ID})
		require.Contains(w, answer, api.StepUpRequired)
		another := w.account(1)
		status, _ = w.request("POST", "/v1/claims/delay", another.token(), marshal(w, api.ClaimID{Claim: claim.ID}))
		require.Equal(w, 404, status, "another account's")
		require.ErrorIs(w, another.CancelClaim(ctx, []byte(password), claim.ID), is(api.NotFound))

		// It neither lets a device in, nor begins a phrase.
		own, err := e.laptop.DeviceSlot(ctx)
		require.NoError(w, err)
		_, ask := w.asksToJoin("alice0")
		_, answer = post("/v1/asks/grant", api.AskGrant{Ask: ask, Grant: []byte("x"), Slot: api.ID(own)})
		require.Contains(w, answer, api.StepUpRequired)
		_, answer = post("/v1/phrase/begin", api.FirstMessage{OPAQUE: []byte("x")})
		require.Contains(w, answer, api.LoginRequired)
		w.clock.advance(2 * day)
		require.NoError(w, owner.OpenClaim(ctx, e.file), "the owner's claim goes on")
		owner.requireNote()
	})
}

// asksToJoin begins a claim of a new device by hand.
func (w *world) asksToJoin(name string) (token string, ask api.ID) {
	var claimed api.Claimed
	require.Equal(w, 200, w.post("/v1/claims/begin", "", api.BeginClaim{Name: name, Way: api.WayDevice}, &claimed))
	request, err := recovery.NewRequest(recovery.AccountID(claimed.Number))
	require.NoError(w, err)
	var id api.AskID
	require.Equal(w, 200, w.post("/v1/claims/ask", "", api.NewAsk{Token: claimed.Token, Ask: request.Ask()}, &id))
	return claimed.Token, id.ID
}

// TestThiefWithAFreshSession: the token of a session that has just logged in
// makes no way in that would outlast a change of the password.
func TestThiefWithAFreshSession(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		own, err := laptop.DeviceSlot(ctx)
		require.NoError(w, err)
		token := laptop.token()

		// A session of an approved device, bound to a slot that is there.
		claim, ask := w.asksToJoin("alice0")
		status, _ := w.request("POST", "/v1/asks/grant", token, marshal(w, api.AskGrant{Ask: ask, Grant: []byte("x"), Slot: api.ID(own)}))
		require.Equal(w, 403, status)
		status, _ = w.opened(claim)
		require.Equal(w, 409, status, "a session without the password")

		// A phrase, in a header that nobody but a device can check.
		phrase, err := recovery.NewPhrase(12)
		require.NoError(w, err)
		in := api.NewKeyring{Phrase: w.registered(token, phrase), Header: w.forged(ctx, w.header(token), phrase)}
		status, _ = w.request("PUT", "/v1/keyring", token, marshal(w, in))
		require.Equal(w, 403, status)
		err = w.device().LoginPhrase(ctx, who("alice0"), phrase)
		require.ErrorIs(w, err, client.ErrAuthentication, "a login without the password")

		// A file. The claim would wait.
		file := recovery.NewFile()
		in = api.NewKeyring{Header: w.forged(ctx, w.header(token), file), Half: file.ServerSecret(), Proof: madeUpProof}
		status, _ = w.request("PUT", "/v1/keyring", token, marshal(w, in))
		require.Equal(w, 403, status)

		// Contacts of the thief's own.
		key, err := contacts.NewKey()
		require.NoError(w, err)
		split, err := contacts.NewSplit(1, key.PublicKey())
		require.NoError(w, err)
		in = api.NewKeyring{Header: w.forged(ctx, w.header(token), split)}
		status, _ = w.request("PUT", "/v1/keyring", token, marshal(w, in))
		require.Equal(w, 403, status)
		status, _ = w.request("POST", "/v1/contacts/remove", token, marshal(w, api.InvitationID{Invitation: api.ID{1}}))
		require.Equal(w, 403, status)
		laptop.requireNote()
	})
}

// registered registers a phrase by hand.
func (w *world) registered(token string, p *recovery.Phrase) []byte {
	secret, err := p.AuthSecret()
	require.NoError(w, err)
	r, request, err := w.opaqueClient().Register(nil, secret)
	require.NoError(w, err)
	var begun api.Begun
	if w.post("/v1/phrase/begin", token, api.FirstMessage{OPAQUE: request}, &begun) != 200 {
		return []byte("x")
	}
	upload, err := r.Finish(w.Context(), begun.Response)
	require.NoError(w, err)
	return upload
}

// forged returns a header that follows another one and has one more slot, as
// somebody makes it who knows no key.
func (w *world) forged(ctx context.Context, stored []byte, s recovery.Sealer) []byte {
	p, err := recoverytest.Split(stored)
	require.NoError(w, err)
	require.NoError(w, p.Follow(stored))
	_, err = p.AddSlot(ctx, s, make([]byte, 32), make([]byte, 32))
	require.NoError(w, err)
	require.NoError(w, p.Rekey(p.Epoch, map[uint32][]byte{p.Epoch: make([]byte, 32)}))
	return p.Sign(nil, nil)
}

// TestThiefWithADevice: somebody with an unlocked approved device claims a
// password. The owner cancels with the password. Removing the device's slot ends
// its session, its token and its claims at once.
func TestThiefWithADevice(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		require.NoError(w, e.phone.ClaimPassword(ctx))
		_, err := e.phone.SetPassword(ctx, one("the thief's"), true)
		require.ErrorIs(w, err, client.ErrNotRecovered)
		claims := e.laptop.claims()
		require.Len(w, claims, 1)
		require.Equal(w, api.WayPassword, claims[0].Way)
		require.NoError(w, e.laptop.CancelClaim(ctx, []byte(password), claims[0].ID))
		w.clock.advance(2 * day)
		require.ErrorIs(w, e.phone.OpenClaim(ctx, nil), client.ErrClaimOver)
		require.True(w, w.alive(e.phone.token()), "the device stays until its slot is removed")

		// The next claims are reviewed, and removing the slot ends them too.
		require.NoError(w, e.phone.DropClaim(ctx))
		require.NoError(w, e.phone.ClaimPassword(ctx))
		require.Equal(w, api.ClaimReview, e.phone.state())
		slot, err := e.phone.DeviceSlot(ctx)
		require.NoError(w, err)
		e.laptop.shown()
		require.NoError(w, e.laptop.RemoveSlots(ctx, []byte(password), slot))
		require.False(w, w.alive(e.phone.token()))
		require.Equal(w, api.ClaimFailed, e.phone.state())
		status, _ := w.request("POST", "/v1/claims/password", e.phone.token(), "{}")
		require.Equal(w, 401, status)
		_, err = e.laptop.Put(ctx, client.Item{Kind: client.KindNote, Title: "Second", Text: secret})
		require.NoError(w, err)
		require.NoError(w, e.laptop.Sync(ctx))
		stolen := e.phone.restart()
		u, err := stolen.Unlock(ctx, []byte("pin of the phone"))
		require.NoError(w, err)
		require.Error(w, u.Offline)
		require.Equal(w, note, stolen.notes(), "what it had")
	})
}

// TestThiefWithAnOpenedClaim: the owner is late, and cancels after the claim was
// opened. Until a password is set, that ends the thief's session.
func TestThiefWithAnOpenedClaim(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		thief := e.byFile()
		require.NoError(w, e.laptop.CancelClaim(ctx, []byte(password), e.laptop.claims()[0].ID))
		require.False(w, w.alive(thief.token()))
		_, err := thief.SetPassword(ctx, one("the thief's"), true)
		require.Error(w, err)
		require.Equal(w, password, e.laptop.opensWith(password, "the thief's"))
	})
}

// TestStrangersUseUpClaims: strangers who begin claims until they are refused do
// not keep the user from the ways that need more than the name.
func TestStrangersUseUpClaims(t *testing.T) {
	inWorlds(t, func(c *server.Config) { c.Limits.Claims = store.Budget{Burst: 5, Every: time.Hour} }, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		slot := api.ID{1}
		for _, name := range []string{"alice0", "nobody"} {
			for _, in := range []api.BeginClaim{
				{Way: api.WayFile, Slot: &slot, Proof: madeUpProof}, {Way: api.WayContacts}, {Way: api.WayDevice}, {Way: api.WayReview, Text: "It is me."},
			} {
				in.Name = name
				status := 200
				for range 6 {
					status = w.post("/v1/claims/begin", "", in, nil)
				}
				require.Equal(w, 429, status, "%s: %s", name, in.Way)
			}
		}
		require.NoError(w, e.phone.ClaimPassword(ctx))
		e.byPhrase().requireNote()
		e.byFile().requireNote()
		e.byContacts().requireNote()
	})
}
