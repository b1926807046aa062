package opaque_test

import (
	"crypto/sha3"
	"flag"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/argon2id.json")

const (
	argon2idLabel  = "nescio/opaque/argon2id vectors"
	argon2idSource = "Made by this package, TestArgon2idVectors -update; those of ristretto255 checked against " +
		"@serenity-kit/opaque 1.1.0 in internal/interop; hexadecimal. Password, credential_identifier and identities are " +
		"those of RFC 9807, Appendix C. All other inputs are SHAKE128(\"" + argon2idLabel + "/\" ‖ name ‖ \"/\" ‖ field), " +
		"which scalars take 64 bytes of, for P256 48, and reduce; server_public_key belongs to server_private_key"
)

// argon2idVector describes one of the vectors. The vectors of RFC 9807 have no
// key stretching.
type argon2idVector struct {
	suite                       opaque.Suite
	memory, passes, parallelism int // memory in KiB
	identities                  bool
}

func argon2idVectors() (all []argon2idVector) {
	for _, suite := range suites {
		for _, identities := range []bool{false, true} {
			all = append(all,
				argon2idVector{suite, 64 << 10, 3, 4, identities}, // DefaultKSF
				argon2idVector{suite, 8 << 10, 1, 1, identities})
		}
	}
	return all
}

func (a argon2idVector) name() string {
	name := fmt.Sprintf("%v, %d MiB", a.suite, a.memory>>10)
	if a.identities {
		name += ", identities"
	}
	return name
}

// template is RFC 9807's vector of the same suite, with or without identities.
func (a argon2idVector) template(t testing.TB) rfcVector {
	for _, v := range testvec.Load[[]rfcVector](t, testdata, "testdata/rfc9807.json") {
		if suiteOf(t, v.Config) == a.suite && (v.Inputs["client_identity"] != nil) == a.identities {
			return v
		}
	}
	require.Fail(t, "no vector", a.name())
	return rfcVector{}
}

// inputs replaces everything in RFC 9807's inputs that is random or secret.
func (a argon2idVector) inputs(t testing.TB, template map[string]testvec.Hex) map[string]testvec.Hex {
	in := maps.Clone(template)
	for field, value := range template {
		h := sha3.NewSHAKE128()
		h.Write([]byte(argon2idLabel + "/" + a.name() + "/" + field))
		switch field {
		case "password", "credential_identifier", "client_identity", "server_identity", "server_public_key":
			continue
		case "blind_registration", "blind_login", "server_private_key":
			if field == "server_private_key" && a.suite == opaque.Curve25519 {
				break // 32 bytes as they come
			}
			group := oprf.Ristretto255.Group
			if a.suite == opaque.P256 {
				group = oprf.P256.Group
			}
			uniform := make([]byte, group.UniformScalarSize())
			h.Read(uniform)
			in[field] = make([]byte, group.ScalarSize())
			require.NoError(t, group.Reduce(in[field], uniform))
			continue
		}
		in[field] = make([]byte, len(value))
		h.Read(in[field])
	}
	setup, err := opaque.MemorySetup(a.suite, in["oprf_seed"], in["server_private_key"], nil)
	require.NoError(t, err)
	in["server_public_key"] = setup.PublicKey()
	return in
}

// config is RFC 9807's configuration with a KSF and without a context.
func (a argon2idVector) config(template map[string]any) map[string]any {
	c := maps.Clone(template)
	c["KSF"] = fmt.Sprintf("Argon2id(S = zeroes(16), p = %d, T = Nh, m = %d, t = %d, v = 0x13)", a.parallelism, a.memory, a.passes)
	c["Context"] = ""
	return c
}

// run runs a registration and a login and records their values.
func (a argon2idVector) run(t testing.TB) rfcVector {
	ksf, err := kdf.NewArgon2id(a.memory, a.passes, a.parallelism)
	require.NoError(t, err)
	require.Equal(t, a.memory == 64<<10, ksf == opaque.DefaultKSF())
	template := a.template(t)
	in := a.inputs(t, template.Inputs)
	v := rfcVector{Name: a.name(), Source: "this package", Config: a.config(template.Config), Inputs: in}
	if a.suite == opaque.Ristretto255 {
		v.Source += " and @serenity-kit/opaque 1.1.0"
	}

	setup, err := opaque.MemorySetup(a.suite, in["oprf_seed"], in["server_private_key"], nil)
	require.NoError(t, err)
	server, err := opaque.NewServer(opaque.ServerConfig{
		DecoyKey: decoyKey, StateKeys: stateKeys(), Setups: map[uint16]*opaque.Setup{1: setup}, Offer: opaque.Kind{Suite: a.suite, Setup: 1, KSF: ksf},
		ServerIdentity: in["server_identity"], Wire: opaque.WireRFC9807,
	})
	require.NoError(t, err)
	client, err := opaque.NewClient(opaque.ClientConfig{
		Suite: a.suite, FixedKSF: ksf, ServerIdentity: in["server_identity"], Wire: opaque.WireRFC9807,
		ServerPublicKeys: [][]byte{in["server_public_key"]},
	})
	require.NoError(t, err)

	reg, registrationRequest, err := client.RegisterWith(in["client_identity"], in["password"],
		opaque.Fixed{"blind": in["blind_registration"], "envelope_nonce": in["envelope_nonce"]})
	require.NoError(t, err)
	registrationResponse, err := server.BeginRegistration(t.Context(), in["credential_identifier"], registrationRequest)
	require.NoError(t, err)
	upload, err := reg.Finish(t.Context(), registrationResponse)
	require.NoError(t, err)
	exportKey, err := reg.ExportKey()
	require.NoError(t, err)
	record, err := server.FinishRegistration(in["client_identity"], upload)
	require.NoError(t, err)

	login, ke1, err := client.LoginWith(in["client_identity"], in["password"], opaque.Fixed{
		"blind": in["blind_login"], "client_nonce": in["client_nonce"], "client_keyshare_seed": in["client_keyshare_seed"]})
	require.NoError(t, err)
	ke2, pending, err := server.BeginLoginWith(t.Context(), in["credential_identifier"], record, ke1, opaque.Fixed{
		"masking_nonce": in["masking_nonce"], "server_nonce": in["server_nonce"], "server_keyshare_seed": in["server_keyshare_seed"]})
	require.NoError(t, err)
	inside, err := login.Inside(setup, in["credential_identifier"], ke2)
	require.NoError(t, err)
	ke3, err := login.Respond(t.Context(), ke2)
	require.NoError(t, err)
	_, serverKey, err := server.FinishLogin(t.Context(), in["credential_identifier"], record, pending, ke3)
	require.NoError(t, err)
	sessionKey, err := login.Finish(nil)
	require.NoError(t, err)
	require.Equal(t, serverKey, sessionKey)
	exported, err := login.ExportKey()
	require.NoError(t, err)
	require.Equal(t, exportKey, exported)

	v.Intermediates = map[string]testvec.Hex{
		"client_public_key": inside.ClientPublicKey, "auth_key": inside.AuthKey,
		"randomized_password": inside.RandomizedPassword, "envelope": inside.Envelope,
		"handshake_secret": inside.HandshakeSecret, "server_mac_key": inside.ServerMACKey,
		"client_mac_key": inside.ClientMACKey, "oprf_key": inside.OPRFKey,
	}
	v.Outputs = map[string]testvec.Hex{
		"registration_request": registrationRequest, "registration_response": registrationResponse, "registration_upload": upload,
		"KE1": ke1, "KE2": ke2, "KE3": ke3, "export_key": exportKey, "session_key": sessionKey,
	}
	return v
}

// TestArgon2idVectors reproduces every value of testdata/argon2id.json,
// including the inputs. With -update it writes the file.
func TestArgon2idVectors(t *testing.T) {
	all := argon2idVectors()
	if *update {
		var made []rfcVector
		for _, a := range all {
			made = append(made, a.run(t))
		}
		testvec.Write(t, "testdata/argon2id.json", argon2idSource, made)
		return
	}
	want := testvec.Load[[]rfcVector](t, testdata, "testdata/argon2id.json")
	require.Len(t, want, len(all))
	for i, a := range all {
		if !testvec.Long && a.memory == 64<<10 && a.identities {
			continue // costs, and shows nothing that the others do not
		}
		t.Run(strings.ReplaceAll(a.name(), " ", ""), func(t *testing.T) {
			got := a.run(t)
			require.Equal(t, want[i], got)
			template := a.template(t)
			require.Len(t, got.Intermediates, len(template.Intermediates))
			require.Len(t, got.Outputs, len(template.Outputs))
		})
	}
}
