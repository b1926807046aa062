package srp_test

import (
	"testing"

	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestIncompleteOffersAreCompleted on the wire.
func TestIncompleteOffersAreCompleted(t *testing.T) {
	complete := srp.DefaultTemplate().Offer()
	want, err := complete.Bytes()
	require.NoError(t, err)
	got, err := srp.Offer{Profile: complete.Profile, Group: complete.Group}.Bytes()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// TestOffersShareNothing with the message that they came in.
func TestOffersShareNothing(t *testing.T) {
	want := newRig(t, srp.Proton(4)).template.Offer()
	wire, err := want.Bytes()
	require.NoError(t, err)
	got, err := srp.ParseOffer(wire)
	require.NoError(t, err)
	clear(wire)
	require.Equal(t, want, got)
}

// TestOffersOutOfRange are not sent and not registered under, and the error says
// what does not fit.
func TestOffersOutOfRange(t *testing.T) {
	r, nescio := newRig(t, srp.Proton(4)), newRig(t, srp.Nescio())
	large, err := srp.RFC5054Group(3072)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		r      *rig
		change func(*srp.Offer)
		want   string
	}{
		"negative salt":    {r, func(o *srp.Offer) { o.SaltSize = -1 }, "the salt's size"},
		"another salt":     {r, func(o *srp.Offer) { o.SaltSize = 11 }, "the salt's size"},
		"another group":    {r, func(o *srp.Offer) { o.Group = large.Ref() }, "the group does not fit"},
		"KDF parameters":   {r, func(o *srp.Offer) { o.KDF = kdf.Default() }, "the KDF parameters"},
		"scrypt":           {nescio, func(o *srp.Offer) { o.KDF = kdf.RFC9807Scrypt() }, "the KDF parameters"},
		"a long voucher":   {r, func(o *srp.Offer) { o.Group.Credential = make([]byte, srp.MaxCredential+1) }, "a credential"},
		"an old profile":   {newRig(t, srp.Proton(2)), func(*srp.Offer) {}, "nobody registers"},
		"a profile's lack": {r, func(o *srp.Offer) { o.Profile = srp.Profile{} }, "not a profile"},
	} {
		offer := c.r.template.Offer()
		c.change(&offer)
		_, err := offer.Bytes()
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		require.ErrorContains(t, err, c.want, name)
		_, err = c.r.client.Register(t.Context(), offer, alice, password)
		require.ErrorIs(t, err, srp.ErrPolicy, name)
		require.ErrorContains(t, err, c.want, name)
	}
	offer := r.template.Offer()
	offer.Group.Credential = make([]byte, srp.MaxCredential)
	wire, err := offer.Bytes()
	require.NoError(t, err)
	_, err = srp.ParseOffer(wire)
	require.NoError(t, err)
}

// TestTemplatesOfOldProfilesHaveTheirSalts: a challenge may have others, a record
// may not.
func TestTemplatesOfOldProfilesHaveTheirSalts(t *testing.T) {
	template := newRig(t, srp.Proton(2)).template
	template.SaltSize = 16
	_, err := srp.NewServer(srp.ServerConfig{Secrets: testSecrets, Templates: []srp.Template{template}})
	require.ErrorIs(t, err, srp.ErrPolicy)
	require.ErrorContains(t, err, "the salt's size")
}

// TestIncompleteOffersAreRegistered under the profile's own costs, not under
// none.
func TestIncompleteOffersAreRegistered(t *testing.T) {
	client, err := srp.NewClient(srp.ClientConfig{})
	require.NoError(t, err)
	group, err := srp.RFC5054Group(2048)
	require.NoError(t, err)
	record, err := client.Register(t.Context(), srp.Offer{Profile: srp.Nescio(), Group: group.Ref()}, alice, password)
	require.NoError(t, err)
	require.Equal(t, kdf.Default(), record.KDF())
	require.Len(t, record.Salt(), 32)
}
