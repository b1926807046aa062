package server

import (
	"context"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// decisions are what the operator can do with a claim and a text.
func (r *Reviews) decisions() []func(context.Context, api.ID, string) error {
	return []func(context.Context, api.ID, string) error{r.Note, r.Approve, r.Refuse}
}

func (s *fuzzed) newAccount(t testing.TB, token, registration string) api.Code {
	_, code := ask[api.Empty](t, s, "", "POST", "/v1/claims/account", api.NewAccount{Token: token, Registration: registration, Upload: s.another.upload})
	return code
}

// byName returns the account of a name, or of a former one.
func (s *fuzzed) byName(t testing.TB, name string, former int) store.ID {
	account, err := s.db.ByName(t.Context(), s.secrets.name(name), former)
	require.NoError(t, err)
	require.True(t, account.Known)
	return account.ID
}

// TestApprove: an approved claim waits, and then makes a new account under the
// names, once. It opens nothing of the old account, whose sessions end.
func TestApprove(t *testing.T) {
	s, clock, r := newReviews(t)
	token := s.reviewClaim(t, "alice")
	other := s.reviewClaim(t, "alice")
	all, err := r.List(t.Context())
	require.NoError(t, err)
	var id api.ID
	for _, one := range all {
		if claim, err := s.db.ClaimOf(t.Context(), digestOf(token), clock.Time); err == nil && api.ID(claim.ID) == one.ID {
			id = one.ID
		}
	}
	require.Equal(t, api.Conflict, s.newAccount(t, token, s.registration(t)))
	require.Empty(t, must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims)
	s.to(t, clock, clock.Add(reviewTime-time.Millisecond))
	require.NoError(t, r.Approve(t.Context(), id, "welcome"))
	require.ErrorIs(t, r.Approve(t.Context(), id, "welcome"), ErrNoReview)
	approved := clock.Time
	status := must[api.Claim](t, s, "", "POST", "/v1/claims/status", api.ClaimToken{Token: token})
	require.Equal(t, api.Claim{
		Way: api.WayReview, State: api.ClaimWaiting, Opens: approved.Add(DefaultClaimWait).Unix(), Ends: approved.Add(DefaultClaimWait + claimTime).Unix(),
		Account: true, Reason: "welcome", Asks: []api.Asked{},
	}, status)
	own := must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims
	require.Len(t, own, 1, "the owner can object")
	require.Equal(t, id, own[0].ID)
	require.Equal(t, []string{"claim approved by the operator: review"}, s.kinds(t))

	s.to(t, clock, approved.Add(DefaultClaimWait-time.Millisecond))
	require.Equal(t, api.Conflict, s.newAccount(t, token, s.registration(t)))
	s.to(t, clock, approved.Add(DefaultClaimWait))
	_, code := ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	require.Equal(t, api.Conflict, code)
	require.Equal(t, api.LoginFailed, s.newAccount(t, token, "no token"))
	registration := s.registration(t)
	require.Empty(t, s.newAccount(t, token, registration))
	for _, again := range []string{registration, s.registration(t)} {
		require.Equal(t, api.Conflict, s.newAccount(t, token, again))
	}
	require.Equal(t, api.ClaimDone, s.claimState(t, token))
	require.NotEqual(t, s.id, s.byName(t, "alice", 0))
	require.Equal(t, s.id, s.byName(t, "alice", 1))
	for _, token := range []string{fullToken, deviceToken, recoveredToken} {
		_, code := ask[api.Account](t, s, token, "GET", "/v1/account", nil)
		require.Equal(t, api.Unauthenticated, code)
	}
	require.Equal(t, api.ClaimFailed, s.claimState(t, other), "what any stranger can begin lapses by itself")
	header, _, err := s.db.Header(t.Context(), s.id)
	require.NoError(t, err)
	require.Equal(t, s.ring.header, header, "the old keyring stays")
	header, _, err = s.db.Header(t.Context(), s.byName(t, "alice", 0))
	require.NoError(t, err)
	require.Nil(t, header)
}

// TestApproveUnknown: a claim of an unknown name can be refused only.
func TestApproveUnknown(t *testing.T) {
	s, _, r := newReviews(t)
	token := s.reviewClaim(t, "nobody")
	id := only(t, r).ID
	require.ErrorIs(t, r.Approve(t.Context(), id, "welcome"), ErrUnknown)
	require.Equal(t, api.ClaimReview, s.claimState(t, token))
	require.NoError(t, r.Refuse(t.Context(), id, "no"))
}

// TestObjections: the owner delays an approved claim, or cancels it.
func TestObjections(t *testing.T) {
	s, clock, r := newReviews(t)
	token := s.reviewClaim(t, "alice")
	id := only(t, r).ID
	require.NoError(t, r.Approve(t.Context(), id, "welcome"))
	approved := clock.Time
	must[api.Empty](t, s, recoveredToken, "POST", "/v1/claims/delay", api.ClaimID{Claim: id})
	s.to(t, clock, approved.Add(2*DefaultClaimWait-time.Millisecond))
	require.Equal(t, api.ClaimWaiting, s.claimState(t, token))
	s.to(t, clock, approved.Add(2*DefaultClaimWait))
	require.Equal(t, api.ClaimReady, s.claimState(t, token))
	must[api.Empty](t, s, fullToken, "POST", "/v1/claims/cancel", api.ClaimID{Claim: id})
	require.Equal(t, api.ClaimCancelled, s.claimState(t, token))
	require.Equal(t, api.Conflict, s.newAccount(t, token, s.registration(t)))
	require.Equal(t, s.id, s.byName(t, "alice", 0))
}

// TestApprovedFile: a claim by file that was reviewed leads to a new account
// only.
func TestApprovedFile(t *testing.T) {
	s, clock, r := newReviews(t)
	s.trouble(t, clock)
	token := s.fileClaim(t)
	require.NoError(t, r.Approve(t.Context(), only(t, r).ID, "welcome"))
	s.to(t, clock, clock.Add(DefaultClaimWait))
	require.Equal(t, api.ClaimReady, s.claimState(t, token))
	_, code := ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
	require.Equal(t, api.Conflict, code)
	require.Empty(t, s.newAccount(t, token, s.registration(t)))
	// The trouble of the old account is over. Its file opens it as before.
	former, slot := 1, api.ID(s.ring.slots["file"])
	again := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Former: former, Way: api.WayFile, Slot: &slot, Proof: proof}).Token
	require.Equal(t, api.ClaimWaiting, s.claimState(t, again))
}

// TestNewAccountOnce: no account is made under the names of a former one, and
// with a registration that has made another account.
func TestNewAccountOnce(t *testing.T) {
	s, clock, r := newReviews(t)
	token := s.reviewClaim(t, "alice")
	require.NoError(t, r.Approve(t.Context(), only(t, r).ID, "welcome"))
	s.to(t, clock, clock.Add(DefaultClaimWait))
	used := s.registration(t)
	must[api.Empty](t, s, "", "POST", "/v1/register/finish", api.FinishRegistration{Token: used, Names: []string{"dave"}, Upload: s.another.upload})
	require.Equal(t, api.Conflict, s.newAccount(t, token, used))
	require.Empty(t, s.newAccount(t, token, s.registration(t)))

	in := api.BeginClaim{Name: "alice", Former: 1, Way: api.WayReview, Text: "the old one"}
	_, code := ask[api.Claimed](t, s, "", "POST", "/v1/claims/begin", in)
	require.Equal(t, api.Malformed, code)
	// A claim by file of a former account leads to no new account either.
	former := s.id
	claim := store.Claim{ID: newID(), Account: former, Way: string(api.WayFile), State: string(api.ClaimReview), Begun: clock.Time, Ends: clock.Add(time.Hour), Expires: clock.Add(time.Hour)}
	require.NoError(t, s.db.AddClaim(t.Context(), digestOf("former"), claim))
	require.ErrorIs(t, r.Approve(t.Context(), api.ID(claim.ID), "welcome"), ErrUnknown)
}

// TestDeleteWithFormer: the former account gets the names back, which stay
// taken.
func TestDeleteWithFormer(t *testing.T) {
	s, clock, r := newReviews(t)
	token := s.reviewClaim(t, "alice")
	require.NoError(t, r.Approve(t.Context(), only(t, r).ID, "welcome"))
	s.to(t, clock, clock.Add(DefaultClaimWait))
	require.Empty(t, s.newAccount(t, token, s.registration(t)))
	next := s.byName(t, "alice", 0)
	session := s.sessions()[fullToken]
	session.Account, session.Record = next, digestOfRecord(s.another.record)
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.AddSession(t.Context(), digestOf("next"), session) }))
	s.session = session
	require.Equal(t, 1, must[api.Account](t, s, "next", "GET", "/v1/account", nil).Former)
	must[api.Empty](t, s, "next", "POST", "/v1/account/delete", api.Empty{})
	require.Equal(t, s.id, s.byName(t, "alice", 0))
	account, err := s.db.Account(t.Context(), next)
	require.NoError(t, err)
	require.False(t, account.Known)
	in := api.FinishRegistration{Token: s.registration(t), Names: []string{"alice"}, Upload: s.password.upload}
	_, code := ask[api.Empty](t, s, "", "POST", "/v1/register/finish", in)
	require.Equal(t, api.Taken, code)
}
