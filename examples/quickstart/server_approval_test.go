package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

var (
	noRequest = statusError{404, "No such request"}
	noContact = statusError{404, "No such contact"}
	answered  = statusError{409, "Somebody has answered this already"}
	tooMany   = statusError{429, "Too many requests wait already"}
)

// newMallory is somebody with an account and a session of his own.
func newMallory(t *testing.T, w *work) *client {
	t.Helper()
	addAccount(t, w.s, "mallory")
	c := newRingDevice(t, w.base)
	_, err := c.signIn(t.Context(), "mallory", password)
	require.NoError(t, err)
	return c
}

// later lets the requests wait for longer than they may.
func (s *server) later() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.approvals {
		a.born = a.born.Add(-approvalLife - time.Second)
	}
}

// TestDeviceRequestsOnTheServer: who is not in the account passes no grant on, and no
// grant goes out before the header has the slot.
func TestDeviceRequestsOnTheServer(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	r, err := afterMove()
	require.NoError(t, err)
	require.NoError(t, w.appoint(ctx))
	phone := newDevice(t, w.base)
	asked, err := phone.askToJoin(ctx, workName)
	require.NoError(t, err)
	k, err := w.tablet.openKeyring(ctx)
	require.NoError(t, err)
	grant, slot, err := k.ApproveQR(asked.QR(), asked.Ask())
	require.NoError(t, err)
	good := deviceGrant{asked.handle, slot[:], grant}
	put := func(c *client, g deviceGrant) error { return c.call(ctx, "PUT", "/device/grant", g, nil) }
	list := func(c *client) (waiting []requestState, err error) {
		err = c.call(ctx, "GET", "/device/requests", struct{}{}, &waiting)
		return waiting, err
	}

	require.Equal(t, stale, put(w.tablet, good), "the slot is not there yet")
	require.NoError(t, w.tablet.uploadKeyring(ctx, k))
	before := w.s.stored(workName)
	for name, c := range map[string]*client{
		"a stranger": newDevice(t, w.base),
		"the phone":  phone,
		"a recovery": requirePhrase(t, w.s, w.base, r.words),
		"a contact":  &w.people[0].client,
	} {
		require.Equal(t, loginFirst, put(c, good), name)
		_, err := list(c)
		require.Equal(t, loginFirst, err, name)
	}
	mallory := newMallory(t, w)
	waiting, err := list(mallory)
	require.NoError(t, err)
	require.Empty(t, waiting)
	require.Equal(t, noRequest, put(mallory, good))
	waiting, err = list(w.tablet)
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	require.Equal(t, asked.handle, waiting[0].Request)
	require.Equal(t, workName, waiting[0].Owner)

	file := slots(k, func(s recovery.Slot) bool { return s.Type == recovery.SlotFile })[0]
	share, err := w.tablet.askForShare(ctx, "sister")
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		change func(*deviceGrant)
		want   error
	}{
		"guessed":          {func(g *deviceGrant) { g.Request = "guessed" }, noRequest},
		"of a share":       {func(g *deviceGrant) { g.Request = share.handle }, noRequest},
		"short slot":       {func(g *deviceGrant) { g.Slot = g.Slot[1:] }, malformed},
		"no such slot":     {func(g *deviceGrant) { g.Slot = make([]byte, 16) }, stale},
		"another's slot":   {func(g *deviceGrant) { g.Slot = file[:] }, stale},
		"no grant":         {func(g *deviceGrant) { g.Grant = nil }, malformed},
		"too long a one":   {func(g *deviceGrant) { g.Grant = make([]byte, maxMessage+1) }, malformed},
		"not a recovery's": {func(g *deviceGrant) { *g = deviceGrant{} }, noRequest},
	} {
		g := good
		tt.change(&g)
		require.Equal(t, tt.want, put(w.tablet, g), name)
	}
	require.Equal(t, before, w.s.stored(workName))
	phone.device.Slot = slot[:]
	require.Equal(t, refused, phone.enterAsDevice(ctx), "not before the grant")

	require.NoError(t, put(w.tablet, good))
	_, err = phone.join(ctx, asked)
	require.NoError(t, err)
	require.Equal(t, answered, put(w.tablet, good))
	other, err := newDevice(t, w.base).askToJoin(ctx, workName)
	require.NoError(t, err)
	require.Equal(t, answered, put(w.tablet, deviceGrant{other.handle, slot[:], grant}), "the slot is the phone's")

	// What it logs in by.
	login := func(l deviceLogin) error { return phone.call(ctx, "POST", "/device/session", l, nil) }
	own := phone.device
	require.NoError(t, login(own))
	require.Equal(t, refused, login(deviceLogin{"mallory", own.Slot, own.Token}))
	require.Equal(t, refused, login(deviceLogin{"nobody", own.Slot, own.Token}))
	require.Equal(t, refused, login(deviceLogin{workName, own.Slot, make([]byte, 32)}))
	require.Equal(t, refused, login(deviceLogin{workName, own.Slot, w.s.stored(workName).devices[slot]}), "the hash is not the token")
	require.Equal(t, refused, login(deviceLogin{workName, file[:], own.Token}))
	require.Equal(t, refused, login(deviceLogin{workName, file[:], nil}))
	require.Equal(t, malformed, login(deviceLogin{workName, nil, own.Token}))
}

// TestStrangersAsk: they may, a few times, and learn nothing from it.
func TestStrangersAsk(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	c := newDevice(t, w.base)
	ask := func(name string, size, token int) error {
		return c.call(ctx, "POST", "/device/request", deviceRequest{name, make([]byte, size), make([]byte, token)}, nil)
	}
	for _, err := range []error{ask("", 1, 32), ask(workName, 0, 32), ask(workName, maxMessage+1, 32), ask(workName, 1, 31), ask(workName, 1, 33)} {
		require.Equal(t, malformed, err)
	}
	require.Empty(t, w.s.approvals)
	numbers := make(map[string]bool)
	for _, name := range []string{workName, "nobody", "somebody"} {
		var first, second numberResponse
		require.NoError(t, c.call(ctx, "POST", "/device/number", numberRequest{name}, &first))
		require.NoError(t, c.call(ctx, "POST", "/device/number", numberRequest{" " + name}, &second))
		require.Len(t, first.Number, 16)
		require.Equal(t, first, second)
		numbers[fmt.Sprint(first.Number)] = true
		for range maxApprovals {
			require.NoError(t, ask(name, 1, 32))
		}
		require.Equal(t, tooMany, ask(" "+name, 1, 32))
	}
	require.Len(t, numbers, 3)

	// They keep nobody from asking contacts, nor those anybody from asking to be let in.
	require.NoError(t, w.appoint(ctx))
	for range maxApprovals {
		_, err := w.tablet.askForShare(ctx, "sister")
		require.NoError(t, err)
	}
	_, err := w.tablet.askForShare(ctx, "colleague")
	require.Equal(t, tooMany, err)
	w.s.later()
	asked, err := c.askToJoin(ctx, workName)
	require.NoError(t, err)
	require.Len(t, w.s.approvals, 1, "the old ones are gone")
	_, err = w.tablet.askForShare(ctx, "colleague")
	require.NoError(t, err)

	// And what nobody answers in time is over.
	w.s.later()
	_, err = asked.state(ctx)
	require.Equal(t, noRequest, err)
	k, err := w.tablet.openKeyring(ctx)
	require.NoError(t, err)
	_, err = w.tablet.approveDevice(ctx, k, asked.QR())
	require.Equal(t, recovery.ErrApproval, err)
	require.Equal(t, noRequest, w.tablet.call(ctx, "PUT", "/device/grant", deviceGrant{Request: asked.handle}, nil))
	require.Equal(t, noRequest, c.call(ctx, "PUT", "/request/reveal", approvalMessage{asked.handle, []byte{1}}, nil))
}

// TestShareRequestsOnTheServer: only the contact who was asked answers.
func TestShareRequestsOnTheServer(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	r, err := afterMove()
	require.NoError(t, err)
	require.NoError(t, w.appoint(ctx))
	sister, colleague := w.people[0], w.people[1]
	computer := requirePhrase(t, w.s, w.base, r.words) // its session is of a recovery
	device, err := newDevice(t, w.base).askToJoin(ctx, workName)
	require.NoError(t, err)
	asked, err := computer.askForShare(ctx, "sister")
	require.NoError(t, err)
	grant, err := sister.latest().ApproveQR(asked.QR(), asked.Ask())
	require.NoError(t, err)
	mallory := newMallory(t, w)

	// Nobody else answers, with whatever they have.
	for name, tt := range map[string]struct {
		c    *client
		want error
	}{
		"a stranger":  {newDevice(t, w.base), loginFirst},
		"the owner":   {w.tablet, loginFirst},
		"a recovery":  {computer, loginFirst},
		"Mallory":     {mallory, loginFirst},
		"a colleague": {&colleague.client, noRequest},
	} {
		for _, path := range []string{"/share/answer", "/share/grant"} {
			require.Equal(t, tt.want, tt.c.call(ctx, "PUT", path, approvalMessage{asked.handle, grant}, nil), name)
		}
	}
	require.Equal(t, noRequest, sister.call(ctx, "PUT", "/share/grant", approvalMessage{device.handle, grant}, nil))
	require.Equal(t, loginFirst, sister.call(ctx, "GET", "/notes", struct{}{}, nil), "a mailbox's token is no session")
	require.Equal(t, loginFirst, w.tablet.call(ctx, "GET", "/contact/messages", struct{}{}, nil))
	require.Equal(t, recovery.ErrApproval, colleague.handOut(ctx, colleague.latest(), asked.QR()), "it is not shown there")

	// Each message has one go.
	for _, path := range []string{"/share/answer", "/request/reveal", "/share/grant"} {
		for _, m := range [][]byte{nil, make([]byte, maxMessage+1)} {
			require.Equal(t, malformed, sister.call(ctx, "PUT", path, approvalMessage{asked.handle, m}, nil), path)
		}
		require.NoError(t, sister.call(ctx, "PUT", path, approvalMessage{asked.handle, grant}, nil))
		require.Equal(t, answered, sister.call(ctx, "PUT", path, approvalMessage{asked.handle, grant}, nil), path)
		require.Equal(t, noRequest, sister.call(ctx, "PUT", path, approvalMessage{"guessed", grant}, nil), path)
	}
	_, err = asked.share(ctx)
	require.NoError(t, err)

	// Only who has been sent a share is asked, and only by whose it is.
	ask := func(c *client, contact string, size int) error {
		return c.call(ctx, "POST", "/share/request", shareRequest{contact, make([]byte, size)}, nil)
	}
	require.Equal(t, loginFirst, ask(newDevice(t, w.base), "sister", 1))
	require.Equal(t, noContact, ask(mallory, "sister", 1))
	require.Equal(t, noContact, ask(computer, "nobody", 1))
	require.Equal(t, malformed, ask(computer, "sister", 0))
	require.Equal(t, malformed, ask(computer, "sister", maxMessage+1))
	requireRecoveryOnly(t, computer)
}

// TestMailboxes: one for a name, and not without limits.
func TestMailboxes(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	p, err := newContact(ctx, w.base, "sister")
	require.NoError(t, err)
	_, err = newContact(ctx, w.base, " Sister")
	require.Equal(t, statusError{409, "Username already taken"}, err)
	for _, q := range []mailboxRequest{{"", []byte{1}}, {"x", nil}, {"x", make([]byte, maxMessage+1)}} {
		require.Equal(t, malformed, p.call(ctx, "POST", "/contacts", q, nil))
	}
	deliver := func(c *client, to string, m []byte) error {
		return c.call(ctx, "PUT", "/contact/message", contactMessage{to, m}, nil)
	}
	require.Equal(t, loginFirst, deliver(&p.client, "sister", []byte{1}))
	require.Equal(t, noContact, deliver(w.tablet, "nobody", []byte{1}))
	require.Equal(t, noContact, w.tablet.call(ctx, "POST", "/contact/key", contactRequest{"nobody"}, nil))
	require.Equal(t, malformed, deliver(w.tablet, "sister", nil))
	require.Equal(t, malformed, deliver(w.tablet, "sister", make([]byte, maxMessage+1)))
	require.Empty(t, w.s.mailboxes["sister"].messages)
	require.NoError(t, deliver(w.tablet, "sister", []byte{1}))
	for i := range maxOwners - 1 {
		w.s.mailboxes["sister"].messages[fmt.Sprint(i)] = []byte{1}
	}
	require.Equal(t, tooMany, deliver(newMallory(t, w), "sister", []byte{1}))
	require.NoError(t, deliver(w.tablet, "sister", []byte{2}), "in the place of the first")
	require.Error(t, p.receive(ctx, workName, ""))
	require.Empty(t, p.shares, "it was none")
}
