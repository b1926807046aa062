package e2e

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

func (w *world) opaqueClient() *opaque.Client {
	o, err := opaque.NewClient(opaque.ClientConfig{KSFPolicy: w.policy, ServerIdentity: []byte(server.DefaultIdentity)})
	require.NoError(w, err)
	return o
}

// TestStolenSessionGuessesNothing: the registration of a new password evaluates
// the account's key, and has the limits of a login.
func TestStolenSessionGuessesNothing(t *testing.T) {
	inWorlds(t, func(c *server.Config) { c.Limits.Session = store.Budget{Burst: 3, Every: time.Hour} }, func(w *world) {
		w.signUp()
		_, session, _ := w.logIn("alice", password)
		ask := func() int {
			r, request, err := w.opaqueClient().Register(nil, []byte("a guess at it"))
			require.NoError(w, err)
			defer r.Discard()
			return w.post("/v1/password/begin", session.Token, api.Requests{OPAQUE: request, SRP: []byte("S\x01")}, nil)
		}
		for i := range 5 {
			require.Equal(w, map[bool]int{true: 200, false: 429}[i < 3], ask())
		}
		w.clock.advance(24 * time.Hour)
		require.Equal(w, 403, ask(), "a day after the login")
	})
}

// TestStolenDevices: a change of the password ends the tries of all other
// devices, and an account has a bounded number of them.
func TestStolenDevices(t *testing.T) {
	inWorlds(t, func(c *server.Config) {
		c.Limits.Account = store.Budget{Burst: 4, Every: time.Hour}
		c.Limits.Device = store.Budget{Burst: 3, Every: time.Hour}
	}, func(w *world) {
		ctx := w.Context()
		laptop := w.signUp()
		var tokens []string
		for range 60 {
			_, session, _ := w.logIn("alice", password)
			tokens = append(tokens, session.Device)
		}
		require.Equal(w, map[string]int{"devices": 50, "sessions": 50}, w.rows("devices", "sessions"))
		_, err := laptop.Login(ctx, "alice", one(password))
		require.NoError(w, err)
		require.NoError(w, laptop.ChangePassword(ctx, one(password), one("another password")))
		require.Equal(w, map[string]int{"devices": 1, "sessions": 1}, w.rows("devices", "sessions"))
		tries := 0
		for _, token := range tokens {
			login, request, err := w.opaqueClient().Login(nil, []byte("a guess at it"))
			require.NoError(w, err)
			login.Discard()
			in := api.BeginLogin{Name: "alice", Device: token, Requests: api.Requests{OPAQUE: request, SRP: []byte("S\x01")}}
			if w.post("/v1/login/begin", "", in, nil) == 200 {
				tries++
			}
		}
		require.LessOrEqual(w, tries, 4)
	})
}

// TestStepUpBeforeSecondFactor: a step-up from before the second factor does not
// remove it.
func TestStepUpBeforeSecondFactor(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		laptop := w.signUp()
		_, session, _ := w.logIn("alice", password)
		stepUp := func(operation, body string) func(status int) string {
			digest := sha256.Sum256([]byte(body))
			o, err := w.opaqueClient().WithContext(api.StepUpContext(session.Session, operation, digest))
			require.NoError(w, err)
			login, request, err := o.Login(nil, []byte(password))
			require.NoError(w, err)
			var begun api.Begun
			in := api.BeginStepUp{Operation: operation, Digest: digest[:], Requests: api.Requests{OPAQUE: request, SRP: []byte("S\x01")}}
			require.Equal(w, 200, w.post("/v1/step-up/begin", session.Token, in, &begun))
			return func(status int) string {
				final, err := login.Respond(w.Context(), begun.Response)
				require.NoError(w, err)
				var out api.StepUp
				require.Equal(w, status, w.post("/v1/step-up/finish", session.Token, api.FinishStepUp{Token: begun.Token, Final: final}, &out))
				return out.Token
			}
		}
		before, half := stepUp(api.OpTOTPOff, "{}")(200), stepUp(api.OpTOTPOff, "{}")
		refresh := stepUp(api.OpRefresh, "")
		laptop.withTOTP()
		refresh(403)
		for what, token := range map[string]string{"finished before": before, "finished after": half(200)} {
			answer := w.do("POST", "/v1/totp/remove", "{}", func(r *http.Request) {
				r.Header.Set("Authorization", "Bearer "+session.Token)
				r.Header.Set(api.StepUpHeader, token)
			})
			require.Equal(w, 403, answer.StatusCode, what)
		}
		account, err := laptop.Account(w.Context())
		require.NoError(w, err)
		require.True(w, account.TOTP)
	})
}

// TestPasswordWithoutCode: the owner learns of a right password without a code.
func TestPasswordWithoutCode(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		laptop := w.signUp()
		laptop.withTOTP()
		_, session, _ := w.logIn("alice", password)
		require.True(w, session.Code)
		events, err := laptop.Events(w.Context())
		require.NoError(w, err)
		require.Contains(w, fmt.Sprint(events), "right password, code asked")
	})
}

// TestGarbageHeaders: a session can replace the header with garbage, but not so
// often that the honest one is not kept for a week.
func TestGarbageHeaders(t *testing.T) {
	inWorlds(t, func(c *server.Config) { c.Limits.Headers = store.Budget{Burst: 5, Every: time.Hour} }, func(w *world) {
		w.account(0)
		before := w.rows("old_headers")["old_headers"]
		_, session, _ := w.logIn("alice0", password)
		header := w.header(session.Token)
		for stored := 0; ; stored++ {
			h, err := recovery.ParseHeader(header)
			require.NoError(w, err)
			binary.BigEndian.PutUint64(header[21:], h.Revision()+1)
			digest := h.Digest()
			copy(header[37:], digest[:])
			status, answer := w.request("PUT", "/v1/keyring", session.Token, fmt.Sprintf(`{"header":%q}`, b64(header)))
			if status == 429 {
				require.Less(w, stored, 5)
				require.Equal(w, before+stored, w.rows("old_headers")["old_headers"])
				break
			}
			require.Equal(w, 200, status, answer)
		}
		w.clock.advance(6 * 24 * time.Hour)
		w.tend()
		require.NotZero(w, w.rows("old_headers")["old_headers"])
		w.clock.advance(2 * 24 * time.Hour)
		w.tend()
		require.Zero(w, w.rows("old_headers")["old_headers"])
	})
}
