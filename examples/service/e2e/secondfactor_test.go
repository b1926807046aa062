package e2e

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
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
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// authenticator is another implementation of RFC 6238.
type authenticator struct {
	secret []byte
	clock  *clock
}

func newAuthenticator(w *world, n api.NewTOTP) *authenticator {
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(n.Secret)
	require.NoError(w, err)
	require.Contains(w, n.URI, "otpauth://totp/")
	return &authenticator{secret, w.clock}
}

func (a *authenticator) at(t time.Time) string {
	h := hmac.New(sha1.New, a.secret)
	binary.Write(h, binary.BigEndian, t.Unix()/30)
	sum := h.Sum(nil)
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff)%1_000_000)
}

// code waits for the next step, and returns its code.
func (a *authenticator) code() string {
	a.clock.advance(30 * time.Second)
	return a.at(a.clock.now())
}

// withTOTP turns on the second factor of a device's account.
func (d *device) withTOTP() (*authenticator, []string) {
	n, err := d.NewTOTP(d.w.Context(), []byte(password))
	require.NoError(d.w, err)
	a := newAuthenticator(d.w, n)
	codes, err := d.ConfirmTOTP(d.w.Context(), a.code())
	require.NoError(d.w, err)
	require.Len(d.w, codes, 10)
	return a, codes
}

// TestSecondFactor: with TOTP on, a login needs a code, each step counts once,
// and each backup code counts once.
func TestSecondFactor(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.signUp()
		_, err := laptop.NewTOTP(ctx, []byte("a guess at it"))
		require.ErrorIs(w, err, client.ErrAuthentication)
		a, codes := laptop.withTOTP()
		require.NoError(w, laptop.Sync(ctx), "the session stays")

		phone := w.device()
		_, err = phone.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, client.ErrCodeRequired)
		require.ErrorIs(w, phone.Sync(ctx), client.ErrLoggedOut)
		code := a.code()
		_, err = phone.Code(ctx, wrong(code))
		require.ErrorIs(w, err, is(api.WrongCode))
		e, err := phone.Code(ctx, code)
		require.NoError(w, err)
		require.NoError(w, phone.MarkSeen(ctx, e.Unseen))
		require.NoError(w, phone.Sync(ctx))

		third := w.device()
		for _, used := range []string{code, a.at(w.clock.now().Add(-30 * time.Second))} {
			_, err = third.Login(ctx, "alice", one(password))
			require.ErrorIs(w, err, client.ErrCodeRequired)
			_, err = third.Code(ctx, used)
			require.ErrorIs(w, err, is(api.WrongCode), "a used step, or an earlier one")
		}
		_, err = third.Code(ctx, strings.ToLower(strings.ReplaceAll(codes[3], "-", " ")))
		require.NoError(w, err)
		require.NoError(w, third.LogOut(ctx))
		_, err = third.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, client.ErrCodeRequired)
		_, err = third.Code(ctx, codes[3])
		require.ErrorIs(w, err, is(api.WrongCode))

		account, err := laptop.Account(ctx)
		require.NoError(w, err)
		require.True(w, account.TOTP)
		require.Equal(w, 9, account.Codes)
		events, err := laptop.Events(ctx)
		require.NoError(w, err)
		require.Contains(w, fmt.Sprint(events), "right password, wrong code")
	})
}

func wrong(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

// TestHalfSession: before the code a session can do nothing else, has five tries
// and five minutes, and ends with its record.
func TestHalfSession(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.signUp()
		a, _ := laptop.withTOTP()
		half := func() (token string) {
			w.seen = func(r *http.Request, answer *httptest.ResponseRecorder) {
				if r.URL.Path == "/v1/login/finish" {
					var in api.LoggedIn
					require.NoError(w, json.Unmarshal(answer.Body.Bytes(), &in))
					token = in.Token
				}
			}
			defer func() { w.seen = nil }()
			_, err := w.device().Login(ctx, "alice", one(password))
			require.ErrorIs(w, err, client.ErrCodeRequired)
			return token
		}
		token := half()
		for _, r := range server.Routes() {
			if r.Access == "session" {
				status, body := w.request(r.Method, strings.ReplaceAll(r.Path, "{id}", strings.Repeat("0", 32)), token, "{}")
				require.Equal(w, 403, status, r.Path)
				require.Contains(w, body, api.CodeRequired)
			}
		}
		send := func(token, code string) int {
			status, _ := w.request("POST", "/v1/login/code", token, fmt.Sprintf(`{"code":%q}`, code))
			return status
		}
		for range 5 {
			require.Equal(w, 401, send(token, "000000x"))
		}
		require.Equal(w, 401, send(token, a.code()), "after five tries")
		token = half()
		w.clock.advance(5*time.Minute + time.Second)
		require.Equal(w, 401, send(token, a.code()), "after five minutes")

		token = half()
		require.NoError(w, laptop.SendCode(ctx, a.code()))
		require.NoError(w, laptop.ChangePassword(ctx, one(password), one("another password")))
		require.Equal(w, 401, send(token, a.code()), "after a change of the password")
	})
}

// TestStepUpAsksForCode: ten minutes after the last code, a sensitive change
// asks for another.
func TestStepUpAsksForCode(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.signUp()
		a, codes := d.withTOTP()
		again, err := d.NewBackupCodes(ctx, []byte(password))
		require.NoError(w, err)
		require.NotEqual(w, codes, again)
		w.clock.advance(10*time.Minute + time.Second)
		_, err = d.NewBackupCodes(ctx, []byte(password))
		require.ErrorIs(w, err, is(api.CodeRequired))
		require.ErrorIs(w, d.SendCode(ctx, codes[0]), is(api.WrongCode), "an old backup code")
		require.NoError(w, d.SendCode(ctx, a.code()))
		require.NoError(w, d.RemoveTOTP(ctx, []byte(password)))
		_, err = w.device().Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.Equal(w, map[string]int{"totp": 0, "backup_codes": 0}, w.rows("totp", "backup_codes"))
	})
}

// TestCodesAreLimited: a thief of the password has a few tries of codes.
// The owner's own device has tries of its own.
func TestCodesAreLimited(t *testing.T) {
	inWorlds(t, func(c *server.Config) { c.Limits.Codes = store.Budget{Burst: 7, Every: time.Hour} }, func(w *world) {
		ctx := w.Context()
		laptop := w.signUp()
		a, _ := laptop.withTOTP()
		thief := w.device()
		tries := 0
		for {
			_, err := thief.Login(ctx, "alice", one(password))
			require.ErrorIs(w, err, client.ErrCodeRequired)
			_, err = thief.Code(ctx, "000000x")
			if hasCode(err, api.RateLimited) {
				break
			}
			require.ErrorIs(w, err, is(api.WrongCode))
			tries++
		}
		require.Equal(w, 7, tries)
		_, err := laptop.Login(ctx, "alice", one(password))
		require.ErrorIs(w, err, client.ErrCodeRequired)
		_, err = laptop.Code(ctx, a.code())
		require.NoError(w, err)
	})
}
