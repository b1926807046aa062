package srp_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestNewSaltsStartWithANonZeroByte: peers that take salts for integers would
// hash others short. Without the rule 2,000 salts pass once in 2,500 runs.
func TestNewSaltsStartWithANonZeroByte(t *testing.T) {
	r := sha256Rig(t)
	for range 2000 {
		record, err := r.client.Register(t.Context(), r.template.Offer(), alice, password)
		require.NoError(t, err)
		require.NotZero(t, record.Salt()[0])
	}
}

func TestRegister(t *testing.T) {
	for _, profile := range []srp.Profile{srp.RFC5054SHA256(srp.MinimalG), srp.Proton(3), srp.Proton(4)} {
		r := newRig(t, profile)
		wire, err := r.template.Offer().Bytes()
		require.NoError(t, err)
		offer, err := srp.ParseOffer(wire)
		require.NoError(t, err)
		require.Equal(t, r.template.Offer(), offer)
		record, err := r.client.Register(t.Context(), offer, alice, password)
		require.NoError(t, err)
		require.NotEqual(t, r.record.Salt(), record.Salt())
		require.NotZero(t, record.Salt()[0])
		require.Equal(t, profile, record.Profile())
		require.Equal(t, alice, record.Identity())
		require.Equal(t, r.group.Ref(), record.Group())
		require.Equal(t, profile.NeedsUpgrade(), record.NeedsUpgrade())
		require.NoError(t, r.server.Admit(record.Bytes()))
		require.NoError(t, srp.CheckRecord(record.Bytes()))

		login, pending, final := r.begin(t, alice, record.Bytes(), password)
		reply, _, err := r.server.Finish(t.Context(), alice, pending, final)
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
		_, err := r.template.Offer().Bytes()
		require.ErrorIs(t, err, srp.ErrPolicy)
		_, err = r.client.Register(t.Context(), r.template.Offer(), alice, password)
		require.ErrorIs(t, err, srp.ErrPolicy)
		require.ErrorIs(t, r.server.Admit(r.record.Bytes()), srp.ErrPolicy)

		modern := protonClient(t, 3, 4)
		login, request, err := modern.Login(alice, password)
		require.NoError(t, err)
		response, _, err := r.server.Begin(t.Context(), alice, r.record.Bytes(), request)
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
	remake := func(p srp.Profile, g srp.GroupRef, salt []byte) []byte {
		record, err := srp.NewRecord(srp.Offer{Profile: p, Group: g}, alice, salt, bytes.Repeat([]byte{0x11}, 256))
		require.NoError(t, err)
		return record.Bytes()
	}
	require.NoError(t, r.server.Admit(remake(srp.Proton(4), ref, r.record.Salt())))
	for name, record := range map[string][]byte{
		"another version":    remake(srp.Proton(3), ref, r.record.Salt()),
		"another profile":    remake(srp.RFC5054SHA1(0), ref, r.record.Salt()),
		"another group":      remake(srp.Proton(4), second, r.record.Salt()),
		"another credential": remake(srp.Proton(4), srp.GroupRef{N: ref.N, G: 2, Credential: second.Credential}, r.record.Salt()),
		"no credential":      remake(srp.Proton(4), srp.GroupRef{N: ref.N, G: 2}, r.record.Salt()),
		"an RFC's group":     remake(srp.RFC5054SHA1(0), rfc.Ref(), r.record.Salt()),
	} {
		require.ErrorIs(t, r.server.Admit(record), srp.ErrPolicy, name)
	}
	require.Equal(t, srp.ErrRecord, r.server.Admit(nil))
	salted := newServer(t, srp.Template{Profile: srp.RFC5054SHA1(0), Group: rfc, SaltSize: 32, Weight: 1})
	require.ErrorIs(t, salted.Admit(remake(srp.RFC5054SHA1(0), rfc.Ref(), make([]byte, 16))), srp.ErrPolicy)
	require.NoError(t, salted.Admit(remake(srp.RFC5054SHA1(0), rfc.Ref(), make([]byte, 32))))
}

func TestNewClientRefuses(t *testing.T) {
	for _, cfg := range []srp.ClientConfig{{ServerIdentity: make([]byte, 1025)}, {Profiles: []srp.Profile{{}}}, {Profiles: []srp.Profile{srp.Proton(4), srp.Proton(5)}}} {
		_, err := srp.NewClient(cfg)
		require.ErrorIs(t, err, srp.ErrPolicy)
	}
}

func TestNewServerRefuses(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	rfc, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	good := func() srp.ServerConfig {
		return srp.ServerConfig{Secrets: testSecrets, Templates: []srp.Template{r.template}}
	}
	_, err = srp.NewServer(good())
	require.NoError(t, err)
	for name, change := range map[string]func(*srp.ServerConfig){
		"nothing":        func(c *srp.ServerConfig) { *c = srp.ServerConfig{} },
		"no decoy":       func(c *srp.ServerConfig) { c.Secrets.Decoy = nil },
		"short decoy":    func(c *srp.ServerConfig) { c.Secrets.Decoy = make([]byte, 31) },
		"zero decoy":     func(c *srp.ServerConfig) { c.Secrets.Decoy = make([]byte, 32) },
		"no state":       func(c *srp.ServerConfig) { c.Secrets.State = nil },
		"zero state":     func(c *srp.ServerConfig) { c.Secrets.State = [][]byte{make([]byte, 32)} },
		"long identity":  func(c *srp.ServerConfig) { c.ServerIdentity = make([]byte, 1025) },
		"KDF parameters": func(c *srp.ServerConfig) { c.Templates[0].KDF = kdf.Default() },
		"no weight": func(c *srp.ServerConfig) {
			c.Templates = []srp.Template{{Profile: r.profile, Group: r.group}, {Profile: r.profile, Group: r.group}}
		},
		"no group":        func(c *srp.ServerConfig) { c.Templates[0].Group = nil },
		"no profile":      func(c *srp.ServerConfig) { c.Templates[0].Profile = srp.Profile{} },
		"wrong group":     func(c *srp.ServerConfig) { c.Templates[0].Group = rfc },
		"wrong salt":      func(c *srp.ServerConfig) { c.Templates[0].SaltSize = 11 },
		"negative salt":   func(c *srp.ServerConfig) { c.Templates[0].SaltSize = -1 },
		"negative time":   func(c *srp.ServerConfig) { c.Lifetime = -1 },
		"negative number": func(c *srp.ServerConfig) { c.MaxPending = -1 },
	} {
		cfg := good()
		change(&cfg)
		_, err := srp.NewServer(cfg)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
	}
}

func TestRedaction(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	login, _, _ := r.begin(t, alice, r.record.Bytes(), password)
	pending, _, err := r.client.Login(alice, password)
	require.NoError(t, err)
	secrets := [][]byte{testSecrets.Decoy, testSecrets.State[0], password, r.record.Verifier(), r.record.Salt()}
	for _, v := range []any{
		testSecrets, &testSecrets, srp.ServerConfig{Secrets: testSecrets},
		r.server, *r.server, r.record, *r.record, login, pending,
	} {
		testvec.Redacted(t, v, secrets...)
	}
	for _, v := range []any{r.record, *r.record, struct{ R srp.Record }{*r.record}} {
		_, err = json.Marshal(v)
		require.Error(t, err, "a record that JSON silently emptied would be an account lost")
	}
}

func TestDraw(t *testing.T) {
	require.Equal(t, testSecrets.Draw(alice), testSecrets.Draw(alice))
	sum, low, high := 0.0, 1.0, 0.0
	for i := range 1000 {
		d := testSecrets.Draw([]byte{byte(i), byte(i >> 8)})
		require.True(t, d >= 0 && d < 1)
		sum, low, high = sum+d, min(low, d), max(high, d)
	}
	require.InDelta(t, 500, sum, 50)
	require.Less(t, low, 0.02)
	require.Greater(t, high, 0.98)
	require.False(t, math.IsNaN(sum))
}
