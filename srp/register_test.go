package srp_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"fmt"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
	"slices"
	"time"
)

// TestNewSaltsStartWithANonZeroByte: peers that take salts for integers would
// hash others short. Without the rule 2,000 salts pass once in 2,500 runs.
func TestNewSaltsStartWithANonZeroByte(t *testing.T) {
	r := sha256Rig(t)
	for range 2000 {
		record, err := makeOfKind(t.Context(), r.client, r.kind, alice, password)
		require.NoError(t, err)
		require.NotZero(t, record.Salt()[0])
	}
}

func TestRegister(t *testing.T) {
	for _, profile := range []srp.Profile{srp.RFC5054SHA256(srp.MinimalG), srp.Proton(3), srp.Proton(4)} {
		r := newRig(t, profile)
		record := register(t, r.client, r.kind, alice, password)
		require.NotEqual(t, r.record.Salt(), record.Salt())
		require.NotZero(t, record.Salt()[0])
		require.Equal(t, profile, record.Profile())
		require.Equal(t, alice, record.Identity())
		require.Equal(t, r.group.Unverified(), record.Group())
		require.Equal(t, profile.NeedsUpgrade(), record.NeedsUpgrade())
		require.NoError(t, admit(r.server, record.Bytes()))
		require.NoError(t, srp.CheckRecord(record.Bytes()))

		login, pending, final := r.begin(t, alice, record.Bytes(), password)
		reply, _, err := r.server.FinishLogin(t.Context(), alice, record.Bytes(), pending, final)
		require.NoError(t, err)
		_, err = login.Finish(reply)
		require.NoError(t, err)
	}
}

// TestOldProtonVersionsAreForLoginOnly: versions 0 to 2 log in where a client
// lists them, and can be neither offered nor registered.
func TestOldProtonVersionsAreForLoginOnly(t *testing.T) {
	for version := range 3 {
		r := newRig(t, srp.Proton(version))
		_, err := makeOfKind(t.Context(), r.client, r.kind, alice, password)
		require.ErrorIs(t, err, srp.ErrPolicy)
		require.ErrorIs(t, admit(r.server, r.record.Bytes()), srp.ErrPolicy)

		modern := protonClient(t, 3, 4)
		login, request, err := modern.Login(alice, password)
		require.NoError(t, err)
		response, _, err := r.server.BeginLogin(t.Context(), alice, r.record.Bytes(), request)
		require.NoError(t, err)
		_, err = login.Respond(t.Context(), response)
		require.ErrorIs(t, err, srp.ErrPolicy)
	}
}

// TestAdmit: a client registers what was offered or nothing.
func TestAdmit(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	ref := r.record.Group()
	second := signedGroup(t, loadProton(t).SecondSignedModulus)
	rfc, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	remake := func(p srp.Profile, g srp.UnverifiedGroup, salt []byte) []byte {
		record, err := srp.NewRecord(p, g, kdf.Params{}, alice, salt, bytes.Repeat([]byte{0x11}, 256))
		require.NoError(t, err)
		return record.Bytes()
	}
	require.NoError(t, admit(r.server, remake(srp.Proton(4), ref, r.record.Salt())))
	for name, record := range map[string][]byte{
		"another version": remake(srp.Proton(3), ref, r.record.Salt()),
		"another profile": remake(srp.RFC5054SHA1(0), ref, r.record.Salt()),
		"another group":   remake(srp.Proton(4), second, r.record.Salt()),
		"an RFC's group":  remake(srp.RFC5054SHA1(0), rfc.Unverified(), r.record.Salt()),
	} {
		require.ErrorIs(t, admit(r.server, record), srp.ErrPolicy, name)
	}
	require.ErrorIs(t, admit(r.server, nil), srp.ErrRecord)
	salted := newServer(t, srp.Kind{Profile: srp.RFC5054SHA1(0), Groups: []*srp.Group{rfc}, SaltSize: 32, Weight: 1})
	require.ErrorIs(t, admit(salted, remake(srp.RFC5054SHA1(0), rfc.Unverified(), make([]byte, 16))), srp.ErrPolicy)
	require.NoError(t, admit(salted, remake(srp.RFC5054SHA1(0), rfc.Unverified(), make([]byte, 32))))
}

func TestNewClientRefuses(t *testing.T) {
	for _, cfg := range []srp.ClientConfig{{ServerIdentity: make([]byte, 1025)}, {Profiles: []srp.Profile{{}}}, {Profiles: []srp.Profile{srp.Proton(4), srp.Proton(5)}}} {
		_, err := srp.NewClient(cfg)
		require.ErrorIs(t, err, srp.ErrPolicy)
	}
}

func TestNewServerRefuses(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	good := func() srp.ServerConfig { return config(r.kind) }
	_, err := srp.NewServer(good())
	require.NoError(t, err)
	for name, change := range map[string]func(*srp.ServerConfig){
		"nothing":      func(c *srp.ServerConfig) { *c = srp.ServerConfig{} },
		"no decoy key": func(c *srp.ServerConfig) { c.DecoyKey = [32]byte{} },
		"no state key": func(c *srp.ServerConfig) { c.StateKeys = nil },
		"a zero key":   func(c *srp.ServerConfig) { c.StateKeys = []srp.StateKey{{}} },
		"a key twice":  func(c *srp.ServerConfig) { c.StateKeys = stateKeys(1, 1) },
		"17 keys": func(c *srp.ServerConfig) {
			c.StateKeys = stateKeys(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
		},
		"no key is due": func(c *srp.ServerConfig) { c.StateKeys[0].NotBefore = time.Now().Add(time.Hour) },
		"long identity": func(c *srp.ServerConfig) { c.ServerIdentity = make([]byte, 1025) },
		"no weight": func(c *srp.ServerConfig) {
			c.Offer.Weight, c.Old = 0, []srp.Kind{{}}
		},
		"negative time":   func(c *srp.ServerConfig) { c.Lifetime = -1 },
		"negative number": func(c *srp.ServerConfig) { c.MaxPending = -1 },
	} {
		cfg := good()
		cfg.StateKeys = slices.Clone(cfg.StateKeys)
		change(&cfg)
		_, err := srp.NewServer(cfg)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
	}
}

// TestZeroValues: values that no constructor made return errors.
func TestZeroValues(t *testing.T) {
	login, registration := new(srp.Login), new(srp.Registration)
	_, err := login.Respond(t.Context(), nil)
	require.Equal(t, srp.ErrUsed, err)
	_, err = login.Finish(nil)
	require.Equal(t, srp.ErrUsed, err)
	_, err = registration.Finish(t.Context(), nil)
	require.Equal(t, srp.ErrUsed, err)
	_, err = registration.MakeRecord(t.Context(), srp.Nescio(), srp.UnverifiedGroup{}, kdf.Params{})
	require.Equal(t, srp.ErrUsed, err)
	require.Nil(t, login.Group())
	login.Discard()
	registration.Discard()
	record := new(srp.Record)
	require.True(t, record.NeedsUpgrade())
	require.Empty(t, record.Salt())
	require.Error(t, srp.CheckRecord(record.Bytes()))
	require.Equal(t, "srp.Record(redacted)", fmt.Sprint(record))
}

func TestRedaction(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	login, _, _ := r.begin(t, alice, r.record.Bytes(), password)
	pending, _, err := r.client.Login(alice, password)
	require.NoError(t, err)
	registration, _, err := r.client.Register(alice, password)
	require.NoError(t, err)
	secrets := [][]byte{testDecoyKey[:], testStateKeys[0].Key[:], password, r.record.Verifier(), r.record.Salt()}
	for _, v := range []any{r.server, *r.server, r.record, *r.record, login, pending, registration} {
		testvec.Redacted(t, v, secrets...)
	}
	for _, v := range []any{r.record, *r.record, struct{ R srp.Record }{*r.record}} {
		_, err = json.Marshal(v)
		require.Error(t, err, "a record that JSON silently emptied would be an account lost")
	}
	// Plain data hides itself where a method can be asked.
	for _, v := range []any{config(), testStateKeys, struct{ C srp.ServerConfig }{config()}} {
		require.NotContains(t, fmt.Sprintf("%v %+v %x", v, v, v), "51 51")
		require.NotContains(t, fmt.Sprintf("%v %+v %x", v, v, v), "5151")
		require.NotContains(t, fmt.Sprintf("%v %+v", v, v), "81 81")
		b, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotContains(t, string(b), "81,81")
		require.Contains(t, string(b), "redacted")
	}
}
