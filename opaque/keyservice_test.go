package opaque_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// channelKeys are a KeyService in another goroutine, as in another machine.
type channelKeys chan func(opaque.KeyService)

func serveKeys(ctx context.Context, k opaque.KeyService) channelKeys {
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

func (c channelKeys) call(ctx context.Context, f func(opaque.KeyService) ([]byte, error)) (b []byte, err error) {
	done := make(chan struct{})
	select {
	case c <- func(k opaque.KeyService) { b, err = f(k); close(done) }:
		<-done
		return b, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c channelKeys) PublicKey(ctx context.Context) ([]byte, error) {
	return c.call(ctx, func(k opaque.KeyService) ([]byte, error) { return k.PublicKey(ctx) })
}

func (c channelKeys) OPRFSeed(ctx context.Context, id []byte) ([]byte, error) {
	return c.call(ctx, func(k opaque.KeyService) ([]byte, error) { return k.OPRFSeed(ctx, id) })
}

func (c channelKeys) DH(ctx context.Context, peer []byte) ([]byte, error) {
	return c.call(ctx, func(k opaque.KeyService) ([]byte, error) { return k.DH(ctx, peer) })
}

// TestKeysElsewhere: the same keys in memory and behind a channel answer alike.
func TestKeysElsewhere(t *testing.T) {
	for _, suite := range suites {
		r := newRig(t, suite)
		keys := serveKeys(t.Context(), opaque.KeyServiceOf(r.setup))
		setup, err := opaque.NewKeyServiceSetup(t.Context(), suite, keys)
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
		_, _, err = server.BeginLogin(t.Context(), []byte("nobody"), nil, request)
		require.NoError(t, err)
	}
}

// TestKMSExample: the KMS of the example registers accounts and logs them in. So
// does a server that has its keys in memory.
func TestKMSExample(t *testing.T) {
	k, seed := make(kms), bytes.Repeat([]byte{7}, 64)
	defer close(k)
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	go k.serve(seed, private)
	setup, err := opaque.NewKeyServiceSetup(t.Context(), opaque.Curve25519, k)
	require.NoError(t, err)
	r := newRigWith(t, opaque.ServerConfig{DecoyKey: decoyKey, StateKeys: stateKeys(), Setups: map[uint16]*opaque.Setup{1: setup}},
		opaque.ClientConfig{Suite: opaque.Curve25519})
	mustLogin(t, r.client, r.server, alice, nil, r.record, password)

	_, decoy := opaque.KeyPair(opaque.Curve25519)
	setup, err = opaque.MemorySetup(opaque.Curve25519, seed, private.Bytes(), decoy)
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: setup}
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	mustLogin(t, r.client, server, alice, nil, r.record, password)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = make(kms).DH(ended, nil)
	require.ErrorIs(t, err, context.Canceled)
}

// faultyKeys are KeyServices that give wrong answers.
type faultyKeys struct {
	opaque.KeyService
	publicKey, seed, dh []byte
	err                 error
}

func (f faultyKeys) PublicKey(ctx context.Context) ([]byte, error) {
	if f.publicKey != nil {
		return f.publicKey, nil
	}
	return f.KeyService.PublicKey(ctx)
}

func (f faultyKeys) OPRFSeed(ctx context.Context, id []byte) ([]byte, error) {
	if f.err != nil || f.seed != nil {
		return f.seed, f.err
	}
	return f.KeyService.OPRFSeed(ctx, id)
}

func (f faultyKeys) DH(ctx context.Context, peer []byte) ([]byte, error) {
	if f.dh != nil {
		return f.dh, nil
	}
	return f.KeyService.DH(ctx, peer)
}

func TestKeysThatFail(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	keys := opaque.KeyServiceOf(r.setup)
	_, err := opaque.NewKeyServiceSetup(t.Context(), opaque.Ristretto255, faultyKeys{KeyService: keys, publicKey: make([]byte, 32)})
	require.Equal(t, opaque.ErrRecord, err)
	_, err = opaque.NewKeyServiceSetup(t.Context(), 9, keys)
	require.ErrorIs(t, err, opaque.ErrPolicy)
	_, err = opaque.NewKeyServiceSetup(t.Context(), opaque.Ristretto255, nil)
	require.ErrorIs(t, err, opaque.ErrPolicy)
	failure := errors.New("the vault is closed")
	for name, k := range map[string]opaque.KeyService{
		"error":      faultyKeys{KeyService: keys, err: failure},
		"short seed": faultyKeys{KeyService: keys, seed: bytes.Repeat([]byte{1}, 31)},
		"zero seed":  faultyKeys{KeyService: keys, seed: make([]byte, 32)},
		"short dh":   faultyKeys{KeyService: keys, dh: bytes.Repeat([]byte{1}, 31)},
		"zero dh":    faultyKeys{KeyService: keys, dh: make([]byte, 32)},
	} {
		setup, err := opaque.NewKeyServiceSetup(t.Context(), opaque.Ristretto255, k)
		require.NoError(t, err)
		cfg := r.config
		cfg.Setups = map[uint16]*opaque.Setup{1: setup}
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		response, pending, err := server.BeginLogin(t.Context(), alice, r.record, request)
		require.Error(t, err, name)
		require.Nil(t, response)
		require.Nil(t, pending)
		for _, not := range []error{opaque.ErrAuthentication, opaque.ErrMalformed, opaque.ErrState} {
			require.NotErrorIs(t, err, not, "it is the server's own fault")
		}
		require.Equal(t, name == "error", errors.Is(err, failure))
	}
}

// cachingKeys return the same slice each time. A caller that clears it breaks
// the next call.
type cachingKeys struct {
	opaque.KeyService
	seeds map[string][]byte
}

func (c cachingKeys) OPRFSeed(ctx context.Context, id []byte) ([]byte, error) {
	if c.seeds[string(id)] == nil {
		seed, err := c.KeyService.OPRFSeed(ctx, id)
		if err != nil {
			return nil, err
		}
		c.seeds[string(id)] = seed
	}
	return c.seeds[string(id)], nil
}

func TestKeysThatCache(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	setup, err := opaque.NewKeyServiceSetup(t.Context(), opaque.Ristretto255, cachingKeys{opaque.KeyServiceOf(r.setup), make(map[string][]byte)})
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: setup}
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	for range 3 {
		mustLogin(t, r.client, server, alice, nil, r.record, password)
	}
}
