package srp_test

import (
	"context"
	"crypto/rand"
	"runtime"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// These tests search the heap.

// randomMasked returns a random secret in a form that a search does not find.
func randomMasked(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// masked returns a form of a secret that a search does not find, and clears the
// secret.
func masked(secret []byte) []byte {
	m := unmasked(secret)
	clear(secret)
	return m
}

func unmasked(m []byte) []byte {
	b := make([]byte, len(m))
	for i := range m {
		b[i] = m[i] ^ 0xa5
	}
	return b
}

// TestNothingOfPendingStateIsLeft: after FinishLogin neither the verifier nor b
// is in a buffer of the server.
func TestNothingOfPendingStateIsLeft(t *testing.T) {
	for _, profile := range attackProfiles {
		r := newRig(t, profile)
		b := randomMasked(32)
		var pending, final, verifier []byte
		testvec.Elsewhere(func() {
			record, err := makeOfKind(t.Context(), r.client, r.kind, alice, password)
			require.NoError(t, err)
			begun := *r
			begun.server = r.server.WithExponent(unmasked(b))
			_, pending, final = begun.begin(t, alice, record.Bytes(), password)
			verifier = masked(record.Verifier())
		})
		for range 2 { // what BeginLogin and the test left
			runtime.GC()
		}
		before := testvec.Heap(t)
		var err error
		testvec.Elsewhere(func() { _, _, err = r.server.FinishLogin(t.Context(), alice, nil, pending, final) })
		require.Equal(t, srp.ErrState, err, "the proof is right, the record is gone")
		after := testvec.Heap(t)
		for _, heap := range []testvec.Memory{before, after} {
			require.False(t, heap.Holds(unmasked(b)), profile)
			require.False(t, heap.Holds(unmasked(verifier)), profile)
		}
	}
}

// TestNoKeyIsLeft: at every end of a login the protocol's own key is in no buffer of
// either side.
func TestNoKeyIsLeft(t *testing.T) {
	for _, profile := range attackProfiles {
		t.Run(profile.String(), func(t *testing.T) { noKeyIsLeft(t, newRig(t, profile)) })
	}
}

func noKeyIsLeft(t *testing.T, r *rig) {
	record := r.record.Bytes()
	var login *srp.Login
	discards, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{r.profile}, KDFPolicy: kdf.FixedPolicy(srp.SmallKDF(r.profile)), GroupPolicy: func([]byte, int, []byte) error {
		login.Discard()
		return nil
	}})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		client *srp.Client
		now    []byte // the record at FinishLogin
		end    func(reply []byte)
	}{
		"success": {r.client, record, func(reply []byte) {
			_, err := login.Finish(reply)
			require.NoError(t, err)
		}},
		"the record is gone": {r.client, nil, func(reply []byte) {
			require.Nil(t, reply)
			login.Discard()
		}},
		"a wrong reply": {r.client, record, func(reply []byte) {
			reply[2] ^= 1
			_, err := login.Finish(reply)
			require.Equal(t, srp.ErrAuthentication, err)
		}},
		"a malformed reply": {r.client, record, func([]byte) {
			_, err := login.Finish(nil)
			require.Equal(t, srp.ErrMalformed, err)
		}},
		"discarded during Respond": {discards, record, nil},
	} {
		a, b := unmasked(randomMasked(32)), unmasked(randomMasked(32))
		client, server := c.client.WithExponent(a), r.server.WithExponent(b)
		testvec.Elsewhere(func() {
			var request []byte
			var err error
			login, request, err = client.Login(alice, password)
			require.NoError(t, err, name)
			response, pending, err := server.BeginLogin(t.Context(), alice, record, request)
			require.NoError(t, err, name)
			final, err := login.Respond(t.Context(), response)
			if c.end == nil {
				require.Equal(t, srp.ErrUsed, err, name)
				return
			}
			require.NoError(t, err, name)
			reply, _, err := server.FinishLogin(t.Context(), alice, c.now, pending, final)
			require.Equal(t, c.now == nil, err != nil, name)
			c.end(reply)
		})
		heap := testvec.Heap(t)

		// The same login again, in typed form.
		again, _, err := r.client.WithExponent(a).Login(alice, password)
		require.NoError(t, err)
		challenge, pending, err := server.Challenge(t.Context(), alice, record)
		require.NoError(t, err)
		proof, err := again.Answer(t.Context(), challenge)
		require.NoError(t, err)
		_, key, err := server.Verify(t.Context(), alice, record, pending, proof)
		require.NoError(t, err)
		require.False(t, heap.Holds(key), name)
	}
}

// TestNoPasswordIsLeft: at every end of a registration the client's copy of the
// password is cleared, and what the profile's hash kept of it.
func TestNoPasswordIsLeft(t *testing.T) {
	// Not Nescio: the state of Argon2id is beyond reach.
	for _, profile := range []srp.Profile{srp.Proton(4), srp.RFC5054SHA256(0), srp.RFC5054SHA1(0)} {
		t.Run(profile.String(), func(t *testing.T) { noPasswordIsLeft(t, newRig(t, profile)) })
	}
}

func noPasswordIsLeft(t *testing.T, r *rig) {
	offer, err := srp.OfferBytes(r.profile, r.group.Unverified(), kdf.Params{}, srp.SaltSize(r.profile))
	require.NoError(t, err)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	group := r.group.Unverified()
	for name, use := range map[string]func(*srp.Registration){
		"finished": func(reg *srp.Registration) {
			_, err := reg.Finish(t.Context(), offer)
			require.NoError(t, err)
		},
		"made a record": func(reg *srp.Registration) {
			_, err := reg.MakeRecord(t.Context(), r.profile, group, kdf.Params{})
			require.NoError(t, err)
		},
		"malformed": func(reg *srp.Registration) {
			_, err := reg.Finish(t.Context(), nil)
			require.Equal(t, srp.ErrMalformed, err)
		},
		"cancelled": func(reg *srp.Registration) {
			_, err := reg.MakeRecord(cancelled, r.profile, group, kdf.Params{})
			require.Equal(t, context.Canceled, err)
		},
		"discarded": func(reg *srp.Registration) { reg.Discard() },
	} {
		secret := randomMasked(40)
		testvec.Elsewhere(func() {
			typed := unmasked(secret)
			reg, _, err := r.client.Register(alice, typed)
			require.NoError(t, err)
			clear(typed)
			use(reg)
		})
		heap := testvec.Heap(t)
		require.False(t, heap.Holds(unmasked(secret)), name)
	}
}
