package opaque_test

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

func TestLogin(t *testing.T) {
	for _, suite := range suites {
		for _, wire := range []opaque.Wire{opaque.Framed, opaque.RFC} {
			r := newRigOn(t, suite, wire)
			key, exportKey, login := mustLogin(t, r.client, r.server, alice, nil, r.record, password)
			again, _, _ := mustLogin(t, r.client, r.server, alice, nil, r.record, password)
			require.NotEqual(t, key, again, "a new key every time")
			require.Equal(t, r.exportKey, exportKey, "the same export key every time")
			size := map[opaque.Suite]int{opaque.Ristretto255: 64, opaque.P256: 32, opaque.Curve25519: 64}[suite]
			require.Len(t, exportKey, size)
			if wire == opaque.Framed {
				size = 32
			}
			require.Len(t, key, size)
			require.False(t, login.NeedsRegistration())

			_, err := login.Finish(nil)
			require.Equal(t, opaque.ErrUsed, err)
			login.Discard()
			_, err = login.ExportKey()
			require.Equal(t, opaque.ErrUsed, err)
		}
	}
}

// TestLoginWithDefaults stretches by the default KSF.
func TestLoginWithDefaults(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	client, err := opaque.NewClient(opaque.ClientConfig{})
	require.NoError(t, err)
	record, exportKey := r.register(t, client, alice, nil, password)
	_, exported, _ := mustLogin(t, client, r.server, alice, nil, record, password)
	require.Equal(t, exportKey, exported)
	require.Equal(t, kdf.Default(), opaque.DefaultKSF())

	login, request, err := r.client.Login(nil, password) // which does not stretch
	require.NoError(t, err)
	response, _, err := r.server.Begin(t.Context(), alice, record, request)
	require.NoError(t, err)
	_, err = login.Respond(t.Context(), response)
	require.Equal(t, opaque.ErrAuthentication, err, "the KSF counts")
}

// TestSizes are those of RFC 9807, in the facts of each message.
func TestSizes(t *testing.T) {
	for suite, want := range map[opaque.Suite][6]int{
		opaque.Ristretto255: {32, 64, 192, 96, 320, 64},
		opaque.P256:         {33, 66, 129, 98, 259, 32},
		opaque.Curve25519:   {32, 64, 192, 96, 320, 64},
	} {
		r := newRigOn(t, suite, opaque.RFC)
		reg, request, err := r.client.Register(nil, password)
		require.NoError(t, err)
		response, err := r.server.Register(t.Context(), alice, request)
		require.NoError(t, err)
		upload, _, err := reg.Finish(t.Context(), response)
		require.NoError(t, err)
		login, ke1, err := r.client.Login(nil, password)
		require.NoError(t, err)
		ke2, pending, err := r.server.Begin(t.Context(), alice, r.record, ke1)
		require.NoError(t, err)
		ke3, err := login.Respond(t.Context(), ke2)
		require.NoError(t, err)
		require.Equal(t, want, [6]int{len(request), len(response), len(upload), len(ke1), len(ke2), len(ke3)})
		require.LessOrEqual(t, len(pending), 4096)

		framed := newRig(t, suite)
		require.LessOrEqual(t, len(framed.record), opaque.MaxMessage)
		_, response, _ = framed.begin(t, alice, framed.record, password)
		require.LessOrEqual(t, len(response), opaque.MaxMessage)
	}
}

func TestIdentities(t *testing.T) {
	for _, suite := range suites {
		setup, err := opaque.NewSetup(suite)
		require.NoError(t, err)
		r := newRigWith(t,
			opaque.ServerConfig{Secrets: secrets(), Setups: map[uint16]*opaque.Setup{1: setup}, ServerIdentity: []byte("example.org")},
			opaque.ClientConfig{Suite: suite, ServerIdentity: []byte("example.org")})
		record, _ := r.register(t, r.client, alice, []byte("Alice"), password)
		mustLogin(t, r.client, r.server, alice, []byte("Alice"), record, password)

		fails := func(client *opaque.Client, identity []byte) {
			login, request, err := client.Login(identity, password)
			require.NoError(t, err)
			response, _, err := r.server.Begin(t.Context(), alice, record, request)
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
	for _, wire := range []opaque.Wire{opaque.Framed, opaque.RFC} {
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
			response, _, err := s.Begin(t.Context(), alice, r.record, request)
			require.NoError(t, err)
			_, err = login.Respond(t.Context(), response)
			require.Equal(t, opaque.ErrAuthentication, err)
		}

		login, request, err := client.Login(nil, password)
		require.NoError(t, err)
		response, pending, err := server.Begin(t.Context(), alice, r.record, request)
		require.NoError(t, err)
		final, err := login.Respond(t.Context(), response)
		require.NoError(t, err)
		for _, s := range []*opaque.Server{r.server, other} {
			require.Equal(t, opaque.ErrState, second(s.Finish(t.Context(), alice, pending, final)))
		}
		require.NoError(t, second(server.Finish(t.Context(), alice, pending, final)))

		limit := 60_000
		if wire == opaque.RFC {
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

// TestFramedContext: a framed login is RFC 9807's, with a context that says what
// the frames say.
func TestFramedContext(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	ksf, err := opaque.DefaultKSF().MarshalBinary()
	require.NoError(t, err)
	for _, application := range []string{"", "delete everything"} {
		rfcContext := append([]byte("nescio/opaque/v1\x00\x01\x00\x01\x00"), byte(len(ksf)))
		rfcContext = append(append(rfcContext, ksf...), 0, byte(len(application)))
		rfcContext = append(rfcContext, application...)
		bare, err := opaque.NewClient(opaque.ClientConfig{Wire: opaque.RFC})
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
		response, pending, err := server.Begin(t.Context(), alice, r.record, append([]byte{'O', 1, 1}, ke1...))
		require.NoError(t, err)
		ke3, err := login.Respond(t.Context(), response[len(response)-320:])
		require.NoError(t, err)
		_, key, err := server.Finish(t.Context(), alice, pending, append([]byte{'O', 1}, ke3...))
		require.NoError(t, err)
		session, err := login.Finish(nil)
		require.NoError(t, err)
		want, err := hkdf.Key(sha256.New, session, nil, "nescio/session/v1\x00O\x01", 32)
		require.NoError(t, err)
		require.Equal(t, want, key)
	}
}

// TestOtherMessages: what is not exactly the message that is due.
func TestOtherMessages(t *testing.T) {
	for _, wire := range []opaque.Wire{opaque.Framed, opaque.RFC} {
		r := newRigOn(t, opaque.Ristretto255, wire)
		change := map[string]func([]byte) []byte{
			"one byte more": func(b []byte) []byte { return append(b, 0) },
			"one byte less": func(b []byte) []byte { return b[:len(b)-1] },
			"nothing":       func([]byte) []byte { return nil },
		}
		if wire == opaque.Framed {
			change["another kind"] = func(b []byte) []byte { b[0] = 'S'; return b }
			change["another version"] = func(b []byte) []byte { b[1] = 2; return b }
			change["no suite"] = func(b []byte) []byte { b[2] = 0; return b }
			change["another suite of the same sizes"] = func(b []byte) []byte { b[2] = 3; return b }
		}
		for name, f := range change {
			login, request, err := r.client.Login(nil, password)
			require.NoError(t, err)
			response, _, err := r.server.Begin(t.Context(), alice, r.record, request)
			require.NoError(t, err)
			require.Equal(t, opaque.ErrMalformed, second(r.server.Begin(t.Context(), alice, r.record, f(request))), name)
			_, err = login.Respond(t.Context(), f(response))
			require.Equal(t, opaque.ErrMalformed, err, name)

			reg, request, err := r.client.Register(nil, password)
			require.NoError(t, err)
			response, err = r.server.Register(t.Context(), alice, request)
			require.NoError(t, err)
			_, err = r.server.Register(t.Context(), alice, f(request))
			if name == "another suite of the same sizes" {
				require.ErrorIs(t, err, opaque.ErrPolicy)
			} else {
				require.Equal(t, opaque.ErrMalformed, err, name)
			}
			require.Equal(t, opaque.ErrMalformed, second(reg.Finish(t.Context(), f(response))), name)
		}
		for _, id := range [][]byte{nil, {}, make([]byte, 1025)} {
			_, request, err := r.client.Login(nil, password)
			require.NoError(t, err)
			require.Equal(t, opaque.ErrMalformed, second(r.server.Begin(t.Context(), id, r.record, request)))
			_, request, err = r.client.Register(nil, password)
			require.NoError(t, err)
			_, err = r.server.Register(t.Context(), id, request)
			require.ErrorIs(t, err, opaque.ErrPolicy)
		}
	}
	r := newRigOn(t, opaque.Ristretto255, opaque.RFC)
	login, _, _ := r.answer(t)
	_, err := login.Finish([]byte{0})
	require.Equal(t, opaque.ErrMalformed, err, "on the RFC's wire there is no reply")
}

// TestPinnedServer: a client that knows the server's key registers and logs in
// with no other.
func TestPinnedServer(t *testing.T) {
	for _, suite := range suites {
		r := newRig(t, suite)
		other, err := opaque.NewSetup(suite)
		require.NoError(t, err)
		client := func(pins ...[]byte) *opaque.Client {
			c, err := opaque.NewClient(opaque.ClientConfig{Suite: suite, ServerPublicKeys: pins})
			require.NoError(t, err)
			return c.StretchByIdentity()
		}
		both, wrong := client(other.PublicKey(), r.setup.PublicKey()), client(other.PublicKey())
		record, _ := r.register(t, both, alice, nil, password)
		mustLogin(t, both, r.server, alice, nil, record, password)

		reg, request, err := wrong.Register(nil, password)
		require.NoError(t, err)
		response, err := r.server.Register(t.Context(), alice, request)
		require.NoError(t, err)
		upload, exportKey, err := reg.Finish(t.Context(), response)
		require.ErrorIs(t, err, opaque.ErrPolicy)
		require.Nil(t, upload)
		require.Nil(t, exportKey)

		login, request, err := wrong.Login(nil, password)
		require.NoError(t, err)
		response, _, err = r.server.Begin(t.Context(), alice, record, request)
		require.NoError(t, err)
		_, err = login.Respond(t.Context(), response)
		require.Equal(t, opaque.ErrAuthentication, err)

		_, err = opaque.NewClient(opaque.ClientConfig{Suite: suite, ServerPublicKeys: [][]byte{make([]byte, len(r.setup.PublicKey()))}})
		require.ErrorIs(t, err, opaque.ErrPolicy)
		_, err = opaque.NewClient(opaque.ClientConfig{Suite: suite, ServerPublicKeys: [][]byte{nil}})
		require.ErrorIs(t, err, opaque.ErrPolicy)
	}
}

// TestSetups: numbered setups, of which old ones still log in and are told that
// they are stale.
func TestSetups(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	next, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: r.setup, 2: next}
	cfg.Templates = []opaque.Template{{Setup: 2}, {Setup: 1, Weight: 1}}
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)

	require.True(t, server.Stale(r.record))
	_, exportKey, login := mustLogin(t, r.client, server, alice, nil, r.record, password)
	require.Equal(t, r.exportKey, exportKey)
	require.True(t, login.NeedsRegistration())

	rig2 := *r
	rig2.server = server
	record, _ := rig2.register(t, r.client, alice, nil, password)
	parsed, err := opaque.ParseRecord(record)
	require.NoError(t, err)
	require.EqualValues(t, 2, parsed.Setup())
	require.False(t, server.Stale(record))
	_, _, login = mustLogin(t, r.client, server, alice, nil, record, password)
	require.False(t, login.NeedsRegistration())

	// An old KSF is stale as well.
	costlier, err := kdf.NewArgon2id(128<<10, 3, 4)
	require.NoError(t, err)
	cfg.Templates = []opaque.Template{{Setup: 2, KSF: costlier, Weight: 1}}
	server, err = opaque.NewServer(cfg)
	require.NoError(t, err)
	require.True(t, server.Stale(record))
	_, _, login = mustLogin(t, r.client, server, alice, nil, record, password)
	require.True(t, login.NeedsRegistration())
	require.ErrorIs(t, server.Admit(record), opaque.ErrPolicy, "the client must not choose")
	require.True(t, server.Stale(nil))

	// Which of two would be the default is not to be guessed.
	cfg.Templates = nil
	_, err = opaque.NewServer(cfg)
	require.ErrorIs(t, err, opaque.ErrPolicy)

	// A setup that is gone.
	cfg.Setups = map[uint16]*opaque.Setup{1: r.setup}
	server, err = opaque.NewServer(cfg)
	require.NoError(t, err)
	_, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	require.ErrorIs(t, second(server.Begin(t.Context(), alice, record, request)), opaque.ErrRecord)
}

// TestMixedSuites: a server with setups of two suites, a client of each.
func TestMixedSuites(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	p256, err := opaque.NewSetup(opaque.P256)
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: r.setup, 2: p256}
	cfg.Templates = []opaque.Template{{Setup: 2}, {Setup: 1, Weight: 1}}
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	mustLogin(t, r.client, server, alice, nil, r.record, password)

	_, request, err := r.client.Register(nil, password)
	require.NoError(t, err)
	_, err = server.Register(t.Context(), alice, request)
	require.ErrorIs(t, err, opaque.ErrPolicy, "registrations are in the first template's suite")

	other, err := opaque.NewClient(opaque.ClientConfig{Suite: opaque.P256})
	require.NoError(t, err)
	_, request, err = other.Login(nil, password)
	require.NoError(t, err)
	require.Equal(t, opaque.ErrMalformed, second(server.Begin(t.Context(), alice, r.record, request)), "the account's suite")
	require.Equal(t, opaque.ErrMalformed, second(server.Begin(t.Context(), []byte("nobody"), nil, request)), "unknown names too")

	// A record that names a setup of another suite is damaged.
	raw := append(p256.PublicKey(), make([]byte, 96)...)
	odd, err := opaque.ImportRecord(opaque.P256, 1, opaque.DefaultKSF(), nil, raw)
	require.NoError(t, err)
	require.ErrorIs(t, second(server.Begin(t.Context(), alice, odd.Bytes(), request)), opaque.ErrRecord)
}

// channelKeys are Keys in another goroutine, as in another machine.
type channelKeys chan func(opaque.Keys)

func serveKeys(ctx context.Context, k opaque.Keys) channelKeys {
	c := make(channelKeys)
	go func() {
		for {
			select {
			case f := <-c:
				f(k)
			case <-ctx.Done():
				return
			}
		}
	}()
	return c
}

func (c channelKeys) call(ctx context.Context, f func(opaque.Keys) ([]byte, error)) (b []byte, err error) {
	done := make(chan struct{})
	select {
	case c <- func(k opaque.Keys) { b, err = f(k); close(done) }:
		<-done
		return b, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c channelKeys) PublicKey(ctx context.Context) ([]byte, error) {
	return c.call(ctx, func(k opaque.Keys) ([]byte, error) { return k.PublicKey(ctx) })
}

func (c channelKeys) OPRFSeed(ctx context.Context, id []byte) ([]byte, error) {
	return c.call(ctx, func(k opaque.Keys) ([]byte, error) { return k.OPRFSeed(ctx, id) })
}

func (c channelKeys) DH(ctx context.Context, peer []byte) ([]byte, error) {
	return c.call(ctx, func(k opaque.Keys) ([]byte, error) { return k.DH(ctx, peer) })
}

// TestKeysElsewhere: the same keys in memory and behind a channel answer alike.
func TestKeysElsewhere(t *testing.T) {
	for _, suite := range suites {
		r := newRig(t, suite)
		keys := serveKeys(t.Context(), opaque.KeysOf(r.setup))
		setup, err := opaque.NewKeysSetup(t.Context(), suite, keys)
		require.NoError(t, err)
		require.Equal(t, r.setup.PublicKey(), setup.PublicKey())
		_, err = setup.Bytes()
		require.ErrorIs(t, err, opaque.ErrPolicy)
		cfg := r.config
		cfg.Setups = map[uint16]*opaque.Setup{1: setup}
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		_, exportKey, _ := mustLogin(t, r.client, server, alice, nil, r.record, password)
		require.Equal(t, r.exportKey, exportKey)
		elsewhere := *r
		elsewhere.server = server
		record, exportKey := elsewhere.register(t, r.client, alice, nil, password)
		_, exported, _ := mustLogin(t, r.client, r.server, alice, nil, record, password)
		require.Equal(t, exportKey, exported)

		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		_, _, err = server.Begin(t.Context(), []byte("nobody"), nil, request)
		require.NoError(t, err)
	}
}

// faultyKeys are Keys that give wrong answers.
type faultyKeys struct {
	opaque.Keys
	publicKey, seed, dh []byte
	err                 error
}

func (f faultyKeys) PublicKey(ctx context.Context) ([]byte, error) {
	if f.publicKey != nil {
		return f.publicKey, nil
	}
	return f.Keys.PublicKey(ctx)
}

func (f faultyKeys) OPRFSeed(ctx context.Context, id []byte) ([]byte, error) {
	if f.err != nil || f.seed != nil {
		return f.seed, f.err
	}
	return f.Keys.OPRFSeed(ctx, id)
}

func (f faultyKeys) DH(ctx context.Context, peer []byte) ([]byte, error) {
	if f.dh != nil {
		return f.dh, nil
	}
	return f.Keys.DH(ctx, peer)
}

func TestKeysThatFail(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	keys := opaque.KeysOf(r.setup)
	_, err := opaque.NewKeysSetup(t.Context(), opaque.Ristretto255, faultyKeys{Keys: keys, publicKey: make([]byte, 32)})
	require.Equal(t, opaque.ErrRecord, err)
	_, err = opaque.NewKeysSetup(t.Context(), 9, keys)
	require.ErrorIs(t, err, opaque.ErrPolicy)
	_, err = opaque.NewKeysSetup(t.Context(), opaque.Ristretto255, nil)
	require.ErrorIs(t, err, opaque.ErrPolicy)
	failure := errors.New("the vault is closed")
	for name, k := range map[string]opaque.Keys{
		"error":      faultyKeys{Keys: keys, err: failure},
		"short seed": faultyKeys{Keys: keys, seed: bytes.Repeat([]byte{1}, 31)},
		"zero seed":  faultyKeys{Keys: keys, seed: make([]byte, 32)},
		"short dh":   faultyKeys{Keys: keys, dh: bytes.Repeat([]byte{1}, 31)},
		"zero dh":    faultyKeys{Keys: keys, dh: make([]byte, 32)},
	} {
		setup, err := opaque.NewKeysSetup(t.Context(), opaque.Ristretto255, k)
		require.NoError(t, err)
		cfg := r.config
		cfg.Setups = map[uint16]*opaque.Setup{1: setup}
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		response, pending, err := server.Begin(t.Context(), alice, r.record, request)
		require.Error(t, err, name)
		require.Nil(t, response)
		require.Nil(t, pending)
		for _, not := range []error{opaque.ErrAuthentication, opaque.ErrMalformed, opaque.ErrState} {
			require.NotErrorIs(t, err, not, "it is the server's own fault")
		}
		require.Equal(t, name == "error", errors.Is(err, failure))
	}
}

// cachingKeys hand out what they keep: what a caller cleared would be gone.
type cachingKeys struct {
	opaque.Keys
	seeds map[string][]byte
}

func (c cachingKeys) OPRFSeed(ctx context.Context, id []byte) ([]byte, error) {
	if c.seeds[string(id)] == nil {
		seed, err := c.Keys.OPRFSeed(ctx, id)
		if err != nil {
			return nil, err
		}
		c.seeds[string(id)] = seed
	}
	return c.seeds[string(id)], nil
}

func TestKeysThatCache(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	setup, err := opaque.NewKeysSetup(t.Context(), opaque.Ristretto255, cachingKeys{opaque.KeysOf(r.setup), make(map[string][]byte)})
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: setup}
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	for range 3 {
		mustLogin(t, r.client, server, alice, nil, r.record, password)
	}
}

// TestTwoTenants: two applications that share state keys and a Replay, which they
// should not, cannot finish each other's logins.
func TestTwoTenants(t *testing.T) {
	other, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	shared := newTable()
	shop := newRigOn(t, opaque.Ristretto255, opaque.Framed)
	shop.config.Replay = shared
	shop.server, err = opaque.NewServer(shop.config)
	require.NoError(t, err)
	for name, change := range map[string]func(c *opaque.ServerConfig){
		"another identity": func(c *opaque.ServerConfig) { c.ServerIdentity = []byte("bank") },
		"another setup":    func(c *opaque.ServerConfig) { c.Setups = map[uint16]*opaque.Setup{1: other} },
		"another wire":     func(c *opaque.ServerConfig) { c.Wire = opaque.RFC },
	} {
		cfg := shop.config
		change(&cfg)
		bank, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		_, pending, final := shop.answer(t)
		require.Equal(t, opaque.ErrState, second(bank.Finish(t.Context(), alice, pending, final)), name)
		require.Equal(t, opaque.ErrState, second(bank.Finish(t.Context(), alice, pending, final[2:])), name)
	}
	replica, err := opaque.NewServer(shop.config)
	require.NoError(t, err)
	_, pending, final := shop.answer(t)
	require.NoError(t, second(replica.Finish(t.Context(), alice, pending, final)))
}

func TestCancelled(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	login, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	require.Equal(t, context.Canceled, second(r.server.Begin(ctx, alice, r.record, request)))
	response, pending, err := r.server.Begin(t.Context(), alice, r.record, request)
	require.NoError(t, err)
	_, err = login.Respond(ctx, response)
	require.Equal(t, context.Canceled, err)
	require.Equal(t, context.Canceled, second(r.server.Finish(ctx, alice, pending, make([]byte, 66))))
	reg, request, err := r.client.Register(nil, password)
	require.NoError(t, err)
	_, err = r.server.Register(ctx, alice, request)
	require.Equal(t, context.Canceled, err)
	response, err = r.server.Register(t.Context(), alice, request)
	require.NoError(t, err)
	require.Equal(t, context.Canceled, second(reg.Finish(ctx, response)))

	// While the KSF waits at its gate.
	gate := kdf.NewGate(1)
	client, err := opaque.NewClient(opaque.ClientConfig{KSF: kdf.Policy{Gate: gate}})
	require.NoError(t, err)
	record, _ := r.register(t, client, alice, nil, password)
	login, request, err = client.Login(nil, password)
	require.NoError(t, err)
	response, _, err = r.server.Begin(t.Context(), alice, record, request)
	require.NoError(t, err)
	ctx, cancel = context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	_, err = login.Respond(ctx, response)
	require.Equal(t, context.DeadlineExceeded, err)

	// On the RFC's wire the gate counts as well.
	require.Same(t, gate, opaque.GateOf(t, opaque.ClientConfig{Wire: opaque.RFC, KSF: kdf.Policy{Gate: gate}}))
}

// TestConcurrentLogins: two logins of one user at once both succeed, and a shared
// Server and Client serve many.
func TestConcurrentLogins(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	login1, response1, pending1 := r.begin(t, alice, r.record, password)
	login2, response2, pending2 := r.begin(t, alice, r.record, password)
	final2, err := login2.Respond(t.Context(), response2)
	require.NoError(t, err)
	final1, err := login1.Respond(t.Context(), response1)
	require.NoError(t, err)
	reply1, _, err := r.server.Finish(t.Context(), alice, pending1, final1)
	require.NoError(t, err)
	reply2, _, err := r.server.Finish(t.Context(), alice, pending2, final2)
	require.NoError(t, err)
	_, err = login1.Finish(reply1)
	require.NoError(t, err)
	_, err = login2.Finish(reply2)
	require.NoError(t, err)

	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				mustLogin(t, r.client, r.server, alice, nil, r.record, password)
			}
		})
	}
	wg.Wait()
}

// TestOneTimeObjects: of many calls at once one succeeds.
func TestOneTimeObjects(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	login, response, _ := r.begin(t, alice, r.record, password)
	reg, request, err := r.client.Register(nil, password)
	require.NoError(t, err)
	offered, err := r.server.Register(t.Context(), alice, request)
	require.NoError(t, err)
	var wg sync.WaitGroup
	results := make(chan [2]error, 16)
	for range cap(results) {
		wg.Go(func() {
			_, err1 := login.Respond(context.Background(), response)
			_, _, err2 := reg.Finish(context.Background(), offered)
			results <- [2]error{err1, err2}
		})
	}
	wg.Wait()
	var succeeded [2]int
	for range cap(results) {
		for i, err := range <-results {
			if err == nil {
				succeeded[i]++
			} else {
				require.Equal(t, opaque.ErrUsed, err)
			}
		}
	}
	require.Equal(t, [2]int{1, 1}, succeeded)

	// Before Respond there is nothing to finish, after Discard nothing at all.
	login, _, _ = r.begin(t, alice, r.record, password)
	_, err = login.Finish(make([]byte, 35))
	require.Equal(t, opaque.ErrUsed, err)
	_, err = login.ExportKey()
	require.Equal(t, opaque.ErrUsed, err)
	login.Discard()
	_, err = login.Respond(t.Context(), response)
	require.Equal(t, opaque.ErrUsed, err)
	reg, _, err = r.client.Register(nil, password)
	require.NoError(t, err)
	reg.Discard()
	require.Equal(t, opaque.ErrUsed, second(reg.Finish(t.Context(), offered)))
}

func TestConfigs(t *testing.T) {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	good := func() opaque.ServerConfig {
		return opaque.ServerConfig{Secrets: secrets(), Setups: map[uint16]*opaque.Setup{1: setup}}
	}
	salted := kdf.Default().WithNewSalt()
	pbkdf2, err := kdf.NewPBKDF2SHA512(300_000)
	require.NoError(t, err)
	withheld, _, err := pbkdf2.WithoutIterations()
	require.NoError(t, err)
	for name, change := range map[string]func(c *opaque.ServerConfig){
		"no setup":             func(c *opaque.ServerConfig) { c.Setups = nil },
		"a nil setup":          func(c *opaque.ServerConfig) { c.Setups[2] = nil },
		"an empty setup":       func(c *opaque.ServerConfig) { c.Setups[2] = new(opaque.Setup) },
		"an unknown setup":     func(c *opaque.ServerConfig) { c.Templates = []opaque.Template{{Setup: 2}} },
		"no decoy":             func(c *opaque.ServerConfig) { c.Secrets.Decoy = nil },
		"a zero decoy":         func(c *opaque.ServerConfig) { c.Secrets.Decoy = make([]byte, 32) },
		"no state":             func(c *opaque.ServerConfig) { c.Secrets.State = nil },
		"a short state":        func(c *opaque.ServerConfig) { c.Secrets.State[0] = c.Secrets.State[0][1:] },
		"a salted KSF":         func(c *opaque.ServerConfig) { c.Templates = []opaque.Template{{Setup: 1, KSF: salted}} },
		"a withheld KSF":       func(c *opaque.ServerConfig) { c.Templates = []opaque.Template{{Setup: 1, KSF: withheld}} },
		"no weight":            func(c *opaque.ServerConfig) { c.Templates = []opaque.Template{{Setup: 1}, {Setup: 1}} },
		"a long identity":      func(c *opaque.ServerConfig) { c.ServerIdentity = make([]byte, 65536) },
		"another wire":         func(c *opaque.ServerConfig) { c.Wire = 2 },
		"two setups, RFC":      func(c *opaque.ServerConfig) { c.Wire = opaque.RFC; c.Setups[2] = setup },
		"a negative lifetime":  func(c *opaque.ServerConfig) { c.Lifetime = -1 },
		"a negative MaxPendig": func(c *opaque.ServerConfig) { c.MaxPending = -1 },
	} {
		cfg := good()
		change(&cfg)
		s, err := opaque.NewServer(cfg)
		require.ErrorIs(t, err, opaque.ErrPolicy, name)
		require.Nil(t, s)
	}
	for name, cfg := range map[string]opaque.ClientConfig{
		"another suite":      {Suite: 4},
		"another wire":       {Wire: 2},
		"a long identity":    {ServerIdentity: make([]byte, 65536)},
		"a fixed KSF":        {FixedKSF: kdf.Default()},
		"a salted KSF":       {Wire: opaque.RFC, FixedKSF: salted},
		"a withheld KSF":     {Wire: opaque.RFC, FixedKSF: withheld},
		"a public key of 31": {ServerPublicKeys: [][]byte{make([]byte, 31)}},
	} {
		c, err := opaque.NewClient(cfg)
		require.ErrorIs(t, err, opaque.ErrPolicy, name)
		require.Nil(t, c)
	}
	client, err := opaque.NewClient(opaque.ClientConfig{})
	require.NoError(t, err)
	for name, lengths := range map[string][2]int{"no password": {0, 0}, "a long password": {0, 1025}, "a long identity": {65536, 1}} {
		_, _, err := client.Login(make([]byte, lengths[0]), make([]byte, lengths[1]))
		require.ErrorIs(t, err, opaque.ErrPolicy, name)
		_, _, err = client.Register(make([]byte, lengths[0]), make([]byte, lengths[1]))
		require.ErrorIs(t, err, opaque.ErrPolicy, name)
	}
	_, err = opaque.NewSetup(0)
	require.ErrorIs(t, err, opaque.ErrPolicy)
	require.Equal(t, "ristretto255 p256 curve25519 invalid", strings.Join([]string{
		opaque.Ristretto255.String(), opaque.P256.String(), opaque.Curve25519.String(), opaque.Suite(4).String()}, " "))
}

func TestNothingPassedInIsKept(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	identity, secret := []byte("Alice"), bytes.Clone(password)
	record, _ := r.register(t, r.client, alice, identity, secret)
	login, request, err := r.client.Login(identity, secret)
	require.NoError(t, err)
	clear(identity)
	clear(secret)
	id := bytes.Clone(alice)
	response, pending, err := r.server.Begin(t.Context(), id, record, request)
	require.NoError(t, err)
	clear(request)
	clear(record)
	clear(id)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	clear(response)
	reply, _, err := r.server.Finish(t.Context(), alice, pending, final)
	require.NoError(t, err)
	_, err = login.Finish(reply)
	require.NoError(t, err)
}
