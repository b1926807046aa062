package opaque_test

import (
	"embed"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/*.json
var testdata embed.FS

type rfcVector struct {
	Name          string                 `json:"name"`
	Source        string                 `json:"source"`
	Config        map[string]any         `json:"config"`
	Inputs        map[string]testvec.Hex `json:"inputs"`
	Intermediates map[string]testvec.Hex `json:"intermediates"`
	Outputs       map[string]testvec.Hex `json:"outputs"`
}

// suiteOf is the suite of a vector's configuration.
func suiteOf(t testing.TB, config map[string]any) opaque.Suite {
	t.Helper()
	switch config["OPRF"].(string) + " " + config["Group"].(string) {
	case "ristretto255-SHA512 ristretto255":
		return opaque.Ristretto255
	case "P256-SHA256 P256_XMD:SHA-256_SSWU_RO_":
		return opaque.P256
	case "ristretto255-SHA512 curve25519":
		return opaque.Curve25519
	}
	require.Fail(t, "unknown suite", "%v", config)
	return 0
}

// TestRFC9807 reproduces every value of RFC 9807, Appendix C.
func TestRFC9807(t *testing.T) {
	vectors := testvec.Load[[]rfcVector](t, testdata, "testdata/rfc9807.json")
	require.Len(t, vectors, 9)
	suites := make(map[opaque.Suite]int)
	for _, v := range vectors {
		t.Run(strings.ReplaceAll(v.Name, " ", ""), func(t *testing.T) {
			suite := suiteOf(t, v.Config)
			suites[suite]++
			in, out := v.Inputs, v.Outputs
			setup, err := opaque.MemorySetup(suite, in["oprf_seed"], in["server_private_key"], in["server_public_key"])
			require.NoError(t, err)
			require.Equal(t, []byte(in["server_public_key"]), setup.PublicKey())
			server, err := opaque.NewServer(opaque.ServerConfig{
				DecoyKey:       decoyKey,
				StateKeys:      stateKeys(),
				Setups:         map[uint16]*opaque.Setup{7: setup},
				ServerIdentity: in["server_identity"],
				Wire:           opaque.WireRFC9807,
			})
			require.NoError(t, err)
			server, err = server.WithContext(hexOf(t, v.Config["Context"].(string)))
			require.NoError(t, err)
			serverDraws := opaque.Fixed{
				"masking_nonce":        in["masking_nonce"],
				"server_nonce":         in["server_nonce"],
				"server_keyshare_seed": in["server_keyshare_seed"],
			}
			id := in["credential_identifier"]

			if strings.HasPrefix(v.Name, "Fake") {
				raw := append(append([]byte(in["client_public_key"]), in["masking_key"]...), make([]byte, 32+len(in["masking_key"]))...)
				record, err := server.FinishRegistration(in["client_identity"], raw)
				require.NoError(t, err)
				ke2, _, err := server.BeginLoginWith(t.Context(), id, record, in["KE1"], serverDraws)
				require.NoError(t, err)
				require.Equal(t, []byte(out["KE2"]), ke2)
				return
			}

			client, err := opaque.NewClient(opaque.ClientConfig{
				Suite: suite, ServerIdentity: in["server_identity"], Wire: opaque.WireRFC9807,
				ServerPublicKeys: [][]byte{in["server_public_key"]},
			})
			require.NoError(t, err)
			client, err = client.WithContext(hexOf(t, v.Config["Context"].(string)))
			require.NoError(t, err)
			client = client.StretchByIdentity()

			reg, request, err := client.RegisterWith(in["client_identity"], in["password"],
				opaque.Fixed{"blind": in["blind_registration"], "envelope_nonce": in["envelope_nonce"]})
			require.NoError(t, err)
			require.Equal(t, []byte(out["registration_request"]), request)
			response, err := server.BeginRegistration(t.Context(), id, request)
			require.NoError(t, err)
			require.Equal(t, []byte(out["registration_response"]), response)
			upload, err := reg.Finish(t.Context(), response)
			require.NoError(t, err)
			exportKey, err := reg.ExportKey()
			require.NoError(t, err)
			require.Equal(t, []byte(out["registration_upload"]), upload)
			require.Equal(t, []byte(out["export_key"]), exportKey)
			record, err := server.FinishRegistration(in["client_identity"], upload)
			require.NoError(t, err)

			login, ke1, err := client.LoginWith(in["client_identity"], in["password"], opaque.Fixed{
				"blind": in["blind_login"], "client_nonce": in["client_nonce"], "client_keyshare_seed": in["client_keyshare_seed"]})
			require.NoError(t, err)
			require.Equal(t, []byte(out["KE1"]), ke1)
			ke2, pending, err := server.BeginLoginWith(t.Context(), id, record, ke1, serverDraws)
			require.NoError(t, err)
			require.Equal(t, []byte(out["KE2"]), ke2)

			inside, err := login.Inside(setup, id, ke2)
			require.NoError(t, err)
			for name, value := range map[string][]byte{
				"client_public_key": inside.ClientPublicKey, "auth_key": inside.AuthKey,
				"randomized_password": inside.RandomizedPassword, "envelope": inside.Envelope,
				"handshake_secret": inside.HandshakeSecret, "server_mac_key": inside.ServerMACKey,
				"client_mac_key": inside.ClientMACKey, "oprf_key": inside.OPRFKey,
			} {
				require.Equal(t, []byte(v.Intermediates[name]), value, name)
			}
			require.Len(t, v.Intermediates, 8, "every intermediate is compared")

			ke3, err := login.Respond(t.Context(), ke2)
			require.NoError(t, err)
			require.Equal(t, []byte(out["KE3"]), ke3)
			reply, serverKey, err := server.FinishLogin(t.Context(), id, record, pending, ke3)
			require.NoError(t, err)
			require.Empty(t, reply)
			key, err := login.Finish(reply)
			require.NoError(t, err)
			require.Equal(t, []byte(out["session_key"]), key)
			require.Equal(t, key, serverKey)
			exported, err := login.ExportKey()
			require.NoError(t, err)
			require.Equal(t, exportKey, exported)
		})
	}
	require.Len(t, suites, 3)
}
