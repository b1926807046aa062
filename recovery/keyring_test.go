package recovery_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestEverySlotOpens: each secret opens the keyring, with its checkpoint and on
// first use. No other secret does.
func TestEverySlotOpens(t *testing.T) {
	k, openers := everySlot(t)
	for name, o := range openers {
		got := open(t, k.Header(), o, k.Checkpoint())
		requireSame(t, k, got)
		requireSame(t, k, open(t, k.Header(), o, recovery.TrustOnFirstUse(k.Account())))
		require.Contains(t, name, slotOf(t, got, got.OpenedBy()).Type)
	}
	other, strangers := everySlot(t)
	strangers["export"], strangers["passkey"] = exportKey(0xe2), passkey(0xa2)
	strangers["password"] = password("battery staple")
	for name, o := range strangers {
		require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), o, k.Checkpoint()), name)
	}
	require.Equal(t, recovery.ErrOtherAccount, openErr(t, other.Header(), openers["export"], k.Checkpoint()))
}

// TestCreate: the first header of an account, and its draft.
func TestCreate(t *testing.T) {
	first, second := exportKey(1), phrase()
	d, err := recovery.Create(t.Context(), first, second)
	require.NoError(t, err)
	k := d.Stored()
	require.Same(t, d.Header(), k.Header())
	require.Equal(t, d.Checkpoint(), k.Checkpoint())
	require.Equal(t, d.Checkpoint(), d.Unconfirmed())
	h := k.Header()
	require.EqualValues(t, 1, h.Revision())
	require.Zero(t, h.Previous())
	require.Equal(t, []uint32{1, 1}, []uint32{k.Epoch(), k.Floor()})
	require.Equal(t, slotIDs(k, "export")[0], k.OpenedBy(), "the first Sealer's")
	require.Equal(t, h.Slots(), k.Slots())
	for _, s := range k.Slots() {
		require.EqualValues(t, 1, s.Born)
		require.Zero(t, s.Family)
	}
	lineage, master := recovery.KeysOf(k)
	for _, secret := range [][]byte{lineage, master, recovery.SeedOf(k)} {
		require.False(t, bytes.Equal(secret, make([]byte, 32)))
		require.False(t, bytes.Contains(h.Bytes(), secret[:8]))
	}
	requireOpens(t, k, first)
	requireOpens(t, k, second)
}

// TestLifeOfAKeyring goes through every change, and opens each header with
// every slot that is left, with the checkpoint of the header before.
func TestLifeOfAKeyring(t *testing.T) {
	k, openers := everySlot(t)
	step := func(what string, epoch uint32, f func(*recovery.Edit) error) {
		t.Helper()
		before := k
		k = edit(t, k, f)
		h := parse(t, k.Header().Bytes())
		require.Equal(t, before.Header().Revision()+1, h.Revision(), what)
		require.Equal(t, epoch, h.Epoch(), what)
		require.Equal(t, before.Header().Digest(), h.Previous(), what)
		require.NoError(t, h.Follows(before.Header()))
		for name, o := range openers {
			got, err := recovery.Open(t.Context(), h, o, before.Checkpoint())
			require.NoError(t, err, "%s: %s", what, name)
			requireSame(t, k, got)
		}
		k = open(t, h, openers["phrase of 12"], before.Checkpoint()) // on another device
	}

	second := password("a second password")
	sealed := seal(t, k, second)
	openers["second"] = second
	step("add", 1, func(e *recovery.Edit) error { return e.Add(sealed) })

	better := password("a better one")
	replacement := seal(t, k, better)
	require.NotEqual(t, sealed.ID(), replacement.ID())
	openers["second"] = better
	step("replace", 2, func(e *recovery.Edit) error { return e.Replace(sealed.ID(), replacement) })
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), second, k.Checkpoint()))

	step("rotate", 3, rotate)

	delete(openers, "second")
	step("revoke", 4, func(e *recovery.Edit) error { return e.Revoke(replacement.ID()) })
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), better, k.Checkpoint()))

	step("close", 4, func(e *recovery.Edit) error { return e.CloseBefore(2) })
	require.EqualValues(t, 2, k.Floor())

	d, err := k.RotateLineage(t.Context(), openers["phrase of 12"].(recovery.Sealer))
	require.NoError(t, err)
	k = d.Stored()
	openers = map[string]recovery.Opener{"phrase of 12": openers["phrase of 12"]}
	require.Len(t, k.Slots(), 1)

	third := password("third")
	sealed = seal(t, k, third)
	openers["third"] = third
	step("several changes in one edit", 6, func(e *recovery.Edit) error {
		e.Rotate()
		e.Rotate()
		if err := e.Add(sealed); err != nil {
			return err
		}
		return e.CloseBefore(4)
	})
}

// TestDestroy: a destroyed keyring has no keys. Its header, its drafts, and
// other keyrings of the account keep theirs.
func TestDestroy(t *testing.T) {
	o := phrase()
	base := create(t, o)
	d := change(t, base, rotate)
	other := open(t, base.Header(), o, base.Checkpoint())
	blob := must(base.Wrap([]byte("secret"), files("a")))
	sealed := seal(t, base, phrase())
	base.Destroy()
	base.Destroy()
	refuse := func(err error) {
		t.Helper()
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
	_, _, err := base.Generate(files("a"))
	refuse(err)
	_, err = base.Wrap([]byte("secret"), files("a"))
	refuse(err)
	_, err = base.Unwrap(blob, files("a"))
	refuse(err)
	_, err = base.UnwrapOld(blob, files("a"))
	refuse(err)
	_, err = base.Rewrap(blob, files("a"))
	refuse(err)
	_, err = base.Seal(t.Context(), phrase())
	refuse(err)
	refuseEdit(t, base, recovery.ErrPolicy, rotate)
	refuseEdit(t, base, recovery.ErrPolicy, func(e *recovery.Edit) error { return e.Add(sealed) })
	_, err = base.RotateLineage(t.Context(), phrase())
	refuse(err)
	_, err = base.Follow(d.Header(), base.Checkpoint())
	refuse(err)
	lineage, master := recovery.KeysOf(base)
	require.Equal(t, make([]byte, 32), lineage)
	require.Equal(t, make([]byte, 32), master)
	require.Equal(t, make([]byte, 32), recovery.SeedOf(base))

	require.Equal(t, other.Header().Bytes(), base.Header().Bytes())
	require.Equal(t, other.Checkpoint(), base.Checkpoint())
	require.Equal(t, "secret", string(must(other.Unwrap(blob, files("a")))))
	require.Equal(t, "secret", string(must(d.Stored().UnwrapOld(blob, files("a")))))
	requireOpens(t, d.Stored(), o)
}

// TestContext: a cancelled context stops every call that has one, before any
// work.
func TestContext(t *testing.T) {
	k := create(t, phrase(), exportKey(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := recovery.Create(ctx, phrase())
	require.Equal(t, context.Canceled, err)
	_, err = k.Seal(ctx, phrase())
	require.Equal(t, context.Canceled, err)
	_, err = k.RotateLineage(ctx, phrase())
	require.Equal(t, context.Canceled, err)
	_, err = recovery.Open(ctx, k.Header(), exportKey(1), k.Checkpoint())
	require.Equal(t, context.Canceled, err)
}

// TestKeyringIsSafeForConcurrentUse: all its methods at once, and at last
// Destroy. The race detector judges.
func TestKeyringIsSafeForConcurrentUse(t *testing.T) {
	o := exportKey(1)
	k := create(t, o)
	early := must(k.Wrap([]byte("early"), files("a")))
	for range 5 {
		k = rotated(t, k)
	}
	now := must(k.Wrap([]byte("now"), files("a")))
	later := change(t, k, rotate)
	sealed := seal(t, k, phrase())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				secret, err := k.UnwrapOld(early, files("a"))
				require.NoError(t, err)
				require.Equal(t, "early", string(secret))
				secret, err = k.Unwrap(now, files("a"))
				require.NoError(t, err)
				require.Equal(t, "now", string(secret))
				_, _, err = k.Generate(files("a"))
				require.NoError(t, err)
				_, err = k.Rewrap(early, files("a"))
				require.NoError(t, err)
				d, err := k.Edit(func(e *recovery.Edit) error { return e.Add(sealed) })
				require.NoError(t, err)
				requireOpens(t, d.Stored(), o)
				_, err = k.Follow(later.Header(), k.Checkpoint())
				require.NoError(t, err)
				_, err = k.Seal(t.Context(), phrase())
				require.NoError(t, err)
				k.Slots()
			}
		})
	}
	wg.Wait()
	wg.Go(k.Destroy)
	wg.Go(func() { k.Wrap([]byte("x"), files("a")) })
	wg.Go(func() { k.Edit(rotate) })
	wg.Go(func() { k.UnwrapOld(early, files("a")) })
	wg.Wait()
	_, err := k.Wrap([]byte("x"), files("a"))
	require.ErrorIs(t, err, recovery.ErrPolicy)
}
