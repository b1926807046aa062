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

// TestPasswordAtTheLimitIsChanged: a slot whose KDF costs all that the policy
// allows can be changed, and each header opens. What may be created may be
// changed.
func TestPasswordAtTheLimitIsChanged(t *testing.T) {
	policy, most := argon2idUpTo(38), argon2id(38<<10, 1, 1)
	_, err := kdf.New(must(argon2id(38<<10+1, 1, 1).WithSalt(make([]byte, 32))), policy)
	require.ErrorIs(t, err, kdf.ErrExcessive)
	slot := func(text string) recovery.Password { return passwordWith(text, nil, most, policy) }
	old, changed := slot("old"), slot("changed")
	k := create(t, old)
	id := k.Slots()[0].ID
	sealed := seal(t, k, changed)
	k = edit(t, k, func(e *recovery.Edit) error { return e.Supersede(id, sealed) })
	requireOpens(t, k, old)
	requireOpens(t, k, changed)
	k = revoked(t, k, id)
	requireOpens(t, k, changed)
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), old, k.Checkpoint()))

	// As many as there may be, and each may be replaced.
	another := seal(t, k, slot("another"))
	for len(k.Slots()) < recovery.MaxPasswords {
		k = edit(t, k, func(e *recovery.Edit) error { return e.Supersede(sealed.ID(), another) })
		another = seal(t, k, slot("another"))
	}
	k = edit(t, k, func(e *recovery.Edit) error { return e.Replace(sealed.ID(), another) })
	requireOpens(t, k, slot("another"))
}

// TestPasswordWithAndWithoutSecretKey: slots with and without a secret key open
// beside each other, each with what it was made with.
func TestPasswordWithAndWithoutSecretKey(t *testing.T) {
	key := recovery.NewSecretKey()
	with, plain := passwordAndKey("with", key), password("plain")
	k, _ := add(t, create(t, with), plain)
	requireOpens(t, k, with)
	requireOpens(t, k, plain)
	for _, wrong := range []recovery.Password{
		password("with"), passwordAndKey("plain", key), passwordAndKey("with", recovery.NewSecretKey()), passwordAndKey("other", key),
	} {
		require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), wrong, k.Checkpoint()))
	}
}

// TestSecretKeyFlagDecides: a server cannot have a password tried without its
// secret key. The flag of a slot is not believed either way, and no KDF runs.
func TestSecretKeyFlagDecides(t *testing.T) {
	key := recovery.NewSecretKey()
	slow := argon2id(1<<20, 64, 1)
	for _, made := range []recovery.Password{passwordAndKey("right", key), password("right")} {
		k := create(t, made)
		s := k.Slots()[0]
		other := passwordAndKey("right", key)
		if s.Flags == 1 {
			other = password("right")
		}
		require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), other, k.Checkpoint()))
		other.Policy = kdf.FixedPolicy(slow) // would refuse with ErrPolicy
		require.Equal(t, recovery.ErrWrongSecret, openErr(t, k.Header(), other, k.Checkpoint()))
		changed := forge(t, k, func(h *refHeader) { h.slots[0].flags ^= 1 })
		for _, p := range []recovery.Password{made, other} {
			p.Policy = made.Policy
			require.Equal(t, recovery.ErrWrongSecret, openErr(t, changed, p, recovery.TrustOnFirstUse(k.Account())))
		}
	}
}

// TestRefusedSlotsAreSkipped: a slot outside the policy does not keep another
// slot from opening, whichever comes first. If nothing opens, ErrPolicy says
// why.
func TestRefusedSlotsAreSkipped(t *testing.T) {
	for what, refused := range map[string]kdf.Params{"above the ceiling": argon2id(96<<10, 1, 1), "below the floor": argon2id(8, 1, 1)} {
		policy := argon2idUpTo(64)
		desktop := passwordWith("desktop", nil, refused, kdf.FixedPolicy(refused))
		phone := passwordWith("phone", nil, argon2id(38<<10, 1, 1), policy)
		orders := map[bool]bool{}
		for range 64 { // ids are random
			k := create(t, desktop, phone)
			id := open(t, k.Header(), phone, k.Checkpoint()).OpenedBy()
			orders[k.Slots()[0].ID == id] = true
			if len(orders) == 2 {
				requireOpens(t, k, desktop)
				err := openErr(t, k.Header(), passwordWith("desktop", nil, kdf.Params{}, policy), k.Checkpoint())
				require.ErrorIs(t, err, recovery.ErrPolicy, what)
				err = openErr(t, k.Header(), passwordWith("wrong", nil, kdf.Params{}, policy), k.Checkpoint())
				require.ErrorIs(t, err, recovery.ErrPolicy, what)
				break
			}
		}
		require.Len(t, orders, 2, what)
	}
}

// TestParsePasswordSlot: a password slot shows its KDF parameters and its flag.
// Other slots are refused.
func TestParsePasswordSlot(t *testing.T) {
	params := argon2id(9, 2, 1)
	for _, key := range []*recovery.SecretKey{nil, recovery.NewSecretKey()} {
		k, _ := everySlot(t)
		k, id := add(t, k, passwordWith("plain", key, params, kdf.FixedPolicy(params)))
		for _, s := range k.Slots() {
			parsed, secretKey, err := recovery.ParsePasswordSlot(s)
			if s.Type != "password" {
				require.Equal(t, recovery.ErrMalformed, err)
				require.Zero(t, parsed)
				require.False(t, secretKey)
				continue
			}
			require.NoError(t, err)
			if s.ID != id {
				continue
			}
			require.Equal(t, params, parsed)
			require.Equal(t, key != nil, secretKey)
			right := s
			for flags := 2; flags < 256; flags++ {
				s.Flags = uint8(flags)
				_, _, err := recovery.ParsePasswordSlot(s)
				require.Equal(t, recovery.ErrMalformed, err)
			}
			s = right
			for wrong := range testvec.Lengths(s.Params) {
				s.Params = wrong
				_, _, err := recovery.ParsePasswordSlot(s)
				require.Equal(t, recovery.ErrMalformed, err)
			}
		}
	}
	_, _, err := recovery.ParsePasswordSlot(recovery.Slot{})
	require.Equal(t, recovery.ErrMalformed, err)
}

// TestPasswordDefaultKDF: the zero parameters stand for the default, and are
// stored.
func TestPasswordDefaultKDF(t *testing.T) {
	k := create(t, recovery.NewPassword([]byte("correct horse"), nil))
	params, secretKey, err := recovery.ParsePasswordSlot(k.Slots()[0])
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), params)
	require.False(t, secretKey)
	requireOpens(t, k, recovery.NewPassword([]byte("correct horse"), nil))
}

// TestPasswordCopies: the caller may clear the password.
func TestPasswordCopies(t *testing.T) {
	text := []byte("correct horse")
	p := recovery.NewPassword(text, nil)
	p.KDF, p.Policy = argon2id(8, 1, 1), kdf.FixedPolicy(argon2id(8, 1, 1))
	clear(text)
	requireOpens(t, create(t, p), password("correct horse"))
}
