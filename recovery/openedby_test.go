package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestOpenedBy: it is the slot that opened, of two with one type too.
func TestOpenedBy(t *testing.T) {
	k := create(t, exportKey(1))
	first := k.Slots()[0].ID
	require.Equal(t, first, k.OpenedBy())
	k, second := add(t, k, exportKey(2))
	require.Equal(t, first, k.OpenedBy())
	require.Equal(t, first, open(t, k.Header(), exportKey(1), k.Checkpoint()).OpenedBy())
	require.Equal(t, second, open(t, k.Header(), exportKey(2), k.Checkpoint()).OpenedBy())
}

// requireFollows checks that a keyring follows the next header of another
// device without a secret.
func requireFollows(t *testing.T, k *recovery.Keyring) {
	t.Helper()
	d := change(t, k, rotate)
	got, err := k.Follow(parse(t, d.Header().Bytes()), k.Checkpoint())
	require.NoError(t, err)
	requireSame(t, d.Stored(), got)
	require.Equal(t, k.OpenedBy(), got.OpenedBy())
}

// TestOpenedByAfterEdits: the result of an edit is opened by the same slot, by
// its replacement, or by none if it was revoked.
func TestOpenedByAfterEdits(t *testing.T) {
	k := create(t, exportKey(1), phrase())
	other := slotIDs(k, "phrase")[0]
	by := k.OpenedBy()
	one, two := seal(t, k, exportKey(2)), seal(t, k, exportKey(3))
	for name, c := range map[string]struct {
		f    func(e *recovery.Edit) error
		want recovery.SlotID
	}{
		"rotate":    {rotate, by},
		"add":       {func(e *recovery.Edit) error { return e.Add(one) }, by},
		"supersede": {func(e *recovery.Edit) error { return e.Supersede(by, one) }, by},
		"replaced":  {func(e *recovery.Edit) error { return e.Replace(by, one) }, one.ID()},
		"replaced twice": {func(e *recovery.Edit) error {
			require.NoError(t, e.Replace(by, one))
			return e.Replace(one.ID(), two)
		}, two.ID()},
		"superseded and revoked": {func(e *recovery.Edit) error {
			require.NoError(t, e.Supersede(by, one))
			return e.Revoke(by)
		}, recovery.SlotID{}},
		"revoked": {func(e *recovery.Edit) error { return e.Revoke(by) }, recovery.SlotID{}},
		"replaced and revoked": {func(e *recovery.Edit) error {
			require.NoError(t, e.Replace(by, one))
			return e.Revoke(one.ID())
		}, recovery.SlotID{}},
		"another replaced": {func(e *recovery.Edit) error { return e.Replace(other, one) }, by},
		"another revoked":  {func(e *recovery.Edit) error { return e.Revoke(other) }, by},
	} {
		d := change(t, k, c.f)
		after := d.Stored()
		require.Equal(t, c.want, after.OpenedBy(), name)
		if after.OpenedBy() != (recovery.SlotID{}) {
			requireFollows(t, after)
			continue
		}
		require.Equal(t, make([]byte, 32), recovery.SeedOf(after))
		require.Equal(t, "secret", string(must(after.Unwrap(must(after.Wrap([]byte("secret"), files("a"))), files("a")))), "it works on")
		next := change(t, after, rotate)
		require.Zero(t, next.Stored().OpenedBy())
		_, err := after.Follow(next.Header(), after.Checkpoint())
		require.Equal(t, recovery.ErrWrongSecret, err, "Open is needed")
	}
}

// TestOpenedByADevice: the replacement of an approved device's slot, and the
// replacement by one.
func TestOpenedByADevice(t *testing.T) {
	k, device := addDevice(t, create(t, phrase()))
	k = open(t, k.Header(), device, k.Checkpoint())
	require.Equal(t, device.ID(), k.OpenedBy())
	requireFollows(t, k)
	sealed := seal(t, k, exportKey(1))
	k = edit(t, k, func(e *recovery.Edit) error { return e.Replace(device.ID(), sealed) })
	require.Equal(t, sealed.ID(), k.OpenedBy())
	requireFollows(t, k)
}
