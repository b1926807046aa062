package server

import (
	"fmt"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

func (s *fuzzed) setInvitation(t testing.TB, i store.Invitation) {
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SetInvitation(t.Context(), i) }))
}

// TestTypedCodes: the messages of typed codes go to and fro once each, in their
// order, and a message whose answer was lost can be sent again.
func TestTypedCodes(t *testing.T) {
	s := newFuzzed(t)
	answer := func(ask_ byte, text string) api.Code {
		_, code := ask[api.Empty](t, s, fullToken, "POST", "/v1/asks/answer", api.AskAnswer{Ask: api.ID(numbered(ask_)), Answer: []byte(text)})
		return code
	}
	reveal := func(claim, ask_ byte, text string) api.Code {
		_, code := ask[api.Empty](t, s, "", "POST", "/v1/claims/reveal", api.Reveal{Token: claimToken(claim), Ask: api.ID(numbered(ask_)), Reveal: []byte(text)})
		return code
	}
	require.Equal(t, api.Conflict, reveal(claimAsksDevice, askDevice, "reveal"), "there is no answer")
	require.Equal(t, api.NotFound, answer(askContact, "answer"), "for a contact")
	require.Equal(t, api.NotFound, answer(9, "answer"))
	require.Equal(t, api.Malformed, answer(askDevice, ""))
	require.Empty(t, answer(askDevice, "answer"))
	require.Empty(t, answer(askDevice, "answer"))
	require.Equal(t, api.Conflict, answer(askDevice, "another"))
	status := must[api.Claim](t, s, "", "POST", "/v1/claims/status", api.ClaimToken{Token: claimToken(claimAsksDevice)})
	require.Equal(t, []api.Asked{{ID: api.ID(numbered(askDevice)), Answer: []byte("answer")}}, status.Asks)
	require.Equal(t, api.Conflict, reveal(claimAsksContacts, askDevice, "reveal"), "of another claim")
	require.Equal(t, api.NotFound, reveal(claimAsksDevice, 9, "reveal"))
	require.Equal(t, api.Conflict, reveal(claimReady, askDevice, "reveal"), "it asks nobody")
	require.Empty(t, reveal(claimAsksDevice, askDevice, "reveal"))
	require.Empty(t, reveal(claimAsksDevice, askDevice, "reveal"))
	require.Equal(t, api.Conflict, reveal(claimAsksDevice, askDevice, "another"))
	open := must[api.Asks](t, s, fullToken, "GET", "/v1/asks", nil).Asks
	require.Len(t, open, 1)
	require.Equal(t, []byte("reveal"), open[0].Reveal)
	require.Equal(t, api.WayDevice, open[0].Way)
}

// TestWhoMayGrant: a device is let in by its own account, and a share is given
// by a contact who has received it.
func TestWhoMayGrant(t *testing.T) {
	s := newFuzzed(t)
	grant := func(token string, of byte, slot string) api.Code {
		in := api.AskGrant{Ask: api.ID(numbered(of)), Grant: []byte("grant"), Slot: api.ID(s.ring.slots[slot])}
		_, code := ask[api.Empty](t, s, token, "POST", "/v1/asks/grant", in)
		return code
	}
	require.Equal(t, api.NotFound, grant(contactToken, askDevice, "device"))
	require.Equal(t, api.NotFound, grant(fullToken, askContact, "contacts"))
	i := s.invitations()[invitedBob]
	i.Received = false
	s.setInvitation(t, i)
	require.Equal(t, api.NotFound, grant(contactToken, askContact, "contacts"))
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.EndClaims(t.Context(), s.id, string(api.ClaimAsked), string(api.ClaimDone))
	}))
	require.Equal(t, api.Conflict, grant(fullToken, askDevice, "device"), "the claim has ended")
}

// TestAskLimits: a claim by contacts has a number of questions, and a question
// a size.
func TestAskLimits(t *testing.T) {
	s := newFuzzed(t)
	put := func(claim byte, size int) api.Code {
		_, code := ask[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: claimToken(claim), Ask: make([]byte, size)})
		return code
	}
	require.Equal(t, api.Malformed, put(claimAsksContacts, 0))
	require.Equal(t, api.Malformed, put(claimAsksContacts, api.MaxAsk+1))
	require.Equal(t, api.Conflict, put(claimReady, 1))
	for range api.MaxContacts - 2 { // fuzzed has two
		require.Empty(t, put(claimAsksContacts, api.MaxAsk))
	}
	require.Equal(t, api.Full, put(claimAsksContacts, 1))
	require.Equal(t, api.Full, put(claimAsksDevice, 1))
	_, code := ask[api.AskID](t, s, "", "POST", "/v1/claims/ask", api.NewAsk{Token: "unknown", Ask: []byte("ask")})
	require.Equal(t, api.NotFound, code)
}

// TestEventPages: pages have all events once, the newest first, and a page that
// is full names the next one.
func TestEventPages(t *testing.T) {
	s := newFuzzed(t)
	const count = 2*maxEvents + maxEvents/2
	start := s.now().Add(-time.Hour)
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		for n := range count {
			e := store.Event{Time: start.Add(time.Duration(n/40) * time.Second), Kind: fmt.Sprint(n), Expires: s.now().Add(time.Hour)}
			if err := tx.AddEvent(t.Context(), s.id, e); err != nil {
				return err
			}
		}
		return nil
	}))
	seen := make(map[string]bool)
	before, sizes := "", []int(nil)
	for last := start.Add(time.Hour).Unix(); ; {
		r := routeOf(t, "GET", "/v1/events")
		if before != "" {
			r.path += "?before=" + before
		}
		page := mustAt[api.Events](t, s, r, fullToken)
		for _, e := range page.Events {
			require.LessOrEqual(t, e.Time, last)
			last, seen[e.Kind] = e.Time, true
		}
		sizes = append(sizes, len(page.Events))
		if before = page.Before; before == "" {
			break
		}
	}
	require.Equal(t, []int{maxEvents, maxEvents, maxEvents / 2}, sizes)
	require.Len(t, seen, count)
}
