package opaque_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// callbackKSF is a KSF that calls back while it runs.
type callbackKSF struct {
	during  func()
	in, out []byte
}

func (k *callbackKSF) Derive(_ context.Context, password []byte, n int) ([]byte, error) {
	k.in, k.out = password, bytes.Repeat([]byte{0x77}, n)
	k.during()
	return k.out, nil
}

// TestQuestionsDuringTheKSF: a login and a registration answer while their KSF
// runs, and go on.
func TestQuestionsDuringTheKSF(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	k := new(callbackKSF)
	client := r.client.StretchBy(k)
	reg, request, err := client.Register(nil, password)
	require.NoError(t, err)
	response, err := r.server.BeginRegistration(t.Context(), alice, request)
	require.NoError(t, err)
	asked := 0
	k.during = func() {
		asked++
		require.Equal(t, opaque.ErrUsed, errOf(reg.ExportKey()))
		require.Equal(t, opaque.ErrUsed, errOf(reg.Record()))
		require.Equal(t, opaque.ErrUsed, errOf(reg.Finish(t.Context(), response)))
	}
	var record []byte
	testvec.InTime(t, func() { record, err = reg.Finish(t.Context(), response) })
	require.NoError(t, err)

	login, request, err := client.Login(nil, password)
	require.NoError(t, err)
	response, _, err = r.server.BeginLogin(t.Context(), alice, record, request)
	require.NoError(t, err)
	k.during = func() {
		asked++
		require.Equal(t, opaque.ErrUsed, errOf(login.ExportKey()))
		require.Equal(t, opaque.ErrUsed, errOf(login.Record()))
		require.Equal(t, opaque.ErrUsed, errOf(login.Finish(nil)))
		require.Equal(t, opaque.ErrUsed, errOf(login.Respond(t.Context(), response)))
		require.False(t, login.NeedsRegistration())
	}
	testvec.InTime(t, func() { _, err = login.Respond(t.Context(), response) })
	require.NoError(t, err)
	require.Equal(t, 2, asked)
}

// TestDiscardDuringTheKSF: Discard ends the login or the registration, and no
// secret is left.
func TestDiscardDuringTheKSF(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	for times := 1; times <= 2; times++ {
		k := &callbackKSF{during: func() {}}
		client := r.client.StretchBy(k)
		record, _ := r.register(t, client, alice, nil, password)

		login, request, err := client.Login(nil, password)
		require.NoError(t, err)
		response, _, err := r.server.BeginLogin(t.Context(), alice, record, request)
		require.NoError(t, err)
		kept := opaque.PasswordOf(login)
		k.during = func() {
			for range times {
				login.Discard()
			}
			require.Equal(t, opaque.ErrUsed, errOf(login.Respond(t.Context(), response)))
		}
		var final []byte
		testvec.InTime(t, func() { final, err = login.Respond(t.Context(), response) })
		require.Equal(t, opaque.ErrUsed, err)
		require.Nil(t, final)
		require.Equal(t, make([]byte, len(password)), kept)
		require.Nil(t, opaque.PasswordOf(login))
		require.Nil(t, opaque.ExportKeyOf(login))
		require.Equal(t, make([]byte, 64), k.in)
		require.Equal(t, make([]byte, 64), k.out)
		require.Equal(t, opaque.ErrUsed, errOf(login.Finish(nil)))

		reg, request, err := client.Register(nil, password)
		require.NoError(t, err)
		response, err = r.server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		kept = opaque.PasswordOf(reg)
		k.during = func() {
			for range times {
				reg.Discard()
			}
		}
		var upload []byte
		testvec.InTime(t, func() { upload, err = reg.Finish(t.Context(), response) })
		require.Equal(t, opaque.ErrUsed, err)
		require.Nil(t, upload)
		require.Equal(t, make([]byte, len(password)), kept)
		require.Nil(t, opaque.PasswordOf(reg))
		require.Equal(t, opaque.ErrUsed, errOf(reg.ExportKey()))
		require.Equal(t, make([]byte, 64), k.out)
	}
}

// fixedClient is fixed randomness for a client that does everything twice.
func fixedClient() opaque.Fixed {
	fixed := make(opaque.Fixed)
	for _, name := range []string{"blind", "envelope_nonce", "client_nonce", "client_keyshare_seed"} {
		fixed[name] = bytes.Repeat([]byte{byte(len(name))}, 32)
	}
	return fixed
}

// TestNothingIsLeftOfADiscardedRegistration: the export key of a registration
// that is discarded while its KSF runs is in no buffer. The whole heap is
// searched.
func TestNothingIsLeftOfADiscardedRegistration(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	k := new(callbackKSF)
	client := r.client.StretchBy(k)
	reg, request, err := client.RegisterWith(nil, password, fixedClient())
	require.NoError(t, err)
	response, err := r.server.BeginRegistration(t.Context(), alice, request)
	require.NoError(t, err)
	k.during = reg.Discard
	require.Equal(t, opaque.ErrUsed, errOf(reg.Finish(t.Context(), response)))
	heap := testvec.Heap(t)

	k.during = func() {}
	again, _, err := client.RegisterWith(nil, password, fixedClient())
	require.NoError(t, err)
	_, err = again.Finish(t.Context(), response)
	require.NoError(t, err)
	exportKey, err := again.ExportKey()
	require.NoError(t, err)
	require.False(t, heap.Holds(exportKey))
	require.True(t, testvec.Heap(t).Holds(exportKey), "the dump shows what is there")
}

// TestNothingIsLeftOfADiscardedLogin is the same for a login.
func TestNothingIsLeftOfADiscardedLogin(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	k := &callbackKSF{during: func() {}}
	client := r.client.StretchBy(k)
	record, exportKey := r.register(t, client, alice, nil, password)
	clear(exportKey)
	login, request, err := client.LoginWith(nil, password, fixedClient())
	require.NoError(t, err)
	response, _, err := r.server.BeginLogin(t.Context(), alice, record, request)
	require.NoError(t, err)
	k.during = login.Discard
	require.Equal(t, opaque.ErrUsed, errOf(login.Respond(t.Context(), response)))
	heap := testvec.Heap(t)

	k.during = func() {}
	again, _, err := client.LoginWith(nil, password, fixedClient())
	require.NoError(t, err)
	_, err = again.Respond(t.Context(), response)
	require.NoError(t, err, "the same login, not discarded")
	require.False(t, heap.Holds(opaque.ExportKeyOf(again)))
	require.True(t, testvec.Heap(t).Holds(opaque.ExportKeyOf(again)), "the dump shows what is there")
}

// TestDiscardWhileOthersRespond is for the race detector.
func TestDiscardWhileOthersRespond(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	for range 20 {
		login, response, _ := r.begin(t, alice, r.record, password)
		kept := opaque.PasswordOf(login)
		done := make(chan error)
		go func() {
			_, err := login.Respond(context.Background(), response)
			done <- err
		}()
		login.Discard()
		login.Discard()
		if err := <-done; err != nil {
			require.Equal(t, opaque.ErrUsed, err)
			require.Equal(t, opaque.ErrUsed, errOf(login.Finish(nil)))
		}
		require.Equal(t, make([]byte, len(password)), kept)
	}
}

// nestedService is a KeyService and a Replay that use the server that calls
// them.
type nestedService struct {
	opaque.KeyService
	*testvec.Replay
	inside func()
}

func (n *nestedService) OPRFSeed(ctx context.Context, id []byte) ([]byte, error) {
	n.call()
	return n.KeyService.OPRFSeed(ctx, id)
}

func (n *nestedService) DH(ctx context.Context, peer []byte) ([]byte, error) {
	n.call()
	return n.KeyService.DH(ctx, peer)
}

func (n *nestedService) Consume(ctx context.Context, id [16]byte, expires time.Time) (bool, error) {
	n.call()
	return n.Replay.Consume(ctx, id, expires)
}

func (n *nestedService) call() {
	if f := n.inside; f != nil {
		n.inside = nil
		f()
		n.inside = f
	}
}

// TestServerIsUsedInsideItsCallbacks: no lock of the server is held during a
// call of its KeyService or Replay.
func TestServerIsUsedInsideItsCallbacks(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	service := &nestedService{KeyService: opaque.KeyServiceOf(r.setup), Replay: testvec.NewReplay()}
	setup, err := opaque.NewKeyServiceSetup(t.Context(), opaque.Ristretto255, service)
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups, cfg.Replay = map[uint16]*opaque.Setup{1: setup}, service
	r.server, err = opaque.NewServer(cfg)
	require.NoError(t, err)
	nested := 0
	service.inside = func() {
		nested++
		mustLogin(t, r.client, r.server, alice, nil, r.record, password)
		require.False(t, r.server.NeedsRegistration(r.record))
		_, err := r.server.WithStateKeys(stateKeys())
		require.NoError(t, err)
	}
	testvec.InTime(t, func() { mustLogin(t, r.client, r.server, alice, nil, r.record, password) })
	require.Equal(t, 3, nested, "for the seed, the secret and the single use")
}
