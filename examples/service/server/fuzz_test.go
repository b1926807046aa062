package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

var fuzzMethods = []string{"", "GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "put", "\x00"}

// fuzzSessions are who sends a request. The last one has a cookie.
var fuzzSessions = []string{"", fullToken, deviceToken, recoveredToken, halfToken, contactToken, fullToken}

var anyString = regexp.MustCompile(`:"[^"]*"`)

// FuzzRequests: for any request, the server does not panic and does not fail. A
// refusal has the form of all errors.
func FuzzRequests(f *testing.F) {
	s := newFuzzed(f)
	h := s.Handler()
	zero := strings.Repeat("0", 32)
	for i, r := range routes {
		body := s.message(f, r, fullToken)
		method := byte(slices.Index(fuzzMethods, r.method))
		f.Add(byte(i), byte(i), byte(1), zero, "", "application/json", "", "", "", body) // of another method
		for who, token := range fuzzSessions {
			if r.access != anyone || who == 0 {
				f.Add(method, byte(i), byte(who), zero, "", "application/json", "Basic eDp5", "", "198.51.100.7", s.message(f, r, token))
			}
		}
		for n, at := range anyString.FindAllIndex(body, -1) {
			value := []string{`:""`, `:"AA=="`}[n%2]
			f.Add(method, byte(i), byte(1), zero, "", "application/json", "", "token", "", slices.Concat(body[:at[0]], []byte(value), body[at[1]:]))
		}
		switch i % 3 { // these have nothing to do with the route
		case 0:
			f.Add(method, byte(i), byte(1), "..", "after=1&after=2", "application/json", "", "token", "x,,::1%eth0", bytes.ToUpper(body))
		case 1:
			f.Add(method, byte(i), byte(1), "%zz/", "%", "text/plain", "", "", "", []byte("{}"))
		case 2:
			f.Add(method, byte(i), byte(1), "\x00", "after=-1", "application/json;", "Bearer ", "\xff", "\n", []byte(`{"`))
		}
		if r.method == http.MethodGet {
			f.Add(method, byte(i), byte(1), zero, "after=0", "", "", "", "", []byte(nil))
			f.Add(method, byte(i), byte(1), zero, "before=1-"+zero, "", "", "", "", []byte(nil))
		}
	}
	f.Add(byte(1), byte(len(routes)), byte(1), "//v1/account", "", "", "", "", "", []byte(nil))
	f.Add(byte(1), byte(len(routes)), byte(1), "*", "", "", "", "", "", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path, who byte, id, query, media, authorization, stepUp, forwarded string, body []byte) {
		where := id
		if i := int(path) % (len(routes) + 1); i < len(routes) {
			where = strings.ReplaceAll(routes[i].path, "{id}", id)
		}
		r := &http.Request{
			Method: fuzzMethods[int(method)%len(fuzzMethods)], URL: &url.URL{Path: where, RawQuery: query}, Host: "example.org",
			RemoteAddr: "127.0.0.1:1", Body: io.NopCloser(bytes.NewReader(body)), RequestURI: where,
			Header: http.Header{
				"Content-Type": {media}, "Authorization": {authorization}, api.StepUpHeader: {stepUp}, "X-Forwarded-For": {forwarded},
				"Origin": {"https://example.org"},
			},
		}
		n := int(who) % len(fuzzSessions)
		switch token := fuzzSessions[n]; {
		case n == len(fuzzSessions)-1:
			r.Header.Set("Cookie", cookieSession+"="+token+"; "+cookieDevice+"="+authorization)
			r.Header.Del("Authorization")
		case n > 0:
			r.Header.Set("Authorization", "Bearer "+token)
		}
		if n == slices.Index(fuzzSessions, halfToken) {
			s.renew(t) // it has a few tries
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code == http.StatusOK {
			require.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
			if r.Method != http.MethodGet {
				s.renew(t)
			}
			return
		}
		var e api.Error
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &e), "%d %s", w.Code, w.Body)
		requireRefused(t, w, e.Code)
		require.True(t, w.Code < 500 || e.Code == api.Full, "%s", w.Body)
	})
}

// TestWhatEndsMeanwhileIsNoFailure: the server does not fail if a session or an
// account ends between two statements of a request.
func TestWhatEndsMeanwhileIsNoFailure(t *testing.T) {
	for what, end := range map[string]func(*fuzzed, *store.Tx, string) error{
		"session": func(s *fuzzed, tx *store.Tx, token string) error {
			if of, err := tx.Session(context.Background(), digestOf(token), s.now()); err == nil {
				return tx.EndSession(context.Background(), of.Account, of.ID)
			}
			return nil
		},
		"account": func(s *fuzzed, tx *store.Tx, _ string) error { return tx.Delete(context.Background(), s.id) },
	} {
		for _, r := range routes {
			for _, token := range []string{"", fullToken, deviceToken, recoveredToken, contactToken} {
				if (token == "") != (r.access == anyone) || r.access == halfway || token == "" && what == "session" {
					continue
				}
				if s := (store.Session{Way: map[string]string{deviceToken: "device"}[token], Recovered: token == recoveredToken}); !r.access.allows(s) {
					continue
				}
				t.Run(what+" "+r.method+" "+r.path+" "+token, func(t *testing.T) {
					t.Parallel()
					for at := 2; ; at++ { // the first statement finds the session
						s := newFuzzed(t)
						body, n := s.message(t, r, token), 0
						s.addStepUp(t, r, body)
						s.db.Trace(func(statement string) {
							if n++; n == at {
								s.db.Trace(nil)
								require.NoError(t, s.db.Tx(context.Background(), func(tx *store.Tx) error { return end(s, tx, token) }))
							} else if statement == "BEGIN" {
								n = -1000 // from here on the transaction has a lock
							}
						})
						w := httptest.NewRecorder()
						s.Handler().ServeHTTP(w, s.request(r, token, body))
						require.Less(t, w.Code, 500, "before statement %d: %s", at, w.Body)
						if n != at {
							break
						}
					}
				})
			}
		}
	}
}
