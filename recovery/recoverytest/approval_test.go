package recoverytest_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/stretchr/testify/require"
)

// The server passes the messages of an approval on, or its own. The tests of
// the protocol itself are in internal/approval.

// session is an approval by short code up to the moment when both devices show
// their halves.
type session struct {
	request      *recovery.Request
	approval     *recovery.Approval
	atNew, atOld string // the halves on the two screens
}

func newSession(t testing.TB, account recovery.AccountID, old device) session {
	t.Helper()
	s := session{request: must(recovery.NewRequest(account))}
	s.approval = must(old.Approve(s.request.Ask()))
	reveal, code, err := s.request.Reveal(s.approval.Answer())
	require.NoError(t, err)
	s.atNew, s.atOld = code, must(s.approval.Code(reveal))
	return s
}

// approve lets a new device in, as honest people do.
func approve(t testing.TB, old device) (device, *recovery.Device) {
	t.Helper()
	s := newSession(t, old.Account(), old)
	grant, _, err := s.approval.Grant(t.Context(), s.atNew)
	require.NoError(t, err)
	d := newDevice(old.remote)
	return d, must(d.Join(t.Context(), s.request, grant, s.atOld))
}

// requireNothing: a device that did not join has no state.
func requireNothing(t testing.TB, d device) {
	t.Helper()
	require.Nil(t, must(d.local.Load(t.Context())))
	require.ErrorIs(t, d.Open(t.Context(), phrase()), recovery.ErrNoCheckpoint)
}

func TestApprovalIsPossible(t *testing.T) {
	words := phrase()
	old := signUp(t, words)
	d, secret := approve(t, old)
	require.NoError(t, d.Open(t.Context(), secret))
	require.Equal(t, secret.ID(), d.OpenedBy())
	require.Equal(t, old.Epoch(), d.Epoch())
}

// TestAttack_ServersOwnKeyring: the server answers a new device out of a
// keyring of its own. It knows the number that it told the device, and both
// halves of its own session. The user reads the other half on the honest
// device, or nothing at all.
func TestAttack_ServersOwnKeyring(t *testing.T) {
	honest := signUp(t, phrase())
	server := signUp(t, phrase(), new(heldDevice))
	for what, typed := range map[string]func(s session) string{
		"nothing":                      func(session) string { return "" },
		"spaces":                       func(session) string { return "  " },
		"what the new device shows":    func(s session) string { return s.atNew },
		"what the honest device shows": func(session) string { return newSession(t, server.Account(), honest).atOld },
		"zeros":                        func(session) string { return "000-000" },
		"both halves":                  func(s session) string { return s.atNew + s.atOld },
		"half of it":                   func(s session) string { return s.atOld[:3] },
	} {
		s := newSession(t, server.Account(), server)
		grant, _, err := s.approval.Grant(t.Context(), s.atNew)
		require.NoError(t, err)
		d := newDevice(new(recoverytest.Remote))
		d.remote.Serve(server.remote.Stored())
		_, err = d.Join(t.Context(), s.request, grant, typed(s))
		require.Contains(t, []error{recovery.ErrUntrusted, recovery.ErrMalformed}, sentinel(err), what)
		requireNothing(t, d)
		if what == "what the honest device shows" { // a wrong half ends the request
			_, err = d.Join(t.Context(), s.request, grant, s.atOld)
			require.ErrorIs(t, err, recovery.ErrPolicy)
			requireNothing(t, d)
		}
	}
	// By QR code the server has not seen the code, and the device shows it
	// first.
	r := must(recovery.NewRequest(server.Account()))
	require.Len(t, r.QR(), 102)
	a := must(server.Approve(r.Ask()))
	_, _, err := r.Reveal(a.Answer())
	require.ErrorIs(t, err, recovery.ErrPolicy, "the first way is the only one")
	other := must(recovery.NewRequest(server.Account()))
	for _, qr := range []string{other.QR(), "", strings.ToUpper(r.QR())} {
		_, _, err := server.ApproveQR(t.Context(), qr, r.Ask())
		require.Contains(t, []error{recovery.ErrUntrusted, recovery.ErrMalformed}, sentinel(err))
	}
	d := newDevice(server.remote)
	for _, grant := range [][]byte{nil, random(16), random(1120 + 200 + 16), random(1120 + 132 + 16 + 32)} {
		_, err := d.Join(t.Context(), r, grant, "")
		require.Error(t, err)
		requireNothing(t, d)
	}
}

// TestAttack_ServerAsksForItself: the server asks the honest device in place of
// the new one. The half that the user reads on the new device does not fit, and
// nothing is released.
func TestAttack_ServerAsksForItself(t *testing.T) {
	words := phrase()
	old := signUp(t, words)
	before := old.remote.Stored()
	for what, typed := range map[string]func(server, user session) string{
		"what the new device shows": func(_, user session) string { return user.atNew },
		"the approver's own half":   func(server, _ session) string { return server.atOld },
		"nothing":                   func(_, _ session) string { return "" },
		"another session's":         func(_, user session) string { return user.atOld },
	} {
		// The server relays between the two devices, with a request and an
		// answer of its own.
		relay := signUp(t, phrase())
		user, server := newSession(t, relay.Account(), relay), newSession(t, old.Account(), old)
		grant, _, err := server.approval.Grant(t.Context(), typed(server, user))
		require.Contains(t, []error{recovery.ErrUntrusted, recovery.ErrMalformed}, sentinel(err), what)
		require.Nil(t, grant)
		require.Equal(t, before, old.remote.Stored())
		if sentinel(err) == recovery.ErrUntrusted {
			_, _, err = server.approval.Grant(t.Context(), server.atNew)
			require.ErrorIs(t, err, recovery.ErrPolicy, "a wrong half ends the approval")
		}
		require.Equal(t, before, old.remote.Stored())
		require.Len(t, old.Slots(), 1)
	}
	// An invalid public key gets no slot.
	ask := must(recovery.NewRequest(old.Account())).Ask()
	copy(ask[2:], bytes.Repeat([]byte{0xff}, 1184))
	_, err := old.Approve(ask)
	requireIs(t, recovery.ErrMalformed, err)
	r := must(recovery.NewRequest(old.Account()))
	_, _, err = old.ApproveQR(t.Context(), r.QR(), ask)
	require.Error(t, err)
	require.Equal(t, before, old.remote.Stored())
}

// TestAttack_AlteredGrant: the server alters or exchanges grants.
func TestAttack_AlteredGrant(t *testing.T) {
	old := signUp(t, phrase())
	s := newSession(t, old.Account(), old)
	grant, _, err := s.approval.Grant(t.Context(), s.atNew)
	require.NoError(t, err)
	d := newDevice(old.remote)
	for i := range grant {
		altered := slices.Clone(grant)
		altered[i] ^= 1 << (i % 8)
		_, err := d.Join(t.Context(), s.request, altered, s.atOld)
		requireIs(t, recovery.ErrUntrusted, err, i)
	}
	requireNothing(t, d)
	other := newSession(t, old.Account(), old)
	_, err = d.Join(t.Context(), other.request, grant, other.atOld)
	requireIs(t, recovery.ErrUntrusted, err, "of another request")
	must(d.Join(t.Context(), s.request, grant, s.atOld))
	_, err = d.Join(t.Context(), s.request, grant, s.atOld)
	require.ErrorIs(t, err, recovery.ErrPolicy, "once")

	byQR := must(recovery.NewRequest(old.Account()))
	grant, _, err = old.ApproveQR(t.Context(), byQR.QR(), byQR.Ask())
	require.NoError(t, err)
	d = newDevice(old.remote)
	for i := range grant {
		altered := slices.Clone(grant)
		altered[i] ^= 1 << (i % 8)
		_, err := d.Join(t.Context(), byQR, altered, "")
		requireIs(t, recovery.ErrUntrusted, err, i)
	}
	requireNothing(t, d)
	must(d.Join(t.Context(), byQR, grant, ""))
}

// TestAttack_JoinThroughARolledBackDevice: a device that was here before is
// approved again. The server has kept the approving device at an older header,
// or on a fork.
func TestAttack_JoinThroughARolledBackDevice(t *testing.T) {
	words, lost := phrase(), phrase()
	mine := signUp(t, words, lost)
	old := mine.another(t, words)
	fork := mine.remote.Fork()
	old = device{recovery.NewClient(old.local, fork), old.local, fork}
	require.NoError(t, old.Open(t.Context(), words))
	require.NoError(t, mine.Revoke(t.Context(), learn(t, fork.Stored(), lost).Slot))
	state := must(mine.local.Load(t.Context()))
	join := func() error {
		s := newSession(t, mine.Account(), old)
		grant, _, err := s.approval.Grant(t.Context(), s.atNew)
		require.NoError(t, err)
		_, err = mine.Join(t.Context(), s.request, grant, s.atOld)
		return err
	}
	requireIs(t, recovery.ErrRollback, join(), "an older epoch")
	require.NoError(t, old.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil }))
	requireIs(t, recovery.ErrFork, join(), "another master key")
	require.Equal(t, state, must(mine.local.Load(t.Context())))
	require.NoError(t, mine.Refresh(t.Context()))
	// Another account, through an honest device of it.
	stranger := signUp(t, phrase())
	s := newSession(t, stranger.Account(), stranger)
	grant, _, err := s.approval.Grant(t.Context(), s.atNew)
	require.NoError(t, err)
	_, err = mine.Join(t.Context(), s.request, grant, s.atOld)
	requireIs(t, recovery.ErrOtherAccount, err)
	require.Equal(t, state, must(mine.local.Load(t.Context())))
}

// TestAttack_JoinedDeviceAndServer: a device that has joined has a checkpoint
// before it has opened anything. The server hands out older and forged headers.
func TestAttack_JoinedDeviceAndServer(t *testing.T) {
	words, lent := phrase(), phrase()
	old := signUp(t, words, lent)
	_, holder := old.holding(t, lent)
	require.NoError(t, old.Revoke(t.Context(), holder.Slot))
	d, secret := approve(t, old)
	honest := old.remote.Stored()
	forgeries := must(holder.Forgeries(honest))
	for i, header := range old.remote.Headers()[:2] {
		forgeries[string(rune('1'+i))] = header
	}
	forgeries["nothing"] = nil
	for what, forged := range forgeries {
		old.remote.Serve(forged)
		err := d.Open(t.Context(), secret)
		require.Error(t, err, what)
		require.NotErrorIs(t, err, recovery.ErrNoCheckpoint, what)
		require.Zero(t, d.Epoch())
		require.ErrorIs(t, d.OpenFirst(t.Context(), old.Account(), secret), recovery.ErrPolicy)
	}
	old.remote.Serve(honest)
	require.NoError(t, d.Open(t.Context(), secret))
	require.EqualValues(t, 2, d.Epoch())
	require.Len(t, d.Unseen(), 1, "all slots but its own")
}

// TestLyingApprover: somebody with access grants nonsense. The new device
// takes nothing, and the request is over.
func TestLyingApprover(t *testing.T) {
	words := phrase()
	old := signUp(t, words)
	stranger := signUp(t, words)
	in, strange := learn(t, old.remote.Stored(), words), learn(t, stranger.remote.Stored(), words)
	checkpoint := must(open(t, old.remote.Stored(), words, recovery.TrustOnFirstUse(old.Account())).Checkpoint().MarshalBinary())
	theirs := must(open(t, stranger.remote.Stored(), words, recovery.TrustOnFirstUse(stranger.Account())).Checkpoint().MarshalBinary())
	payload := func(version byte, id, lineage, checkpoint []byte) []byte {
		return slices.Concat([]byte{version}, id, lineage, checkpoint)
	}
	for what, p := range map[string][]byte{
		"a byte":                payload(1, nil, nil, nil),
		"no checkpoint":         payload(1, in.Slot[:], in.Lineage, nil),
		"a cut one":             payload(1, in.Slot[:], in.Lineage, checkpoint[:len(checkpoint)-1]),
		"a longer one":          payload(1, in.Slot[:], in.Lineage, append(slices.Clone(checkpoint), 0)),
		"an unconfirmed one":    payload(1, in.Slot[:], in.Lineage, slices.Concat([]byte("U\x01"), checkpoint, checkpoint)),
		"another account's":     payload(1, strange.Slot[:], strange.Lineage, theirs),
		"mixed accounts":        payload(1, in.Slot[:], in.Lineage, theirs),
		"another version":       payload(2, in.Slot[:], in.Lineage, checkpoint),
		"no slot":               payload(1, make([]byte, 16), in.Lineage, checkpoint),
		"a slot that is not in": payload(1, random(16), in.Lineage, checkpoint),
		"no lineage key":        payload(1, in.Slot[:], make([]byte, 32), checkpoint),
	} {
		r := must(recovery.NewRequest(old.Account()))
		scan := must(approval.ScanQR(approval.Device, old.Account(), r.QR(), r.Ask()))
		again := must(approval.ScanQR(approval.Device, old.Account(), r.QR(), r.Ask()))
		good := must(again.Grant(payload(1, in.Slot[:], in.Lineage, checkpoint)))
		d := newDevice(old.remote)
		_, err := d.Join(t.Context(), r, must(scan.Grant(p)), "")
		require.Contains(t, []error{recovery.ErrUntrusted, recovery.ErrMalformed}, sentinel(err), what)
		requireNothing(t, d)
		_, err = d.Join(t.Context(), r, good, "")
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Empty(t, r.QR())
	}
	// A slot that is another's: it is in the checkpoint, and does not open.
	r := must(recovery.NewRequest(old.Account()))
	scan := must(approval.ScanQR(approval.Device, old.Account(), r.QR(), r.Ask()))
	d := newDevice(old.remote)
	secret := must(d.Join(t.Context(), r, must(scan.Grant(payload(1, in.Slot[:], in.Lineage, checkpoint))), ""))
	require.Contains(t, []error{recovery.ErrWrongSecret, recovery.ErrUntrusted}, sentinel(d.Open(t.Context(), secret)))
	require.Zero(t, d.Epoch())
}

// TestAttack_ApprovalBesideChanges: slot, keys and checkpoint of a grant belong
// together, whatever else happens meanwhile.
func TestAttack_ApprovalBesideChanges(t *testing.T) {
	for what, change := range map[string]func(c device, s recovery.Sealer) error{
		"rotation": func(c device, _ recovery.Sealer) error {
			return c.Change(t.Context(), func(e *recovery.Edit) error { e.Rotate(); return nil })
		},
		"addition": func(c device, _ recovery.Sealer) error { _, err := c.Add(t.Context(), phrase()); return err },
	} {
		words := phrase()
		old := signUp(t, words)
		other := old.another(t, words)
		other.showAll(t)
		s := newSession(t, old.Account(), old)
		require.NoError(t, change(other, words), what)
		grant, id, err := s.approval.Grant(t.Context(), s.atNew)
		require.NoError(t, err, what)
		require.NoError(t, change(other, words), what)
		d := newDevice(old.remote)
		secret := must(d.Join(t.Context(), s.request, grant, s.atOld))
		require.Equal(t, id, secret.ID())
		require.NoError(t, d.Open(t.Context(), secret), what)
		require.Equal(t, other.Epoch(), d.Epoch())
	}
	// A new lineage ends the approval: what was granted before does not open.
	words := phrase()
	old := signUp(t, words)
	s := newSession(t, old.Account(), old)
	grant, _, err := s.approval.Grant(t.Context(), s.atNew)
	require.NoError(t, err)
	require.NoError(t, old.RotateLineage(t.Context(), words))
	d := newDevice(old.remote)
	secret := must(d.Join(t.Context(), s.request, grant, s.atOld))
	requireIs(t, recovery.ErrWrongSecret, d.Open(t.Context(), secret))
}
