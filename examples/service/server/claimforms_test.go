package server

import (
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestValidClaim: a claim has what its way needs, and nothing else.
func TestValidClaim(t *testing.T) {
	slot := new(api.ID)
	long := strings.Repeat("a", api.MaxText)
	for _, one := range []struct {
		in    api.BeginClaim
		valid bool
	}{
		{api.BeginClaim{Way: api.WayFile, Slot: slot, Proof: proof}, true},
		{api.BeginClaim{Way: api.WayFile}, false},
		{api.BeginClaim{Way: api.WayFile, Slot: slot, Proof: proof, Text: "a"}, false},
		{api.BeginClaim{Way: api.WayContacts}, true},
		{api.BeginClaim{Way: api.WayContacts, Slot: slot}, false},
		{api.BeginClaim{Way: api.WayContacts, Text: "a"}, false},
		{api.BeginClaim{Way: api.WayDevice}, true},
		{api.BeginClaim{Way: api.WayDevice, Slot: slot}, false},
		{api.BeginClaim{Way: api.WayDevice, Text: "a"}, false},
		{api.BeginClaim{Way: api.WayReview, Text: "a"}, true},
		{api.BeginClaim{Way: api.WayReview, Text: long}, true},
		{api.BeginClaim{Way: api.WayReview, Text: long + "a"}, false},
		{api.BeginClaim{Way: api.WayReview, Text: "\xff"}, false},
		{api.BeginClaim{Way: api.WayReview}, false},
		{api.BeginClaim{Way: api.WayReview, Text: "a", Slot: slot}, false},
		{api.BeginClaim{Way: api.WayPassword}, false},
		{api.BeginClaim{Way: api.WayPhrase}, false},
		{api.BeginClaim{}, false},
		{api.BeginClaim{Way: "other", Slot: slot}, false},
	} {
		require.Equal(t, one.valid, validClaim(one.in), one.in.Way)
	}
}

// TestDelay: the wait of a claim is doubled once, in any session of its
// account.
func TestDelay(t *testing.T) {
	for _, who := range []string{fullToken, deviceToken, recoveredToken} {
		s, clock := newClaims(t)
		token := s.fileClaim(t)
		begun := clock.Time
		own := must[api.OwnClaims](t, s, who, "GET", "/v1/claims", nil).Claims[0]
		require.Equal(t, begun.Add(DefaultClaimWait).Unix(), own.Opens)
		require.False(t, own.Doubled)
		_, code := ask[api.Empty](t, s, contactToken, "POST", "/v1/claims/delay", api.ClaimID{Claim: own.ID})
		require.Equal(t, api.NotFound, code)
		s.to(t, clock, begun.Add(DefaultClaimWait-time.Millisecond))
		must[api.Empty](t, s, who, "POST", "/v1/claims/delay", api.ClaimID{Claim: own.ID})
		_, code = ask[api.Empty](t, s, fullToken, "POST", "/v1/claims/delay", api.ClaimID{Claim: own.ID})
		require.Equal(t, api.Conflict, code, "a second time")
		own = must[api.OwnClaims](t, s, who, "GET", "/v1/claims", nil).Claims[0]
		require.Equal(t, begun.Add(2*DefaultClaimWait).Unix(), own.Opens)
		require.True(t, own.Doubled)
		for after, want := range map[time.Duration]api.ClaimState{
			2*DefaultClaimWait - time.Millisecond:             api.ClaimWaiting,
			2 * DefaultClaimWait:                              api.ClaimReady,
			2*DefaultClaimWait + claimTime - time.Millisecond: api.ClaimReady,
			2*DefaultClaimWait + claimTime:                    api.ClaimFailed,
		} {
			s.to(t, clock, begun.Add(after))
			require.Equal(t, want, s.claimState(t, token), after)
		}
		s.to(t, clock, begun)
	}
}

// TestDelayInTime: only a claim that waits can be delayed.
func TestDelayInTime(t *testing.T) {
	s, clock := newClaims(t)
	s.fileClaim(t)
	own := must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims[0]
	begun := clock.Time
	for _, after := range []time.Duration{DefaultClaimWait, DefaultClaimWait + claimTime} {
		s.to(t, clock, begun.Add(after))
		_, code := ask[api.Empty](t, s, fullToken, "POST", "/v1/claims/delay", api.ClaimID{Claim: own.ID})
		require.Equal(t, api.Conflict, code)
	}
	s.to(t, clock, begun)
	must[api.Empty](t, s, fullToken, "POST", "/v1/claims/cancel", api.ClaimID{Claim: own.ID})
	for _, path := range []string{"/v1/claims/delay", "/v1/claims/cancel"} {
		_, code := ask[api.Empty](t, s, fullToken, "POST", path, api.ClaimID{Claim: own.ID})
		require.Equal(t, api.Conflict, code)
	}
}

// TestClaimClock: claims wait by the clock of the database, not by the
// server's.
func TestClaimClock(t *testing.T) {
	s := newFuzzed(t)
	s.realClock = true
	const ahead = 100 * 24 * time.Hour
	s.Now = func() time.Time { return time.Now().Add(ahead) }
	s.renew(t)
	require.Equal(t, api.ClaimWaiting, s.claimState(t, s.fileClaim(t)))
	claim, err := s.db.Claims(t.Context(), s.id, time.Now())
	require.NoError(t, err)
	var newest store.Claim
	for _, one := range claim {
		if one.Begun.Before(time.Now().Add(time.Minute)) {
			newest = one
			break
		}
	}
	require.WithinDuration(t, time.Now(), newest.Begun, time.Minute)
	require.Equal(t, newest.Begun.Add(DefaultClaimWait), newest.Opens)
	require.Equal(t, newest.Opens.Add(claimTime), newest.Ends)
	must[api.Empty](t, s, fullToken, "POST", "/v1/claims/delay", api.ClaimID{Claim: api.ID(newest.ID)})
}

// TestClaimWait: the operator sets how long claims wait.
func TestClaimWait(t *testing.T) {
	clock := &fixed{time.Now().Truncate(time.Millisecond)}
	s := newFuzzedWith(t, Config{Now: clock.now, ClaimWait: time.Hour})
	token := s.fileClaim(t)
	s.to(t, clock, clock.Add(time.Hour-time.Millisecond))
	require.Equal(t, api.ClaimWaiting, s.claimState(t, token))
	s.to(t, clock, clock.Add(time.Millisecond))
	require.Equal(t, api.ClaimReady, s.claimState(t, token))

	token = s.fileClaim(t)
	for _, own := range must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims {
		if own.State == api.ClaimWaiting {
			must[api.Empty](t, s, fullToken, "POST", "/v1/claims/delay", api.ClaimID{Claim: own.ID})
		}
	}
	s.to(t, clock, clock.Add(2*time.Hour-time.Millisecond))
	require.Equal(t, api.ClaimWaiting, s.claimState(t, token))
	s.to(t, clock, clock.Add(time.Millisecond))
	require.Equal(t, api.ClaimReady, s.claimState(t, token))
}
