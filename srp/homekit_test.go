package srp_test

import (
	"bytes"
	"crypto/rand"
	"math/big"
	"testing"
	"testing/cryptotest"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestHomeKitHasOneGroup: everything that takes a group refuses any other.
func TestHomeKitHasOneGroup(t *testing.T) {
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.HomeKit()}, GroupPolicy: srp.AnyGroup(8192)})
	require.NoError(t, err)
	right, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	small, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	large, err := srp.RFC5054Group(4096)
	require.NoError(t, err)
	for name, g := range map[string]srp.UnverifiedGroup{
		"2048 bits": small.Unverified(), "4096 bits": large.Unverified(), "g=7": {N: right.Unverified().N, G: 7},
	} {
		_, err := srp.NewRecord(srp.HomeKit(), g, kdf.Params{}, alice, []byte{1}, bytes.Repeat([]byte{0x11}, len(g.N)))
		require.ErrorIs(t, err, srp.ErrRecord, name)
		_, err = makeRecord(t.Context(), client, srp.HomeKit(), g, kdf.Params{}, alice, password)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		login, _, err := client.Login(alice, password)
		require.NoError(t, err)
		_, err = login.Answer(t.Context(), srp.Challenge{Profile: srp.HomeKit(), Group: g, Salt: []byte{1}, B: bytes.Repeat([]byte{0x11}, len(g.N))})
		require.ErrorIs(t, err, srp.ErrPolicy, name)
	}
	_, err = srp.NewServer(config(srp.Kind{Profile: srp.HomeKit(), Groups: []*srp.Group{small}}))
	require.ErrorIs(t, err, srp.ErrPolicy)
}

// TestHomeKitDegenerateValues is attacks 1 and 2 for the profile that takes
// short values.
func TestHomeKitDegenerateValues(t *testing.T) {
	r := newRig(t, srp.HomeKit())
	for name, value := range degenerate(r.group.Unverified().N) {
		if name == "one byte short" {
			continue // the number 5
		}
		_, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		_, _, err = r.server.Verify(t.Context(), alice, r.record.Bytes(), pending, srp.Proof{A: value, M1: make([]byte, 64)})
		require.Equal(t, srp.ErrMalformed, err, "A=%s", name)
		login, _, err := r.client.Login(alice, password)
		require.NoError(t, err)
		_, err = login.Answer(t.Context(), srp.Challenge{Profile: r.profile, Group: r.group.Unverified(), Salt: r.record.Salt(), B: value})
		require.Equal(t, srp.ErrMalformed, err, "B=%s", name)
	}
}

// shortVectors are the vectors of leading_zeros.json in which A, or B, starts
// with one zero byte or two, by profile.
func shortVectors(t testing.TB, value string) map[srp.Profile][]zeroVector {
	found := make(map[srp.Profile][]zeroVector)
	for _, v := range testvec.Load[[]zeroVector](t, testdata, "testdata/leading_zeros.json") {
		if v.Value == value {
			profile, err := srp.ParseProfile(v.Profile)
			require.NoError(t, err)
			found[profile] = append(found[profile], v)
		}
	}
	return found
}

// goodExponent is an exponent for which neither A nor B of these vectors starts
// with a zero byte. The tests check that.
var goodExponent = bytes.Repeat([]byte{0x5a}, 32)

// recordOf returns the record of a vector's account.
func (r *rig) recordOf(t testing.TB, v zeroVector) *srp.Record {
	salt := []byte(v.Salt)
	if version, ok := r.profile.ProtonVersion(); ok && version < 3 {
		salt = nil // a record of these has none
	}
	record, err := srp.RegisterWith(r.profile, r.group.Unverified(), r.kind.KDF, []byte(v.I), []byte(v.P), salt)
	require.NoError(t, err)
	return record
}

// drawA returns the A of a client that tries the exponents in turn.
func (r *rig) drawA(t testing.TB, v zeroVector, exponents ...[]byte) []byte {
	c, _, err := r.server.Challenge(t.Context(), alice, r.recordOf(t, v).Bytes())
	require.NoError(t, err)
	login, _, err := r.client.WithExponents(exponents...).Login([]byte(v.I), []byte(v.P))
	require.NoError(t, err)
	proof, err := login.Answer(t.Context(), c)
	require.NoError(t, err)
	return proof.A
}

// drawB returns the B of a server that tries the exponents in turn.
func (r *rig) drawB(t testing.TB, v zeroVector, exponents ...[]byte) []byte {
	c, _, err := r.server.WithExponents(exponents...).Challenge(t.Context(), alice, r.recordOf(t, v).Bytes())
	require.NoError(t, err)
	return c.B
}

// reference returns the second implementation's values for a vector, with other
// exponents.
func (v zeroVector) reference(r reference, a, b []byte) *values {
	r.I, r.P, r.s = []byte(v.I), []byte(v.P), v.Salt
	return r.run(new(big.Int).SetBytes(a), new(big.Int).SetBytes(b))
}

// TestHomeKitDrawsShortValuesAgain: an exponent whose A or B starts with a zero
// byte is passed over, as often as it takes.
func TestHomeKitDrawsShortValuesAgain(t *testing.T) {
	r, plain := newRig(t, srp.HomeKit()), allProfiles(t)[srp.HomeKit()]
	short := shortVectors(t, "A")[srp.HomeKit()]
	require.Len(t, short, 2)
	for _, v := range short {
		require.Zero(t, v.reference(plain, v.A0, v.B0).A[0])
		want := v.reference(plain, goodExponent, v.B0).A
		require.NotZero(t, want[0])
		require.Equal(t, want, r.drawA(t, v, goodExponent))
		require.Equal(t, want, r.drawA(t, v, v.A0, goodExponent))
		require.Equal(t, want, r.drawA(t, v, short[0].A0, short[1].A0, v.A0, goodExponent))
	}
	short = shortVectors(t, "B")[srp.HomeKit()]
	require.Len(t, short, 2)
	require.Equal(t, short[0].Salt, short[1].Salt, "they are of one record")
	for _, v := range short {
		require.Zero(t, v.reference(plain, v.A0, v.B0).B[0])
		want := v.reference(plain, v.A0, goodExponent).B
		require.NotZero(t, want[0])
		require.Equal(t, want, r.drawB(t, v, goodExponent))
		require.Equal(t, want, r.drawB(t, v, v.B0, goodExponent))
		require.Equal(t, want, r.drawB(t, v, short[0].B0, short[1].B0, v.B0, goodExponent))
	}
}

// TestOtherProfilesKeepShortValues: every other profile fixes how short values
// are hashed, and takes the first exponent.
func TestOtherProfilesKeepShortValues(t *testing.T) {
	plain := allProfiles(t)
	for profile, reference := range plain {
		if version, ok := profile.ProtonVersion(); profile == srp.HomeKit() || !testvec.Long && ok && version != 4 {
			continue // a bcrypt each
		}
		r := newRig(t, profile)
		v := shortVectors(t, "A")[profile][0]
		require.Equal(t, v.reference(reference, v.A0, v.B0).A, r.drawA(t, v, v.A0, goodExponent), profile)
		v = shortVectors(t, "B")[profile][0]
		require.Equal(t, v.reference(reference, v.A0, v.B0).B, r.drawB(t, v, v.B0, goodExponent), profile)
	}
}

// TestHomeKitDrawsAgainFromTheRandomSource needs no hook: it gives the client a
// random source whose first exponent makes A short.
func TestHomeKitDrawsAgainFromTheRandomSource(t *testing.T) {
	r, plain := newRig(t, srp.HomeKit()), allProfiles(t)[srp.HomeKit()]
	c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	draw := func() (A []byte) {
		a := make([]byte, 36)
		rand.Read(a)
		return plain.pad(new(big.Int).Exp(plain.g, new(big.Int).SetBytes(a), plain.N))
	}
	seed := uint64(0)
	for cryptotest.SetGlobalRandom(t, seed); draw()[0] != 0; cryptotest.SetGlobalRandom(t, seed) {
		seed++
	}
	want := draw()
	require.NotZero(t, want[0])

	login, _, err := r.client.Login(alice, password)
	require.NoError(t, err)
	cryptotest.SetGlobalRandom(t, seed)
	proof, err := login.Answer(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, want, proof.A)
}

// TestHomeKitPeersAgree: software for HomeKit hashes A, B and S in full length
// or without leading zero bytes. It computes the same M1 and M2 in a login whose
// A and B are drawn as here, unless S is short.
func TestHomeKitPeersAgree(t *testing.T) {
	plain := allProfiles(t)[srp.HomeKit()]
	require.True(t, plain.minABS, "strips A, B and S, except A in M2")
	agree := func(v zeroVector, values *values) bool {
		S := plain.number(values.S)
		for _, peer := range []reference{
			{minABS: true},  // strips all, as srptools
			{minABS: false}, // strips nothing, as fast-srp-hap
		} {
			peer.hash, peer.proton, peer.minG, peer.N, peer.g = plain.hash, plain.proton, plain.minG, plain.N, plain.g
			peer.I, peer.s = []byte(v.I), v.Salt
			theirs := *values
			peer.prove(&theirs, S)
			if !bytes.Equal(theirs.M1, values.M1) || !bytes.Equal(theirs.M2, values.M2) {
				return false
			}
		}
		return true
	}

	for _, v := range shortVectors(t, "A")[srp.HomeKit()] {
		require.False(t, agree(v, v.reference(plain, v.A0, v.B0)), "what the first exponent would have done")
		require.True(t, agree(v, v.reference(plain, goodExponent, v.B0)))
	}
	for _, v := range shortVectors(t, "B")[srp.HomeKit()] {
		require.False(t, agree(v, v.reference(plain, v.A0, v.B0)), "what the first exponent would have done")
		require.True(t, agree(v, v.reference(plain, v.A0, goodExponent)))
	}
	for _, v := range shortVectors(t, "S")[srp.HomeKit()] {
		require.False(t, agree(v, v.reference(plain, v.A0, v.B0)), "a short S")
	}
	in, v := testvec.NewAccumulated("HomeKit peers"), shortVectors(t, "S")[srp.HomeKit()][0]
	for range 10 {
		values := v.reference(plain, in.Input(36), in.Input(36))
		full := values.A[0] != 0 && values.B[0] != 0 && values.S[0] != 0
		require.Equal(t, full, agree(v, values))
	}
}
