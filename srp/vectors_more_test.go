package srp_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/bcrypt"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// Vectors that other projects publish, or that another library computed.

// loginValues is what a login with given exponents puts on the wire, and its key.
type loginValues struct {
	v, A, B, M1, M2, key []byte
}

// wholeLogin runs a whole login of our client and our server with given
// exponents, whatever the profile thinks of them.
func wholeLogin(t testing.TB, profile srp.Profile, group *srp.Group, I, P, salt, a, b []byte) (e loginValues) {
	record, err := srp.RegisterWith(profile, group.Unverified(), kdf.Params{}, I, P, salt)
	require.NoError(t, err)
	server := newServer(t, srp.Kind{Profile: profile, Groups: []*srp.Group{group}})
	c, pending, err := server.ChallengeWith(t.Context(), I, record.Bytes(), b)
	require.NoError(t, err)

	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile}})
	require.NoError(t, err)
	login, _, err := client.WithExponent(a).Login(I, P)
	require.NoError(t, err)
	proof, err := login.Answer(t.Context(), c)
	require.NoError(t, err)
	m2, serverKey, err := server.Verify(t.Context(), I, record.Bytes(), pending, proof)
	require.NoError(t, err)
	key, err := login.Confirm(m2)
	require.NoError(t, err)
	require.Equal(t, serverKey, key)
	return loginValues{record.Verifier(), proof.A, c.B, proof.M1, m2, key}
}

// TestMozilla runs the vector of Firefox Accounts' first protocol. Its A, B, S,
// v and salt start with a zero byte.
func TestMozilla(t *testing.T) {
	vectors := testvec.Load[[]struct {
		I    string      `json:"I"`
		P    testvec.Hex `json:"P"`
		Salt testvec.Hex `json:"s"`
		A0   testvec.Hex `json:"a"`
		B0   testvec.Hex `json:"b"`
		K    testvec.Hex `json:"k"`
		V    testvec.Hex `json:"v"`
		A    testvec.Hex `json:"A"`
		B    testvec.Hex `json:"B"`
		U    testvec.Hex `json:"u"`
		S    testvec.Hex `json:"S"`
		MAbs testvec.Hex `json:"M_abs"`
	}](t, testdata, "testdata/mozilla.json")
	require.Len(t, vectors, 1)
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	profile, ref := srp.RFC5054SHA256(0), group.Unverified()
	for _, v := range vectors {
		for _, value := range [][]byte{v.Salt, v.V, v.A, v.B, v.S} {
			require.Zero(t, value[0])
		}
		got, err := srp.Compute(profile, ref.N, ref.G, []byte(v.I), v.P, v.Salt, v.A0, v.B0)
		require.NoError(t, err)
		require.Equal(t, new(big.Int).SetBytes(v.K), new(big.Int).SetBytes(got.K0))
		require.EqualValues(t, v.V, got.V)
		require.EqualValues(t, v.A, got.A)
		require.EqualValues(t, v.B, got.B)
		require.EqualValues(t, v.U, got.U)
		require.EqualValues(t, v.S, got.ClientS)
		require.EqualValues(t, v.S, got.ServerS)
		mAbs := sha256.Sum256(slices.Concat(got.A, got.B, got.ClientS))
		require.EqualValues(t, v.MAbs, mAbs[:])

		// Pending state has room for exponents of up to 255 bytes.
		login := wholeLogin(t, profile, group, []byte(v.I), v.P, v.Salt, v.A0, minimalBytes(v.B0))
		K := sha256.Sum256(v.S)
		require.EqualValues(t, v.V, login.v)
		require.EqualValues(t, v.A, login.A)
		require.EqualValues(t, v.B, login.B)
		require.Equal(t, K[:], login.key)

		r := reference{hash: crypto.SHA256, proton: -1, N: new(big.Int).SetBytes(ref.N), g: big.NewInt(int64(ref.G)),
			I: []byte(v.I), P: v.P, s: v.Salt}
		want := r.run(new(big.Int).SetBytes(v.A0), new(big.Int).SetBytes(v.B0))
		require.EqualValues(t, v.S, want.S)
		require.Equal(t, want.M1, login.M1)
		require.Equal(t, want.M2, login.M2)
	}
}

// srptoolsVector is a login of srptools, which strips the leading zero bytes of
// all integers.
type srptoolsVector struct {
	Hash  string      `json:"hash"`
	Bits  int         `json:"bits"`
	Short string      `json:"short"` // the value that is a byte short: A, B, S or none
	I     string      `json:"I"`
	P     string      `json:"P"`
	Salt  testvec.Hex `json:"s"`
	A0    testvec.Hex `json:"a"`
	B0    testvec.Hex `json:"b"`
	X     testvec.Hex `json:"x"`
	V     testvec.Hex `json:"v"`
	A     testvec.Hex `json:"A"`
	B     testvec.Hex `json:"B"`
	U     testvec.Hex `json:"u"`
	S     testvec.Hex `json:"S"`
	K     testvec.Hex `json:"K"`
	M1    testvec.Hex `json:"M1"`
	M2    testvec.Hex `json:"M2"`
}

func loadSRPTools(t testing.TB) []srptoolsVector {
	return testvec.Load[[]srptoolsVector](t, testdata, "testdata/srptools.json")
}

// TestSRPTools: the profiles with both flags compute what srptools computes.
// HomeKit differs in M2, and only if A is short: it hashes A in full length.
func TestSRPTools(t *testing.T) {
	const both = srp.MinimalG | srp.MinimalValues
	profiles := map[string][]srp.Profile{
		"sha256": {srp.RFC5054SHA256(both)},
		"sha512": {srp.RFC5054SHA512(both), srp.HomeKit()},
	}
	short := make(map[string]int)
	for _, v := range loadSRPTools(t) {
		group, err := srp.RFC5054Group(v.Bits)
		require.NoError(t, err)
		ref, size := group.Unverified(), v.Bits/8
		require.Equal(t, v.Short == "A", len(v.A) < size)
		require.Equal(t, v.Short == "B", len(v.B) < size)
		require.Equal(t, v.Short == "S", len(v.S) < size)
		short[v.Hash+v.Short]++
		for _, profile := range profiles[v.Hash] {
			name := profile.String() + ", short: " + v.Short
			got, err := srp.Compute(profile, ref.N, ref.G, []byte(v.I), []byte(v.P), v.Salt, v.A0, v.B0)
			require.NoError(t, err)
			require.EqualValues(t, v.X, got.X, name)
			require.EqualValues(t, v.U, got.U, name)
			require.Equal(t, fullLength(v.S, size), got.ClientS, name)
			require.Equal(t, fullLength(v.S, size), got.ServerS, name)

			login := wholeLogin(t, profile, group, []byte(v.I), []byte(v.P), v.Salt, v.A0, v.B0)
			require.Equal(t, fullLength(v.V, size), login.v, name)
			require.Equal(t, fullLength(v.A, size), login.A, name)
			require.Equal(t, fullLength(v.B, size), login.B, name)
			require.EqualValues(t, v.K, login.key, name)
			require.EqualValues(t, v.M1, login.M1, name)
			if profile == srp.HomeKit() && v.Short == "A" {
				m2 := sha512.Sum512(slices.Concat(fullLength(v.A, size), v.M1, v.K))
				require.Equal(t, m2[:], login.M2, name)
				require.NotEqualValues(t, v.M2, login.M2, name)
				continue
			}
			require.EqualValues(t, v.M2, login.M2, name)
		}
	}
	for _, hash := range []string{"sha256", "sha512"} {
		for _, value := range []string{"A", "B", "S"} {
			require.NotZero(t, short[hash+value], "%s %s", hash, value)
		}
	}
	require.NotZero(t, short["sha512"])
}

// fullLength returns a big-endian number in size bytes.
func fullLength(b []byte, size int) []byte { return append(make([]byte, size-len(b)), b...) }

// protonMore are further vectors of Proton's Go library.
type protonMore struct {
	Login []struct {
		Version             int            `json:"version"`
		Password            string         `json:"password"`
		Salt                testvec.Base64 `json:"salt"`
		SignedModulus       string         `json:"signed_modulus"`
		ServerEphemeral     testvec.Base64 `json:"server_ephemeral"`
		ClientSecret        testvec.Hex    `json:"client_secret_be"`
		ClientProof         testvec.Base64 `json:"client_proof"`
		ExpectedServerProof testvec.Base64 `json:"expected_server_proof"`
	} `json:"login"`
	Modulus testvec.Base64 `json:"modulus"`
	Bcrypt  []string       `json:"bcrypt"` // of the password "test!!!"
}

func loadProtonMore(t testing.TB) protonMore {
	return testvec.Load[protonMore](t, testdata, "testdata/proton_more.json")
}

func TestProtonLoginOfTheGoLibrary(t *testing.T) {
	vectors := loadProtonMore(t)
	require.Len(t, vectors.Login, 1)
	for _, v := range vectors.Login {
		group := signedGroup(t, v.SignedModulus)
		require.Equal(t, []byte(vectors.Modulus), reverse(group.N))
		login, _, err := protonClient(t, v.Version).WithExponent(v.ClientSecret).Login(nil, []byte(v.Password))
		require.NoError(t, err)
		proof, err := login.Answer(t.Context(), srp.Challenge{
			Profile: srp.Proton(v.Version),
			Group:   group,
			Salt:    v.Salt,
			B:       v.ServerEphemeral,
		})
		require.NoError(t, err)
		require.EqualValues(t, v.ClientProof, proof.M1)

		// Both proofs are hashes of A, B and S.
		key, err := login.Confirm(v.ExpectedServerProof)
		require.NoError(t, err)
		require.EqualValues(t, v.ClientProof, srp.ExpandHash(slices.Concat(proof.A, v.ServerEphemeral, key)))
		require.EqualValues(t, v.ExpectedServerProof, srp.ExpandHash(slices.Concat(proof.A, proof.M1, key)))
	}
}

// TestProtonBcrypt: internal/bcrypt computes the hashes that Proton's library
// tests its own with.
func TestProtonBcrypt(t *testing.T) {
	hashes := loadProtonMore(t).Bcrypt
	require.Len(t, hashes, 10)
	if testing.Short() {
		hashes = hashes[:2]
	}
	for _, want := range hashes {
		encoded, ok := strings.CutPrefix(want, "$2y$10$")
		require.True(t, ok)
		salt, err := bcrypt.DecodeSalt(encoded[:22])
		require.NoError(t, err)
		got, err := bcrypt.Hash([]byte("test!!!"), salt, 10)
		require.NoError(t, err)
		require.Equal(t, want, string(got[:]))
	}
}
