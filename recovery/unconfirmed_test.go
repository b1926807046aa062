package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// requireTakes checks that Open and Follow accept a header, before and after
// the checkpoint was stored.
func requireTakes(t *testing.T, k *recovery.Keyring, o recovery.Opener, c recovery.Checkpoint, h *recovery.Header, what string) {
	t.Helper()
	for _, c := range []recovery.Checkpoint{c, readCheckpoint(t, must(c.MarshalBinary()))} {
		got, err := recovery.Open(t.Context(), parse(t, h.Bytes()), o, c)
		require.NoError(t, err, what)
		require.Equal(t, h.Bytes(), got.Header().Bytes())
		_, err = k.Follow(h, c)
		require.NoError(t, err, what)
	}
}

func requireTakesNot(t *testing.T, want error, k *recovery.Keyring, o recovery.Opener, c recovery.Checkpoint, h *recovery.Header, what string) {
	t.Helper()
	for _, c := range []recovery.Checkpoint{c, readCheckpoint(t, must(c.MarshalBinary()))} {
		require.ErrorIs(t, openErr(t, h, o, c), want, what)
		_, err := k.Follow(h, c)
		require.ErrorIs(t, err, want, what)
	}
}

// pending is a device with a header that it does not know to be stored.
type pending struct {
	o              slot
	old, candidate *recovery.Keyring
	unconfirmed    recovery.Checkpoint
	third          recovery.SlotID // of a slot that may be removed
}

func newPending(t *testing.T, f func(p *pending, e *recovery.Edit) error) *pending {
	t.Helper()
	p := &pending{o: exportKey(1)}
	p.old = create(t, p.o, exportKey(2), phrase())
	p.third = slotIDs(p.old, "phrase")[0]
	d := change(t, p.old, func(e *recovery.Edit) error { return f(p, e) })
	p.candidate, p.unconfirmed = d.Stored(), d.Unconfirmed()
	return p
}

// TestUnconfirmedAddition: a candidate that removed nothing leaves room for
// both answers, and for whatever follows from them.
func TestUnconfirmedAddition(t *testing.T) {
	for name, f := range map[string]func(p *pending, e *recovery.Edit) error{
		"add": func(p *pending, e *recovery.Edit) error { return e.Add(seal(t, p.old, phrase())) },
		"supersede": func(p *pending, e *recovery.Edit) error {
			return e.Supersede(p.old.OpenedBy(), seal(t, p.old, exportKey(3)))
		},
		"rotate": func(_ *pending, e *recovery.Edit) error { return rotate(e) },
		"add and rotate": func(p *pending, e *recovery.Edit) error {
			e.Rotate()
			return e.Add(seal(t, p.old, phrase()))
		},
	} {
		p := newPending(t, f)
		require.False(t, recovery.Removes(p.unconfirmed), name)
		sibling, _ := add(t, p.old, phrase())
		for what, h := range map[string]*recovery.Header{
			"old":                             p.old.Header(),
			"candidate":                       p.candidate.Header(),
			"after the candidate":             rotated(t, p.candidate).Header(),
			"long after the candidate":        rotated(t, rotated(t, rotated(t, p.candidate))).Header(),
			"beside the candidate":            sibling.Header(),
			"beside the candidate, a removal": revoked(t, p.old, p.third).Header(),
			"after a header beside it":        rotated(t, sibling).Header(),
		} {
			requireTakes(t, p.old, p.o, p.unconfirmed, h, name+": "+what)
		}
		first := create(t, p.o)
		requireTakesNot(t, recovery.ErrOtherAccount, p.old, p.o, p.unconfirmed, first.Header(), name)
		lineage, _ := recovery.KeysOf(p.old)
		forged := forgeWith(t, p.old, lineage, random(32), func(h *refHeader) { h.next(p.old.Header()) })
		requireTakesNot(t, recovery.ErrUntrusted, p.old, p.o, p.unconfirmed, forged, name)
	}
}

// TestUnconfirmedRemoval: a candidate that removed a slot leaves room for
// exactly the old header and for what follows from the candidate. The removed
// holder can make anything else.
func TestUnconfirmedRemoval(t *testing.T) {
	for name, f := range map[string]func(p *pending, e *recovery.Edit) error{
		"revoke":  func(p *pending, e *recovery.Edit) error { return e.Revoke(p.third) },
		"replace": func(p *pending, e *recovery.Edit) error { return e.Replace(p.third, seal(t, p.old, phrase())) },
		"revoke and add": func(p *pending, e *recovery.Edit) error {
			require.NoError(t, e.Add(seal(t, p.old, phrase())))
			return e.Revoke(p.third)
		},
	} {
		p := newPending(t, f)
		require.True(t, recovery.Removes(p.unconfirmed), name)
		for what, h := range map[string]*recovery.Header{
			"old":                      p.old.Header(),
			"candidate":                p.candidate.Header(),
			"after the candidate":      rotated(t, p.candidate).Header(),
			"long after the candidate": rotated(t, rotated(t, p.candidate)).Header(),
		} {
			requireTakes(t, p.old, p.o, p.unconfirmed, h, name+": "+what)
		}
		sibling, _ := add(t, p.old, phrase())
		for what, h := range map[string]*recovery.Header{
			"beside the candidate":            sibling.Header(),
			"beside it with its epoch":        rotated(t, p.old).Header(),
			"beside it, the same removal":     revoked(t, p.old, p.third).Header(),
			"after a header beside it":        rotated(t, sibling).Header(),
			"the next header with its digest": forge(t, p.old, func(h *refHeader) { h.next(p.old.Header()) }),
		} {
			want := recovery.ErrFork
			if h.Epoch() < p.candidate.Epoch() {
				want = recovery.ErrRollback
			}
			requireTakesNot(t, want, p.old, p.o, p.unconfirmed, h, name+": "+what)
		}
		far := rotated(t, rotated(t, rotated(t, sibling)))
		requireTakesNot(t, recovery.ErrUntrusted, p.old, p.o, p.unconfirmed, far.Header(), name)
		requireTakes(t, p.old, p.o, p.unconfirmed, p.candidate.Header(), name+": the honest header afterwards")
	}
}

// TestUnconfirmedChangedSlot: a slot with the same id and other content counts
// as removed.
func TestUnconfirmedChangedSlot(t *testing.T) {
	o := exportKey(1)
	k := create(t, o, phrase())
	forged := forge(t, k, func(h *refHeader) {
		h.next(k.Header())
		for i := range h.slots {
			if h.slots[i].kind == 3 {
				h.slots[i].family = random(16)
			}
		}
	})
	candidate := open(t, forged, o, recovery.TrustOnFirstUse(k.Account()))
	u := recovery.Unconfirmed(k.Checkpoint(), candidate.Checkpoint())
	require.True(t, recovery.Removes(u))
	requireTakes(t, k, o, u, k.Header(), "old")
	requireTakes(t, k, o, u, forged, "candidate")
	sibling, _ := add(t, k, phrase())
	requireTakesNot(t, recovery.ErrFork, k, o, u, sibling.Header(), "beside")
	require.False(t, recovery.Removes(recovery.Unconfirmed(k.Checkpoint(), k.Checkpoint())))
	require.False(t, recovery.Removes(recovery.Unconfirmed(k.Checkpoint(), sibling.Checkpoint())))
	require.True(t, recovery.Removes(recovery.Unconfirmed(sibling.Checkpoint(), k.Checkpoint())))
}

// TestUnconfirmedFloor: the floor of the candidate counts once it is seen, and
// the old header's until then.
func TestUnconfirmedFloor(t *testing.T) {
	o := exportKey(1)
	k := rotated(t, create(t, o))
	d := change(t, k, func(e *recovery.Edit) error { return e.CloseBefore(2) })
	requireTakes(t, k, o, d.Unconfirmed(), k.Header(), "old")
	requireTakes(t, k, o, d.Unconfirmed(), d.Header(), "candidate")
	requireTakesNot(t, recovery.ErrRollback, k, o, d.Checkpoint(), k.Header(), "confirmed")
	got := open(t, k.Header(), o, d.Unconfirmed())
	require.Equal(t, k.Checkpoint(), got.Checkpoint(), "the keyring has the checkpoint of its own header")
}
