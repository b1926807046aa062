package server

import (
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestOpenFile: a claim by file opens a session that recovers the account, with
// the half of the file. Opening it again ends the session before.
func TestOpenFile(t *testing.T) {
	s, clock := newClaims(t)
	token := s.fileClaim(t)
	_, code := ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	require.Equal(t, api.Conflict, code)
	s.to(t, clock, clock.Add(DefaultClaimWait))
	require.Equal(t, api.Conflict, s.newAccount(t, token, s.registration(t)), "nobody has reviewed it")
	first := must[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	require.Equal(t, s.ring.half, first.Half)
	require.Equal(t, api.ID(s.id), first.Account)
	must[api.Account](t, s, first.Token, "GET", "/v1/account", nil)
	second := must[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	_, code = ask[api.Account](t, s, first.Token, "GET", "/v1/account", nil)
	require.Equal(t, api.Unauthenticated, code)
	for _, one := range must[api.Sessions](t, s, second.Token, "GET", "/v1/sessions", nil).Sessions {
		require.Equal(t, one.ID == second.Session, one.Current)
		if one.Current {
			require.Equal(t, api.Session{
				ID: second.Session, Current: true, Created: clock.Unix(), Seen: clock.Unix(), Way: api.WayFile, Recovered: true,
				Slot: (*api.ID)(ptr(s.ring.slots["file"])),
			}, one)
		}
	}
	found, err := s.db.Session(t.Context(), digestOf(second.Token), clock.Time)
	require.NoError(t, err)
	require.Equal(t, clock.Add(recoveredTime), found.Expires)

	// Setting a password ends the claim and its other sessions.
	must[api.Empty](t, s, second.Token, "PUT", "/v1/keyring", api.NewKeyring{Header: s.ring.renewed, Upload: s.another.upload})
	require.Equal(t, api.ClaimDone, s.claimState(t, token))
	_, code = ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	require.Equal(t, api.Conflict, code)
	for token, want := range map[string]api.Code{fullToken: api.Unauthenticated, recoveredToken: api.Unauthenticated, deviceToken: "", second.Token: ""} {
		_, code := ask[api.Account](t, s, token, "GET", "/v1/account", nil)
		require.Equal(t, want, code, token)
	}
}

// TestOpenDevice: a device that was let in has a session at once, which ends
// with its slot. The claim can be opened for an hour.
func TestOpenDevice(t *testing.T) {
	s, clock := newClaims(t)
	device := api.ID(s.ring.slots["device"])
	token := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayDevice}).Token
	asked := must[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: token, Ask: []byte("ask")})
	_, code := ask[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: token, Ask: []byte("ask")})
	require.Equal(t, api.Full, code)
	require.Equal(t, api.ClaimAsked, s.claimState(t, token))
	open := must[api.Asks](t, s, fullToken, "GET", "/v1/asks", nil).Asks
	require.Equal(t, asked.ID, open[0].ID)
	require.Equal(t, api.ID(s.ring.number), open[0].Number)
	_, code = ask[api.Empty](t, s, fullToken, "POST", "/v1/asks/grant", api.AskGrant{Ask: asked.ID, Grant: []byte("grant"), Slot: api.ID(s.ring.slots["file"])})
	require.Equal(t, api.Conflict, code, "no slot of a device")
	begun := clock.Time
	s.to(t, clock, begun.Add(joinTime-time.Millisecond))
	must[api.Empty](t, s, fullToken, "POST", "/v1/asks/grant", api.AskGrant{Ask: asked.ID, Grant: []byte("grant"), Slot: device})
	status := must[api.Claim](t, s, "", "POST", "/v1/claims/status", api.ClaimToken{Token: token})
	require.Equal(t, api.ClaimReady, status.State)
	require.Equal(t, []byte("grant"), status.Asks[0].Grant)
	must[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	s.to(t, clock, clock.Add(recoveredTime-time.Millisecond))
	opened := must[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	require.Empty(t, opened.Half)
	of, err := s.db.Session(t.Context(), digestOf(opened.Token), clock.Time)
	require.NoError(t, err)
	require.Equal(t, store.Session{
		ID: store.ID(opened.Session), Account: s.id, Record: of.Record, Receipt: of.Receipt, Way: string(api.WayDevice), Slot: device[:], Claim: of.Claim,
		Created: clock.Time, Seen: clock.Time, LoginAt: clock.Time, Expires: clock.Add(deviceTime),
	}, of)
	s.to(t, clock, clock.Add(time.Millisecond))
	_, code = ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	require.Equal(t, api.Conflict, code)
	must[api.Account](t, s, opened.Token, "GET", "/v1/account", nil)
	must[api.Empty](t, s, fullToken, "PUT", "/v1/keyring", api.NewKeyring{Header: s.ring.next, Phrase: s.phrase.upload, Half: s.ring.nextHalf, Proof: proof})
	for _, token := range []string{opened.Token, deviceToken, recoveredToken} { // the next keyring has another phrase too
		_, code = ask[api.Account](t, s, token, "GET", "/v1/account", nil)
		require.Equal(t, api.Unauthenticated, code)
	}
}

// TestDeviceAskedTooLong: nobody can let in a device after some minutes.
func TestDeviceAskedTooLong(t *testing.T) {
	s, clock := newClaims(t)
	token := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayDevice}).Token
	asked := must[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: token, Ask: []byte("ask")})
	s.to(t, clock, clock.Add(joinTime))
	_, code := ask[api.Empty](t, s, fullToken, "POST", "/v1/asks/grant", api.AskGrant{Ask: asked.ID, Grant: []byte("grant"), Slot: api.ID(s.ring.slots["device"])})
	require.Equal(t, api.NotFound, code)
	require.Equal(t, api.ClaimFailed, s.claimState(t, token))
}

// TestOpenContacts: a claim by contacts waits from the grant of the last
// contact that it needs. Until then the account's sessions do not see it.
func TestOpenContacts(t *testing.T) {
	s, clock := newClaims(t)
	contacts := api.ID(s.ring.slots["contacts"])
	token := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayContacts}).Token
	asked := must[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: token, Ask: []byte("ask")})
	second := must[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: token, Ask: []byte("ask")})
	require.Empty(t, must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims)
	grant := func(who string, asked api.ID, slot api.ID) api.Code {
		_, code := ask[api.Empty](t, s, who, "POST", "/v1/asks/grant", api.AskGrant{Ask: asked, Grant: []byte("grant"), Slot: slot})
		return code
	}
	require.Equal(t, api.NotFound, grant(fullToken, asked.ID, contacts), "no contact")
	require.Equal(t, api.NotFound, grant(contactToken, asked.ID, api.ID(s.ring.slots["device"])), "no share of this slot")
	s.to(t, clock, clock.Add(askTime-time.Millisecond))
	for range 2 { // the answer may be lost
		require.Empty(t, grant(contactToken, asked.ID, contacts))
	}
	require.Empty(t, grant(contactToken, second.ID, contacts), "the same contact, again")
	status := must[api.Claim](t, s, "", "POST", "/v1/claims/status", api.ClaimToken{Token: token})
	require.Equal(t, api.ClaimWaiting, status.State)
	require.Equal(t, clock.Add(DefaultClaimWait).Unix(), status.Opens)
	own := must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims
	require.Len(t, own, 1)
	require.Equal(t, api.WayContacts, own[0].Way)
	s.to(t, clock, clock.Add(DefaultClaimWait))
	opened := must[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	of, err := s.db.Session(t.Context(), digestOf(opened.Token), clock.Time)
	require.NoError(t, err)
	require.True(t, of.Recovered)
	require.Equal(t, string(api.WayContacts), of.Way)
}

// TestGrantsStayForTheClaim: what contacts have granted stays until the claim
// lapses, also if it was asked for long ago.
func TestGrantsStayForTheClaim(t *testing.T) {
	s, clock := newClaims(t)
	token := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayContacts}).Token
	asked := must[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: token, Ask: []byte("ask")})
	s.to(t, clock, clock.Add(askTime-time.Millisecond))
	must[api.Empty](t, s, contactToken, "POST", "/v1/asks/grant", api.AskGrant{Ask: asked.ID, Grant: []byte("grant"), Slot: api.ID(s.ring.slots["contacts"])})
	s.to(t, clock, clock.Add(DefaultClaimWait+claimTime-time.Millisecond))
	require.NoError(t, s.Tend(t.Context()))
	status := must[api.Claim](t, s, "", "POST", "/v1/claims/status", api.ClaimToken{Token: token})
	require.Equal(t, api.ClaimReady, status.State)
	require.Len(t, status.Asks, 1)
	require.Equal(t, []byte("grant"), status.Asks[0].Grant)
}

// TestOpenPassword: an approved device can set a password after the wait, and
// not before. It loses this with its slot.
func TestOpenPassword(t *testing.T) {
	s, clock := newClaims(t)
	claimed := must[api.Claimed](t, s, deviceToken, "POST", "/v1/claims/password", api.Empty{})
	require.Equal(t, api.ID(s.ring.number), claimed.Number)
	begun := clock.Time
	s.to(t, clock, begun.Add(DefaultClaimWait-time.Millisecond))
	_, code := ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: claimed.Token})
	require.Equal(t, api.Conflict, code)
	s.to(t, clock, begun.Add(DefaultClaimWait))
	opened := must[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: claimed.Token})
	of, err := s.db.Session(t.Context(), digestOf(opened.Token), clock.Time)
	require.NoError(t, err)
	require.True(t, of.Recovered)
	require.Equal(t, string(api.WayDevice), of.Way)
	must[api.Empty](t, s, fullToken, "PUT", "/v1/keyring", api.NewKeyring{Header: s.ring.next, Phrase: s.phrase.upload, Half: s.ring.nextHalf, Proof: proof})
	_, code = ask[api.Account](t, s, opened.Token, "GET", "/v1/account", nil)
	require.Equal(t, api.Unauthenticated, code)
	require.Equal(t, api.ClaimFailed, s.claimState(t, claimed.Token))
}

// TestCancelledClaim: a cancelled claim opens nothing, and its session has
// ended.
func TestCancelledClaim(t *testing.T) {
	s, clock := newClaims(t)
	token := s.fileClaim(t)
	s.to(t, clock, clock.Add(DefaultClaimWait))
	opened := must[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	own := must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims[0]
	must[api.Empty](t, s, fullToken, "POST", "/v1/claims/cancel", api.ClaimID{Claim: own.ID})
	_, code := ask[api.Account](t, s, opened.Token, "GET", "/v1/account", nil)
	require.Equal(t, api.Unauthenticated, code)
	_, code = ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	require.Equal(t, api.Conflict, code)
	require.Equal(t, api.ClaimCancelled, s.claimState(t, token))
}
