package e2e

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// guessPhrase tries phrases until the limit, and returns the number of tries.
func (w *world) guessPhrase(name string) (tries int) {
	for {
		p, err := recovery.NewPhrase(12)
		require.NoError(w, err)
		err = w.device().LoginPhrase(w.Context(), who(name), p)
		if hasCode(err, api.RateLimited) {
			return tries
		}
		require.ErrorIs(w, err, client.ErrAuthentication)
		tries++
		require.Less(w, tries, 50, "there is no limit")
	}
}

// claimUntil begins claims until the limit, and returns their number.
func (w *world) claimUntil(of api.BeginClaim) (n int) {
	for {
		switch status := w.post("/v1/claims/begin", "", of, nil); status {
		case 200:
			n++
		default:
			require.Equal(w, 429, status)
			return n
		}
		require.Less(w, n, 50, "there is no limit")
	}
}

// TestWaysAreLimited: logins with the phrase, logins with the password, and
// claims have tries of their own. All names have the same number of them, on
// the whole fleet and after a restart, and regain them.
func TestWaysAreLimited(t *testing.T) {
	inWorlds(t, func(c *server.Config) {
		c.Limits.Account = store.Budget{Burst: 4, Every: time.Hour}
		c.Limits.Phrase = store.Budget{Burst: 3, Every: time.Hour}
		c.Limits.Claims = store.Budget{Burst: 5, Every: time.Hour}
	}, func(w *world) {
		ctx := w.Context()
		d := w.account(0)
		p, file := d.withPhrase(), d.withFile()
		_, err := w.device().SignUp(ctx, []string{"bare"}, one(password))
		require.NoError(w, err)
		names := []string{"alice0", "bare", "nobody"}
		for range 5 {
			w.recovering("alice0", p) // a right phrase costs nothing
		}
		for _, name := range names {
			require.Equal(w, 3, w.guessPhrase(name), name)
		}
		require.ErrorIs(w, w.device().LoginPhrase(ctx, who("alice0"), p), is(api.RateLimited), "the right one too")
		for range 5 {
			_, err := d.Login(ctx, "alice0", one(password))
			require.NoError(w, err, "a known device")
		}
		_, err = w.device().Login(ctx, "alice0", one(password))
		require.NoError(w, err, "a new device")
		for _, name := range names {
			require.Equal(w, 4, w.guess(name), name)
		}
		slot := api.ID{1}
		for i, name := range append(names, "somebody") {
			of := api.BeginClaim{Name: name, Way: []api.Way{api.WayFile, api.WayContacts, api.WayDevice, api.WayReview}[i]}
			switch of.Way {
			case api.WayFile:
				of.Slot, of.Proof = &slot, madeUpProof
			case api.WayReview:
				of.Text = "I have lost everything."
			}
			require.Equal(w, 5, w.claimUntil(of), name)
			other := api.BeginClaim{Name: name, Way: api.WayDevice}
			want := map[bool]int{true: 0, false: 5}[of.Way == other.Way]
			require.Equal(w, want, w.claimUntil(other), "another way")
			other.Former = 1
			require.Equal(w, 5, w.claimUntil(other), "another account")
		}
		require.NoError(w, w.device().ClaimFile(ctx, who("alice0"), file), "nobody uses up the right one's")
		w.restart(func(*server.Config) {})
		for _, name := range names {
			require.Zero(w, w.guessPhrase(name), name)
			require.Zero(w, w.claimUntil(api.BeginClaim{Name: name, Way: api.WayDevice}), name)
		}
		w.clock.advance(2 * time.Hour)
		w.tend()
		w.recovering("alice0", p)
		require.NoError(w, w.device().ClaimFile(ctx, who("alice0"), file))
		for i, name := range names {
			require.Equal(w, 2, w.guessPhrase(name), name)
			require.Equal(w, []int{5, 2, 5}[i], w.claimUntil(api.BeginClaim{Name: name, Way: api.WayContacts}), name)
			require.Equal(w, 2, w.guess(name), name)
		}
	})
}

// TestGuessesBesideThePhrase: tries of the password do not shut out the phrase,
// and neither do claims.
func TestGuessesBesideThePhrase(t *testing.T) {
	inWorlds(t, func(c *server.Config) {
		c.Limits.Account = store.Budget{Burst: 4, Every: time.Hour}
		c.Limits.Device = store.Budget{Burst: 4, Every: time.Hour}
		c.Limits.Claims = store.Budget{Burst: 4, Every: time.Hour}
		c.Limits.Phrase = store.Budget{Burst: 1, Every: time.Hour}
	}, func(w *world) {
		ctx := w.Context()
		d := w.account(0)
		p := d.withPhrase()
		require.Equal(w, 4, w.guess("alice0"))
		require.Equal(w, 4, w.claimUntil(api.BeginClaim{Name: "alice0", Way: api.WayContacts}))
		for range 4 {
			_, err := d.Login(ctx, "alice0", one("a guess at it"))
			require.ErrorIs(w, err, client.ErrAuthentication)
		}
		recovering := w.recovering("alice0", p)
		_, err := recovering.SetPassword(ctx, one(other), false)
		require.ErrorIs(w, err, is(api.RateLimited), "the new password is set, and strangers have used up its tries")
		w.clock.advance(time.Hour)
		_, err = recovering.Login(ctx, "alice0", one(other))
		require.NoError(w, err)
	})
}

// TestClaimsAreLimitedByAddress: an address has a number of requests that begin
// something without a session, and of all requests.
func TestClaimsAreLimitedByAddress(t *testing.T) {
	limited := []string{"/v1/claims/begin", "/v1/claims/ask", "/v1/claims/open", "/v1/claims/account", "/v1/login/begin", "/v1/register/begin"}
	free := []string{"/v1/claims/status", "/v1/claims/reveal", "/v1/login/finish"}
	inWorlds(t, func(c *server.Config) { c.Limits.Logins = server.Rate{Burst: 6, Every: time.Hour} }, func(w *world) {
		w.servers = w.servers[:1]
		post := func(path string) int {
			return w.do("POST", path, "{}", func(*http.Request) {}).StatusCode
		}
		for _, path := range limited {
			require.NotEqual(w, 429, post(path), path)
		}
		for _, path := range limited {
			require.Equal(w, 429, post(path), path)
		}
		for _, path := range free {
			require.NotEqual(w, 429, post(path), path)
		}
	})
	inWorlds(t, func(c *server.Config) { c.Limits.Requests = server.Rate{Burst: 9, Every: time.Hour} }, func(w *world) {
		w.servers = w.servers[:1]
		all := append(limited, free...)
		for _, path := range append(all, all...) {
			w.do("POST", path, "{}", func(*http.Request) {})
		}
		for _, path := range all {
			require.Equal(w, 429, w.do("POST", path, "{}", func(*http.Request) {}).StatusCode, path)
		}
	})
}

// TestClaimsAreLimitedByNetwork: each network has claims of its own, and all
// networks have a number together.
func TestClaimsAreLimitedByNetwork(t *testing.T) {
	inWorlds(t, func(c *server.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.Limits.Claims = store.Budget{Burst: 3, Every: time.Hour}
		c.Limits.AllClaims = store.Budget{Burst: 8, Every: time.Hour}
	}, func(w *world) {
		w.account(0)
		for _, name := range []string{"alice0", "nobody"} {
			allowed := func(address string) (n int) {
				body := marshal(w, api.BeginClaim{Name: name, Way: api.WayDevice})
				for range 5 {
					answer := w.do("POST", "/v1/claims/begin", body, func(r *http.Request) { r.Header.Set("X-Forwarded-For", address) })
					if answer.StatusCode == 200 {
						n++
					} else {
						require.Equal(w, 429, answer.StatusCode)
					}
				}
				return n
			}
			require.Equal(w, 3, allowed("198.51.100.7"), name)
			require.Equal(w, 3, allowed("198.51.100.8"), name)
			require.Equal(w, 2, allowed("2001:db8::1"), name)
			require.Zero(w, allowed("203.0.113.9"), name)
		}
	})
}
