package recovery_test

import (
	"slices"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// moving is an account with a keyring that moves from SRP to OPAQUE, with the real
// packages. The password stays the same. Its slot is replaced by one of the export
// key.
type moving struct {
	*crashing
	srpServer    *srp.Server
	srpClient    *srp.Client
	opaqueServer *opaque.Server
	opaqueClient *opaque.Client
	// What the server has beside the header. It stores both records until the first
	// login with OPAQUE, and then only the new one.
	old, next []byte
	slot      recovery.SlotID // the slot that was stored with the new record
}

var movingID, movingPassword = []byte("alice"), []byte("the old password")

func newMoving(t *testing.T) *moving {
	m := &moving{crashing: newCrashing(t)}
	params, policy := smallKDF(t)
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	srpKind := srp.Kind{Groups: []*srp.Group{group}, KDF: params, Weight: 1}
	opaqueKind := opaque.Kind{Setup: 1, Suite: opaque.Ristretto255, KSF: params, Weight: 1}
	decoyKey := [32]byte(random(32))
	m.srpServer = must(srp.NewServer(srp.ServerConfig{DecoyKey: decoyKey, Offer: srpKind,
		StateKeys: []srp.StateKey{{Key: [32]byte(random(32))}}, Others: must(opaque.Weights(opaqueKind))}))
	m.opaqueServer = must(opaque.NewServer(opaque.ServerConfig{DecoyKey: decoyKey, Offer: opaqueKind,
		StateKeys: []opaque.StateKey{{Key: [32]byte(random(32))}}, Others: must(srp.Weights(srpKind)),
		Setups: map[uint16]*opaque.Setup{1: setup}}))
	m.srpClient = must(srp.NewClient(srp.ClientConfig{KDFPolicy: policy}))
	m.opaqueClient = must(opaque.NewClient(opaque.ClientConfig{KSFPolicy: policy}))

	r, request, err := m.srpClient.Register(nil, movingPassword)
	require.NoError(t, err)
	upload := must(r.Finish(t.Context(), must(m.srpServer.BeginRegistration(t.Context(), movingID, request))))
	m.old = must(m.srpServer.FinishRegistration(nil, upload))
	// The server takes no header without the slot of its record.
	m.accepts = func(h *recovery.Header) bool { return m.next == nil || hasSlot(h, m.slot) }
	return m
}

func hasSlot(h *recovery.Header, id recovery.SlotID) bool {
	return slices.ContainsFunc(h.Slots(), func(s recovery.Slot) bool { return s.ID == id })
}

// slotOf returns the first slot of a type.
func slotOf(h *recovery.Header, typ recovery.SlotType) (id recovery.SlotID, ok bool) {
	for _, s := range h.Slots() {
		if s.Type == typ {
			return s.ID, true
		}
	}
	return id, false
}

// loggedIn is what both sides have after a login. The way opens the keyring.
type loggedIn struct {
	way        recovery.Opener
	device     *opaque.Migration
	service    *opaque.Migration
	withOPAQUE bool
}

func (m *moving) sessionOf(clientKey, serverKey []byte, way recovery.Opener, withOPAQUE bool) loggedIn {
	require.Equal(m.t, serverKey, clientKey)
	return loggedIn{way, must(opaque.NewMigration(clientKey, movingID)), must(opaque.NewMigration(serverKey, movingID)), withOPAQUE}
}

// logIn is a login with the password, with the protocol of the server's newest
// record.
func (m *moving) logIn() loggedIn {
	ctx := m.t.Context()
	if m.next == nil {
		l, request, err := m.srpClient.Login(nil, movingPassword)
		require.NoError(m.t, err)
		response, pending, err := m.srpServer.BeginLogin(ctx, movingID, m.old, request)
		require.NoError(m.t, err)
		reply, serverKey, err := m.srpServer.FinishLogin(ctx, movingID, m.old, pending, must(l.Respond(ctx, response)))
		require.NoError(m.t, err)
		return m.sessionOf(must(l.Finish(reply)), serverKey, m.secrets["old"], false)
	}
	l, request, err := m.opaqueClient.Login(nil, movingPassword)
	require.NoError(m.t, err)
	response, pending, err := m.opaqueServer.BeginLogin(ctx, movingID, m.next, request)
	require.NoError(m.t, err)
	reply, serverKey, err := m.opaqueServer.FinishLogin(ctx, movingID, m.next, pending, must(l.Respond(ctx, response)))
	require.NoError(m.t, err)
	clientKey := must(l.Finish(reply))
	return m.sessionOf(clientKey, serverKey, recovery.NewExport(must(l.ExportKey()), must(l.Record())), true)
}

// register registers inside a session of SRP: first the slot, then the record. It
// reports whether the server has taken both.
func (m *moving) register(s loggedIn) bool {
	ctx := m.t.Context()
	k, accepted, err := m.open(s.way)
	if err != nil {
		return false // another device has moved the account
	}
	r, request, err := m.opaqueClient.Register(nil, movingPassword)
	require.NoError(m.t, err)
	defer r.Discard()
	request = must(s.service.Verify(opaque.MigrateRequest, must(s.device.Protect(opaque.MigrateRequest, request))))
	response := must(s.service.Protect(opaque.MigrateResponse, must(m.opaqueServer.BeginRegistration(ctx, movingID, request))))
	upload := must(r.Finish(ctx, must(s.device.Verify(opaque.MigrateResponse, response))))
	slot := recovery.NewExport(must(r.ExportKey()), must(r.Record()))

	var id recovery.SlotID
	if orphan, ok := slotOf(parse(m.t, m.header), recovery.SlotExport); ok {
		id = must(k.Replace(ctx, orphan, slot)) // a try that stopped has left it
	} else {
		id = must(k.Add(ctx, slot))
	}
	if !m.save(k, accepted) {
		return false
	}
	protected := must(s.device.Protect(opaque.MigrateUpload, upload))
	stored := false
	m.step(func() { // one transaction
		record := must(m.opaqueServer.FinishRegistration(nil, must(s.service.Verify(opaque.MigrateUpload, protected))))
		if stored = m.next == nil && hasSlot(parse(m.t, m.header), id); stored {
			m.next, m.slot = record, id
			m.record, m.secrets["opaque"] = "opaque", slot
		}
	})
	return stored
}

// move is what a client does at each start, wherever an earlier one has stopped.
func (m *moving) move() {
	s := m.logIn()
	if !s.withOPAQUE {
		require.True(m.t, m.register(s))
		s = m.logIn()
	}
	m.step(func() { m.old = nil }) // in the transaction of a login with OPAQUE
	k, accepted := m.mustOpen(s.way)
	if id, ok := slotOf(parse(m.t, m.header), recovery.SlotPassword); ok {
		require.NoError(m.t, k.Revoke(m.t.Context(), id))
		require.True(m.t, m.save(k, accepted))
	}
}

// requireIn: whoever knows the password logs in and opens the keyring.
func (m *moving) requireIn() {
	k, _ := m.mustOpen(m.logIn().way)
	require.True(m.t, must(k.Key(1)).Equal(m.first))
}

func (m *moving) requireMoved() {
	m.requireIn()
	require.Nil(m.t, m.old)
	require.True(m.t, hasSlot(parse(m.t, m.header), m.slot))
	_, ok := slotOf(parse(m.t, m.header), recovery.SlotPassword)
	require.False(m.t, ok, "it could be guessed at without OPAQUE's keys")
	require.Len(m.t, parse(m.t, m.header).Slots(), 3, "no try has left a slot")
}

// TestMoveToOPAQUE stops a move before each of its writes, and once more when it
// goes on. After each stop the password logs in, and what it logs in with opens.
func TestMoveToOPAQUE(t *testing.T) {
	const steps = 8
	m := newMoving(t)
	require.False(t, m.until(1<<20, func(*crashing) { m.move() }))
	require.Equal(t, steps, m.steps)
	m.requireMoved()
	for first := range steps {
		for second := range steps + 1 {
			if testing.Short() && first+second != steps {
				continue
			}
			m := newMoving(t)
			run := func(*crashing) { m.move() }
			require.True(t, m.until(first, run))
			m.requireIn()
			m.until(second, run)
			m.requireIn()
			require.False(t, m.until(1<<20, run))
			m.requireMoved()
		}
	}
}

// TestTwoDevicesMoveAtOnce: both have logged in with SRP. One stops before each
// of its writes, and the other goes on with the session that it has. The server
// refuses what would lock the password out.
func TestTwoDevicesMoveAtOnce(t *testing.T) {
	const steps = 8
	for stop := range steps + 1 {
		m := newMoving(t)
		others, late := slices.Clone(m.pins), m.logIn()
		m.until(stop, func(*crashing) { m.move() })
		m.requireIn()

		m.pins, others = others, m.pins
		taken := false
		m.until(1<<20, func(*crashing) { taken = m.register(late) })
		require.Equal(t, stop < 4, taken, "there is one record, the first")
		m.requireIn()

		m.pins = others
		require.False(t, m.until(1<<20, func(*crashing) { m.move() }))
		m.requireMoved()
	}
}

// TestMoveOvertaken: between the header and the record of one device, another one
// replaces its slot, with its own record or before it. The first record comes too
// late: nothing would open with it.
func TestMoveOvertaken(t *testing.T) {
	for _, steps := range []int{3, 4} {
		m := newMoving(t)
		early, late := m.logIn(), m.logIn()
		others := slices.Clone(m.pins)
		step := 0
		m.beforeStep = func() {
			if step++; step != 4 {
				return
			}
			m.beforeStep = nil
			m.pins, others = others, m.pins
			m.until(steps, func(*crashing) { m.register(late) })
			m.pins, others = others, m.pins
			m.stepsLeft = 1 << 20
			require.Equal(t, steps == 4, m.next != nil)
		}
		require.False(t, m.register(early))
		m.requireIn()
		require.False(t, m.until(1<<20, func(*crashing) { m.move() }))
		m.requireMoved()
	}
}
