package e2e

import (
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/stretchr/testify/require"
)

// TestLoseEverything: Alice loses the password, the second factor and all
// devices, three times. The first time the phrase helps, then the file, then two
// of her three contacts. Each time all notes are there, and the other ways stay.
// When she has lost all of them too, the operator gives her a new account. One
// year later she finds the paper with the phrase.
func TestLoseEverything(t *testing.T) {
	start := time.Now()
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.signUp()
		notes := []string{}
		write := func(d *device, title string) {
			_, err := d.Put(ctx, client.Item{Kind: client.KindNote, Title: title, Text: secret})
			require.NoError(w, err)
			require.NoError(w, d.Sync(ctx))
			notes = append(notes, title+": "+secret)
			require.Equal(w, notes, d.notes())
		}
		write(laptop, "1")
		laptop.withTOTP()
		phrase, file := laptop.withPhrase(), laptop.withFile()
		c := w.newCircle(laptop, 2, 3)
		phone := laptop.lets(w.device(), "pin of the phone")
		write(phone, "2")

		// Everything is gone with her bag. She has the phrase on paper.
		d := w.device()
		require.NoError(w, d.LoginPhrase(ctx, who("alice@example.org"), phrase))
		require.NoError(w, d.Sync(ctx))
		require.Equal(w, notes, d.notes())
		lost, err := phone.DeviceSlot(ctx)
		require.NoError(w, err)
		e, err := d.SetPassword(ctx, one("the second password"), true)
		require.NoError(w, err)
		require.True(w, e.NewDevice)
		require.Equal(w, "the second password", w.logsInAs(notes, "alice", password, "the second password"))
		d.shown()
		require.NoError(w, d.RemoveSlots(ctx, []byte("the second password"), lost))
		require.False(w, w.alive(phone.token()))
		require.False(w, w.alive(laptop.token()))
		write(d, "3")

		// The second time, the file is on her desk. She waits for a day.
		d = w.device()
		require.NoError(w, d.ClaimFile(ctx, who("alice"), file))
		d.waits(file)
		require.NoError(w, d.Sync(ctx))
		require.Equal(w, notes, d.notes())
		_, err = d.SetPassword(ctx, one("the third password"), false)
		require.NoError(w, err)
		require.Equal(w, "the third password", w.logsInAs(notes, "alice", "the second password", "the third password"))
		write(d, "4")

		// The third time, two of three contacts help, by codes and by QR code.
		d = w.device()
		require.NoError(w, d.ClaimContacts(ctx, who("alice")))
		a, g := d.asks(c.friends[2])
		missing, err := d.tell(a, g)
		require.NoError(w, err)
		require.Equal(w, 1, missing)
		c.friends[0].helps(d)
		d.waits(nil)
		require.NoError(w, d.Sync(ctx))
		require.Equal(w, notes, d.notes())
		_, err = d.SetPassword(ctx, one("the fourth password"), false)
		require.NoError(w, err)
		write(d, "5")
		events := d.kinds()
		for _, kind := range []string{"password set: phrase", "password set: file", "password set: contacts", "second factor off"} {
			require.Contains(w, events, kind)
		}

		// At last she has lost the paper and the file, and the contacts their
		// shares. The operator knows her.
		newest := w.device()
		require.NoError(w, newest.ClaimReview(ctx, "alice", "My passport has the number 123456789."))
		w.approved(newest)
		_, err = newest.NewAccount(ctx, one("the fifth password"))
		require.NoError(w, err)
		require.Empty(w, newest.notes(), "the old notes stay sealed")
		require.False(w, w.alive(d.token()))
		old := notes
		notes = nil
		write(newest, "6")
		_, err = w.device().Login(ctx, "alice", one("the fourth password"))
		require.ErrorIs(w, err, client.ErrAuthentication)

		w.clock.advance(365 * day)
		w.tend()
		found := w.device()
		require.NoError(w, found.LoginPhrase(ctx, client.Who{Name: "alice", Former: 1}, phrase))
		require.NoError(w, found.Sync(ctx))
		require.Equal(w, old, found.notes())
		way, recovered := found.Way()
		require.Equal(w, api.WayPhrase, way)
		require.True(w, recovered)
		require.Equal(w, "the fifth password", w.logsInAs(notes, "alice", "the fifth password"))
	})
	require.Less(t, time.Since(start), time.Minute)
}

// logsInAs returns the first of several passwords that opens an account with
// these notes on a new device.
func (w *world) logsInAs(notes []string, name string, passwords ...string) string {
	for _, p := range passwords {
		d := w.device()
		if _, err := d.Login(w.Context(), name, one(p)); err != nil {
			require.ErrorIs(w, err, client.ErrAuthentication)
			continue
		}
		require.NoError(w, d.Sync(w.Context()))
		require.Equal(w, notes, d.notes())
		return p
	}
	require.Fail(w, "no password opens the account")
	return ""
}
