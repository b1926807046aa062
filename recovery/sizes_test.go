package recovery_test

import (
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// TestSizes are those of FORMAT.md.
func TestSizes(t *testing.T) {
	pbkdf2, scrypt := must(kdf.NewPBKDF2SHA512(1)), must(kdf.NewScrypt(2, 1, 1))
	k := create(t, recovery.NewPassword([]byte("with the default KDF"), nil))
	size := 134 + 2609
	require.Len(t, k.Header().Bytes(), size)
	for _, s := range []struct {
		recovery.Sealer
		size int
	}{
		{passwordWith("scrypt", nil, scrypt, kdf.FixedPolicy(scrypt)), 2609},
		{passwordWith("PBKDF2", recovery.NewSecretKey(), pbkdf2, kdf.FixedPolicy(pbkdf2)), 2604},
		{exportKey(1), 2626}, {phrase(), 2595}, {recovery.NewFile(), 2594}, {passkey(1), 2659 + len("example.org")},
		{contactsOf(1, 1), 2596 + 32}, {contactsOf(2, 32), 2596 + 32*32},
	} {
		k, _ = add(t, k, s.Sealer)
		size += s.size
		require.Len(t, k.Header().Bytes(), size, s.Type())
	}
	k, _ = addDevice(t, k)
	size += 2424
	require.Len(t, k.Header().Bytes(), size)
	for n := range 3 {
		k = rotated(t, k)
		require.Len(t, k.Header().Bytes(), size+106*(n+1))
	}
	slots := len(k.Slots())
	require.Len(t, must(k.Checkpoint().MarshalBinary()), 83+32*slots)
	require.Len(t, must(change(t, k, rotate).Unconfirmed().MarshalBinary()), 2+2*(83+32*slots))
}

// TestLargestHeader: the largest keyring that can be made fits into MaxHeader,
// and its checkpoints into what their documentation says.
func TestLargestHeader(t *testing.T) {
	var sealers []recovery.Sealer
	for range recovery.UsualSlots - 1 {
		sealers = append(sealers, contactsOf(16, 32))
	}
	first := exportKey(1)
	k := create(t, append(sealers, first)...)
	for len(k.Slots()) < recovery.MaxSlots {
		sealed := seal(t, k, exportKey(2))
		k = edit(t, k, func(e *recovery.Edit) error { return e.Supersede(slotIDs(k, "export")[0], sealed) })
	}
	require.LessOrEqual(t, len(k.Header().Bytes())+recovery.MaxHistory*106, recovery.MaxHeader)
	u := must(change(t, k, rotate).Unconfirmed().MarshalBinary())
	require.LessOrEqual(t, len(u), 1704, fmt.Sprint("as MarshalBinary says: ", len(u)))
	requireOpens(t, k, first)
}
