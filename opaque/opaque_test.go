package opaque_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

var (
	alice    = []byte("alice")
	password = []byte("correct horse")
	suites   = []opaque.Suite{opaque.Ristretto255, opaque.P256, opaque.Curve25519}
)

// decoyKey and stateKeys are fixed secrets of a server.
var decoyKey = key32(0xd1)

func stateKeys() []opaque.StateKey { return []opaque.StateKey{{Key: key32(0x5a)}} }

func key32(fill byte) [32]byte { return [32]byte(bytes.Repeat([]byte{fill}, 32)) }

// rig is a server with one account, whose logins do not stretch.
type rig struct {
	suite     opaque.Suite
	setup     *opaque.Setup
	config    opaque.ServerConfig
	server    *opaque.Server
	client    *opaque.Client
	record    []byte
	exportKey []byte
}

func newRig(t testing.TB, suite opaque.Suite) *rig { return newRigOn(t, suite, opaque.WireFramed) }

func newRigOn(t testing.TB, suite opaque.Suite, wire opaque.Wire) *rig {
	t.Helper()
	setup, err := opaque.NewSetup(suite)
	require.NoError(t, err)
	return newRigWith(t, opaque.ServerConfig{DecoyKey: decoyKey, StateKeys: stateKeys(), Setups: map[uint16]*opaque.Setup{1: setup}, Wire: wire},
		opaque.ClientConfig{Suite: suite, Wire: wire})
}

func newRigWith(t testing.TB, cfg opaque.ServerConfig, clientCfg opaque.ClientConfig) *rig {
	t.Helper()
	client, err := opaque.NewClient(clientCfg)
	require.NoError(t, err)
	r := &rig{suite: cfg.Setups[1].Suite(), setup: cfg.Setups[1], config: cfg, client: client.StretchByIdentity()}
	r.server, err = opaque.NewServer(cfg)
	require.NoError(t, err)
	r.record, r.exportKey = r.register(t, r.client, alice, nil, password)
	return r
}

// register registers an account and returns its record.
func (r *rig) register(t testing.TB, client *opaque.Client, id, identity, password []byte) (record, exportKey []byte) {
	t.Helper()
	reg, request, err := client.Register(identity, password)
	require.NoError(t, err)
	defer reg.Discard()
	response, err := r.server.BeginRegistration(context.Background(), id, request)
	require.NoError(t, err)
	upload, err := reg.Finish(context.Background(), response)
	require.NoError(t, err)
	exportKey, err = reg.ExportKey()
	require.NoError(t, err)
	record, err = r.server.FinishRegistration(identity, upload)
	require.NoError(t, err)
	return record, exportKey
}

// begin runs a login up to the server's response.
func (r *rig) begin(t testing.TB, id, record, password []byte) (login *opaque.Login, response, pending []byte) {
	t.Helper()
	login, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	response, pending, err = r.server.BeginLogin(context.Background(), id, record, request)
	require.NoError(t, err)
	return login, response, pending
}

// answer runs alice's login up to the client's final message.
func (r *rig) answer(t testing.TB) (login *opaque.Login, pending, final []byte) {
	t.Helper()
	login, response, pending := r.begin(t, alice, r.record, password)
	final, err := login.Respond(context.Background(), response)
	require.NoError(t, err)
	return login, pending, final
}

// mustLogin runs a whole login and returns the key and the export key.
func mustLogin(t testing.TB, client *opaque.Client, server *opaque.Server, id, identity, record, password []byte) (key, exportKey []byte, l *opaque.Login) {
	t.Helper()
	login, request, err := client.Login(identity, password)
	require.NoError(t, err)
	response, pending, err := server.BeginLogin(context.Background(), id, record, request)
	require.NoError(t, err)
	final, err := login.Respond(context.Background(), response)
	require.NoError(t, err)
	reply, serverKey, err := server.FinishLogin(context.Background(), id, record, pending, final)
	require.NoError(t, err)
	key, err = login.Finish(reply)
	require.NoError(t, err)
	require.Equal(t, serverKey, key)
	exportKey, err = login.ExportKey()
	require.NoError(t, err)
	return key, exportKey, login
}

// flips calls f with every bit of b flipped, one at a time. Short tests flip
// some of them.
func flips(t testing.TB, b []byte, f func(at int, flipped []byte)) {
	step := 1
	if !testvec.Long {
		step = 13
	}
	for i := 0; i < 8*len(b); i += step {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		f(i, c)
	}
}

func hexOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func second[A, B any](_ A, _ B, err error) error { return err }

func errOf[A any](_ A, err error) error { return err }

// clock is a settable time.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }
