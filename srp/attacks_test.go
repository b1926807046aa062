package srp_test

import (
	"bytes"
	"context"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// One test for each known attack on SRP, by the number that SECURITY.md has
// for it. Number 8, the timing of g^x, is TestExponentTakesOneTime of
// internal/modexp, and number 14, decoders, the fuzz targets of this package.

// degenerate are encodings of numbers that must never be taken for A or B, in
// big-endian order.
func degenerate(n []byte) map[string][]byte {
	N := new(big.Int).SetBytes(n)
	of := func(x *big.Int, size int) []byte {
		if x.BitLen() > 8*size {
			return x.Bytes()
		}
		return x.FillBytes(make([]byte, size))
	}
	times := func(k int64) *big.Int { return new(big.Int).Mul(N, big.NewInt(k)) }
	plus := func(k int64) *big.Int { return new(big.Int).Add(N, big.NewInt(k)) }
	five := big.NewInt(5)
	return map[string][]byte{
		"0":              of(new(big.Int), len(n)),
		"1":              of(big.NewInt(1), len(n)),
		"N-1":            of(plus(-1), len(n)),
		"N":              of(N, len(n)),
		"N+1":            of(plus(1), len(n)),
		"N+5":            of(plus(5), len(n)),
		"2N":             of(times(2), len(n)),
		"3N":             of(times(3), len(n)),
		"2N in full":     of(times(2), len(n)+1),
		"N·2^8":          of(times(256), len(n)+1),
		"all FF":         bytes.Repeat([]byte{0xff}, len(n)),
		"empty":          {},
		"nil":            nil,
		"0 in one byte":  {0},
		"one byte short": of(five, len(n)-1),
		"one byte long":  of(five, len(n)+1),
		"one byte more":  append(of(five, len(n)), 0),
	}
}

func wireOrder(profile srp.Profile, b []byte) []byte {
	b = bytes.Clone(b)
	if _, ok := profile.ProtonVersion(); ok {
		slices.Reverse(b)
	}
	return b
}

// attackProfiles are one of each kind: of each byte order, and with a context.
var attackProfiles = []srp.Profile{srp.RFC5054SHA256(0), srp.Proton(4), srp.Nescio()}

func TestAttack01_AIsAMultipleOfN(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		_, _, honest := r.begin(t, alice, r.record.Bytes(), password)
		m1 := honest[2+256:]
		for name, A := range degenerate(r.group.Unverified().N) {
			A = wireOrder(profile, A)
			_, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
			require.NoError(t, err)
			m2, key, err := r.server.Verify(t.Context(), alice, r.record.Bytes(), pending, srp.Proof{A: A, M1: m1})
			require.Equal(t, srp.ErrMalformed, err, "%s A=%s", profile, name)
			require.Nil(t, m2)
			require.Nil(t, key)
			_, _, err = r.server.Verify(t.Context(), alice, r.record.Bytes(), pending, srp.Proof{A: A, M1: m1})
			require.Equal(t, srp.ErrState, err, "the state is burned")

			_, pending, err = r.server.Challenge(t.Context(), alice, r.record.Bytes())
			require.NoError(t, err)
			final := slices.Concat([]byte{'S', 1}, A, m1)
			_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
			require.Equal(t, srp.ErrMalformed, err, "%s A=%s", profile, name)
			_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, honest)
			require.Equal(t, srp.ErrState, err, "the state is burned")
		}
	}
}

// TestAttack01_ComesBeforeAnyExponentiation: refusing such an A takes a small
// part of the time of a proof that fails.
func TestAttack01_ComesBeforeAnyExponentiation(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	fastest := func(A []byte) time.Duration {
		best := time.Hour
		for range 20 {
			_, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
			require.NoError(t, err)
			start := time.Now()
			_, _, err = r.server.Verify(t.Context(), alice, r.record.Bytes(), pending, srp.Proof{A: A, M1: make([]byte, 256)})
			best = min(best, time.Since(start))
			require.Error(t, err)
		}
		return best
	}
	full := fastest(bytes.Repeat([]byte{5}, 256))
	for name, A := range degenerate(r.group.Unverified().N) {
		require.Less(t, fastest(wireOrder(r.profile, A)), full/10, name)
	}
}

func TestAttack02_BIsAMultipleOfN(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		for name, B := range degenerate(r.group.Unverified().N) {
			login, _, err := r.client.Login(alice, password)
			require.NoError(t, err)
			proof, err := login.Answer(t.Context(), srp.Challenge{
				Profile: profile, Group: r.group.Unverified(), Salt: r.record.Salt(), B: wireOrder(profile, B),
			})
			require.Equal(t, srp.ErrMalformed, err, "%s B=%s", profile, name)
			require.Zero(t, proof)
		}
	}
}

func TestAttack03_UIsZero(t *testing.T) {
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	for _, size := range []int{20, 32} {
		u := make([]byte, size)
		require.Equal(t, srp.ErrMalformed, srp.ScrambleClient(group, u))
		require.Equal(t, srp.ErrMalformed, srp.ScrambleServer(group, u))
		for i := range u {
			u[i] = 1
			require.NoError(t, srp.ScrambleClient(group, u))
			require.Equal(t, srp.ErrAuthentication, srp.ScrambleServer(group, u))
			u[i] = 0
		}
	}
}

// TestAttack04_BIsReduced: a B that is not reduced modulo N tells v.
func TestAttack04_BIsReduced(t *testing.T) {
	t.Parallel()
	runs := 500
	if testvec.Long {
		runs = 10_000
	}
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		N := new(big.Int).SetBytes(r.group.Unverified().N)
		server, err := srp.NewServer(srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys, Offer: r.kind, MaxPending: runs})
		require.NoError(t, err)
		for range runs {
			c, _, err := server.Challenge(t.Context(), alice, r.record.Bytes())
			require.NoError(t, err)
			require.Len(t, c.B, 256)
			require.Negative(t, new(big.Int).SetBytes(wireOrder(profile, c.B)).Cmp(N))
		}
	}
}

// TestAttack05_KIsNotTheCallersToSet: with a k whose logarithm is known, or of
// 0 or 1, a false server tries two passwords at once. Nothing takes a k; what
// is computed is what the formulas say, and never trivial.
func TestAttack05_KIsNotTheCallersToSet(t *testing.T) {
	for profile, ref := range allProfiles(t) {
		if version, ok := profile.ProtonVersion(); ok && version < 4 {
			continue // the k of version 4
		}
		k := ref.k()
		require.Greater(t, k.BitLen(), 128)
		got, err := srp.Compute(profile, ref.N.Bytes(), int(ref.g.Int64()), alice, password, make([]byte, 10), []byte{9}, []byte{7})
		require.NoError(t, err)
		require.Equal(t, k, new(big.Int).SetBytes(got.K0), profile)
	}

	N := allProfiles(t)[srp.Proton(4)].N
	for d, want := range map[int64]error{-2: nil, -1: srp.ErrPolicy, 0: srp.ErrPolicy, 1: srp.ErrPolicy, 2: nil} {
		k := new(big.Int).Add(N, big.NewInt(d))
		require.ErrorIs(t, srp.Multiplier(N.Bytes(), k.Bytes()), want, "k ≡ %d", d)
		require.ErrorIs(t, srp.Multiplier(N.Bytes(), k.Mod(k, N).Bytes()), want, "k ≡ %d", d)
	}
}

// TestAttack09_ServerProvesFirst: M2 and the key come out of no call before M1
// is verified. What Begin gives out holds neither, and a wrong M1 gets
// neither, whatever else is right.
func TestAttack09_ServerProvesFirst(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		login, request, err := r.client.Login(alice, password)
		require.NoError(t, err)
		response, pending, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
		require.NoError(t, err)
		final, err := login.Respond(t.Context(), response)
		require.NoError(t, err)
		wrong := bytes.Clone(final)
		wrong[len(wrong)-1] ^= 1
		reply, key, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, wrong)
		require.Equal(t, srp.ErrAuthentication, err)
		require.Nil(t, reply)
		require.Nil(t, key)

		for _, cut := range []int{2 + 256, len(final) - 1} { // no M1, a short one
			_, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
			require.NoError(t, err)
			_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final[:cut])
			require.Equal(t, srp.ErrMalformed, err)
		}
		_, pending, err = r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		_, _, err = r.server.Verify(t.Context(), alice, r.record.Bytes(), pending, srp.Proof{A: final[2 : 2+256]})
		require.Equal(t, srp.ErrMalformed, err)
	}

	// Any bit of M1 counts. A fixed b makes one final right for every login.
	r := sha256Rig(t)
	b := bytes.Repeat([]byte{0xb0}, 32)
	c, _, err := r.server.ChallengeWith(t.Context(), alice, r.record.Bytes(), b)
	require.NoError(t, err)
	right := proofFromB(t, r.profile, alice, c, b)
	verify := func(p srp.Proof) error {
		_, pending, err := r.server.ChallengeWith(t.Context(), alice, r.record.Bytes(), b)
		require.NoError(t, err)
		m2, key, err := r.server.Verify(t.Context(), alice, r.record.Bytes(), pending, p)
		require.Equal(t, err == nil, m2 != nil)
		require.Equal(t, err == nil, key != nil)
		return err
	}
	require.NoError(t, verify(right))
	for bit, flipped := range testvec.BitFlips(right.M1) {
		require.Equal(t, srp.ErrAuthentication, verify(srp.Proof{A: right.A, M1: flipped}), "bit %d", bit)
	}
}

func TestAttack11_ManyGuessesOnOneB(t *testing.T) {
	r := sha256Rig(t)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	wrong := bytes.Clone(final)
	wrong[len(wrong)-1] ^= 1
	_, _, err := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, wrong)
	require.Equal(t, srp.ErrAuthentication, err)
	_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err, "the right proof comes too late")

	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, nil)
	require.Equal(t, srp.ErrMalformed, err)
	_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err, "a message that is none burns the state too")

	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.NoError(t, err)
	_, _, err = r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
	require.Equal(t, srp.ErrState, err)
}

func TestAttack12_BadVerifier(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		stored := r.record.Bytes()
		for name, v := range degenerate(r.group.Unverified().N) {
			v = wireOrder(profile, v)
			_, err := srp.NewRecord(profile, r.group.Unverified(), srp.SmallKDF(profile), alice, r.record.Salt(), v)
			require.ErrorIs(t, err, srp.ErrRecord, "%s v=%s", profile, name)
			bad := append(bytes.Clone(stored[:len(stored)-256]), v...)
			require.ErrorIs(t, srp.CheckRecord(bad), srp.ErrRecord, "%s v=%s", profile, name)
			require.ErrorIs(t, admit(r.server, bad), srp.ErrRecord, "%s v=%s", profile, name)
			_, _, err = r.server.Challenge(t.Context(), alice, bad)
			require.ErrorIs(t, err, srp.ErrRecord, "%s v=%s", profile, name)
		}
	}
}

func TestAttack13_PendingIsForgedReplayedExpiredOrSwapped(t *testing.T) {
	r := sha256Rig(t)
	c := &clock{time.Now()}
	server, err := srp.NewServerAt(srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys, Offer: r.kind}, c.now)
	require.NoError(t, err)
	r.server = server
	finish := func(id, pending, final []byte) error {
		reply, key, err := r.server.FinishLogin(context.Background(), id, r.record.Bytes(), pending, final)
		if err != nil {
			require.Nil(t, reply)
			require.Nil(t, key)
		}
		return err
	}

	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	for bit, flipped := range testvec.BitFlips(pending) {
		require.Equal(t, srp.ErrState, finish(alice, flipped, final), "bit %d", bit)
	}
	for other := range testvec.Lengths(pending) {
		require.Equal(t, srp.ErrState, finish(alice, other, final))
	}
	require.Equal(t, srp.ErrState, finish([]byte("bob"), pending, final), "swapped")
	require.Equal(t, srp.ErrMalformed, finish(nil, pending, final))
	require.NoError(t, finish(alice, pending, final))
	require.Equal(t, srp.ErrState, finish(alice, pending, final), "replayed")

	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	c.t = c.t.Add(60*time.Second - time.Millisecond)
	require.NoError(t, finish(alice, pending, final))
	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	c.t = c.t.Add(60 * time.Second)
	require.Equal(t, srp.ErrState, finish(alice, pending, final), "expired")

	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	cfg := config(r.kind)
	cfg.StateKeys = stateKeys(7)
	r.server, err = srp.NewServerAt(cfg, c.now)
	require.NoError(t, err)
	require.Equal(t, srp.ErrState, finish(alice, pending, final), "sealed under another key")
}
