package opaque_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha512"
	"crypto/subtle"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// One test for each pitfall of other implementations in SECURITY.md.

func TestPitfall_EmptyAndMissingMAC(t *testing.T) {
	for _, wire := range []opaque.Wire{opaque.WireFramed, opaque.WireRFC9807} {
		r := newRigOn(t, opaque.Ristretto255, wire)
		for _, final := range [][]byte{nil, {}, {'O', 1}, make([]byte, 64), append([]byte{'O', 1}, make([]byte, 64)...)} {
			for id, record := range map[string][]byte{"alice": r.record, "nobody": nil} {
				_, _, pending := r.begin(t, []byte(id), record, password)
				reply, key, err := r.server.FinishLogin(t.Context(), []byte(id), record, pending, final)
				require.Error(t, err)
				require.Nil(t, reply)
				require.Nil(t, key)
			}
		}
		login, response, _ := r.begin(t, alice, r.record, password)
		clear(response[len(response)-64:])
		_, err := login.Respond(t.Context(), response)
		require.Equal(t, opaque.ErrAuthentication, err)
	}
	r := newRig(t, opaque.Ristretto255)
	for _, reply := range [][]byte{nil, {}, {'O', 1}, {'O', 1, 0}, make([]byte, 35)} {
		login, _, _ := r.answer(t)
		_, err := login.Finish(reply)
		require.Equal(t, opaque.ErrMalformed, err)
	}
	login, _, _ := r.answer(t)
	_, err := login.Finish(append([]byte{'O', 1, 0}, make([]byte, 32)...))
	require.Equal(t, opaque.ErrAuthentication, err)
}

// TestLeakedStateKeys: with the state keys alone a thief cannot read pending
// state. With DecoyKey too, a thief can log in to any account if pending state
// travels, until the state keys are replaced.
func TestLeakedStateKeys(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	server := func(decoyKey, stateKey byte) *opaque.Server {
		cfg := r.config
		cfg.DecoyKey, cfg.StateKeys = [32]byte{decoyKey}, []opaque.StateKey{{Key: [32]byte{stateKey}}}
		cfg.Replay = testvec.NewReplay()
		s, err := opaque.NewServer(cfg)
		require.NoError(t, err)
		return s
	}
	steal := func(at, thief *opaque.Server) error {
		_, request, err := r.client.Login(nil, []byte("the thief does not know it"))
		require.NoError(t, err)
		_, pending, err := at.BeginLogin(t.Context(), alice, r.record, request)
		require.NoError(t, err)
		final, err := thief.FinalWithoutPassword(t.Context(), alice, pending)
		if err != nil {
			return err
		}
		_, _, err = at.FinishLogin(t.Context(), alice, r.record, pending, final)
		return err
	}
	require.Error(t, steal(server(1, 1), server(2, 1)))
	require.NoError(t, steal(server(1, 1), server(1, 1)), "as the documentation warns")
	require.Error(t, steal(server(1, 3), server(1, 1)), "the keys are replaced")
}

// TestLimit_LeakedSetup: a thief of the setup can guess with one answer of the
// server, without a record. The documentation of Setup warns about it. Without
// the setup an answer is useless.
func TestLimit_LeakedSetup(t *testing.T) {
	r := newRigOn(t, opaque.Ristretto255, opaque.WireRFC9807)
	_, ke2, _ := r.begin(t, alice, r.record, password)
	nonce, masked := ke2[32:64], ke2[64:64+32+96]
	guess := func(thief *rig, word string) bool {
		registration, request, err := thief.client.Register(nil, []byte(word))
		require.NoError(t, err)
		response, err := thief.server.BeginRegistration(t.Context(), alice, request)
		require.NoError(t, err)
		_, err = registration.Finish(t.Context(), response)
		require.NoError(t, err)
		raw, err := registration.Record()
		require.NoError(t, err)
		maskingKey := raw[32:96]
		pad, err := hkdf.Expand(sha512.New, maskingKey, string(nonce)+"CredentialResponsePad", len(masked))
		require.NoError(t, err)
		public := make([]byte, 32)
		subtle.XORBytes(public, masked[:32], pad[:32])
		return bytes.Equal(public, r.setup.PublicKey())
	}
	require.False(t, guess(r, "a wrong guess"))
	require.True(t, guess(r, string(password)))
	require.False(t, guess(newRigOn(t, opaque.Ristretto255, opaque.WireRFC9807), string(password)), "another setup")
}

// TestPitfall_ReplyFlags: the flags of a reply are authenticated, and unknown
// flags are refused even then.
func TestPitfall_ReplyFlags(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	for flags, want := range map[byte]error{0: nil, 1: nil, 2: opaque.ErrMalformed, 0x81: opaque.ErrMalformed} {
		login, _, _ := r.answer(t)
		_, err := login.Finish(opaque.ReplyFor(login, flags))
		require.Equal(t, want, err)
		require.Equal(t, flags == 1, login.NeedsRegistration())

		login, _, _ = r.answer(t)
		reply := opaque.ReplyFor(login, flags)
		reply[2] ^= 1
		_, err = login.Finish(reply)
		require.Error(t, err)
	}
}

// TestPitfall_DecoyNeverLogsIn: an unknown name cannot log in, even with the
// private key of the decoy, which is enough to compute the expected message.
func TestPitfall_DecoyNeverLogsIn(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	private, public := opaque.KeyPair(opaque.Ristretto255)
	setup, err := opaque.MemorySetup(opaque.Ristretto255, make([]byte, 64), bytes.Repeat([]byte{1}, 32), public)
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: setup}
	cfg.Offer = opaque.Kind{Setup: 1, Identities: true}
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	login, request, err := r.client.Login([]byte("nobody"), password)
	require.NoError(t, err)
	response, pending, err := server.BeginLogin(t.Context(), []byte("nobody"), nil, request)
	require.NoError(t, err)
	final, err := login.RespondAs(response, private, setup.PublicKey())
	require.NoError(t, err, "the server's MAC is right")
	require.Equal(t, opaque.ErrAuthentication, second(server.FinishLogin(t.Context(), []byte("nobody"), nil, pending, final)))
}

func TestPitfall_ReplayAndMixUp(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	bob, _ := r.register(t, r.client, []byte("bob"), nil, password)

	login, pending, final := r.answer(t)
	require.NoError(t, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final)))
	require.Equal(t, opaque.ErrState, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final)), "a second time")
	login.Discard()

	_, pending, final = r.answer(t)
	require.Equal(t, opaque.ErrState, second(r.server.FinishLogin(t.Context(), []byte("bob"), bob, pending, final)), "another's id")
	_, _, pendingBob := r.begin(t, []byte("bob"), bob, password)
	require.Equal(t, opaque.ErrAuthentication, second(r.server.FinishLogin(t.Context(), []byte("bob"), bob, pendingBob, final)), "another's KE3")
	require.NoError(t, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final)), "another's id spends nothing")

	_, pending, final = r.answer(t)
	wrong := bytes.Clone(final)
	wrong[5] ^= 1
	require.Equal(t, opaque.ErrAuthentication, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, wrong)))
	require.Equal(t, opaque.ErrState, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final)), "a wrong proof burns it")

	for _, malformed := range [][]byte{final[1:], final[:len(final)-1], append(bytes.Clone(final), 0)} {
		_, pending, _ := r.answer(t)
		require.Equal(t, opaque.ErrMalformed, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, malformed)))
	}
	_, pending, final = r.answer(t)
	require.Equal(t, opaque.ErrMalformed, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final[1:])))
	require.Equal(t, opaque.ErrState, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final)), "so does a malformed one")

	other, err := opaque.NewServer(r.config)
	require.NoError(t, err)
	_, pending, final = r.answer(t)
	require.Equal(t, opaque.ErrState, second(other.FinishLogin(t.Context(), alice, r.record, pending, final)), "another server without a shared Replay")

	flips(t, final, func(at int, flipped []byte) {
		_, pending, _ := r.begin(t, alice, r.record, password)
		_, _, err := r.server.FinishLogin(t.Context(), alice, r.record, pending, flipped)
		require.Error(t, err)
	})
	_, pending, final = r.answer(t)
	flips(t, pending, func(at int, flipped []byte) {
		require.Equal(t, opaque.ErrState, second(r.server.FinishLogin(t.Context(), alice, r.record, flipped, final)), "bit %d", at)
	})
	require.NoError(t, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final)))
}

func TestPitfall_Expired(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	c := &clock{time.Unix(1_800_000_000, 0)}
	server, err := opaque.NewServerAt(r.config, c.now)
	require.NoError(t, err)
	r.server = server
	_, pending, final := r.answer(t)
	c.t = c.t.Add(opaque.DefaultLifetime)
	require.Equal(t, opaque.ErrState, second(server.FinishLogin(t.Context(), alice, r.record, pending, final)))
	_, pending, final = r.answer(t)
	c.t = c.t.Add(opaque.DefaultLifetime - time.Second)
	require.NoError(t, second(server.FinishLogin(t.Context(), alice, r.record, pending, final)))
}

// TestPitfall_StateKeysRotate: a login that began under an older key of the
// ring can be finished.
func TestPitfall_StateKeysRotate(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	old := r.config.StateKeys[0]
	today, tomorrow := opaque.StateKey{Key: key32(1)}, opaque.StateKey{Key: key32(2)}
	next, err := r.server.WithStateKeys([]opaque.StateKey{today, old})
	require.NoError(t, err)
	_, pending, final := r.answer(t)
	require.NoError(t, second(next.FinishLogin(t.Context(), alice, r.record, pending, final)))
	require.Equal(t, opaque.ErrState, second(r.server.FinishLogin(t.Context(), alice, r.record, pending, final)), "one memory for both")
	after, err := next.WithStateKeys([]opaque.StateKey{tomorrow, today})
	require.NoError(t, err)
	_, pending, final = r.answer(t)
	require.Equal(t, opaque.ErrState, second(after.FinishLogin(t.Context(), alice, r.record, pending, final)))
	_, err = next.WithStateKeys(nil)
	require.ErrorIs(t, err, opaque.ErrPolicy)
}
