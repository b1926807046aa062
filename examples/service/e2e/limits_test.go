package e2e

import (
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// guess tries a password until the limit, and returns the number of tries.
func (w *world) guess(name string) (tries int) {
	for {
		_, err := w.device().Login(w.Context(), name, one("a guess at it"))
		if hasCode(err, api.RateLimited) {
			return tries
		}
		require.ErrorIs(w, err, client.ErrAuthentication)
		tries++
	}
}

// TestTriesAreLimited: names have the same number of tries whether or not they
// have an account, on the whole fleet and after a restart, and regain them.
func TestTriesAreLimited(t *testing.T) {
	inWorlds(t, func(c *server.Config) {
		c.Limits.Account = store.Budget{Burst: 4, Every: time.Hour}
	}, func(w *world) {
		w.signUp()
		require.Equal(w, 4, w.guess("alice"))
		require.Equal(w, 4, w.guess("nobody"))
		w.restart(func(*server.Config) {})
		require.Zero(w, w.guess("alice"))
		require.Zero(w, w.guess("nobody"))
		w.clock.advance(2 * time.Hour)
		w.tend()
		require.Equal(w, 2, w.guess("alice"))
		require.Equal(w, 2, w.guess("nobody"))
	})
}

// TestOwnerIsNotShutOut: a device that has logged in before has tries of its
// own, and a login gives its try back.
func TestOwnerIsNotShutOut(t *testing.T) {
	inWorlds(t, func(c *server.Config) {
		c.Limits.Account = store.Budget{Burst: 4, Every: time.Hour}
		c.Limits.Device = store.Budget{Burst: 3, Every: time.Hour}
	}, func(w *world) {
		ctx := w.Context()
		laptop := w.signUp()
		for range 10 {
			_, err := laptop.Login(ctx, "alice", one(password))
			require.NoError(w, err)
		}
		require.Equal(w, 4, w.guess("alice"))
		_, err := w.device().Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, is(api.RateLimited), "another device")
		for range 10 {
			_, err = laptop.Login(ctx, "alice", one(password))
			require.NoError(w, err)
		}
		for range 3 {
			_, err = laptop.Login(ctx, "alice", one("a guess at it"))
			require.ErrorIs(w, err, client.ErrAuthentication)
		}
		_, err = laptop.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, is(api.RateLimited), "the device's own guesses")
	})
}

// TestSessionsHaveTheirOwnTries: strangers cannot stop a change of the password,
// and a thief with a session cannot guess it.
func TestSessionsHaveTheirOwnTries(t *testing.T) {
	inWorlds(t, func(c *server.Config) {
		c.Limits.Account = store.Budget{Burst: 4, Every: time.Hour}
		c.Limits.Session = store.Budget{Burst: 3, Every: time.Hour}
	}, func(w *world) {
		ctx := w.Context()
		laptop := w.signUp()
		w.guess("alice")
		require.NoError(w, laptop.ChangePassword(ctx, one(password), one("another password")))
		for range 2 { // the change has cost one
			_, err := laptop.NewTOTP(ctx, []byte("a guess at it"))
			require.ErrorIs(w, err, client.ErrAuthentication)
		}
		_, err := laptop.NewTOTP(ctx, []byte("another password"))
		require.ErrorIs(w, err, is(api.RateLimited))
	})
}

// TestAddressesAreLimited: an address has a number of registrations and logins.
// Only the headers of trusted proxies name another address.
func TestAddressesAreLimited(t *testing.T) {
	change := func(c *server.Config) {
		c.Limits.Taken = server.Rate{Burst: 2, Every: time.Hour}
		c.Limits.Logins = server.Rate{Burst: 5, Every: time.Hour}
	}
	from := func(w *world, path, forwarded string) (status int, retry string) {
		r := w.do("POST", path, "{}", func(r *http.Request) {
			if forwarded != "" {
				r.Header.Set("X-Forwarded-For", forwarded)
			}
		})
		return r.StatusCode, r.Header.Get("Retry-After")
	}
	const finish, begin = "/v1/register/finish", "/v1/login/begin"
	allowed := func(w *world, path string, addresses ...string) (n int) {
		for _, a := range addresses {
			if status, _ := from(w, path, a); status != 429 {
				n++
			}
		}
		return n
	}
	inWorlds(t, change, func(w *world) {
		w.servers = w.servers[:1]
		require.Equal(w, 2, allowed(w, finish, "", "", ""))
		status, retry := from(w, finish, "198.51.100.7")
		require.Equal(w, 429, status, "the header of a stranger")
		seconds, err := strconv.Atoi(retry)
		require.NoError(w, err)
		require.InDelta(w, 3600, seconds, 5)
		require.Equal(w, 5, allowed(w, begin, "", "", "", "", "", "", ""))
	})
	inWorlds(t, func(c *server.Config) {
		change(c)
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	}, func(w *world) {
		w.servers = w.servers[:1]
		require.Equal(w, 2, allowed(w, finish, "198.51.100.7", "198.51.100.7", "198.51.100.7"))
		require.Zero(w, allowed(w, finish, "203.0.113.9, 198.51.100.7, 10.1.2.3"), "behind two proxies; the rest is made up")
		require.Equal(w, 1, allowed(w, finish, "198.51.100.8"))
		require.Equal(w, 2, allowed(w, finish, "2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:0:9::3"), "64 bits of IPv6")
		require.Equal(w, 1, allowed(w, finish, "2001:db8:0:1::1"))
	})
}
