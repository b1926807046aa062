package opaque_test

import (
	"sync"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

func TestLogin(t *testing.T) {
	for _, suite := range suites {
		for _, wire := range []opaque.Wire{opaque.WireFramed, opaque.WireRFC9807} {
			r := newRigOn(t, suite, wire)
			key, exportKey, login := mustLogin(t, r.client, r.server, alice, nil, r.record, password)
			again, _, _ := mustLogin(t, r.client, r.server, alice, nil, r.record, password)
			require.NotEqual(t, key, again, "a new key every time")
			require.Equal(t, r.exportKey, exportKey, "the same export key every time")
			size := map[opaque.Suite]int{opaque.Ristretto255: 64, opaque.P256: 32, opaque.Curve25519: 64}[suite]
			require.Len(t, exportKey, size)
			if wire == opaque.WireFramed {
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
	response, _, err := r.server.BeginLogin(t.Context(), alice, record, request)
	require.NoError(t, err)
	_, err = login.Respond(t.Context(), response)
	require.Equal(t, opaque.ErrAuthentication, err, "the KSF counts")
}

// TestSizes: every message has the size that RFC 9807 gives it.
func TestSizes(t *testing.T) {
	for suite, want := range map[opaque.Suite][6]int{
		opaque.Ristretto255: {32, 64, 192, 96, 320, 64},
		opaque.P256:         {33, 66, 129, 98, 259, 32},
		opaque.Curve25519:   {32, 64, 192, 96, 320, 64},
	} {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		reg, request, err := r.client.Register(nil, password)
		require.NoError(t, err)
		response, err := r.server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		upload, err := reg.Finish(t.Context(), response)
		require.NoError(t, err)
		login, ke1, err := r.client.Login(nil, password)
		require.NoError(t, err)
		ke2, pending, err := r.server.BeginLogin(t.Context(), alice, r.record, ke1)
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

// TestOtherMessages: a message of another size, kind, version or suite
// is refused.
func TestOtherMessages(t *testing.T) {
	for _, wire := range []opaque.Wire{opaque.WireFramed, opaque.WireRFC9807} {
		r := newRigOn(t, opaque.Ristretto255, wire)
		change := map[string]func([]byte) []byte{
			"one byte more": func(b []byte) []byte { return append(b, 0) },
			"one byte less": func(b []byte) []byte { return b[:len(b)-1] },
			"nothing":       func([]byte) []byte { return nil },
		}
		if wire == opaque.WireFramed {
			change["another kind"] = func(b []byte) []byte { b[0] = 'S'; return b }
			change["another version"] = func(b []byte) []byte { b[1] = 2; return b }
			change["no suite"] = func(b []byte) []byte { b[2] = 0; return b }
			change["another suite of the same sizes"] = func(b []byte) []byte { b[2] = 3; return b }
		}
		for name, f := range change {
			login, request, err := r.client.Login(nil, password)
			require.NoError(t, err)
			response, _, err := r.server.BeginLogin(t.Context(), alice, r.record, request)
			require.NoError(t, err)
			require.Equal(t, opaque.ErrMalformed, second(r.server.BeginLogin(t.Context(), alice, r.record, f(request))), name)
			_, err = login.Respond(t.Context(), f(response))
			require.Equal(t, opaque.ErrMalformed, err, name)

			reg, request, err := r.client.Register(nil, password)
			require.NoError(t, err)
			response, err = r.server.BeginRegistration(t.Context(), alice, request)
			require.NoError(t, err)
			_, err = r.server.BeginRegistration(t.Context(), alice, f(request))
			require.Equal(t, opaque.ErrMalformed, err, name)
			require.Equal(t, opaque.ErrMalformed, errOf(reg.Finish(t.Context(), f(response))), name)
		}
		for _, id := range [][]byte{nil, {}, make([]byte, 1025)} {
			_, request, err := r.client.Login(nil, password)
			require.NoError(t, err)
			require.Equal(t, opaque.ErrMalformed, second(r.server.BeginLogin(t.Context(), id, r.record, request)))
			_, request, err = r.client.Register(nil, password)
			require.NoError(t, err)
			require.Equal(t, opaque.ErrMalformed, errOf(r.server.BeginRegistration(t.Context(), id, request)))
			require.Equal(t, opaque.ErrMalformed, second(r.server.FinishLogin(t.Context(), id, r.record, []byte{1}, []byte{1})))
		}
	}
	r := newRigOn(t, opaque.Ristretto255, opaque.WireRFC9807)
	login, _, _ := r.answer(t)
	_, err := login.Finish([]byte{0})
	require.Equal(t, opaque.ErrMalformed, err, "on the RFC's wire there is no reply")
}

// TestPinnedServer: a client with pinned keys registers and logs in with no
// other key.
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
		response, err := r.server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		upload, err := reg.Finish(t.Context(), response)
		require.ErrorIs(t, err, opaque.ErrPolicy)
		require.Nil(t, upload)
		_, err = reg.ExportKey()
		require.Equal(t, opaque.ErrUsed, err)

		login, request, err := wrong.Login(nil, password)
		require.NoError(t, err)
		response, _, err = r.server.BeginLogin(t.Context(), alice, record, request)
		require.NoError(t, err)
		_, err = login.Respond(t.Context(), response)
		require.Equal(t, opaque.ErrAuthentication, err)

		_, err = opaque.NewClient(opaque.ClientConfig{Suite: suite, ServerPublicKeys: [][]byte{make([]byte, len(r.setup.PublicKey()))}})
		require.ErrorIs(t, err, opaque.ErrPolicy)
		_, err = opaque.NewClient(opaque.ClientConfig{Suite: suite, ServerPublicKeys: [][]byte{nil}})
		require.ErrorIs(t, err, opaque.ErrPolicy)
	}
}

// TestConcurrentLogins: two logins of one user at once both succeed, and a
// shared Server and Client serve many.
func TestConcurrentLogins(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	login1, response1, pending1 := r.begin(t, alice, r.record, password)
	login2, response2, pending2 := r.begin(t, alice, r.record, password)
	final2, err := login2.Respond(t.Context(), response2)
	require.NoError(t, err)
	final1, err := login1.Respond(t.Context(), response1)
	require.NoError(t, err)
	reply1, _, err := r.server.FinishLogin(t.Context(), alice, r.record, pending1, final1)
	require.NoError(t, err)
	reply2, _, err := r.server.FinishLogin(t.Context(), alice, r.record, pending2, final2)
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
