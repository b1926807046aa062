package srp_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

var (
	testDecoyKey  = [32]byte(bytes.Repeat([]byte{0xd1}, 32))
	testStateKeys = []srp.StateKey{{Key: [32]byte(bytes.Repeat([]byte{0x51}, 32))}}
)

// config is a server of the given kinds: the first is offered, the others are
// old.
func config(kinds ...srp.Kind) srp.ServerConfig {
	cfg := srp.ServerConfig{DecoyKey: testDecoyKey, StateKeys: testStateKeys}
	if len(kinds) > 0 {
		cfg.Offer, cfg.Old = kinds[0], kinds[1:]
	}
	if _, offered := cfg.Offer.Profile.ProtonVersion(); offered && cfg.Offer.Profile.NeedsUpgrade() {
		cfg.Offer, cfg.Old = srp.Kind{}, kinds // nobody registers with it
	}
	return cfg
}

func newServer(t testing.TB, kinds ...srp.Kind) *srp.Server {
	s, err := srp.NewServer(config(kinds...))
	require.NoError(t, err)
	return s
}

// register makes a record of a kind with one group, through the wire's bytes.
func register(t testing.TB, client *srp.Client, kind srp.Kind, identity, password []byte) *srp.Record {
	r, request, err := client.Register(identity, password)
	require.NoError(t, err)
	server := newServer(t, kind)
	response, err := server.BeginRegistration(t.Context(), []byte("id"), request)
	require.NoError(t, err)
	upload, err := r.Finish(t.Context(), response)
	require.NoError(t, err)
	record, err := server.FinishRegistration(identity, upload)
	require.NoError(t, err)
	parsed, err := srp.ParseRecord(record)
	require.NoError(t, err)
	return parsed
}

// rig is a server with one account.
type rig struct {
	profile srp.Profile
	group   *srp.Group
	kind    srp.Kind
	client  *srp.Client
	server  *srp.Server
	record  *srp.Record
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
	r.server = newServer(t, r.kind)
	return &r
}

func makeRig(t testing.TB, profile srp.Profile) *rig {
	r := &rig{profile: profile}
	var err error
	if _, ok := profile.ProtonVersion(); ok {
		ref := signedGroup(t, loadProton(t).Verifier.SignedModulus)
		r.group, err = srp.NewGroup(ref.N, ref.G)
		require.NoError(t, err)
		r.group, err = r.group.WithCertificate(ref.Certificate)
		require.NoError(t, err)
		r.client = protonClient(t, 0, 1, 2, 3, 4)
	} else {
		bits := 2048
		if profile == srp.HomeKit() {
			bits = 3072
		}
		r.group, err = srp.RFC5054Group(bits)
		require.NoError(t, err)
		r.client, err = srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile}, KDFPolicy: kdf.FixedPolicy(srp.SmallKDF(profile))})
		require.NoError(t, err)
	}
	r.kind = srp.Kind{Profile: profile, Groups: []*srp.Group{r.group}, KDF: srp.SmallKDF(profile), Weight: 1}
	r.record, err = srp.RegisterWith(profile, r.group.Unverified(), r.kind.KDF, alice, password, bytes.Repeat([]byte{0xa5}, srp.SaltSize(profile)))
	require.NoError(t, err)
	return r
}

// sha256Rig is the fastest of them.
func sha256Rig(t testing.TB) *rig { return newRig(t, srp.RFC5054SHA256(0)) }

// begin runs a login up to the client's final message.
func (r *rig) begin(t testing.TB, id, record, password []byte) (login *srp.Login, pending, final []byte) {
	login, request, err := r.client.Login(alice, password)
	require.NoError(t, err)
	response, pending, err := r.server.BeginLogin(context.Background(), id, record, request)
	require.NoError(t, err)
	final, err = login.Respond(context.Background(), response)
	require.NoError(t, err)
	return login, pending, final
}

func second[A, B any](_ A, _ B, err error) error { return err }

// clock is a settable time.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// makeRecord is the typed form of a registration.
func makeRecord(ctx context.Context, c *srp.Client, p srp.Profile, g srp.UnverifiedGroup, params kdf.Params, identity, password []byte) (*srp.Record, error) {
	r, _, err := c.Register(identity, password)
	if err != nil {
		return nil, err
	}
	return r.MakeRecord(ctx, p, g, params)
}

// makeOfKind is makeRecord in the first group of a kind.
func makeOfKind(ctx context.Context, c *srp.Client, k srp.Kind, identity, password []byte) (*srp.Record, error) {
	return makeRecord(ctx, c, k.Profile, k.Groups[0].Unverified(), k.KDF, identity, password)
}

// admit is the end of a registration of whoever the record says.
func admit(s *srp.Server, upload []byte) error {
	identity := alice
	if r, err := srp.ParseRecord(upload); err == nil {
		identity = r.Identity()
	}
	_, err := s.FinishRegistration(identity, upload)
	return err
}

// stateKeys are state keys that are due at once, one for each number.
func stateKeys(numbers ...byte) []srp.StateKey {
	keys := make([]srp.StateKey, len(numbers))
	for i, n := range numbers {
		keys[i].Key = [32]byte(bytes.Repeat([]byte{n}, 32))
	}
	return keys
}
