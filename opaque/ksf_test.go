package opaque_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// watchedKSF is a KSF that keeps its inputs and outputs.
type watchedKSF struct {
	calls   int
	in, out []byte
	fail    error
}

func (k *watchedKSF) Derive(_ context.Context, password []byte, n int) ([]byte, error) {
	k.calls++
	k.in, k.out = password, bytes.Repeat([]byte{0x77}, n)
	return k.out, k.fail
}

// TestKSF: the inputs and outputs of a KSF are cleared, its error is returned,
// and it runs once, after everything that can be refused without it.
func TestKSF(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	k := new(watchedKSF)
	client := r.client.StretchBy(k)
	reg, request, err := client.Register(nil, password)
	require.NoError(t, err)
	kept := opaque.PasswordOf(reg)
	response, err := r.server.BeginRegistration(t.Context(), alice, request)
	require.NoError(t, err)
	record, err := reg.Finish(t.Context(), response)
	require.NoError(t, err)
	require.Equal(t, make([]byte, len(password)), kept)
	require.Equal(t, 1, k.calls)
	require.Equal(t, make([]byte, 64), k.in)
	require.Equal(t, make([]byte, 64), k.out)
	mustLogin(t, client, r.server, alice, nil, record, password)
	require.Equal(t, 2, k.calls)
	require.Equal(t, make([]byte, 64), k.in)
	require.Equal(t, make([]byte, 64), k.out)

	k.fail = errors.New("no memory")
	login, request, err := client.Login(nil, password)
	require.NoError(t, err)
	response, _, err = r.server.BeginLogin(t.Context(), alice, record, request)
	require.NoError(t, err)
	_, err = login.Respond(t.Context(), response)
	require.ErrorIs(t, err, k.fail)
	require.Nil(t, opaque.PasswordOf(login))
}

// TestExportKeyIsNew: every registration has another export key.
func TestExportKeyIsNew(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	_, again := r.register(t, r.client, alice, nil, password)
	require.NotEqual(t, r.exportKey, again)
}
