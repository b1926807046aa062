package recoverytest_test

import (
	"context"
	"encoding/binary"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/recoverytest"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// What an Opener is given comes from the server.

const maxPasswords = 4 // slots in a header

// counted is a Password that counts how often it reaches its KDF. The KDF looks
// at the context before it works, and learns there that the slot does not open.
type counted struct {
	recovery.Password
	calls *int
}

func (c counted) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	return c.Password.Open(countedContext{ctx, c.calls}, b, s)
}

type countedContext struct {
	context.Context
	calls *int
}

func (c countedContext) Err() error {
	*c.calls++
	return recovery.ErrWrongSecret
}

// setKDF writes KDF parameters into a password slot.
func setKDF(s *recoverytest.SlotParts, p kdf.Params) {
	encoded := must(p.MarshalBinary())
	s.Params = binary.BigEndian.AppendUint16(s.Params[:32:32], uint16(len(encoded)))
	s.Params = append(s.Params, encoded...)
}

// withKDF returns a header whose slots are password slots like the one of
// another header, with new ids and salts, in the next epoch.
func withKDF(t testing.TB, header []byte, params ...kdf.Params) []byte {
	t.Helper()
	p := after(t, header, header, 1)
	like := p.Slots[0]
	p.Slots = nil
	for _, params := range params {
		s := like
		s.ID, s.Params = recovery.SlotID(random(16)), random(32)
		setKDF(&s, params)
		p.Slots = append(p.Slots, s)
	}
	p.Sort()
	require.NoError(t, p.Rekey(p.Epoch+1, map[uint32][]byte{p.Epoch + 1: random(32)}))
	return p.Join()
}

// TestAttack_KDFParameters: a server sets the KDF parameters of password slots,
// below and above every limit. The KDF does not run with any that the policy
// refuses.
func TestAttack_KDFParameters(t *testing.T) {
	const (
		MiB  = 1 << 10
		most = 256 * MiB
	)
	k := create(t, password("correct horse", nil))
	try := func(policy kdf.Policy, params ...kdf.Params) (calls int, err error) {
		h := parse(t, withKDF(t, bytesOf(k), params...))
		who := recovery.NewPassword([]byte("correct horse"), nil)
		who.Policy = policy
		var before, after runtime.MemStats
		for _, c := range []recovery.Checkpoint{k.Checkpoint(), firstUse(k)} {
			var got *recovery.Keyring
			got, err = recovery.Open(t.Context(), h, counted{who, &calls}, c)
			require.Nil(t, got)
		}
		if calls == 0 {
			require.ErrorIs(t, err, recovery.ErrPolicy)
			// The real one, which says the same at once and without memory.
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, again := recovery.Open(t.Context(), h, who, k.Checkpoint())
			require.Equal(t, err, again)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
			require.Less(t, time.Since(start), 5*time.Second)
		}
		return calls / 2, err
	}
	for _, c := range []struct {
		params kdf.Params
		why    error
	}{
		{withPBKDF2(210_000), nil}, {withPBKDF2(209_999), kdf.ErrWeak}, {withPBKDF2(1), kdf.ErrWeak},
		{withPBKDF2(1 << 26), nil}, {withPBKDF2(1<<26 + 1), kdf.ErrExcessive}, {withPBKDF2(1<<31 - 1), kdf.ErrExcessive},
		{withArgon2id(19*MiB, 2, 1), nil}, {withArgon2id(19*MiB-1, 3, 1), kdf.ErrWeak}, {withArgon2id(19*MiB, 1, 1), kdf.ErrWeak},
		{withArgon2id(38*MiB, 1, 1), nil}, {withArgon2id(38*MiB-1, 1, 1), kdf.ErrWeak}, {withArgon2id(8, 1, 1), kdf.ErrWeak},
		{withArgon2id(most, 16, 16), nil}, {withArgon2id(most+1, 1, 1), kdf.ErrExcessive}, {withArgon2id(most, 17, 1), kdf.ErrExcessive},
		{withArgon2id(64*MiB, 64, 1), nil}, {withArgon2id(64*MiB, 65, 1), kdf.ErrExcessive}, {withArgon2id(64*MiB, 1, 17), kdf.ErrExcessive},
		{withArgon2id(1<<31-1, 1<<31-1, 255), kdf.ErrExcessive},
		{withScrypt(1<<16, 8, 1), nil}, {withScrypt(1<<15, 8, 1), kdf.ErrWeak}, {withScrypt(1<<16, 4, 1), kdf.ErrWeak},
		{withScrypt(1<<16, 16, 1), kdf.ErrExcessive}, {withScrypt(1<<18, 8, 4), nil}, {withScrypt(1<<19, 8, 1), kdf.ErrExcessive},
		{withScrypt(1<<16, 8, 5), kdf.ErrExcessive}, {withScrypt(2, 1, 1), kdf.ErrWeak}, {withScrypt(1<<30, 2, 1), kdf.ErrExcessive},
	} {
		calls, err := try(kdf.Policy{}, c.params)
		if c.why == nil {
			require.Equal(t, 1, calls, c.params)
			requireIs(t, recovery.ErrWrongSecret, err)
			continue
		}
		require.ErrorIs(t, err, c.why, c.params)
		// Beside good ones: those run, and this one does not.
		calls, err = try(kdf.Policy{}, kdf.Default(), c.params, kdf.Default())
		require.ErrorIs(t, err, c.why, c.params)
		require.Equal(t, 2, calls)
	}
	// There is no limit on the sum. Whatever may be created may be opened.
	for _, params := range []kdf.Params{kdf.Default(), withArgon2id(most, 16, 1), withPBKDF2(1 << 26), withScrypt(1<<18, 8, 4)} {
		calls, err := try(kdf.Policy{}, slices.Repeat([]kdf.Params{params}, maxPasswords)...)
		requireIs(t, recovery.ErrWrongSecret, err)
		require.Equal(t, maxPasswords, calls)
	}
	// Another policy's limits, and a fixed one.
	low := kdf.Policy{PBKDF2SHA512: kdf.PBKDF2Limits{Max: 300_000}}
	_, err := try(low, withPBKDF2(300_001))
	require.ErrorIs(t, err, kdf.ErrExcessive)
	calls, _ := try(low, withPBKDF2(300_000))
	require.Equal(t, 1, calls)
	exactly := kdf.FixedPolicy(withArgon2id(8, 1, 1))
	calls, _ = try(exactly, withArgon2id(8, 1, 1), withArgon2id(8, 1, 1))
	require.Equal(t, 2, calls)
	for _, other := range []kdf.Params{withArgon2id(9, 1, 1), withArgon2id(8, 2, 1), withPBKDF2(210_000)} {
		calls, err := try(exactly, withArgon2id(8, 1, 1), other)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Equal(t, 1, calls)
	}
}

// TestRefusedSlotsAreSkipped: a slot outside the policy does not keep a good
// one from opening, wherever it is.
func TestRefusedSlotsAreSkipped(t *testing.T) {
	small := password("correct horse", nil)
	large := password("correct horse", nil)
	large.KDF = withArgon2id(16, 1, 1)
	large.Policy = kdf.FixedPolicy(large.KDF)
	for range 8 { // the ids, and so the order, are random
		k := create(t, small, large, large)
		for _, way := range []recovery.Password{small, large} {
			open(t, bytesOf(k), way, k.Checkpoint())
			open(t, bytesOf(k), way, firstUse(k))
		}
		other := password("a guess", nil)
		require.ErrorIs(t, openErr(t, bytesOf(k), other, k.Checkpoint()), recovery.ErrPolicy)
	}
}

// TestAttack_SecretKeySlots: with a secret key, only slots that want one are
// tried. Without a secret key, only slots that want none are. The server cannot
// choose.
func TestAttack_SecretKeySlots(t *testing.T) {
	with, without := password("correct horse", recovery.NewSecretKey()), password("correct horse", nil)
	k := create(t, with)
	requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(k), without, k.Checkpoint()))
	requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(k), password("correct horse", recovery.NewSecretKey()), k.Checkpoint()))
	open(t, bytesOf(k), with, k.Checkpoint())

	// A server makes a keyring of its own for the account, with guesses of the
	// password. One is right. It is not tried, so the server does not learn
	// which.
	plain := create(t, password("wrong", nil), without, password("also wrong", nil))
	calls := 0
	for _, way := range []recovery.Opener{with, counted{with, &calls}} {
		requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(plain), way, firstUse(plain)))
		requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(plain), way, plain.Checkpoint()))
		// Under the number of the account, for a device with a checkpoint too:
		// it makes no difference whether a guess is right.
		right, wrong := split(t, bytesOf(plain)), split(t, bytesOf(create(t, password("wrong", nil))))
		for _, p := range []*parts{right, wrong} {
			p.Account = k.Account()
			requireIs(t, recovery.ErrWrongSecret, openErr(t, p.Join(), way, firstUse(k)))
			require.NoError(t, p.Follow(bytesOf(k)))
			require.NoError(t, p.Rekey(2, map[uint32][]byte{2: random(32)}))
			requireIs(t, recovery.ErrWrongSecret, openErr(t, p.Join(), way, k.Checkpoint()))
		}
	}
	require.Zero(t, calls)
	requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(k), counted{without, &calls}, k.Checkpoint()))
	require.Zero(t, calls)
	requireIs(t, recovery.ErrWrongSecret, openErr(t, bytesOf(k), counted{with, &calls}, k.Checkpoint()))
	require.Equal(t, 1, calls)
	open(t, bytesOf(plain), without, plain.Checkpoint())

	// A server that says of slots that they are of the other kind.
	for _, k := range []*recovery.Keyring{k, plain} {
		p := split(t, bytesOf(k))
		for i := range p.Slots {
			p.Slots[i].Flags ^= 1
		}
		for _, way := range []recovery.Opener{with, without} {
			requireIs(t, recovery.ErrWrongSecret, openErr(t, p.Join(), way, firstUse(k)))
			requireIs(t, recovery.ErrFork, openErr(t, p.Join(), way, k.Checkpoint()))
		}
	}
	// A slot that is not tried may ask for anything.
	p := split(t, bytesOf(k))
	setKDF(&p.Slots[0], withArgon2id(1<<21, 64, 1))
	requireIs(t, recovery.ErrWrongSecret, openErr(t, p.Join(), without, firstUse(k)))
	require.ErrorIs(t, openErr(t, p.Join(), with, firstUse(k)), recovery.ErrPolicy)
}

// TestAttack_TwentyPasswordSlots: a header with more password slots than a
// keyring may have is malformed, so the KDF runs at most four times.
func TestAttack_TwentyPasswordSlots(t *testing.T) {
	k := create(t, password("correct horse", nil))
	for n := 1; n <= 26; n++ {
		b := withKDF(t, bytesOf(k), slices.Repeat([]kdf.Params{withArgon2id(8, 1, 1)}, n)...)
		h, err := recovery.ParseHeader(b)
		if n > maxPasswords {
			requireIs(t, recovery.ErrMalformed, err, n)
			continue
		}
		require.NoError(t, err)
		for _, c := range []recovery.Checkpoint{k.Checkpoint(), firstUse(k)} {
			calls := 0
			_, err := recovery.Open(t.Context(), h, counted{password("a guess", nil), &calls}, c)
			requireIs(t, recovery.ErrWrongSecret, err)
			require.Equal(t, n, calls)
		}
	}
}

// TestAttack_MalformedKDF: KDF parameters that do not exist make no header.
func TestAttack_MalformedKDF(t *testing.T) {
	k := create(t, password("correct horse", nil))
	good := split(t, bytesOf(k)).Slots[0].Params[32:]
	encoded := func(p kdf.Params) []byte {
		s := recoverytest.SlotParts{Params: make([]byte, 32)}
		setKDF(&s, p)
		return s.Params[32:]
	}
	withheld, _, err := withPBKDF2(1 << 20).WithoutIterations()
	require.NoError(t, err)
	for what, params := range map[string][]byte{
		"nothing":          nil,
		"no length":        good[:1],
		"shorter":          good[:len(good)-1],
		"longer":           append(slices.Clone(good), 0),
		"a wrong length":   append([]byte{0, good[1] - 1}, good[2:]...),
		"with a salt":      encoded(must(withArgon2id(8, 1, 1).WithSalt(make([]byte, 16)))),
		"withheld":         encoded(withheld),
		"another kind":     append([]byte{good[0], good[1], 'L'}, good[3:]...),
		"another version":  append([]byte{good[0], good[1], good[2], 2}, good[4:]...),
		"an unknown one":   append([]byte{good[0], good[1], good[2], good[3], 9}, good[5:]...),
		"two of them":      slices.Concat(good, good),
		"length zero":      {0, 0},
		"no memory at all": append(slices.Clone(good[:5]), make([]byte, len(good)-5)...),
	} {
		p := split(t, bytesOf(k))
		p.Slots[0].Params = append(p.Slots[0].Params[:32:32], params...)
		_, err := recovery.ParseHeader(p.Join())
		requireIs(t, recovery.ErrMalformed, err, what)
	}
}
