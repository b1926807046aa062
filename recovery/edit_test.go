package recovery_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestEditIsPure: an edit leaves its base as it was. The base still opens,
// wraps and can be edited, and so can each of its drafts.
func TestEditIsPure(t *testing.T) {
	k, openers := everySlot(t)
	header, checkpoint, slots := k.Header().Bytes(), k.Checkpoint(), k.Slots()
	sealed := seal(t, k, phrase())
	id := slotIDs(k, "export")[0]
	seen := make(map[[32]byte]bool)
	for range 2 {
		for _, f := range []func(*recovery.Edit) error{
			rotate,
			func(e *recovery.Edit) error { return e.Revoke(id) },
			func(e *recovery.Edit) error { return e.Replace(id, sealed) },
			func(e *recovery.Edit) error { return e.Revoke(k.OpenedBy()) },
			func(e *recovery.Edit) error { return errors.New("stop") },
		} {
			if d, err := k.Edit(f); err == nil {
				seen[d.Header().Digest()] = true
				edit(t, d.Stored(), rotate)
				d.Stored().Destroy()
			}
			require.Equal(t, header, k.Header().Bytes())
			require.Equal(t, header[:len(header)-64], must(recovery.Encode(k.Header())))
			require.Equal(t, checkpoint, k.Checkpoint())
			require.Equal(t, slots, k.Slots())
			for _, o := range openers {
				requireOpens(t, k, o)
			}
			blob := must(k.Wrap([]byte("secret"), files("a")))
			require.Equal(t, "secret", string(must(k.Unwrap(blob, files("a")))))
		}
	}
	require.Len(t, seen, 8, "each edit draws its own master key")
}

// TestEditsAtOnce: edits of one base at the same time are independent.
func TestEditsAtOnce(t *testing.T) {
	k, openers := everySlot(t)
	sealed := seal(t, k, phrase())
	drafts := make([]*recovery.Draft, 8)
	var wg sync.WaitGroup
	for i := range drafts {
		wg.Go(func() {
			drafts[i] = must(k.Edit(func(e *recovery.Edit) error {
				e.Rotate()
				if i%2 == 0 {
					return e.Add(sealed)
				}
				return e.Replace(slotIDs(k, "export")[0], sealed)
			}))
		})
	}
	wg.Wait()
	for i, d := range drafts {
		for name, o := range openers {
			if name == "export" && i%2 == 1 {
				continue
			}
			requireSame(t, d.Stored(), open(t, d.Header(), o, k.Checkpoint()))
		}
		for _, other := range drafts[:i] {
			require.Equal(t, recovery.ErrFork, openErr(t, d.Header(), openers["file"], other.Checkpoint()))
		}
	}
}

// TestEditCallbackFails: the callback's error is returned as it is, and there
// is no draft.
func TestEditCallbackFails(t *testing.T) {
	k, openers := everySlot(t)
	sealed := seal(t, k, phrase())
	stop := errors.New("stop")
	header := k.Header().Bytes()
	for _, after := range []func(*recovery.Edit){
		func(*recovery.Edit) {},
		func(e *recovery.Edit) { e.Rotate() },
		func(e *recovery.Edit) { require.NoError(t, e.Add(sealed)) },
		func(e *recovery.Edit) { require.NoError(t, e.Revoke(k.OpenedBy())) },
		func(e *recovery.Edit) { require.NoError(t, e.Replace(k.OpenedBy(), sealed)) },
	} {
		d, err := k.Edit(func(e *recovery.Edit) error {
			after(e)
			return stop
		})
		require.Equal(t, stop, err)
		require.Nil(t, d)
		require.Equal(t, header, k.Header().Bytes())
	}
	requireOpens(t, k, openers["export"])
}

// TestEmptyEdit: an edit that changes nothing is refused.
func TestEmptyEdit(t *testing.T) {
	k, _ := everySlot(t)
	id := k.Slots()[0].ID
	for _, f := range []func(*recovery.Edit) error{
		func(*recovery.Edit) error { return nil },
		func(e *recovery.Edit) error { e.Slots(); return nil },
		func(e *recovery.Edit) error { e.Keep(recovery.SlotChange{ID: id}); return nil },
		func(e *recovery.Edit) error { return e.CloseBefore(0) },
		func(e *recovery.Edit) error { return e.CloseBefore(1) },
		func(e *recovery.Edit) error { _ = e.Revoke(); return nil },
		func(e *recovery.Edit) error { _ = e.Add(nil); return nil },
		func(e *recovery.Edit) error { _ = e.Replace(id, nil); return nil },
	} {
		refuseEdit(t, k, recovery.ErrPolicy, f)
	}
}

// TestEditMethodsThatFail leave the edit as it was before the call.
func TestEditMethodsThatFail(t *testing.T) {
	k, openers := everySlot(t)
	good, another := seal(t, k, phrase()), seal(t, k, phrase())
	id, missing := slotIDs(k, "export")[0], recovery.SlotID{1}
	foreign := seal(t, create(t, phrase()), phrase())
	d := change(t, k, func(e *recovery.Edit) error {
		require.NoError(t, e.Add(good))
		slots := e.Slots()
		for _, err := range []error{
			e.Revoke(), e.Revoke(missing), e.Revoke(id, missing), e.Revoke(missing, id), e.Revoke(id, id), e.Revoke(recovery.SlotID{}),
			e.Add(nil), e.Add(good), e.Add(foreign), e.Add(new(recovery.SealedSlot)),
			e.Replace(missing, another), e.Replace(id, nil), e.Replace(id, foreign), e.Replace(id, good), e.Replace(id, new(recovery.SealedSlot)),
			e.Supersede(missing, another), e.Supersede(id, nil), e.Supersede(id, foreign), e.Supersede(id, good),
			e.CloseBefore(2), e.CloseBefore(1<<32 - 1),
		} {
			require.ErrorIs(t, err, recovery.ErrPolicy)
		}
		require.Equal(t, slots, e.Slots())
		return nil
	})
	after := d.Stored()
	require.EqualValues(t, 1, after.Epoch(), "nothing has rotated")
	require.EqualValues(t, 1, after.Floor())
	require.Len(t, after.Slots(), len(k.Slots())+1)
	require.Equal(t, k.OpenedBy(), after.OpenedBy())
	for _, o := range openers {
		requireOpens(t, after, o)
	}
}

// TestEditSlots: a callback sees what it has done so far.
func TestEditSlots(t *testing.T) {
	k := create(t, phrase(), exportKey(1))
	sealed := seal(t, k, phrase())
	id := slotIDs(k, "export")[0]
	ids := func(e *recovery.Edit) (ids []recovery.SlotID) {
		for _, s := range e.Slots() {
			ids = append(ids, s.ID)
		}
		return ids
	}
	k = edit(t, k, func(e *recovery.Edit) error {
		require.Equal(t, k.Slots(), e.Slots())
		require.NoError(t, e.Add(sealed))
		require.Contains(t, ids(e), sealed.ID())
		require.NoError(t, e.Revoke(id))
		require.NotContains(t, ids(e), id)
		slots := e.Slots()
		clear(slots[0].Params)
		require.NotEqual(t, slots, e.Slots())
		return nil
	})
	require.Len(t, k.Slots(), 2)
	require.True(t, slices.IsSortedFunc(k.Slots(), func(a, b recovery.Slot) int { return slices.Compare(a.ID[:], b.ID[:]) }))
}

// TestOneRotation: an edit makes one revision and at most one epoch, whatever
// it does.
func TestOneRotation(t *testing.T) {
	k, openers := everySlot(t)
	sealed, replacement := seal(t, k, phrase()), seal(t, k, exportKey(2))
	after := edit(t, k, func(e *recovery.Edit) error {
		e.Rotate()
		require.NoError(t, e.Add(sealed))
		require.NoError(t, e.Replace(slotIDs(k, "export")[0], replacement))
		require.NoError(t, e.Revoke(sealed.ID(), slotIDs(k, "passkey")[0]))
		e.Rotate()
		return nil
	})
	require.Equal(t, k.Header().Revision()+1, after.Header().Revision())
	require.Equal(t, k.Epoch()+1, after.Epoch())
	require.Len(t, after.Slots(), len(k.Slots())-1)
	requireOpens(t, after, openers["file"])
	requireOpens(t, after, exportKey(2))
}

// TestPasskeysAlone: a keyring always has another slot.
func TestPasskeysAlone(t *testing.T) {
	ctx := t.Context()
	for _, sealers := range [][]recovery.Sealer{nil, {passkey(1)}, {passkey(1), passkey(2)}} {
		d, err := recovery.Create(ctx, sealers...)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Nil(t, d)
		d, err = create(t, phrase()).RotateLineage(ctx, sealers...)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Nil(t, d)
	}
	for _, last := range []recovery.Sealer{password("p"), exportKey(1), phrase(), recovery.NewFile(), contactsOf(1, 1)} {
		k := create(t, last, passkey(1))
		id, other := slotIDs(k, last.Type())[0], slotIDs(k, "passkey")[0]
		another := seal(t, k, passkey(2))
		refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Revoke(id) })
		refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Revoke(id, other) })
		refuseEdit(t, k, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Replace(id, another) })
		edit(t, k, func(e *recovery.Edit) error { return e.Revoke(other) })

		// Only the result counts: the last slot may go before its successor
		// comes.
		way := phrase()
		sealed := seal(t, k, way)
		after := edit(t, k, func(e *recovery.Edit) error {
			require.NoError(t, e.Revoke(id))
			return e.Add(sealed)
		})
		requireOpens(t, after, way)
	}
}
