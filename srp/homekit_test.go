package srp_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestHomeKitHasOneGroup: everything that takes a group refuses any other.
func TestHomeKitHasOneGroup(t *testing.T) {
	client, err := srp.NewClient(srp.ClientConfig{Profiles: []srp.Profile{srp.HomeKit()}, AcceptGroup: srp.AnyGroup(8192)})
	require.NoError(t, err)
	right, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	small, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	large, err := srp.RFC5054Group(4096)
	require.NoError(t, err)
	for name, g := range map[string]srp.GroupRef{
		"2048 bits": small.Ref(), "4096 bits": large.Ref(), "g=7": {N: right.Ref().N, G: 7},
	} {
		_, err := srp.NewRecord(srp.Offer{Profile: srp.HomeKit(), Group: g}, alice, []byte{1}, bytes.Repeat([]byte{0x11}, len(g.N)))
		require.Equal(t, srp.ErrRecord, err, name)
		_, err = client.Register(t.Context(), srp.Offer{Profile: srp.HomeKit(), Group: g}, alice, password)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		login, _, err := client.Login(alice, password)
		require.NoError(t, err)
		_, err = login.Answer(t.Context(), srp.Challenge{Profile: srp.HomeKit(), Group: g, Salt: []byte{1}, B: bytes.Repeat([]byte{0x11}, len(g.N))})
		require.ErrorIs(t, err, srp.ErrPolicy, name)
	}
	_, err = srp.NewServer(srp.ServerConfig{Secrets: testSecrets, Templates: []srp.Template{{Profile: srp.HomeKit(), Group: small, Weight: 1}}})
	require.ErrorIs(t, err, srp.ErrPolicy)
}

// TestHomeKitDegenerateValues is attacks 1 and 2 for the profile that takes
// short values.
func TestHomeKitDegenerateValues(t *testing.T) {
	r := newRig(t, srp.HomeKit())
	for name, value := range degenerate(r.group.Ref().N) {
		if name == "one byte short" {
			continue // the number 5
		}
		_, pending, err := r.server.Challenge(t.Context(), alice, r.record.Bytes())
		require.NoError(t, err)
		_, _, err = r.server.Verify(t.Context(), alice, pending, srp.Proof{A: value, M1: make([]byte, 64)})
		require.Equal(t, srp.ErrMalformed, err, "A=%s", name)
		login, _, err := r.client.Login(alice, password)
		require.NoError(t, err)
		_, err = login.Answer(t.Context(), srp.Challenge{Profile: r.profile, Group: r.group.Ref(), Salt: r.record.Salt(), B: value})
		require.Equal(t, srp.ErrMalformed, err, "B=%s", name)
	}
}
