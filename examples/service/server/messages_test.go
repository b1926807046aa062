package server

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// message returns a body for a route in a session, with values that go far.
func (s *fuzzed) message(t testing.TB, r route, token string) []byte {
	in := r.in
	switch in.(type) {
	case none:
		return nil
	case api.Requests:
		in = api.Requests{OPAQUE: s.phrase.request, SRP: s.requests.SRP}
	case api.FirstMessage:
		in = api.FirstMessage{OPAQUE: s.phrase.request}
	case api.BeginLogin:
		in = api.BeginLogin{Name: "alice", Requests: s.requests, Device: "device"}
	case api.BeginStepUp:
		in = api.BeginStepUp{Operation: api.OpRefresh, Digest: make([]byte, 32), Requests: s.requests}
	case api.FinishLogin:
		in = api.FinishLogin{Token: "token", Final: []byte("final")}
	case api.FinishStepUp:
		in = api.FinishStepUp{Token: "token", Final: []byte("final")}
	case api.Message:
		in = api.Message{Message: []byte("message")}
	case api.MovedRecord:
		in = api.MovedRecord{Message: []byte("message")}
	case api.FinishRegistration:
		in = api.FinishRegistration{Token: s.registration(t), Names: []string{"dave"}, Upload: s.password.upload}
	case api.NewRecord:
		in = api.NewRecord{Upload: s.password.upload}
	case api.PutItem:
		in = api.PutItem{Previous: 1, Key: s.ring.key, Body: []byte("body")}
	case api.NewKeyring:
		in = api.NewKeyring{Header: s.ring.next, Phrase: s.phrase.upload, Half: s.ring.nextHalf, Proof: proof}
		if token == recoveredToken {
			in = api.NewKeyring{Header: s.ring.renewed, Upload: s.another.upload, ResetFactors: true}
		}
	case api.Label:
		in = api.Label{Name: []byte("name")}
	case api.SessionSlot:
		in = api.SessionSlot{Slot: api.ID(s.ring.slots["device"])}
	case api.BeginClaim:
		slot := api.ID(s.ring.slots["file"])
		in = api.BeginClaim{Name: "alice", Way: api.WayFile, Slot: &slot, Proof: proof}
	case api.NewAsk:
		in = api.NewAsk{Token: claimToken(claimAsksContacts), Ask: []byte("ask")}
	case api.Reveal:
		in = api.Reveal{Token: claimToken(claimAsksContacts), Ask: api.ID(numbered(askAnswered)), Reveal: []byte("reveal")}
	case api.ClaimToken:
		in = api.ClaimToken{Token: claimToken(claimReady)}
	case api.NewAccount:
		in = api.NewAccount{Token: claimToken(claimFresh), Registration: s.registration(t), Upload: s.password.upload}
	case api.ClaimID:
		in = api.ClaimID{Claim: api.ID(numbered(claimWaits))}
	case api.AskAnswer:
		in = api.AskAnswer{Ask: api.ID(numbered(askOf(token))), Answer: []byte("answer")}
	case api.AskGrant:
		slot := s.ring.slots["device"]
		if token == contactToken {
			slot = s.ring.slots["contacts"]
		}
		in = api.AskGrant{Ask: api.ID(numbered(askOf(token))), Grant: []byte("grant"), Slot: api.ID(slot)}
	case api.Acceptance:
		in = api.Acceptance{Invitation: api.ID(numbered(invitedByCarol)), Answer: []byte("answer")}
	case api.Delivery:
		in = api.Delivery{Invitation: api.ID(numbered(invitedCarol)), Slot: api.ID(s.ring.slots["contacts"]), Message: s.ring.message}
	case api.InvitationID:
		in = api.InvitationID{Invitation: api.ID(numbered(invitedBob))}
	}
	b, err := json.Marshal(in)
	require.NoError(t, err)
	return b
}

// askOf returns the question that a session may grant.
func askOf(token string) byte {
	if token == contactToken {
		return askContact
	}
	return askDevice
}

// registration returns the token of a new registration.
func (s *fuzzed) registration(t testing.TB) string {
	token, err := s.registrationToken(&call{Context: context.Background(), now: s.now()}, newID())
	require.NoError(t, err)
	return token
}

// addStepUp confirms a request in the session of fullToken.
func (s *fuzzed) addStepUp(t testing.TB, r route, body []byte) {
	digest := sha256.Sum256(body)
	operation := cmp.Or(r.stepUp, sometimes[r.method+" "+r.path][0])
	up := store.StepUp{Session: s.session.ID, Operation: operation, Digest: digest[:]}
	token, stored := newToken()
	s.stepUp = token
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.AddStepUp(t.Context(), stored, up, s.now().Add(stepUpTime)) }))
}

// request returns a request in a session, or in none.
func (s *fuzzed) request(r route, token string, body []byte) *http.Request {
	request := httptest.NewRequest(r.method, strings.ReplaceAll(r.path, "{id}", strings.Repeat("0", 32)), bytes.NewReader(body))
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(api.StepUpHeader, s.stepUp)
	return request
}

// answer sends a confirmed request, and returns its code, or "" for a success.
func (s *fuzzed) answer(t testing.TB, r route, token string, body []byte) api.Code {
	_, code := s.exchange(t, r, token, body)
	return code
}

func (s *fuzzed) exchange(t testing.TB, r route, token string, body []byte) ([]byte, api.Code) {
	s.addStepUp(t, r, body)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, s.request(r, token, body))
	if w.Code == http.StatusOK {
		return w.Body.Bytes(), ""
	}
	var e api.Error
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &e))
	requireRefused(t, w, e.Code)
	return nil, e.Code
}

// ask sends a confirmed message, and returns the answer or its code.
func ask[Out any](t testing.TB, s *fuzzed, token, method, path string, in any) (out Out, code api.Code) {
	t.Helper()
	var body []byte
	if in != nil {
		var err error
		body, err = json.Marshal(in)
		require.NoError(t, err)
	}
	text, code := s.exchange(t, routeOf(t, method, path), token, body)
	if code == "" {
		require.NoError(t, json.Unmarshal(text, &out))
	}
	return out, code
}

// must is ask for a request that succeeds.
func must[Out any](t testing.TB, s *fuzzed, token, method, path string, in any) Out {
	t.Helper()
	out, code := ask[Out](t, s, token, method, path, in)
	require.Empty(t, code)
	return out
}

// routeOf returns a route.
func routeOf(t testing.TB, method, path string) route {
	i := slices.IndexFunc(routes, func(r route) bool { return r.method == method && r.path == path })
	require.GreaterOrEqual(t, i, 0)
	return routes[i]
}

// replaceSession replaces a session.
func (s *fuzzed) replaceSession(t testing.TB, token string, next store.Session) {
	old, err := s.db.Session(t.Context(), digestOf(token), s.now())
	require.NoError(t, err)
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.EndSession(t.Context(), old.Account, old.ID), tx.AddSession(t.Context(), digestOf(token), next))
	}))
}

// mustAt is must for a route with another path.
func mustAt[Out any](t testing.TB, s *fuzzed, r route, token string) (out Out) {
	t.Helper()
	text, code := s.exchange(t, r, token, nil)
	require.Empty(t, code)
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}
