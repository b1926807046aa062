package recovery_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// What of an approval's secrets is left in memory, and what shows of them.

// TestRequestIsWiped by everything that ends it, and by nothing else.
func TestRequestIsWiped(t *testing.T) {
	for _, way := range ways {
		for name, c := range map[string]struct {
			end   func(a asked) error
			wiped bool
			want  error
		}{
			"discarded":      {func(a asked) error { a.Discard(); return nil }, true, nil},
			"granted":        {func(a asked) error { _, err := a.open(a.grant([]byte{2, 1, 0})); return err }, true, nil},
			"lied to":        {func(a asked) error { _, err := a.open(a.grant([]byte{1, 1, 0})); return err }, true, recovery.ErrApproval},
			"sent noise":     {func(a asked) error { _, err := a.open(random(2000)); return err }, false, recovery.ErrApproval},
			"sent too much":  {func(a asked) error { _, err := a.open(random(9000)); return err }, false, recovery.ErrMalformed},
			"asked for more": {func(a asked) error { _, _, err := a.OpenDevice(random(2000)); return err }, false, recovery.ErrApproval},
		} {
			a := askBy(t, way, recovery.ForShare)
			wiped := recovery.WatchRequest(a.Request)
			require.False(t, wiped())
			require.Equal(t, c.want, c.end(a), name)
			require.Equal(t, c.wiped, wiped(), "%s: %s", way, name)
			if c.wiped {
				requireOver(t, a.Request)
			}
		}

		// Of a device, too, whose seed goes on in the Device alone.
		a := askBy(t, way, recovery.ForDevice)
		seed, _, _ := recovery.RandomOf(a.Request)
		wiped := recovery.WatchRequest(a.Request)
		d, _, err := a.OpenDevice(a.grant(append([]byte{1, 1}, devicePayload(t, create(t, phrase(t)))...)))
		require.NoError(t, err)
		require.True(t, wiped())
		require.Equal(t, seed, d.Secret()[34:66])
	}
}

// TestShareIsCleared: an approval clears its own copy of the share, whichever way it
// ends, and never the caller's.
func TestShareIsCleared(t *testing.T) {
	share, zero := []byte("a share of a key"), make([]byte, 16)
	for name, end := range map[string]func(a *recovery.Approval, reveal []byte) error{
		"discarded":               func(a *recovery.Approval, _ []byte) error { a.Discard(); return nil },
		"discarded after Compare": func(a *recovery.Approval, reveal []byte) error { _, err := a.Compare(reveal); a.Discard(); return err },
		"granted": func(a *recovery.Approval, reveal []byte) error {
			_, err := a.Compare(reveal)
			require.NoError(t, err)
			_, err = a.Grant()
			return err
		},
		"not compared": func(a *recovery.Approval, reveal []byte) error {
			_, err := a.Compare(random(32))
			require.Equal(t, recovery.ErrApproval, err)
			return nil
		},
	} {
		r := request(t, recovery.ForShare)
		a, err := recovery.ApproveShare(account, r.Ask(), share)
		require.NoError(t, err)
		reveal, _, err := r.Reveal(a.Answer())
		require.NoError(t, err)
		kept := recovery.KeptBy(a)
		require.Equal(t, share, kept)
		require.NoError(t, end(a, reveal), name)
		require.Equal(t, zero, kept, name)
		require.Equal(t, "a share of a key", string(share), name)
		_, err = a.Compare(reveal)
		require.Equal(t, recovery.ErrUsed, err)
		_, err = a.Grant()
		require.Equal(t, recovery.ErrUsed, err)
	}

	r := request(t, recovery.ForShare)
	_, err := recovery.ApproveShareQR(account, r.QR(), r.Ask(), share)
	require.NoError(t, err)
	require.Equal(t, "a share of a key", string(share))

	// What the caller does with the share meanwhile changes nothing.
	r = request(t, recovery.ForShare)
	mine := bytes.Clone(share)
	a, err := recovery.ApproveShare(account, r.Ask(), mine)
	require.NoError(t, err)
	clear(mine)
	require.Equal(t, share, recovery.KeptBy(a))
}

// TestGrantClearsItsPayload: a device's has the master key and the lineage key.
func TestGrantClearsItsPayload(t *testing.T) {
	k := create(t, phrase(t))
	lineage, master := k.Keys()
	check := func(sealed, now func() []byte) {
		require.True(t, bytes.Contains(sealed(), append(bytes.Clone(master), lineage...)))
		require.Equal(t, make([]byte, len(sealed())), now())
	}
	r := request(t, recovery.ForDevice)
	a, err := k.Approve(r.Ask())
	require.NoError(t, err)
	sealed, now := recovery.WatchGrant(a)
	reveal, _, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	_, err = a.Compare(reveal)
	require.NoError(t, err)
	require.Nil(t, sealed(), "before the users have said yes there is none")
	_, err = a.Grant()
	require.NoError(t, err)
	check(sealed, now)

	r = request(t, recovery.ForDevice)
	sealed, now, err = recovery.ApproveQRWatched(k, r.QR(), r.Ask())
	require.NoError(t, err)
	check(sealed, now)
	_, master2 := k.Keys()
	require.Equal(t, master, master2, "the keyring's own are still there")
}

// TestApprovalsRedactThemselves, on all verbs, in logs and in JSON.
func TestApprovalsRedactThemselves(t *testing.T) {
	share := []byte("\xff\xfe\xfd\xfc, a share")
	for _, v := range loadApprovals(t)[:2] { // whose secrets do not by chance show as letters
		r, granted := v.request(t), v.request(t)
		if v.Code != "" {
			_, _, err := granted.Reveal(v.Answer)
			require.NoError(t, err)
		}
		d, p, err := recovery.Again(granted).OpenDevice(v.Grant)
		require.NoError(t, err)
		k := open(t, v.Device.Header, d, p)
		device, err := k.Approve(v.Ask)
		require.NoError(t, err)
		other := request(t, recovery.ForShare)
		contact, err := recovery.ApproveShare(account, other.Ask(), share)
		require.NoError(t, err)
		reveal, _, err := other.Reveal(contact.Answer())
		require.NoError(t, err)
		_, err = contact.Compare(reveal)
		require.NoError(t, err)
		hidden := [][]byte{v.Seed, v.R1, v.Device.MasterKey, v.Device.L, v.Device.Secret[34:], v.Device.Secret[66:], share}
		if v.QR != "" {
			hidden = append(hidden, v.QRSecret, []byte(v.QR[15:]))
		}

		for name, v := range map[string][]any{
			"Request": {r, granted}, "Device": {d}, "Approval": {device, contact},
		} {
			placeholder := "recovery." + name + "(redacted)"
			for _, v := range v {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%t", "%f", "%08x", "%z"} {
					require.Equal(t, placeholder, fmt.Sprintf(verb, v), verb)
				}
				require.Equal(t, placeholder, fmt.Sprint(v))
				b, err := json.Marshal([]any{v})
				if name == "Device" { // which is stored: see TestJSON
					require.Error(t, err)
				} else {
					require.NoError(t, err)
					require.Equal(t, `["`+placeholder+`"]`, string(b))
				}
				testvec.Redacted(t, v, hidden...)
			}
		}
		for _, v := range []any{
			struct{ hidden *recovery.Request }{r}, struct{ hidden *recovery.Approval }{contact}, struct{ hidden *recovery.Device }{d},
			struct{ hidden recovery.Device }{*d}, map[string]*recovery.Approval{"hidden": device}, []*recovery.Request{r}, &d,
		} {
			testvec.Redacted(t, v, hidden...)
		}
	}
}
