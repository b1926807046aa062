package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// TestHeaders: a session uploads a header only in the first minutes after its
// login, and only one that follows the stored one and has the login's slot.
func TestHeaders(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		d := w.account(0)
		w.account(1)
		put := func(token string, header []byte, slot *api.ID) (int, string) {
			body := fmt.Sprintf(`{"header":%q}`, b64(header))
			if slot != nil {
				body = fmt.Sprintf(`{"header":%q,"slot":%q}`, b64(header), slot)
			}
			return w.request("PUT", "/v1/keyring", token, body)
		}
		export, session, _ := w.logIn("alice0", password)
		stored := w.header(session.Token)
		h, err := recovery.ParseHeader(stored)
		require.NoError(w, err)
		k, err := recovery.Open(ctx, h, recovery.NewExportKey(export, nil), recovery.TrustOnFirstUse(h.Account()))
		require.NoError(w, err)
		edit := func(f func(*recovery.Edit) error) []byte {
			draft, err := k.Edit(f)
			require.NoError(w, err)
			return draft.Header().Bytes()
		}
		rotated := edit(func(e *recovery.Edit) error { e.Rotate(); return nil })
		phrase, err := recovery.NewPhrase(12)
		require.NoError(w, err)
		sealed, err := k.Seal(ctx, phrase)
		require.NoError(w, err)
		locked := edit(func(e *recovery.Edit) error {
			return errors.Join(e.Add(sealed), e.Revoke(k.OpenedBy()))
		})
		_, another, _ := w.logIn("alice1", password)
		slot := api.ID(k.OpenedBy())
		for what, refused := range map[string]struct {
			token  string
			header []byte
			slot   *api.ID
			code   api.Code
		}{
			"garbage":               {session.Token, []byte("NSCO"), nil, api.Malformed},
			"no slot for the login": {session.Token, locked, nil, api.Conflict},
			"another account's":     {another.Token, rotated, nil, api.Conflict},
			"no session":            {"made up", rotated, nil, api.Unauthenticated},
			"a slot of no password": {session.Token, rotated, &slot, api.Conflict},
		} {
			_, body := put(refused.token, refused.header, refused.slot)
			require.Contains(w, body, fmt.Sprintf("%q", refused.code), what)
		}
		require.Equal(w, stored, w.header(session.Token))
		w.clock.advance(10 * time.Minute)
		_, body := put(session.Token, rotated, nil)
		require.Contains(w, body, api.LoginRequired)
		_, session, _ = w.logIn("alice0", password)
		for range 2 { // an answer may be lost
			status, body := put(session.Token, rotated, nil)
			require.Equal(w, 200, status, body)
		}
		_, body = put(session.Token, stored, nil)
		require.Contains(w, body, api.Conflict, "an older one")
		h, err = recovery.ParseHeader(rotated)
		require.NoError(w, err)
		next, err := k.Follow(h, k.Checkpoint())
		require.NoError(w, err)
		closed, err := next.Edit(func(e *recovery.Edit) error { return e.CloseBefore(2) })
		require.NoError(w, err)
		_, body = put(session.Token, closed.Header().Bytes(), nil)
		require.Contains(w, body, api.Conflict, "it closes the epoch of an item")

		// A key of the epoch before is refused, and a device encrypts again.
		_, blob, err := k.Generate(wrap.Binding{Purpose: "example.org/old/v1", Item: []byte("x")})
		require.NoError(w, err)
		_, body = w.request("PUT", "/v1/items/"+strings.Repeat("ab", 16), session.Token, fmt.Sprintf(`{"previous":0,"key":%q,"body":"AAAA"}`, b64(blob)))
		require.Contains(w, body, api.OldEpoch)
		_, err = d.Put(ctx, client.Item{Kind: client.KindNote, Title: "Offline", Text: secret})
		require.NoError(w, err)
		require.NoError(w, d.Sync(ctx))
		require.Equal(w, []string{"Key: " + secret, "Offline: " + secret}, d.notes())
	})
}
