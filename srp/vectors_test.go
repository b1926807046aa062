package srp_test

import (
	"crypto"
	"embed"
	"math/big"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/moduli/openpgp"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/*.json
var testdata embed.FS

type protonVectors struct {
	ExpandHash struct {
		Input  string         `json:"input"`
		Output testvec.Base64 `json:"output"`
	} `json:"expand_hash"`
	PasswordHash []struct {
		Version  int            `json:"version"`
		Username string         `json:"username"`
		Password string         `json:"password"`
		Salt     testvec.Hex    `json:"salt"`
		Modulus  testvec.Hex    `json:"modulus"`
		Output   testvec.Base64 `json:"output"`
	} `json:"password_hash"`
	Verifier struct {
		Version       int            `json:"version"`
		Password      string         `json:"password"`
		Salt          testvec.Base64 `json:"salt"`
		SignedModulus string         `json:"signed_modulus"`
		Verifier      testvec.Base64 `json:"verifier"`
	} `json:"verifier"`
	Login []struct {
		Version             int            `json:"version"`
		Password            string         `json:"password"`
		Salt                testvec.Base64 `json:"salt"`
		SignedModulus       string         `json:"signed_modulus"`
		ServerEphemeral     testvec.Base64 `json:"server_ephemeral"`
		ClientSecretLE      testvec.Hex    `json:"client_secret_le"`
		ClientEphemeral     testvec.Base64 `json:"client_ephemeral"`
		ClientProof         testvec.Base64 `json:"client_proof"`
		ExpectedServerProof testvec.Base64 `json:"expected_server_proof"`
		SharedSecret        testvec.Base64 `json:"shared_secret"`
	} `json:"login"`
	SecondSignedModulus string `json:"second_signed_modulus"`
}

func loadProton(t testing.TB) protonVectors {
	return testvec.Load[protonVectors](t, testdata, "testdata/proton.json")
}

type rfcVectors struct {
	Groups map[string]struct {
		N testvec.Hex `json:"N"`
		G int         `json:"g"`
	} `json:"groups"`
	Vector struct {
		Hash string      `json:"H"`
		Size int         `json:"size"`
		N    testvec.Hex `json:"N"`
		G    testvec.Hex `json:"g"`
		I    string      `json:"I"`
		P    string      `json:"P"`
		S    testvec.Hex `json:"s"`
		K    testvec.Hex `json:"k"`
		X    testvec.Hex `json:"x"`
		V    testvec.Hex `json:"v"`
		A0   testvec.Hex `json:"a"`
		B0   testvec.Hex `json:"b"`
		A    testvec.Hex `json:"A"`
		B    testvec.Hex `json:"B"`
		U    testvec.Hex `json:"u"`
		Key  testvec.Hex `json:"S"`
	} `json:"vector"`
}

// signedGroup verifies a modulus that Proton signed.
func signedGroup(t testing.TB, message string) srp.UnverifiedGroup {
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	require.NoError(t, err)
	n, err := key.Modulus([]byte(message))
	require.NoError(t, err)
	return srp.UnverifiedGroup{N: n, G: openpgp.Generator, Certificate: []byte(message)}
}

// protonClient trusts Proton's key and nothing else.
func protonClient(t testing.TB, versions ...int) *srp.Client {
	key, err := openpgp.ParseKey(openpgp.ProtonKey)
	require.NoError(t, err)
	var profiles []srp.Profile
	for _, v := range versions {
		profiles = append(profiles, srp.Proton(v))
	}
	c, err := srp.NewClient(srp.ClientConfig{Profiles: profiles, GroupPolicy: key.GroupPolicy()})
	require.NoError(t, err)
	return c
}

func TestProtonExpandHash(t *testing.T) {
	v := loadProton(t).ExpandHash
	require.EqualValues(t, v.Output, srp.ExpandHash([]byte(v.Input)))
}

func TestProtonPasswordHash(t *testing.T) {
	vectors := loadProton(t).PasswordHash
	require.Len(t, vectors, 5)
	for _, v := range vectors {
		x, err := srp.ProtonPrivateKey(v.Version, []byte(v.Username), []byte(v.Password), v.Salt, v.Modulus)
		require.NoError(t, err)
		slices.Reverse(x)
		require.EqualValues(t, v.Output, x, "version %d", v.Version)
	}
}

func TestProtonVerifier(t *testing.T) {
	v := loadProton(t).Verifier
	record, err := srp.RegisterWith(srp.Proton(v.Version), signedGroup(t, v.SignedModulus), kdf.Params{}, nil, []byte(v.Password), v.Salt)
	require.NoError(t, err)
	require.EqualValues(t, v.Verifier, record.Verifier())
}

func TestProtonLogin(t *testing.T) {
	for _, v := range loadProton(t).Login {
		for _, version := range []int{3, 4} { // one computation
			a := slices.Clone(v.ClientSecretLE)
			slices.Reverse(a)
			login, _, err := protonClient(t, 3, 4).WithExponent(a).Login(nil, []byte(v.Password))
			require.NoError(t, err)
			proof, err := login.Answer(t.Context(), srp.Challenge{
				Profile: srp.Proton(version),
				Group:   signedGroup(t, v.SignedModulus),
				Salt:    v.Salt,
				B:       v.ServerEphemeral,
			})
			require.NoError(t, err)
			require.EqualValues(t, v.ClientEphemeral, proof.A)
			require.EqualValues(t, v.ClientProof, proof.M1)
			key, err := login.Confirm(v.ExpectedServerProof)
			require.NoError(t, err)
			require.EqualValues(t, v.SharedSecret, key)
		}
	}
}

func TestProtonSecondModulus(t *testing.T) {
	ref := signedGroup(t, loadProton(t).SecondSignedModulus)
	group, err := srp.NewGroup(ref.N, ref.G)
	require.NoError(t, err)
	require.Equal(t, 2048, group.Bits())
}

func TestRFC5054Groups(t *testing.T) {
	vectors := testvec.Load[rfcVectors](t, testdata, "testdata/rfc5054.json")
	require.Len(t, vectors.Groups, 7)
	for name, g := range vectors.Groups {
		bits := 8 * len(g.N)
		group, err := srp.RFC5054Group(bits)
		if bits < srp.MinGroupBits {
			require.ErrorIs(t, err, srp.ErrPolicy, name)
			require.Zero(t, srp.RFC5054Number(g.N, g.G), name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, srp.UnverifiedGroup{N: g.N, G: g.G}, group.Unverified(), name)
		require.Equal(t, bits, group.Bits(), name)
		require.Equal(t, bits, srp.RFC5054Number(g.N, g.G), name)
	}
}

// TestRFC5054AppendixB runs the RFC's vector, in a group that only tests can
// reach.
func TestRFC5054AppendixB(t *testing.T) {
	v := testvec.Load[rfcVectors](t, testdata, "testdata/rfc5054.json").Vector
	require.Equal(t, "sha1", v.Hash)
	require.Len(t, v.N, v.Size/8)
	got, err := srp.Compute(srp.RFC5054SHA1(0), v.N, int(v.G[0]), []byte(v.I), []byte(v.P), v.S, v.A0, v.B0)
	require.NoError(t, err)
	require.Equal(t, new(big.Int).SetBytes(v.K), new(big.Int).SetBytes(got.K0))
	require.EqualValues(t, v.X, got.X)
	require.EqualValues(t, v.V, got.V)
	require.EqualValues(t, v.A, got.A)
	require.EqualValues(t, v.B, got.B)
	require.EqualValues(t, v.U, got.U)
	require.EqualValues(t, v.Key, got.ClientS)
	require.EqualValues(t, v.Key, got.ServerS)

	// The second implementation agrees with the RFC too.
	r := &reference{hash: crypto.SHA1, proton: -1, N: new(big.Int).SetBytes(v.N), g: big.NewInt(2),
		I: []byte(v.I), P: []byte(v.P), s: v.S}
	ref := r.run(new(big.Int).SetBytes(v.A0), new(big.Int).SetBytes(v.B0))
	require.EqualValues(t, v.A, ref.A)
	require.EqualValues(t, v.B, ref.B)
	require.EqualValues(t, v.Key, ref.S)
}

// allProfiles are all profiles with their plain twins in the reference.
func allProfiles(t testing.TB) map[srp.Profile]reference {
	all := make(map[srp.Profile]reference)
	rfc, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	for f := srp.Flags(0); f <= srp.MinimalG|srp.MinimalValues; f++ {
		for profile, hash := range map[srp.Profile]crypto.Hash{
			srp.RFC5054SHA1(f): crypto.SHA1, srp.RFC5054SHA256(f): crypto.SHA256, srp.RFC5054SHA512(f): crypto.SHA512,
		} {
			all[profile] = reference{hash: hash, proton: -1, minG: f&srp.MinimalG != 0, minABS: f&srp.MinimalValues != 0,
				N: new(big.Int).SetBytes(rfc.Unverified().N), g: big.NewInt(2)}
		}
	}
	signed := signedGroup(t, loadProton(t).Verifier.SignedModulus)
	for version := range 5 {
		all[srp.Proton(version)] = reference{proton: version, N: new(big.Int).SetBytes(signed.N), g: big.NewInt(2)}
	}
	large, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	all[srp.HomeKit()] = reference{hash: crypto.SHA512, proton: -1, minG: true, minABS: true, homekit: true,
		N: new(big.Int).SetBytes(large.Unverified().N), g: big.NewInt(5)}
	all[srp.Nescio()] = reference{hash: crypto.SHA512, proton: -1, nescio: true,
		N: new(big.Int).SetBytes(rfc.Unverified().N), g: big.NewInt(2)}
	return all
}

func TestProfileNames(t *testing.T) {
	names := make(map[string]bool)
	for p := range allProfiles(t) {
		require.True(t, p.Valid())
		got, err := srp.ParseProfile(p.String())
		require.NoError(t, err)
		require.Equal(t, p, got)
		names[p.String()] = true
		var again srp.Profile
		text, err := p.MarshalText()
		require.NoError(t, err)
		require.NoError(t, again.UnmarshalText(text))
		require.Equal(t, p, again)
		version, ok := p.ProtonVersion()
		require.Equal(t, p != srp.Nescio() && (!ok || version < 3), p.NeedsUpgrade(), p)
	}
	require.Len(t, names, 19)
	for version := range 5 {
		got, ok := srp.Proton(version).ProtonVersion()
		require.True(t, ok)
		require.Equal(t, version, got)
	}
	_, ok := srp.RFC5054SHA1(0).ProtonVersion()
	require.False(t, ok)
	require.True(t, names["rfc5054-sha1"])
	require.True(t, names["rfc5054-sha256+minimal-g"])
	require.True(t, names["rfc5054-sha512+minimal-g+minimal-values"])
	require.True(t, names["proton-4"])
	require.True(t, names["homekit"])
	require.True(t, names["nescio"])

	for _, p := range []srp.Profile{{}, srp.Proton(-1), srp.Proton(5), srp.RFC5054SHA1(4), srp.RFC5054SHA256(255)} {
		require.False(t, p.Valid())
		require.Equal(t, srp.Profile{}, p)
		require.True(t, p.NeedsUpgrade())
		_, ok := p.ProtonVersion()
		require.False(t, ok)
		_, err := srp.ParseProfile(p.String())
		require.ErrorIs(t, err, srp.ErrPolicy)
		_, err = p.MarshalText()
		require.ErrorIs(t, err, srp.ErrPolicy)
	}
}

func TestProtonFallback(t *testing.T) {
	order := func(versions ...int) (p []srp.Profile) {
		for _, v := range versions {
			p = append(p, srp.Proton(v))
		}
		return p
	}
	require.Equal(t, order(2, 0), srp.ProtonFallback([]byte("alice")))
	require.Equal(t, order(2, 0), srp.ProtonFallback([]byte("Alice")))
	require.Equal(t, order(2, 1, 0), srp.ProtonFallback([]byte("a.lice")))
	require.Equal(t, order(2, 1, 0), srp.ProtonFallback([]byte("Al-i_ce")))
}
