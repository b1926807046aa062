package interop_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nescio-go/nescio/internal/oprf"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// opaqueLogin logs in with a client of one side and a server of another, up to
// the client's final message. Unknown users have no record.
func opaqueLogin(t testing.TB, client, server opaqueSide, record []byte, password string) (in *loggedIn, pending []byte) {
	in = client.login(t, password, func(request []byte) (response []byte) {
		response, pending = server.begin(t, record, request)
		require.Len(t, response, 320)
		return response
	})
	return in, pending
}

func mustOpaqueLogin(t testing.TB, client, server opaqueSide, record []byte, password string, exportKey []byte) {
	t.Helper()
	in, pending := opaqueLogin(t, client, server, record, password)
	require.NotNil(t, in, "%T refuses the answer of %T", client, server)
	sessionKey, err := server.finish(t, record, pending, in.final)
	require.NoError(t, err, "%T refuses the proof of %T", server, client)
	require.Equal(t, in.sessionKey, sessionKey)
	require.Len(t, sessionKey, 64)
	require.Equal(t, exportKey, in.exportKey)
	if in.record != nil {
		require.EqualValues(t, record, in.record)
	}
}

// randomText is valid UTF-8 of 1 to 40 characters: ASCII, accents, other scripts,
// control characters, whatever Unicode has room for.
func randomText() string {
	var b strings.Builder
	for range 1 + int(randomBytes(1)[0])%40 {
		random := randomBytes(5)
		limit := []uint32{0x80, 0x100, 0x10000, 0x110000}[random[0]%4]
		r := rune(binary.BigEndian.Uint32(random[1:]) % limit)
		if !utf8.ValidRune(r) { // a surrogate
			r = 'ß'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// newOpaqueAccount returns the n-th account: of 16 in a row each has another
// combination of identities, whose setup it is and, by the caller, who registers.
// It shows if the test fails.
func newOpaqueAccount(t testing.TB, p *peer, n int) opaqueAccount {
	a := opaqueAccount{id: randomText(), password: randomText()}
	switch n % 20 {
	case 2:
		a.password, a.id = strings.Repeat("ß", opaque.MaxPassword/2), strings.Repeat("ß", opaque.MaxID/2)
	case 3:
		a.password, a.id = "p", "u"
	}
	if n/2%2 == 1 {
		a.identity = randomText()
	}
	if n/4%2 == 1 {
		a.serverIdentity = randomText()
	}
	a.setup = newOpaqueSetup(t, p, n/8%2 == 1)

	var err error
	random := randomBytes(4)
	parallelism, passes := 1+int(random[0])%4, 1+int(random[1])%3
	memory := 8*parallelism + int(binary.BigEndian.Uint16(random[2:]))%1000 // also where it is rounded
	a.ksf, err = kdf.NewArgon2id(memory, passes, parallelism)
	require.NoError(t, err)
	a.keyStretching = custom(memory, passes, parallelism)
	if n < 2 { // the default of both, unsaid and by its name
		a.ksf, a.keyStretching = opaque.DefaultKSF(), []any{nil, "memory-constrained"}[n]
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("id, identities, password %q, KSF %v", []string{a.id, a.identity, a.serverIdentity, a.password}, a.ksf)
		}
	})
	return a
}

// newOpaqueSetup returns a new setup of one side, which both load and read the
// same public key in.
func newOpaqueSetup(t testing.TB, p *peer, isOurs bool) *opaque.Setup {
	var setup *opaque.Setup
	if isOurs {
		var err error
		setup, err = opaque.NewSetup(opaque.Ristretto255)
		require.NoError(t, err)
	} else {
		theirs, err := serenityCall[base64URL](p, "server", "createSetup", nil)
		require.NoError(t, err)
		setup, err = opaque.ParseSetup(*theirs)
		require.NoError(t, err)
		again, err := setup.Bytes()
		require.NoError(t, err)
		require.EqualValues(t, *theirs, again)
	}
	stored, err := setup.Bytes()
	require.NoError(t, err)
	publicKey, err := serenityCall[base64URL](p, "server", "getPublicKey", base64URL(stored))
	require.NoError(t, err)
	require.EqualValues(t, setup.PublicKey(), *publicKey)
	return setup
}

// TestOpaque registers an account from one library to the other, and logs in in
// both directions with its record: rightly, with a proof that is altered, with
// another password, without a record, as an unknown user, and with a damaged one.
func TestOpaque(t *testing.T) {
	t.Parallel()
	p := startNode(t)
	accounts := 100
	if testing.Short() {
		accounts = 20
	}
	for n := range accounts {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			a := newOpaqueAccount(t, p, n)
			sides := [2]opaqueSide{newOurOpaque(t, a), &theirOpaque{a, p}}
			record, exportKey := sides[n%2].register(t, sides[1-n%2])
			require.Len(t, record, 192)
			require.Len(t, exportKey, 64)
			for i, client := range sides {
				server := sides[1-i]
				mustOpaqueLogin(t, client, server, record, a.password, exportKey)
				if a.ksf == opaque.DefaultKSF() {
					continue // costly, and fails no differently
				}

				in, pending := opaqueLogin(t, client, server, record, a.password)
				require.NotNil(t, in)
				flipBit(in.final)
				_, err := server.finish(t, record, pending, in.final)
				require.Error(t, err, "%T accepts an altered proof", server)

				in, _ = opaqueLogin(t, client, server, record, "another password")
				require.Nil(t, in, "%T accepts another password", client)
				in, _ = opaqueLogin(t, client, server, nil, a.password)
				require.Nil(t, in, "%T accepts the answer for an unknown user", client)
				// Of all checks only that of the envelope notices its own tag.
				damaged := bytes.Clone(record)
				flipBit(damaged[128:])
				in, _ = opaqueLogin(t, client, server, damaged, a.password)
				require.Nil(t, in, "%T accepts a damaged envelope", client)
			}
		})
	}
}

// TestOpaqueAgreement: two sides that have other identities, another context or
// another KSF do not come together.
func TestOpaqueAgreement(t *testing.T) {
	t.Parallel()
	p := startNode(t)
	a := newOpaqueAccount(t, p, 2)
	a.id, a.identity, a.serverIdentity, a.password = "1", "alice", "example.org", "pässwörd"
	ours, theirs := newOurOpaque(t, a), &theirOpaque{a, p}
	record, exportKey := ours.register(t, theirs)
	mustOpaqueLogin(t, ours, theirs, record, a.password, exportKey)
	mustOpaqueLogin(t, theirs, ours, record, a.password, exportKey)

	for name, alter := range map[string]func(*opaqueAccount){
		"client identity":    func(a *opaqueAccount) { a.identity = "bob" },
		"no client identity": func(a *opaqueAccount) { a.identity = "" },
		"server identity":    func(a *opaqueAccount) { a.serverIdentity = "example.com" },
		"no server identity": func(a *opaqueAccount) { a.serverIdentity = "" },
		"id":                 func(a *opaqueAccount) { a.id += "x" },
	} {
		other := a
		alter(&other)
		in, _ := opaqueLogin(t, ours, &theirOpaque{other, p}, record, a.password)
		require.Nil(t, in, name)
		in, _ = opaqueLogin(t, theirs, newOurOpaque(t, other), record, a.password)
		require.Nil(t, in, name)
	}

	stretched := a
	var err error
	stretched.ksf, err = kdf.NewArgon2id(2000, 1, 1) // more memory than at random
	require.NoError(t, err)
	stretched.keyStretching = custom(2000, 1, 1)
	in, _ := opaqueLogin(t, newOurOpaque(t, stretched), theirs, record, a.password)
	require.Nil(t, in, "another KSF")
	in, _ = opaqueLogin(t, &theirOpaque{stretched, p}, ours, record, a.password)
	require.Nil(t, in, "another KSF")

	inContext := *ours
	inContext.client, err = ours.client.WithContext([]byte{0})
	require.NoError(t, err)
	inContext.server, err = ours.server.WithContext([]byte{0})
	require.NoError(t, err)
	in, _ = opaqueLogin(t, &inContext, theirs, record, a.password)
	require.Nil(t, in, "a context")
	in, _ = opaqueLogin(t, theirs, &inContext, record, a.password)
	require.Nil(t, in, "a context")
}

// opaqueVector is one of opaque/testdata/argon2id.json.
type opaqueVector struct {
	Name          string                 `json:"name"`
	Source        string                 `json:"source"`
	Config        map[string]string      `json:"config"`
	Inputs        map[string]testvec.Hex `json:"inputs"`
	Intermediates map[string]testvec.Hex `json:"intermediates"`
	Outputs       map[string]testvec.Hex `json:"outputs"`
}

// TestOpaqueVectors checks this library's vectors with Argon2id: what of them is
// not drawn at random @serenity-kit/opaque computes alike, and its client, given
// what was drawn, gets the vectors' last message and keys.
func TestOpaqueVectors(t *testing.T) {
	t.Parallel()
	p, checked := startNode(t), 0
	for _, v := range testvec.Load[[]opaqueVector](t, os.DirFS("../../opaque/testdata"), "argon2id.json") {
		if v.Config["OPRF"] != "ristretto255-SHA512" || v.Config["Group"] != "ristretto255" {
			continue
		}
		checked++
		in, out := v.Inputs, v.Outputs
		require.Empty(t, v.Config["Context"])
		var parallelism, memory, passes int
		_, err := fmt.Sscanf(v.Config["KSF"], "Argon2id(S = zeroes(16), p = %d, T = Nh, m = %d, t = %d, v = 0x13)", &parallelism, &memory, &passes)
		require.NoError(t, err)

		a := opaqueAccount{
			id: string(in["credential_identifier"]), password: string(in["password"]),
			identity: string(in["client_identity"]), serverIdentity: string(in["server_identity"]),
			keyStretching: custom(memory, passes, parallelism),
		}
		a.ksf, err = kdf.NewArgon2id(memory, passes, parallelism)
		require.NoError(t, err)
		// The last key of a setup, for unknown users, is not in the vectors.
		a.setup, err = opaque.ParseSetup(bytes.Join([][]byte{in["oprf_seed"], in["server_private_key"], in["server_public_key"]}, nil))
		require.NoError(t, err)
		ours, theirs := newOurOpaque(t, a), &theirOpaque{a, p}

		require.EqualValues(t, out["registration_response"], theirs.registerResponse(t, out["registration_request"]), v.Name)
		// The state of their registration: blind ‖ registration_request. They draw
		// the envelope's nonce, on which all but masking_key depends.
		r := theirs.finishRegistration(t, bytes.Join([][]byte{in["blind_registration"], out["registration_request"]}, nil), out["registration_response"])
		require.EqualValues(t, out["registration_upload"][32:96], r.RegistrationRecord[32:96], v.Name)

		record := out["registration_upload"]
		mustOpaqueLogin(t, ours, theirs, record, a.password, out["export_key"])
		mustOpaqueLogin(t, theirs, ours, record, a.password, out["export_key"])
		ke2, _ := theirs.begin(t, record, out["KE1"])
		require.EqualValues(t, out["KE2"][:32], ke2[:32], v.Name)

		// The state of their login: blind ‖ KE1 ‖ client_private_keyshare ‖
		// client_nonce.
		keyshare, h := make([]byte, 32), oprf.NewSHA512()
		require.NoError(t, oprf.Ristretto255.DeriveKeyPair(h, keyshare, in["client_keyshare_seed"], []byte("OPAQUE-DeriveDiffieHellmanKeyPair")))
		state := bytes.Join([][]byte{in["blind_login"], out["KE1"], keyshare, in["client_nonce"]}, nil)
		login := theirs.finishLogin(t, state, a.password, out["KE2"])
		require.NotNil(t, login, v.Name)
		require.EqualValues(t, out["KE3"], login.final, v.Name)
		require.EqualValues(t, out["session_key"], login.sessionKey, v.Name)
		require.EqualValues(t, out["export_key"], login.exportKey, v.Name)
	}
	require.Equal(t, 4, checked)
}
