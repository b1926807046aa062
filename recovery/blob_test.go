package recovery_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// epochOf and originOf read a blob by FORMAT.md.
func epochOf(blob []byte) uint32  { return binary.BigEndian.Uint32(blob[2:]) }
func originOf(blob []byte) uint32 { return binary.BigEndian.Uint32(blob[6:]) }

// refMasterOf returns the master keys of a keyring's epochs.
func refMasterOf(k *recovery.Keyring) func(uint32) ([]byte, error) {
	h := refParse(k.Header().Bytes())
	_, master := recovery.KeysOf(k)
	return func(epoch uint32) ([]byte, error) { return h.refHistory(master, epoch) }
}

// TestWrap: what Wrap returns opens with the same binding, and by FORMAT.md.
func TestWrap(t *testing.T) {
	k := rotated(t, create(t, exportKey(1)))
	account := k.Account()
	for _, n := range []int{1, 16, 32, 1000, 64 << 10} {
		secret := random(n)
		blob, err := k.Wrap(secret, files("a"))
		require.NoError(t, err)
		require.Len(t, blob, n+84)
		require.Equal(t, []uint32{2, 2}, []uint32{epochOf(blob), originOf(blob)})
		for _, f := range []func([]byte, wrap.Binding) ([]byte, error){k.Unwrap, k.UnwrapOld} {
			got, err := f(blob, files("a"))
			require.NoError(t, err)
			require.Equal(t, secret, got)
		}
		got, _, _, err := refBlob(refMasterOf(k), "files", account[:], []byte("a"), blob)
		require.NoError(t, err)
		require.Equal(t, secret, got)
		require.NotEqual(t, blob, must(k.Wrap(secret, files("a"))))
		own := refBlobSeal(must(refMasterOf(k)(2)), "files", account[:], []byte("a"), 2, 2, random(24), secret)
		require.Equal(t, secret, must(k.Unwrap(own, files("a"))))
	}
	for _, n := range []int{0, 64<<10 + 1, 1 << 20} {
		blob, err := k.Wrap(make([]byte, n), files("a"))
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Nil(t, blob)
	}
}

// TestGenerate: each call draws a new key, and the blob is that key's.
func TestGenerate(t *testing.T) {
	k := create(t, exportKey(1))
	seen := make(map[string]bool)
	for range 20 {
		key, blob, err := k.Generate(files("a"))
		require.NoError(t, err)
		require.Len(t, blob, 32+84)
		secret, err := k.Unwrap(blob, files("a"))
		require.NoError(t, err)
		require.True(t, key.Equal(wrap.ImportKey([32]byte(secret))))
		require.False(t, bytes.Equal(secret, make([]byte, 32)))
		seen[string(secret)] = true
	}
	require.Len(t, seen, 20)
	key, blob, err := k.Generate(wrap.Binding{Purpose: "nescio/x"})
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.Nil(t, key)
	require.Nil(t, blob)
}

// TestBlobBinding: the keyring fills in account and epoch. It refuses bindings
// that have them, its own purposes, and invalid lengths, in every call.
func TestBlobBinding(t *testing.T) {
	k := create(t, exportKey(1))
	id := k.Account()
	blob := must(k.Wrap([]byte("secret"), files("a")))
	for name, b := range map[string]wrap.Binding{
		"the account":     {Purpose: "files", Account: id[:], Item: []byte("a")},
		"another account": {Purpose: "files", Account: []byte{1}, Item: []byte("a")},
		"the epoch":       {Purpose: "files", Item: []byte("a"), Epoch: 1<<32 + 1},
		"an epoch":        {Purpose: "files", Item: []byte("a"), Epoch: 1},
		"own purpose":     {Purpose: "nescio/", Item: []byte("a")},
		"own purposes":    {Purpose: "nescio/slot/mk/v1", Item: []byte("a")},
		"no purpose":      {Item: []byte("a")},
		"a long purpose":  {Purpose: strings.Repeat("p", 256)},
		"a long item":     {Purpose: "files", Item: make([]byte, 1<<16)},
	} {
		_, _, err := k.Generate(b)
		require.ErrorIs(t, err, recovery.ErrPolicy, name)
		_, err = k.Wrap([]byte("secret"), b)
		require.ErrorIs(t, err, recovery.ErrPolicy, name)
		for _, f := range []func([]byte, wrap.Binding) ([]byte, error){k.Unwrap, k.UnwrapOld, k.Rewrap} {
			_, err := f(blob, b)
			require.ErrorIs(t, err, recovery.ErrPolicy, name)
		}
	}
	for _, b := range []wrap.Binding{
		{Purpose: "nescio"}, {Purpose: "Nescio/x"}, {Purpose: "x/nescio/"}, {Purpose: strings.Repeat("p", 255), Item: make([]byte, 1<<16-1)},
	} {
		blob, err := k.Wrap([]byte("secret"), b)
		require.NoError(t, err)
		require.Equal(t, "secret", string(must(k.Unwrap(blob, b))))
	}
	for _, b := range []wrap.Binding{files("b"), files(""), {Purpose: "file", Item: []byte("a")}, {Purpose: "filesa"}} {
		for _, f := range []func([]byte, wrap.Binding) ([]byte, error){k.Unwrap, k.UnwrapOld, k.Rewrap} {
			_, err := f(blob, b)
			require.ErrorIs(t, err, recovery.ErrUntrusted)
		}
	}
	item := []byte("a")
	b := wrap.Binding{Purpose: "files", Item: item}
	blob = must(k.Wrap([]byte("secret"), b))
	require.Equal(t, []byte("a"), item)
	require.Zero(t, b.Account)
	require.Equal(t, "secret", string(must(k.Unwrap(blob, b))))
}

// TestOrigins: Unwrap opens only secrets of the current epoch. UnwrapOld opens
// the others, and Rewrap keeps their origin.
func TestOrigins(t *testing.T) {
	k := create(t, exportKey(1))
	blob := must(k.Wrap([]byte("secret"), files("a")))
	wantOld := func(k *recovery.Keyring, blob []byte, epoch, origin uint32) {
		t.Helper()
		require.Equal(t, []uint32{epoch, origin}, []uint32{epochOf(blob), originOf(blob)})
		got, err := recovery.BlobEpoch(blob)
		require.NoError(t, err)
		require.Equal(t, epoch, got)
		_, err = k.Unwrap(blob, files("a"))
		require.Equal(t, recovery.ErrOldKey, err)
		require.Equal(t, "secret", string(must(k.UnwrapOld(blob, files("a")))))
	}
	same := must(k.Rewrap(blob, files("a")))
	require.Equal(t, "secret", string(must(k.Unwrap(same, files("a")))), "nothing has rotated")

	k2 := rotated(t, k)
	wantOld(k2, blob, 1, 1)
	again := must(k2.Rewrap(blob, files("a")))
	wantOld(k2, again, 2, 1)
	k3 := rotated(t, k2)
	wantOld(k3, again, 2, 1)
	wantOld(k3, must(k3.Rewrap(again, files("a"))), 3, 1)
	wantOld(k3, must(k3.Rewrap(blob, files("a"))), 3, 1)

	// A new secret is of its own epoch.
	fresh := must(k3.Wrap([]byte("secret"), files("a")))
	require.Equal(t, []uint32{3, 3}, []uint32{epochOf(fresh), originOf(fresh)})
	require.Equal(t, "secret", string(must(k3.Unwrap(fresh, files("a")))))

	// A keyring does not open what is later than itself, and says so first.
	for _, f := range []func([]byte, wrap.Binding) ([]byte, error){k2.Unwrap, k2.UnwrapOld, k2.Rewrap} {
		for _, later := range [][]byte{fresh, must(k3.Rewrap(blob, files("a")))} {
			_, err := f(later, files("a"))
			require.ErrorIs(t, err, recovery.ErrRollback)
		}
	}
}

// TestPlantedKeys: somebody who knows an old master key cannot make a blob that
// Unwrap opens.
func TestPlantedKeys(t *testing.T) {
	k := create(t, exportKey(1))
	_, known := recovery.KeysOf(k)
	account := k.Account()
	k = rotated(t, rotated(t, k))
	for _, numbers := range [][2]uint32{{1, 1}, {2, 1}, {3, 1}, {3, 2}, {3, 3}, {2, 2}} {
		blob := refBlobSeal(known, "files", account[:], []byte("a"), numbers[0], numbers[1], random(24), make([]byte, 32))
		_, err := k.Unwrap(blob, files("a"))
		require.Error(t, err, numbers)
		_, err = k.UnwrapOld(blob, files("a"))
		require.Equal(t, numbers[0] == 1, err == nil, numbers) // may be read
	}
	// The numbers of a blob cannot be changed.
	blob := must(create(t, exportKey(1)).Wrap([]byte("secret"), files("a")))
	for i := 2; i < 10; i++ {
		wrong := bytes.Clone(blob)
		wrong[i] ^= 3
		_, err := k.UnwrapOld(wrong, files("a"))
		require.Error(t, err)
	}
	late := must(k.Rewrap(refBlobSeal(known, "files", account[:], []byte("a"), 1, 1, random(24), make([]byte, 32)), files("a")))
	binary.BigEndian.PutUint32(late[6:], 3)
	_, err := k.Unwrap(late, files("a"))
	require.ErrorIs(t, err, recovery.ErrUntrusted)
}

// TestBlobsOfAnotherAccount do not open.
func TestBlobsOfAnotherAccount(t *testing.T) {
	k := create(t, exportKey(1))
	blob := must(create(t, exportKey(1)).Wrap([]byte("secret"), files("a")))
	_, err := k.Unwrap(blob, files("a"))
	require.ErrorIs(t, err, recovery.ErrUntrusted)
	other := create(t, exportKey(1)).Account()
	_, master := recovery.KeysOf(k)
	moved := refBlobSeal(master, "files", other[:], []byte("a"), 1, 1, random(24), []byte("secret"))
	_, err = k.Unwrap(moved, files("a"))
	require.ErrorIs(t, err, recovery.ErrUntrusted)
}

// TestBlobForm: a blob has one form, and every bit of it counts.
func TestBlobForm(t *testing.T) {
	k := rotated(t, rotated(t, create(t, exportKey(1))))
	blob := must(k.Wrap([]byte{7}, files("a")))
	calls := map[string]func([]byte) error{
		"Unwrap":    func(b []byte) error { _, err := k.Unwrap(b, files("a")); return err },
		"UnwrapOld": func(b []byte) error { _, err := k.UnwrapOld(b, files("a")); return err },
		"Rewrap":    func(b []byte) error { _, err := k.Rewrap(b, files("a")); return err },
	}
	for name, call := range calls {
		require.NoError(t, call(blob))
		for wrong := range testvec.Lengths(blob) {
			err := call(wrong)
			if len(wrong) < len(blob) {
				require.Equal(t, recovery.ErrMalformed, err, name)
			} else {
				require.ErrorIs(t, err, recovery.ErrUntrusted, name)
			}
		}
		for i, wrong := range testvec.BitFlips(blob) {
			require.Error(t, call(wrong), "%s, bit %d", name, i)
			if i >= 80 {
				require.ErrorIs(t, call(wrong), recovery.ErrUntrusted, "%s, bit %d", name, i)
			}
		}
		require.ErrorIs(t, call(append(bytes.Clone(blob), make([]byte, 64<<10-1)...)), recovery.ErrUntrusted, name)
		require.Equal(t, recovery.ErrMalformed, call(append(bytes.Clone(blob), make([]byte, 64<<10)...)), name)
		require.Equal(t, recovery.ErrMalformed, call(nil), name)
	}
	malformed := func(f func(b []byte)) {
		t.Helper()
		wrong := bytes.Clone(blob)
		f(wrong)
		_, err := recovery.BlobEpoch(wrong)
		require.Equal(t, recovery.ErrMalformed, err)
		for name, call := range calls {
			require.Equal(t, recovery.ErrMalformed, call(wrong), name)
		}
	}
	malformed(func(b []byte) { b[0] = 'N' })
	malformed(func(b []byte) { b[1] = 2 })
	malformed(func(b []byte) { binary.BigEndian.PutUint32(b[2:], 0) })
	malformed(func(b []byte) { binary.BigEndian.PutUint32(b[6:], 0) })
	malformed(func(b []byte) { binary.BigEndian.PutUint32(b[6:], 4) })
	require.Len(t, blob, 85)
	for n := range 85 {
		_, err := recovery.BlobEpoch(blob[:n])
		require.Equal(t, recovery.ErrMalformed, err, "%d bytes", n)
	}
	require.EqualValues(t, 3, must(recovery.BlobEpoch(blob)))
}

// TestRevocationDrawsANewKey: after a removal the next write notices that its
// key is old.
func TestRevocationDrawsANewKey(t *testing.T) {
	thief := exportKey(1)
	k := create(t, phrase(), thief)
	_, blob, err := k.Generate(files("a"))
	require.NoError(t, err)
	after := revoked(t, k, slotIDs(k, "export")[0])
	_, err = after.Unwrap(blob, files("a"))
	require.Equal(t, recovery.ErrOldKey, err)
	_, err = after.Unwrap(must(after.Rewrap(blob, files("a"))), files("a"))
	require.Equal(t, recovery.ErrOldKey, err)
	_, fresh, err := after.Generate(files("a"))
	require.NoError(t, err)
	_, err = after.Unwrap(fresh, files("a"))
	require.NoError(t, err)
	_, err = open(t, k.Header(), thief, k.Checkpoint()).UnwrapOld(fresh, files("a"))
	require.ErrorIs(t, err, recovery.ErrRollback)
}
