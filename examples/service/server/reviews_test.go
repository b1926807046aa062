package server

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/stretchr/testify/require"
)

// newReviews returns a server whose clock stands, with its queue.
func newReviews(t testing.TB) (*fuzzed, *fixed, *Reviews) {
	s, clock := newClaims(t)
	r, err := OpenReviews(t.Context(), s.db, s.Keys, 0, clock.now)
	require.NoError(t, err)
	return s, clock, r
}

func (s *fuzzed) reviewClaim(t testing.TB, name string) string {
	return must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: name, Way: api.WayReview, Text: "it is me, " + name}).Token
}

// only returns the only claim of the queue.
func only(t testing.TB, r *Reviews) Review {
	all, err := r.List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

// TestOpenReviews: the queue has the secrets of the database.
func TestOpenReviews(t *testing.T) {
	s := newFuzzed(t)
	_, err := OpenReviews(t.Context(), s.db, newSecrets(t), 0, nil)
	require.ErrorIs(t, err, ErrSecrets)
	r, err := OpenReviews(t.Context(), s.db, s.Keys, time.Hour, nil)
	require.NoError(t, err)
	require.Equal(t, time.Hour, r.wait)
	one := only(t, r) // by the clock of the database
	require.Equal(t, api.ID(numbered(claimReviewed)), one.ID)
}

// TestReviewList: the queue has the newest first, with the names of the account
// and the text of the claimant. Claims that have lapsed or are decided are
// gone.
func TestReviewList(t *testing.T) {
	s, clock, r := newReviews(t)
	all, err := r.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	begun := clock.Time
	s.reviewClaim(t, "alice")
	s.to(t, clock, begun.Add(time.Hour))
	s.reviewClaim(t, "nobody")
	all, err = r.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Review{
		{ID: all[0].ID, Way: api.WayReview, Text: "it is me, nobody", Begun: clock.Time, Ends: clock.Add(reviewTime), Address: "192.0.2.0/24"},
		{ID: all[1].ID, Way: api.WayReview, Names: []string{"alice"}, Known: true, Text: "it is me, alice", Begun: begun, Ends: begun.Add(reviewTime), Address: "192.0.2.0/24"},
	}, all)
	s.to(t, clock, begun.Add(reviewTime-time.Millisecond))
	_, err = r.Show(t.Context(), all[1].ID)
	require.NoError(t, err)
	s.to(t, clock, begun.Add(reviewTime))
	require.Equal(t, all[0].ID, only(t, r).ID)
	for _, id := range []api.ID{all[1].ID, {}} {
		_, err = r.Show(t.Context(), id)
		require.ErrorIs(t, err, ErrNoReview)
		for _, f := range r.decisions() {
			require.ErrorIs(t, f(t.Context(), id, "text"), ErrNoReview)
		}
	}
}

// TestReviewTexts: a text has a length, and the database has no text in clear.
func TestReviewTexts(t *testing.T) {
	s, _, r := newReviews(t)
	const secret = "of nobody else's business"
	must[api.Claimed](t, s, "", "POST", "/v1/claims/begin", api.BeginClaim{Name: "alice", Way: api.WayReview, Text: "text " + secret})
	id := only(t, r).ID
	for _, f := range r.decisions() {
		for _, text := range []string{"", strings.Repeat("a", api.MaxText+1), "\xff"} {
			require.ErrorIs(t, f(t.Context(), id, text), ErrText)
		}
	}
	require.NoError(t, r.Note(t.Context(), id, strings.Repeat("a", api.MaxText)))
	require.NoError(t, r.Note(t.Context(), id, "note "+secret))
	require.NoError(t, r.Refuse(t.Context(), id, "reason "+secret))
	files, err := filepath.Glob(filepath.Join(s.folder, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	found := false
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotContains(t, string(b), secret, name)
		found = found || bytes.Contains(b, []byte("refused"))
	}
	require.True(t, found, "the state is in clear")
}

// TestReviewShow: the evidence has the notes, the claims and the events of the
// account, and of an unknown account only the notes.
func TestReviewShow(t *testing.T) {
	s, clock, r := newReviews(t)
	created := clock.Time
	s.fileClaim(t)
	s.to(t, clock, clock.Add(time.Hour))
	s.reviewClaim(t, "alice")
	id := only(t, r).ID
	require.NoError(t, r.Note(t.Context(), id, "first"))
	s.to(t, clock, clock.Add(time.Hour))
	require.NoError(t, r.Note(t.Context(), id, "second"))
	e, err := r.Show(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, only(t, r), e.Review)
	require.Equal(t, created, e.Created)
	require.Equal(t, []ReviewNote{{clock.Add(-time.Hour), "first"}, {clock.Time, "second"}}, e.Notes)
	require.Len(t, e.Claims, 2)
	require.Equal(t, ReviewClaim{id, api.WayReview, api.ClaimReview, created.Add(time.Hour)}, e.Claims[0])
	require.Equal(t, api.ClaimWaiting, e.Claims[1].State)
	require.Len(t, e.Events, 1)
	require.Equal(t, "claim begun: file", e.Events[0].Kind)

	require.NoError(t, r.Refuse(t.Context(), id, "no"))
	s.reviewClaim(t, "nobody")
	id = only(t, r).ID
	require.NoError(t, r.Note(t.Context(), id, "third"))
	e, err = r.Show(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, Evidence{Review: only(t, r), Notes: []ReviewNote{{clock.Time, "third"}}}, e)
}

// TestRefuse: the claimant sees the reason, and the account's owner is told
// only of a claim that was not begun by any stranger.
func TestRefuse(t *testing.T) {
	for _, name := range []string{"alice", "nobody"} {
		s, clock, r := newReviews(t)
		token := s.reviewClaim(t, name)
		id := only(t, r).ID
		require.NoError(t, r.Refuse(t.Context(), id, "you are not "+name))
		status := must[api.Claim](t, s, "", "POST", "/v1/claims/status", api.ClaimToken{Token: token})
		require.Equal(t, api.Claim{
			Way: api.WayReview, State: api.ClaimRefused, Ends: clock.Unix(), Reason: "you are not " + name, Asks: []api.Asked{},
		}, status)
		require.ErrorIs(t, r.Approve(t.Context(), id, "yes"), ErrNoReview)
		require.Empty(t, must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims)
		require.Empty(t, must[api.Events](t, s, fullToken, "GET", "/v1/events", nil).Events)
	}
	s, clock, r := newReviews(t)
	s.trouble(t, clock)
	s.fileClaim(t)
	require.NoError(t, r.Refuse(t.Context(), only(t, r).ID, "no"))
	require.Equal(t, api.ClaimRefused, must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims[0].State)
	kinds := s.kinds(t)
	require.Contains(t, kinds, "claim refused by the operator: file")
	require.Contains(t, kinds, "claim for review: file")
}

// trouble cancels a claim of alice.
func (s *fuzzed) trouble(t testing.TB, clock *fixed) {
	s.fileClaim(t)
	own := must[api.OwnClaims](t, s, fullToken, "GET", "/v1/claims", nil).Claims[0]
	must[api.Empty](t, s, fullToken, "POST", "/v1/claims/cancel", api.ClaimID{Claim: own.ID})
	s.to(t, clock, clock.Add(time.Second))
}

// kinds are the kinds of alice's events.
func (s *fuzzed) kinds(t testing.TB) []string { return s.kindsIn(t, fullToken) }

func (s *fuzzed) kindsIn(t testing.TB, token string) (kinds []string) {
	for _, e := range must[api.Events](t, s, token, "GET", "/v1/events", nil).Events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}
