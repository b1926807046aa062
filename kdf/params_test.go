package kdf_test

import (
	"crypto/rand"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/cryptotest"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

// encodings holds each form of params beside the others.
var encodings = []struct {
	params kdf.Params
	salt   string
	text   string
	binary string
}{
	{kdf.Default(), "",
		"$argon2id$v=19$m=65536,t=3,p=4", "K\x01\x02\x00\x01\x00\x00\x00\x00\x00\x03\x04\x00"},
	{kdf.Default(), "saltsaltsaltsalt",
		"$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA", "K\x01\x02\x00\x01\x00\x00\x00\x00\x00\x03\x04\x10saltsaltsaltsalt"},
	{kdf.RFC9807Argon2id(), "",
		"$argon2id$v=19$m=2097152,t=1,p=4", "K\x01\x02\x00\x20\x00\x00\x00\x00\x00\x01\x04\x00"},
	{kdf.RFC9807Scrypt(), "\x00",
		"$scrypt$ln=15,r=8,p=1$AA", "K\x01\x03\x0f\x00\x00\x00\x08\x00\x00\x00\x01\x01\x00"},
	{must(kdf.NewScrypt(1<<30, 1, 1<<30-1)), "",
		"$scrypt$ln=30,r=1,p=1073741823", "K\x01\x03\x1e\x00\x00\x00\x01\x3f\xff\xff\xff\x00"},
	{must(kdf.NewPBKDF2SHA512(210_000)), "salt",
		"$pbkdf2-sha512$i=210000$c2FsdA", "K\x01\x01\x00\x03\x34\x50\x04salt"},
	{withheld, "",
		"$pbkdf2-sha512", "K\x01\x01\x00\x00\x00\x00\x00"},
	{withheld, "salt",
		"$pbkdf2-sha512$c2FsdA", "K\x01\x01\x00\x00\x00\x00\x04salt"},
	{must(kdf.NewArgon2id(math.MaxInt32, math.MaxInt32, 255)), strings.Repeat("\xff", 64),
		"$argon2id$v=19$m=2147483647,t=2147483647,p=255$" + strings.Repeat("/", 85) + "w",
		"K\x01\x02\x7f\xff\xff\xff\x7f\xff\xff\xff\xff\x40" + strings.Repeat("\xff", 64)},
}

var withheld = func() kdf.Params {
	p, _, err := must(kdf.NewPBKDF2SHA512(1)).WithoutIterations()
	return must(p, err)
}()

func TestEncodings(t *testing.T) {
	for _, c := range encodings {
		p, err := c.params.WithSalt([]byte(c.salt))
		require.NoError(t, err)
		require.Equal(t, []byte(c.salt), p.Salt())

		require.Equal(t, c.text, p.String())
		text, err := p.MarshalText()
		require.NoError(t, err)
		require.Equal(t, c.text, string(text))
		q, err := kdf.ParseParams(c.text)
		require.NoError(t, err)
		require.Equal(t, p, q)

		b, err := p.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, c.binary, string(b))
		require.LessOrEqual(t, len(b), kdf.MaxBinary)
		q = kdf.Params{}
		require.NoError(t, q.UnmarshalBinary(b))
		require.Equal(t, p, q)

		js, err := json.Marshal(p)
		require.NoError(t, err)
		q = kdf.Params{}
		require.NoError(t, json.Unmarshal(js, &q))
		require.Equal(t, p, q)
	}
	var none kdf.Params
	_, err := none.MarshalBinary()
	require.ErrorIs(t, err, kdf.ErrUnknown)
	_, err = none.MarshalText()
	require.ErrorIs(t, err, kdf.ErrUnknown)
	require.Equal(t, "invalid", none.String())
	require.Equal(t, "unknown", none.Algorithm().String())
}

func TestBinaryIsStrict(t *testing.T) {
	before := kdf.Default()
	refused := func(b []byte) {
		p := before
		require.ErrorIs(t, p.UnmarshalBinary(b), kdf.ErrMalformed, "%x", b)
		require.Equal(t, before, p, "it stays as it was")
	}
	for _, c := range encodings {
		for b := range testvec.Lengths([]byte(c.binary)) {
			refused(b)
		}
	}
	for _, b := range []string{
		"k\x01\x01\x00\x00\x00\x01\x00",                              // kind
		"K\x02\x01\x00\x00\x00\x01\x00",                              // version
		"K\x01\x00\x00\x00\x00\x01\x00",                              // algorithm
		"K\x01\x04\x00\x00\x00\x01\x00",                              // algorithm
		"K\x01\x01\x80\x00\x00\x00\x00",                              // iterations above 2^31−1
		"K\x01\x02\x00\x00\x00\x20\x00\x00\x00\x00\x04\x00",          // t = 0
		"K\x01\x02\x00\x00\x00\x20\x00\x00\x00\x01\x00\x00",          // p = 0
		"K\x01\x02\x00\x00\x00\x1f\x00\x00\x00\x01\x04\x00",          // m < 8p
		"K\x01\x02\x80\x00\x00\x00\x00\x00\x00\x01\x04\x00",          // m
		"K\x01\x02\x00\x00\x00\x20\x80\x00\x00\x00\x04\x00",          // t
		"K\x01\x03\x00\x00\x00\x00\x08\x00\x00\x00\x01\x00",          // N = 1
		"K\x01\x03\x1f\x00\x00\x00\x08\x00\x00\x00\x01\x00",          // N = 2^31
		"K\x01\x03\x1f\x00\x00\x00\x01\x00\x00\x00\x01\x00",          // N = 2^31, in few bytes
		"K\x01\x03\x20\x00\x00\x00\x08\x00\x00\x00\x01\x00",          // N = 2^32
		"K\x01\x03\x2f\x00\x00\x00\x08\x00\x00\x00\x01\x00",          // N = 2^47
		"K\x01\x03\x0f\x00\x00\x00\x00\x00\x00\x00\x01\x00",          // r = 0
		"K\x01\x03\x0f\x00\x00\x00\x08\x00\x00\x00\x00\x00",          // p = 0
		"K\x01\x03\x0f\x00\x01\x00\x00\x00\x00\x40\x00\x00",          // r·p = 2^30
		"K\x01\x03\x0f\xff\xff\xff\xff\xff\xff\xff\xff\x00",          // r·p above 2^63
		"K\x01\x01\x00\x00\x00\x01\x41" + strings.Repeat("\xff", 65), // salt of 65 bytes
	} {
		refused([]byte(b))
	}
}

func TestTextIsStrict(t *testing.T) {
	for _, text := range []string{
		"", "$", "$$", "argon2id", "invalid", "unknown", "$unknown",
		"$argon2id", "$argon2id$m=65536,t=3,p=4", "$argon2id$v=16$m=65536,t=3,p=4", "$argon2i$v=19$m=65536,t=3,p=4",
		"$argon2id$v=19$t=3,m=65536,p=4", "$argon2id$v=19$m=65536,t=3", "$argon2id$v=19$m=65536,t=3,p=4,x=1",
		"$argon2id$v=19$m=065536,t=3,p=4", "$argon2id$v=19$m=+65536,t=3,p=4", "$argon2id$v=19$m=-1,t=3,p=4",
		"$argon2id$v=19$m=0x10000,t=3,p=4", "$argon2id$v=19$m=65_536,t=3,p=4", "$argon2id$v=19$m= 65536,t=3,p=4",
		"$argon2id$v=19$m=4295032832,t=3,p=4", "$argon2id$v=19$m=2147483648,t=3,p=4", "$argon2id$v=19$m=65536,t=3,p=256",
		"$argon2id$v=19$m=65536,t=0,p=4", "$argon2id$v=19$m=31,t=1,p=4", "$argon2id$v=19$m=65536,t=3,p=",
		"$argon2id$v=19$m=65536,t=3,p=4$", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA==", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdB",
		"$argon2id$v=19$m=65536,t=3,p=4$c2Fs\ndA", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "$argon2id$v=19$m=65536,t=3,p=4$-_",
		"$argon2id$v=19$m=65536,t=3,p=4\n", " $argon2id$v=19$m=65536,t=3,p=4", "$ARGON2ID$v=19$m=65536,t=3,p=4",
		"$argon2id$v=19$m=65536,t=3,p=4$" + strings.Repeat("A", 87),
		"$pbkdf2-sha512$i=0", "$pbkdf2-sha512$i=", "$pbkdf2-sha512$i=2147483648", "$pbkdf2-sha512$", "$pbkdf2-sha512i=1",
		"$pbkdf2-sha512$i=1,l=64", "$pbkdf2-sha256$i=210000", "$pbkdf2-sha512$c2FsdA$c2FsdA",
		"$scrypt$ln=0,r=8,p=1", "$scrypt$ln=31,r=8,p=1", "$scrypt$ln=31,r=1,p=1", "$scrypt$ln=47,r=8,p=1", "$scrypt$ln=32,r=8,p=1", "$scrypt$ln=4294967296,r=8,p=1",
		"$scrypt$ln=15,r=0,p=1", "$scrypt$ln=15,r=8,p=0", "$scrypt$ln=15,r=65536,p=16384", "$scrypt$ln=15,p=1,r=8", "$scrypt$ln=15",
		"$argon2id$v=19$m=65536,t=3,p=4$" + strings.Repeat("A", 1<<20),
	} {
		_, err := kdf.ParseParams(text)
		require.ErrorIs(t, err, kdf.ErrMalformed, "%.80q", text)
		p := kdf.Default()
		require.ErrorIs(t, p.UnmarshalText([]byte(text)), kdf.ErrMalformed)
		require.Equal(t, kdf.Default(), p, "it stays as it was")
	}
}

func TestConstructorsRefuse(t *testing.T) {
	for _, n := range []int{math.MinInt, -1, 0} {
		_, err := kdf.NewPBKDF2SHA512(n)
		require.ErrorIs(t, err, kdf.ErrMalformed)
	}
	for _, c := range [][3]int{{0, 1, 1}, {8, 0, 1}, {8, 1, 0}, {7, 1, 1}, {2039, 1, 255}, {4096, 1, 256}, {-8, 1, 1}, {8, -1, 1}, {8, 1, -1}} {
		_, err := kdf.NewArgon2id(c[0], c[1], c[2])
		require.ErrorIs(t, err, kdf.ErrMalformed, c)
	}
	for _, c := range [][3]int{{0, 8, 1}, {1, 8, 1}, {3, 8, 1}, {65535, 8, 1}, {math.MaxInt32, 8, 1}, {-2, 8, 1}, {2, 0, 1}, {2, 1, 0},
		{2, 1 << 15, 1 << 15}, {2, 1 << 16, 1 << 16}, {2, 1 << 30, 1}, {1 << 30, 3, 1}, {1 << 20, 1 << 12, 1}, {2, -8, 1}, {2, 8, -1}, {2, math.MaxInt32, math.MaxInt32}} {
		_, err := kdf.NewScrypt(c[0], c[1], c[2])
		require.ErrorIs(t, err, kdf.ErrMalformed, c)
	}
	if math.MaxInt > math.MaxInt32 {
		_, err := kdf.NewPBKDF2SHA512(math.MaxInt)
		require.ErrorIs(t, err, kdf.ErrMalformed)
		for _, high := range []int{1, -1} {
			_, err = kdf.NewPBKDF2SHA512(high<<32 + 1)
			require.ErrorIs(t, err, kdf.ErrMalformed, "it is not cut to 32 bits")
		}
	}
	_, err := kdf.Default().WithSalt(make([]byte, 65))
	require.ErrorIs(t, err, kdf.ErrMalformed)
}

func TestCostAndMemory(t *testing.T) {
	for _, c := range []struct {
		p            kdf.Params
		cost, memory uint64
	}{
		{kdf.Params{}, 0, 0},
		{withheld, 0, 0},
		{must(kdf.NewPBKDF2SHA512(210_000)), 210_000, 0},
		{kdf.Default(), 3 << 16, 64 << 20},
		{must(kdf.NewArgon2id(math.MaxInt32, math.MaxInt32, 1)), math.MaxInt32 * math.MaxInt32, math.MaxInt32 << 10},
		{kdf.RFC9807Scrypt(), 1 << 18, 32<<20 + 1<<10},
		{must(kdf.NewScrypt(1<<30, 2, 1<<28)), 1 << 59, 128 * 2 * (1<<30 + 1<<28)},
	} {
		require.Equal(t, c.cost, c.p.Cost(), c.p)
		require.Equal(t, c.memory, c.p.Memory(), c.p)
	}
}

func TestNewSaltsAreNew(t *testing.T) {
	seen := make(map[string]bool)
	for range 100 {
		salt := kdf.Default().WithNewSalt().Salt()
		require.Len(t, salt, 32)
		require.False(t, seen[string(salt)])
		seen[string(salt)] = true
	}
	p := kdf.Default().WithNewSalt()
	clear(p.Salt())
	require.NotEqual(t, make([]byte, 32), p.Salt(), "Salt returns a copy")
	bare, err := p.WithSalt(nil)
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), bare)
}

func TestMaxBinaryIsReached(t *testing.T) {
	b, err := must(kdf.Default().WithSalt(make([]byte, 64))).MarshalBinary()
	require.NoError(t, err)
	require.Len(t, b, kdf.MaxBinary)
}

// TestNewSaltsAreAllRandom: 32 bytes of it.
func TestNewSaltsAreAllRandom(t *testing.T) {
	want := make([]byte, 32)
	cryptotest.SetGlobalRandom(t, 1)
	rand.Read(want)
	cryptotest.SetGlobalRandom(t, 1)
	require.Equal(t, want, kdf.Default().WithNewSalt().Salt())
}

// TestLongTextIsNotRead: it is refused before any of it is decoded or copied.
func TestLongTextIsNotRead(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, under which the short tests run, allocates too")
	}
	long := []byte("$pbkdf2-sha512$" + strings.Repeat("A", 1<<20))
	text := string(long)
	var p kdf.Params
	require.Zero(t, testing.AllocsPerRun(10, func() { kdf.ParseParams(text) }))
	require.Zero(t, testing.AllocsPerRun(10, func() { p.UnmarshalText(long) }))
}
