package opaque_test

import (
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// masked hides a secret from a search of the heap, and clears it.
func masked(secret []byte) []byte {
	m := make([]byte, len(secret))
	for i, b := range secret {
		m[i] = b ^ 0xa5
	}
	clear(secret)
	return m
}

func unmasked(m []byte) []byte {
	secret := make([]byte, len(m))
	for i, b := range m {
		secret[i] = b ^ 0xa5
	}
	return secret
}

// TestNoOPRFKeyIsLeftOfABegunRegistration: the server's OPRF key of an id is in
// no buffer after BeginRegistration.
func TestNoOPRFKeyIsLeftOfABegunRegistration(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		_, request, err := r.client.Register(nil, password)
		require.NoError(t, err)
		testvec.Elsewhere(func() { _, err = r.server.BeginRegistration(t.Context(), alice, request) })
		require.NoError(t, err)
		heap := testvec.Heap(t)

		login, response, _ := r.begin(t, alice, r.record, password)
		inside, err := login.Inside(r.setup, alice, response)
		require.NoError(t, err)
		require.NotEqual(t, make([]byte, 32), inside.OPRFKey)
		require.False(t, heap.Holds(inside.OPRFKey), suite)
	}
}

// TestNoSessionKeyIsLeftOfAFinishedLogin: when both callers have cleared their
// session key, it is in no buffer of the server or of the client.
func TestNoSessionKeyIsLeftOfAFinishedLogin(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		var key []byte // masked
		testvec.Elsewhere(func() {
			login, pending, final := r.answer(t)
			_, serverKey, err := r.server.FinishLogin(t.Context(), alice, r.record, pending, final)
			require.NoError(t, err)
			clientKey, err := login.Finish(nil)
			require.NoError(t, err)
			require.Equal(t, masked(serverKey), masked(clientKey))
			login.Discard()

			// The same for a login that another record ends.
			login, pending, final = r.answer(t)
			_, _, err = r.server.FinishLogin(t.Context(), alice, nil, pending, final)
			require.Equal(t, opaque.ErrState, err)
			clientKey, err = login.Finish(nil)
			require.NoError(t, err)
			key = masked(clientKey)
		})
		heap := testvec.Heap(t)
		require.False(t, heap.Holds(unmasked(key)), suite)
	}
}
