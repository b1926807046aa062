package approval_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/stretchr/testify/require"
)

// Grants that the package does not make, from someone who has the QR code or
// whose half the user has typed. The second implementation makes them.

// revealed returns a request that has seen an answer, the approver's sealing
// function and what is right for it.
func revealed(t testing.TB, p approval.Purpose) (r *approval.Request, seal func(aad, plaintext []byte) []byte, code []byte, atA string) {
	r = newRequest(t, p)
	ask := r.Ask()
	enc, sender := refSender(byte(p), account[:], ask[2:1218])
	r2 := random(32)
	r1, atR, err := r.Reveal(slices.Concat(enc, r2))
	require.NoError(t, err)
	code = refT(byte(p), account[:], ask[2:1218], ask[1218:], enc, r2, r1)
	want, atA := refHalves(code)
	require.Equal(t, want, atR)
	return r, func(aad, plaintext []byte) []byte { return must(sender.Seal(aad, plaintext)) }, code, atA
}

// TestGrantOfAnotherCode: the ciphertext is bound to t, and a grant that does
// not open does not end the request.
func TestGrantOfAnotherCode(t *testing.T) {
	for name, aad := range map[string]func(t []byte) []byte{
		"empty": func([]byte) []byte { return nil },
		"short": func(t []byte) []byte { return t[:31] },
		"other": func(t []byte) []byte { return refSHA256(t) },
	} {
		r, seal, code, atA := revealed(t, approval.Share)
		requireRefuses(t, approval.ErrUntrusted, r, seal(aad(code), payload), atA, name)
		require.NotNil(t, r.Ask(), "it goes on")
	}
	r, seal, code, atA := revealed(t, approval.Share)
	requireOpens(t, r, seal(code, payload), atA)

	// The second message of the same sender.
	r, seal, code, atA = revealed(t, approval.Share)
	first := seal(code, payload)
	requireRefuses(t, approval.ErrUntrusted, r, seal(code, payload), atA)
	requireOpens(t, r, first, atA)

	// Another sender.
	r, _, code, atA = revealed(t, approval.Share)
	_, sender := refSender(2, account[:], r.Ask()[2:1218])
	requireRefuses(t, approval.ErrUntrusted, r, must(sender.Seal(code, payload)), atA)
	require.NotNil(t, r.Ask(), "it goes on")
}

// TestPointOfLowOrder in an answer: no grant can be opened, and none ends the
// request.
func TestPointOfLowOrder(t *testing.T) {
	r := newRequest(t, approval.Device)
	enc, _ := refSender(1, account[:], r.Ask()[2:1218])
	clear(enc[1088:])
	_, _, err := r.Reveal(slices.Concat(enc, random(32)))
	require.NoError(t, err)
	_, atA := approval.HalvesOfRequest(r)
	requireRefuses(t, approval.ErrUntrusted, r, random(100), atA)
	require.NotNil(t, r.Ask())
}

// TestGrantMAC: everything in the QR code is covered by the MAC and by HPKE's
// info. A grant with a wrong MAC is noise. A grant with the right MAC that does
// not open ends the request.
func TestGrantMAC(t *testing.T) {
	sealed := func(purpose byte, account [16]byte, pk []byte) (enc, ct []byte) {
		enc, s := refSender(purpose, account[:], pk)
		return enc, must(s.Seal(nil, payload))
	}
	grant := func(enc, ct, mac []byte) []byte { return slices.Concat(enc, ct, mac) }
	for name, c := range map[string]struct {
		forge func(pk, secret []byte) []byte
		ends  bool
	}{
		"another purpose in the MAC": {func(pk, secret []byte) []byte {
			enc, ct := sealed(2, account, pk)
			_, mac := refMAC(1, account[:], secret, pk, enc, ct)
			return grant(enc, ct, mac)
		}, false},
		"another account in the MAC": {func(pk, secret []byte) []byte {
			enc, ct := sealed(2, account, pk)
			_, mac := refMAC(2, other[:], secret, pk, enc, ct)
			return grant(enc, ct, mac)
		}, false},
		"another key in the MAC": {func(pk, secret []byte) []byte {
			enc, ct := sealed(2, account, pk)
			_, mac := refMAC(2, account[:], secret, refPublicKey(bytes.Repeat([]byte{1}, 32)), enc, ct)
			return grant(enc, ct, mac)
		}, false},
		"another secret": {func(pk, secret []byte) []byte {
			enc, ct := sealed(2, account, pk)
			_, mac := refMAC(2, account[:], refSHA256(secret)[:16], pk, enc, ct)
			return grant(enc, ct, mac)
		}, false},
		"another purpose in the info": {func(pk, secret []byte) []byte {
			enc, ct := sealed(1, account, pk)
			_, mac := refMAC(2, account[:], secret, pk, enc, ct)
			return grant(enc, ct, mac)
		}, true},
		"another account in the info": {func(pk, secret []byte) []byte {
			enc, ct := sealed(2, other, pk)
			_, mac := refMAC(2, account[:], secret, pk, enc, ct)
			return grant(enc, ct, mac)
		}, true},
		"associated data": {func(pk, secret []byte) []byte {
			enc, s := refSender(2, account[:], pk)
			ct := must(s.Seal([]byte{0}, payload))
			_, mac := refMAC(2, account[:], secret, pk, enc, ct)
			return grant(enc, ct, mac)
		}, true},
		"a point of low order": {func(pk, secret []byte) []byte {
			enc, ct := sealed(2, account, pk)
			clear(enc[1088:])
			_, mac := refMAC(2, account[:], secret, pk, enc, ct)
			return grant(enc, ct, mac)
		}, true},
	} {
		r := newRequest(t, approval.Share)
		pk, secret := r.Ask()[2:1218], refQRSecret(r.QR())
		again := approval.Again(r)
		requireRefuses(t, approval.ErrUntrusted, again, c.forge(pk, secret), "", name)
		require.Equal(t, c.ends, again.Ask() == nil, name)
		enc, ct := sealed(2, account, pk)
		_, mac := refMAC(2, account[:], secret, pk, enc, ct)
		requireOpens(t, r, grant(enc, ct, mac), "")
	}
}

// TestGrantForgedByTheServer: it has every message, but not the QR code.
func TestGrantForgedByTheServer(t *testing.T) {
	r := newRequest(t, approval.Device)
	r.QR()
	ask := r.Ask()
	c, err := approval.ScanQR(approval.Device, account, refQR(1, account[:], ask[2:1218], random(16)), ask)
	require.NoError(t, err)
	grant, err := c.Grant(payload)
	require.NoError(t, err)
	requireRefuses(t, approval.ErrUntrusted, r, grant, "")
	require.NotNil(t, r.Ask(), "it goes on")
}

// TestRequesterImpersonated: the server puts its own ask instead of the
// requester's ask.
func TestRequesterImpersonated(t *testing.T) {
	r, mallory := newRequest(t, approval.Device), newRequest(t, approval.Device)
	c, err := approval.ScanQR(approval.Device, account, r.QR(), mallory.Ask())
	require.Equal(t, approval.ErrUntrusted, err)
	require.Nil(t, c)

	r = newRequest(t, approval.Device)
	a, err := approval.Begin(approval.Device, account, mallory.Ask())
	require.NoError(t, err)
	reveal, _, err := mallory.Reveal(a.Answer())
	require.NoError(t, err)
	_, atR, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	_, err = a.Code(reveal)
	require.NoError(t, err)
	require.Equal(t, approval.ErrUntrusted, a.Check(atR), "the user types what the honest device shows")
	requireApprovalOver(t, a)

	a, err = approval.Begin(approval.Device, account, r.Ask())
	require.NoError(t, err)
	_, err = a.Code(reveal)
	require.Equal(t, approval.ErrUntrusted, err, "another request's value does not open the commitment")
	requireApprovalOver(t, a)
}
