package opaque_test

import (
	"encoding/base64"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// base64URL is a byte string in base64url without padding.
type base64URL []byte

func (b *base64URL) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.Strict().DecodeString(string(text))
	return err
}

// serenityVector is an account of @serenity-kit/opaque.
type serenityVector struct {
	Password    string `json:"password"`
	ID          string `json:"user_identifier"`
	Identifiers struct {
		Client string `json:"client"`
		Server string `json:"server"`
	} `json:"identifiers"`
	KSF struct {
		Argon2id struct {
			Memory      int `json:"memory_kib"`
			Passes      int `json:"iterations"`
			Parallelism int `json:"parallelism"`
		} `json:"argon2id"`
	} `json:"key_stretching"`
	Setup     base64URL `json:"server_setup_b64url"`
	PublicKey base64URL `json:"server_public_key_b64url"`
	Record    base64URL `json:"registration_record_b64url"`
	ExportKey base64URL `json:"export_key_b64url"`
}

// TestSerenity takes accounts over from @serenity-kit/opaque. Setup and record
// load unchanged, and a login gives the export key of the registration.
func TestSerenity(t *testing.T) {
	vectors := testvec.Load[[]serenityVector](t, testdata, "testdata/opaque-serenity.json")
	require.Len(t, vectors, 3)
	defaults := 0
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			costs := v.KSF.Argon2id
			ksf, err := kdf.NewArgon2id(costs.Memory, costs.Passes, costs.Parallelism)
			require.NoError(t, err)
			if ksf == opaque.DefaultKSF() {
				defaults++
			}
			id, identity, serverIdentity := []byte(v.ID), []byte(v.Identifiers.Client), []byte(v.Identifiers.Server)

			setup, err := opaque.ParseSetup(v.Setup)
			require.NoError(t, err)
			require.Equal(t, opaque.Ristretto255, setup.Suite())
			require.EqualValues(t, v.PublicKey, setup.PublicKey())
			again, err := setup.Bytes()
			require.NoError(t, err)
			require.EqualValues(t, v.Setup, again)

			server, err := opaque.NewServer(opaque.ServerConfig{
				DecoyKey: decoyKey, StateKeys: stateKeys(), Setups: map[uint16]*opaque.Setup{1: setup}, Offer: opaque.Kind{Setup: 1, KSF: ksf},
				ServerIdentity: serverIdentity, Wire: opaque.WireRFC9807,
			})
			require.NoError(t, err)
			client, err := opaque.NewClient(opaque.ClientConfig{
				FixedKSF: ksf, ServerIdentity: serverIdentity, Wire: opaque.WireRFC9807, ServerPublicKeys: [][]byte{v.PublicKey},
			})
			require.NoError(t, err)

			record, err := server.FinishRegistration(identity, v.Record)
			require.NoError(t, err)
			imported, err := opaque.ImportRecord(1, setup, ksf, identity, v.Record)
			require.NoError(t, err)
			require.Equal(t, record, imported.Bytes())
			require.EqualValues(t, v.Record, imported.Raw())
			require.False(t, server.NeedsRegistration(record))

			_, exportKey, _ := mustLogin(t, client, server, id, identity, record, []byte(v.Password))
			require.EqualValues(t, v.ExportKey, exportKey)

			login, request, err := client.Login(identity, []byte(v.Password+"x"))
			require.NoError(t, err)
			response, _, err := server.BeginLogin(t.Context(), id, record, request)
			require.NoError(t, err)
			final, err := login.Respond(t.Context(), response)
			require.Equal(t, opaque.ErrAuthentication, err)
			require.Empty(t, final)
		})
	}
	require.Equal(t, 1, defaults, "one account has DefaultKSF")
}
