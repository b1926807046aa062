package server

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// TestFloodedQuestions: strangers who know the name hide no question of the
// owner.
func TestFloodedQuestions(t *testing.T) {
	s := newFuzzed(t)
	owner := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayContacts})
	mine := must[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: owner.Token, Ask: []byte("the owner's")})
	for range 5 {
		stranger := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayContacts})
		for range api.MaxContacts {
			must[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: stranger.Token, Ask: []byte("noise")})
		}
	}
	page := must[api.Asks](t, s, contactToken, "GET", "/v1/asks", nil)
	require.Len(t, page.Asks, maxAsks)
	listed := page.Asks
	for page.Before != "" {
		r := routeOf(t, "GET", "/v1/asks")
		r.path += "?before=" + page.Before
		text, code := s.exchange(t, r, contactToken, nil)
		require.Empty(t, code)
		page = api.Asks{}
		require.NoError(t, json.Unmarshal(text, &page))
		listed = append(listed, page.Asks...)
	}
	require.Greater(t, len(listed), 5*api.MaxContacts)
	require.True(t, slices.ContainsFunc(listed, func(a api.Ask) bool { return a.ID == mine.ID }), "the contact cannot find the owner's question")
}

// TestContactAnswersAll: one contact cannot answer all questions in place of
// the others.
func TestContactAnswersAll(t *testing.T) {
	s := newFuzzed(t)
	s.carolIsContact(t)
	owner := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayContacts})
	for range 8 {
		id := must[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: owner.Token, Ask: []byte("ask")}).ID
		ask[api.Empty](t, s, "carol", "POST", "/v1/asks/answer", api.AskAnswer{Ask: id, Answer: []byte("spoiled")})
		if _, code := ask[api.Empty](t, s, contactToken, "POST", "/v1/asks/answer", api.AskAnswer{Ask: id, Answer: []byte("answer")}); code == "" {
			return
		}
	}
	require.Fail(t, "no other contact can answer anything")
}

// TestWorthlessGrant: after a worthless grant the owner can ask for another
// share, although the claim waits.
func TestWorthlessGrant(t *testing.T) {
	s := newFuzzed(t)
	s.carolIsContact(t)
	owner := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayContacts})
	asks := func() (api.AskID, api.Code) {
		return ask[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: owner.Token, Ask: []byte("ask")})
	}
	first, _ := asks()
	grant := api.AskGrant{Ask: first.ID, Grant: []byte("worthless"), Slot: api.ID(s.ring.slots["contacts"])}
	must[api.Empty](t, s, "carol", "POST", "/v1/asks/grant", grant)
	require.Equal(t, api.ClaimWaiting, s.claimState(t, owner.Token))
	second, code := asks()
	require.Empty(t, code, "the claim waits, and takes no further share")
	grant.Ask, grant.Grant = second.ID, []byte("a share")
	must[api.Empty](t, s, contactToken, "POST", "/v1/asks/grant", grant)
}

// TestWaysStayWithoutPassword: the token of a session that has just logged in
// destroys no way into the account.
func TestWaysStayWithoutPassword(t *testing.T) {
	s := newFuzzed(t)
	p, err := recoverytest.Split(s.ring.header)
	require.NoError(t, err)
	require.NoError(t, p.Follow(s.ring.header))
	p.Slots = slices.DeleteFunc(p.Slots, func(one recoverytest.SlotParts) bool { return store.ID(one.ID) != s.ring.slots["export"] })
	header := p.Sign(nil, nil)
	_, err = recovery.ParseHeader(header)
	require.NoError(t, err)
	body, err := json.Marshal(api.NewKeyring{Header: header})
	require.NoError(t, err)
	s.stepUp = ""
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, s.request(routeOf(t, "PUT", "/v1/keyring"), fullToken, body))
	record, _, err := s.db.Phrase(t.Context(), s.id)
	require.NoError(t, err)
	half, _, err := s.db.File(t.Context(), s.id, s.ring.slots["file"])
	require.NoError(t, err)
	t.Log(w.Code, "phrase:", len(record), "half:", len(half), "sessions of the device:", s.lives(t, deviceToken))
	require.NotNil(t, record, "the phrase is lost for ever")
	require.NotNil(t, half, "and so is the file")
}

// TestPhraseEvictsNobody: many logins with the phrase end no other sessions.
func TestPhraseEvictsNobody(t *testing.T) {
	s := newFuzzed(t)
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		account, err := tx.LockAccount(t.Context(), s.id)
		require.NoError(t, err)
		for range maxSessions {
			c := &call{Context: t.Context(), now: s.now().Add(time.Second)}
			_, err = s.begin(c, tx, s.recovered(c, account, api.WayPhrase, slice(s.ring.slots["phrase"])), false)
			require.NoError(t, err)
		}
		return nil
	}))
	require.True(t, s.lives(t, deviceToken), "the approved device has no password to come back with")
	require.True(t, s.lives(t, fullToken))
}

// TestEndedDeviceStaysOut: the claim of a device whose session was ended opens
// no other.
func TestEndedDeviceStaysOut(t *testing.T) {
	s := newFuzzed(t)
	in := api.AskGrant{Ask: api.ID(numbered(askDevice)), Grant: []byte("grant"), Slot: api.ID(s.ring.slots["device"])}
	must[api.Empty](t, s, fullToken, "POST", "/v1/asks/grant", in)
	token := api.ClaimToken{Token: claimToken(claimAsksDevice)}
	opened := must[api.Opened](t, s, "", "POST", "/v1/claims/open", token)
	must[api.Empty](t, s, fullToken, "DELETE", "/v1/sessions", nil)
	require.False(t, s.lives(t, opened.Token))
	_, code := ask[api.Opened](t, s, "", "POST", "/v1/claims/open", token)
	require.NotEmpty(t, code)
}

func (s *fuzzed) carolIsContact(t *testing.T) {
	i := s.invitations()[invitedCarol]
	i.Slot, i.Received = slice(s.ring.slots["contacts"]), true
	s.setInvitation(t, i)
	one := s.sessions()[contactToken]
	one.ID, one.Account = newID(), s.third
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.AddSession(t.Context(), digestOf("carol"), one) }))
}

func (s *fuzzed) lives(t *testing.T, token string) bool {
	_, code := ask[api.Account](t, s, token, "GET", "/v1/account", nil)
	return code == ""
}

// TestCancelledClaimGetsNothing: contacts give no more shares to a claim that
// the owner has cancelled.
func TestCancelledClaimGetsNothing(t *testing.T) {
	s := newFuzzed(t)
	s.carolIsContact(t)
	thief := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayContacts})
	asked := func() api.ID {
		return must[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: thief.Token, Ask: []byte("ask")}).ID
	}
	first, second := asked(), asked()
	grant := api.AskGrant{Ask: first, Grant: []byte("a share"), Slot: api.ID(s.ring.slots["contacts"])}
	must[api.Empty](t, s, "carol", "POST", "/v1/asks/grant", grant)
	own := must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims
	i := slices.IndexFunc(own, func(c api.OwnClaim) bool { return c.Way == api.WayContacts && c.State == api.ClaimWaiting })
	require.GreaterOrEqual(t, i, 0)
	must[api.Empty](t, s, fullToken, "POST", "/v1/claims/cancel", api.ClaimID{Claim: own[i].ID})
	grant.Ask = second
	_, code := ask[api.Empty](t, s, contactToken, "POST", "/v1/asks/grant", grant)
	require.Equal(t, api.Conflict, code)
	_, code = ask[api.Empty](t, s, contactToken, "POST", "/v1/asks/answer", api.AskAnswer{Ask: second, Answer: []byte("answer")})
	require.Equal(t, api.Conflict, code)
}
