package recovery_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

// Grants of an approver that seals whatever it likes: it has the QR code, or the user has
// compared its code, but its grant is not one. By the second implementation, since the
// package makes none of them.

// ways are how an approval is made sure of.
var ways = []string{"QR code", "short code"}

// asked is a request that was answered, and who seals the grant. By QR code the aad is
// empty, by short code t.
type asked struct {
	*recovery.Request
	aad  []byte
	seal func(aad, plaintext []byte) (grant []byte)
}

func askBy(t testing.TB, way string, p recovery.Purpose) asked {
	r := request(t, p)
	ask := r.Ask()
	pk := ask[2:1218]
	enc, sender := refSender(byte(p), account, pk)
	if way == "QR code" {
		secret := refQRSecret(r.QR())
		return asked{r, nil, func(aad, plaintext []byte) []byte {
			ct := must(sender.Seal(aad, plaintext))
			_, mac := refGrantMAC(byte(p), account, secret, pk, enc, ct)
			return slices.Concat(enc, ct, mac)
		}}
	}
	r2 := random(32)
	r1, _, err := r.Reveal(slices.Concat(enc, r2))
	require.NoError(t, err)
	aad := refCodeHash(byte(p), account, pk, ask[1218:], enc, r2, r1)
	return asked{r, aad, func(aad, plaintext []byte) []byte { return must(sender.Seal(aad, plaintext)) }}
}

// grant is what the way in question has for that plaintext.
func (a asked) grant(plaintext []byte) []byte { return a.seal(a.aad, plaintext) }

// open opens a grant as the request's purpose has it.
func (a asked) open(grant []byte) (payload []byte, err error) {
	if a.Request.Ask()[0] == byte(recovery.ForDevice) {
		_, _, err = a.OpenDevice(grant)
		return nil, err
	}
	return a.OpenShare(grant)
}

// requireOver: the request takes nothing any more.
func requireOver(t *testing.T, r *recovery.Request) {
	t.Helper()
	_, _, err := r.OpenDevice(nil)
	require.Equal(t, recovery.ErrUsed, err)
	_, err = r.OpenShare(nil)
	require.Equal(t, recovery.ErrUsed, err)
	_, _, err = r.Reveal(nil)
	require.Equal(t, recovery.ErrUsed, err)
	require.Empty(t, r.QR())
	require.Empty(t, r.Ask())
}

// devicePayload is that of a keyring's genuine grant: slot id ‖ MK ‖ L ‖ Pin.
func devicePayload(t testing.TB, k *recovery.Keyring) []byte {
	lineage, master := k.Keys()
	id := k.Slots()[0].ID
	return slices.Concat(id[:], master, lineage, pinBytes(t, pin(t, k)))
}

// TestGrantOfAnotherContext: the ciphertext is bound to all that was said before it. By
// short code what is not sealed with t is noise, which anybody can send.
func TestGrantOfAnotherContext(t *testing.T) {
	payload := append([]byte{2, 1}, "a share"...)
	for name, aad := range map[string]func(t []byte) []byte{
		"none":  func([]byte) []byte { return nil },
		"short": func(t []byte) []byte { return t[:31] },
		"other": func(t []byte) []byte { return refSHA256(t) },
	} {
		a := askBy(t, "short code", recovery.ForShare)
		_, err := a.open(a.seal(aad(a.aad), payload))
		require.Equal(t, recovery.ErrApproval, err, name)
		require.NotEmpty(t, a.Ask(), "it goes on")
	}
	a := askBy(t, "short code", recovery.ForShare)
	got, err := a.open(a.grant(payload))
	require.NoError(t, err)
	require.Equal(t, "a share", string(got))

	// The second message of the context, and another context of the same r2 and r1.
	a = askBy(t, "short code", recovery.ForShare)
	a.grant(payload)
	_, err = a.open(a.grant(payload))
	require.Equal(t, recovery.ErrApproval, err)
	_, other := refSender(2, account, a.Ask()[2:1218])
	_, err = a.open(must(other.Seal(a.aad, payload)))
	require.Equal(t, recovery.ErrApproval, err)

	// By QR code there is no aad; with the MAC it is no noise.
	a = askBy(t, "QR code", recovery.ForShare)
	_, err = a.open(a.seal([]byte{0}, payload))
	require.Equal(t, recovery.ErrApproval, err)
	requireOver(t, a.Request)
}

// TestGrantMAC: all that is in the QR code is in the MAC, and in HPKE's info.
func TestGrantMAC(t *testing.T) {
	other := bytes.Repeat([]byte{0x43}, 16)
	for name, forge := range map[string]func(pk, secret []byte) []byte{
		"another purpose in the MAC": func(pk, secret []byte) []byte {
			enc, ct := refSealed(2, account, pk)
			_, mac := refGrantMAC(1, account, secret, pk, enc, ct)
			return slices.Concat(enc, ct, mac)
		},
		"another account in the MAC": func(pk, secret []byte) []byte {
			enc, ct := refSealed(2, account, pk)
			_, mac := refGrantMAC(2, other, secret, pk, enc, ct)
			return slices.Concat(enc, ct, mac)
		},
		"another key in the MAC": func(pk, secret []byte) []byte {
			enc, ct := refSealed(2, account, pk)
			_, mac := refGrantMAC(2, account, secret, refPublicKey(bytes.Repeat([]byte{1}, 32)), enc, ct)
			return slices.Concat(enc, ct, mac)
		},
		"another secret": func(pk, secret []byte) []byte {
			enc, ct := refSealed(2, account, pk)
			_, mac := refGrantMAC(2, account, refSHA256(secret)[:16], pk, enc, ct)
			return slices.Concat(enc, ct, mac)
		},
		"another purpose in the info": func(pk, secret []byte) []byte {
			enc, ct := refSealed(1, account, pk)
			_, mac := refGrantMAC(2, account, secret, pk, enc, ct)
			return slices.Concat(enc, ct, mac)
		},
		"another account in the info": func(pk, secret []byte) []byte {
			enc, ct := refSealed(2, other, pk)
			_, mac := refGrantMAC(2, account, secret, pk, enc, ct)
			return slices.Concat(enc, ct, mac)
		},
		"a point of low order": func(pk, secret []byte) []byte {
			enc, ct := refSealed(2, account, pk)
			clear(enc[1088:])
			_, mac := refGrantMAC(2, account, secret, pk, enc, ct)
			return slices.Concat(enc, ct, mac)
		},
	} {
		r := request(t, recovery.ForShare)
		pk, secret := r.Ask()[2:1218], refQRSecret(r.QR())
		_, err := recovery.Again(r).OpenShare(forge(pk, secret))
		require.Equal(t, recovery.ErrApproval, err, name)
		enc, ct := refSealed(2, account, pk)
		_, mac := refGrantMAC(2, account, secret, pk, enc, ct)
		got, err := r.OpenShare(slices.Concat(enc, ct, mac))
		require.NoError(t, err)
		require.Equal(t, "a share", string(got))
	}
}

func refSealed(purpose byte, account, pk []byte) (enc, ct []byte) {
	enc, s := refSender(purpose, account, pk)
	return enc, must(s.Seal(nil, append([]byte{2, 1}, "a share"...)))
}

// TestGrantOfAnotherKind: the purpose and version in the sealed bytes count, in a grant
// that is authentic. It ends the request.
func TestGrantOfAnotherKind(t *testing.T) {
	k := create(t, phrase(t))
	for _, way := range ways {
		for p, payload := range map[recovery.Purpose][]byte{recovery.ForDevice: devicePayload(t, k), recovery.ForShare: []byte("a share")} {
			good := append([]byte{byte(p), 1}, payload...)
			for _, head := range [][]byte{{0, 1}, {3, 1}, {3 - byte(p), 1}, {byte(p), 0}, {byte(p), 2}} {
				a := askBy(t, way, p)
				_, err := a.open(a.grant(slices.Concat(head, payload)))
				require.Equal(t, recovery.ErrApproval, err, "%s, %x", way, head)
				requireOver(t, a.Request)
			}
			for n := range 2 {
				a := askBy(t, way, p)
				_, err := a.open(a.grant(good[:n]))
				require.Equal(t, recovery.ErrApproval, err, way)
				requireOver(t, a.Request)
			}
			a := askBy(t, way, p)
			_, err := a.open(a.grant(good))
			require.NoError(t, err, way)
			requireOver(t, a.Request)
		}
	}
}

// TestOpenedAsTheOther: a request is of one purpose, whatever the caller takes its grant
// for, and a mistake of the caller's does not end it.
func TestOpenedAsTheOther(t *testing.T) {
	for _, way := range ways {
		share := askBy(t, way, recovery.ForShare)
		grant := share.grant(append([]byte{2, 1}, "a share"...))
		_, _, err := share.OpenDevice(grant)
		require.Equal(t, recovery.ErrApproval, err)
		_, err = share.OpenShare(grant)
		require.NoError(t, err)

		device := askBy(t, way, recovery.ForDevice)
		grant = device.grant(append([]byte{1, 1}, devicePayload(t, create(t, phrase(t)))...))
		_, err = device.OpenShare(grant)
		require.Equal(t, recovery.ErrApproval, err)
		_, _, err = device.OpenDevice(grant)
		require.NoError(t, err)
	}
}

// TestLyingApprover: a grant that is authentic and says what cannot be.
func TestLyingApprover(t *testing.T) {
	k := create(t, password(t, "correct horse"))
	other, err := recovery.Reset(t.Context(), phrase(t))
	require.NoError(t, err)
	second := create(t, phrase(t)) // of the same account, but another master key
	genuine := devicePayload(t, k)
	const head = 16 + 32 + 32
	p := genuine[head:]
	cases := map[string][]byte{
		"nothing":                      nil,
		"one byte":                     genuine[:1],
		"an id alone":                  genuine[:16],
		"no lineage key":               genuine[:48],
		"one byte too short for a pin": genuine[:head-1],
		"no pin":                       genuine[:head],
		"part of a pin":                genuine[:head+20],
		"a pin without its last byte":  genuine[:len(genuine)-1],
		"a byte after the pin":         append(bytes.Clone(genuine), 0),
		"two pins":                     slices.Concat(genuine, p),
		"garbage for a pin":            slices.Concat(genuine[:head], bytes.Repeat([]byte{0xa5}, len(p))),
		"zeros for a pin":              append(bytes.Clone(genuine[:head]), make([]byte, len(p))...),
		"a pin of another account":     slices.Concat(genuine[:head], p[:2], bytes.Repeat([]byte{0x43}, 16), p[18:]),
		"all of another account":       devicePayload(t, other),
		"a pin of another master key":  slices.Concat(genuine[:head], pinBytes(t, pin(t, second))),
		"another master key":           slices.Concat(genuine[:16], devicePayload(t, second)[16:48], genuine[48:]),
		"no id":                        slices.Concat(make([]byte, 16), genuine[16:]),
		"a lineage key of zeros":       slices.Concat(genuine[:48], make([]byte, 32), p),
		"the keys exchanged":           slices.Concat(genuine[:16], genuine[48:80], genuine[16:48], p),
	}
	for _, way := range ways {
		for name, payload := range cases {
			a := askBy(t, way, recovery.ForDevice)
			grant := a.grant(append([]byte{1, 1}, payload...))
			d, p, err := a.OpenDevice(grant)
			require.Equal(t, recovery.ErrApproval, err, "%s: %s", way, name)
			require.Nil(t, d)
			require.Zero(t, p)
			requireOver(t, a.Request)
		}
		a := askBy(t, way, recovery.ForDevice)
		d, p, err := a.OpenDevice(a.grant(append([]byte{1, 1}, genuine...)))
		require.NoError(t, err)
		require.Equal(t, pin(t, k), p)
		require.Equal(t, k.Slots()[0].ID, d.ID())
	}
}

// TestLongGrants: what is longer than the longest is refused before any work, and even if
// it is authentic. The longest passes.
func TestLongGrants(t *testing.T) {
	require.Equal(t, 1120+4096+16+32, recovery.MaxMessage)
	for way, most := range map[string]int{"QR code": recovery.MaxMessage, "short code": 4096 + 16} {
		longest := append([]byte{2, 1}, random(4094)...)
		a := askBy(t, way, recovery.ForShare)
		grant := a.grant(longest)
		require.Len(t, grant, most)
		got, err := a.open(grant)
		require.NoError(t, err)
		require.Equal(t, longest[2:], got)

		for _, p := range []recovery.Purpose{recovery.ForDevice, recovery.ForShare} {
			a = askBy(t, way, p)
			grant = a.grant(append([]byte{byte(p), 1}, random(4095)...))
			require.Len(t, grant, most+1)
			_, err = a.open(grant)
			require.Equal(t, recovery.ErrMalformed, err, way)
			_, err = a.open(random(most + 1))
			require.Equal(t, recovery.ErrMalformed, err, "without a look at the MAC")
			_, err = a.open(random(most))
			require.Equal(t, recovery.ErrApproval, err)
			require.NotEmpty(t, a.Ask(), "noise does not end a request")
		}
	}
	for n, want := range map[int]error{0: recovery.ErrMalformed, 1120 + 16 + 32 - 1: recovery.ErrMalformed, 1120 + 16 + 32: recovery.ErrApproval} {
		_, err := askBy(t, "QR code", recovery.ForShare).open(make([]byte, n))
		require.Equal(t, want, err, n)
	}
	for _, n := range []int{0, 15, 16} {
		_, err := askBy(t, "short code", recovery.ForShare).open(make([]byte, n))
		require.Equal(t, recovery.ErrApproval, err, n)
	}

	// The package's approver makes the longest, too.
	share := random(4094)
	r := request(t, recovery.ForShare)
	grant, err := recovery.ApproveShareQR(account, r.QR(), r.Ask(), share)
	require.NoError(t, err)
	got, err := r.OpenShare(grant)
	require.NoError(t, err)
	require.Equal(t, share, got)
	r = request(t, recovery.ForShare)
	got, err = r.OpenShare(shareByCode(t, r, share))
	require.NoError(t, err)
	require.Equal(t, share, got)
}

func shareByCode(t testing.TB, r *recovery.Request, share []byte) (grant []byte) {
	a, err := recovery.ApproveShare(account, r.Ask(), share)
	require.NoError(t, err)
	reveal, _, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	_, err = a.Compare(reveal)
	require.NoError(t, err)
	require.Zero(t, a.Slot())
	grant, err = a.Grant()
	require.NoError(t, err)
	require.Zero(t, a.Slot(), "a share has none")
	return grant
}

// TestOneWay: a request goes the way that it went first.
func TestOneWay(t *testing.T) {
	k := create(t, phrase(t))
	r := request(t, recovery.ForDevice)
	qr := r.QR()
	a, err := k.Approve(r.Ask())
	require.NoError(t, err)
	reveal, code, err := r.Reveal(a.Answer())
	require.Equal(t, recovery.ErrUsed, err)
	require.Empty(t, reveal)
	require.Empty(t, code)
	require.Equal(t, qr, r.QR(), "the screen may be drawn anew")
	grant, _, err := k.ApproveQR(qr, r.Ask())
	require.NoError(t, err)
	_, _, err = r.OpenDevice(grant)
	require.NoError(t, err)

	r = request(t, recovery.ForDevice)
	for _, bad := range [][]byte{nil, a.Answer()[1:], append(a.Answer(), 0)} {
		_, _, err = r.Reveal(bad)
		require.Equal(t, recovery.ErrMalformed, err)
	}
	a, err = k.Approve(r.Ask())
	require.NoError(t, err)
	reveal, _, err = r.Reveal(a.Answer())
	require.NoError(t, err, "what was no answer does not count")
	require.Empty(t, r.QR())
	require.NotEmpty(t, r.Ask())
	_, err = a.Compare(reveal)
	require.NoError(t, err)
	grant, err = a.Grant()
	require.NoError(t, err)
	_, _, err = r.OpenDevice(grant)
	require.NoError(t, err)
}

// TestCompareOnce: the code that the users have compared is the one that counts.
func TestCompareOnce(t *testing.T) {
	k := create(t, phrase(t))
	r := request(t, recovery.ForDevice)
	a, err := k.Approve(r.Ask())
	require.NoError(t, err)
	reveal, code, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	shown, err := a.Compare(reveal)
	require.NoError(t, err)
	require.Equal(t, code, shown)
	for _, again := range [][]byte{reveal, nil, make([]byte, 32)} {
		shown, err = a.Compare(again)
		require.Equal(t, recovery.ErrUsed, err)
		require.Empty(t, shown)
	}
	grant, err := a.Grant()
	require.NoError(t, err, "and the approval goes on")
	_, _, err = r.OpenDevice(grant)
	require.NoError(t, err)

	for _, bad := range [][]byte{nil, reveal[:31], append(bytes.Clone(reveal), 0), make([]byte, 32)} {
		a, err = k.Approve(request(t, recovery.ForDevice).Ask())
		require.NoError(t, err)
		_, err = a.Compare(bad)
		require.Equal(t, recovery.ErrApproval, err)
		_, err = a.Compare(bad)
		require.Equal(t, recovery.ErrUsed, err)
	}
}

// TestLowOrder: a public key or an enc whose point is zero is refused, whoever sent it.
func TestLowOrder(t *testing.T) {
	k := create(t, phrase(t))
	before := k.Slots()
	for _, p := range []recovery.Purpose{recovery.ForDevice, recovery.ForShare} {
		ask := request(t, p).Ask()
		clear(ask[2+1184 : 1218])
		qr := refQR(byte(p), account, ask[2:1218], random(16))
		var byQR, byCode error
		if p == recovery.ForDevice {
			_, _, byQR = k.ApproveQR(qr, ask)
			_, byCode = k.Approve(ask)
		} else {
			_, byQR = recovery.ApproveShareQR(account, qr, ask, []byte("a share"))
			_, byCode = recovery.ApproveShare(account, ask, []byte("a share"))
		}
		require.Equal(t, recovery.ErrMalformed, byQR)
		require.Equal(t, recovery.ErrMalformed, byCode)
	}
	require.Equal(t, before, k.Slots())

	r := request(t, recovery.ForShare)
	_, _, err := r.Reveal(make([]byte, 1152))
	require.NoError(t, err)
	_, err = r.OpenShare(random(100))
	require.Equal(t, recovery.ErrApproval, err)
	requireOver(t, r) // no grant can open
}

// TestNoSlotNoGrant: when the keyring takes no device, there is no grant, and the approval
// is over.
func TestNoSlotNoGrant(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(k *recovery.Keyring)
		want  error
	}{
		"destroyed": {func(k *recovery.Keyring) { k.Destroy() }, recovery.ErrUsed},
		"full": {func(k *recovery.Keyring) {
			for len(k.Slots()) < recovery.MaxSlots {
				_, err := k.Add(t.Context(), export(1))
				require.NoError(t, err)
			}
		}, recovery.ErrPolicy},
	} {
		k := create(t, phrase(t))
		r := request(t, recovery.ForDevice)
		a, err := k.Approve(r.Ask())
		require.NoError(t, err)
		reveal, _, err := r.Reveal(a.Answer())
		require.NoError(t, err)
		_, err = a.Compare(reveal)
		require.NoError(t, err)
		c.spoil(k)
		before := k.Slots()
		grant, err := a.Grant()
		require.ErrorIs(t, err, c.want, name)
		require.Nil(t, grant)
		require.Zero(t, a.Slot())
		_, err = a.Grant()
		require.Equal(t, recovery.ErrUsed, err)

		r = request(t, recovery.ForDevice)
		grant, id, err := k.ApproveQR(r.QR(), r.Ask())
		require.ErrorIs(t, err, c.want, name)
		require.Nil(t, grant)
		require.Zero(t, id)
		require.Equal(t, before, k.Slots())
	}
}

// TestCallersBytes: what a caller does with its messages, before and after, does not
// change an approval.
func TestCallersBytes(t *testing.T) {
	k := create(t, phrase(t))
	r := request(t, recovery.ForDevice)
	ask := r.Ask()
	honest := bytes.Clone(ask)
	a, err := k.Approve(ask)
	require.NoError(t, err)
	clear(ask)
	require.Equal(t, honest, r.Ask())
	answer := a.Answer()
	honest = bytes.Clone(answer)
	reveal, code, err := r.Reveal(answer)
	require.NoError(t, err)
	clear(answer)
	require.Equal(t, honest, a.Answer())
	shown, err := a.Compare(reveal)
	require.NoError(t, err)
	require.Equal(t, code, shown)
	clear(reveal)
	_, _, r1 := recovery.RandomOf(r)
	require.NotEqual(t, reveal, r1)
	grant, err := a.Grant()
	require.NoError(t, err)
	honest = bytes.Clone(grant)
	d, _, err := r.OpenDevice(grant)
	require.NoError(t, err)
	require.Equal(t, honest, grant, "the message is the caller's")
	secret := d.Secret()
	clear(d.Secret())
	require.Equal(t, secret, d.Secret())
}
