package opaque_test

import (
	"bytes"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// One test for each pitfall that other implementations fell into, as SECURITY.md
// lists them.

// badElements are encodings that no field may hold: for ristretto255 those of RFC
// 9496, Appendix A.2, and the identity; for P-256 points that are not on the curve,
// not reduced, or not compressed; for curve25519 non-canonical ones.
func badElements(t testing.TB, suite opaque.Suite) map[string][]byte {
	switch suite {
	case opaque.Ristretto255:
		bad := map[string][]byte{"identity": make([]byte, 32)}
		for _, s := range []string{
			// Non-canonical.
			"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
			"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			"f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			// Negative.
			"0100000000000000000000000000000000000000000000000000000000000000",
			"01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
			"ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
			"c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
			// A square root that is none, or y = 0.
			"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
			"4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
			"3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
			"a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220",
			"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		} {
			bad[s] = hexOf(t, s)
		}
		return bad
	case opaque.P256:
		return map[string][]byte{
			"zero":                  make([]byte, 33),
			"x = p":                 hexOf(t, "02ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
			"x = 2^256 - 1":         append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...),
			"not on the curve":      append([]byte{3}, append(make([]byte, 31), 1)...),
			"the uncompressed mark": hexOf(t, "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
			"the hybrid mark":       hexOf(t, "066b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
		}
	}
	bad := map[string][]byte{
		"the high bit": append(append([]byte{9}, make([]byte, 30)...), 0x80),
		"p + 9":        append(append([]byte{0xf6}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f),
		"2^255 - 1":    append(bytes.Repeat([]byte{0xff}, 31), 0x7f),
	}
	for i, low := range lowOrderX25519(t) {
		bad[string(rune('a'+i))] = low
	}
	return bad
}

// lowOrderX25519 are the u-coordinates of order 8 or less, in every spelling.
func lowOrderX25519(t testing.TB) (points [][]byte) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	u8a, _ := new(big.Int).SetString("325606250916557431795983626356110631294008115727848805560023387167927233504", 10)
	u8b, _ := new(big.Int).SetString("39382357235489614581723060781553021112529911719440698176882885853963445705823", 10)
	for _, u := range []*big.Int{big.NewInt(0), big.NewInt(1), u8a, u8b, new(big.Int).Sub(p, big.NewInt(1)), p, new(big.Int).Add(p, big.NewInt(1))} {
		b := u.FillBytes(make([]byte, 32))
		slices.Reverse(b)
		points = append(points, b)
	}
	return points
}

func TestPitfall_BadElements(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.RFC)
		element := map[opaque.Suite]int{opaque.Ristretto255: 32, opaque.P256: 33, opaque.Curve25519: 32}[suite]
		group := suite // of the OPRF
		if suite == opaque.Curve25519 {
			group = opaque.Ristretto255
		}
		npk, nh := len(r.setup.PublicKey()), len(r.exportKey)
		for name, bad := range badElements(t, group) {
			// blinded_message of a registration and of a login.
			_, err := r.server.Register(t.Context(), alice, bad)
			require.Equal(t, opaque.ErrMalformed, err, name)
			_, ke1, err := r.client.Login(nil, password)
			require.NoError(t, err)
			copy(ke1, bad)
			for id, record := range map[string][]byte{"alice": r.record, "nobody": nil} {
				response, pending, err := r.server.Begin(t.Context(), []byte(id), record, ke1)
				require.Equal(t, opaque.ErrMalformed, err, name)
				require.Nil(t, response)
				require.Nil(t, pending)
			}
			// evaluated_message of both.
			reg, request, err := r.client.Register(nil, password)
			require.NoError(t, err)
			response, err := r.server.Register(t.Context(), alice, request)
			require.NoError(t, err)
			copy(response, bad)
			upload, exportKey, err := reg.Finish(t.Context(), response)
			require.Equal(t, opaque.ErrMalformed, err, name)
			require.Nil(t, upload)
			require.Nil(t, exportKey)
			login, ke2, _ := r.begin(t, alice, r.record, password)
			copy(ke2, bad)
			final, err := login.Respond(t.Context(), ke2)
			require.Equal(t, opaque.ErrMalformed, err, name)
			require.Nil(t, final)
		}
		for name, bad := range badElements(t, suite) {
			// client_public_keyshare.
			_, ke1, err := r.client.Login(nil, password)
			require.NoError(t, err)
			copy(ke1[element+32:], bad)
			for id, record := range map[string][]byte{"alice": r.record, "nobody": nil} {
				require.Equal(t, opaque.ErrMalformed, second(r.server.Begin(t.Context(), []byte(id), record, ke1)), name)
			}
			// server_public_keyshare.
			login, ke2, _ := r.begin(t, alice, r.record, password)
			copy(ke2[len(ke2)-nh-npk:], bad)
			_, err = login.Respond(t.Context(), ke2)
			require.Equal(t, opaque.ErrMalformed, err, name)
			// server_public_key of a registration.
			reg, request, err := r.client.Register(nil, password)
			require.NoError(t, err)
			response, err := r.server.Register(t.Context(), alice, request)
			require.NoError(t, err)
			copy(response[element:], bad)
			require.Equal(t, opaque.ErrMalformed, second(reg.Finish(t.Context(), response)), name)
			// client_public_key of a record.
			parsed, err := opaque.ParseRecord(r.record)
			require.NoError(t, err)
			raw := parsed.Raw()
			copy(raw, bad)
			_, err = r.server.Import(nil, raw)
			require.Equal(t, opaque.ErrRecord, err, name)
			stored := bytes.Clone(r.record)
			copy(stored[len(stored)-len(raw):], bad)
			_, err = opaque.ParseRecord(stored)
			require.Equal(t, opaque.ErrRecord, err, name)
			_, ke1, err = r.client.Login(nil, password)
			require.NoError(t, err)
			require.Equal(t, opaque.ErrRecord, second(r.server.Begin(t.Context(), alice, stored, ke1)), "%s, damaged in the database", name)
			// The decoy's of a setup.
			b, err := r.setup.Bytes()
			require.NoError(t, err)
			copy(b[len(b)-npk:], bad)
			_, err = opaque.ParseSetup(b)
			require.Equal(t, opaque.ErrRecord, err, name)
		}
	}
}

func TestPitfall_Reflection(t *testing.T) {
	for _, suite := range suites {
		r := newRigOn(t, suite, opaque.RFC)
		reg, request, err := r.client.Register(nil, password)
		require.NoError(t, err)
		response, err := r.server.Register(t.Context(), alice, request)
		require.NoError(t, err)
		copy(response, request)
		require.Equal(t, opaque.ErrMalformed, second(reg.Finish(t.Context(), response)))

		login, ke1, err := r.client.Login(nil, password)
		require.NoError(t, err)
		ke2, _, err := r.server.Begin(t.Context(), alice, r.record, ke1)
		require.NoError(t, err)
		copy(ke2, ke1[:len(request)])
		_, err = login.Respond(t.Context(), ke2)
		require.Equal(t, opaque.ErrMalformed, err)
	}
}

func TestPitfall_EmptyAndMissingMAC(t *testing.T) {
	for _, wire := range []opaque.Wire{opaque.Framed, opaque.RFC} {
		r := newRigOn(t, opaque.Ristretto255, wire)
		for _, final := range [][]byte{nil, {}, {'O', 1}, make([]byte, 64), append([]byte{'O', 1}, make([]byte, 64)...)} {
			for id, record := range map[string][]byte{"alice": r.record, "nobody": nil} {
				_, _, pending := r.begin(t, []byte(id), record, password)
				reply, key, err := r.server.Finish(t.Context(), []byte(id), pending, final)
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

// TestPitfall_ReplyFlags: what a reply says is authenticated, and flags that do not
// exist are refused even so.
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

// TestPitfall_DecoyNeverLogsIn: not even for somebody who knows the private key of
// the decoy, and so can compute all that the server expects.
func TestPitfall_DecoyNeverLogsIn(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	private, public := opaque.KeyPair(opaque.Ristretto255)
	setup, err := opaque.MemorySetup(opaque.Ristretto255, make([]byte, 64), bytes.Repeat([]byte{1}, 32), public)
	require.NoError(t, err)
	cfg := r.config
	cfg.Setups = map[uint16]*opaque.Setup{1: setup}
	cfg.Templates = []opaque.Template{{Setup: 1, Identities: true}}
	server, err := opaque.NewServer(cfg)
	require.NoError(t, err)
	login, request, err := r.client.Login([]byte("nobody"), password)
	require.NoError(t, err)
	response, pending, err := server.Begin(t.Context(), []byte("nobody"), nil, request)
	require.NoError(t, err)
	final, err := login.RespondAs(response, private, setup.PublicKey())
	require.NoError(t, err, "the server's MAC is right")
	require.Equal(t, opaque.ErrAuthentication, second(server.Finish(t.Context(), []byte("nobody"), pending, final)))
}

func TestPitfall_ReplayAndMixUp(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	bob, _ := r.register(t, r.client, []byte("bob"), nil, password)

	login, pending, final := r.answer(t)
	require.NoError(t, second(r.server.Finish(t.Context(), alice, pending, final)))
	require.Equal(t, opaque.ErrState, second(r.server.Finish(t.Context(), alice, pending, final)), "a second time")
	login.Discard()

	_, pending, final = r.answer(t)
	require.Equal(t, opaque.ErrState, second(r.server.Finish(t.Context(), []byte("bob"), pending, final)), "another's id")
	_, _, pendingBob := r.begin(t, []byte("bob"), bob, password)
	require.Equal(t, opaque.ErrAuthentication, second(r.server.Finish(t.Context(), []byte("bob"), pendingBob, final)), "another's KE3")
	require.NoError(t, second(r.server.Finish(t.Context(), alice, pending, final)), "another's id spends nothing")

	_, pending, final = r.answer(t)
	wrong := bytes.Clone(final)
	wrong[5] ^= 1
	require.Equal(t, opaque.ErrAuthentication, second(r.server.Finish(t.Context(), alice, pending, wrong)))
	require.Equal(t, opaque.ErrState, second(r.server.Finish(t.Context(), alice, pending, final)), "a wrong proof burns it")

	for _, malformed := range [][]byte{final[1:], final[:len(final)-1], append(bytes.Clone(final), 0)} {
		_, pending, _ := r.answer(t)
		require.Equal(t, opaque.ErrMalformed, second(r.server.Finish(t.Context(), alice, pending, malformed)))
	}
	_, pending, final = r.answer(t)
	require.Equal(t, opaque.ErrMalformed, second(r.server.Finish(t.Context(), alice, pending, final[1:])))
	require.Equal(t, opaque.ErrState, second(r.server.Finish(t.Context(), alice, pending, final)), "so does a malformed one")

	other, err := opaque.NewServer(r.config)
	require.NoError(t, err)
	_, pending, final = r.answer(t)
	require.Equal(t, opaque.ErrState, second(other.Finish(t.Context(), alice, pending, final)), "another server without a shared Replay")

	flips(t, final, func(at int, flipped []byte) {
		_, pending, _ := r.begin(t, alice, r.record, password)
		_, _, err := r.server.Finish(t.Context(), alice, pending, flipped)
		require.Error(t, err)
	})
	_, pending, final = r.answer(t)
	flips(t, pending, func(at int, flipped []byte) {
		require.Equal(t, opaque.ErrState, second(r.server.Finish(t.Context(), alice, flipped, final)), "bit %d", at)
	})
	require.NoError(t, second(r.server.Finish(t.Context(), alice, pending, final)))
}

func TestPitfall_Expired(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	c := &clock{time.Unix(1_800_000_000, 0)}
	server, err := opaque.NewServerAt(r.config, c.now)
	require.NoError(t, err)
	r.server = server
	_, pending, final := r.answer(t)
	c.t = c.t.Add(opaque.DefaultLifetime)
	require.Equal(t, opaque.ErrState, second(server.Finish(t.Context(), alice, pending, final)))
	_, pending, final = r.answer(t)
	c.t = c.t.Add(opaque.DefaultLifetime - time.Second)
	require.NoError(t, second(server.Finish(t.Context(), alice, pending, final)))
}

// TestPitfall_StateKeysRotate: what was begun under a key that is still in the
// ring can be finished.
func TestPitfall_StateKeysRotate(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	old := r.config.Secrets.State[0]
	today, tomorrow := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	next, err := r.server.WithState([][]byte{today, old})
	require.NoError(t, err)
	_, pending, final := r.answer(t)
	require.NoError(t, second(next.Finish(t.Context(), alice, pending, final)))
	require.Equal(t, opaque.ErrState, second(r.server.Finish(t.Context(), alice, pending, final)), "one memory for both")
	after, err := next.WithState([][]byte{tomorrow, today})
	require.NoError(t, err)
	_, pending, final = r.answer(t)
	require.Equal(t, opaque.ErrState, second(after.Finish(t.Context(), alice, pending, final)))
	_, err = next.WithState(nil)
	require.ErrorIs(t, err, opaque.ErrPolicy)
}

// TestPitfall_HostileKSF: a server chooses ruinous or weak parameters.
func TestPitfall_HostileKSF(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	k := new(watchedKSF)
	client := r.client.StretchBy(k)
	argon2id := func(memory, passes, lanes int) kdf.Params {
		params, err := kdf.NewArgon2id(memory, passes, lanes)
		require.NoError(t, err)
		return params
	}
	pbkdf2, err := kdf.NewPBKDF2SHA512(1)
	require.NoError(t, err)
	endless, err := kdf.NewPBKDF2SHA512(1<<31 - 1)
	require.NoError(t, err)
	scrypt, err := kdf.NewScrypt(1<<28, 8, 1)
	require.NoError(t, err)
	for _, params := range []kdf.Params{
		argon2id(8, 1, 1), argon2id(4<<20, 1, 1), argon2id(64<<10, 1<<20, 1), argon2id(1<<20, 64, 1), pbkdf2, endless, scrypt, kdf.RFC9807Argon2id(),
	} {
		cfg := r.config
		cfg.Templates = []opaque.Template{{Setup: 1, KSF: params}}
		server, err := opaque.NewServer(cfg)
		require.NoError(t, err)

		reg, request, err := client.Register(nil, password)
		require.NoError(t, err)
		response, err := server.Register(t.Context(), alice, request)
		require.NoError(t, err)
		require.ErrorIs(t, second(reg.Finish(t.Context(), response)), opaque.ErrPolicy)

		parsed, err := opaque.ParseRecord(r.record)
		require.NoError(t, err)
		record, err := opaque.ImportRecord(opaque.Ristretto255, 1, params, nil, parsed.Raw())
		require.NoError(t, err)
		login, request, err := client.Login(nil, password)
		require.NoError(t, err)
		response, _, err = server.Begin(t.Context(), alice, record.Bytes(), request)
		require.NoError(t, err)
		_, err = login.Respond(t.Context(), response)
		require.ErrorIs(t, err, opaque.ErrPolicy)
	}
	require.Zero(t, k.calls, "refused before any work")
}

// TestPitfall_KSFIsAuthenticated: whoever changes the parameters on the way, within
// the policy, gains nothing.
func TestPitfall_KSFIsAuthenticated(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	parsed, err := opaque.ParseRecord(r.record)
	require.NoError(t, err)
	for _, change := range []struct {
		setup uint16
		m     int
	}{{1, 96 << 10}, {2, 64 << 10}} {
		params, err := kdf.NewArgon2id(change.m, 3, 4)
		require.NoError(t, err)
		other, err := opaque.ImportRecord(opaque.Ristretto255, change.setup, params, nil, parsed.Raw())
		require.NoError(t, err)
		login, response, _ := r.begin(t, alice, r.record, password)
		head := len(r.record) - 2 - len(parsed.Raw()) // kind and version included
		altered := append(bytes.Clone(other.Bytes()[:head]), response[head:]...)
		require.Len(t, altered, len(response))
		require.NotEqual(t, altered, response)
		_, err = login.Respond(t.Context(), altered) // which does not stretch, so that nothing else can fail
		require.Equal(t, opaque.ErrAuthentication, err)
	}
}

// TestPitfall_ZeroConfigurationStretches: the zero values mean Argon2id, which
// TestLoginWithDefaults runs.
func TestPitfall_ZeroConfigurationStretches(t *testing.T) {
	r := newRig(t, opaque.Ristretto255)
	parsed, err := opaque.ParseRecord(r.record)
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), parsed.KSF())
	_, err = opaque.ImportRecord(opaque.Ristretto255, 1, kdf.Params{}, nil, parsed.Raw())
	require.Equal(t, opaque.ErrRecord, err)

	bare, err := opaque.NewClient(opaque.ClientConfig{Wire: opaque.RFC})
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), bare.FixedKSF())
}
