package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// session logs in on a new device and returns the token of the session.
func (w *world) session(name string, code api.Code) (token string) {
	d := w.deviceWith(newMemory(), func(c *client.Config) {
		c.Transport = tap{c.Transport, func(r client.Request, answer client.Response) {
			if r.Path == "/v1/login/finish" && answer.Status == 200 {
				var in api.LoggedIn
				require.NoError(w, json.Unmarshal(answer.Body, &in))
				token = in.Token
			}
		}}
	})
	_, err := d.Login(w.Context(), name, one(password))
	if code != "" {
		require.ErrorIs(w, err, client.ErrCodeRequired)
	} else {
		require.NoError(w, err)
	}
	return token
}

// tap is a transport that shows every answer.
type tap struct {
	client.Transport
	see func(client.Request, client.Response)
}

func (t tap) Do(ctx context.Context, r client.Request) (client.Response, error) {
	answer, err := t.Transport.Do(ctx, r)
	if err == nil {
		t.see(r, answer)
	}
	return answer, err
}

// TestBrokenRequestsChangeNothing: the server refuses every request of an
// account's life in every broken form, in sessions that are not its own, and a
// second time. None of these changes what is stored. Then the right request
// succeeds.
func TestBrokenRequestsChangeNothing(t *testing.T) {
	atOnce(t, func(c *server.Config) { c.Offer = server.OfferProton }, func(w *world) {
		ctx := w.Context()
		b := w.newBreaker()
		account := func(name string) *device {
			d := w.device()
			_, err := d.SignUp(ctx, []string{name}, one(password))
			require.NoError(w, err)
			return d
		}
		account("bob")
		account("carol").withTOTP()
		dave := account("dave")
		phrase := dave.withPhrase()
		b.others["approved"] = dave.lets(w.device(), "a pin").token()
		b.others["bob"] = w.session("bob", "")
		half := func() {
			b.others["half"] = w.session("carol", api.CodeRequired)
			b.others["recovered"] = w.recovering("dave", phrase).token()
		}
		half()
		renew := func() { b.others["alice"] = w.session("alice", "") }

		alice := b.device()
		_, err := alice.SignUp(ctx, []string{"Alice", "alice@example.org"}, one(password))
		require.NoError(w, err)
		renew()
		_, err = alice.NewTOTP(ctx, []byte(password)) // step-ups of this protocol have no context
		require.NoError(w, err)
		delete(b.others, "alice") // a session that could move the account too
		w.restart(func(c *server.Config) { c.Offer = server.OfferOPAQUE })
		half()
		e, err := alice.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.True(w, e.Moved)

		note, err := alice.Put(ctx, client.Item{Kind: client.KindNote, Title: "Key", Text: secret})
		require.NoError(w, err)
		require.NoError(w, alice.Sync(ctx))
		require.NoError(w, alice.Remove(ctx, note.ID))
		require.NoError(w, alice.Sync(ctx))
		require.NoError(w, alice.NameSession(ctx, "laptop"))
		renew()
		all, err := alice.Sessions(ctx)
		require.NoError(w, err)
		for _, s := range all {
			if !s.Current {
				delete(b.others, "alice")
				require.NoError(w, alice.EndSession(ctx, s.ID))
			}
		}
		require.NoError(w, alice.EndOtherSessions(ctx))
		_, err = alice.Account(ctx)
		require.NoError(w, err)
		_, err = alice.Events(ctx)
		require.NoError(w, err)

		renew()
		require.NoError(w, alice.Sync(ctx))
		require.NoError(w, alice.MarkSeen(ctx, alice.Unseen()))
		b.refusesGuesses(alice)
		delete(b.others, "alice") // its session ends
		const changed = "another password"
		require.NoError(w, alice.ChangePassword(ctx, one(password), one(changed)))
		require.NoError(w, alice.ChangePassword(ctx, one(changed), one(password)))

		renew()
		n, err := alice.NewTOTP(ctx, []byte(password))
		require.NoError(w, err)
		a := newAuthenticator(w, n)
		codes, err := alice.ConfirmTOTP(ctx, a.code())
		require.NoError(w, err)
		require.NoError(w, alice.SendCode(ctx, codes[0]))
		codes, err = alice.NewBackupCodes(ctx, []byte(password))
		require.NoError(w, err)
		_, err = alice.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, client.ErrCodeRequired)
		_, err = alice.Code(ctx, codes[1])
		require.NoError(w, err)
		require.NoError(w, alice.RemoveTOTP(ctx, []byte(password)))
		require.NoError(w, alice.Delete(ctx, []byte(password)))

		for _, r := range server.Routes() {
			if !ofWays(r) {
				require.Greater(w, b.sent[r.Method+" "+r.Path], 4, "%s %s", r.Method, r.Path)
			}
		}
		require.NotContains(w, string(w.log.copy()), `"level":"ERROR"`)
	})
}

// refusesGuesses checks that a wrong password changes nothing either.
func (b *breaker) refusesGuesses(d *device) {
	before := digestOf(b, b.db)
	b.skip = true
	defer func() { b.skip = false }()
	_, err := d.NewTOTP(b.Context(), []byte("a guess at it"))
	require.Error(b, err)
	after := digestOf(b, b.db)
	before["logins"], after["logins"] = "", "" // one begun
	require.Equal(b, before, after)
}

// TestAccountsAreSeparate: two accounts can use one item id without a conflict,
// and an account cannot end the sessions of another account.
func TestAccountsAreSeparate(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		alice, bob := w.signUp(), w.device()
		_, err := bob.SignUp(ctx, []string{"bob"}, one(password))
		require.NoError(w, err)
		id := api.ID{1, 2, 3}
		put := func(d *device, text string) {
			_, err := d.Put(ctx, client.Item{ID: id, Kind: client.KindNote, Title: "Note", Text: text})
			require.NoError(w, err)
			require.NoError(w, d.Sync(ctx))
		}
		put(alice, "of Alice")
		put(bob, "of Bob")
		put(bob, "of Bob, later")
		require.NoError(w, alice.Sync(ctx))
		require.Equal(w, []string{"Note: of Alice"}, alice.notes())
		require.Equal(w, []string{"Note: of Bob, later"}, bob.notes())
		require.NoError(w, bob.Remove(ctx, id))
		require.NoError(w, bob.Sync(ctx))
		require.NoError(w, alice.Sync(ctx))
		require.Equal(w, []string{"Note: of Alice"}, alice.notes())
		require.Equal(w, map[string]int{"items": 2}, w.rows("items"))

		mine, err := alice.Sessions(ctx)
		require.NoError(w, err)
		theirs, err := bob.Sessions(ctx)
		require.NoError(w, err)
		require.Len(w, mine, 1)
		require.Len(w, theirs, 1)
		require.ErrorIs(w, bob.EndSession(ctx, mine[0].ID), &api.Error{Code: api.NotFound})
		require.ErrorIs(w, bob.EndSession(ctx, api.ID{}), &api.Error{Code: api.NotFound})
		require.NoError(w, bob.EndOtherSessions(ctx))
		require.NoError(w, alice.Sync(ctx), "Alice's session stays")
	})
}

// TestLostItemsAreNoticed: if the database is an old backup, a device that has
// seen a later revision reports it.
func TestLostItemsAreNoticed(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d, db := w.signUp(), w.openDatabase()
		for range 3 {
			_, err := d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Key", Text: secret})
			require.NoError(w, err)
			require.NoError(w, d.Sync(ctx))
		}
		require.NoError(w, d.Sync(ctx))
		for _, statement := range []string{"DELETE FROM items WHERE revision > 1", "UPDATE accounts SET revision = 1, items = 1"} {
			_, err := db.ExecContext(ctx, statement)
			require.NoError(w, err)
		}
		require.ErrorIs(w, d.Sync(ctx), recovery.ErrRollback)
	})
}

// TestForwardedForOfStrangers: without trusted proxies, X-Forwarded-For neither
// gives new tries nor appears in an event.
func TestForwardedForOfStrangers(t *testing.T) {
	const burst = 3
	inWorlds(t, func(c *server.Config) { c.Limits.Taken = server.Rate{Burst: burst, Every: time.Hour} }, func(w *world) {
		alice := w.deviceWith(newMemory(), func(c *client.Config) { c.Transport = forwarded{c.Transport} })
		_, err := alice.SignUp(w.Context(), []string{"alice"}, one(password))
		require.NoError(w, err)
		events, err := alice.Events(w.Context())
		require.NoError(w, err)
		require.NotEmpty(w, events)
		for _, e := range events {
			require.Equal(w, "127.0.0.0/24", e.Address)
		}
		limited := 0
		const tries = 20
		for i := range tries {
			status, header, _ := w.send(client.Request{Method: "POST", Path: "/v1/register/finish", Body: []byte("{}"), Header: map[string]string{
				"Content-Type": "application/json", "X-Forwarded-For": fmt.Sprintf("127.0.0.1, 198.51.100.%d", i), "X-Real-Ip": fmt.Sprintf("198.51.100.%d", i),
				"Forwarded": fmt.Sprintf("for=198.51.100.%d", i),
			}})
			if status == 429 {
				require.NotEmpty(w, header.Get("Retry-After"))
				limited++
			}
		}
		require.GreaterOrEqual(w, limited, tries-burst*len(w.servers))
	})
}

type forwarded struct{ client.Transport }

func (f forwarded) Do(ctx context.Context, r client.Request) (client.Response, error) {
	return f.Transport.Do(ctx, with(r, "X-Forwarded-For", "198.51.100.7, 203.0.113.9"))
}

// TestCookiesOfOtherOrigins: a page of another origin cannot use the cookies,
// and scripts cannot read them.
func TestCookiesOfOtherOrigins(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		w.signUp()
		b := w.newBreaker()
		var cookies []*http.Cookie
		d := w.deviceWith(newMemory(), func(c *client.Config) {
			c.Transport = before{c.Transport, func(r client.Request) client.Request {
				if r.Path != "/v1/login/finish" {
					return r
				}
				body := []byte(joined(append(fieldsOf(w, r.Body), `"cookie":true`)))
				status, header, answer := w.send(client.Request{Method: r.Method, Path: r.Path, Header: r.Header, Body: body})
				require.Equal(w, 200, status, "%s", answer)
				var in api.LoggedIn
				require.NoError(w, json.Unmarshal(answer, &in))
				require.Empty(w, in.Token)
				require.Empty(w, in.Device)
				cookies = (&http.Response{Header: header}).Cookies()
				return r
			}}
		})
		_, err := d.Login(w.Context(), "alice", one(password))
		require.Error(w, err, "the answer was taken away")
		require.Len(w, cookies, 2)
		var sent []string
		for _, c := range cookies {
			require.True(w, c.Secure && c.HttpOnly && c.SameSite == http.SameSiteStrictMode && c.Path == "/" && c.Domain == "", c)
			require.True(w, strings.HasPrefix(c.Name, "__Host-"))
			sent = append(sent, c.Name+"="+c.Value)
		}
		request := func(method, path, body string, headers ...string) client.Request {
			r := client.Request{Method: method, Path: path, Body: []byte(body), Header: map[string]string{"Cookie": strings.Join(sent, "; ")}}
			if body != "" {
				r.Header["Content-Type"] = "application/json"
			}
			for i := 0; i < len(headers); i += 2 {
				r.Header[headers[i]] = headers[i+1]
			}
			return r
		}
		kept := digestOf(w, b.db)
		for _, other := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://example.org"}, {"Origin", "null"},
			{"Sec-Fetch-Site", "cross-site", "Origin", w.balancer.URL},
		} {
			b.refused("DELETE /v1/sessions", form{"all sessions", request("DELETE", "/v1/sessions", "", other...), api.CrossOrigin})
			b.refused("PUT /v1/session/name", form{"a name", request("PUT", "/v1/session/name", `{"name":"AAAA"}`, other...), api.CrossOrigin})
			b.refused("POST /v1/step-up/finish", form{"a form", request("POST", "/v1/step-up/finish", `{}`, other...), api.CrossOrigin})
		}
		require.Equal(w, kept, digestOf(w, b.db))
		for _, own := range [][]string{{}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", w.balancer.URL}} {
			status, _, body := w.send(request("PUT", "/v1/session/name", `{"name":"AAAA"}`, own...))
			require.Equal(w, 200, status, "%s", body)
			status, header, _ := w.send(request("GET", "/v1/account", "", own...))
			require.Equal(w, 200, status)
			require.Empty(w, header.Get("Access-Control-Allow-Origin"))
		}
		require.NotEqual(w, kept, digestOf(w, b.db))
	})
}

// before is a transport that shows every request.
type before struct {
	client.Transport
	change func(client.Request) client.Request
}

func (t before) Do(ctx context.Context, r client.Request) (client.Response, error) {
	return t.Transport.Do(ctx, t.change(r))
}

// TestHeadersAreBounded: the server of server.HTTP refuses headers far above
// 16 KiB, and accepts smaller headers.
func TestHeadersAreBounded(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		bounded := httptest.NewUnstartedServer(nil)
		bounded.Config = server.HTTP(w.servers[0].Handler(), w.config.Log)
		bounded.Start()
		defer bounded.Close()
		for size, want := range map[int]int{8 << 10: 401, 32 << 10: 431, 256 << 10: 431} {
			r, err := http.NewRequestWithContext(w.Context(), "GET", bounded.URL+"/v1/account", nil)
			require.NoError(w, err)
			r.Header.Set("Authorization", "Bearer "+strings.Repeat("x", size))
			answer, err := bounded.Client().Do(r)
			require.NoError(w, err)
			require.NoError(w, answer.Body.Close())
			require.Equal(w, want, answer.StatusCode)
		}
	})
}
