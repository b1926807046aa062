package srp_test

import (
	"slices"
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestNothingOfAConfigurationIsShared: what the caller changes afterwards changes
// no client and no server, and a copy with a context leaves its original alone.
func TestNothingOfAConfigurationIsShared(t *testing.T) {
	nescio, other := newRig(t, srp.Nescio()), sha256Rig(t)
	name, about := []byte("server"), []byte("change")
	clientConfig := srp.ClientConfig{
		Profiles:       []srp.Profile{other.profile, nescio.profile},
		KDFPolicy:      kdf.FixedPolicy(nescio.kind.KDF),
		ServerIdentity: name,
	}
	client, err := srp.NewClient(clientConfig)
	require.NoError(t, err)
	cfg := config(nescio.kind, other.kind)
	cfg.Offer.Weight, cfg.ServerIdentity = 1, name
	server, err := srp.NewServer(cfg)
	require.NoError(t, err)
	clientOf, err := client.WithContext(about)
	require.NoError(t, err)
	serverOf, err := server.WithContext(about)
	require.NoError(t, err)
	clear(name)
	clear(clientConfig.Profiles)

	login := func(client *srp.Client, server *srp.Server, record *srp.Record) error {
		r := rig{client: client, server: server}
		login, pending, final := r.begin(t, alice, record.Bytes(), password)
		reply, _, err := server.FinishLogin(t.Context(), alice, record.Bytes(), pending, final)
		if err == nil {
			_, err = login.Finish(reply)
		}
		return err
	}
	require.NoError(t, login(client, server, nescio.record))
	require.NoError(t, login(client, server, other.record))
	same, err := srp.NewServer(srp.ServerConfig{DecoyKey: cfg.DecoyKey, StateKeys: cfg.StateKeys, Offer: nescio.kind, ServerIdentity: []byte("server")})
	require.NoError(t, err)
	require.NoError(t, login(client, same, nescio.record), "the client still means this server")

	require.NoError(t, login(clientOf, serverOf, nescio.record))
	clear(about)
	require.NoError(t, login(clientOf, serverOf, nescio.record))
	again, err := same.WithContext([]byte("change"))
	require.NoError(t, err)
	require.NoError(t, login(clientOf, again, nescio.record), "the client still means this change")
}

// TestChallengeSharesNothing with the record, which is the caller's buffer, nor
// with the server's kinds.
func TestChallengeSharesNothing(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	for _, record := range [][]byte{r.record.Bytes(), nil} {
		original := slices.Clone(record)
		c, _, err := r.server.Challenge(t.Context(), alice, record)
		require.NoError(t, err)
		clear(record)
		require.Equal(t, r.group.Unverified(), c.Group)
		if record != nil {
			require.Equal(t, r.record.Salt(), c.Salt)
		}
		clear(c.Salt)
		clear(c.Group.N)
		clear(c.Group.Certificate)
		again, _, err := r.server.Challenge(t.Context(), alice, original)
		require.NoError(t, err)
		require.Equal(t, r.group.Unverified(), again.Group)
		require.NotEqual(t, c.Salt, again.Salt)
	}
}

// TestGroupOfALoginIsACopy of the challenge, which is the caller's.
func TestGroupOfALoginIsACopy(t *testing.T) {
	r := newRig(t, srp.Proton(4))
	login, _, err := r.client.Login(alice, password)
	require.NoError(t, err)
	c, _, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
	require.NoError(t, err)
	_, err = login.Answer(t.Context(), c)
	require.NoError(t, err)
	clear(c.Group.N)
	clear(c.Group.Certificate)
	require.Equal(t, r.group.Unverified(), login.Group().Unverified())
}
