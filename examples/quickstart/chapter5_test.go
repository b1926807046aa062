package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

// requireChapter5 looks for what matters in the story.
func requireChapter5(t *testing.T, text string) {
	_, text, _ = strings.Cut(text, "Chapter 5.")
	for want, times := range map[string]int{
		recovery.ErrApproval.Error():                        1,
		contacts.ErrFew.Error():                             1,
		contacts.ErrDuplicate.Error() + " (share 1)":        1,
		contacts.ErrForeign.Error() + " (share 2)":          1,
		"the shares         ":                               1,
		recovery.ErrNotMine.Error():                         3,
		planText:                                            3,
		"share 3 of 3; it takes 2":                          1,
		"OPAQUE, contacts, device, file, passkey, phrase\n": 2,
		"OPAQUE, contacts, file, phrase; master key 10\n":   1,
	} {
		require.Equal(t, times, strings.Count(text, want), want)
	}
	codes := regexp.MustCompile(` ([0-9A-Z]{3}-[0-9A-Z]{3})\n`).FindAllStringSubmatch(text, -1)
	require.Len(t, codes, 4)
	require.NotEqual(t, codes[0][1], codes[1][1], "Mallory is in between")
	require.Equal(t, codes[2][1], codes[3][1])
	require.NotRegexp(t, `nescio-approve:\S{20,}`, text, "nobody else sees the QR code")
}

// newWork is the story's account after the move, on a laptop and a tablet.
func newWork(t *testing.T) *work {
	_, s, laptop := newRingWorld(t, afterMove)
	w := &work{narrator: narrator{io.Discard}, s: s, base: laptop.base, laptop: laptop, before: s.stored(workName)}
	w.tablet = newRingDevice(t, w.base)
	requireEnter(t, s, laptop, weakPassword)
	requireEnter(t, s, w.tablet, weakPassword)
	return w
}

// requireJoin approves a new device by QR code.
func (w *work) requireJoin(t *testing.T) *client {
	t.Helper()
	c := newDevice(t, w.base)
	asked, err := c.askToJoin(t.Context(), workName)
	require.NoError(t, err)
	k, err := w.tablet.openKeyring(t.Context())
	require.NoError(t, err)
	_, err = w.tablet.approveDevice(t.Context(), k, asked.QR())
	require.NoError(t, err)
	k, err = c.join(t.Context(), asked)
	require.NoError(t, err)
	requirePlan(t, w.s, k)
	return c
}

// TestApprovalAcrossAnotherChange: while the tablet approves the phone, the laptop
// changes the keyring. The phone is in what the laptop made. What strangers ask does
// not disturb.
func TestApprovalAcrossAnotherChange(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	stranger := newDevice(t, w.base)
	for _, ask := range [][]byte{[]byte("none"), make([]byte, maxMessage)} {
		require.NoError(t, stranger.call(ctx, "POST", "/device/request", deviceRequest{workName, ask, make([]byte, 32)}, nil))
	}
	_, err := stranger.askToJoin(ctx, workName)
	require.NoError(t, err)
	phone := newDevice(t, w.base)
	asked, err := phone.askToJoin(ctx, workName)
	require.NoError(t, err)
	_, err = phone.join(ctx, asked)
	require.Equal(t, errWaiting, err)

	tries := 0
	w.tablet.base = between(t, w.base, func(rw http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method == "PUT" && r.URL.Path == "/keyring" {
			if tries++; tries == 1 {
				k, err := w.laptop.openKeyring(ctx)
				require.NoError(t, err)
				_, err = w.laptop.changeKeyring(ctx, k, func(k *recovery.Keyring) error { return k.Rotate(ctx) })
				require.NoError(t, err)
			}
		}
		pass.ServeHTTP(rw, r)
	})
	k, err := w.tablet.openKeyring(ctx)
	require.NoError(t, err)
	epoch := k.Epoch()
	k, err = w.tablet.approveDevice(ctx, k, asked.QR())
	require.NoError(t, err)
	require.Equal(t, 2, tries)
	require.Equal(t, epoch+1, k.Epoch())
	require.Equal(t, "OPAQUE, device, file, phrase", ways(k.Header()), "one slot of the two that were made")
	opened, err := phone.join(ctx, asked)
	require.NoError(t, err)
	require.Equal(t, k.Bytes(), opened.Bytes())
	requirePlan(t, w.s, opened)
	require.False(t, phone.firstUse)

	// The grant is for this request alone.
	other, err := stranger.askToJoin(ctx, workName)
	require.NoError(t, err)
	require.NoError(t, w.s.tamper(other.handle, func(a *approval) error {
		a.Grant = w.s.approvals[asked.handle].Grant
		return nil
	}))
	_, err = stranger.join(ctx, other)
	require.Equal(t, recovery.ErrApproval, err)
	_, err = phone.join(ctx, asked)
	require.Equal(t, recovery.ErrUsed, err)
}

// TestServerAnswersForAnother: with a number that is not the account's nobody
// approves.
func TestServerAnswersForAnother(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	phone := newDevice(t, between(t, w.base, func(rw http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.URL.Path == "/device/number" {
			reply(rw, http.StatusOK, numberResponse{bytes.Repeat([]byte{1}, 16)})
			return
		}
		pass.ServeHTTP(rw, r)
	}))
	asked, err := phone.askToJoin(ctx, workName)
	require.NoError(t, err)
	before := w.s.stored(workName)
	k, err := w.tablet.openKeyring(ctx)
	require.NoError(t, err)
	_, err = w.tablet.approveDevice(ctx, k, asked.QR())
	require.Equal(t, recovery.ErrApproval, err)
	require.Equal(t, before, w.s.stored(workName))
}

// TestFingerprints: with a key of the server's nobody is appointed, and a share of the
// server's is not kept.
func TestFingerprints(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	require.NoError(t, w.appoint(ctx))
	before := w.s.stored(workName)
	his, err := contacts.NewKey()
	require.NoError(t, err)
	box := w.s.mailboxes["neighbour"]
	hers := box.publicKey
	box.publicKey = his.PublicKey()
	k, err := w.tablet.openKeyring(ctx)
	require.NoError(t, err)
	_, err = w.appointed(ctx, k, w.people...)
	require.Equal(t, errKey, err)
	require.Equal(t, before, w.s.stored(workName))
	require.Len(t, w.s.mailboxes["sister"].messages, 1)

	// He makes a keyring of his own, under the account's number.
	number := k.Account()
	split, err := contacts.NewSplit(2, hers, his.PublicKey())
	require.NoError(t, err)
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	_, err = recovery.Create(ctx, number[:], phrase, split)
	require.NoError(t, err)
	box.messages[workName] = split.Messages()[0]
	neighbour := w.people[2]
	latest := neighbour.latest()
	require.Equal(t, errShare, neighbour.receive(ctx, workName, latest.Fingerprint()))
	require.Equal(t, latest, neighbour.latest())
}

// TestContactsOfBefore serve until all the new ones have their shares.
func TestContactsOfBefore(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	require.NoError(t, w.appoint(ctx))
	w.tablet.base = dying(t, w.base, "PUT /keyring", "PUT /contact/message")
	k, err := w.laptop.openKeyring(ctx)
	require.NoError(t, err)
	all, err := w.laptop.collection(ctx)
	require.NoError(t, err)
	_, err = w.appointed(ctx, k, w.people[0], w.people[1])
	require.Error(t, err)
	w.computer = w.laptop
	require.NoError(t, w.inPerson(ctx, all, w.people[0], w.people[0].latest()))
	require.NoError(t, w.inPerson(ctx, all, w.people[2], w.people[2].latest()))
	w.laptop.way = all
	k, err = w.laptop.openKeyring(ctx)
	require.NoError(t, err)
	require.Equal(t, "OPAQUE, contacts, contacts, file, phrase", ways(k.Header()))

	w.tablet = w.laptop
	_, err = w.laptop.appoint(ctx, k, 2, []appointment{w.people[0].says(), w.people[1].says()}, func(string) error { return errShare })
	require.Equal(t, errShare, err)
	k, err = w.laptop.openKeyring(ctx)
	require.NoError(t, err)
	require.Equal(t, "OPAQUE, contacts, contacts, contacts, file, phrase", ways(k.Header()))
	k, err = w.appointed(ctx, k, w.people...)
	require.NoError(t, err)
	require.Equal(t, "OPAQUE, contacts, file, phrase", ways(k.Header()))
}

// TestCodesDiffer: with somebody in between nothing is handed out.
func TestCodesDiffer(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	require.NoError(t, w.appoint(ctx))
	w.computer = w.tablet
	all, err := w.computer.collection(ctx)
	require.NoError(t, err)
	require.Equal(t, errCode, w.byTelephone(ctx, all, w.people[1], true))
	require.Equal(t, 2, all.Missing())
	require.Len(t, w.s.approvals, 1)
	for _, a := range w.s.approvals {
		require.NotEmpty(t, a.Reveal)
		require.Empty(t, a.Grant)
	}
	require.NoError(t, w.byTelephone(ctx, all, w.people[1], false))
	require.Equal(t, 1, all.Missing())

	// The contact answers to one who has just asked, and to nobody else.
	_, err = w.people[0].answer(ctx, w.people[0].latest(), workName)
	require.Equal(t, errWhich, err)
	for _, from := range []string{"mallory", workName} {
		_, err := w.computer.askForShare(ctx, "sister")
		require.NoError(t, err)
		_, err = w.people[0].answer(ctx, w.people[0].latest(), from)
		require.Equal(t, errWhich, err, "none of his, and two of hers")
	}
}

// TestServerLearnsNothingOfApprovals looks for secrets in all that went over the
// server, and that it has stored.
func TestServerLearnsNothingOfApprovals(t *testing.T) {
	ctx := t.Context()
	var r recorder
	w := newWork(t)
	w.base = r.between(t, w.base)
	w.tablet.base = w.base
	secrets := make(map[string][]byte)
	qr := func(name, text string) {
		t.Helper()
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, "nescio-approve:"))
		require.NoError(t, err)
		secrets[name], secrets[name+" as text"] = b[len(b)-16:], []byte(text[len(text)-20:])
	}

	phone := newDevice(t, w.base)
	asked, err := phone.askToJoin(ctx, workName)
	require.NoError(t, err)
	qr("QR code of the phone", asked.QR())
	k, err := w.tablet.openKeyring(ctx)
	require.NoError(t, err)
	k, err = w.tablet.approveDevice(ctx, k, asked.QR())
	require.NoError(t, err)
	_, err = phone.join(ctx, asked)
	require.NoError(t, err)
	device := phone.way.(*recovery.Device).Secret()
	secrets["device's seed"], secrets["lineage key"] = device[34:66], device[66:]

	w.computer = phone
	require.NoError(t, w.appoint(ctx))
	all, err := w.computer.collection(ctx)
	require.NoError(t, err)
	share, err := w.computer.askForShare(ctx, "sister")
	require.NoError(t, err)
	qr("QR code for the sister", share.QR())
	require.NoError(t, w.people[0].handOut(ctx, w.people[0].latest(), share.QR()))
	got, err := share.share(ctx)
	require.NoError(t, err)
	require.NoError(t, all.Add(got))
	require.NoError(t, w.byTelephone(ctx, all, w.people[1], false))
	phone.way = spy{all, func(secret []byte) { secrets["contacts: seed"] = secret[:32] }}
	opened, err := phone.openKeyring(ctx)
	require.NoError(t, err)
	requirePlan(t, w.s, opened)
	for _, p := range w.people {
		secrets[p.name+"'s key"] = p.key.Secret()[2:]
		for i, s := range p.shares {
			b := s.Secret()
			secrets[p.name+"'s share "+string(rune('1'+i))] = b[len(b)-32:]
		}
	}
	require.Len(t, secrets, 4+2+1+3+5)

	r.mu.Lock()
	defer r.mu.Unlock()
	traffic := r.sent.Bytes()
	for name, secret := range secrets {
		require.False(t, bytes.Contains(traffic, secret), name)
	}
	require.False(t, bytes.Contains(traffic, []byte("nescio-approve:")))

	// The search finds what is there.
	require.True(t, bytes.Contains(traffic, k.Bytes()))
	for _, a := range w.s.approvals {
		require.True(t, bytes.Contains(traffic, a.Grant))
	}
	for _, box := range w.s.mailboxes {
		require.True(t, bytes.Contains(traffic, box.messages[workName]))
	}
	a := w.s.stored(workName)
	require.Len(t, a.devices, 1)
	for _, sum := range a.devices {
		require.NotEqual(t, phone.device.Token, sum, "the server keeps a hash")
	}
}

// TestStolenPhone: the token, the session and the key of a device are over when its
// slot is gone, whoever takes that away.
func TestStolenPhone(t *testing.T) {
	ctx := t.Context()
	w := newWork(t)
	phone, other := w.requireJoin(t), w.requireJoin(t)
	_, err := phone.fetchKeyring(ctx)
	require.NoError(t, err)
	k, err := other.openKeyring(ctx)
	require.NoError(t, err)
	for _, request := range []string{"POST /password", "PUT /password"} {
		method, path, _ := strings.Cut(request, " ")
		require.Equal(t, loginFirst, phone.call(ctx, method, path, struct{}{}, nil), "a token sets no password")
	}
	id := recovery.SlotID(phone.device.Slot)
	k, err = other.changeKeyring(ctx, k, func(k *recovery.Keyring) error { return k.Revoke(ctx, id) })
	require.NoError(t, err)

	_, err = phone.fetchKeyring(ctx)
	require.Equal(t, loginFirst, err)
	require.Equal(t, refused, phone.enterAsDevice(ctx))
	require.Len(t, w.s.stored(workName).devices, 1)
	var pin recovery.Pin
	require.NoError(t, pin.UnmarshalBinary(phone.pins[0]))
	_, err = recovery.Open(ctx, k.Header(), phone.way, pin)
	require.Equal(t, recovery.ErrNotMine, err)

	_, err = other.fetchKeyring(ctx)
	require.NoError(t, err)
	require.NoError(t, other.enterAsDevice(ctx))
	requireEnter(t, w.s, w.laptop, weakPassword)
}
