package opaque_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// opaqueKEVector is one of opaque-ke's own test vectors, whose KSF is Identity.
type opaqueKEVector struct {
	Suite   string                 `json:"suite"`
	Inputs  map[string]testvec.Hex `json:"inputs"`
	Outputs map[string]testvec.Hex `json:"outputs"`
}

func (v opaqueKEVector) suite(t testing.TB) opaque.Suite {
	for _, s := range suites {
		if s.String() == v.Suite {
			return s
		}
	}
	require.Fail(t, "unknown suite", v.Suite)
	return 0
}

// setup returns opaque-ke's ServerSetup of the vector.
func (v opaqueKEVector) setup(t testing.TB) *opaque.Setup {
	var b []byte
	if s := v.suite(t); s != opaque.Ristretto255 {
		b = []byte{'O', 1, byte(s)}
	}
	b = append(append(b, v.Inputs["oprf_seed"]...), v.Inputs["server_private_key"]...)
	setup, err := opaque.ParseSetup(append(b, v.Inputs["dummy_client_public_key"]...))
	require.NoError(t, err)
	require.EqualValues(t, v.Inputs["server_public_key"], setup.PublicKey())
	return setup
}

// server and client have the values of the vector, and the given KSF.
func (v opaqueKEVector) server(t testing.TB, ksf kdf.Params) *opaque.Server {
	server, err := opaque.NewServer(opaque.ServerConfig{
		DecoyKey: decoyKey, StateKeys: stateKeys(), Setups: map[uint16]*opaque.Setup{1: v.setup(t)},
		Offer:          opaque.Kind{Suite: v.suite(t), Setup: 1, KSF: ksf},
		ServerIdentity: v.Inputs["server_identity"], Wire: opaque.WireRFC9807,
	})
	require.NoError(t, err)
	server, err = server.WithContext(v.Inputs["context"])
	require.NoError(t, err)
	return server
}

func (v opaqueKEVector) client(t testing.TB, ksf kdf.Params) *opaque.Client {
	client, err := opaque.NewClient(opaque.ClientConfig{
		Suite: v.suite(t), ServerIdentity: v.Inputs["server_identity"], Wire: opaque.WireRFC9807, FixedKSF: ksf,
	})
	require.NoError(t, err)
	client, err = client.WithContext(v.Inputs["context"])
	require.NoError(t, err)
	return client
}

// TestOpaqueKE reproduces every output of opaque-ke 4's vectors, in all suites.
func TestOpaqueKE(t *testing.T) {
	vectors := testvec.Load[[]opaqueKEVector](t, testdata, "testdata/opaque_ke.json")
	require.Len(t, vectors, 3)
	for _, v := range vectors {
		in, id, identity := v.Inputs, v.Inputs["credential_identifier"], v.Inputs["client_identity"]
		server, client := v.server(t, opaque.DefaultKSF()), v.client(t, opaque.DefaultKSF()).StretchByIdentity()
		out := make(map[string]testvec.Hex)

		reg, request, err := client.RegisterWith(identity, in["password"], opaque.Fixed{"blind": in["blind"], "envelope_nonce": in["envelope_nonce"]})
		require.NoError(t, err)
		out["registration_request"] = request
		out["registration_response"], err = server.BeginRegistration(t.Context(), id, request)
		require.NoError(t, err)
		out["registration_upload"], err = reg.Finish(t.Context(), out["registration_response"])
		require.NoError(t, err)
		out["export_key"], err = reg.ExportKey()
		require.NoError(t, err)
		record, err := server.FinishRegistration(identity, out["registration_upload"])
		require.NoError(t, err)

		login, ke1, err := client.LoginWith(identity, in["password"], opaque.Fixed{
			"blind": in["blind"], "client_nonce": in["client_nonce"], "client_keyshare_seed": in["client_keyshare_seed"]})
		require.NoError(t, err)
		out["KE1"] = ke1
		ke2, pending, err := server.BeginLoginWith(t.Context(), id, record, ke1, opaque.Fixed{
			"masking_nonce": in["masking_nonce"], "server_nonce": in["server_nonce"], "server_keyshare_seed": in["server_keyshare_seed"]})
		require.NoError(t, err)
		out["KE2"] = ke2
		out["KE3"], err = login.Respond(t.Context(), ke2)
		require.NoError(t, err)
		_, serverKey, err := server.FinishLogin(t.Context(), id, record, pending, out["KE3"])
		require.NoError(t, err)
		out["session_key"], err = login.Finish(nil)
		require.NoError(t, err)
		require.EqualValues(t, out["session_key"], serverKey)
		exported, err := login.ExportKey()
		require.NoError(t, err)
		require.EqualValues(t, out["export_key"], exported)
		require.Equal(t, v.Outputs, out, v.Suite)
	}
}

// TestIdentityKSFDoesNotFit: an account of an opaque-ke deployment with KSF
// Identity cannot log in here, whatever KSF the record is imported with. A
// registration of the same deployment with Argon2id fits. The two records
// look alike.
func TestIdentityKSFDoesNotFit(t *testing.T) {
	cheap, err := kdf.NewArgon2id(8, 1, 1)
	require.NoError(t, err)
	for _, v := range testvec.Load[[]opaqueKEVector](t, testdata, "testdata/opaque_ke.json") {
		for _, ksf := range []kdf.Params{opaque.DefaultKSF(), cheap} {
			in, id, identity := v.Inputs, v.Inputs["credential_identifier"], v.Inputs["client_identity"]
			server, client := v.server(t, ksf), v.client(t, ksf)
			login := func(client *opaque.Client, record []byte) error {
				login, request, err := client.Login(identity, in["password"])
				require.NoError(t, err)
				response, _, err := server.BeginLogin(t.Context(), id, record, request)
				require.NoError(t, err)
				return errOf(login.Respond(t.Context(), response))
			}
			stored, err := opaque.ImportRecord(1, v.setup(t), ksf, identity, v.Outputs["registration_upload"])
			require.NoError(t, err)
			require.NoError(t, server.Check(stored.Bytes()))
			require.Equal(t, opaque.ErrAuthentication, login(client, stored.Bytes()))
			require.NoError(t, login(client.StretchByIdentity(), stored.Bytes()), "how to recognise it: without stretching the password is right")
			if ksf == opaque.DefaultKSF() {
				continue // costly, and the same
			}

			reg, request, err := client.Register(identity, in["password"])
			require.NoError(t, err)
			response, err := server.BeginRegistration(t.Context(), id, request)
			require.NoError(t, err)
			upload, err := reg.Finish(t.Context(), response)
			require.NoError(t, err)
			require.Len(t, upload, len(v.Outputs["registration_upload"]))
			record, err := server.FinishRegistration(identity, upload)
			require.NoError(t, err)
			require.NoError(t, login(client, record))
		}
	}
}

// x25519Vector has the shared secret, or is refused by suite Curve25519.
type x25519Vector struct {
	ID      int         `json:"id"`
	Public  testvec.Hex `json:"public"`
	Private testvec.Hex `json:"private"`
	Shared  testvec.Hex `json:"shared"`
	Refused string      `json:"refused"`
}

// TestX25519 is the Diffie–Hellman function of Curve25519 with Wycheproof's
// vectors.
func TestX25519(t *testing.T) {
	refused := 0
	for _, v := range testvec.Load[[]x25519Vector](t, testdata, "testdata/x25519_wycheproof.json") {
		setup, err := opaque.MemorySetup(opaque.Curve25519, make([]byte, 64), bytes.Clone(v.Private), nil)
		require.NoError(t, err)
		shared, err := opaque.KeyServiceOf(setup).DH(t.Context(), v.Public)
		if v.Refused != "" {
			require.Error(t, err, "%d, %s", v.ID, v.Refused)
			require.Equal(t, make([]byte, 32), shared)
			refused++
			continue
		}
		require.NoError(t, err, v.ID)
		require.EqualValues(t, v.Shared, shared, v.ID)
	}
	require.Equal(t, 44, refused)
}
