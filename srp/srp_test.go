package srp_test

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

var testSecrets = srp.Secrets{
	Decoy: bytes.Repeat([]byte{0xd1}, 32),
	State: [][]byte{bytes.Repeat([]byte{0x51}, 32)},
}

func newServer(t testing.TB, templates ...srp.Template) *srp.Server {
	s, err := srp.NewServer(srp.ServerConfig{Secrets: testSecrets, Templates: templates})
	require.NoError(t, err)
	return s
}

// rig is a server with one account.
type rig struct {
	profile  srp.Profile
	group    *srp.Group
	template srp.Template
	client   *srp.Client
	server   *srp.Server
	record   *srp.Record
}

var (
	alice    = []byte("alice")
	password = []byte("correct horse")
)

var (
	rigsMu sync.Mutex
	rigs   = make(map[srp.Profile]*rig)
)

// newRig is a rig in the RFC's group of 2048 bits, or for Proton's profiles in
// a signed one. It registers its account once for all tests, and gives each of
// them a server of its own.
func newRig(t testing.TB, profile srp.Profile) *rig {
	rigsMu.Lock()
	defer rigsMu.Unlock()
	if rigs[profile] == nil {
		rigs[profile] = makeRig(t, profile)
	}
	r := *rigs[profile]
	r.server = newServer(t, r.template)
	return &r
}

func makeRig(t testing.TB, profile srp.Profile) *rig {
	r := &rig{profile: profile}
	var err error
	if _, ok := profile.ProtonVersion(); ok {
		ref := signedGroup(t, loadProton(t).Verifier.SignedModulus)
		r.group, err = srp.NewGroup(ref.N, ref.G)
		require.NoError(t, err)
		r.group, err = r.group.WithCredential(ref.Credential)
		require.NoError(t, err)
		r.client = protonClient(t, 0, 1, 2, 3, 4)
	} else {
		bits := 2048
		if profile == srp.HomeKit() {
			bits = 3072
		}
		r.group, err = srp.RFC5054Group(bits)
		require.NoError(t, err)
		r.client, err = srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile}})
		require.NoError(t, err)
	}
	r.template = srp.Template{Profile: profile, Group: r.group, Weight: 1}
	r.record, err = srp.RegisterWith(r.template.Offer(), alice, password, bytes.Repeat([]byte{0xa5}, r.template.Offer().SaltSize))
	require.NoError(t, err)
	return r
}

// sha256Rig is the fastest of them.
func sha256Rig(t testing.TB) *rig { return newRig(t, srp.RFC5054SHA256(0)) }

// begin runs a login up to the client's final message.
func (r *rig) begin(t testing.TB, id, record, password []byte) (login *srp.Login, pending, final []byte) {
	login, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	response, pending, err := r.server.Begin(context.Background(), id, record, request)
	require.NoError(t, err)
	final, err = login.Respond(context.Background(), response)
	require.NoError(t, err)
	return login, pending, final
}

func TestLogin(t *testing.T) {
	for profile := range allProfiles(t) {
		t.Run(profile.String(), func(t *testing.T) {
			r := newRig(t, profile)
			login, pending, final := r.begin(t, alice, r.record.Bytes(), password)
			require.LessOrEqual(t, len(pending), 4096)
			reply, serverKey, err := r.server.Finish(t.Context(), alice, pending, final)
			require.NoError(t, err)
			clientKey, err := login.Finish(reply)
			require.NoError(t, err)
			require.Len(t, clientKey, 32)
			require.Equal(t, serverKey, clientKey)
			require.Equal(t, r.group.Ref(), login.Group().Ref())
		})
	}
}

// TestLoginInEveryGroup logs in over the larger groups, one of them sent in
// full and with a credential, so that pending state is as long as it can be.
func TestLoginInEveryGroup(t *testing.T) {
	for _, bits := range []int{2048, 3072, 4096, 6144, 8192} {
		if testing.Short() && bits > 4096 {
			continue // a second each
		}
		group, err := srp.RFC5054Group(bits)
		require.NoError(t, err)
		signed, err := group.WithCredential(bytes.Repeat([]byte("c"), srp.MaxCredential))
		require.NoError(t, err)
		for _, g := range []*srp.Group{group, signed} {
			template := srp.Template{Profile: srp.RFC5054SHA512(0), Group: g, SaltSize: 64, Weight: 1}
			r := &rig{server: newServer(t, template)}
			r.client, err = srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{template.Profile}, AcceptGroup: srp.AnyGroup(8192)})
			require.NoError(t, err)
			record, err := r.client.Register(t.Context(), template.Offer(), alice, password)
			require.NoError(t, err)
			require.Len(t, record.Salt(), 64)
			require.NoError(t, r.server.Admit(record.Bytes()))
			login, pending, final := r.begin(t, alice, record.Bytes(), password)
			require.LessOrEqual(t, len(pending), 4096)
			reply, serverKey, err := r.server.Finish(t.Context(), alice, pending, final)
			require.NoError(t, err)
			clientKey, err := login.Finish(reply)
			require.NoError(t, err)
			require.Equal(t, serverKey, clientKey)
		}
	}
}

// TestTypedForm speaks Proton's wire: the same values, and the protocol's own
// key.
func TestTypedForm(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	challenge, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	require.Equal(t, srp.Challenge{Profile: srp.Proton(4), Group: r.group.Ref(), Salt: r.record.Salt(), B: challenge.B}, challenge)
	login, _, err := r.client.Login(nil, password)
	require.NoError(t, err)
	proof, err := login.Answer(t.Context(), challenge)
	require.NoError(t, err)
	require.Len(t, proof.A, 256)
	require.Len(t, proof.M1, 256)
	m2, serverKey, err := r.server.Verify(t.Context(), alice, pending, proof)
	require.NoError(t, err)
	clientKey, err := login.Confirm(m2)
	require.NoError(t, err)
	require.Len(t, clientKey, 256)
	require.Equal(t, serverKey, clientKey)
}

func TestSessionKeysDifferByProfileAndLogin(t *testing.T) {
	seen := make(map[string]bool)
	for _, profile := range []srp.Profile{srp.RFC5054SHA256(0), srp.RFC5054SHA256(srp.MinimalValues)} {
		r := newRig(t, profile)
		for range 2 {
			_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
			_, key, err := r.server.Finish(t.Context(), alice, pending, final)
			require.NoError(t, err)
			seen[string(key)] = true
		}
	}
	require.Len(t, seen, 4)
}

// TestSessionKeyFormula pins how the 32 bytes come from the protocol's key.
func TestSessionKeyFormula(t *testing.T) {
	for profile, id := range map[srp.Profile]byte{srp.RFC5054SHA256(0): 0x14, srp.Proton(4): 0x24} {
		r := newRig(t, profile)
		b := bytes.Repeat([]byte{0xb0}, 32)
		c, pending, err := r.server.ChallengeWith(t.Context(), alice, r.record.Bytes(), b)
		require.NoError(t, err)
		proof := proofFromB(t, profile, alice, c, b)
		_, K, err := r.server.Verify(t.Context(), alice, pending, proof)
		require.NoError(t, err)
		_, pending, err = r.server.ChallengeWith(t.Context(), alice, r.record.Bytes(), b)
		require.NoError(t, err)
		_, key, err := r.server.Finish(t.Context(), alice, pending, slices.Concat([]byte{'S', 1}, proof.A, proof.M1))
		require.NoError(t, err)
		want, err := hkdf.Key(sha256.New, K, nil, "nescio/session/v1\x00S"+string([]byte{id}), 32)
		require.NoError(t, err)
		require.Equal(t, want, key)
	}
}

func TestSaltLengths(t *testing.T) {
	for profile, bad := range map[srp.Profile][]int{srp.RFC5054SHA256(0): {0, 65, 255}, srp.Proton(4): {0, 9, 11, 16}} {
		r := newRig(t, profile)
		c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		for _, size := range bad {
			login, _, err := r.client.Login(alice, password)
			require.NoError(t, err)
			c.Salt = make([]byte, size)
			_, err = login.Answer(t.Context(), c)
			require.Equal(t, srp.ErrMalformed, err, size)
		}
	}
}

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

func TestWrongPassword(t *testing.T) {
	for _, profile := range []srp.Profile{srp.RFC5054SHA1(0), srp.Proton(4)} {
		r := newRig(t, profile)
		login, pending, final := r.begin(t, alice, r.record.Bytes(), []byte("wrong horse"))
		reply, key, err := r.server.Finish(t.Context(), alice, pending, final)
		require.Equal(t, srp.ErrAuthentication, err)
		require.Nil(t, reply)
		require.Nil(t, key)
		login.Discard()
	}
}

func TestWrongServer(t *testing.T) {
	r := sha256Rig(t)
	login, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	reply, _, err := r.server.Finish(t.Context(), alice, pending, final)
	require.NoError(t, err)
	reply[10] ^= 1
	key, err := login.Finish(reply)
	require.Equal(t, srp.ErrAuthentication, err)
	require.Nil(t, key)
	reply[10] ^= 1
	_, err = login.Finish(reply)
	require.Equal(t, srp.ErrUsed, err, "one try")
}

func TestReplyLengths(t *testing.T) {
	r := sha256Rig(t)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	reply, _, err := r.server.Finish(t.Context(), alice, pending, final)
	require.NoError(t, err)
	for other := range testvec.Lengths(reply) {
		login, _, _ := r.begin(t, alice, r.record.Bytes(), password)
		_, err := login.Finish(other)
		require.Error(t, err)
	}
}

func TestLoginIsUsedOnce(t *testing.T) {
	r := sha256Rig(t)
	login, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	require.Nil(t, login.Group())
	_, err = login.Finish([]byte("S\x01too early"))
	require.Equal(t, srp.ErrUsed, err)
	response, pending, err := r.server.Begin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)

	finals := make(chan []byte, 8)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			final, err := login.Respond(context.Background(), response)
			if err == nil {
				finals <- final
			} else if err != srp.ErrUsed {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, finals, 1)
	reply, _, err := r.server.Finish(t.Context(), alice, pending, <-finals)
	require.NoError(t, err)
	_, err = login.Finish(reply)
	require.NoError(t, err)
	_, err = login.Finish(reply)
	require.Equal(t, srp.ErrUsed, err)
	_, err = login.Respond(t.Context(), response)
	require.Equal(t, srp.ErrUsed, err)
}

func TestDiscard(t *testing.T) {
	r := sha256Rig(t)
	login, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	response, pending, err := r.server.Begin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	login.Discard()
	_, err = login.Respond(t.Context(), response)
	require.Equal(t, srp.ErrUsed, err)

	login, _, final := r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = r.server.Finish(t.Context(), alice, pending, final)
	require.Equal(t, srp.ErrAuthentication, err)
	login.Discard()
	login.Discard()
	_, err = login.Finish([]byte{'S', 1})
	require.Equal(t, srp.ErrUsed, err)
}

// TestMessagesOutOfOrder: a message at the wrong time, however malformed, is
// ErrUsed and leaves the login as it was.
func TestMessagesOutOfOrder(t *testing.T) {
	r := sha256Rig(t)
	login, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	_, err = login.Finish(nil)
	require.Equal(t, srp.ErrUsed, err)
	_, err = login.Confirm(nil)
	require.Equal(t, srp.ErrUsed, err)
	response, pending, err := r.server.Begin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	_, err = login.Respond(t.Context(), nil)
	require.Equal(t, srp.ErrUsed, err)
	reply, serverKey, err := r.server.Finish(t.Context(), alice, pending, final)
	require.NoError(t, err)
	clientKey, err := login.Finish(reply)
	require.NoError(t, err)
	require.Equal(t, serverKey, clientKey)
}

// TestPasswordIsCleared: the copy that a login keeps is zero once it was used
// or given up, and after every error.
func TestPasswordIsCleared(t *testing.T) {
	r := sha256Rig(t)
	_, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	response, _, err := r.server.Begin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, use := range map[string]func(l *srp.Login) error{
		"used":      func(l *srp.Login) error { _, err := l.Respond(t.Context(), response); return err },
		"discarded": func(l *srp.Login) error { l.Discard(); return nil },
		"malformed": func(l *srp.Login) error { _, err := l.Respond(t.Context(), nil); require.Error(t, err); return nil },
		"refused": func(l *srp.Login) error {
			_, err := l.Answer(t.Context(), srp.Challenge{})
			require.Error(t, err)
			return nil
		},
		"cancelled": func(l *srp.Login) error { _, err := l.Respond(cancelled, response); require.Error(t, err); return nil },
	} {
		login, _, err := r.client.Login(alice, password)
		require.NoError(t, err)
		kept := srp.PasswordOf(login)
		require.Equal(t, password, kept)
		require.NoError(t, use(login), name)
		require.Equal(t, make([]byte, len(password)), kept, name)
	}
}

func TestPasswordIsCopied(t *testing.T) {
	r := sha256Rig(t)
	p := bytes.Clone(password)
	login, request, err := r.client.Login(alice, p)
	require.NoError(t, err)
	clear(p)
	response, pending, err := r.server.Begin(t.Context(), alice, r.record.Bytes(), request)
	require.NoError(t, err)
	final, err := login.Respond(t.Context(), response)
	require.NoError(t, err)
	_, _, err = r.server.Finish(t.Context(), alice, pending, final)
	require.NoError(t, err)
}

func TestLengthsOfNamesAndPasswords(t *testing.T) {
	r := sha256Rig(t)
	for _, n := range []int{1, 1024} {
		_, _, err := r.client.Login(make([]byte, n), make([]byte, n))
		require.NoError(t, err)
		_, _, err = r.server.Challenge(t.Context(), make([]byte, n), nil)
		require.NoError(t, err)
	}
	_, _, err := r.client.Login(nil, password)
	require.NoError(t, err, "an identity may be empty")
	for name, err := range map[string]error{
		"no password":   second(r.client.Login(alice, nil)),
		"long password": second(r.client.Login(alice, make([]byte, 1025))),
		"long identity": second(r.client.Login(make([]byte, 1025), password)),
		"register no password": func() error {
			_, err := r.client.Register(t.Context(), r.template.Offer(), alice, nil)
			return err
		}(),
		"register long identity": func() error {
			_, err := r.client.Register(t.Context(), r.template.Offer(), make([]byte, 1025), password)
			return err
		}(),
	} {
		require.ErrorIs(t, err, srp.ErrPolicy, name)
	}
}

func TestLengthsOfIDs(t *testing.T) {
	r := sha256Rig(t)
	for _, id := range [][]byte{nil, {}, make([]byte, 1025)} {
		_, _, err := r.server.Challenge(t.Context(), id, r.record.Bytes())
		require.Equal(t, srp.ErrMalformed, err)
	}
}

// TestStateKeysRotateInMidLogin: a server with new keys finishes what the old
// one began, once between them, and not what was begun under a destroyed key.
func TestStateKeysRotateInMidLogin(t *testing.T) {
	r := sha256Rig(t)
	yesterday, today, tomorrow := testSecrets.State[0], bytes.Repeat([]byte{0x52}, 32), bytes.Repeat([]byte{0x53}, 32)
	before := r.server
	after, err := before.WithState([][]byte{today, yesterday})
	require.NoError(t, err)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = after.Finish(t.Context(), alice, pending, final)
	require.NoError(t, err)
	_, _, err = before.Finish(t.Context(), alice, pending, final)
	require.Equal(t, srp.ErrState, err, "once in all")

	destroyed, err := after.WithState([][]byte{tomorrow, today})
	require.NoError(t, err)
	_, pending, final = r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = destroyed.Finish(t.Context(), alice, pending, final)
	require.Equal(t, srp.ErrState, err)
	_, err = before.WithState(nil)
	require.ErrorIs(t, err, srp.ErrPolicy)

	// Unknown names answer as before.
	c1, _, err := before.Challenge(t.Context(), []byte("nobody"), nil)
	require.NoError(t, err)
	c2, _, err := after.Challenge(t.Context(), []byte("nobody"), nil)
	require.NoError(t, err)
	require.Equal(t, c1.Salt, c2.Salt)
}

func second[A, B any](_ A, _ B, err error) error { return err }

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
		record, err := srp.NewRecord(p, g, alice, salt, bytes.Repeat([]byte{0x11}, 256))
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
	for _, cfg := range []srp.ClientConfig{{}, {Profiles: []srp.Profile{{}}}, {Profiles: []srp.Profile{srp.Proton(4), srp.Proton(5)}}} {
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
		"nothing":         func(c *srp.ServerConfig) { *c = srp.ServerConfig{} },
		"no decoy":        func(c *srp.ServerConfig) { c.Secrets.Decoy = nil },
		"short decoy":     func(c *srp.ServerConfig) { c.Secrets.Decoy = make([]byte, 31) },
		"zero decoy":      func(c *srp.ServerConfig) { c.Secrets.Decoy = make([]byte, 32) },
		"no state":        func(c *srp.ServerConfig) { c.Secrets.State = nil },
		"zero state":      func(c *srp.ServerConfig) { c.Secrets.State = [][]byte{make([]byte, 32)} },
		"no template":     func(c *srp.ServerConfig) { c.Templates = nil },
		"no weight":       func(c *srp.ServerConfig) { c.Templates[0].Weight = 0 },
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

func TestFullServer(t *testing.T) {
	r := sha256Rig(t)
	server, err := srp.NewServer(srp.ServerConfig{Secrets: testSecrets, Templates: []srp.Template{r.template}, MaxPending: 1})
	require.NoError(t, err)
	_, _, err = server.Challenge(t.Context(), alice, nil)
	require.NoError(t, err)
	_, _, err = server.Challenge(t.Context(), alice, nil)
	require.ErrorIs(t, err, srp.ErrPolicy)
}

type brokenReplay struct{ err error }

func (b brokenReplay) Consume(context.Context, [16]byte, time.Time) (bool, error) {
	return true, b.err
}

func TestReplayErrorsAreToldApart(t *testing.T) {
	r := sha256Rig(t)
	down := errors.New("the database is down")
	var err error
	r.server, err = srp.NewServer(srp.ServerConfig{Secrets: testSecrets, Templates: []srp.Template{r.template}, Replay: brokenReplay{down}})
	require.NoError(t, err)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	reply, key, err := r.server.Finish(t.Context(), alice, pending, final)
	require.ErrorIs(t, err, down)
	require.Nil(t, reply)
	require.Nil(t, key)
}

func TestContext(t *testing.T) {
	r := sha256Rig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := r.server.Challenge(ctx, alice, r.record.Bytes())
	require.ErrorIs(t, err, context.Canceled)
	_, err = r.client.Register(ctx, r.template.Offer(), alice, password)
	require.ErrorIs(t, err, context.Canceled)
	_, pending, final := r.begin(t, alice, r.record.Bytes(), password)
	_, _, err = r.server.Finish(ctx, alice, pending, final)
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = r.server.Finish(t.Context(), alice, pending, final)
	require.NoError(t, err, "nothing was spent")
}

// TestAClientNeedNotWaitForAProof: this number takes seconds to refuse, and the
// client leaves after a few milliseconds.
func TestAClientNeedNotWaitForAProof(t *testing.T) {
	n := bytes.Repeat([]byte{0xfb}, 1024)
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.RFC5054SHA256(0)}, AcceptGroup: srp.AnyGroup(8192)})
	require.NoError(t, err)
	login, _, err := client.Login(alice, password)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = login.Answer(ctx, srp.Challenge{Profile: srp.RFC5054SHA256(0), Group: srp.GroupRef{N: n, G: 2},
		Salt: []byte{1}, B: bytes.Repeat([]byte{1}, 1024)})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	waited := time.Since(start)
	_, err = srp.NewGroup(n, 2) // joins the proof, which went on
	require.ErrorIs(t, err, srp.ErrPolicy)
	require.Greater(t, time.Since(start), 2*waited, "it was a wait that was cut short")
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

// clock is a settable time.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }
