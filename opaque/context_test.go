package opaque_test

import (
	"crypto/hkdf"
	"crypto/sha256"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

func TestIdentities(t *testing.T) {
	for _, suite := range suites {
		setup, err := opaque.NewSetup(suite)
		require.NoError(t, err)
		r := newRigWith(t,
			opaque.ServerConfig{DecoyKey: decoyKey, StateKeys: stateKeys(), Setups: map[uint16]*opaque.Setup{1: setup}, ServerIdentity: []byte("example.org")},
			opaque.ClientConfig{Suite: suite, ServerIdentity: []byte("example.org")})
		record, _ := r.register(t, r.client, alice, []byte("Alice"), password)
		mustLogin(t, r.client, r.server, alice, []byte("Alice"), record, password)

		fails := func(client *opaque.Client, identity []byte) {
			login, request, err := client.Login(identity, password)
			require.NoError(t, err)
			response, _, err := r.server.BeginLogin(t.Context(), alice, record, request)
			require.NoError(t, err)
			_, err = login.Respond(t.Context(), response)
			require.Equal(t, opaque.ErrAuthentication, err)
		}
		fails(r.client, nil)
		fails(r.client, []byte("alice"))
		for _, name := range []string{"", "example.com"} {
			other, err := opaque.NewClient(opaque.ClientConfig{Suite: suite, ServerIdentity: []byte(name)})
			require.NoError(t, err)
			fails(other.StretchByIdentity(), []byte("Alice"))
		}
		// An explicit identity that is the public key is the same as none.
		parsed, err := opaque.ParseRecord(r.record)
		require.NoError(t, err)
		raw := parsed.Raw()
		npk := len(setup.PublicKey())
		mustLogin(t, r.client, r.server, alice, raw[:npk], r.record, password)
	}
}

func TestContext(t *testing.T) {
	for _, wire := range []opaque.Wire{opaque.WireFramed, opaque.WireRFC9807} {
		r := newRigOn(t, opaque.Ristretto255, wire)
		client, err := r.client.WithContext([]byte("delete everything"))
		require.NoError(t, err)
		server, err := r.server.WithContext([]byte("delete everything"))
		require.NoError(t, err)
		mustLogin(t, client, server, alice, nil, r.record, password)

		other, err := r.server.WithContext([]byte("delete nothing"))
		require.NoError(t, err)
		for _, s := range []*opaque.Server{r.server, other} {
			login, request, err := client.Login(nil, password)
			require.NoError(t, err)
			response, _, err := s.BeginLogin(t.Context(), alice, r.record, request)
			require.NoError(t, err)
			_, err = login.Respond(t.Context(), response)
			require.Equal(t, opaque.ErrAuthentication, err)
		}

		login, request, err := client.Login(nil, password)
		require.NoError(t, err)
		response, pending, err := server.BeginLogin(t.Context(), alice, r.record, request)
		require.NoError(t, err)
		final, err := login.Respond(t.Context(), response)
		require.NoError(t, err)
		for _, s := range []*opaque.Server{r.server, other} {
			require.Equal(t, opaque.ErrState, second(s.FinishLogin(t.Context(), alice, r.record, pending, final)))
		}
		require.NoError(t, second(server.FinishLogin(t.Context(), alice, r.record, pending, final)))

		limit := 60_000
		if wire == opaque.WireRFC9807 {
			limit = 65_535
		}
		for size, ok := range map[int]bool{0: false, 1: true, limit: true, limit + 1: false, 131072: false} {
			c, err1 := r.client.WithContext(make([]byte, size))
			s, err2 := r.server.WithContext(make([]byte, size))
			if !ok {
				require.ErrorIs(t, err1, opaque.ErrPolicy)
				require.ErrorIs(t, err2, opaque.ErrPolicy)
				continue
			}
			require.NoError(t, err1)
			require.NoError(t, err2)
			mustLogin(t, c, s, alice, nil, r.record, password)
		}
	}
}

// TestFramedContext: a framed login is a login of RFC 9807 whose context
// contains the frames.
func TestFramedContext(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	ksf, err := opaque.DefaultKSF().MarshalBinary()
	require.NoError(t, err)
	for _, application := range []string{"", "delete everything"} {
		rfcContext := append([]byte("nescio/opaque/v1\x00\x01\x00\x01\x00"), byte(len(ksf)))
		rfcContext = append(append(rfcContext, ksf...), 0, byte(len(application)))
		rfcContext = append(rfcContext, application...)
		bare, err := opaque.NewClient(opaque.ClientConfig{Wire: opaque.WireRFC9807})
		require.NoError(t, err)
		bare, err = bare.StretchByIdentity().WithContext(rfcContext)
		require.NoError(t, err)
		server := r.server
		if application != "" {
			server, err = server.WithContext([]byte(application))
			require.NoError(t, err)
		}
		login, ke1, err := bare.Login(nil, password)
		require.NoError(t, err)
		response, pending, err := server.BeginLogin(t.Context(), alice, r.record, append([]byte{'O', 1, 1}, ke1...))
		require.NoError(t, err)
		ke3, err := login.Respond(t.Context(), response[len(response)-320:])
		require.NoError(t, err)
		_, key, err := server.FinishLogin(t.Context(), alice, r.record, pending, append([]byte{'O', 1}, ke3...))
		require.NoError(t, err)
		session, err := login.Finish(nil)
		require.NoError(t, err)
		want, err := hkdf.Key(sha256.New, session, nil, "nescio/session/v1\x00O\x01", 32)
		require.NoError(t, err)
		require.Equal(t, want, key)
	}
}

// TestTwoTenants: two applications cannot finish each other's logins, even if
// they share state keys and a Replay.
func TestTwoTenants(t *testing.T) {
	other, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	shared := testvec.NewReplay()
	shop := newRigOn(t, opaque.Ristretto255, opaque.WireFramed)
	shop.config.Replay = shared
	shop.server, err = opaque.NewServer(shop.config)
	require.NoError(t, err)
	for name, change := range map[string]func(c *opaque.ServerConfig){
		"another identity": func(c *opaque.ServerConfig) { c.ServerIdentity = []byte("bank") },
		"another setup":    func(c *opaque.ServerConfig) { c.Setups = map[uint16]*opaque.Setup{1: other} },
		"another wire":     func(c *opaque.ServerConfig) { c.Wire = opaque.WireRFC9807 },
	} {
		cfg := shop.config
		change(&cfg)
		bank, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		_, pending, final := shop.answer(t)
		require.Equal(t, opaque.ErrState, second(bank.FinishLogin(t.Context(), alice, shop.record, pending, final)), name)
		require.Equal(t, opaque.ErrState, second(bank.FinishLogin(t.Context(), alice, shop.record, pending, final[2:])), name)
	}
	replica, err := opaque.NewServer(shop.config)
	require.NoError(t, err)
	_, pending, final := shop.answer(t)
	require.NoError(t, second(replica.FinishLogin(t.Context(), alice, shop.record, pending, final)))
}
