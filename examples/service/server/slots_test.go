package server

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

// added returns a header that follows the stored one and has more slots.
// Its keys are new.
func (s *fuzzed) added(t testing.TB, sealers ...recovery.Sealer) []byte {
	remote := &remoteValue{s.ring.header}
	c := recovery.NewClient(new(value), remote)
	require.NoError(t, c.OpenFirst(t.Context(), recovery.AccountID(s.ring.number), s.password.key))
	var slots []*recovery.SealedSlot
	for _, one := range sealers {
		slot, err := c.Seal(t.Context(), one)
		require.NoError(t, err)
		slots = append(slots, slot)
	}
	require.NoError(t, c.Change(t.Context(), func(e *recovery.Edit) error {
		e.Rotate()
		for _, slot := range slots {
			if err := e.Add(slot); err != nil {
				return err
			}
		}
		return nil
	}))
	return remote.header
}

// TestSlots: a header with a new phrase and a new file is stored with what
// belongs to them, and what belongs to the old ones is deleted.
func TestSlots(t *testing.T) {
	s := newFuzzed(t)
	in := api.NewKeyring{Header: s.ring.next, Phrase: s.phrase.upload, Half: s.ring.nextHalf, Proof: proof}
	must[api.Empty](t, s, fullToken, "PUT", "/v1/keyring", in)
	must[api.Empty](t, s, fullToken, "PUT", "/v1/keyring", in) // the answer may be lost
	h, err := recovery.ParseHeader(s.ring.next)
	require.NoError(t, err)
	files := 0
	for _, slot := range h.Slots() {
		half, _, err := s.db.File(t.Context(), s.id, store.ID(slot.ID))
		require.NoError(t, err)
		require.Equal(t, slot.Type == "file", half != nil)
		if slot.Type == "file" && store.ID(slot.ID) != s.ring.slots["file"] {
			half, err = s.secrets.open(t.Context(), sealHalf, slot.ID[:], half)
			require.NoError(t, err)
			require.Equal(t, s.ring.nextHalf, half)
			files++
		}
		if slot.Type == "phrase" {
			record, of, err := s.db.Phrase(t.Context(), s.id)
			require.NoError(t, err)
			require.Equal(t, slot.ID[:], of)
			require.NotEmpty(t, record)
		}
	}
	require.Equal(t, 1, files)
	account := must[api.Account](t, s, fullToken, "GET", "/v1/account", nil)
	require.Equal(t, 2, account.Files)
	require.True(t, account.Phrase)
	require.ElementsMatch(t, []string{"slot removed: phrase", "slot removed: device", "slot added: phrase", "slot added: file"}, s.kinds(t))
	for _, token := range []string{deviceToken, recoveredToken} { // of the old slots
		_, code := ask[api.Account](t, s, token, "GET", "/v1/account", nil)
		require.Equal(t, api.Unauthenticated, code)
	}
}

// TestSlotsThatDoNotFit: a header and what was sent with it go together, or
// nothing is stored.
func TestSlotsThatDoNotFit(t *testing.T) {
	s := newFuzzed(t)
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	upload, half := s.phrase.upload, recovery.NewFile().ServerSecret()
	for name, in := range map[string]api.NewKeyring{
		"no phrase":         {Header: s.ring.next, Half: s.ring.nextHalf, Proof: proof},
		"no half":           {Header: s.ring.next, Phrase: upload},
		"a short half":      {Header: s.ring.next, Phrase: upload, Half: s.ring.nextHalf[1:], Proof: proof},
		"a long half":       {Header: s.ring.next, Phrase: upload, Half: append(s.ring.nextHalf[:32:32], 0), Proof: proof},
		"a second phrase":   {Header: s.added(t, phrase), Phrase: upload},
		"two files":         {Header: s.added(t, recovery.NewFile(), recovery.NewFile()), Half: half, Proof: proof},
		"a phrase too many": {Header: s.added(t, recovery.NewFile()), Phrase: upload, Half: half, Proof: proof},
		"a half too many":   {Header: s.added(t), Half: half, Proof: proof},
	} {
		_, code := ask[api.Empty](t, s, fullToken, "PUT", "/v1/keyring", in)
		require.Equal(t, api.Conflict, code, name)
	}
	_, code := ask[api.Empty](t, s, fullToken, "PUT", "/v1/keyring", api.NewKeyring{Header: s.ring.next, Phrase: []byte("O"), Half: s.ring.nextHalf, Proof: proof})
	require.Equal(t, api.Malformed, code)
	require.Equal(t, s.ring.header, must[api.Keyring](t, s, fullToken, "GET", "/v1/keyring", nil).Header)
	require.Empty(t, s.kinds(t))
	must[api.Account](t, s, deviceToken, "GET", "/v1/account", nil)
}

// TestSlotsNeedAStepUp: a session alone makes no way into the account.
func TestSlotsNeedAStepUp(t *testing.T) {
	s := newFuzzed(t)
	key, err := contacts.NewKey()
	require.NoError(t, err)
	split, err := contacts.NewSplit(1, key.PublicKey())
	require.NoError(t, err)
	file := recovery.NewFile()
	withFile := api.NewKeyring{Header: s.added(t, file), Half: file.ServerSecret(), Proof: proof}
	for _, one := range []struct {
		in   api.NewKeyring
		want api.Code
	}{
		{api.NewKeyring{Header: s.ring.next, Phrase: s.phrase.upload, Half: s.ring.nextHalf, Proof: proof}, api.StepUpRequired},
		{withFile, api.StepUpRequired},
		{api.NewKeyring{Header: s.added(t, split)}, api.StepUpRequired},
		{api.NewKeyring{Header: s.added(t)}, ""},
	} {
		body, err := json.Marshal(one.in)
		require.NoError(t, err)
		w := httptest.NewRecorder()
		s.stepUp = ""
		s.Handler().ServeHTTP(w, s.request(routeOf(t, "PUT", "/v1/keyring"), fullToken, body))
		if one.want == "" {
			require.Equal(t, 200, w.Code, "%s", w.Body)
			continue
		}
		requireRefused(t, w, one.want)
	}
}

// TestRecover: a session that recovers the account sets a password, for an hour
// after it was opened, and removes the second factor if it says so.
func TestRecover(t *testing.T) {
	for way, reset := range map[api.Way]bool{api.WayPhrase: false, api.WayFile: true, api.WayContacts: false, api.WayDevice: true} {
		clock := &fixed{time.Now().Truncate(time.Millisecond)}
		s := newFuzzedWith(t, Config{Now: clock.now})
		require.NoError(t, s.db.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.SetTOTP(t.Context(), s.id, store.TOTP{Secret: []byte("sealed"), Confirmed: true})
		}))
		session := s.sessions()[recoveredToken]
		session.Way = string(way)
		s.replaceSession(t, recoveredToken, session)
		in := api.NewKeyring{Header: s.ring.renewed, Upload: s.another.upload, ResetFactors: reset}
		for _, one := range []struct {
			token string
			in    api.NewKeyring
		}{
			{fullToken, in},
			{fullToken, api.NewKeyring{Header: s.ring.next, Phrase: s.phrase.upload, Half: s.ring.nextHalf, Proof: proof, ResetFactors: true}},
			{recoveredToken, api.NewKeyring{Header: s.ring.renewed}},
		} {
			_, code := ask[api.Empty](t, s, one.token, "PUT", "/v1/keyring", one.in)
			require.Equal(t, api.NotAllowed, code)
		}
		_, code := ask[api.Empty](t, s, recoveredToken, "PUT", "/v1/keyring", api.NewKeyring{Header: s.ring.renewed, Upload: s.password.upload})
		require.Equal(t, api.Conflict, code, "the header has no slot of this record")
		clock.Time = clock.Add(recoveredTime - time.Millisecond)
		must[api.Empty](t, s, recoveredToken, "PUT", "/v1/keyring", in)
		account, err := s.db.Account(t.Context(), s.id)
		require.NoError(t, err)
		require.False(t, bytes.Equal(s.password.record, account.Record))
		_, err = s.db.TOTP(t.Context(), s.id)
		require.Equal(t, reset, err == store.ErrNotFound)
		_, code = ask[api.Account](t, s, fullToken, "GET", "/v1/account", nil)
		require.Equal(t, api.Unauthenticated, code)
		must[api.Account](t, s, deviceToken, "GET", "/v1/account", nil)
		require.Contains(t, s.kindsIn(t, deviceToken), "password set: "+string(way))
		clock.Time = clock.Add(time.Millisecond)
		_, code = ask[api.Account](t, s, recoveredToken, "GET", "/v1/account", nil)
		require.Equal(t, api.Unauthenticated, code)
	}
}
