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
		r.client, err = srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{profile}, KDF: kdf.FixedPolicy(srp.SmallKDF(profile))})
		require.NoError(t, err)
	}
	r.template = srp.Template{Profile: profile, Group: r.group, KDF: srp.SmallKDF(profile), Weight: 1}
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

func second[A, B any](_ A, _ B, err error) error { return err }

// clock is a settable time.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }
