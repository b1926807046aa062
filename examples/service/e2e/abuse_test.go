package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// remembered is a Notifier that remembers what it was told.
type remembered struct {
	mu    sync.Mutex
	kinds []string
}

func (n *remembered) Notify(_ context.Context, one server.Notice) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kinds = append(n.kinds, one.Event)
	return nil
}

// taken returns the notices since the last call.
func (n *remembered) taken(w *world) []string {
	w.tend()
	n.mu.Lock()
	defer n.mu.Unlock()
	kinds := n.kinds
	n.kinds = nil
	return kinds
}

// inNoticedWorlds runs a test in worlds whose notices are remembered.
func inNoticedWorlds(t *testing.T, test func(*world, *remembered)) {
	var n *remembered
	inWorlds(t, func(c *server.Config) {
		n = new(remembered)
		c.Notifier = n
	}, func(w *world) { test(w, n) })
}

// strange begins claims as a stranger does, who knows a name.
func (w *world) strange(name string) (tokens []string) {
	slot := api.ID{1}
	for _, in := range []api.BeginClaim{
		{Way: api.WayFile, Slot: &slot, Proof: madeUpProof}, {Way: api.WayContacts}, {Way: api.WayDevice}, {Way: api.WayReview, Text: "It is me."},
	} {
		var out api.Claimed
		in.Name = name
		require.Equal(w, 200, w.post("/v1/claims/begin", "", in, &out))
		require.NotZero(w, out.Number)
		tokens = append(tokens, out.Token)
		if in.Way != api.WayContacts && in.Way != api.WayDevice {
			continue
		}
		request, err := recovery.NewRequest(recovery.AccountID(out.Number))
		require.NoError(w, err)
		require.Equal(w, 200, w.post("/v1/claims/ask", "", api.NewAsk{Token: out.Token, Ask: request.Ask()}, nil))
	}
	return tokens
}

// answers returns what claims look like, without numbers and times.
func (w *world) answers(tokens []string) (all []string) {
	for _, token := range tokens {
		var out api.Claim
		require.Equal(w, 200, w.post("/v1/claims/status", "", api.ClaimToken{Token: token}, &out))
		for i := range out.Asks {
			out.Asks[i].ID = api.ID{}
		}
		waits, ends := out.Opens != 0, time.Unix(out.Ends, 0).Sub(w.clock.now()).Round(time.Hour)
		out.Opens, out.Ends = 0, 0
		status, _ := w.opened(token)
		require.Equal(w, 409, status)
		status, answer := w.request("POST", "/v1/claims/account", "", `{"token":"`+token+`","registration":"","upload":"AAAA"}`)
		require.NotEqual(w, 200, status)
		all = append(all, marshal(w, out)+strings.Join([]string{map[bool]string{true: " waits "}[waits], ends.String(), answer}, " "))
	}
	return all
}

// TestStrangerClaimsDaily: a stranger begins a claim of each kind every day. The
// answers are those for an unknown name, nobody is told, and the owner's own
// claim still waits no longer than others.
func TestStrangerClaimsDaily(t *testing.T) {
	inNoticedWorlds(t, func(w *world, n *remembered) {
		ctx := w.Context()
		e := w.everything()
		n.taken(w)
		before := e.laptop.kinds()
		var known, unknown [][]string
		for range 12 {
			known, unknown = append(known, w.strange("alice0")), append(unknown, w.strange("nobody"))
			for i := range known {
				require.Equal(w, w.answers(unknown[i]), w.answers(known[i]))
			}
			w.clock.advance(day)
			var now api.Claim
			token := known[len(known)-1][0]
			require.Equal(w, 200, w.post("/v1/claims/status", "", api.ClaimToken{Token: token}, &now))
			require.Equal(w, api.ClaimFailed, now.State, "a file that opens nothing")
		}
		require.Empty(w, e.laptop.claims())
		require.Equal(w, before, e.laptop.kinds())
		require.Empty(w, n.taken(w))
		e.byFile().requireNote()
		require.Equal(w, []string{"claim begun: file", "claim opened: file"}, n.taken(w))
		_, err := w.device().Login(ctx, "alice0", one(password))
		require.NoError(w, err)
	})
}

// TestUnknownGrants: an account that is no contact finds no question and answers
// none, and neither does the owner who asks.
func TestUnknownGrants(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		e := w.everything()
		stranger := w.account(1)
		d := w.device()
		require.NoError(w, d.ClaimContacts(w.Context(), who("alice0")))
		a, err := d.AskContact(w.Context())
		require.NoError(w, err)
		id := askOf(d)
		slot := api.ID(contactsSlot(e.laptop))
		for _, one := range []*device{stranger, e.laptop, e.phone} {
			asks, err := one.Asks(w.Context())
			require.NoError(w, err)
			require.Empty(w, asks)
			require.ErrorIs(w, one.GrantQR(w.Context(), []byte(password), a.QR()), client.ErrNoAsk)
			for path, in := range map[string]any{
				"/v1/asks/answer": api.AskAnswer{Ask: id, Answer: []byte("x")},
				"/v1/asks/grant":  api.AskGrant{Ask: id, Grant: []byte("x"), Slot: slot},
			} {
				require.Equal(w, 404, w.post(path, one.token(), in, nil))
			}
		}
		require.Equal(w, api.ClaimAsked, d.state())
	})
}

// askOf returns the first question of the device's claim.
func askOf(d *device) api.ID {
	now, err := d.Claim(d.w.Context())
	require.NoError(d.w, err)
	require.NotEmpty(d.w, now.Asks)
	return now.Asks[0].ID
}

func contactsSlot(d *device) recovery.SlotID {
	for _, s := range d.Slots() {
		if s.Type == "contacts" {
			return s.ID
		}
	}
	require.Fail(d.w, "there is no contacts slot")
	return recovery.SlotID{}
}

// TestExHolderClaims: somebody who has a copy of the file begins claims. The owner sees them, doubles the wait and cancels. For 30 days claims
// go to the operator, also the owner's.
func TestExHolderClaims(t *testing.T) {
	inNoticedWorlds(t, func(w *world, n *remembered) {
		ctx := w.Context()
		e := w.everything()
		n.taken(w)
		thief := w.device()
		require.NoError(w, thief.ClaimFile(ctx, who("alice0"), e.file))
		require.Equal(w, []string{"claim begun: file"}, n.taken(w))
		claims := e.laptop.claims()
		require.Len(w, claims, 1)
		require.Equal(w, e.phone.claims(), claims, "every device sees it")
		require.Equal(w, []any{api.WayFile, api.ClaimWaiting, "127.0.0.0/24"}, []any{claims[0].Way, claims[0].State, claims[0].Address})
		require.Contains(w, e.laptop.kinds(), "claim begun: file")
		w.clock.advance(day - time.Second)
		require.NoError(w, e.phone.DelayClaim(ctx, claims[0].ID))
		w.clock.advance(time.Minute)
		require.ErrorIs(w, thief.OpenClaim(ctx, e.file), client.ErrNotReady)
		require.NoError(w, e.laptop.CancelClaim(ctx, []byte(password), claims[0].ID))
		require.Equal(w, []string{"claim cancelled: file"}, n.taken(w))
		require.ErrorIs(w, thief.OpenClaim(ctx, e.file), client.ErrClaimOver)
		cancelled := w.clock.now()

		for _, d := range []*device{thief, w.device(), w.device()} {
			require.NoError(w, d.DropClaim(ctx))
			require.NoError(w, d.ClaimFile(ctx, who("alice0"), e.file))
			require.Equal(w, api.ClaimReview, d.state())
			require.Equal(w, []string{"claim for review: file"}, n.taken(w))
		}
		require.NoError(w, e.phone.ClaimPassword(ctx))
		require.Equal(w, api.ClaimReview, e.phone.state())
		byContacts := w.device()
		require.NoError(w, byContacts.ClaimContacts(ctx, who("alice0")))
		e.friends[0].helps(byContacts)
		require.Equal(w, api.ClaimAsked, byContacts.state())
		e.friends[1].helps(byContacts)
		require.Equal(w, api.ClaimReview, byContacts.state())
		w.clock.advance(2 * day)
		require.ErrorIs(w, byContacts.OpenClaim(ctx, nil), client.ErrNotReady)
		require.NoError(w, e.laptop.CancelClaim(ctx, []byte(password), e.laptop.claims()[0].ID), "one in review")

		e.byPhrase().requireNote() // nobody has a veto against the phrase
		w.clock.advance(cancelled.Add(33 * day).Sub(w.clock.now()))
		e.byFile().requireNote()
	})
}

// TestFiveFailedClaims: five right claims that nobody used within 30 days send
// later ones to the operator. Four do not.
func TestFiveFailedClaims(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		for range 4 {
			require.NoError(w, w.device().ClaimFile(ctx, who("alice0"), e.file))
		}
		w.clock.advance(8 * day)
		d := w.device()
		require.NoError(w, d.ClaimFile(ctx, who("alice0"), e.file))
		require.Equal(w, api.ClaimWaiting, d.state())
		w.clock.advance(8 * day)
		require.Equal(w, api.ClaimFailed, d.state())
		later := w.device()
		require.NoError(w, later.ClaimFile(ctx, who("alice0"), e.file))
		require.Equal(w, api.ClaimReview, later.state())
		w.clock.advance(31 * day)
		require.Equal(w, api.ClaimFailed, later.state())
		again := w.device()
		require.NoError(w, again.ClaimFile(ctx, who("alice0"), e.file))
		require.Equal(w, api.ClaimWaiting, again.state())
	})
}

// TestJoinsAreNoFailures: devices that have joined are no claims that failed.
func TestJoinsAreNoFailures(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		laptop := w.account(0)
		file := laptop.withFile()
		for range 6 {
			laptop.lets(w.device(), "a pin")
		}
		w.clock.advance(day)
		d := w.device()
		require.NoError(w, d.ClaimFile(w.Context(), who("alice0"), file))
		require.Equal(w, api.ClaimWaiting, d.state())
	})
}
