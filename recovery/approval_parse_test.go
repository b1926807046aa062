package recovery_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// TestQRStrict: a QR code has one text.
func TestQRStrict(t *testing.T) {
	k := create(t, phrase(t))
	before := k.Slots()
	// With an A before the end, so that it differs from all that is put there.
	r := recovery.RequestOf(t, recovery.ForDevice, account, random(32), make([]byte, 16), random(32))
	qr, ask := r.QR(), r.Ask()
	require.Len(t, qr, 102)
	prefix, body := qr[:15], qr[15:]
	require.Equal(t, "nescio-approve:", prefix)
	require.True(t, strings.HasSuffix(body, "AAA"))
	raw := must(base64.RawURLEncoding.DecodeString(body))
	withPurpose := func(p byte) string {
		return prefix + base64.RawURLEncoding.EncodeToString(append([]byte{p}, raw[1:]...))
	}
	insert := func(at int, s string) string { return qr[:at] + s + qr[at:] }
	put := func(at int, s string) string { return qr[:at] + s + qr[at+len(s):] }

	bad := map[string]string{
		"nothing": "", "the prefix alone": prefix, "no prefix": body, "the prefix twice": prefix + qr,
		"capitals": "NESCIO-APPROVE:" + body, "a capital": "Nescio-approve:" + body, "another prefix": "nescio-approve;" + body,
		"all in capitals":    strings.ToUpper(qr),
		"one character more": qr + "A", "four more": qr + "AAAA", "one less": qr[:101], "four less": qr[:98],
		"padded": qr + "=", "padding for a character": put(101, "="), "a character that is none": put(50, "*"), "standard base64": put(50, "+"),
		"standard base64's slash": put(50, "/"), "not ASCII": put(50, "é"), "a zero byte": put(50, "\x00"),
		"purpose 0": withPurpose(0), "purpose 3": withPurpose(3), "purpose 255": withPurpose(255),
	}
	for _, last := range []string{"B", "C", "D"} {
		bad["padding bits of "+last] = put(101, last)
	}
	for name, nl := range map[string]string{"CR": "\r", "LF": "\n", "CRLF": "\r\n"} {
		bad[name+" after the prefix"] = insert(15, nl)
		bad[name+" inside"] = insert(60, nl)
		bad[name+" for what was inside"] = put(60, nl)
		bad[name+" for the end"] = put(102-len(nl), nl)
	}
	bad["four LF for what was inside"] = put(60, "\n\n\n\n")
	for _, around := range []string{"", " ", "\n", "\r\n\t "} { // as it comes out of a message or a terminal
		fresh := create(t, phrase(t))
		_, _, err := fresh.ApproveQR(around+qr+around, ask)
		require.NoError(t, err)
	}
	for name, text := range bad {
		require.NotPanics(t, func() {
			_, _, err := k.ApproveQR(text, ask)
			require.Equal(t, recovery.ErrMalformed, err, name)
			_, err = recovery.ApproveShareQR(account, text, request(t, recovery.ForShare).Ask(), []byte("a share"))
			require.Equal(t, recovery.ErrMalformed, err, name)
		}, name)
	}
	require.Equal(t, before, k.Slots())

	// Of another purpose it is no bad text, but another request's.
	_, _, err := k.ApproveQR(withPurpose(2), ask)
	require.Equal(t, recovery.ErrApproval, err)
	_, _, err = k.ApproveQR(qr, ask)
	require.NoError(t, err)
}

// TestAskStrict: its head is that of this version and purpose, and its length is fixed.
func TestAskStrict(t *testing.T) {
	k := create(t, phrase(t))
	before := k.Slots()
	for _, p := range []recovery.Purpose{recovery.ForDevice, recovery.ForShare} {
		r := request(t, p)
		ask, qr := r.Ask(), r.QR()
		require.Len(t, ask, 1250)
		require.Equal(t, []byte{byte(p), 1}, ask[:2])
		approve := func(ask []byte) (byQR, byCode error) {
			if p == recovery.ForDevice {
				_, _, byQR = k.ApproveQR(qr, ask)
				_, byCode = k.Approve(ask)
			} else {
				_, byQR = recovery.ApproveShareQR(account, qr, ask, []byte("a share"))
				_, byCode = recovery.ApproveShare(account, ask, []byte("a share"))
			}
			return byQR, byCode
		}
		for _, bad := range [][]byte{
			nil, ask[:2], ask[:1218], ask[:1249], append(bytes.Clone(ask), 0),
			append([]byte{0, 1}, ask[2:]...), append([]byte{3, 1}, ask[2:]...), append([]byte{3 - byte(p), 1}, ask[2:]...),
			append([]byte{byte(p), 0}, ask[2:]...), append([]byte{byte(p), 2}, ask[2:]...),
		} {
			byQR, byCode := approve(bad)
			require.Equal(t, recovery.ErrMalformed, byQR)
			require.Equal(t, recovery.ErrMalformed, byCode)
		}

		// A key that is none, by the requester's own QR code.
		none := slices.Concat(ask[:2], bytes.Repeat([]byte{0xff}, 1216), ask[1218:])
		qr = refQR(byte(p), account, none[2:1218], random(16))
		byQR, byCode := approve(none)
		require.Equal(t, recovery.ErrMalformed, byQR)
		require.Equal(t, recovery.ErrMalformed, byCode)
	}
	require.Equal(t, before, k.Slots(), "nobody was let in")
}

// TestDeviceOpensItsOwn: a device opens its slot of its account, and no other.
func TestDeviceOpensItsOwn(t *testing.T) {
	k := create(t, phrase(t))
	a := askBy(t, "QR code", recovery.ForDevice)
	ask := a.Ask()
	grant, id, err := k.ApproveQR(recovery.Again(a.Request).QR(), ask)
	require.NoError(t, err)
	d, p, err := a.OpenDevice(grant)
	require.NoError(t, err)
	require.Equal(t, id, d.ID())
	open(t, k.Bytes(), d, p)

	// The server shows the slot in a header of another account.
	other := bytes.Repeat([]byte{0x43}, 16)
	w := takeApart(t, k.Bytes())
	w.account = other
	require.Equal(t, recovery.ErrNotMine, openErr(t, w.bytes(), d, recovery.FirstUse(other)))

	binding := wrap.Binding{Account: account}
	own := recovery.Slot{Type: recovery.SlotDevice, ID: id}
	secret, err := d.Open(t.Context(), binding, own)
	require.NoError(t, err)
	require.Equal(t, d.Secret()[34:], secret)
	clear(secret)
	require.NotEqual(t, d.Secret()[34:], secret, "the caller's copy")
	for name, c := range map[string]struct {
		account []byte
		slot    recovery.Slot
	}{
		"another account":    {other, own},
		"no account":         {nil, own},
		"a longer account":   {append(bytes.Clone(account), 0), own},
		"another slot":       {account, recovery.Slot{Type: recovery.SlotDevice, ID: recovery.SlotID{1}}},
		"a slot of a phrase": {account, recovery.Slot{Type: recovery.SlotPhrase, ID: id}},
	} {
		secret, err := d.Open(t.Context(), wrap.Binding{Account: c.account}, c.slot)
		require.Equal(t, recovery.ErrNotMine, err, name)
		require.Nil(t, secret)
	}
}
