package opaque_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// TestPitfall_HostileKSF: a server chooses ruinous or weak parameters.
func TestPitfall_HostileKSF(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	k := new(watchedKSF)
	client := r.client.StretchBy(k)
	argon2id := func(memory, passes, lanes int) kdf.Params {
		params, err := kdf.NewArgon2id(memory, passes, lanes)
		require.NoError(t, err)
		return params
	}
	pbkdf2, err := kdf.NewPBKDF2SHA512(1)
	require.NoError(t, err)
	endless, err := kdf.NewPBKDF2SHA512(1<<31 - 1)
	require.NoError(t, err)
	scrypt, err := kdf.NewScrypt(1<<28, 8, 1)
	require.NoError(t, err)
	for _, params := range []kdf.Params{
		argon2id(8, 1, 1), argon2id(4<<20, 1, 1), argon2id(64<<10, 1<<20, 1), argon2id(1<<20, 64, 1), pbkdf2, endless, scrypt, kdf.RFC9807Argon2id(),
	} {
		cfg := r.config
		cfg.Offer = opaque.Kind{Setup: 1, KSF: params}
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)

		reg, request, err := client.Register(nil, password)
		require.NoError(t, err)
		response, err := server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		require.ErrorIs(t, errOf(reg.Finish(t.Context(), response)), opaque.ErrPolicy)

		parsed, err := opaque.ParseRecord(r.record)
		require.NoError(t, err)
		record, err := opaque.ImportRecord(1, r.setup, params, nil, parsed.Raw())
		require.NoError(t, err)
		login, request, err := client.Login(nil, password)
		require.NoError(t, err)
		response, _, err = server.BeginLogin(t.Context(), alice, record.Bytes(), request)
		require.NoError(t, err)
		_, err = login.Respond(t.Context(), response)
		require.ErrorIs(t, err, opaque.ErrPolicy)
	}
	require.Zero(t, k.calls, "refused before any work")
}

// TestPitfall_KSFIsAuthenticated: an attacker who changes the parameters,
// within the policy, makes the login fail.
func TestPitfall_KSFIsAuthenticated(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	parsed, err := opaque.ParseRecord(r.record)
	require.NoError(t, err)
	for _, change := range []struct {
		setup uint16
		m     int
	}{{1, 96 << 10}, {2, 64 << 10}} {
		params, err := kdf.NewArgon2id(change.m, 3, 4)
		require.NoError(t, err)
		other, err := opaque.ImportRecord(change.setup, r.setup, params, nil, parsed.Raw())
		require.NoError(t, err)
		login, response, _ := r.begin(t, alice, r.record, password)
		head := len(r.record) - 10 - len(parsed.Raw()) // protocol and version included
		altered := append(bytes.Clone(other.Bytes()[:head]), response[head:]...)
		require.Len(t, altered, len(response))
		require.NotEqual(t, altered, response)
		_, err = login.Respond(t.Context(), altered) // which does not stretch, so that nothing else can fail
		require.Equal(t, opaque.ErrAuthentication, err)
	}
}

// TestPitfall_ZeroConfigurationStretches: the zero values mean Argon2id, which
// TestLoginWithDefaults runs.
func TestPitfall_ZeroConfigurationStretches(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	parsed, err := opaque.ParseRecord(r.record)
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), parsed.KSF())
	_, err = opaque.ImportRecord(1, r.setup, kdf.Params{}, nil, parsed.Raw())
	require.Equal(t, opaque.ErrRecord, err)

	bare, err := opaque.NewClient(opaque.ClientConfig{Wire: opaque.WireRFC9807})
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), bare.FixedKSF())
}
