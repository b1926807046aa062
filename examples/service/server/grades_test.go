package server

import (
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/stretchr/testify/require"
)

// grades are what the server answers to a request in a session of the password,
// of an approved device, and of one that recovers the account. A dash is a
// session that may not do it. A login or a claim needs no session.
var grades = map[string]string{
	"POST /v1/register/begin":    "anyone ok",
	"POST /v1/register/finish":   "anyone ok",
	"POST /v1/login/begin":       "anyone ok",
	"POST /v1/login/finish":      "anyone login_failed",
	"POST /v1/login/code":        "half wrong_code",
	"POST /v1/session/code":      "wrong_code - -",
	"POST /v1/step-up/begin":     "ok - -",
	"POST /v1/step-up/finish":    "login_failed - -",
	"GET /v1/sessions":           "ok ok ok",
	"DELETE /v1/sessions":        "ok - -",
	"DELETE /v1/sessions/{id}":   "not_found - -", // of another session
	"PUT /v1/session/name":       "ok ok -",
	"PUT /v1/session/slot":       "ok - -",
	"GET /v1/account":            "ok ok ok",
	"POST /v1/account/delete":    "ok - -",
	"POST /v1/password/begin":    "ok - ok",
	"POST /v1/password/finish":   "ok - -",
	"POST /v1/phrase/begin":      "ok - -",
	"POST /v1/move/begin":        "conflict - -",
	"POST /v1/move/finish":       "conflict - -",
	"POST /v1/totp/begin":        "ok - -",
	"POST /v1/totp/confirm":      "conflict - -",
	"POST /v1/totp/remove":       "ok - -",
	"POST /v1/totp/codes":        "conflict - -",
	"GET /v1/keyring":            "ok ok ok",
	"PUT /v1/keyring":            "ok - ok",
	"GET /v1/items":              "ok ok ok",
	"PUT /v1/items/{id}":         "ok ok -",
	"GET /v1/events":             "ok ok ok",
	"POST /v1/claims/begin":      "anyone ok",
	"POST /v1/claims/ask":        "anyone ok",
	"POST /v1/claims/status":     "anyone ok",
	"POST /v1/claims/reveal":     "anyone ok",
	"POST /v1/claims/open":       "anyone ok",
	"POST /v1/claims/account":    "anyone ok",
	"POST /v1/claims/password":   "- ok -",
	"GET /v1/claims":             "ok ok ok",
	"POST /v1/claims/delay":      "ok ok ok",
	"POST /v1/claims/cancel":     "ok - -",
	"GET /v1/asks":               "ok ok -",
	"POST /v1/asks/answer":       "ok ok -",
	"POST /v1/asks/grant":        "ok - -", // of a device
	"GET /v1/contacts":           "ok ok ok",
	"POST /v1/contacts/invite":   "ok - -",
	"POST /v1/contacts/accept":   "ok - -",
	"POST /v1/contacts/deliver":  "ok - -",
	"POST /v1/contacts/received": "not_found - -", // of another account
	"POST /v1/contacts/remove":   "ok - -",
}

// TestGrades: every route has the answers of the table, and no session of a
// wrong grade gets to its handler.
func TestGrades(t *testing.T) {
	require.Len(t, grades, len(routes))
	for _, r := range routes {
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			t.Parallel()
			s := newFuzzed(t)
			answers := func(want string, tokens ...string) {
				t.Helper()
				for i, token := range tokens {
					code := s.answer(t, r, token, s.message(t, r, token))
					all := strings.Fields(want)
					expected := map[string]api.Code{"ok": "", "-": api.NotAllowed}
					one, ok := expected[all[i%len(all)]]
					if !ok {
						one = api.Code(all[i%len(all)])
					}
					require.Equal(t, one, code, "session %q", token)
					if code == "" {
						s = newFuzzed(t)
					}
				}
			}
			want := grades[r.method+" "+r.path]
			switch who, answer, _ := strings.Cut(want, " "); who {
			case "anyone":
				answers(answer, "", "unknown", fullToken, deviceToken, recoveredToken, halfToken)
			case "half":
				answers("unauthenticated unauthenticated conflict conflict conflict", "", "unknown", fullToken, deviceToken, recoveredToken)
				answers(answer, halfToken)
			default:
				answers("unauthenticated unauthenticated code_required", "", "unknown", halfToken)
				answers(want, fullToken, deviceToken, recoveredToken)
			}
		})
	}
}

// TestContactGrants: a contact grants in a session of the password, and in one
// of an approved device.
func TestContactGrants(t *testing.T) {
	for _, way := range []api.Way{api.WayPassword, api.WayDevice} {
		s := newFuzzed(t)
		contact := s.sessions()[contactToken]
		contact.Way = string(way)
		s.replaceSession(t, contactToken, contact)
		for _, path := range []string{"/v1/asks/answer", "/v1/asks/grant"} {
			r := routeOf(t, "POST", path)
			require.Empty(t, s.answer(t, r, contactToken, s.message(t, r, contactToken)), way)
		}
	}
}

// TestOwnSessionEnds: a session of each grade can end itself, and not another.
func TestOwnSessionEnds(t *testing.T) {
	r := routeOf(t, "DELETE", "/v1/sessions/{id}")
	for _, token := range []string{fullToken, deviceToken, recoveredToken} {
		for _, other := range []string{fullToken, deviceToken, recoveredToken, contactToken} {
			s := newFuzzed(t)
			of, err := s.db.Session(t.Context(), digestOf(other), s.now())
			require.NoError(t, err)
			want := api.Code("")
			switch {
			case token != fullToken && token != other:
				want = api.NotAllowed
			case other == contactToken:
				want = api.NotFound
			}
			at := r
			at.path = "/v1/sessions/" + api.ID(of.ID).String()
			require.Equal(t, want, s.answer(t, at, token, nil), "%s ends %s", token, other)
			_, err = s.db.Session(t.Context(), digestOf(other), s.now())
			require.Equal(t, want == "", err != nil)
		}
	}
}
