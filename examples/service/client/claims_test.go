package client

import (
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

func newClient(t *testing.T, s Store, server string) *Client {
	c, err := New(t.Context(), Config{Store: s, Server: server})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// TestClaimIsKept: a claim and its shares outlive the program, and belong to one
// server.
func TestClaimIsKept(t *testing.T) {
	ctx, files := t.Context(), NewFiles(t.TempDir())
	c := newClient(t, files, "https://example.org")
	_, err := c.Claim(ctx)
	require.ErrorIs(t, err, ErrNoClaim)
	require.NoError(t, c.noClaim(ctx))

	claim := &claimState{Server: "https://example.org", Name: "alice", Former: 1, Way: api.WayContacts, Token: "the token", Number: api.ID{1}}
	require.NoError(t, c.saveClaim(ctx, claim))
	shares := newShares(t, 2, 3)
	require.Equal(t, 1, claim.keep(shares[0]))
	require.Equal(t, 1, claim.keep(shares[0]), "the same share again")
	require.Equal(t, 1, claim.keep(newShares(t, 2, 3)[1]), "a share of another split")
	require.Equal(t, 0, claim.keep(shares[2]))
	require.Equal(t, 0, claim.keep(shares[1]))
	require.NoError(t, c.saveClaim(ctx, claim))

	again := newClient(t, files, "https://example.org")
	loaded, err := again.loadClaim(ctx)
	require.NoError(t, err)
	require.Equal(t, claim, loaded)
	require.Equal(t, Who{"alice", 1}, loaded.who())
	require.ErrorIs(t, again.noClaim(ctx), ErrHasClaim)
	server, err := Server(ctx, files)
	require.NoError(t, err)
	require.Equal(t, "https://example.org", server)

	_, err = newClient(t, files, "https://example.com").loadClaim(ctx)
	require.ErrorIs(t, err, ErrOtherServer, "which must not get the token")
	require.NoError(t, again.Forget(ctx))
	_, err = again.loadClaim(ctx)
	require.ErrorIs(t, err, ErrNoClaim)
}

// newShares returns the shares of a new split.
func newShares(t *testing.T, k, n int) (shares []*contacts.Share) {
	var keys []*contacts.Key
	var publicKeys [][]byte
	for range n {
		key, err := contacts.NewKey()
		require.NoError(t, err)
		keys, publicKeys = append(keys, key), append(publicKeys, key.PublicKey())
	}
	split, err := contacts.NewSplit(k, publicKeys...)
	require.NoError(t, err)
	_, err = recovery.Create(t.Context(), split)
	require.NoError(t, err)
	for i, message := range split.Messages() {
		share, err := keys[i].Open(message)
		require.NoError(t, err)
		shares = append(shares, share)
	}
	return shares
}
