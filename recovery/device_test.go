package recovery_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestDevice: the secret form opens the device's slot, in its account.
func TestDevice(t *testing.T) {
	k, device := addDevice(t, create(t, phrase()))
	requireOpens(t, k, device)
	secret := device.Secret()
	require.Len(t, secret, 98)
	again, err := recovery.ParseDevice(secret)
	require.NoError(t, err)
	clear(secret)
	require.Equal(t, device.Secret(), again.Secret())
	require.Equal(t, device.ID(), again.ID())
	require.Equal(t, []recovery.SlotID{device.ID()}, slotIDs(k, "device"))
	k = rotated(t, rotated(t, k))
	requireOpens(t, k, again)
	require.Equal(t, device.ID(), open(t, k.Header(), again, k.Checkpoint()).OpenedBy())
	k = revoked(t, k, device.ID())
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), device, k.Checkpoint()))

	other, _ := addDevice(t, create(t, phrase()))
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, other.Header(), device, other.Checkpoint()))
}

// TestSealDevice: the secret is there before the slot is. A device whose slot was
// never added opens nothing.
func TestSealDevice(t *testing.T) {
	ctx := t.Context()
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	c := recovery.NewClient(new(memory), new(server))
	_, _, err = c.SealDevice()
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.NoError(t, c.Create(ctx, phrase))
	lost, _, err := c.SealDevice()
	require.NoError(t, err)
	d, slot, err := c.SealDevice()
	require.NoError(t, err)
	require.Equal(t, d.ID(), slot.ID())
	kept, err := recovery.ParseDevice(d.Secret())
	require.NoError(t, err)
	require.NoError(t, c.Change(ctx, func(e *recovery.Edit) error { return e.Add(slot) }))
	require.Empty(t, c.Unseen())
	require.NoError(t, c.Open(ctx, kept))
	require.Equal(t, d.ID(), c.OpenedBy())
	require.ErrorIs(t, c.Open(ctx, lost), recovery.ErrWrongSecret)
	require.NoError(t, c.Revoke(ctx, d.ID()))
	require.ErrorIs(t, c.Open(ctx, kept), recovery.ErrWrongSecret)
	require.NoError(t, c.Open(ctx, phrase))
	require.ErrorIs(t, c.Change(ctx, func(e *recovery.Edit) error { return e.Add(nil) }), recovery.ErrPolicy)
}

func TestParseDevice(t *testing.T) {
	_, device := addDevice(t, create(t, phrase()))
	right := device.Secret()
	refuse := func(b []byte, why string) {
		t.Helper()
		d, err := recovery.ParseDevice(b)
		require.Equal(t, recovery.ErrMalformed, err, why)
		require.Nil(t, d)
	}
	for wrong := range testvec.Lengths(right) {
		refuse(wrong, "length")
	}
	for _, at := range []int{0, 1} {
		for c := range 256 {
			wrong := bytes.Clone(right)
			if wrong[at] = byte(c); !bytes.Equal(wrong, right) {
				refuse(wrong, "kind or version")
			}
		}
	}
	for name, at := range map[string][2]int{"account": {2, 18}, "id": {18, 34}, "seed": {34, 66}, "L": {66, 98}} {
		wrong := bytes.Clone(right)
		clear(wrong[at[0]:at[1]])
		refuse(wrong, name)
		wrong[at[1]-1] = 1
		_, err := recovery.ParseDevice(wrong)
		require.NoError(t, err)
	}
}

// TestDeviceSecretIsExact: each changed bit makes the device open nothing.
func TestDeviceSecretIsExact(t *testing.T) {
	k, device := addDevice(t, create(t, phrase()))
	for i, wrong := range testvec.BitFlips(device.Secret()) {
		if i < 16 || testing.Short() && i%7 != 0 {
			continue
		}
		want := recovery.ErrWrongSecret // of another account or slot
		if i >= 8*34 {
			want = recovery.ErrUntrusted // a seed or L that the header does not have
		}
		require.ErrorIs(t, openErr(t, k.Header(), must(recovery.ParseDevice(wrong)), k.Checkpoint()), want, "bit %d", i)
	}
}

// TestGrantPayload: what an approval gives to a device makes the Device and its
// first checkpoint.
func TestGrantPayload(t *testing.T) {
	k, _ := everySlot(t)
	k = rotated(t, k)
	seed := random(32)
	publicKey := must(recovery.SlotPublicKey(seed))
	_, _, err := recovery.Payload(k, publicKey)
	require.ErrorIs(t, err, recovery.ErrConflict, "the slot is in no header")
	sealed := must(recovery.SealDevice(k, publicKey))
	k = edit(t, k, func(e *recovery.Edit) error { return e.Add(sealed) })
	payload, id, err := recovery.Payload(k, publicKey)
	require.NoError(t, err)
	require.Equal(t, sealed.ID(), id)
	lineage, master := recovery.KeysOf(k)
	require.Equal(t, refPayload(id[:], lineage, must(k.Checkpoint().MarshalBinary())), payload)
	require.False(t, bytes.Contains(payload, master[:8]))
	require.Len(t, payload, 132+32*len(k.Slots()))

	device, c, err := recovery.ParseGrant(k.Account(), payload, seed)
	require.NoError(t, err)
	require.Equal(t, k.Checkpoint(), c)
	require.Equal(t, id, device.ID())
	requireOpens(t, k, device)

	for wrong := range testvec.Lengths(payload) {
		_, _, err := recovery.ParseGrant(k.Account(), wrong, seed)
		require.Equal(t, recovery.ErrMalformed, err)
	}
	refuse := func(account recovery.AccountID, payload []byte, want error) {
		t.Helper()
		d, _, err := recovery.ParseGrant(account, payload, seed)
		require.ErrorIs(t, err, want)
		require.Nil(t, d)
	}
	refuse(recovery.AccountID{1}, payload, recovery.ErrUntrusted)
	refuse(k.Account(), append([]byte{2}, payload[1:]...), recovery.ErrMalformed)
	refuse(k.Account(), refPayload(make([]byte, 16), lineage, payload[49:]), recovery.ErrUntrusted)
	refuse(k.Account(), refPayload(id[:], make([]byte, 32), payload[49:]), recovery.ErrMalformed)
	refuse(k.Account(), refPayload(id[:], lineage, refUnconfirmed(payload[49:], payload[49:])), recovery.ErrUntrusted)
}
