package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestFormerClaimIsTold: a claim of a former account is told to the account
// that has its names.
func TestFormerClaimIsTold(t *testing.T) {
	told := new(notices)
	s := newFuzzedWith(t, Config{Notifier: told})
	anew := newID()
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		one := s.sessions()[fullToken]
		one.ID, one.Account = newID(), anew
		return errors.Join(
			tx.EndOtherSessions(t.Context(), s.id, store.ID{}, ""),
			tx.Replace(t.Context(), s.id, store.Account{ID: anew, Record: s.another.record}, s.now()),
			tx.AddSession(t.Context(), digestOf("anew"), one))
	}))
	slot := api.ID(s.ring.slots["file"])
	must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Former: 1, Way: api.WayFile, Slot: &slot, Proof: proof})
	require.NoError(t, s.Tend(t.Context()))
	require.NotEmpty(t, told.all)
	names := 0
	for _, n := range told.all {
		names += len(n.Names)
	}
	events := must[api.Events](t, s, "anew", "GET", "/v1/events", nil).Events
	claims := must[api.OwnClaims](t, s, "anew", "GET", "/v1/claims", nil).Claims
	t.Log("notices with a name:", names, "events:", len(events), "claims:", len(claims))
	require.NotZero(t, names, "the Notifier can reach nobody")
	require.NotEmpty(t, events, "no session is told")
}

// TestTwinsOfACancelledClaim: a cancelled claim ends with others by the same
// file.
func TestTwinsOfACancelledClaim(t *testing.T) {
	s, clock := newClaims(t)
	first, second := s.fileClaim(t), s.fileClaim(t)
	own := must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims
	for _, one := range own {
		if one.State == api.ClaimWaiting {
			must[api.Empty](t, s, fullToken, "POST", "/v1/claims/cancel", api.ClaimID{Claim: one.ID})
			break
		}
	}
	s.to(t, clock, clock.Add(DefaultClaimWait))
	for _, token := range []string{first, second} {
		_, code := ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
		require.NotEmpty(t, code, "a twin of the cancelled claim opens without a review")
	}
}

// TestPasswordAfterCancel: a password is not set with a claim that was
// cancelled while the request waited.
func TestPasswordAfterCancel(t *testing.T) {
	s := newFuzzed(t)
	opened := must[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: claimToken(claimReady)})
	done := false
	cancelled := api.Code("not asked")
	s.db.Trace(func(statement string) {
		if statement != "BEGIN" || done {
			return
		}
		done = true
		_, cancelled = ask[api.Empty](t, s, fullToken, "POST", "/v1/claims/cancel", api.ClaimID{Claim: api.ID(numbered(claimReady))})
	})
	body, err := json.Marshal(api.NewKeyring{Header: s.ring.renewed, Upload: s.another.upload, ResetFactors: true})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, s.request(routeOf(t, "PUT", "/v1/keyring"), opened.Token, body))
	require.Empty(t, cancelled, "the owner's cancellation succeeds")
	require.NotEqual(t, 200, w.Code, "the thief has set a password after that")
}

// TestStrangersClaimAfterRecovery: a claim of a stranger shows nothing of a
// recovery, and the owner sees nothing of the claim.
func TestStrangersClaimAfterRecovery(t *testing.T) {
	s, _ := newClaims(t)
	known := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayContacts}).Token
	unknown := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "nobody", Way: api.WayContacts}).Token
	must[api.Empty](t, s, recoveredToken, "PUT", "/v1/keyring", api.NewKeyring{Header: s.ring.renewed, Upload: s.another.upload})
	own := must[api.OwnClaims](t, s, recoveredToken, "GET", "/v1/claims", nil).Claims
	told := slices.ContainsFunc(own, func(c api.OwnClaim) bool { return c.Way == api.WayContacts })
	t.Log("known:", s.claimState(t, known), "unknown:", s.claimState(t, unknown), "told to the owner:", told)
	require.False(t, told)
	require.Equal(t, s.claimState(t, unknown), s.claimState(t, known))
}

// TestFileClaimWithoutTheFile: the slot of a file is in every header, and does
// not replace the file.
func TestFileClaimWithoutTheFile(t *testing.T) {
	s, clock := newClaims(t)
	stolen := must[api.Keyring](t, s, deviceToken, "GET", "/v1/keyring", nil).Header
	must[api.Empty](t, s, fullToken, "DELETE", "/v1/sessions", nil) // the owner ends that session
	require.False(t, s.lives(t, deviceToken))

	h, err := recovery.ParseHeader(stolen)
	require.NoError(t, err)
	i := slices.IndexFunc(h.Slots(), func(one recovery.Slot) bool { return one.Type == "file" })
	slot := api.ID(h.Slots()[i].ID)
	claimed, code := ask[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayFile, Slot: &slot, Proof: slices.Repeat(proof[:1], 32)})
	require.Empty(t, code)
	clock.Time = clock.Add(DefaultClaimWait)
	_, code = ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: claimed.Token})
	require.Equal(t, api.Conflict, code)
	require.Equal(t, api.ClaimFailed, s.claimState(t, claimed.Token))
}

// TestStrangerUsesUpJoins: somebody on another network does not use up the
// claims of the owner.
func TestStrangerUsesUpJoins(t *testing.T) {
	s := newFuzzedWith(t, Config{})
	begin := func(address string, way api.Way) int {
		body, err := json.Marshal(api.BeginClaim{Name: "alice", Way: way})
		require.NoError(t, err)
		r := s.request(routeOf(t, "POST", "/v1/claims/begin"), "", body)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code
	}
	for _, way := range []api.Way{api.WayContacts, api.WayDevice} {
		for range 20 {
			require.Equal(t, 200, begin("198.51.100.7:1", way))
		}
		require.Equal(t, 200, begin("203.0.113.9:1", way), "the owner waits half an hour for one try, and races for it: %s", way)
	}
}

// TestFormerPasswordIsTold: a password that is set for a former account is told
// to the account that has its names.
func TestFormerPasswordIsTold(t *testing.T) {
	s := newFuzzed(t)
	current := newID()
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.Replace(t.Context(), s.id, store.Account{ID: current, Record: s.another.record}, s.now())
	}))
	must[api.Empty](t, s, recoveredToken, "PUT", "/v1/keyring", api.NewKeyring{Header: s.ring.renewed, Upload: s.another.upload})
	events, err := s.db.Events(t.Context(), current, s.now().Add(time.Hour), store.ID{}, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, "former account, password set: phrase", events[0].Kind)
	require.True(t, events[0].Notice)
}

// TestReviewsAreLimited: one network does not fill the operator's queue, with
// whatever names.
func TestReviewsAreLimited(t *testing.T) {
	s := newFuzzedWith(t, Config{})
	begin := func(address string, n int) int {
		body, err := json.Marshal(api.BeginClaim{Name: fmt.Sprint("nobody", n), Way: api.WayReview, Text: "It is me."})
		require.NoError(t, err)
		r := s.request(routeOf(t, "POST", "/v1/claims/begin"), "", body)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code
	}
	burst := DefaultLimits().Claims.Burst
	for n := range burst {
		require.Equal(t, 200, begin("198.51.100.7:1", n))
	}
	require.Equal(t, 429, begin("198.51.100.7:1", burst))
	require.Equal(t, 200, begin("203.0.113.9:1", burst))
}
