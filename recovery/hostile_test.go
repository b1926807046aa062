package recovery_test

import (
	"context"
	"encoding/binary"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// counted is a Password that counts how often it comes to its KDF. The KDF looks at the
// context before it works, and learns there that the slot does not open.
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
	return recovery.ErrNotMine
}

// setKDF writes KDF parameters into a password slot.
func setKDF(t testing.TB, s *wireSlot, p kdf.Params) {
	encoded, err := p.MarshalBinary()
	require.NoError(t, err)
	s.params = append(binary.BigEndian.AppendUint16(nil, uint16(len(encoded))), encoded...)
}

func withPBKDF2(n int) kdf.Params         { return must(kdf.NewPBKDF2SHA512(n)) }
func withArgon2id(m, t, p int) kdf.Params { return must(kdf.NewArgon2id(m, t, p)) }
func withScrypt(n, r, p int) kdf.Params   { return must(kdf.NewScrypt(n, r, p)) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestAttack_KDFParameters: a server sets the KDF parameters of password slots, below
// and above every limit. The KDF runs on none that the policy refuses.
func TestAttack_KDFParameters(t *testing.T) {
	const (
		MiB  = 1 << 10
		most = 256 * MiB
	)
	k := create(t, password(t, "correct horse"))
	p := pin(t, k)
	header := takeApart(t, k.Bytes())
	// Each is opened at first use, and with a pin that has not seen the slot.
	try := func(policy kdf.Policy, params ...kdf.Params) (calls int, err error) {
		w := header.clone(t).follow(k.Bytes(), 1)
		first := w.slots[0]
		w.slots = nil
		for _, params := range params {
			s := *first
			s.id, s.salt = random(16), random(32)
			setKDF(t, &s, params)
			w.slots = append(w.slots, &s)
		}
		h := parse(t, w.fix().bytes())
		who := passwordWith("correct horse", kdf.Params{}, policy)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		for _, p := range []recovery.Pin{p, recovery.FirstUse(account)} {
			var got *recovery.Keyring
			got, err = recovery.Open(t.Context(), h, counted{who, &calls}, p)
			require.Nil(t, got)
		}
		if calls == 0 {
			require.ErrorIs(t, err, recovery.ErrPolicy)
			// The real one, which says the same at once and without memory.
			_, again := recovery.Open(t.Context(), h, who, p)
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
			require.Equal(t, recovery.ErrNotMine, err)
			continue
		}
		require.ErrorIs(t, err, c.why, c.params)
		// Beside good ones: those run, and this one does not.
		calls, err = try(kdf.Policy{}, kdf.Default(), c.params, kdf.Default())
		require.ErrorIs(t, err, c.why, c.params)
		require.Equal(t, 2, calls)
	}
	// There is no limit on the sum: whatever may be created may be opened.
	for _, params := range []kdf.Params{kdf.Default(), withArgon2id(most, 16, 1), withPBKDF2(1 << 26), withScrypt(1<<18, 8, 4)} {
		calls, err := try(kdf.Policy{}, slices.Repeat([]kdf.Params{params}, recovery.MaxPasswords)...)
		require.Equal(t, recovery.ErrNotMine, err)
		require.Equal(t, recovery.MaxPasswords, calls)
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

// TestAttack_SecretKeySlots: with a secret key, only slots that want one are tried, and
// without a secret key only slots that want none. The server cannot choose.
func TestAttack_SecretKeySlots(t *testing.T) {
	with := password(t, "correct horse")
	with = with.WithSecretKey(recovery.NewSecretKey())
	without := password(t, "correct horse")
	k := create(t, with)
	require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), without, pin(t, k)))
	other := with
	other = other.WithSecretKey(recovery.NewSecretKey())
	require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), other, pin(t, k)))
	requireSame(t, k, open(t, k.Bytes(), with, pin(t, k)), 1)

	// A server made a keyring of its own for the account, with guesses of the password.
	// One is right. It is not tried, so the server does not learn whether one is right.
	plain := create(t, password(t, "wrong"), without, password(t, "also wrong"))
	calls := 0
	for _, way := range []recovery.Opener{with, counted{with, &calls}} {
		require.Equal(t, recovery.ErrNotMine, openErr(t, plain.Bytes(), way, recovery.FirstUse(account)))
		require.Equal(t, recovery.ErrNotMine, openErr(t, plain.Bytes(), way, pin(t, plain)))
	}
	require.Zero(t, calls)
	require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), counted{without, &calls}, pin(t, k)))
	require.Zero(t, calls)
	require.Equal(t, recovery.ErrNotMine, openErr(t, k.Bytes(), counted{with, &calls}, pin(t, k)))
	require.Equal(t, 1, calls)
	requireSame(t, plain, open(t, plain.Bytes(), without, pin(t, plain)), 1)

	// A server that says of slots that they are of the other kind.
	for _, header := range [][]byte{k.Bytes(), plain.Bytes()} {
		w := takeApart(t, header)
		for _, s := range w.slots {
			s.flags[0] ^= 1
		}
		for _, way := range []recovery.Opener{with, without} {
			require.Equal(t, recovery.ErrNotMine, openErr(t, w.bytes(), way, recovery.FirstUse(account)))
		}
	}
	// Ruinous parameters in a slot that is not tried are nobody's business.
	w := takeApart(t, k.Bytes())
	setKDF(t, w.slots[0], withArgon2id(1<<21, 64, 1))
	b := w.fix().bytes()
	require.Equal(t, recovery.ErrNotMine, openErr(t, b, without, recovery.FirstUse(account)))
	require.ErrorIs(t, openErr(t, b, with, recovery.FirstUse(account)), recovery.ErrPolicy)
}

// TestAttack_TwentyPasswordSlots: a header with more password slots than a keyring may
// have is malformed, so the KDF runs at most MaxPasswords times.
func TestAttack_TwentyPasswordSlots(t *testing.T) {
	k := create(t, password(t, "correct horse"))
	for n := range recovery.MaxSlots + 2 {
		w := takeApart(t, k.Bytes())
		for len(w.slots) < n {
			s := *w.slots[0]
			s.id = random(16)
			w.slots = append(w.slots, &s)
		}
		_, err := recovery.ParseHeader(w.fix().bytes())
		if n <= recovery.MaxPasswords {
			require.NoError(t, err)
			calls := 0
			require.Equal(t, recovery.ErrNotMine, openErr(t, w.bytes(), counted{password(t, "a guess"), &calls}, recovery.FirstUse(account)))
			require.Equal(t, max(n, 1), calls)
		} else {
			require.Equal(t, recovery.ErrMalformed, err, n)
		}
	}
	for n := 2; n <= recovery.MaxPasswords; n++ {
		_, err := k.Add(t.Context(), password(t, "another"))
		require.NoError(t, err)
	}
	before := k.Bytes()
	_, err := k.Add(t.Context(), password(t, "another"))
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.Equal(t, before, k.Bytes())
	requireSame(t, k, open(t, before, password(t, "correct horse"), pin(t, k)), 1)
}

// TestAttack_WeakerThanPinned: parameters of a slot that the device has pinned do not
// become weaker, whoever says so: the server, or somebody with all keys. Stronger ones
// are accepted of who has the keys, since the slot is theirs to change.
func TestAttack_WeakerThanPinned(t *testing.T) {
	words := phrase(t)
	for _, c := range []struct {
		pinned kdf.Params
		weaker []kdf.Params
		fine   []kdf.Params
	}{
		{withArgon2id(64, 2, 1), []kdf.Params{withArgon2id(64, 1, 1), withArgon2id(63, 2, 1), withArgon2id(8, 1, 1), withPBKDF2(1 << 26), withScrypt(1<<20, 8, 4)},
			[]kdf.Params{withArgon2id(65, 2, 1), withArgon2id(64, 3, 1), withArgon2id(128, 1, 1), withArgon2id(64, 2, 2)}},
		{withPBKDF2(1000), []kdf.Params{withPBKDF2(999), withPBKDF2(1), withArgon2id(1<<20, 4, 1)}, []kdf.Params{withPBKDF2(1000), withPBKDF2(1001)}},
		{withScrypt(16, 8, 2), []kdf.Params{withScrypt(16, 8, 1), withScrypt(8, 8, 2), withScrypt(16, 4, 2), withPBKDF2(1 << 26)},
			[]kdf.Params{withScrypt(16, 8, 3), withScrypt(32, 8, 1)}},
	} {
		pw := passwordWith("correct horse", c.pinned, kdf.FixedPolicy(c.pinned))
		k := create(t, words, pw, password(t, "another"))
		p := pin(t, k)
		header := takeApart(t, k.Bytes())
		h := learn(t, k.Bytes(), words)
		made := func(change func(s *wireSlot)) []byte {
			w := header.clone(t).follow(k.Bytes(), 2)
			for _, s := range w.slots {
				if s.kind() == recovery.SlotPassword && string(s.params) == string(kdfParams(t, c.pinned)) {
					change(s)
				}
			}
			return w.fix().authenticate(h.lineage, h.master)
		}
		check := func(b []byte, want error) {
			t.Helper()
			calls := 0
			for _, way := range []recovery.Opener{words, counted{pw, &calls}} {
				_, err := recovery.Open(t.Context(), parse(t, b), way, p)
				require.ErrorIs(t, err, want)
			}
			require.Zero(t, calls)
			// Without the pin it is the account's header.
			requireSame(t, k, open(t, b, words, recovery.FirstUse(account)), 1)
		}
		for _, params := range c.weaker {
			check(made(func(s *wireSlot) { setKDF(t, s, params) }), recovery.ErrPolicy)
		}
		for _, params := range c.fine {
			requireSame(t, k, open(t, made(func(s *wireSlot) { setKDF(t, s, params) }), words, p), 1)
		}
		// A slot that is of another type all of a sudden has no cost at all.
		check(made(func(s *wireSlot) { s.typ, s.params = []byte{byte(recovery.SlotFile)}, nil }), recovery.ErrPolicy)
		// Under a new id there is nothing pinned: then the policy decides, for who
		// would run it.
		b := made(func(s *wireSlot) { s.id = random(16); setKDF(t, s, withArgon2id(8, 1, 1)) })
		requireSame(t, k, open(t, b, words, p), 1)
		strict := counted{recovery.NewPassword([]byte("correct horse"), nil), new(int)}
		require.ErrorIs(t, openErr(t, b, strict, p), recovery.ErrPolicy)
		require.Zero(t, *strict.calls)
		// And one that is gone is gone.
		w := header.clone(t).follow(k.Bytes(), 1)
		w.slots = slices.DeleteFunc(w.slots, func(s *wireSlot) bool { return s.kind() == recovery.SlotPassword })
		requireSame(t, k, open(t, w.fix().authenticate(h.lineage, h.master), words, p), 1)
	}
}

func kdfParams(t testing.TB, p kdf.Params) []byte {
	var s wireSlot
	setKDF(t, &s, p)
	return s.params
}

// TestAttack_MalformedKDF: KDF parameters that are none are no header.
func TestAttack_MalformedKDF(t *testing.T) {
	k := create(t, password(t, "correct horse"))
	good := takeApart(t, k.Bytes()).slots[0].params
	withSalt := must(withArgon2id(8, 1, 1).WithSalt(make([]byte, 16)))
	withheld, _, err := withPBKDF2(1 << 20).WithoutIterations()
	require.NoError(t, err)
	for what, params := range map[string][]byte{
		"nothing":         nil,
		"no length":       good[:1],
		"shorter":         good[:len(good)-1],
		"longer":          append(slices.Clone(good), 0),
		"a wrong length":  append([]byte{0, good[1] - 1}, good[2:]...),
		"with a salt":     kdfParams(t, withSalt),
		"withheld":        kdfParams(t, withheld),
		"another kind":    append([]byte{good[0], good[1], 'L'}, good[3:]...),
		"an unknown one":  append([]byte{good[0], good[1], good[2], good[3], 9}, good[5:]...),
		"two of them":     slices.Concat(good, good),
		"nothing of them": {0, 0},
	} {
		w := takeApart(t, k.Bytes())
		w.slots[0].params = params
		_, err := recovery.ParseHeader(w.fix().bytes())
		require.Equal(t, recovery.ErrMalformed, err, what)
	}
}

// TestOpenersByThemselves: what an Opener is given comes from a server. None of them
// panics on a slot that ParseHeader would not have let through, or works for it.
func TestOpenersByThemselves(t *testing.T) {
	v := victim(t)
	genuine := parse(t, v.latest()).Slots()
	for _, name := range sorted(v.ways) {
		if name == "device" {
			continue
		}
		for _, s := range genuine {
			b := wrap.Binding{Purpose: "nescio/slot/" + s.Type.String() + "/v1", Account: v.account, Item: s.ID[:], Epoch: uint64(s.Born)}
			for n := range len(s.Params) {
				cut := s
				cut.Params = s.Params[:n]
				secret, err := v.ways[name].Open(t.Context(), b, cut)
				require.Error(t, err)
				require.Nil(t, secret)
			}
			for _, n := range []int{0, 1, 57, 137} {
				cut := s
				cut.Wrapped = s.Wrapped[:min(n, len(s.Wrapped))]
				secret, err := v.ways[name].Open(t.Context(), b, cut)
				require.Error(t, err)
				require.Nil(t, secret)
			}
			secret, err := v.ways[name].Open(t.Context(), b, recovery.Slot{Type: s.Type, ID: s.ID})
			require.Error(t, err)
			require.Nil(t, secret)
		}
	}
	// A refused slot is refused at the door of the Opener as well.
	for _, params := range []kdf.Params{withArgon2id(1<<20, 64, 1), withArgon2id(8, 1, 1), withPBKDF2(1<<31 - 1)} {
		s := recovery.Slot{Type: recovery.SlotPassword, Params: append(random(32), kdfParams(t, params)...), Wrapped: random(wrappedSize)}
		start := time.Now()
		_, err := recovery.NewPassword([]byte("x"), nil).Open(t.Context(), wrap.Binding{Purpose: "nescio/slot/password/v1", Item: s.ID[:]}, s)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.Less(t, time.Since(start), time.Second)
	}
	// Passwords and keys that can be none.
	for _, p := range [][]byte{nil, {}, make([]byte, 1025)} {
		pw := password(t, "")
		pw = pw.WithPassword(p)
		require.ErrorIs(t, v.end(t, v.latest(), pw, v.latestPin()), recovery.ErrPolicy)
	}
	for _, n := range []int{0, 31, 65} {
		require.ErrorIs(t, v.end(t, v.latest(), recovery.NewExport(random(n), nil), v.latestPin()), recovery.ErrPolicy)
	}
	require.ErrorIs(t, v.end(t, v.latest(), recovery.NewExport(make([]byte, 64), nil), v.latestPin()), recovery.ErrPolicy)
}
