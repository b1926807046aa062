package approval_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// TestQRCodeIsStrict: a QR code has one text.
func TestQRCodeIsStrict(t *testing.T) {
	// With an A before the end, to differ from everything that is put there.
	r := approval.RequestOf(t, approval.Device, account, random(32), make([]byte, 16), random(32))
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
		"empty": "", "the prefix alone": prefix, "no prefix": body, "the prefix twice": prefix + qr,
		"capitals": "NESCIO-APPROVE:" + body, "a capital": "Nescio-approve:" + body, "another prefix": "nescio-approve;" + body,
		"all in capitals":    strings.ToUpper(qr),
		"one character more": qr + "A", "four more": qr + "AAAA", "one less": qr[:101], "four less": qr[:98],
		"padded": qr + "=", "padding for a character": put(101, "="), "not base64": put(50, "*"), "standard base64": put(50, "+"),
		"standard base64's slash": put(50, "/"), "not ASCII": put(50, "é"), "a zero byte": put(50, "\x00"),
		"purpose 0": withPurpose(0), "purpose 3": withPurpose(3), "purpose 255": withPurpose(255),
		"a long text": strings.Repeat(qr, 10_000),
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
	for name, text := range bad {
		c, err := approval.ScanQR(approval.Device, account, text, ask)
		require.Equal(t, approval.ErrMalformed, err, name)
		require.Nil(t, c)
	}
	for _, around := range []string{"", " ", "\n", "\r\n\t "} { // as scanners and terminals add it
		_, err := approval.ScanQR(approval.Device, account, around+qr+around, ask)
		require.NoError(t, err)
	}

	// The text of another request is not malformed.
	_, err := approval.ScanQR(approval.Device, account, withPurpose(2), ask)
	require.Equal(t, approval.ErrUntrusted, err)
}

// TestAskIsStrict: its length is fixed, and so are its version and purpose.
func TestAskIsStrict(t *testing.T) {
	for _, p := range purposes {
		r := newRequest(t, p)
		ask, qr := r.Ask(), r.QR()
		require.Equal(t, []byte{byte(p), 1}, ask[:2])
		refuses := func(ask []byte, qr string) {
			t.Helper()
			c, err := approval.ScanQR(p, account, qr, ask)
			require.Equal(t, approval.ErrMalformed, err)
			require.Nil(t, c)
			a, err := approval.Begin(p, account, ask)
			require.Equal(t, approval.ErrMalformed, err)
			require.Nil(t, a)
		}
		for b := range testvec.Lengths(ask) {
			refuses(b, qr)
		}
		for _, head := range [][]byte{{0, 1}, {3, 1}, {3 - byte(p), 1}, {byte(p), 0}, {byte(p), 2}} {
			refuses(append(head, ask[2:]...), qr)
		}

		// Invalid public keys, with QR codes that are right for them.
		for _, pk := range [][]byte{
			bytes.Repeat([]byte{0xff}, 1216),
			slices.Concat(ask[2:1186], make([]byte, 32)), // a point of low order
			slices.Concat(bytes.Repeat([]byte{0xff}, 3), ask[5:1218]),
		} {
			refuses(slices.Concat(ask[:2], pk, ask[1218:]), refQR(byte(p), account[:], pk, random(16)))
		}
	}
}
