package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/stretchr/testify/require"
)

// TestCookies: a browser gets its tokens in cookies that no script and no other
// site sees, and requests from other sites are refused.
func TestCookies(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		w.signUp()
		f := w.begun("alice", password)
		f.in.Cookie = true
		var in api.LoggedIn
		answer := w.do("POST", "/v1/login/finish", marshal(w, f.in), func(*http.Request) {})
		require.Equal(w, 200, answer.StatusCode)
		unmarshal(w, answer.body, &in)
		require.Empty(w, in.Token)
		require.Empty(w, in.Device)
		cookies := answer.Cookies()
		require.Len(w, cookies, 2)
		for _, c := range cookies {
			require.True(w, strings.HasPrefix(c.Name, "__Host-"))
			require.True(w, c.Secure && c.HttpOnly && c.Path == "/" && c.Domain == "" && c.SameSite == http.SameSiteStrictMode)
		}
		with := func(method, path string, change func(*http.Request)) int {
			return w.do(method, path, "{}", func(r *http.Request) {
				for _, c := range cookies {
					r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
				}
				change(r)
			}).StatusCode
		}
		site := func(name, value string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set(name, value) }
		}
		require.Equal(w, 200, with("GET", "/v1/account", func(*http.Request) {}))
		require.Equal(w, 403, with("DELETE", "/v1/sessions", site("Sec-Fetch-Site", "cross-site")))
		require.Equal(w, 403, with("DELETE", "/v1/sessions", site("Sec-Fetch-Site", "same-site")))
		require.Equal(w, 403, with("DELETE", "/v1/sessions", site("Origin", "https://example.org")))
		require.Equal(w, 2, w.rows("sessions")["sessions"])
		require.Equal(w, 200, with("DELETE", "/v1/sessions", site("Sec-Fetch-Site", "same-origin")))
		require.Equal(w, 1, w.rows("sessions")["sessions"])
	})
}
