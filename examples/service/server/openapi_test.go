package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("update", false, "rewrite openapi.json")

const openAPIFile = "../openapi.json"

// TestOpenAPIDescribesTheRoutes: openapi.json is what the table of routes and
// the messages say.
func TestOpenAPIDescribesTheRoutes(t *testing.T) {
	want := describe(t)
	if *rewrite {
		require.NoError(t, os.WriteFile(openAPIFile, want, 0o644))
	}
	got, err := os.ReadFile(openAPIFile)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n"))), "run: go test ./server -run OpenAPI -update")
	require.Len(t, described, len(routes))
	ids := make(map[string]bool)
	for _, text := range described {
		ids[text.id] = true
	}
	require.Len(t, ids, len(routes))
}

// TestEveryCodeHasAStatus: package api documents the status that the server
// sends, and the server sends no other code.
func TestEveryCodeHasAStatus(t *testing.T) {
	d := readDocs(t) // compares the comments
	require.Len(t, status, len(d.codes))
	for _, code := range d.codes {
		require.Contains(t, status, code)
	}
}

// TestRefusalsAreAsDescribed: the server refuses what no route accepts, always
// in the same form.
func TestRefusalsAreAsDescribed(t *testing.T) {
	h := newTestServer(t, Limits{}).Handler()
	refuse := func(t *testing.T, method, path, media, body string, code api.Code) http.Header {
		t.Helper()
		r := httptest.NewRequest(method, strings.ReplaceAll(path, "{id}", strings.Repeat("0", 32)), strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		requireRefused(t, w, code)
		return w.Header()
	}
	const media = "application/json"
	for _, r := range routes {
		t.Run(r.method+" "+r.path, func(t *testing.T) {
			body := ""
			if r.hasBody() {
				body = "{}"
				for _, other := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain", "json"} {
					refuse(t, r.method, r.path, other, body, api.MediaType)
				}
				refuse(t, r.method, r.path, media, strings.Repeat(" ", api.MaxBody+1), api.TooLarge)
			} else {
				refuse(t, r.method, r.path, media, "{}", api.Malformed)
			}
			if r.access != anyone {
				refuse(t, r.method, r.path, media, body, api.Unauthenticated)
				refuse(t, r.method, r.path, media+"; charset=utf-8", body, api.Unauthenticated)
			}
			if r.method == http.MethodGet {
				refuse(t, http.MethodHead, r.path, "", "", api.Unauthenticated)
			}
			for _, method := range []string{"PATCH", "OPTIONS", "TRACE", "QUERY", "get"} {
				require.Contains(t, strings.Split(refuse(t, method, r.path, media, body, api.MethodNotAllowed).Get("Allow"), ", "), r.method)
			}
			for _, path := range []string{r.path + "/", r.path + "/more/more", "/" + r.path, "/v1/." + r.path[len("/v1"):], strings.ToUpper(r.path)} {
				refuse(t, r.method, path, media, body, api.NotFound)
			}
		})
	}
	for _, path := range []string{"/", "/v1", "/v2/account", "/metrics", "/debug/pprof/", "/v1/sessions/../account"} {
		refuse(t, http.MethodGet, path, "", "", api.NotFound)
	}
}

// TestBusyAndLimitedAreAsDescribed: 429 says when to try again, and 503 says
// that the server is not ready.
func TestBusyAndLimitedAreAsDescribed(t *testing.T) {
	s := newTestServer(t, Limits{Requests: Rate{Burst: 1, Every: time.Hour}})
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	requireRefused(t, get("/v1/account"), api.Unauthenticated)
	w := get("/v1/account")
	e := requireRefused(t, w, api.RateLimited)
	require.Equal(t, fmt.Sprint(e.RetryAfter), w.Header().Get("Retry-After"))
	require.Equal(t, 3600, e.RetryAfter)
	require.Equal(t, http.StatusOK, get("/readyz").Code)
	s.Drain()
	requireRefused(t, get("/readyz"), api.Busy)
	require.Equal(t, http.StatusOK, get("/healthz").Code)
}

// requireRefused checks the form of every answer that is not a success.
func requireRefused(t testing.TB, w *httptest.ResponseRecorder, code api.Code) (e api.Error) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&e), "%d %s", w.Code, w.Body)
	require.Equal(t, code, e.Code, e.Message)
	require.Equal(t, status[e.Code], w.Code)
	require.NotEmpty(t, e.Message)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	return e
}
