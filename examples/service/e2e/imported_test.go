package e2e

import (
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/examples/service/server"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
	"github.com/stretchr/testify/require"
)

// TestImportedAccount: an account with profile nescio logs in under both offers.
// It moves to OPAQUE, and to Proton's protocol with its next password.
func TestImportedAccount(t *testing.T) {
	floor, _ := costs(t)
	for _, offer := range []string{server.OfferOPAQUE, server.OfferProton} {
		t.Run(offer, func(t *testing.T) {
			atOnce(t, func(c *server.Config) { c.Offer, c.KSF = offer, floor }, func(w *world) {
				ctx := w.Context()
				w.policy = kdf.Policy{}
				w.register("alice")
				w.setRecord(nescioRecord(w))
				w.restart(func(*server.Config) {})
				d := w.device()
				_, err := d.Login(ctx, "alice", one("a guess at it"))
				require.ErrorIs(w, err, client.ErrAuthentication)
				e, err := d.Login(ctx, "alice", one(password))
				require.NoError(w, err)
				require.Equal(w, offer == server.OfferOPAQUE, e.Moved)
				if offer == server.OfferProton {
					// A step-up with a context, which this profile has.
					_, err = d.NewTOTP(ctx, []byte(password))
					require.NoError(w, err)
					require.NoError(w, d.ChangePassword(ctx, one(password), one("another password")))
				}
				account, err := d.Account(ctx)
				require.NoError(w, err)
				require.Equal(w, map[string]string{"opaque": "opaque", "proton": "proton-4"}[offer], account.Protocol)
			})
		})
	}
}

// register makes an account by hand, without a keyring.
func (w *world) register(name string) {
	o, err := opaque.NewClient(opaque.ClientConfig{ServerIdentity: []byte(server.DefaultIdentity)})
	require.NoError(w, err)
	r, request, err := o.Register(nil, []byte(password))
	require.NoError(w, err)
	s, err := srp.NewClient(srp.ClientConfig{
		Profiles: []srp.Profile{srp.Proton(4)}, GroupPolicy: trusted.RegistrationPolicy("nescio/service"),
	})
	require.NoError(w, err)
	p, other, err := s.Register(nil, []byte(password))
	require.NoError(w, err)
	var begun api.Begun
	require.Equal(w, 200, w.post("/v1/register/begin", "", api.Requests{OPAQUE: request, SRP: other}, &begun))
	finish := r.Finish
	if begun.Response[0] == 'S' {
		finish = p.Finish
	}
	upload, err := finish(w.Context(), begun.Response)
	require.NoError(w, err)
	require.Equal(w, 200, w.post("/v1/register/finish", "", api.FinishRegistration{Token: begun.Token, Names: []string{name}, Upload: upload}, nil))
}

// nescioRecord is what an operator imports for the password.
func nescioRecord(w *world) []byte {
	c, err := srp.NewClient(srp.ClientConfig{})
	require.NoError(w, err)
	r, _, err := c.Register(nil, []byte(password))
	require.NoError(w, err)
	group, err := srp.RFC5054Group(3072)
	require.NoError(w, err)
	record, err := r.MakeRecord(w.Context(), srp.Nescio(), group.Unverified(), kdf.Params{})
	require.NoError(w, err)
	return record.Bytes()
}
