package srp_test

import (
	"bytes"
	"context"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/moduli/openpgp"
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

// attackProfiles are one of each byte order.
var attackProfiles = []srp.Profile{srp.RFC5054SHA256(0), srp.Proton(4)}

func TestAttack01_AIsAMultipleOfN(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		_, _, honest := r.begin(t, alice, r.record.Bytes(), password)
		m1 := honest[2+256:]
		for name, A := range degenerate(r.group.Ref().N) {
			A = wireOrder(profile, A)
			_, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
			require.NoError(t, err)
			m2, key, err := r.server.Verify(t.Context(), alice, pending, srp.Proof{A: A, M1: m1})
			require.Equal(t, srp.ErrMalformed, err, "%s A=%s", profile, name)
			require.Nil(t, m2)
			require.Nil(t, key)
			_, _, err = r.server.Verify(t.Context(), alice, pending, srp.Proof{A: A, M1: m1})
			require.Equal(t, srp.ErrState, err, "the state is burned")

			_, pending, err = r.server.Challenge(t.Context(), alice, r.record.Bytes())
			require.NoError(t, err)
			final := slices.Concat([]byte{'S', 1}, A, m1)
			_, _, err = r.server.Finish(t.Context(), alice, pending, final)
			require.Equal(t, srp.ErrMalformed, err, "%s A=%s", profile, name)
			_, _, err = r.server.Finish(t.Context(), alice, pending, honest)
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
			_, _, err = r.server.Verify(t.Context(), alice, pending, srp.Proof{A: A, M1: make([]byte, 256)})
			best = min(best, time.Since(start))
			require.Error(t, err)
		}
		return best
	}
	full := fastest(bytes.Repeat([]byte{5}, 256))
	for name, A := range degenerate(r.group.Ref().N) {
		require.Less(t, fastest(wireOrder(r.profile, A)), full/10, name)
	}
}

func TestAttack02_BIsAMultipleOfN(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		for name, B := range degenerate(r.group.Ref().N) {
			login, _, err := r.client.Login(alice, password)
			require.NoError(t, err)
			proof, err := login.Answer(t.Context(), srp.Challenge{
				Profile: profile, Group: r.group.Ref(), Salt: r.record.Salt(), B: wireOrder(profile, B),
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
	runs := 10_000
	if testing.Short() {
		runs = 500
	}
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		N := new(big.Int).SetBytes(r.group.Ref().N)
		server, err := srp.NewServer(srp.ServerConfig{Secrets: testSecrets, Templates: []srp.Template{r.template}, MaxPending: runs})
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

func TestAttack06_GeneratorOfASubgroup(t *testing.T) {
	proton := signedGroup(t, loadProton(t).Verifier.SignedModulus)
	rfc, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	_, err = srp.NewGroup(proton.N, 2)
	require.NoError(t, err)
	for name, g := range map[string]srp.GroupRef{
		"g=0":               {N: proton.N, G: 0},
		"g=1":               {N: proton.N, G: 1},
		"g=-1":              {N: proton.N, G: -1},
		"g=4":               {N: proton.N, G: 4},
		"3072 bits and g=2": {N: rfc.Ref().N, G: 2},
		"3072 bits and g=4": {N: rfc.Ref().N, G: 4},
	} {
		_, err := srp.NewGroup(g.N, g.G)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		refusedByAll(t, name, g)
	}
	// g = N−1, N, N+1 do not fit an int at this size; internal/safeprime tries
	// all of them at 16 bits.
}

// refusedByAll: whatever takes a group refuses this one, the client before it
// touches the password.
func refusedByAll(t *testing.T, name string, g srp.GroupRef) {
	profile := srp.RFC5054SHA1(0)
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile}, AcceptGroup: srp.AnyGroup(1 << 20)})
	require.NoError(t, err)
	_, err = client.Register(t.Context(), srp.Offer{Profile: profile, Group: g}, alice, password)
	require.ErrorIs(t, err, srp.ErrPolicy, name)
	login, _, err := client.Login(alice, password)
	require.NoError(t, err)
	five := make([]byte, len(g.N))
	if len(five) > 0 {
		five[len(five)-1] = 5
	}
	_, err = login.Answer(t.Context(), srp.Challenge{Profile: profile, Group: g, Salt: []byte{1}, B: five})
	require.ErrorIs(t, err, srp.ErrPolicy, name)

	record, err := srp.NewRecord(profile, g, alice, []byte{1}, five)
	if err == nil { // its form is good: the proof finds it out
		require.Equal(t, srp.ErrRecord, srp.CheckRecord(record.Bytes()), name)
	} else {
		require.Equal(t, srp.ErrRecord, err, name)
	}
}

func TestAttack07_SubstitutedGroup(t *testing.T) {
	proton := signedGroup(t, loadProton(t).Verifier.SignedModulus)
	N := new(big.Int).SetBytes(proton.N)
	rfc1024 := testvec.Load[rfcVectors](t, testdata, "testdata/rfc5054.json").Groups["1024"]
	two := big.NewInt(2)
	half := new(big.Int).Sqrt(new(big.Int).Lsh(big.NewInt(1), 2047))
	for !half.ProbablyPrime(0) || half.Bit(1) != 1 {
		half.Add(half, big.NewInt(1))
	}
	other := new(big.Int).Add(half, two)
	for !other.ProbablyPrime(0) || other.Bit(1) != 0 || other.Bit(2) != half.Bit(2) {
		other.Add(other, two)
	}
	primeNotSafe := new(big.Int).Add(N, big.NewInt(8))
	for !primeNotSafe.ProbablyPrime(0) {
		primeNotSafe.Add(primeNotSafe, big.NewInt(8))
	}
	q := new(big.Int).Rsh(N, 1) // 2047 bits; the next prime q with 2q+1 composite
	for q.Add(q, big.NewInt(4)); !q.ProbablyPrime(0); q.Add(q, big.NewInt(4)) {
	}
	smooth := new(big.Int).Exp(big.NewInt(3), big.NewInt(1292), nil) // 2048 bits
	random := testvec.NewAccumulated("8192").Input(1024)
	random[0], random[1023] = random[0]|0x80, random[1023]&^7|3
	start := time.Now()
	for name, n := range map[string][]byte{
		"nil":               nil,
		"empty":             {},
		"semiprime":         new(big.Int).Mul(half, other).Bytes(),
		"smooth":            smooth.Bytes(),
		"p prime, q not":    primeNotSafe.Bytes(),
		"q prime, p not":    new(big.Int).SetBit(new(big.Int).Lsh(q, 1), 0, 1).Bytes(),
		"even":              new(big.Int).Sub(N, big.NewInt(1)).Bytes(),
		"1024 bits":         rfc1024.N,
		"2047 bits":         new(big.Int).Rsh(N, 1).Bytes(),
		"2040 bits":         proton.N[1:],
		"16,384 bits":       bytes.Repeat([]byte{0xfb}, 2048),
		"a megabyte":        bytes.Repeat([]byte{0xfb}, 1<<20),
		"leading zero byte": append([]byte{0}, proton.N...),
		"8192 bits, random": random,
	} {
		_, err := srp.NewGroup(n, 2)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		refusedByAll(t, name, srp.GroupRef{N: n, G: 2})
	}
	require.Less(t, time.Since(start), 30*time.Second)

	// A digest of one group does not vouch for another, nor for another g.
	g, err := srp.NewGroup(proton.N, 2)
	require.NoError(t, err)
	_, err = srp.KnownGroup(proton.N, 2, g.Digest())
	require.NoError(t, err)
	for _, known := range []srp.GroupRef{{N: primeNotSafe.Bytes(), G: 2}, {N: proton.N, G: 3}} {
		_, err = srp.KnownGroup(known.N, known.G, g.Digest())
		require.ErrorIs(t, err, srp.ErrPolicy)
	}
	// The moduli of RFC 5054 take no long proof, whatever the g.
	rfc8192, err := srp.RFC5054Group(8192)
	require.NoError(t, err)
	start = time.Now()
	for _, g := range []int{2, 3, 4, 7} {
		_, err = srp.NewGroup(rfc8192.Ref().N, g)
		if err != nil {
			require.ErrorIs(t, err, srp.ErrPolicy)
		}
	}
	require.Less(t, time.Since(start), 15*time.Second)
	// What a device vouches for is good for its logins, and proves nothing.
	false1 := srp.GroupRef{N: primeNotSafe.Bytes(), G: 2}
	_, err = srp.KnownGroup(false1.N, false1.G, safeprime.Digest(false1.N, false1.G))
	require.NoError(t, err)
	_, err = srp.NewGroup(false1.N, false1.G)
	require.ErrorIs(t, err, srp.ErrPolicy)
	record, err := srp.NewRecord(srp.RFC5054SHA1(0), false1, alice, []byte{1}, bytes.Repeat([]byte{0x11}, 256))
	require.NoError(t, err)
	require.Equal(t, srp.ErrRecord, srp.CheckRecord(record.Bytes()))
}

// TestClientGroupPolicy: a group that would verify is refused none the less if
// the client's policy does not know where it is from.
func TestClientGroupPolicy(t *testing.T) {
	proton := signedGroup(t, loadProton(t).Verifier.SignedModulus)
	second := signedGroup(t, loadProton(t).SecondSignedModulus)
	answer := func(c *srp.Client, p srp.Profile, g srp.GroupRef) error {
		login, _, err := c.Login(alice, password)
		require.NoError(t, err)
		B := make([]byte, len(g.N))
		B[0], B[len(B)-1] = 5, 5
		_, err = login.Answer(context.Background(), srp.Challenge{Profile: p, Group: g, Salt: make([]byte, 10), B: B})
		return err
	}
	group := func(bits int) srp.GroupRef {
		g, err := srp.RFC5054Group(bits)
		require.NoError(t, err)
		return g.Ref()
	}
	sha1 := srp.RFC5054SHA1(0)
	plain, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{sha1}})
	require.NoError(t, err)
	for bits, want := range map[int]error{2048: nil, 3072: nil, 4096: nil, 6144: srp.ErrPolicy, 8192: srp.ErrPolicy} {
		require.ErrorIs(t, answer(plain, sha1, group(bits)), want, bits)
	}
	require.ErrorIs(t, answer(plain, sha1, proton), srp.ErrPolicy)
	claimed := group(2048)
	claimed.Credential = []byte("vouched for")
	require.ErrorIs(t, answer(plain, sha1, claimed), srp.ErrPolicy)

	signed := protonClient(t, 4)
	require.NoError(t, answer(signed, srp.Proton(4), proton))
	require.ErrorIs(t, answer(signed, srp.Proton(4), group(2048)), srp.ErrPolicy)
	require.ErrorIs(t, answer(signed, srp.Proton(4), group(2048)), openpgp.ErrMessage, "the callback's own error is kept")
	require.ErrorIs(t, answer(signed, srp.Proton(4), srp.GroupRef{N: proton.N, G: 2}), srp.ErrPolicy)
	require.ErrorIs(t, answer(signed, srp.Proton(4), srp.GroupRef{N: proton.N, G: 2, Credential: second.Credential}), srp.ErrPolicy)
	require.ErrorIs(t, answer(signed, srp.Proton(3), proton), srp.ErrPolicy, "a profile that is not listed")
	require.ErrorIs(t, answer(signed, srp.Profile{}, proton), srp.ErrPolicy)

	long := srp.GroupRef{N: proton.N, G: 2, Credential: make([]byte, srp.MaxCredential+1)}
	any2048, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.Proton(4)}, AcceptGroup: srp.AnyGroup(2048)})
	require.NoError(t, err)
	require.ErrorIs(t, answer(any2048, srp.Proton(4), long), srp.ErrPolicy)
	require.NoError(t, answer(any2048, srp.Proton(4), second))
}

// TestAttack09_ServerProvesFirst: M2 and the key come out of no call before M1
// is verified. What Begin gives out holds neither, and a wrong M1 gets
// neither, whatever else is right.
func TestAttack09_ServerProvesFirst(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		login, request, err := r.client.Login(alice, password)
		require.NoError(t, err)
		response, pending, err := r.server.Begin(t.Context(), alice, r.record.Bytes(), request)
		require.NoError(t, err)
		final, err := login.Respond(t.Context(), response)
		require.NoError(t, err)
		wrong := bytes.Clone(final)
		wrong[len(wrong)-1] ^= 1
		reply, key, err := r.server.Finish(t.Context(), alice, pending, wrong)
		require.Equal(t, srp.ErrAuthentication, err)
		require.Nil(t, reply)
		require.Nil(t, key)

		for _, cut := range []int{2 + 256, len(final) - 1} { // no M1, a short one
			_, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
			require.NoError(t, err)
			_, _, err = r.server.Finish(t.Context(), alice, pending, final[:cut])
			require.Equal(t, srp.ErrMalformed, err)
		}
		_, pending, err = r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		_, _, err = r.server.Verify(t.Context(), alice, pending, srp.Proof{A: final[2 : 2+256]})
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
		m2, key, err := r.server.Verify(t.Context(), alice, pending, p)
		require.Equal(t, err == nil, m2 != nil)
		require.Equal(t, err == nil, key != nil)
		return err
	}
	require.NoError(t, verify(right))
	for bit, flipped := range testvec.BitFlips(right.M1) {
		require.Equal(t, srp.ErrAuthentication, verify(srp.Proof{A: right.A, M1: flipped}), "bit %d", bit)
	}
}

func TestAttack10_Enumeration(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		challenge := func(id, record []byte) srp.Challenge {
			c, pending, err := r.server.Challenge(t.Context(), id, record)
			require.NoError(t, err)
			require.NotEmpty(t, pending)
			return c
		}
		known, unknown := challenge(alice, r.record.Bytes()), challenge([]byte("nobody"), nil)
		require.Equal(t, known.Profile, unknown.Profile)
		require.Equal(t, known.Group, unknown.Group)
		require.Len(t, unknown.Salt, len(known.Salt))
		require.Len(t, unknown.B, len(known.B))
		require.NotZero(t, unknown.Salt[0])

		again := challenge([]byte("nobody"), []byte{})
		require.Equal(t, unknown.Salt, again.Salt, "stable for the name")
		require.NotEqual(t, unknown.B, again.B, "a full B each time")
		require.NotEqual(t, unknown.Salt, challenge([]byte("no one"), nil).Salt)
		require.NotEqual(t, unknown.Salt, known.Salt)

		// The verifier behind B is fixed for the name as well, and its own.
		b := bytes.Repeat([]byte{0xb0}, 32)
		withB := func(id string) []byte {
			c, _, err := r.server.ChallengeWith(t.Context(), []byte(id), nil, b)
			require.NoError(t, err)
			return c.B
		}
		require.Equal(t, withB("nobody"), withB("nobody"))
		require.NotEqual(t, withB("nobody"), withB("no one"))

		// Sizes of what travels, errors of what fails.
		_, request, err := r.client.Login(alice, password)
		require.NoError(t, err)
		response1, pending1, err := r.server.Begin(t.Context(), alice, r.record.Bytes(), request)
		require.NoError(t, err)
		response2, pending2, err := r.server.Begin(t.Context(), []byte("nobody"), nil, request)
		require.NoError(t, err)
		require.Len(t, response2, len(response1))
		require.Len(t, pending2, len(pending1))
		_, pending, final := r.begin(t, []byte("nobody"), nil, password)
		_, _, err1 := r.server.Finish(t.Context(), []byte("nobody"), pending, final)
		_, pending, final = r.begin(t, alice, r.record.Bytes(), []byte("wrong"))
		_, _, err2 := r.server.Finish(t.Context(), alice, pending, final)
		require.Equal(t, srp.ErrAuthentication, err1)
		require.Equal(t, err1, err2)

		// The same work.
		begin := func(id, record []byte) func() {
			return func() {
				if _, _, err := r.server.Challenge(context.Background(), id, record); err != nil {
					t.Error(err)
				}
			}
		}
		record := r.record.Bytes()
		require.InDelta(t, testing.AllocsPerRun(50, begin(alice, record)), testing.AllocsPerRun(50, begin([]byte("nobody"), nil)), 1)
	}
}

// TestAttack10_SameWorkWhateverTheKind: with kinds of very different cost, a
// name's answer costs what its own kind costs, and not what the decoy would
// that it might have had.
func TestAttack10_SameWorkWhateverTheKind(t *testing.T) {
	small := sha256Rig(t)
	group, err := srp.RFC5054Group(4096)
	require.NoError(t, err)
	large := srp.Template{Profile: srp.RFC5054SHA512(0), Group: group, Weight: 1}
	server := newServer(t, small.template, large)
	record := small.record.Bytes()
	allocations := make(map[string]float64)
	for i := range byte(12) {
		id := []byte{'x', i}
		unknown, _, err := server.Challenge(t.Context(), id, nil)
		require.NoError(t, err)
		work := func(record []byte) float64 {
			return testing.AllocsPerRun(3, func() {
				if _, _, err := server.Challenge(context.Background(), id, record); err != nil {
					t.Error(err)
				}
			})
		}
		known := work(record)
		if base, ok := allocations["known"]; ok {
			require.InDelta(t, base, known, 2, "whatever the name would draw")
		}
		allocations["known"] = known
		if unknown.Profile == small.profile {
			require.InDelta(t, known, work(nil), 2)
			allocations["small"]++
		}
	}
	require.Greater(t, allocations["small"], 1.0)
	require.Less(t, allocations["small"], 11.0, "some draw the other kind")
}

// TestAttack10_DecoysMoveWithTheirKind: a name whose kind changes gets a new
// salt, as an account that registers anew does.
func TestAttack10_DecoysMoveWithTheirKind(t *testing.T) {
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	larger, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, template := range []srp.Template{
		{Profile: srp.RFC5054SHA1(0), Group: group},
		{Profile: srp.RFC5054SHA256(0), Group: group},
		{Profile: srp.RFC5054SHA256(0), Group: larger},
		{Profile: srp.RFC5054SHA256(0), Group: group, SaltSize: 32},
		{Profile: srp.Proton(4), Group: group},
	} {
		template.Weight = 1
		c, _, err := newServer(t, template).Challenge(t.Context(), []byte("nobody"), nil)
		require.NoError(t, err)
		seen[string(c.Salt[:10])] = true
	}
	require.Len(t, seen, 5)
}

// TestAttack10_OldProtonAccounts have no salt, known or unknown.
func TestAttack10_OldProtonAccounts(t *testing.T) {
	r := newRig(t, srp.Proton(2))
	known, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	unknown, _, err := r.server.Challenge(t.Context(), []byte("nobody"), nil)
	require.NoError(t, err)
	require.Empty(t, known.Salt)
	require.Empty(t, unknown.Salt)
	require.Equal(t, known.Group, unknown.Group)
}

// TestAttack10_NobodyLogsInAsNobody: not even a proof that is right lets
// anyone in under an unknown name.
func TestAttack10_NobodyLogsInAsNobody(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		b := bytes.Repeat([]byte{0xb0}, 32)
		try := func(id, record []byte) error {
			c, pending, err := r.server.ChallengeWith(t.Context(), id, record, b)
			require.NoError(t, err)
			m2, key, err := r.server.Verify(t.Context(), id, pending, proofFromB(t, profile, id, c, b))
			require.Equal(t, err == nil, m2 != nil)
			require.Equal(t, err == nil, key != nil)
			return err
		}
		require.NoError(t, try(alice, r.record.Bytes()), "the proof is right")
		require.Equal(t, srp.ErrAuthentication, try([]byte("nobody"), nil))
	}
}

// proofFromB makes the right proof for a challenge without the password, from
// b, which only a test can know: v = (B − g^b)/k, S = (A·v^u)^b.
func proofFromB(t *testing.T, profile srp.Profile, I []byte, c srp.Challenge, b []byte) srp.Proof {
	ref := allProfiles(t)[profile]
	ref.I, ref.s = I, c.Salt
	exponent := new(big.Int).SetBytes(b)
	v := new(big.Int).Exp(ref.g, exponent, ref.N)
	v.Sub(ref.number(c.B), v).Mul(v, new(big.Int).ModInverse(ref.k(), ref.N)).Mod(v, ref.N)
	A := new(big.Int).Exp(ref.g, big.NewInt(123456), ref.N)
	out := &values{A: ref.pad(A), B: c.B}
	S := v.Exp(v, ref.u(out.A, out.B), ref.N)
	ref.prove(out, S.Mul(S, A).Exp(S, exponent, ref.N))
	return srp.Proof{A: out.A, M1: out.M1}
}

// TestAttack10_Templates: unknown names spread over the kinds of accounts by
// their weights, each name always the same, and a new kind of weight 0 moves
// none of them.
func TestAttack10_Templates(t *testing.T) {
	signed := newRig(t, srp.Proton(4)).template
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	small := srp.Template{Profile: srp.RFC5054SHA1(0), Group: group, SaltSize: 32}
	signed.Weight, small.Weight = 3, 1
	before := newServer(t, signed, small)
	after := newServer(t, signed, small, srp.Template{Profile: srp.RFC5054SHA512(0), Group: group})
	count := make(map[srp.Profile]int)
	const names = 2000
	for i := range names {
		id := []byte{byte(i), byte(i >> 8), 'x'}
		c1, _, err := before.Challenge(t.Context(), id, nil)
		require.NoError(t, err)
		if i < 200 {
			c2, _, err := after.Challenge(t.Context(), id, nil)
			require.NoError(t, err)
			c2.B = c1.B
			require.Equal(t, c1, c2)
		}
		count[c1.Profile]++
		require.NotZero(t, c1.Salt[0], "like a new salt")
		if c1.Profile == small.Profile {
			require.Len(t, c1.Salt, 32)
			require.Equal(t, group.Ref().N, c1.Group.N)
		} else {
			require.Len(t, c1.Salt, 10)
			require.Equal(t, signed.Group.Ref(), c1.Group)
		}
	}
	require.InDelta(t, names*3/4, count[signed.Profile], 100)
	require.Equal(t, names, count[signed.Profile]+count[small.Profile])
}

func TestAttack11_ManyGuessesOnOneB(t *testing.T) {
	r := sha256Rig(t)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	wrong := bytes.Clone(final)
	wrong[len(wrong)-1] ^= 1
	_, _, err := r.server.Finish(t.Context(), alice, pending, wrong)
	require.Equal(t, srp.ErrAuthentication, err)
	_, _, err = r.server.Finish(t.Context(), alice, pending, final)
	require.Equal(t, srp.ErrState, err, "the right proof comes too late")

	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = r.server.Finish(t.Context(), alice, pending, nil)
	require.Equal(t, srp.ErrMalformed, err)
	_, _, err = r.server.Finish(t.Context(), alice, pending, final)
	require.Equal(t, srp.ErrState, err, "a message that is none burns the state too")

	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = r.server.Finish(t.Context(), alice, pending, final)
	require.NoError(t, err)
	_, _, err = r.server.Finish(t.Context(), alice, pending, final)
	require.Equal(t, srp.ErrState, err)
}

func TestAttack12_BadVerifier(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		stored := r.record.Bytes()
		for name, v := range degenerate(r.group.Ref().N) {
			v = wireOrder(profile, v)
			_, err := srp.NewRecord(profile, r.group.Ref(), alice, r.record.Salt(), v)
			require.Equal(t, srp.ErrRecord, err, "%s v=%s", profile, name)
			bad := append(bytes.Clone(stored[:len(stored)-256]), v...)
			require.Equal(t, srp.ErrRecord, srp.CheckRecord(bad), "%s v=%s", profile, name)
			require.Equal(t, srp.ErrRecord, r.server.Admit(bad), "%s v=%s", profile, name)
			_, _, err = r.server.Challenge(t.Context(), alice, bad)
			require.Equal(t, srp.ErrRecord, err, "%s v=%s", profile, name)
		}
	}
}

func TestAttack13_PendingIsForgedReplayedExpiredOrSwapped(t *testing.T) {
	r := sha256Rig(t)
	c := &clock{time.Now()}
	server, err := srp.NewServerAt(srp.ServerConfig{Secrets: testSecrets, Templates: []srp.Template{r.template}}, c.now)
	require.NoError(t, err)
	r.server = server
	finish := func(id, pending, final []byte) error {
		reply, key, err := r.server.Finish(context.Background(), id, pending, final)
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
	require.Equal(t, srp.ErrState, finish(nil, pending, final))
	require.NoError(t, finish(alice, pending, final))
	require.Equal(t, srp.ErrState, finish(alice, pending, final), "replayed")

	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	c.t = c.t.Add(60*time.Second - time.Millisecond)
	require.NoError(t, finish(alice, pending, final))
	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	c.t = c.t.Add(60 * time.Second)
	require.Equal(t, srp.ErrState, finish(alice, pending, final), "expired")

	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	r.server, err = srp.NewServerAt(srp.ServerConfig{
		Secrets:   srp.Secrets{Decoy: testSecrets.Decoy, State: [][]byte{bytes.Repeat([]byte{7}, 32)}},
		Templates: []srp.Template{r.template},
	}, c.now)
	require.NoError(t, err)
	require.Equal(t, srp.ErrState, finish(alice, pending, final), "sealed under another key")
}
