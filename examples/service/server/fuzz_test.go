package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// FuzzRequests: for any request, the server does not panic and does not fail. A
// refusal has the form of all errors.
func FuzzRequests(f *testing.F) {
	s := newFuzzed(f)
	h := s.Handler()
	zero := strings.Repeat("0", 32)
	for i, r := range routes {
		body := s.message(r)
		for method := range fuzzMethods {
			f.Add(byte(method), byte(i), byte(1), zero, "", "application/json", "", "", "", body)
		}
		method := r.method
		for j, m := range fuzzMethods {
			if m != method {
				continue
			}
			for who := range byte(4) {
				f.Add(byte(j), byte(i), who, zero, "after=0", "application/json", "Basic eDp5", "", "198.51.100.7", body)
			}
			for _, at := range anyString.FindAllIndex(body, -1) {
				for _, value := range []string{`:""`, `:"AA=="`} {
					other := slices.Concat(body[:at[0]], []byte(value), body[at[1]:])
					f.Add(byte(j), byte(i), byte(1), zero, "", "application/json", "", "token", "", other)
				}
			}
			f.Add(byte(j), byte(i), byte(1), "..", "after=1&after=2", "application/json", "", "token", "x,,::1%eth0", bytes.ToUpper(body))
			f.Add(byte(j), byte(i), byte(1), "%zz/", "%", "text/plain", "", "", "", []byte("{}"))
			f.Add(byte(j), byte(i), byte(1), "\x00", "after=-1", "application/json;", "Bearer ", "\xff", "\n", []byte(`{"`))
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
		switch who % 4 {
		case 1:
			r.Header.Set("Authorization", "Bearer "+fullToken)
		case 2:
			r.Header.Set("Authorization", "Bearer "+halfToken)
			s.renew(t)
		case 3:
			r.Header.Set("Cookie", cookieSession+"="+fullToken+"; "+cookieDevice+"="+authorization)
			r.Header.Del("Authorization")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code == http.StatusOK {
			require.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
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
	for what, end := range map[string]func(*fuzzed, *store.Tx) error{
		"session": func(s *fuzzed, tx *store.Tx) error {
			return tx.EndSession(context.Background(), s.account, s.session.ID)
		},
		"account": func(s *fuzzed, tx *store.Tx) error { return tx.Delete(context.Background(), s.account) },
	} {
		for _, r := range routes {
			if r.access != session {
				continue
			}
			t.Run(what+" "+r.method+" "+r.path, func(t *testing.T) {
				for at := 2; ; at++ { // the first statement finds the session
					s := newFuzzed(t)
					body, n := s.message(r), 0
					s.addStepUp(t, r, body)
					s.db.Trace(func(statement string) {
						if n++; n == at {
							s.db.Trace(nil)
							require.NoError(t, s.db.Tx(context.Background(), func(tx *store.Tx) error { return end(s, tx) }))
						} else if statement == "BEGIN" {
							n = -1000 // from here on the transaction has a lock
						}
					})
					w := httptest.NewRecorder()
					s.Handler().ServeHTTP(w, s.request(r, body))
					require.Less(t, w.Code, 500, "before statement %d: %s", at, w.Body)
					if n != at {
						break
					}
				}
			})
		}
	}
}

// addStepUp confirms a request.
func (s *fuzzed) addStepUp(t testing.TB, r route, body []byte) {
	digest := sha256.Sum256(body)
	up := store.StepUp{Session: s.session.ID, Operation: r.stepUp, Digest: digest[:]}
	require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.AddStepUp(t.Context(), digestOf("confirmed"), up, s.now().Add(stepUpTime))
	}))
}

// request returns a confirmed request in the session.
func (s *fuzzed) request(r route, body []byte) *http.Request {
	request := httptest.NewRequest(r.method, strings.ReplaceAll(r.path, "{id}", strings.Repeat("0", 32)), bytes.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+fullToken)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(api.StepUpHeader, "confirmed")
	return request
}
