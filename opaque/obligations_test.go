package opaque_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"runtime"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// One test for each obligation of an implementation in RFC 9807, with the
// number that it has in SECURITY.md. Numbers 10, 12 and 16 are obligations of
// the application, which the package documentation states.

// Number 1, identities, is also TestIdentities.
func TestObligation01_IdentityLengths(t *testing.T) {
	setup, err := opaque.NewSetup(opaque.Ristretto255)
	require.NoError(t, err)
	longest := bytes.Repeat([]byte{'i'}, 1024)
	r := newRigWith(t,
		opaque.ServerConfig{DecoyKey: decoyKey, StateKeys: stateKeys(), Setups: map[uint16]*opaque.Setup{1: setup}, ServerIdentity: longest},
		opaque.ClientConfig{ServerIdentity: longest})
	record, _ := r.register(t, r.client, alice, longest, password)
	mustLogin(t, r.client, r.server, alice, longest, record, password)
	for _, size := range []int{1025, 65_536, 131_072} {
		_, _, err := r.client.Login(make([]byte, size), password)
		require.ErrorIs(t, err, opaque.ErrPolicy)
		_, err = opaque.NewClient(opaque.ClientConfig{ServerIdentity: make([]byte, size)})
		require.ErrorIs(t, err, opaque.ErrPolicy)
		parsed, err := opaque.ParseRecord(record)
		require.NoError(t, err)
		_, err = opaque.ImportRecord(1, setup, kdf.Default(), make([]byte, size), parsed.Raw())
		require.Equal(t, opaque.ErrRecord, err)
	}
	// A nil and an empty identity are the same.
	record, _ = r.register(t, r.client, alice, nil, password)
	mustLogin(t, r.client, r.server, alice, []byte{}, record, password)
}

// Number 2: after a wrong password no secret of the login is left in any
// buffer. The whole heap is searched.
func TestObligation02_NothingIsLeftOfAFailure(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		guess := []byte("a guess that is wrong, 7d1f")
		watched := make(opaque.Watched)
		login, request, err := r.client.LoginWatched(nil, guess, watched)
		require.NoError(t, err)
		kept := opaque.PasswordOf(login)
		require.Equal(t, guess, kept)
		response, _, err := r.server.BeginLogin(t.Context(), alice, r.record, request)
		require.NoError(t, err)
		final, err := login.Respond(t.Context(), response)
		require.Equal(t, opaque.ErrAuthentication, err)
		require.Nil(t, final)
		require.Equal(t, make([]byte, len(guess)), kept)
		require.Nil(t, opaque.PasswordOf(login))
		_, err = login.ExportKey()
		require.Equal(t, opaque.ErrUsed, err)
		_, err = login.Finish(nil)
		require.Equal(t, opaque.ErrUsed, err)

		heap := testvec.Heap(t)
		require.Contains(t, string(heap), string(request), "the dump shows what is there")
		again, _, err := r.client.LoginWith(nil, guess, watched.Fixed())
		require.NoError(t, err)
		secrets := again.SecretsOf(response)
		require.Len(t, secrets, 10)
		if suite == opaque.Curve25519 {
			// crypto/ecdh keeps private keys in memory of its own; the seed
			// is one.
			delete(secrets, "client seed")
			delete(secrets, "client_private_key")
			delete(secrets, "client_private_keyshare")
		}
		for name, secret := range secrets {
			require.NotEqual(t, make([]byte, len(secret)), secret, name)
			require.False(t, heap.Holds(secret), "%s: %s is left", suite, name)
		}
		runtime.KeepAlive(request)
	}
}

// Number 3: one seed for all, an OPRF key for each id.
func TestObligation03_OneKeyForEachId(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		_, request, err := r.client.Register(nil, password)
		require.NoError(t, err)
		evaluate := func(id string) []byte {
			response, err := r.server.BeginRegistration(t.Context(), []byte(id), request)
			require.NoError(t, err)
			return response[:len(request)]
		}
		require.Equal(t, evaluate("alice"), evaluate("alice"))
		require.NotEqual(t, evaluate("alice"), evaluate("alicf"))
		_, login, err := r.client.Login(nil, password)
		require.NoError(t, err)
		copy(login, request)
		ke2, _, err := r.server.BeginLogin(t.Context(), alice, r.record, login)
		require.NoError(t, err)
		require.Equal(t, evaluate("alice"), ke2[:len(request)], "registration and login have the same key")
	}
}

// Number 4 is TestPitfall_BadElements, number 5 TestObligation05.

func TestObligation05_AllZeroSecret(t *testing.T) {
	r := newRigOn(t, opaque.Curve25519, opaque.WireRFC9807)
	for _, low := range lowOrderX25519(t) {
		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		copy(request[64:], low)
		require.Equal(t, opaque.ErrMalformed, second(r.server.BeginLogin(t.Context(), alice, r.record, request)))

		login, response, _ := r.begin(t, alice, r.record, password)
		copy(response[320-64-32:], low)
		_, err = login.Respond(t.Context(), response)
		require.Equal(t, opaque.ErrMalformed, err)

		reg, request, err := r.client.Register(nil, password)
		require.NoError(t, err)
		response, err = r.server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		copy(response[32:], low)
		require.Equal(t, opaque.ErrMalformed, errOf(reg.Finish(t.Context(), response)))

		raw := bytes.Repeat([]byte{1}, 192)
		copy(raw, low)
		_, err = r.server.FinishRegistration(nil, raw)
		require.Equal(t, opaque.ErrRecord, err)
	}
}

// Number 6: no export key before the server is authenticated, no session key
// for the server before KE3 verified. See also TestOneTimeObjects.
func TestObligation06_KeysComeLast(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	login, pending, final := r.answer(t)
	_, err := login.ExportKey()
	require.Equal(t, opaque.ErrUsed, err)
	wrong := bytes.Clone(final)
	wrong[len(wrong)-1] ^= 1
	reply, key, err := r.server.FinishLogin(t.Context(), alice, r.record, pending, wrong)
	require.Equal(t, opaque.ErrAuthentication, err)
	require.Nil(t, reply)
	require.Nil(t, key)

	login, pending, final = r.answer(t)
	reply, _, err = r.server.FinishLogin(t.Context(), alice, r.record, pending, final)
	require.NoError(t, err)
	reply[len(reply)-1] ^= 1
	exportKey := opaque.ExportKeyOf(login)
	require.Equal(t, r.exportKey, exportKey)
	key, err = login.Finish(reply)
	require.Equal(t, opaque.ErrAuthentication, err)
	require.Nil(t, key)
	require.Equal(t, make([]byte, 64), exportKey, "cleared")
	reply[len(reply)-1] ^= 1
	_, err = login.Finish(reply)
	require.Equal(t, opaque.ErrUsed, err)
	_, err = login.ExportKey()
	require.Equal(t, opaque.ErrUsed, err)
}

// Number 7: unknown users. The decoy of a setup is opaque-ke's; see also
// enumeration_test.go.
func TestObligation07_DecoyRecord(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.WireRFC9807)
		bare, err := r.setup.Bytes()
		require.NoError(t, err)
		npk := len(r.setup.PublicKey())
		mac := hmac.New(sha512.New, decoyKey[:])
		mac.Write([]byte("\x07maskingnobody"))
		nh := len(r.exportKey)
		raw := append(bytes.Clone(bare[len(bare)-npk:]), mac.Sum(nil)[:nh]...)
		raw = append(raw, make([]byte, 32+nh)...)
		identity := []byte(nil)
		if suite == opaque.P256 { // where accounts have their id as identity
			identity = []byte("nobody")
			cfg := r.config
			cfg.Offer = opaque.Kind{Suite: suite, Setup: 1, Identities: true}
			r.server, err = opaque.NewServer(cfg)
			require.NoError(t, err)
		}
		record, err := r.server.FinishRegistration(identity, raw)
		require.NoError(t, err)
		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		fixed := opaque.Fixed{"masking_nonce": bytes.Repeat([]byte{1}, 32), "server_nonce": bytes.Repeat([]byte{2}, 32), "server_keyshare_seed": bytes.Repeat([]byte{3}, 32)}
		want, _, err := r.server.BeginLoginWith(t.Context(), []byte("nobody"), record, request, fixed)
		require.NoError(t, err)
		got, _, err := r.server.BeginLoginWith(t.Context(), []byte("nobody"), nil, request, fixed)
		require.NoError(t, err)
		require.Equal(t, want, got, "an unknown user has exactly this record")
	}
}

// Number 8: every random value is fresh, and all bytes of it vary.
func TestObligation08_FreshRandomness(t *testing.T) {
	r := newRigOn(t, opaque.Ristretto255, opaque.WireRFC9807)
	fields := map[string][2]int{"blinded": {0, 32}, "client_nonce": {32, 64}, "client_keyshare": {64, 96}}
	seen := make(map[string]bool)
	for range 20 {
		_, request, err := r.client.Login(nil, password)
		require.NoError(t, err)
		for name, at := range fields {
			require.False(t, seen[name+string(request[at[0]:at[1]])])
			seen[name+string(request[at[0]:at[1]])] = true
		}
	}
	_, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	fields = map[string][2]int{"masking_nonce": {32, 64}, "masked": {64, 192}, "server_nonce": {192, 224}, "server_keyshare": {224, 256}}
	for range 20 {
		response, _, err := r.server.BeginLogin(t.Context(), alice, r.record, request)
		require.NoError(t, err)
		for name, at := range fields {
			require.False(t, seen[name+string(response[at[0]:at[1]])])
			seen[name+string(response[at[0]:at[1]])] = true
		}
	}
	first, _ := r.register(t, r.client, alice, nil, password)
	again, _ := r.register(t, r.client, alice, nil, password)
	require.NotEqual(t, first[len(first)-96:len(first)-64], again[len(again)-96:len(again)-64], "envelope_nonce")
}

// Numbers 9 and 17, the formulas, are TestRFC9807. Number 11, a committing
// envelope: a change anywhere in record or response is an authentication error.
func TestObligation11_EnvelopeCommits(t *testing.T) {
	r := newRigOn(t, opaque.Ristretto255, opaque.WireRFC9807)
	parsed, err := opaque.ParseRecord(r.record)
	require.NoError(t, err)
	envelope := parsed.Raw()[32:] // masking_key, nonce and tag
	flips(t, envelope, func(at int, flipped []byte) {
		record, err := r.server.FinishRegistration(nil, append(parsed.Raw()[:32:32], flipped...))
		require.NoError(t, err)
		login, response, _ := r.begin(t, alice, record, password)
		_, err = login.Respond(t.Context(), response)
		require.Equal(t, opaque.ErrAuthentication, err, "bit %d", at)
	})
}

// Number 13, the same work for every name, is TestObligation13_SameWork.

// Number 14: a login that is never finished occupies its place, like a
// failed one.
func TestObligation14_BeginCounts(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	cfg := r.config
	cfg.MaxPending = 2
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	_, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, second(server.BeginLogin(t.Context(), alice, r.record, request)))
	}
	require.ErrorIs(t, second(server.BeginLogin(t.Context(), alice, r.record, request)), opaque.ErrBusy)
}

// A login that fails in BeginLogin occupies no place.
func TestFailedBeginsAreReleased(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	cfg := r.config
	cfg.MaxPending = 1
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	_, request, err := r.client.Login(nil, password)
	require.NoError(t, err)
	bad := bytes.Clone(request)
	clear(bad[len(bad)-32:])
	for range 3 {
		require.Equal(t, opaque.ErrMalformed, second(server.BeginLogin(t.Context(), alice, r.record, bad)))
		require.Equal(t, opaque.ErrRecord, second(server.BeginLogin(t.Context(), alice, r.record[1:], request)))
	}
	require.NoError(t, second(server.BeginLogin(t.Context(), alice, r.record, request)))
}

// Number 15: a wrong password never returns ErrMalformed, although the unmasked
// bytes are mostly not a valid public key.
func TestObligation15_OneErrorForAWrongPassword(t *testing.T) {
	for _, suite := range suites {
		r := newRig(t, suite)
		for range 50 {
			login, response, _ := r.begin(t, alice, r.record, []byte("wrong"))
			_, err := login.Respond(t.Context(), response)
			require.Equal(t, opaque.ErrAuthentication, err)
		}
		// Nor if the server sends noise instead of the masked response.
		login, response, _ := r.begin(t, alice, r.record, password)
		masked := response[len(response)-2*len(r.exportKey)-32-len(r.setup.PublicKey()):]
		masked[0] ^= 0x80
		_, err := login.Respond(t.Context(), response)
		require.Equal(t, opaque.ErrAuthentication, err)
	}
}
