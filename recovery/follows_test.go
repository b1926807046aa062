package recovery_test

import (
	"math"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestFollows: what every honest edit makes, a server stores in place of the
// header before it, and in no other place.
func TestFollows(t *testing.T) {
	k, _ := everySlot(t)
	first := create(t, phrase())
	require.NoError(t, first.Header().Follows(nil))
	require.ErrorIs(t, k.Header().Follows(nil), recovery.ErrConflict, "a device was added")
	sealed := seal(t, k, exportKey(2))
	id := slotIDs(k, "export")[0]
	for name, d := range map[string]*recovery.Draft{
		"add":       change(t, k, func(e *recovery.Edit) error { return e.Add(sealed) }),
		"supersede": change(t, k, func(e *recovery.Edit) error { return e.Supersede(id, sealed) }),
		"replace":   change(t, k, func(e *recovery.Edit) error { return e.Replace(id, sealed) }),
		"revoke":    change(t, k, func(e *recovery.Edit) error { return e.Revoke(id) }),
		"rotate":    change(t, k, rotate),
		"close":     change(t, rotated(t, k), func(e *recovery.Edit) error { return e.CloseBefore(2) }),
		"lineage":   must(k.RotateLineage(t.Context(), phrase())),
	} {
		h, before := parse(t, d.Header().Bytes()), k.Header()
		if name == "close" {
			continue // follows another header
		}
		require.NoError(t, h.Follows(before), name)
		require.ErrorIs(t, h.Follows(h), recovery.ErrConflict, name)
		require.ErrorIs(t, before.Follows(h), recovery.ErrConflict, name)
		require.ErrorIs(t, h.Follows(nil), recovery.ErrConflict, name)
		require.ErrorIs(t, h.Follows(first.Header()), recovery.ErrOtherAccount, name)
		later := change(t, d.Stored(), rotate)
		require.ErrorIs(t, later.Header().Follows(before), recovery.ErrConflict, name)
		require.NoError(t, later.Header().Follows(h), name)
		sibling := change(t, k, rotate)
		require.ErrorIs(t, later.Header().Follows(sibling.Header()), recovery.ErrConflict, name)
	}
	closed := rotated(t, k)
	require.NoError(t, change(t, closed, func(e *recovery.Edit) error { return e.CloseBefore(2) }).Header().Follows(closed.Header()))
}

// TestFollowsRules: each rule alone, with headers that only somebody with
// access makes.
func TestFollowsRules(t *testing.T) {
	k, _ := everySlot(t)
	for range 4 {
		k = rotated(t, k)
	}
	k = edit(t, k, func(e *recovery.Edit) error { return e.CloseBefore(2) })
	before := k.Header()
	_, master := recovery.KeysOf(k)
	try := func(want error, f func(h *refHeader)) {
		t.Helper()
		h := forge(t, k, func(h *refHeader) {
			h.next(before)
			f(h)
		})
		require.ErrorIs(t, h.Follows(before), want)
	}
	try(nil, func(*refHeader) {})
	try(nil, func(h *refHeader) { h.rotate(master, random(32)) })
	try(nil, func(h *refHeader) { h.floor = h.epoch })
	try(recovery.ErrOtherAccount, func(h *refHeader) { h.account = random(16) })
	try(recovery.ErrOtherAccount, func(h *refHeader) { h.account, h.prev, h.revision = random(16), random(32), math.MaxUint64 })
	try(recovery.ErrConflict, func(h *refHeader) { h.prev = random(32) })
	try(recovery.ErrConflict, func(h *refHeader) { h.prev, h.revision, h.floor = random(32), math.MaxUint64, 1 })
	for _, revision := range []uint64{before.Revision() - 1, before.Revision(), before.Revision() + 2, math.MaxUint64} {
		try(recovery.ErrUntrusted, func(h *refHeader) { h.revision = revision })
	}
	try(recovery.ErrUntrusted, func(h *refHeader) {
		next := random(32)
		h.rotate(master, next)
		h.rotate(next, random(32))
	})
	try(recovery.ErrUntrusted, func(h *refHeader) { h.epoch, h.history = h.epoch-1, h.history[1:] })
	try(recovery.ErrUntrusted, func(h *refHeader) { h.floor = 1 })
}

// TestFollowsNothing: only a first header is stored where none is.
func TestFollowsNothing(t *testing.T) {
	k := create(t, phrase())
	require.NoError(t, parse(t, k.Header().Bytes()).Follows(nil))
	require.Equal(t, recovery.ErrMalformed, (*recovery.Header)(nil).Follows(nil))
	require.Equal(t, recovery.ErrMalformed, (*recovery.Header)(nil).Follows(k.Header()))
	for range 3 {
		k = rotated(t, k)
		require.ErrorIs(t, k.Header().Follows(nil), recovery.ErrConflict)
	}
}
