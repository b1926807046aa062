package recovery_test

import (
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// argon2idUpTo allows Argon2id with one pass over at most a number of MiB.
func argon2idUpTo(mib uint32) kdf.Policy {
	return kdf.Policy{Argon2id: kdf.Argon2idLimits{MaxMemory: mib << 10, MaxWork: uint64(mib) << 10}}
}

// TestPasswordAtTheLimitIsChanged: a slot whose KDF costs all that the policy allows can
// be changed as documented, with Add and then Revoke, and each header opens.
func TestPasswordAtTheLimitIsChanged(t *testing.T) {
	policy, most := argon2idUpTo(38), withArgon2id(38<<10, 1, 1)
	require.ErrorIs(t, policy.Check(withArgon2id(38<<10+1, 1, 1)), kdf.ErrExcessive)
	old, changed := passwordWith("old", most, policy), passwordWith("changed", most, policy)
	k := create(t, old)
	id := k.Slots()[0].ID
	_, err := k.Add(t.Context(), changed)
	require.NoError(t, err)
	for _, way := range []recovery.Opener{old, changed} {
		requireSame(t, k, open(t, k.Bytes(), way, pin(t, k)), 1)
	}
	require.NoError(t, k.Revoke(t.Context(), id))
	requireSame(t, k, open(t, k.Bytes(), changed, pin(t, k)), 2)
	require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), old, pin(t, k)))

	// As many as there may be, and each may be replaced.
	for len(k.Slots()) < recovery.MaxPasswords {
		_, err = k.Add(t.Context(), passwordWith("another", most, policy))
		require.NoError(t, err)
	}
	for _, s := range k.Slots() {
		_, err = k.Replace(t.Context(), s.ID, passwordWith("replaced", most, policy))
		require.NoError(t, err)
	}
	requireSame(t, k, open(t, k.Bytes(), passwordWith("replaced", most, policy), pin(t, k)), 2)
}

// TestPasswordWithAndWithoutSecretKey: a slot with a secret key and a slot without one
// open beside each other, each with what it was made with.
func TestPasswordWithAndWithoutSecretKey(t *testing.T) {
	policy, most := argon2idUpTo(38), withArgon2id(38<<10, 1, 1)
	with := passwordWith("with", most, policy).WithSecretKey(recovery.NewSecretKey())
	plain := passwordWith("plain", most, policy)
	k := create(t, with)
	_, err := k.Add(t.Context(), plain)
	require.NoError(t, err)
	for _, way := range []recovery.Opener{with, plain} {
		requireSame(t, k, open(t, k.Bytes(), way, pin(t, k)), 1)
	}
	for _, way := range []recovery.Opener{with.WithSecretKey(nil), plain.WithSecretKey(with.SecretKey())} {
		require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), way, pin(t, k)))
	}
}

// TestRefusedSlotsAreSkipped: a slot outside the policy does not keep another slot from
// opening, whichever comes first. If nothing opens, ErrPolicy says why.
func TestRefusedSlotsAreSkipped(t *testing.T) {
	for what, refused := range map[string]kdf.Params{"above the ceiling": withArgon2id(96<<10, 1, 1), "below the floor": withArgon2id(8, 1, 1)} {
		policy := argon2idUpTo(64)
		desktop := passwordWith("desktop", refused, kdf.FixedPolicy(refused))
		phone := passwordWith("phone", withArgon2id(38<<10, 1, 1), policy)
		orders := map[bool]bool{}
		for range 64 {
			k := create(t, desktop, phone)
			id := open(t, k.Bytes(), phone, pin(t, k)).OpenedBy()
			require.NotZero(t, id)
			orders[k.Slots()[0].ID == id] = true
			if len(orders) == 2 {
				requireSame(t, k, open(t, k.Bytes(), desktop, pin(t, k)), 1)
				err := openErr(t, k.Bytes(), passwordWith("desktop", kdf.Params{}, policy), pin(t, k))
				require.ErrorIs(t, err, recovery.ErrPolicy, what)
				break
			}
		}
		require.Len(t, orders, 2, what) // ids are random
	}
}

// TestParsePasswordSlot: a password slot shows its KDF parameters and its flag, and
// nothing else is one.
func TestParsePasswordSlot(t *testing.T) {
	params := withArgon2id(9, 2, 1)
	k, _ := everyWay(t)
	plain := passwordWith("plain", params, kdf.FixedPolicy(params))
	for _, way := range []recovery.Password{plain, plain.WithSecretKey(recovery.NewSecretKey())} {
		id, err := k.Add(t.Context(), way)
		require.NoError(t, err)
		for _, s := range k.Slots() {
			parsed, err := recovery.ParsePasswordSlot(s)
			if s.Type != recovery.SlotPassword {
				require.Equal(t, recovery.ErrMalformed, err)
				require.Zero(t, parsed)
				continue
			}
			require.NoError(t, err)
			if s.ID != id {
				continue
			}
			require.Equal(t, recovery.PasswordSlot{KDF: params, SecretKey: way.SecretKey() != nil}, parsed)
			right := s
			for flags := 2; flags < 256; flags++ {
				s.Flags = uint8(flags)
				_, err := recovery.ParsePasswordSlot(s)
				require.Equal(t, recovery.ErrMalformed, err)
			}
			s = right
			for wrong := range testvec.Lengths(s.Params) {
				s.Params = wrong
				_, err := recovery.ParsePasswordSlot(s)
				require.Equal(t, recovery.ErrMalformed, err)
			}
		}
	}
	_, err := recovery.ParsePasswordSlot(recovery.Slot{})
	require.Equal(t, recovery.ErrMalformed, err)
}
