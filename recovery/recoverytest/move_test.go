package recoverytest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// Two devices change the login secret of one account at once. The server stores
// a login record only beside a header that has its slot, and a header only if
// it has the slot of the record. So nobody is locked out, and no device takes
// the other one's slot away.

// login is a login secret, and what the server has of it.
type login struct {
	recovery.ExportKey
	record []byte
}

func newLogin() login {
	raw := random(192)
	return login{recovery.NewExportKey(random(64), raw), raw}
}

// service is a server with records.
type service struct {
	*recoverytest.Remote
	record login // that logs in
}

func (s *service) Swap(ctx context.Context, previous [32]byte, header []byte) error {
	if h, err := recovery.ParseHeader(header); err != nil || !h.HasRecord(s.record.record) {
		return recovery.ErrConflict
	}
	return s.Remote.Swap(ctx, previous, header)
}

// store changes the record, for a session that has logged in with the old one.
func (s *service) store(old, next login) bool {
	h, err := recovery.ParseHeader(s.Stored())
	if err != nil || !h.HasRecord(next.record) || string(s.record.record) != string(old.record) {
		return false
	}
	s.record = next
	return true
}

// mover is a device that changes the login secret, one step at a time.
type mover struct {
	t      testing.TB
	s      *service
	local  *recoverytest.Local
	client *recovery.Client
	old    login // that this session has logged in with
	next   login
	stored bool
	err    error
}

func newMover(t testing.TB, s *service, account recovery.AccountID) *mover {
	m := &mover{t: t, s: s, local: new(recoverytest.Local), old: s.record, next: newLogin()}
	m.client = recovery.NewClient(m.local, s)
	require.NoError(t, m.client.OpenFirst(t.Context(), account, m.old))
	return m
}

// steps are the steps of a change: the slot, the record, and the next login.
func (m *mover) steps() []func() {
	ctx := m.t.Context()
	return []func(){
		func() { m.err = m.client.Refresh(ctx) },
		func() {
			if m.err != nil {
				return
			}
			var sealed *recovery.SealedSlot
			if sealed, m.err = m.client.Seal(ctx, m.next); m.err == nil {
				m.err = m.client.Change(ctx, func(e *recovery.Edit) error { return e.Supersede(m.client.OpenedBy(), sealed) })
			}
		},
		func() { m.stored = m.err == nil && m.s.store(m.old, m.next) },
		m.logIn,
	}
}

// logIn logs in with the record that the server has, on this device.
func (m *mover) logIn() {
	m.client = recovery.NewClient(m.local, m.s)
	err := m.client.OpenAfterLogin(m.t.Context(), m.s.record)
	require.NotZero(m.t, m.client.Epoch(), "%v", err)
}

// requireIn: the user logs in on any device, and what is written stays
// readable.
func (m *mover) requireIn(blob []byte) {
	m.t.Helper()
	h := parse(m.t, m.s.Stored())
	require.True(m.t, h.HasRecord(m.s.record.record))
	k := open(m.t, m.s.Stored(), m.s.record, recovery.TrustOnFirstUse(h.Account()))
	require.Equal(m.t, secretOf(1), must(k.UnwrapOld(blob, note)))
}

// TestTwoDevicesMoveAtOnce plays every order of the steps of two devices that
// change the login secret. At every moment the password that logs in opens, and
// in the end one slot of the family is left.
func TestTwoDevicesMoveAtOnce(t *testing.T) {
	const steps = 4
	for order := range 1 << (2 * steps) {
		if bits(order) != steps || !testvec.Long && order%5 > 0 {
			continue
		}
		s := &service{new(recoverytest.Remote), newLogin()}
		first := recovery.NewClient(new(recoverytest.Local), s)
		require.NoError(t, first.Create(t.Context(), s.record, phrase()))
		blob := must(first.Wrap(secretOf(1), note))
		movers := []*mover{newMover(t, s, first.Account()), newMover(t, s, first.Account())}
		for _, m := range movers {
			require.NoError(t, m.client.MarkSeen(t.Context(), m.client.Unseen()))
		}
		todo := [][]func(){movers[0].steps(), movers[1].steps()}
		for i := range 2 * steps {
			who := order >> i & 1
			todo[who][0]()
			todo[who] = todo[who][1:]
			movers[who].requireIn(blob)
		}
		stored := 0
		for _, m := range movers {
			if m.stored {
				stored++
				require.True(t, m.err == nil)
			}
		}
		require.Positive(t, stored)
		// The next logins, on both devices.
		for range 2 {
			for _, m := range movers {
				m.logIn()
				m.requireIn(blob)
			}
		}
		for _, m := range movers {
			require.NoError(t, m.client.MarkSeen(t.Context(), m.client.Unseen()))
			m.logIn()
			require.NoError(t, m.client.Refresh(t.Context()))
			require.Len(t, m.client.Slots(), 2, "the record's slot and the phrase, in order %b", order)
		}
	}
}

func bits(n int) (ones int) {
	for ; n > 0; n &= n - 1 {
		ones++
	}
	return ones
}

// TestMoveOvertaken: between the slot and the record of one device, another one
// has come to its end, and has revoked the slot of the first. The first record
// comes too late: nothing would open with it.
func TestMoveOvertaken(t *testing.T) {
	s := &service{new(recoverytest.Remote), newLogin()}
	first := recovery.NewClient(new(recoverytest.Local), s)
	require.NoError(t, first.Create(t.Context(), s.record, phrase()))
	blob := must(first.Wrap(secretOf(1), note))
	early, late := newMover(t, s, first.Account()), newMover(t, s, first.Account())
	for _, m := range []*mover{early, late} {
		require.NoError(t, m.client.MarkSeen(t.Context(), m.client.Unseen()))
	}
	early.steps()[1]()
	require.NoError(t, early.err)
	for _, step := range late.steps() {
		step()
	}
	require.True(t, late.stored)
	early.steps()[2]()
	require.False(t, early.stored)
	early.requireIn(blob)
	early.logIn()
	require.True(t, slices.ContainsFunc(early.client.Slots(), func(slot recovery.Slot) bool { return slot.ID == late.client.OpenedBy() }))
	// A header without the record's slot is refused, whoever sends it.
	k := open(t, s.Stored(), s.record, recovery.TrustOnFirstUse(first.Account()))
	without := revoke(t, k, k.OpenedBy())
	requireIs(t, recovery.ErrConflict, s.Swap(t.Context(), without.Header().Previous(), bytesOf(without)))
}

// TestAttack_OrphanInTheFamily: a slot that somebody with access put into the
// family of the password goes at the next login, and nothing else does.
func TestAttack_OrphanInTheFamily(t *testing.T) {
	s := &service{new(recoverytest.Remote), newLogin()}
	words, lent := phrase(), phrase()
	owner := newDevice(s.Remote)
	owner.Client = recovery.NewClient(owner.local, s)
	require.NoError(t, owner.Create(t.Context(), s.record, words, lent))
	thief := owner.another(t, lent)
	sealed := must(thief.Seal(t.Context(), newLogin()))
	require.NoError(t, thief.Change(t.Context(), func(e *recovery.Edit) error { return e.Supersede(owner.OpenedBy(), sealed) }))

	again := recovery.NewClient(owner.local, s)
	require.NoError(t, again.OpenAfterLogin(t.Context(), s.record))
	require.Len(t, again.Slots(), 3)
	require.EqualValues(t, 2, again.Epoch())
	// With a slot that the user has not seen, the login works and says so.
	require.NoError(t, thief.Refresh(t.Context()))
	sealed = must(thief.Seal(t.Context(), newLogin()))
	require.NoError(t, thief.Change(t.Context(), func(e *recovery.Edit) error { return e.Supersede(owner.OpenedBy(), sealed) }))
	must(thief.Add(t.Context(), phrase()))
	again = recovery.NewClient(owner.local, s)
	require.ErrorIs(t, again.OpenAfterLogin(t.Context(), s.record), recovery.ErrUnseen)
	require.EqualValues(t, 2, again.Epoch())
	require.Len(t, again.Slots(), 5)
	must(again.Wrap([]byte("x"), note))
}
