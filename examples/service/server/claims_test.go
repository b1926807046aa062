package server

import (
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// fixed is a clock that stands.
type fixed struct{ time.Time }

func (f *fixed) now() time.Time { return f.Time }

// newClaims returns a server whose clock stands, without the claims of
// fuzzed and their questions.
func newClaims(t testing.TB) (*fuzzed, *fixed) {
	clock := &fixed{time.Now().Truncate(time.Millisecond)}
	s := newFuzzedWith(t, Config{Now: clock.now, Limits: Limits{Claims: store.Budget{Burst: 1000, Every: time.Hour}, Logins: Rate{Burst: 1000, Every: time.Second}}})
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		for _, claim := range s.claims() {
			claim.State, claim.Expires = string(api.ClaimDone), clock.Time
			if err := tx.SetClaim(t.Context(), claim); err != nil {
				return err
			}
		}
		for _, ask := range s.asks() {
			ask.Granted = []byte("grant")
			if err := tx.SetAsk(t.Context(), ask); err != nil {
				return err
			}
		}
		return nil
	}))
	return s, clock
}

// to sets the clock, and opens the sessions of alice again.
func (s *fuzzed) to(t testing.TB, clock *fixed, at time.Time) {
	clock.Time = at
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		for token, one := range s.sessions() {
			if old, err := tx.Session(t.Context(), digestOf(token), time.UnixMilli(0)); err == nil {
				if err := tx.EndSession(t.Context(), old.Account, old.ID); err != nil {
					return err
				}
			}
			if err := tx.AddSession(t.Context(), digestOf(token), one); err != nil {
				return err
			}
			if token == fullToken {
				s.session = one
			}
		}
		return nil
	}))
}

func (s *fuzzed) fileClaim(t testing.TB) string {
	return must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayFile, Slot: (*api.ID)(ptr(s.ring.slots["file"])), Proof: proof}).Token
}

func ptr[T any](v T) *T { return &v }

func (s *fuzzed) claimState(t testing.TB, token string) api.ClaimState {
	return must[api.Claim](t, s, "", "POST", "/v1/claims/status", api.ClaimToken{Token: token}).State
}

// TestStateOf has the exact times at which states change.
func TestStateOf(t *testing.T) {
	opens := time.UnixMilli(1_000_000)
	ends := opens.Add(time.Hour)
	before := func(at time.Time) time.Time { return at.Add(-time.Millisecond) }
	for _, one := range []struct {
		state api.ClaimState
		at    time.Time
		want  api.ClaimState
	}{
		{api.ClaimWaiting, before(opens), api.ClaimWaiting},
		{api.ClaimWaiting, opens, api.ClaimReady},
		{api.ClaimWaiting, before(ends), api.ClaimReady},
		{api.ClaimWaiting, ends, api.ClaimFailed},
		{api.ClaimAsked, opens, api.ClaimAsked},
		{api.ClaimAsked, before(ends), api.ClaimAsked},
		{api.ClaimAsked, ends, api.ClaimFailed},
		{api.ClaimReview, opens, api.ClaimReview},
		{api.ClaimReview, before(ends), api.ClaimReview},
		{api.ClaimReview, ends, api.ClaimFailed},
		{api.ClaimDone, ends, api.ClaimDone},
		{api.ClaimCancelled, ends, api.ClaimCancelled},
		{api.ClaimRefused, ends, api.ClaimRefused},
	} {
		require.Equal(t, one.want, stateOf(store.Claim{State: string(one.state), Opens: opens, Ends: ends}, one.at), one)
	}
}

// TestTroubled: one cancelled claim, or five that have waited and lapsed, are
// trouble. Claims that were used or refused, or that nobody has granted, are
// not.
func TestTroubled(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	claim := func(state api.ClaimState, ends time.Time) store.Claim {
		return store.Claim{State: string(state), Opens: now.Add(-time.Hour), Ends: ends}
	}
	many := func(count int, claim store.Claim) (all []store.Claim) {
		for range count {
			all = append(all, claim)
		}
		return all
	}
	require.False(t, troubled(nil, now))
	require.True(t, troubled(many(1, claim(api.ClaimCancelled, now)), now))
	require.False(t, troubled(many(4, claim(api.ClaimWaiting, now)), now))
	require.True(t, troubled(many(5, claim(api.ClaimWaiting, now)), now))
	require.False(t, troubled(many(5, claim(api.ClaimWaiting, now.Add(time.Millisecond))), now))
	for _, state := range []api.ClaimState{api.ClaimAsked, api.ClaimReview, api.ClaimDone, api.ClaimRefused} {
		require.False(t, troubled(many(9, claim(state, now)), now), state)
	}
	require.True(t, troubled(append(many(4, claim(api.ClaimWaiting, now)), many(1, claim(api.ClaimCancelled, now))...), now))
	joined := claim(api.ClaimWaiting, now)
	joined.Way = string(api.WayDevice)
	require.False(t, troubled(many(9, joined), now), "devices that were let in")
}

// TestTroubleIsForgotten: after a cancelled claim, or five failed ones, claims
// are reviewed for 30 days. Claims with a wrong file do not count.
func TestTroubleIsForgotten(t *testing.T) {
	cancelled := func(s *fuzzed, _ *fixed) {
		s.fileClaim(t)
		own := must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims
		require.Equal(t, api.ClaimWaiting, own[0].State)
		must[api.Empty](t, s, fullToken, "POST", "/v1/claims/cancel", api.ClaimID{Claim: own[0].ID})
	}
	failed := func(count int, f func(*fuzzed)) func(*fuzzed, *fixed) {
		return func(s *fuzzed, clock *fixed) {
			for range count {
				f(s)
			}
			s.to(t, clock, clock.Add(DefaultClaimWait+claimTime))
		}
	}
	right := func(s *fuzzed) { s.fileClaim(t) }
	wrong := func(s *fuzzed) {
		must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayFile, Slot: new(api.ID), Proof: proof})
	}
	for _, one := range []struct {
		name    string
		trouble func(*fuzzed, *fixed)
		want    api.ClaimState
	}{
		{"cancelled", cancelled, api.ClaimReview},
		{"four failed", failed(4, right), api.ClaimWaiting},
		{"five failed", failed(5, right), api.ClaimReview},
		{"nine with a wrong file", failed(9, wrong), api.ClaimWaiting},
	} {
		for after, want := range map[time.Duration]api.ClaimState{0: one.want, historyTime - time.Millisecond: one.want, historyTime: api.ClaimWaiting} {
			s, clock := newClaims(t)
			one.trouble(s, clock)
			s.to(t, clock, clock.Add(after))
			require.Equal(t, want, s.claimState(t, s.fileClaim(t)), "%s, after %v", one.name, after)
			device := must[api.Claimed](t, s, deviceToken, "POST", "/v1/claims/password", api.Empty{}).Token
			require.Equal(t, want, s.claimState(t, device), "%s, after %v", one.name, after)
		}
	}
}

// TestWrongClaims: a claim of an unknown name, or with a wrong file, has the
// answers of a right one until that would open.
func TestWrongClaims(t *testing.T) {
	s, clock := newClaims(t)
	begin := func(name string, former int, slot api.ID) string {
		return must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: name, Former: former, Way: api.WayFile, Slot: &slot, Proof: proof}).Token
	}
	file := api.ID(s.ring.slots["file"])
	tokens := []string{begin("alice", 0, file), begin("alice", 0, api.ID{}), begin("nobody", 0, file), begin("alice", 1, file), begin("bob", 0, file)}
	begun := clock.Time
	for _, at := range []time.Duration{0, DefaultClaimWait - time.Millisecond, DefaultClaimWait, DefaultClaimWait + claimTime - time.Millisecond, DefaultClaimWait + claimTime} {
		s.to(t, clock, begun.Add(at))
		right := must[api.Claim](t, s, "", "POST", "/v1/claims/status", api.ClaimToken{Token: tokens[0]})
		_, refused := ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: tokens[0]})
		for _, token := range tokens[1:] {
			wrong := must[api.Claim](t, s, "", "POST", "/v1/claims/status", api.ClaimToken{Token: token})
			_, code := ask[api.Opened](t, s, "", "POST", "/v1/claims/open", api.ClaimToken{Token: token})
			require.Equal(t, api.Conflict, code)
			if right.State == api.ClaimReady {
				require.Empty(t, refused)
				require.Equal(t, api.ClaimFailed, wrong.State)
				wrong.State = right.State
			}
			require.Equal(t, right, wrong, at)
		}
	}
	for _, one := range must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims {
		require.NotEqual(t, api.ClaimWaiting, one.State)
	}
}

// TestNumberOfAKeyring: every name has a number, which stays the same.
func TestNumberOfAKeyring(t *testing.T) {
	s, _ := newClaims(t)
	seen := make(map[api.ID]string)
	for range 2 {
		for _, name := range []string{"alice", "bob", "nobody", "somebody", "alice 1", "nobody 1"} {
			in := api.BeginClaim{Name: strings.TrimSuffix(name, " 1"), Way: api.WayDevice}
			if in.Name != name {
				in.Former = 1
			}
			number := must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", in).Number
			if before, ok := seen[number]; ok {
				require.Equal(t, before, name)
			}
			seen[number] = name
		}
	}
	require.Len(t, seen, 6)
	require.Equal(t, "alice", seen[api.ID(s.ring.number)])
}
