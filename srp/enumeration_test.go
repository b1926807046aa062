package srp_test

import (
	"bytes"
	"context"
	"math/big"
	"testing"

	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

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
		response1, pending1, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
		require.NoError(t, err)
		response2, pending2, err := r.server.BeginLogin(t.Context(), []byte("nobody"), nil, request)
		require.NoError(t, err)
		require.Len(t, response2, len(response1))
		require.Len(t, pending2, len(pending1))
		_, pending, final := r.begin(t, []byte("nobody"), nil, password)
		_, _, err1 := r.server.FinishLogin(t.Context(), []byte("nobody"), nil, pending, final)
		_, pending, final = r.begin(t, alice, r.record.Bytes(), []byte("wrong"))
		_, _, err2 := r.server.FinishLogin(t.Context(), alice, r.record.Bytes(), pending, final)
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
	large := srp.Kind{Profile: srp.RFC5054SHA512(0), Groups: []*srp.Group{group}, Weight: 1}
	server := newServer(t, small.kind, large)
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
	for _, kind := range []srp.Kind{
		{Profile: srp.RFC5054SHA1(0), Groups: []*srp.Group{group}},
		{Profile: srp.RFC5054SHA256(0), Groups: []*srp.Group{group}},
		{Profile: srp.RFC5054SHA256(0), Groups: []*srp.Group{larger}},
		{Profile: srp.RFC5054SHA256(0), Groups: []*srp.Group{group}, SaltSize: 32},
		{Profile: srp.Proton(4), Groups: []*srp.Group{group}},
	} {
		kind.Weight = 1
		c, _, err := newServer(t, kind).Challenge(t.Context(), []byte("nobody"), nil)
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
			m2, key, err := r.server.Verify(t.Context(), id, record, pending, proofFromB(t, profile, id, c, b))
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
	signed := newRig(t, srp.Proton(4)).kind
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	small := srp.Kind{Profile: srp.RFC5054SHA1(0), Groups: []*srp.Group{group}, SaltSize: 32}
	signed.Weight, small.Weight = 3, 1
	before := newServer(t, signed, small)
	after := newServer(t, srp.Kind{Profile: srp.RFC5054SHA512(0), Groups: []*srp.Group{group}}, signed, small)
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
			require.Equal(t, group.Unverified().N, c1.Group.N)
		} else {
			require.Len(t, c1.Salt, 10)
			require.Equal(t, signed.Groups[0].Unverified(), c1.Group)
		}
	}
	require.InDelta(t, names*3/4, count[signed.Profile], 100)
	require.Equal(t, names, count[signed.Profile]+count[small.Profile])
}
