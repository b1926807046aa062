package kdf_test

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha512"
	"embed"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/*.json
var testdata embed.FS

type vectors struct {
	PBKDF2 []struct {
		Password   string      `json:"password"`
		Salt       testvec.Hex `json:"salt"`
		Iterations int         `json:"iterations"`
		Key        testvec.Hex `json:"key"`
	} `json:"pbkdf2-sha512"`
	Argon2id []struct {
		Password, Salt string
		M, T, P        int
		Key            testvec.Hex
	} `json:"argon2id"`
	Scrypt []struct {
		Password, Salt string
		N, R, P        int
		Key            testvec.Hex
	} `json:"scrypt"`
	Proton []struct {
		Password string
		Salt     testvec.Hex
		Key      string
	} `json:"proton"`
}

// must returns v, for constructors that cannot fail here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// exact returns the function of parameters that no limits apply to.
func exact(t testing.TB, p kdf.Params, salt []byte) *kdf.Function {
	p, err := p.WithSalt(salt)
	require.NoError(t, err)
	f, err := kdf.New(p, kdf.FixedPolicy(p))
	require.NoError(t, err)
	return f
}

func TestKnownAnswers(t *testing.T) {
	v := testvec.Load[vectors](t, testdata, "testdata/vectors.json")
	require.Len(t, v.PBKDF2, 2)
	for _, c := range v.PBKDF2 {
		f := exact(t, must(kdf.NewPBKDF2SHA512(c.Iterations)), c.Salt)
		for n := 16; n <= 64; n++ {
			key, err := f.Derive(t.Context(), []byte(c.Password), n)
			require.NoError(t, err)
			require.Equal(t, []byte(c.Key[:n]), key)
		}
	}
	for _, c := range v.Argon2id {
		f := exact(t, must(kdf.NewArgon2id(c.M, c.T, c.P)), []byte(c.Salt))
		key, err := f.Derive(t.Context(), []byte(c.Password), len(c.Key))
		require.NoError(t, err)
		require.Equal(t, []byte(c.Key), key)
	}
	for _, c := range v.Scrypt {
		f := exact(t, must(kdf.NewScrypt(c.N, c.R, c.P)), []byte(c.Salt))
		key, err := f.Derive(t.Context(), []byte(c.Password), len(c.Key))
		require.NoError(t, err)
		require.Equal(t, []byte(c.Key), key)
	}
	for _, c := range v.Proton {
		key, err := kdf.ProtonKeyPassword([]byte(c.Password), c.Salt)
		require.NoError(t, err)
		require.Equal(t, c.Key, string(key))
	}
}

// TestWycheproofPBKDF2 includes salts of 8 bytes, passwords longer than a
// block, and keys of 16 to 64 bytes.
func TestWycheproofPBKDF2(t *testing.T) {
	cases := testvec.Load[[]struct {
		ID                  int
		Password, Salt, Key testvec.Hex
		Iterations          int
	}](t, testdata, "testdata/pbkdf2_sha512_wycheproof.json")
	require.Len(t, cases, 57)
	for _, c := range cases {
		f := exact(t, must(kdf.NewPBKDF2SHA512(c.Iterations)), c.Salt)
		key, err := f.Derive(t.Context(), c.Password, len(c.Key))
		require.NoError(t, err, c.ID)
		require.Equal(t, []byte(c.Key), key, c.ID)
	}
}

// TestArgon2idOfPHCStrings reads the parameters from their text form.
func TestArgon2idOfPHCStrings(t *testing.T) {
	cases := testvec.Load[[]struct {
		Text, Password string
		Key            testvec.Hex
	}](t, testdata, "testdata/argon2id_phc.json")
	require.Len(t, cases, 10)
	for _, c := range cases {
		p := must(kdf.ParseParams(c.Text))
		require.Equal(t, c.Text, p.String())
		f := must(kdf.New(p, kdf.FixedPolicy(p)))
		key, err := f.Derive(t.Context(), []byte(c.Password), len(c.Key))
		require.NoError(t, err)
		require.Equal(t, []byte(c.Key), key, c.Text)
	}
}

// TestPBKDF2IsTheStandardLibrarys over random parameters, passwords of more
// than a block included, on both paths.
func TestPBKDF2IsTheStandardLibrarys(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	randomBytes := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range 300 {
		password, salt := randomBytes(1+r.IntN(300)), randomBytes(1+r.IntN(64))
		c, n := 1+r.IntN(3*kdf.CancelEvery), 16+r.IntN(49)
		want, err := pbkdf2.Key(sha512.New, string(password), salt, c, n)
		require.NoError(t, err)
		got, err := exact(t, must(kdf.NewPBKDF2SHA512(c)), salt).Derive(t.Context(), password, n)
		require.NoError(t, err)
		require.Equal(t, want, got)
		plain, err := kdf.PlainPBKDF2(password, salt, uint32(c), n)
		require.NoError(t, err)
		require.Equal(t, want, plain)
	}
	for _, n := range []int{1, 127, 128, 129, 255, 256, 257, 1024} {
		require.True(t, kdf.HasStates(randomBytes(n)), "this Go has the encoding")
		for _, outer := range []bool{false, true} {
			require.False(t, kdf.HasStatesOfAnotherEncoding(randomBytes(n), outer), "another one is noticed")
		}
	}
}

func TestAccumulated(t *testing.T) {
	testvec.Check(t, "nescio/kdf/pbkdf2-sha512/v1",
		"9145ebfbc7efcf55486223fc53c283343ae341709f7ea7884069301f8c30bca0",
		"339e82267cb3573bac7dd91fbc18f3622178a853817ac3e357c26341804d5a66", func(a *testvec.Accumulated) {
			in := a.Input(8)
			password, salt := a.Input(1+int(in[0])), a.Input(1+int(in[1])%64)
			f := exact(t, must(kdf.NewPBKDF2SHA512(1+int(in[2])%32)), salt)
			key, err := f.Derive(t.Context(), password, 16+int(in[3])%49)
			require.NoError(t, err)
			a.Output(key)
		})
}

func TestAutonomailsIterationsStayOnTheDevice(t *testing.T) {
	password := []byte("correct horse")
	params := must(kdf.NewPBKDF2SHA512(211_003)).WithNewSalt()
	require.Len(t, params.Salt(), 32)
	stored, onDevice, err := params.WithoutIterations()
	require.NoError(t, err)
	require.Equal(t, 211_003, onDevice)
	text := stored.String()
	require.NotContains(t, text, "211003")
	require.Zero(t, stored.Cost())

	stored, err = kdf.ParseParams(text)
	require.NoError(t, err)
	_, err = kdf.New(stored, kdf.Policy{})
	require.ErrorIs(t, err, kdf.ErrIncomplete)
	_, err = kdf.New(stored, kdf.FixedPolicy(stored))
	require.ErrorIs(t, err, kdf.ErrIncomplete)
	_, _, err = stored.WithoutIterations()
	require.ErrorIs(t, err, kdf.ErrIncomplete)
	_, _, err = kdf.Default().WithoutIterations()
	require.ErrorIs(t, err, kdf.ErrUnknown)
	for _, n := range []int{-1, 0, math.MinInt} {
		_, err = stored.WithIterations(n)
		require.ErrorIs(t, err, kdf.ErrMalformed)
	}
	if math.MaxInt > math.MaxInt32 {
		_, err = stored.WithIterations(math.MaxInt>>32<<32 + onDevice)
		require.ErrorIs(t, err, kdf.ErrMalformed, "it is not cut to 32 bits")
	}
	_, err = params.WithIterations(onDevice)
	require.ErrorIs(t, err, kdf.ErrMalformed, "nothing is missing")
	_, err = kdf.Params{}.WithIterations(onDevice)
	require.ErrorIs(t, err, kdf.ErrMalformed)

	weak, err := stored.WithIterations(209_999)
	require.NoError(t, err)
	_, err = kdf.New(weak, kdf.Policy{})
	require.ErrorIs(t, err, kdf.ErrWeak, "a supplied number passes the policy like any other")
	supplied, err := stored.WithIterations(onDevice)
	require.NoError(t, err)
	require.Equal(t, params, supplied)
	f, err := kdf.New(supplied, kdf.Policy{})
	require.NoError(t, err)
	require.False(t, f.NeedsUpgrade())
	require.Equal(t, params, f.Params())
	got, err := f.Derive(t.Context(), password, 32)
	require.NoError(t, err)
	want, err := pbkdf2.Key(sha512.New, string(password), params.Salt(), 211_003, 32)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestProtonKeyPasswordRefuses(t *testing.T) {
	salt := make([]byte, 16)
	for _, password := range [][]byte{nil, {}, make([]byte, 1025)} {
		_, err := kdf.ProtonKeyPassword(password, salt)
		require.ErrorIs(t, err, kdf.ErrPassword)
	}
	for _, n := range []int{0, 10, 15, 17} {
		_, err := kdf.ProtonKeyPassword([]byte("password"), make([]byte, n))
		require.ErrorIs(t, err, kdf.ErrMalformed)
	}
	long := make([]byte, 1024)
	for i := range long {
		long[i] = 'a'
	}
	a, err := kdf.ProtonKeyPassword(long, salt)
	require.NoError(t, err)
	b, err := kdf.ProtonKeyPassword(long[:72], salt)
	require.NoError(t, err)
	require.Equal(t, a, b, "bcrypt reads 72 bytes")
}

func TestDeriveRefuses(t *testing.T) {
	f := exact(t, must(kdf.NewPBKDF2SHA512(1)), []byte("salt"))
	for _, password := range [][]byte{nil, {}, make([]byte, 1025)} {
		_, err := f.Derive(t.Context(), password, 32)
		require.ErrorIs(t, err, kdf.ErrPassword)
	}
	for _, n := range []int{-1, 0, 15, 65, 1 << 30} {
		_, err := f.Derive(t.Context(), []byte("password"), n)
		require.ErrorIs(t, err, kdf.ErrLength)
	}
	_, err := f.Derive(t.Context(), make([]byte, 1024), 64)
	require.NoError(t, err)
}

// TestPasswordIsNotChanged and not kept: a caller may clear it.
func TestPasswordIsNotChanged(t *testing.T) {
	for _, p := range small() {
		password := []byte("correct horse")
		a, err := exact(t, p, []byte("salt")).Derive(t.Context(), password, 32)
		require.NoError(t, err)
		require.Equal(t, "correct horse", string(password))
		a2 := append([]byte(nil), a...)
		clear(password)
		_, err = exact(t, p, []byte("salt")).Derive(t.Context(), password, 32)
		require.NoError(t, err)
		require.Equal(t, a2, a, "the result is the caller's")
		require.Equal(t, 32, cap(a), "append does not find more of it")
	}
}

// small returns one set of parameters for each algorithm, quick to run.
func small() []kdf.Params {
	return []kdf.Params{
		must(kdf.NewPBKDF2SHA512(3)),
		must(kdf.NewArgon2id(64, 1, 2)),
		must(kdf.NewScrypt(16, 1, 2)),
	}
}

// TestEveryParameterMatters: a change of any of them is another key.
func TestEveryParameterMatters(t *testing.T) {
	seen := make(map[[32]byte]string)
	add := func(p kdf.Params, password, salt string) {
		p = must(p.WithSalt([]byte(salt)))
		f := must(kdf.New(p, kdf.FixedPolicy(p)))
		key, err := f.Derive(t.Context(), []byte(password), 32)
		require.NoError(t, err)
		require.Empty(t, seen[[32]byte(key)])
		seen[[32]byte(key)] = p.String() + password
	}
	for _, p := range append(small(), must(kdf.NewPBKDF2SHA512(4)),
		must(kdf.NewArgon2id(72, 1, 2)), must(kdf.NewArgon2id(64, 2, 2)), must(kdf.NewArgon2id(64, 1, 4)),
		must(kdf.NewScrypt(32, 1, 2)), must(kdf.NewScrypt(16, 2, 2)), must(kdf.NewScrypt(16, 1, 3))) {
		add(p, "password", "salt")
		add(p, "password", "salu")
		add(p, "passwore", "salt")
	}
	require.Len(t, seen, 30)
}

func TestPBKDF2StopsWhenCancelled(t *testing.T) {
	f := exact(t, must(kdf.NewPBKDF2SHA512(1<<31-1)), []byte("salt"))
	best := time.Hour // the test's machine may be busy: one try in time shows it
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		var cancelled time.Time
		time.AfterFunc(20*time.Millisecond, func() { cancelled = time.Now(); cancel() })
		key, err := f.Derive(ctx, []byte("password"), 32)
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, key)
		best = min(best, time.Since(cancelled))
	}
	require.Less(t, best, 10*time.Millisecond)
}

func TestNothingStartsAfterACancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range small() {
		p = must(p.WithSalt([]byte("salt")))
		f, err := kdf.NewWith(p, kdf.FixedPolicy(p), func() { t.Error("it ran") })
		require.NoError(t, err)
		_, err = f.Derive(ctx, []byte("password"), 32)
		require.ErrorIs(t, err, context.Canceled)
	}
}
