package recovery_test

import (
	"context"
	"math"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// accepting is a device with a checkpoint and a secret, and somebody with all
// keys who makes headers for it.
type accepting struct {
	t      testing.TB
	k      *recovery.Keyring
	opener recovery.Opener
}

func newAccepting(t testing.TB) *accepting {
	o := exportKey(1)
	k := create(t, o, exportKey(2), phrase())
	for range 3 {
		k, _ = add(t, rotated(t, k), phrase())
	}
	k = edit(t, k, func(e *recovery.Edit) error { return e.CloseBefore(3) })
	return &accepting{t, k, o}
}

// next is a header that follows the checkpoint, after a change with right MACs.
func (a *accepting) next(f func(h *refHeader)) *recovery.Header {
	return forge(a.t, a.k, func(h *refHeader) {
		h.next(a.k.Header())
		f(h)
	})
}

// rotatedNext is next with n new master keys.
func (a *accepting) rotatedNext(n int, f func(h *refHeader)) *recovery.Header {
	lineage, master := recovery.KeysOf(a.k)
	h := refParse(a.k.Header().Bytes())
	h.next(a.k.Header())
	for range n {
		next := random(32)
		h.rotate(master, next)
		master = next
	}
	f(&h)
	return parse(a.t, h.encode(lineage, master))
}

// requireRefused checks the error, and that the header of the device still
// opens: a refused header changes nothing.
func (a *accepting) requireRefused(want error, h *recovery.Header, what string) {
	a.t.Helper()
	require.ErrorIs(a.t, openErr(a.t, h, a.opener, a.k.Checkpoint()), want, what)
	_, err := a.k.Follow(h, a.k.Checkpoint())
	require.ErrorIs(a.t, err, want, what)
	require.NotErrorIs(a.t, err, recovery.ErrNoCheckpoint)
	requireOpens(a.t, a.k, a.opener)
	open(a.t, a.next(keep), a.opener, a.k.Checkpoint())
}

func (a *accepting) requireAccepted(h *recovery.Header) {
	a.t.Helper()
	open(a.t, h, a.opener, a.k.Checkpoint())
	_, err := a.k.Follow(h, a.k.Checkpoint())
	require.NoError(a.t, err)
}

func keep(*refHeader) {}

// TestAccepted: what may follow a checkpoint.
func TestAccepted(t *testing.T) {
	a := newAccepting(t)
	require.Equal(t, []uint32{8, 4, 3}, []uint32{uint32(a.k.Header().Revision()), a.k.Epoch(), a.k.Floor()})
	a.requireAccepted(a.k.Header())
	a.requireAccepted(a.next(keep))
	a.requireAccepted(a.rotatedNext(1, keep))
	a.requireAccepted(a.next(func(h *refHeader) { h.floor = 4 }))
	a.requireAccepted(a.rotatedNext(1, func(h *refHeader) { h.floor = 5 }))
	for _, ahead := range []uint64{2, 3, 1000, math.MaxUint64 - 8} {
		for n := range min(ahead, 5) + 1 {
			a.requireAccepted(a.rotatedNext(int(n), func(h *refHeader) { h.revision, h.prev = 8+ahead, random(32) }))
		}
	}
	sealed := seal(t, a.k, phrase())
	a.requireAccepted(change(t, a.k, func(e *recovery.Edit) error { return e.Add(sealed) }).Header())
	var others []recovery.SlotID
	for _, s := range a.k.Slots() {
		if s.ID != a.k.OpenedBy() {
			others = append(others, s.ID)
		}
	}
	a.requireAccepted(change(t, a.k, func(e *recovery.Edit) error { return e.Revoke(others...) }).Header())
}

// violations are the reasons to refuse a header, in the order of the checks.
// Each changes a header that is one revision and n epochs later.
func (a *accepting) violations() []violation {
	other := random(16)
	return []violation{
		{"account", recovery.ErrOtherAccount, func(h *refHeader) { h.account = other }},
		{"floor", recovery.ErrRollback, func(h *refHeader) { h.floor = 2 }},
		{"predecessor", recovery.ErrFork, func(h *refHeader) { h.prev = random(32) }},
		{"a slot went", recovery.ErrFork, a.without(func(s *refSlot) bool { return s.kind == 3 })},
		{"HMAC_L", recovery.ErrUntrusted, nil},
	}
}

type violation struct {
	name string
	want error
	f    func(h *refHeader)
}

// without removes the first slot that is fit.
func (a *accepting) without(fit func(s *refSlot) bool) func(h *refHeader) {
	return func(h *refHeader) {
		for i := range h.slots {
			if fit(&h.slots[i]) {
				h.slots = append(h.slots[:i:i], h.slots[i+1:]...)
				return
			}
		}
	}
}

// TestOrderOfChecks: of two reasons, the first in the order of FORMAT.md gives
// the error.
func TestOrderOfChecks(t *testing.T) {
	a := newAccepting(t)
	lineage, master := recovery.KeysOf(a.k)
	all := a.violations()
	for i, first := range all {
		for _, second := range all[i:] {
			l := lineage
			if second.f == nil {
				l = random(32)
			}
			h := forgeWith(t, a.k, l, master, func(h *refHeader) {
				h.next(a.k.Header())
				for _, v := range []violation{first, second} {
					if v.f != nil {
						v.f(h)
					}
				}
			})
			a.requireRefused(first.want, h, first.name+" and "+second.name)
		}
	}
}

// TestRollback: a lower revision, epoch or floor, each alone, whatever else
// there is.
func TestRollback(t *testing.T) {
	a := newAccepting(t)
	_, master := recovery.KeysOf(a.k)
	older := must(refMasterOf(a.k)(3))
	lineage, _ := recovery.KeysOf(a.k)
	for name, h := range map[string]*recovery.Header{
		"revision":           a.next(func(h *refHeader) { h.revision = 7 }),
		"revision, fork":     a.next(func(h *refHeader) { h.revision, h.prev = 7, random(32) }),
		"revision and epoch": a.rotatedNext(1, func(h *refHeader) { h.revision = 7 }),
		"floor":              a.next(func(h *refHeader) { h.floor = 2 }),
		"floor, later":       a.rotatedNext(3, func(h *refHeader) { h.floor, h.revision = 2, 100 }),
		"floor, same":        forge(t, a.k, func(h *refHeader) { h.floor = 2 }),
	} {
		a.requireRefused(recovery.ErrRollback, h, name)
	}
	epoch := forgeWith(t, a.k, lineage, older, func(h *refHeader) {
		h.next(a.k.Header())
		h.epoch, h.history = 3, h.history[:2]
		for i := range h.slots {
			h.slots[i].born = min(h.slots[i].born, 3)
		}
	})
	a.requireRefused(recovery.ErrRollback, epoch, "epoch")
	require.NotEqual(t, older, master)
}

// TestFork: another header beside the checkpoint's, or after another one.
func TestFork(t *testing.T) {
	a := newAccepting(t)
	sibling := change(t, a.k, rotate).Stored()
	changedSlot := func(h *refHeader) {
		for i := range h.slots {
			if h.slots[i].kind == 3 {
				h.slots[i].family = random(16)
				return
			}
		}
	}
	for name, h := range map[string]*recovery.Header{
		"same revision, other predecessor": forge(t, a.k, func(h *refHeader) { h.prev = random(32) }),
		"same revision, later epoch":       a.rotatedNext(1, func(h *refHeader) { h.revision = 8 }),
		"next revision, other predecessor": a.next(func(h *refHeader) { h.prev = random(32) }),
		"next revision, other epoch":       a.rotatedNext(1, func(h *refHeader) { h.prev = random(32) }),
		"a slot went":                      a.next(a.without(func(s *refSlot) bool { return s.kind == 3 })),
		"a slot went long ago":             a.next(func(h *refHeader) { h.revision = 1000; a.without(func(s *refSlot) bool { return s.kind == 3 })(h) }),
		"a slot changed":                   a.next(changedSlot),
		"a slot changed long ago":          a.next(func(h *refHeader) { h.revision = 1000; changedSlot(h) }),
	} {
		a.requireRefused(recovery.ErrFork, h, name)
	}
	require.ErrorIs(t, openErr(t, a.next(keep), a.opener, sibling.Checkpoint()), recovery.ErrRollback)
	other := change(t, a.k, rotate)
	require.ErrorIs(t, openErr(t, other.Header(), a.opener, sibling.Checkpoint()), recovery.ErrFork)
	require.ErrorIs(t, openErr(t, rotated(t, other.Stored()).Header(), a.opener, sibling.Checkpoint()), recovery.ErrFork)
}

// TestEpochJump: the epoch grows by no more than the revision.
func TestEpochJump(t *testing.T) {
	a := newAccepting(t)
	for ahead := range uint64(4) {
		h := a.rotatedNext(int(ahead)+1, func(h *refHeader) {
			if h.revision = 8 + ahead; ahead != 1 {
				h.prev = random(32)
			}
		})
		want := recovery.ErrUntrusted
		if ahead == 0 {
			want = recovery.ErrFork // another digest at the same revision comes first
		}
		a.requireRefused(want, h, "one epoch too many")
	}
}

// recorder is an Opener that notes which slots it is given.
type recorder struct {
	recovery.Opener
	given []recovery.SlotID
}

func (r *recorder) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	r.given = append(r.given, s.ID)
	return r.Opener.Open(ctx, b, s)
}

// TestChangedSlotsAreNotTried: a slot with the id of a slot that the device has
// seen, and with other content, is not given to the Opener. A new one is.
func TestChangedSlotsAreNotTried(t *testing.T) {
	a := newAccepting(t)
	own := a.k.OpenedBy()
	changed := func(h *refHeader) {
		for i := range h.slots {
			if recovery.SlotID(h.slots[i].id) == own {
				h.slots[i].born = 1
				h.slots[i].flags = 0
				h.slots[i].family = random(16)
			}
		}
	}
	h := a.rotatedNext(1, changed)
	r := &recorder{Opener: a.opener}
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, h, r, a.k.Checkpoint()))
	require.NotContains(t, r.given, own)
	require.Len(t, r.given, len(a.k.Slots())-1)
	_, err := a.k.Follow(h, a.k.Checkpoint())
	require.Equal(t, recovery.ErrWrongSecret, err)

	// Other slots open the header, and on first use the changed slot is tried.
	open(t, h, exportKey(2), a.k.Checkpoint())
	r = &recorder{Opener: a.opener}
	open(t, h, r, recovery.TrustOnFirstUse(a.k.Account()))
	require.Contains(t, r.given, own)

	sealed := seal(t, a.k, exportKey(3))
	d := change(t, a.k, func(e *recovery.Edit) error { return e.Add(sealed) })
	r = &recorder{Opener: exportKey(3)}
	open(t, d.Header(), r, a.k.Checkpoint())
	require.Contains(t, r.given, sealed.ID())
}

// TestMACs: without the lineage key or the master key nobody makes a header.
func TestMACs(t *testing.T) {
	a := newAccepting(t)
	lineage, master := recovery.KeysOf(a.k)
	for name, h := range map[string]*recovery.Header{
		"lineage": forgeWith(t, a.k, random(32), master, func(h *refHeader) { h.next(a.k.Header()) }),
		"master":  forgeWith(t, a.k, lineage, random(32), func(h *refHeader) { h.next(a.k.Header()) }),
		"both":    forgeWith(t, a.k, random(32), random(32), func(h *refHeader) { h.next(a.k.Header()) }),
		"old master": forgeWith(t, a.k, lineage, must(refMasterOf(a.k)(3)), func(h *refHeader) {
			h.next(a.k.Header())
		}),
	} {
		a.requireRefused(recovery.ErrUntrusted, h, name)
	}
	first := recovery.TrustOnFirstUse(a.k.Account())
	_, err := recovery.Open(t.Context(), forgeWith(t, a.k, lineage, random(32), keep), a.opener, first)
	require.ErrorIs(t, err, recovery.ErrUntrusted, "on first use too")
}

// TestSealedMasterKey: the master key comes from the slot's own seed, for its
// own id and epoch.
func TestSealedMasterKey(t *testing.T) {
	a := newAccepting(t)
	lineage, master := recovery.KeysOf(a.k)
	own := a.k.OpenedBy()
	change := func(f func(h *refHeader, s *refSlot)) *recovery.Header {
		return forgeWith(t, a.k, lineage, master, func(h *refHeader) {
			h.next(a.k.Header())
			for i := range h.slots {
				if recovery.SlotID(h.slots[i].id) == own {
					f(h, &h.slots[i])
				}
			}
		})
	}
	reseal := func(account, id []byte, epoch uint32, plaintext []byte) func(h *refHeader, s *refSlot) {
		return func(h *refHeader, s *refSlot) {
			s.sealed = refHPKESeal(s.pk, refMasterInfo(account, id, epoch), plaintext)[:1168]
		}
	}
	account := a.k.Account()
	a.requireAccepted(change(reseal(account[:], own[:], 4, master)))
	for name, h := range map[string]*recovery.Header{
		"epoch":      change(reseal(account[:], own[:], 3, master)),
		"id":         change(reseal(account[:], random(16), 4, master)),
		"account":    change(reseal(random(16), own[:], 4, master)),
		"master key": change(reseal(account[:], own[:], 4, random(32))),
		"a bit":      change(func(h *refHeader, s *refSlot) { s.sealed = append([]byte{s.sealed[0] ^ 1}, s.sealed[1:]...) }),
	} {
		a.requireRefused(recovery.ErrUntrusted, h, name)
	}
	pk := change(func(h *refHeader, s *refSlot) { s.pk = refPublicKey(random(32)) })
	require.ErrorIs(t, openErr(t, pk, a.opener, recovery.TrustOnFirstUse(a.k.Account())), recovery.ErrUntrusted)
}

// TestHistoryMustReachTheCheckpoint: the master key of the checkpoint's epoch
// is in the history of every honest header. Somebody who was removed does not
// know it.
func TestHistoryMustReachTheCheckpoint(t *testing.T) {
	a := newAccepting(t)
	lineage, master := recovery.KeysOf(a.k)
	next := random(32)
	for name, h := range map[string]*recovery.Header{
		"another master key": forgeWith(t, a.k, lineage, next, func(h *refHeader) {
			h.next(a.k.Header())
			h.rotate(random(32), next)
		}),
		"an entry of another epoch": forgeWith(t, a.k, lineage, next, func(h *refHeader) {
			h.next(a.k.Header())
			h.rotate(master, next)
			h.history[3] = testvec.WrapSeal(next, refHistoryBinding(h.account, 3), random(24), master)
		}),
		"an entry of another account": forgeWith(t, a.k, lineage, next, func(h *refHeader) {
			h.next(a.k.Header())
			h.rotate(master, next)
			h.history[3] = testvec.WrapSeal(next, refHistoryBinding(random(16), 4), random(24), master)
		}),
		"a random entry": forgeWith(t, a.k, lineage, next, func(h *refHeader) {
			h.next(a.k.Header())
			h.rotate(master, next)
			h.history[3] = append([]byte{1, 1}, random(104)...)
		}),
	} {
		a.requireRefused(recovery.ErrUntrusted, h, name)
	}

	// In the checkpoint's own epoch the master key is checked too.
	same := forgeWith(t, a.k, lineage, next, func(h *refHeader) {
		h.next(a.k.Header())
		for i := range h.slots {
			s := &h.slots[i]
			s.sealed = refHPKESeal(s.pk, refMasterInfo(h.account, s.id, h.epoch), next)
		}
	})
	a.requireRefused(recovery.ErrUntrusted, same, "another master key in the same epoch")
	open(t, same, a.opener, recovery.TrustOnFirstUse(a.k.Account()))

	// Entries before the checkpoint's epoch do not matter to it.
	early := a.rotatedNext(1, func(h *refHeader) { h.history[0] = append([]byte{1, 1}, random(104)...) })
	a.requireAccepted(early)
}
