package opaque_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

func TestCancelled(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	login, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	require.Equal(t, context.Canceled, second(r.server.BeginLogin(ctx, alice, r.record, request)))
	response, pending, err := r.server.BeginLogin(t.Context(), alice, r.record, request)
	require.NoError(t, err)
	_, err = login.Respond(ctx, response)
	require.Equal(t, context.Canceled, err)
	require.Equal(t, context.Canceled, second(r.server.FinishLogin(ctx, alice, r.record, pending, make([]byte, 66))))
	reg, request, err := r.client.Register(nil, password)
	require.NoError(t, err)
	_, err = r.server.BeginRegistration(ctx, alice, request)
	require.Equal(t, context.Canceled, err)
	response, err = r.server.BeginRegistration(t.Context(), alice, request)
	require.NoError(t, err)
	require.Equal(t, context.Canceled, errOf(reg.Finish(ctx, response)))

	// While the KSF waits at its gate.
	gate := kdf.NewGate(1)
	client, err := opaque.NewClient(opaque.ClientConfig{KSFPolicy: kdf.Policy{Gate: gate}})
	require.NoError(t, err)
	record, _ := r.register(t, client, alice, nil, password)
	login, request, err = client.Login(nil, password)
	require.NoError(t, err)
	response, _, err = r.server.BeginLogin(t.Context(), alice, record, request)
	require.NoError(t, err)
	ctx, cancel = context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	_, err = login.Respond(ctx, response)
	require.Equal(t, context.DeadlineExceeded, err)

	// On the RFC's wire the gate counts as well.
	require.Same(t, gate, opaque.GateOf(t, opaque.ClientConfig{Wire: opaque.WireRFC9807, KSFPolicy: kdf.Policy{Gate: gate}}))
}

// TestOneTimeObjects: of many calls at once one succeeds.
func TestOneTimeObjects(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	login, response, _ := r.begin(t, alice, r.record, password)
	reg, request, err := r.client.Register(nil, password)
	require.NoError(t, err)
	offered, err := r.server.BeginRegistration(t.Context(), alice, request)
	require.NoError(t, err)
	var wg sync.WaitGroup
	results := make(chan [2]error, 16)
	for range cap(results) {
		wg.Go(func() {
			_, err1 := login.Respond(context.Background(), response)
			_, err2 := reg.Finish(context.Background(), offered)
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
	require.Equal(t, opaque.ErrUsed, errOf(reg.Finish(t.Context(), offered)))
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
	response, pending, err := r.server.BeginLogin(t.Context(), id, record, request)
	require.NoError(t, err)
	clear(request)
	stored := bytes.Clone(record)
	clear(record)
	clear(id)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	clear(response)
	reply, _, err := r.server.FinishLogin(t.Context(), alice, stored, pending, final)
	require.NoError(t, err)
	_, err = login.Finish(reply)
	require.NoError(t, err)
}
