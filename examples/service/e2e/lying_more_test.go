package e2e

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

// renaming is a server that takes one account for another.
type renaming struct{ client.Transport }

func (r renaming) Do(ctx context.Context, in client.Request) (client.Response, error) {
	in.Body = bytes.Replace(in.Body, []byte(`"alice0"`), []byte(`"alice1"`), 1)
	return r.Transport.Do(ctx, in)
}

// TestAnotherOwnersShares: the server leads a claim to the keyring of somebody
// who has the same contacts. The contacts see another label than the owner's,
// and the claimant learns that the device has trusted the server.
func TestAnotherOwnersShares(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		mallory := w.account(1)
		theirs := circle{friends: e.friends[:2]}
		for _, friend := range theirs.friends {
			link, err := mallory.Invite(ctx, "x")
			require.NoError(w, err)
			_, err = friend.AcceptInvitation(ctx, link, "somebody else")
			require.NoError(w, err)
		}
		all, err := mallory.Contacts(ctx)
		require.NoError(w, err)
		for _, found := range all {
			theirs.invitations = append(theirs.invitations, found.Invitation)
		}
		theirs.appointed(mallory, 2)

		d, f := w.device().faulty()
		f.Transport = renaming{f.Transport}
		require.NoError(w, d.ClaimContacts(ctx, who("alice0")))
		for _, friend := range theirs.friends {
			a, g := d.asks(friend)
			require.Equal(w, "somebody else", g.Ask().Label, "people compare this")
			_, err := d.tell(a, g)
			require.NoError(w, err)
		}
		w.clock.advance(day)
		require.NoError(w, d.OpenClaim(ctx, nil))
		entered, err := d.SetPassword(ctx, one(other), false)
		require.NoError(w, err)
		require.True(w, entered.NewDevice, "it says that it has trusted the server")
	})
}

// TestServerSkipsTheWait: a server that hands out the half and the header at
// once gets nothing from them, and neither does a claimant without the file or
// with too few shares.
func TestServerSkipsTheWait(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		e := w.everything()
		header, err := recovery.ParseHeader(e.laptop.headerOf())
		require.NoError(w, err)
		thief := w.device()
		require.NoError(w, thief.ClaimFile(ctx, who("alice0"), e.file)) // as if the server had believed a proof
		w.clock.advance(day)
		status, opened := w.opened(thief.claimToken())
		require.Equal(w, 200, status)
		require.Len(w, opened.Half, 32)
		wrong := recovery.NewFile()
		_, err = recovery.Open(ctx, header, wrong, recovery.TrustOnFirstUse(header.Account()))
		require.ErrorIs(w, err, recovery.ErrWrongSecret)
		_, err = wrong.WithServerSecret(opened.Half)
		require.Error(w, err)
		require.ErrorIs(w, thief.OpenClaim(ctx, nil), recovery.ErrMalformed)

		// One share, in a claim that the server calls ready and opens.
		early := w.device()
		require.NoError(w, early.ClaimContacts(ctx, who("alice0")))
		e.friends[0].helps(early)
		early, f := early.faulty()
		f.mu.Lock()
		f.change = func(r client.Request, out *client.Response) {
			switch r.Path {
			case "/v1/claims/status":
				out.Status, out.Body = 200, []byte(marshal(w, api.Claim{Way: api.WayContacts, State: api.ClaimReady}))
			case "/v1/claims/open":
				out.Status, out.Body = 200, []byte(marshal(w, opened))
			}
		}
		f.mu.Unlock()
		require.ErrorIs(w, early.OpenClaim(ctx, nil), contacts.ErrFew)
		_, err = early.SetPassword(ctx, one(other), false)
		require.Error(w, err)
		f.honest()
		e.friends[1].helps(early)
		early.waits(nil)
		early.requireNote()
	})
}

// TestOldPasswordIsOut: after a recovery no slot of an old password is left in
// the keyring, whatever the server says about the slot of its record.
func TestOldPasswordIsOut(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		const login, keyring = "for the login only", "for the keyring only"
		for try, next := range []client.Passwords{one(other), two(other, "another for the keyring")} {
			for mode, old := range map[string]client.Passwords{"one": one(password), "two": two(login, keyring)} {
				for what, lie := range map[string]func(slots []recovery.Slot) *api.ID{
					"the truth": nil, "none": func([]recovery.Slot) *api.ID { return nil },
					"another": func([]recovery.Slot) *api.ID { return &api.ID{1} },
					"the phrase": func(slots []recovery.Slot) *api.ID {
						for _, s := range slots {
							if s.Type == "phrase" {
								id := api.ID(s.ID)
								return &id
							}
						}
						return nil
					},
				} {
					name := strings.ReplaceAll(fmt.Sprint("alice", try, mode, what), " ", "")
					laptop := w.device()
					_, err := laptop.SignUp(ctx, []string{name}, one(password))
					require.NoError(w, err)
					phrase := laptop.withPhrase()
					if mode == "two" {
						require.NoError(w, laptop.ChangePassword(ctx, one(password), old))
					}
					d, f := w.device().faulty()
					if lie != nil {
						lies(f, "/v1/login/finish", func(l *api.LoggedIn) { l.Slot = lie(laptop.Slots()) })
					}
					require.NoError(w, d.LoginPhrase(ctx, who(name), phrase))
					before := d.Slots()
					f.honest()
					_, err = d.SetPassword(ctx, next, false)
					if err != nil {
						continue // the server learns nothing by a lie that is noticed
					}
					for _, s := range d.Slots() {
						for _, b := range before {
							require.False(w, s.ID == b.ID && (s.Type == "export" || s.Type == "password"), "%s: a slot of type %s stays", name, s.Type)
						}
					}
				}
			}
		}
	})
}
