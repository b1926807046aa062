package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// strangerNames are what a stranger asks for: with all ways, with no way, with a
// name that was deleted, and unknown. Some accounts had a name before.
var strangerNames = []api.BeginClaim{
	{Name: "alice0"}, {Name: "alice0", Former: 1}, {Name: "alice0", Former: 100}, {Name: "bare"}, {Name: "empty"}, {Name: "gone"}, {Name: "gone", Former: 1},
	{Name: "anew"}, {Name: "anew", Former: 1}, {Name: "anew", Former: 2}, {Name: "nobody"}, {Name: "nobody", Former: 1}, {Name: "somebody.else@example.org"},
}

// strangers makes the accounts of strangerNames.
func (w *world) strangers() *everything {
	ctx := w.Context()
	e := w.everything()
	for _, name := range []string{"bare", "gone", "anew"} {
		d := w.device()
		_, err := d.SignUp(ctx, []string{name}, one(password))
		require.NoError(w, err)
		if name == "bare" {
			continue
		}
		d.withPhrase()
		d.withFile()
		if name == "gone" {
			require.NoError(w, d.Delete(ctx, []byte(password)))
		}
	}
	d := w.device()
	require.NoError(w, d.ClaimReview(ctx, "anew", "I have lost everything."))
	queue, err := w.reviews().List(ctx)
	require.NoError(w, err)
	require.NoError(w, w.reviews().Approve(ctx, queue[0].ID, "It is her."))
	w.clock.advance(day)
	_, err = d.NewAccount(ctx, one(other))
	require.NoError(w, err)

	registration, begun := w.registers("empty") // and never logs in
	in := api.FinishRegistration{Token: begun, Names: []string{"empty"}, Upload: registration}
	require.Equal(w, 200, w.post("/v1/register/finish", "", in, nil))
	return e
}

// registers begins a registration by hand.
func (w *world) registers(password string) (upload []byte, token string) {
	r, request, err := w.opaqueClient().Register(nil, []byte(password))
	require.NoError(w, err)
	var begun api.Begun
	require.Equal(w, 200, w.post("/v1/register/begin", "", api.Requests{OPAQUE: request, SRP: []byte("S\x01")}, &begun))
	upload, err = r.Finish(w.Context(), begun.Response)
	require.NoError(w, err)
	return upload, begun.Token
}

// phraseAttempt begins and finishes a login with a phrase, with a made-up proof.
func (s *stranger) phraseAttempt(of api.BeginClaim) string {
	in := api.BeginLogin{Name: of.Name, Former: of.Former, Phrase: true, Requests: api.Requests{OPAQUE: s.request, SRP: []byte("S\x01")}}
	first, body := s.post("/v1/login/begin", in)
	var begun api.Begun
	require.NoError(s, json.Unmarshal(body, &begun), string(body))
	require.Equal(s, byte('O'), begun.Response[0], "a phrase is never checked with SRP")
	final := append(begun.Response[:2:2], make([]byte, 64)...)
	final[2] = 1
	second, body := s.post("/v1/login/finish", api.FinishLogin{Token: begun.Token, Final: final})
	again, _ := s.post("/v1/login/finish", api.FinishLogin{Token: begun.Token, Final: final})
	return first + second + string(body) + again
}

// TestStrangersLearnNothingFromPhrases: a login with a phrase gives the same
// answers and costs the same statements for every name. It is always OPAQUE,
// also for names that look like SRP.
func TestStrangersLearnNothingFromPhrases(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		w.strangers()
		require.NoError(w, server.SetWeight(w.Context(), w.dbs[0], "proton", 5, w.clock.now()))
		w.clock.advance(time.Hour)
		w.tend()
		s := newStranger(w)
		want := make(map[bool]string) // former accounts cost another statement
		for _, of := range strangerNames {
			former, seen := of.Former > 0, s.phraseAttempt(of)
			if want[former] == "" {
				want[former] = seen
			}
			require.Equal(w, want[former], seen, "%+v", of)
		}
		require.Contains(w, want[false], "/v1/login/finish 401")
	})
}

// strangersClaim is a claim, and what a stranger has seen of it.
type strangersClaim struct {
	of    api.BeginClaim
	token string
	begun int64
	seen  string
}

func (s *stranger) claim(of api.BeginClaim) (c *strangersClaim, number api.ID) {
	seen, body := s.post("/v1/claims/begin", of)
	var out api.Claimed
	require.NoError(s, json.Unmarshal(body, &out), string(body))
	return &strangersClaim{of, out.Token, s.clock.now().Unix(), seen}, out.Number
}

// look tries everything with a claim.
func (s *stranger) look(c *strangersClaim, account api.NewAccount) api.ClaimState {
	token := api.ClaimToken{Token: c.token}
	seen, body := s.post("/v1/claims/status", token)
	var now api.Claim
	require.NoError(s, json.Unmarshal(body, &now), string(body))
	for i := range now.Asks {
		now.Asks[i].ID = api.ID{}
	}
	state := now.State
	now.Ends = (now.Ends - c.begun + 5) / 60
	if now.Opens != 0 {
		now.Opens = (now.Opens - c.begun + 5) / 60
	}
	c.seen += fmt.Sprintf("%s%+v\n", seen, now)
	account.Token = c.token
	for _, one := range []struct {
		path string
		in   any
	}{
		{"/v1/claims/ask", api.NewAsk{Token: c.token, Ask: []byte("a question")}},
		{"/v1/claims/reveal", api.Reveal{Token: c.token, Reveal: []byte("a message")}},
		{"/v1/claims/open", token},
		{"/v1/claims/account", account},
	} {
		seen, _ := s.post(one.path, one.in)
		c.seen += seen
	}
	return state
}

// TestStrangersLearnNothingFromClaims: claims without the right slot, and claims
// that nobody grants, give the same answers and cost the same statements for
// every name, until they are forgotten.
func TestStrangersLearnNothingFromClaims(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		e := w.strangers()
		s := newStranger(w)
		madeUp, slots := api.ID{1, 2, 3}, []*api.ID{}
		kinds := make(map[string]bool)
		for _, slot := range e.laptop.Slots() { // one of each kind
			if id := api.ID(slot.ID); !kinds[slot.Type] {
				kinds[slot.Type] = true
				slots = append(slots, &id)
			}
		}
		require.Len(w, slots, 5)
		var claims []*strangersClaim
		for _, of := range strangerNames {
			for _, way := range []api.Way{api.WayFile, api.WayContacts, api.WayDevice, api.WayReview} {
				of.Way, of.Slot, of.Proof, of.Text = way, nil, nil, ""
				switch way {
				case api.WayFile:
					of.Slot, of.Proof = &madeUp, madeUpProof
					for _, slot := range slots { // without the file
						other := of
						other.Slot = slot
						c, _ := s.claim(other)
						claims = append(claims, c)
					}
				case api.WayReview:
					if of.Former > 0 {
						continue // only the names of an account can be claimed
					}
					of.Text = "I have lost everything."
				}
				c, _ := s.claim(of)
				claims = append(claims, c)
			}
		}
		alike := func() map[api.Way]api.ClaimState {
			states, seen := make(map[api.Way]api.ClaimState), make(map[string]string)
			upload, token := w.registers("a password")
			for _, c := range claims {
				state := s.look(c, api.NewAccount{Registration: token, Upload: upload})
				kind := fmt.Sprint(c.of.Way, c.of.Former > 0)
				if seen[kind] == "" {
					states[c.of.Way], seen[kind] = state, c.seen
				}
				require.Equal(w, seen[kind], c.seen, "%+v", c.of)
			}
			return states
		}
		all := func(file, contacts, device, review api.ClaimState) map[api.Way]api.ClaimState {
			return map[api.Way]api.ClaimState{api.WayFile: file, api.WayContacts: contacts, api.WayDevice: device, api.WayReview: review}
		}
		require.Equal(w, all(api.ClaimWaiting, api.ClaimAsked, api.ClaimAsked, api.ClaimReview), alike())
		owner := e.byPhrase() // who recovers the account, and cancels a claim
		_, err := owner.SetPassword(w.Context(), one(other), false)
		require.NoError(w, err)
		require.NoError(w, w.device().ClaimFile(w.Context(), who("alice0"), e.file))
		require.Len(w, owner.claims(), 1)
		require.NoError(w, owner.CancelClaim(w.Context(), []byte(other), owner.claims()[0].ID))
		w.clock.advance(11 * time.Minute)
		require.Equal(w, all(api.ClaimWaiting, api.ClaimAsked, api.ClaimFailed, api.ClaimReview), alike())
		w.clock.advance(day)
		require.Equal(w, all(api.ClaimFailed, api.ClaimAsked, api.ClaimFailed, api.ClaimReview), alike())
		w.tend()
		w.clock.advance(3 * day)
		require.Equal(w, all(api.ClaimFailed, api.ClaimFailed, api.ClaimFailed, api.ClaimReview), alike())
		queue, err := w.reviews().List(w.Context())
		require.NoError(w, err)
		require.Equal(w, len(slices.DeleteFunc(slices.Clone(strangerNames), func(of api.BeginClaim) bool { return of.Former > 0 })), len(queue))
		for _, review := range queue {
			require.NoError(w, w.reviews().Refuse(w.Context(), review.ID, "You have proved nothing."))
		}
		require.Equal(w, all(api.ClaimFailed, api.ClaimFailed, api.ClaimFailed, api.ClaimRefused), alike())
		require.Len(w, owner.claims(), 1)
		require.Equal(w, 2, strings.Count(strings.Join(owner.kinds(), "\n"), "claim "), owner.kinds())
		w.clock.advance(25 * day)
		w.tend()
		require.Equal(w, all(api.ClaimFailed, api.ClaimFailed, api.ClaimFailed, api.ClaimRefused), alike())
	})
}

// TestNumbers: the number of a keyring that a claim gets is the account's own,
// or made up. A made-up one stays the same on all servers, and each name has
// another one.
func TestNumbers(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		e := w.strangers()
		own := make(map[string]api.ID)
		number := func(of api.BeginClaim) (n api.ID) {
			for range 2 * len(w.servers) {
				for _, way := range []api.Way{api.WayContacts, api.WayDevice} {
					of.Way = way
					var out api.Claimed
					require.Equal(w, 200, w.post("/v1/claims/begin", "", of, &out))
					if n == (api.ID{}) {
						n = out.Number
					}
					require.Equal(w, n, out.Number, "%+v", of)
				}
			}
			return n
		}
		seen := make(map[api.ID]api.BeginClaim)
		for _, of := range strangerNames {
			n := number(of)
			require.NotZero(w, n)
			require.NotContains(w, seen, n, "%+v has the number of another name", of)
			seen[n] = of
		}
		h, err := recovery.ParseHeader(w.header(e.laptop.token()))
		require.NoError(w, err)
		require.Equal(w, "alice0", seen[api.ID(h.Account())].Name)
		require.Zero(w, seen[api.ID(h.Account())].Former)
		w.query("SELECT substr(header, 6, 16) FROM headers", func(scan func(...any) error) error {
			var n []byte
			err := scan(&n)
			if of, ok := seen[api.ID(n)]; ok {
				own[fmt.Sprint(of.Name, of.Former)] = api.ID(n)
			}
			return err
		})
		require.Len(w, own, 4, "alice0, bare, anew and its former account")
		w.restart(func(*server.Config) {})
		for n, of := range seen {
			require.Equal(w, n, number(of))
		}
		_, err = w.device().SignUp(w.Context(), []string{"nobody"}, one(password))
		require.NoError(w, err)
		require.NotContains(w, seen, number(api.BeginClaim{Name: "nobody"}))
	})
}
