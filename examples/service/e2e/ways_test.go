package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestWays: with each way in, a user who has lost the password and the second
// factor sets a new password. Everything that was made before still opens.
func TestWays(t *testing.T) {
	for way, enter := range map[api.Way]func(*everything) *device{
		api.WayPhrase: (*everything).byPhrase, api.WayFile: (*everything).byFile,
		api.WayContacts: (*everything).byContacts, api.WayDevice: (*everything).byDevice,
	} {
		t.Run(string(way), func(t *testing.T) {
			inWorlds(t, nil, func(w *world) {
				ctx := w.Context()
				e := w.everything()
				e.laptop.withTOTP()
				session := e.laptop.token()
				d := enter(e)
				now, recovered := d.Way()
				require.Equal(w, way, now)
				require.True(w, recovered)
				d.requireNote()
				e.recoveredMay(d)
				if way != api.WayDevice {
					e.phone.requireNote()
				}

				entered, err := d.SetPassword(ctx, one(other), true)
				require.NoError(w, err)
				require.False(w, entered.NoDevice)
				account, err := d.Account(ctx)
				require.NoError(w, err)
				require.False(w, account.TOTP)
				require.True(w, account.Phrase)
				require.Equal(w, 1, account.Files)
				_, err = d.Claim(ctx)
				require.ErrorIs(w, err, client.ErrNoClaim)
				d.shown()
				_, err = d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Second", Text: secret})
				require.NoError(w, err)
				require.NoError(w, d.Sync(ctx))
				require.Contains(w, d.kinds(), "password set: "+string(way))
				require.Contains(w, d.kinds(), "second factor off")
				e.promise(session, way)
			})
		})
	}
}

// promise: after a recovery the old password and its session are out. The
// phrase, the file, the contacts and the devices still open everything.
func (e *everything) promise(session string, way api.Way) {
	ctx := e.Context()
	both := []string{note[0], "Second: " + secret}
	opens := func(d *device) {
		require.NoError(e, d.Sync(ctx))
		require.Equal(e, both, d.notes())
	}
	status, _ := e.request("GET", "/v1/items?after=0", session, "")
	require.Equal(e, 401, status)
	_, err := e.device().Login(ctx, "alice0", one(password))
	require.ErrorIs(e, err, client.ErrAuthentication)
	_, err = e.laptop.Login(ctx, "alice0", one(password))
	require.ErrorIs(e, err, client.ErrAuthentication)

	u, err := e.laptop.restart().Unlock(ctx, []byte(password)) // the device's own password
	require.NoError(e, err)
	require.Error(e, u.Offline, "its session has ended")
	again := e.laptop.restart()
	_, err = again.Login(ctx, "alice0", one(other))
	require.NoError(e, err)
	opens(again)
	if way != api.WayDevice {
		phone := e.phone.restart()
		_, err = phone.Unlock(ctx, []byte("pin of the phone"))
		require.NoError(e, err)
		opens(phone)
		_, err = phone.Put(ctx, client.Item{Kind: client.KindNote, Title: "Third", Text: secret})
		require.NoError(e, err)
		require.NoError(e, phone.Sync(ctx), "an approved device's session goes on")
		both = append(both, "Third: "+secret)
	}
	opens(e.byPhrase())
	opens(e.byFile())
	opens(e.byContacts())
	if way != api.WayDevice {
		opens(e.byDevice())
	}
}

// request that a session may make, or not.
type may struct{ method, path, body string }

var zeroID = strings.Repeat("0", 32)

// everyone are requests that every session may make.
func (w *world) requireAllowed(token string, all []may) {
	for _, m := range all {
		status, answer := w.request(m.method, m.path, token, m.body)
		require.NotContains(w, []int{401, 403, 429, 500}, status, "%s %s: %s", m.method, m.path, answer)
	}
}

func (w *world) requireForbidden(token string, all []may) {
	for _, m := range all {
		status, answer := w.request(m.method, m.path, token, m.body)
		require.Equal(w, 403, status, "%s %s: %s", m.method, m.path, answer)
		require.Contains(w, answer, api.NotAllowed, "%s %s", m.method, m.path)
	}
}

var (
	reads = []may{
		{"GET", "/v1/keyring", ""}, {"GET", "/v1/items?after=0", ""}, {"GET", "/v1/account", ""}, {"GET", "/v1/events", ""},
		{"GET", "/v1/sessions", ""}, {"GET", "/v1/claims", ""}, {"GET", "/v1/contacts", ""},
		{"POST", "/v1/claims/delay", `{"claim":"` + zeroID + `"}`},
	}
	writes = []may{
		{"PUT", "/v1/items/" + zeroID, `{"previous":0,"key":"AAAA","body":"AAAA"}`}, {"PUT", "/v1/session/name", `{"name":"AAAA"}`},
		{"GET", "/v1/asks", ""}, {"POST", "/v1/asks/answer", `{"ask":"` + zeroID + `","answer":"AAAA"}`},
		{"POST", "/v1/asks/grant", `{"ask":"` + zeroID + `","grant":"AAAA","slot":"` + zeroID + `"}`},
	}
	passwordOnly = []may{
		{"POST", "/v1/step-up/begin", "{}"}, {"POST", "/v1/step-up/finish", "{}"}, {"DELETE", "/v1/sessions", ""},
		{"DELETE", "/v1/sessions/" + zeroID, ""}, {"PUT", "/v1/session/slot", "{}"}, {"POST", "/v1/session/code", "{}"},
		{"POST", "/v1/account/delete", "{}"}, {"POST", "/v1/password/finish", "{}"}, {"POST", "/v1/phrase/begin", "{}"},
		{"POST", "/v1/move/begin", "{}"}, {"POST", "/v1/move/finish", "{}"}, {"POST", "/v1/totp/begin", "{}"},
		{"POST", "/v1/totp/confirm", "{}"}, {"POST", "/v1/totp/remove", "{}"}, {"POST", "/v1/totp/codes", "{}"},
		{"POST", "/v1/claims/cancel", "{}"}, {"POST", "/v1/contacts/invite", "{}"}, {"POST", "/v1/contacts/accept", "{}"},
		{"POST", "/v1/contacts/deliver", "{}"}, {"POST", "/v1/contacts/received", "{}"}, {"POST", "/v1/contacts/remove", "{}"},
	}
)

// recoveredMay: a session that recovers the account reads, and writes nothing.
func (e *everything) recoveredMay(d *device) {
	ctx := e.Context()
	token := d.token()
	e.requireAllowed(token, reads)
	e.requireForbidden(token, passwordOnly)
	e.requireForbidden(token, writes)
	e.requireForbidden(token, []may{
		{"POST", "/v1/claims/password", "{}"},
		{"PUT", "/v1/keyring", fmt.Sprintf(`{"header":%q}`, b64(e.header(token)))},
	})
	_, err := d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Never", Text: secret})
	require.NoError(e, err, "on the device")
	require.NoError(e, d.Sync(ctx))
	require.Equal(e, 1, d.Unsent())
	items, err := d.Items(ctx)
	require.NoError(e, err)
	for _, i := range items {
		if i.Title == "Never" {
			require.NoError(e, d.Remove(ctx, i.ID))
		}
	}
}

// TestApprovedDevice: an approved device reads and writes items. It has no
// password, and changes nothing of the account.
func TestApprovedDevice(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		way, recovered := e.phone.Way()
		require.Equal(w, api.WayDevice, way)
		require.False(w, recovered)
		token := e.phone.token()
		w.requireAllowed(token, reads)
		w.requireAllowed(token, writes)
		w.requireForbidden(token, passwordOnly)
		header := fmt.Sprintf(`{"header":%q}`, b64(w.header(token)))
		w.requireForbidden(token, []may{{"POST", "/v1/password/begin", "{}"}, {"PUT", "/v1/keyring", header}})

		// Its client does not get far either.
		stored := w.header(token)
		_, err := e.phone.SetPassword(ctx, one(other), false)
		require.ErrorIs(w, err, client.ErrNotRecovered)
		require.ErrorIs(w, e.phone.RemoveSlots(ctx, []byte(password), recovery.SlotID{1}), is(api.NotAllowed))
		a, err := w.device().Join(ctx, who("alice0"))
		require.NoError(w, err)
		require.ErrorIs(w, e.phone.GrantQR(ctx, []byte(password), a.QR()), is(api.NotAllowed))
		asks, err := e.phone.Asks(ctx)
		require.NoError(w, err)
		require.Len(w, asks, 1)
		g, err := e.phone.Grant(ctx, asks[0].ID)
		if err == nil {
			require.ErrorIs(w, g.Finish(ctx, []byte(password), "000-000"), is(api.NotAllowed))
		}
		require.Equal(w, stored, w.header(token))
		require.ErrorIs(w, e.phone.CancelClaim(ctx, []byte(password), api.ID{}), is(api.NotAllowed))
		e.phone.requireNote()
		e.laptop.requireNote()

		// It helps others as a contact, and its session lasts while it is used.
		for range 14 {
			w.clock.advance(25 * day)
			e.phone.requireNote()
		}
		_, err = e.laptop.Login(ctx, "alice0", one(password))
		require.NoError(w, err)
		require.NoError(w, e.phone.LogOut(ctx))
		_, err = e.phone.Account(ctx)
		require.Error(w, err)
	})
}

// TestFactorsStay: a recovery keeps the second factor, if the user wants so. The
// phrase asks for no code, and the login with the new password does.
func TestFactorsStay(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.account(0)
		phrase := laptop.withPhrase()
		a, codes := laptop.withTOTP()
		d := w.device()
		require.NoError(w, d.LoginPhrase(ctx, who("alice0"), phrase))
		d.requireNote()
		_, err := d.SetPassword(ctx, one(other), false)
		require.ErrorIs(w, err, client.ErrCodeRequired)
		_, err = d.Code(ctx, phrase.Words())
		require.ErrorIs(w, err, client.ErrNotACode)
		_, err = d.Code(ctx, a.code())
		require.NoError(w, err)
		d.requireNote()
		again := w.device()
		_, err = again.Login(ctx, "alice0", one(other))
		require.ErrorIs(w, err, client.ErrCodeRequired)
		_, err = again.Code(ctx, codes[0])
		require.NoError(w, err)
		again.requireNote()
	})
}

// TestWaysOfOtherAccounts: the phrase recovers accounts with a password for the
// keyring and accounts with Proton's protocol, into any mode.
func TestWaysOfOtherAccounts(t *testing.T) {
	for _, offer := range []string{server.OfferOPAQUE, server.OfferProton} {
		inWorlds(t, func(c *server.Config) { c.Offer = offer }, func(w *world) {
			ctx := w.Context()
			modes := []client.Passwords{one(password), two("for the login", "for the keyring")}
			for try := range 4 {
				old, next := modes[try%2], modes[try/2]
				next.Login = []byte("another for the login")
				laptop := w.account(try)
				phrase, file := laptop.withPhrase(), laptop.withFile()
				if try%2 == 1 {
					require.NoError(w, laptop.ChangePassword(ctx, one(password), old))
				}
				d := w.device()
				require.NoError(w, d.LoginPhrase(ctx, laptop.Who(), phrase))
				d.requireNote()
				_, err := d.SetPassword(ctx, next, false)
				require.NoError(w, err)
				d.requireNote()
				require.Equal(w, try/2 == 1, d.TwoPasswords())
				_, err = w.device().Login(ctx, laptop.Name(), old)
				require.ErrorIs(w, err, client.ErrAuthentication)
				again := w.device()
				_, err = again.Login(ctx, laptop.Name(), next)
				require.NoError(w, err)
				again.requireNote()
				require.Equal(w, 1, count(again.types(), "export")+count(again.types(), "password"), "one password is left")
				byFile := w.device()
				require.NoError(w, byFile.ClaimFile(ctx, laptop.Who(), file))
				byFile.waits(file)
				byFile.requireNote()
				require.Equal(w, 0, w.opensByPhrase(laptop.Name(), phrase))
			}
		})
	}
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}
