package srp_test

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/safeprime"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

func TestAttack06_GeneratorOfASubgroup(t *testing.T) {
	proton := signedGroup(t, loadProton(t).Verifier.SignedModulus)
	rfc, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	_, err = srp.NewGroup(proton.N, 2)
	require.NoError(t, err)
	for name, g := range map[string]srp.UnverifiedGroup{
		"g=0":               {N: proton.N, G: 0},
		"g=1":               {N: proton.N, G: 1},
		"g=-1":              {N: proton.N, G: -1},
		"g=4":               {N: proton.N, G: 4},
		"3072 bits and g=2": {N: rfc.Unverified().N, G: 2},
		"3072 bits and g=4": {N: rfc.Unverified().N, G: 4},
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
func refusedByAll(t *testing.T, name string, g srp.UnverifiedGroup) {
	profile := srp.RFC5054SHA1(0)
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile}, GroupPolicy: srp.AnyGroup(1 << 20)})
	require.NoError(t, err)
	_, err = makeRecord(t.Context(), client, profile, g, kdf.Params{}, alice, password)
	require.ErrorIs(t, err, srp.ErrPolicy, name)
	login, _, err := client.Login(alice, password)
	require.NoError(t, err)
	five := make([]byte, len(g.N))
	if len(five) > 0 {
		five[len(five)-1] = 5
	}
	_, err = login.Answer(t.Context(), srp.Challenge{Profile: profile, Group: g, Salt: []byte{1}, B: five})
	require.ErrorIs(t, err, srp.ErrPolicy, name)

	record, err := srp.NewRecord(profile, g, kdf.Params{}, alice, []byte{1}, five)
	if err == nil { // its form is good: the proof finds it out
		require.ErrorIs(t, srp.CheckRecord(record.Bytes()), srp.ErrRecord, name)
	} else {
		require.ErrorIs(t, err, srp.ErrRecord, name)
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
		refusedByAll(t, name, srp.UnverifiedGroup{N: n, G: 2})
	}
	require.Less(t, time.Since(start), 30*time.Second)

	// A digest of one group does not vouch for another, nor for another g.
	g, err := srp.NewGroup(proton.N, 2)
	require.NoError(t, err)
	_, err = srp.KnownGroup(proton.N, 2, g.Digest())
	require.NoError(t, err)
	for _, known := range []srp.UnverifiedGroup{{N: primeNotSafe.Bytes(), G: 2}, {N: proton.N, G: 3}} {
		_, err = srp.KnownGroup(known.N, known.G, g.Digest())
		require.ErrorIs(t, err, srp.ErrPolicy)
	}
	// The moduli of RFC 5054 take no long proof, whatever the g.
	rfc8192, err := srp.RFC5054Group(8192)
	require.NoError(t, err)
	big8192 := new(big.Int).SetBytes(rfc8192.Unverified().N)
	start = time.Now()
	new(big.Int).Exp(big.NewInt(3), new(big.Int).Rsh(big8192, 1), big8192)
	exponentiation := time.Since(start)
	start = time.Now()
	for _, g := range []int{2, 3, 4, 7} {
		_, err = srp.NewGroup(rfc8192.Unverified().N, g)
		if err != nil {
			require.ErrorIs(t, err, srp.ErrPolicy)
		}
	}
	require.Less(t, time.Since(start), 50*exponentiation, "a long proof takes more than 64 for each g")
	// What a device vouches for is good for its logins, and proves nothing.
	false1 := srp.UnverifiedGroup{N: primeNotSafe.Bytes(), G: 2}
	_, err = srp.KnownGroup(false1.N, false1.G, safeprime.Digest(false1.N, false1.G))
	require.NoError(t, err)
	_, err = srp.NewGroup(false1.N, false1.G)
	require.ErrorIs(t, err, srp.ErrPolicy)
	record, err := srp.NewRecord(srp.RFC5054SHA1(0), false1, kdf.Params{}, alice, []byte{1}, bytes.Repeat([]byte{0x11}, 256))
	require.NoError(t, err)
	require.ErrorIs(t, srp.CheckRecord(record.Bytes()), srp.ErrRecord)
}

// TestClientGroupPolicy: a group that would verify is refused none the less if
// the client's policy does not know where it is from.
func TestClientGroupPolicy(t *testing.T) {
	proton := signedGroup(t, loadProton(t).Verifier.SignedModulus)
	second := signedGroup(t, loadProton(t).SecondSignedModulus)
	answer := func(c *srp.Client, p srp.Profile, g srp.UnverifiedGroup) error {
		login, _, err := c.Login(alice, password)
		require.NoError(t, err)
		B := make([]byte, len(g.N))
		B[0], B[len(B)-1] = 5, 5
		_, err = login.Answer(context.Background(), srp.Challenge{Profile: p, Group: g, Salt: make([]byte, 10), B: B})
		return err
	}
	group := func(bits int) srp.UnverifiedGroup {
		g, err := srp.RFC5054Group(bits)
		require.NoError(t, err)
		return g.Unverified()
	}
	sha1 := srp.RFC5054SHA1(0)
	plain, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{sha1}})
	require.NoError(t, err)
	for bits, want := range map[int]error{2048: nil, 3072: nil, 4096: nil, 6144: srp.ErrPolicy, 8192: srp.ErrPolicy} {
		require.ErrorIs(t, answer(plain, sha1, group(bits)), want, bits)
	}
	require.ErrorIs(t, answer(plain, sha1, proton), srp.ErrPolicy)
	claimed := group(2048)
	claimed.Certificate = []byte("vouched for")
	require.ErrorIs(t, answer(plain, sha1, claimed), srp.ErrPolicy)

	signed := protonClient(t, 4)
	require.NoError(t, answer(signed, srp.Proton(4), proton))
	require.ErrorIs(t, answer(signed, srp.Proton(4), group(2048)), srp.ErrPolicy)
	require.ErrorIs(t, answer(signed, srp.Proton(4), group(2048)), openpgp.ErrUntrusted, "the callback's own error is kept")
	require.ErrorIs(t, answer(signed, srp.Proton(4), srp.UnverifiedGroup{N: proton.N, G: 2}), srp.ErrPolicy)
	require.ErrorIs(t, answer(signed, srp.Proton(4), srp.UnverifiedGroup{N: proton.N, G: 2, Certificate: second.Certificate}), srp.ErrPolicy)
	require.ErrorIs(t, answer(signed, srp.Proton(3), proton), srp.ErrPolicy, "a profile that is not listed")
	require.ErrorIs(t, answer(signed, srp.Profile{}, proton), srp.ErrPolicy)

	long := srp.UnverifiedGroup{N: proton.N, G: 2, Certificate: make([]byte, srp.MaxCertificate+1)}
	any2048, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.Proton(4)}, GroupPolicy: srp.AnyGroup(2048)})
	require.NoError(t, err)
	require.ErrorIs(t, answer(any2048, srp.Proton(4), long), srp.ErrPolicy)
	require.NoError(t, answer(any2048, srp.Proton(4), second))
}

// TestAnyOf: one policy is enough, and none accepts nothing.
func TestAnyOf(t *testing.T) {
	ref, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	other := errors.New("other")
	refuse := func([]byte, int, []byte) error { return other }
	n, g := ref.Unverified().N, ref.Unverified().G
	require.NoError(t, srp.AnyOf(refuse, srp.RFC5054Groups)(n, g, nil))
	require.NoError(t, srp.AnyOf(srp.RFC5054Groups, refuse)(n, g, nil))
	err = srp.AnyOf(refuse, srp.RFC5054Groups)(n, g, []byte("certificate"))
	require.ErrorIs(t, err, other)
	require.ErrorIs(t, err, srp.ErrPolicy)
	require.ErrorIs(t, srp.AnyOf()(n, g, nil), srp.ErrPolicy)
	require.Error(t, srp.AnyOf(func(n []byte, _ int, _ []byte) error { n[0] ^= 1; return other }, refuse)(n, g, nil))
	require.Equal(t, ref.Unverified().N, n, "a policy gets copies")
}
