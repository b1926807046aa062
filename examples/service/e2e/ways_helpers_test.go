package e2e

import (
	"bytes"
	"fmt"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

const (
	day   = 24 * time.Hour
	other = "another password"
)

var note = []string{"Key: " + secret}

func who(name string) client.Who { return client.Who{Name: name} }

// everything is an account with all ways in: its phone was approved, and two of
// three contacts help.
type everything struct {
	*world
	laptop, phone *device
	phrase        *recovery.Phrase
	file          *recovery.File
	circle
}

// everything makes an account "alice0" with a note, a phrase, a file, contacts
// and an approved device.
func (w *world) everything() *everything {
	e := &everything{world: w, laptop: w.account(0)}
	e.phrase = e.laptop.withPhrase()
	e.file = e.laptop.withFile()
	e.phone = e.laptop.lets(w.device(), "pin of the phone")
	e.circle = w.newCircle(e.laptop, 2, 3)
	return e
}

// shown notes that the user was shown all slots.
func (d *device) shown() {
	require.NoError(d.w, d.Sync(d.w.Context()))
	require.NoError(d.w, d.MarkSeen(d.w.Context(), d.Unseen()))
}

func (d *device) withPhrase() *recovery.Phrase {
	p, err := recovery.NewPhrase(12)
	require.NoError(d.w, err)
	require.NoError(d.w, d.SetPhrase(d.w.Context(), []byte(password), p))
	return p
}

func (d *device) withFile() *recovery.File {
	text, err := d.MakeFile(d.w.Context(), []byte(password))
	require.NoError(d.w, err)
	return parsedFile(d.w, text)
}

func parsedFile(w *world, text string) *recovery.File {
	f, err := recovery.ParseFile(text)
	require.NoError(w, err)
	return f
}

// lets approves another device by QR code. The pin opens that device only.
func (d *device) lets(in *device, pin string) *device {
	ctx := d.w.Context()
	a, err := in.Join(ctx, d.Who())
	require.NoError(d.w, err)
	require.ErrorIs(d.w, a.Joined(ctx, "", []byte(pin)), client.ErrNotYet)
	require.NoError(d.w, d.GrantQR(ctx, []byte(password), a.QR()))
	require.NoError(d.w, a.Joined(ctx, "", []byte(pin)))
	require.NoError(d.w, in.Sync(ctx))
	return in
}

// circle are contacts of an account.
type circle struct {
	friends     []*device
	invitations []api.ID
	split       string // fingerprint
}

// newCircle appoints k of n contacts. All fingerprints are compared.
func (w *world) newCircle(owner *device, k, n int) (c circle) {
	for i := range n {
		friend := w.device()
		_, err := friend.SignUp(w.Context(), []string{fmt.Sprint(owner.Name(), "-contact", i)}, one(password))
		require.NoError(w, err)
		c.friends = append(c.friends, friend)
		c.invitations = append(c.invitations, owner.befriends(friend))
	}
	c.appointed(owner, k)
	return c
}

// befriends invites a contact, who accepts.
func (d *device) befriends(friend *device) api.ID {
	ctx := d.w.Context()
	link, err := d.Invite(ctx, friend.Name())
	require.NoError(d.w, err)
	fingerprint, err := friend.AcceptInvitation(ctx, link, "the owner")
	require.NoError(d.w, err)
	all, err := d.Contacts(ctx)
	require.NoError(d.w, err)
	for _, one := range all {
		if one.Fingerprint == fingerprint {
			require.Equal(d.w, client.ContactAccepted, one.State)
			return one.Invitation
		}
	}
	require.Fail(d.w, "the contact's key has another fingerprint")
	return api.ID{}
}

// appointed appoints k of the contacts, who receive their shares.
func (c *circle) appointed(owner *device, k int) {
	ctx := owner.w.Context()
	owner.shown()
	var err error
	c.split, err = owner.Appoint(ctx, []byte(password), k, c.invitations...)
	require.NoError(owner.w, err)
	for i, friend := range c.friends {
		split, err := friend.Receive(ctx, c.invitations[i])
		require.NoError(owner.w, err)
		require.Equal(owner.w, c.split, split)
	}
}

// helps gives a share to a device that claims an account, by QR code.
func (d *device) helps(claimant *device) {
	ctx := d.w.Context()
	a, err := claimant.AskContact(ctx)
	require.NoError(d.w, err)
	require.NoError(d.w, d.GrantQR(ctx, nil, a.QR()))
	_, err = a.Share(ctx, "")
	require.NoError(d.w, err)
}

// state returns the state of the device's claim.
func (d *device) state() api.ClaimState {
	now, err := d.Claim(d.w.Context())
	require.NoError(d.w, err)
	return now.State
}

// claims returns the claims that the account's sessions see.
func (d *device) claims() []api.OwnClaim {
	all, err := d.OwnClaims(d.w.Context())
	require.NoError(d.w, err)
	return all
}

// kinds returns the kinds of the account's events, the newest first.
func (d *device) kinds() (kinds []string) {
	events, err := d.Events(d.w.Context())
	require.NoError(d.w, err)
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// token returns the token of the device's session, which a thief may have.
func (d *device) token() string {
	var state struct{ Token string }
	unmarshal(d.w, string(d.store.values["account"]), &state)
	return state.Token
}

// claimToken returns the token of the device's claim.
func (d *device) claimToken() string {
	var state struct{ Token string }
	unmarshal(d.w, string(d.store.values["claim"]), &state)
	return state.Token
}

// requireNote: the device reads the note.
func (d *device) requireNote() {
	require.NoError(d.w, d.Sync(d.w.Context()))
	require.Equal(d.w, note, d.notes())
}

// byPhrase returns a new device that recovers the account with its phrase.
func (e *everything) byPhrase() *device {
	d := e.device()
	require.NoError(e, d.LoginPhrase(e.Context(), who("alice0"), e.phrase))
	return d
}

// byFile returns a new device that recovers the account with its file.
func (e *everything) byFile() *device {
	d := e.device()
	require.NoError(e, d.ClaimFile(e.Context(), who("alice0"), e.file))
	d.waits(e.file)
	return d
}

// byContacts returns a new device that recovers the account with two contacts.
func (e *everything) byContacts() *device {
	d := e.device()
	require.NoError(e, d.ClaimContacts(e.Context(), who("alice0")))
	for _, friend := range e.friends[:2] {
		require.Equal(e, api.ClaimAsked, d.state())
		require.ErrorIs(e, d.OpenClaim(e.Context(), nil), client.ErrNotReady)
		friend.helps(d)
	}
	d.waits(nil)
	return d
}

// byDevice makes the approved phone recover the account.
func (e *everything) byDevice() *device {
	require.NoError(e, e.phone.ClaimPassword(e.Context()))
	e.phone.waits(nil)
	return e.phone
}

// waits lets the time of a claim pass, and opens it.
func (d *device) waits(f *recovery.File) {
	ctx := d.w.Context()
	require.Equal(d.w, api.ClaimWaiting, d.state())
	require.ErrorIs(d.w, d.OpenClaim(ctx, f), client.ErrNotReady)
	d.w.clock.advance(day)
	require.Equal(d.w, api.ClaimReady, d.state())
	require.NoError(d.w, d.OpenClaim(ctx, f))
}

// madeUpProof is in claims with a file that nobody has.
var madeUpProof = bytes.Repeat([]byte{1}, 32)
