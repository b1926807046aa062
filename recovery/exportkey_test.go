package recovery_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestExportKeyRecord: a slot is for one registration. An Opener need not name
// it.
func TestExportKeyRecord(t *testing.T) {
	k := create(t, exportKey(1), exportKey(2))
	key := func(b byte) []byte { return bytes.Repeat([]byte{b}, 64) }
	requireOpens(t, k, recovery.NewExportKey(key(2), nil))
	for _, wrong := range []recovery.ExportKey{
		recovery.NewExportKey(key(2), record(1)), recovery.NewExportKey(key(1), record(3)), recovery.NewExportKey(key(3), nil),
	} {
		require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), wrong, k.Checkpoint()))
	}
}

// TestExportKeyRecordLength: a record with a length that no suite of RFC 9807
// has, such as a framed record, is refused with a reason, for sealing and for
// opening.
func TestExportKeyRecordLength(t *testing.T) {
	k := create(t, exportKey(1))
	for n := range 300 {
		slot := recovery.NewExportKey(bytes.Repeat([]byte{1}, 64), random(n))
		_, err := recovery.Create(t.Context(), slot)
		if n == 129 || n == 192 {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.ErrorContains(t, err, "192 or 129 bytes", n)
		if n > 0 { // no record: all slots are tried
			require.Equal(t, err, openErr(t, k.Header(), slot, k.Checkpoint()))
		}
	}
}

// TestExportKeyCopies: the caller may clear what it passed.
func TestExportKeyCopies(t *testing.T) {
	key, raw := random(64), random(192)
	slot := recovery.NewExportKey(key, raw)
	again := recovery.NewExportKey(key, raw)
	k := create(t, slot)
	clear(key)
	clear(raw)
	requireOpens(t, k, slot)
	requireOpens(t, k, again)
}

// TestHasRecord: a header shows which record it belongs to.
func TestHasRecord(t *testing.T) {
	k := create(t, exportKey(1), phrase(), passkey(3))
	require.True(t, k.Header().HasRecord(record(1)))
	for _, raw := range [][]byte{nil, {}, record(2), record(1)[:191], append(record(1), 0)} {
		require.False(t, k.Header().HasRecord(raw))
	}
	sealed := seal(t, k, exportKey(2))
	both := edit(t, k, func(e *recovery.Edit) error { return e.Supersede(slotIDs(k, "export")[0], sealed) })
	require.True(t, both.Header().HasRecord(record(1)))
	require.True(t, both.Header().HasRecord(record(2)))
	after := revoked(t, both, slotIDs(k, "export")[0])
	require.False(t, after.Header().HasRecord(record(1)))
	require.True(t, parse(t, after.Header().Bytes()).HasRecord(record(2)))

	// Only an export slot counts. Parameters of other types contain what their
	// Sealer wants, or nothing.
	var hash [32]byte
	copy(hash[:], refSHA256(record(1)))
	fake := passkey(3)
	fake.Salt, fake.CredentialIDHash = hash, hash
	require.False(t, (*recovery.Header)(nil).HasRecord(record(1)))
	other, _ := addDevice(t, create(t, phrase(), fake))
	require.False(t, other.Header().HasRecord(record(1)))
}
