package recovery_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

func request(t testing.TB, p recovery.Purpose) *recovery.Request {
	r, err := recovery.NewRequest(p, account)
	require.NoError(t, err)
	return r
}

// approveByCode runs an approval by short code up to the grant; both users see the
// same code and say yes.
func approveByCode(t testing.TB, k *recovery.Keyring, r *recovery.Request) (grant []byte) {
	a, err := k.Approve(r.Ask())
	require.NoError(t, err)
	reveal, code, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	theirs, err := a.Compare(reveal)
	require.NoError(t, err)
	require.Equal(t, code, theirs)
	require.Regexp(t, "^[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}$", code)
	require.Zero(t, a.Slot())
	grant, err = a.Grant()
	require.NoError(t, err)
	require.Contains(t, ids(k), a.Slot())
	slot := a.Slot()
	_, err = a.Grant()
	require.Equal(t, recovery.ErrUsed, err)
	require.Equal(t, slot, a.Slot())
	return grant
}

func ids(k *recovery.Keyring) (ids []recovery.SlotID) {
	for _, s := range k.Slots() {
		ids = append(ids, s.ID)
	}
	return ids
}

// TestApproveDevice by both modes: the new device opens the keyring by itself from
// then on, through rotations, until it is revoked.
func TestApproveDevice(t *testing.T) {
	for _, mode := range []string{"QR", "code"} {
		words := phrase(t)
		k := create(t, words)
		before := k.Bytes()
		r := request(t, recovery.ForDevice)
		var grant []byte
		var id recovery.SlotID
		if mode == "QR" {
			var err error
			grant, id, err = k.ApproveQR(r.QR(), r.Ask())
			require.NoError(t, err)
			require.Contains(t, ids(k), id)
		} else {
			grant = approveByCode(t, k, r)
		}
		header := k.Bytes()
		require.NotEqual(t, before, header)
		d, p, err := r.OpenDevice(grant)
		require.NoError(t, err)
		require.Equal(t, pin(t, k), p)
		if mode == "QR" {
			require.Equal(t, id, d.ID())
		}
		byDevice := open(t, header, d, p)
		requireSame(t, k, byDevice, 1)
		require.Equal(t, d.ID(), byDevice.OpenedBy())
		_, _, err = r.OpenDevice(grant)
		require.Equal(t, recovery.ErrUsed, err)

		kept, err := recovery.ParseDevice(d.Secret())
		require.NoError(t, err)
		require.Equal(t, d.ID(), kept.ID())
		require.NoError(t, k.Rotate(t.Context()))
		requireSame(t, k, open(t, k.Bytes(), kept, p), 2)
		requireSame(t, k, open(t, k.Bytes(), words, p), 2)

		// The device can change things, and let others in.
		phone := open(t, k.Bytes(), kept, p)
		r2 := request(t, recovery.ForDevice)
		grant2, _, err := phone.ApproveQR(r2.QR(), r2.Ask())
		require.NoError(t, err)
		d2, p2, err := r2.OpenDevice(grant2)
		require.NoError(t, err)
		requireSame(t, phone, open(t, phone.Bytes(), d2, p2), 2)

		require.NoError(t, phone.Revoke(t.Context(), kept.ID()))
		require.Equal(t, recovery.ErrNotMine, openErr(t, phone.Bytes(), kept, p))
		requireSame(t, phone, open(t, phone.Bytes(), d2, p2), 3)

		// Renew drops devices.
		require.NoError(t, phone.Renew(t.Context(), words))
		require.Equal(t, recovery.ErrNotMine, openErr(t, phone.Bytes(), d2, p2))
	}
}

func TestApproveShare(t *testing.T) {
	share := []byte("a share")
	r := request(t, recovery.ForShare)
	grant, err := recovery.ApproveShareQR(account, r.QR(), r.Ask(), share)
	require.NoError(t, err)
	got, err := r.OpenShare(grant)
	require.NoError(t, err)
	require.Equal(t, share, got)

	r = request(t, recovery.ForShare)
	a, err := recovery.ApproveShare(account, r.Ask(), share)
	require.NoError(t, err)
	reveal, _, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	_, err = a.Compare(reveal)
	require.NoError(t, err)
	grant, err = a.Grant()
	require.NoError(t, err)
	got, err = r.OpenShare(grant)
	require.NoError(t, err)
	require.Equal(t, "a share", string(got))

	for _, bad := range [][]byte{nil, make([]byte, 4<<10-1)} {
		_, err = recovery.ApproveShare(account, r.Ask(), bad)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		_, err = recovery.ApproveShareQR(account, r.QR(), r.Ask(), bad)
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
}

// TestGrantForgedByTheServer: it has every message, and not the QR code.
func TestGrantForgedByTheServer(t *testing.T) {
	mallory := create(t, phrase(t)) // a keyring of its own under the same account number
	k := create(t, phrase(t))

	// It seals its own keys to the device's public key, with a secret that it guesses.
	r := request(t, recovery.ForDevice)
	guess := request(t, recovery.ForDevice)
	digest := sha256.Sum256(r.Ask()[2 : 2+1216])
	forged, _, err := mallory.ApproveQR(recovery.QRWith(guess.QR(), digest), r.Ask())
	require.NoError(t, err)
	_, _, err = r.OpenDevice(forged)
	require.Equal(t, recovery.ErrApproval, err)

	// It changes a bit of a genuine one.
	r = request(t, recovery.ForDevice)
	qr, ask := r.QR(), r.Ask()
	grant, _, err := k.ApproveQR(qr, ask)
	require.NoError(t, err)
	for i := 0; i < 8*len(grant); i += 37 {
		altered := bytes.Clone(grant)
		altered[i/8] ^= 1 << (i % 8)
		_, _, err := recovery.Again(r).OpenDevice(altered)
		require.Equal(t, recovery.ErrApproval, err)
	}
	for _, n := range []int{0, 31, 32, 1120, 1167, len(grant) - 1} {
		_, _, err := recovery.Again(r).OpenDevice(grant[:n])
		require.Error(t, err)
	}
	_, _, err = r.OpenDevice(make([]byte, len(grant)))
	require.Equal(t, recovery.ErrApproval, err)
	_, _, err = r.OpenDevice(grant)
	require.NoError(t, err, "noise does not end a request")
	require.Empty(t, r.QR())
	require.Empty(t, r.Ask())

	// A grant of one mode in the other: of the same request, but for the mode.
	r = request(t, recovery.ForDevice)
	byQR := recovery.Again(r)
	a, err := k.Approve(r.Ask())
	require.NoError(t, err)
	reveal, _, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	grant, _, err = k.ApproveQR(byQR.QR(), byQR.Ask())
	require.NoError(t, err)
	_, _, err = r.OpenDevice(grant)
	require.Equal(t, recovery.ErrApproval, err)
	_, err = a.Compare(reveal)
	require.NoError(t, err)
	grant, err = a.Grant()
	require.NoError(t, err)
	_, _, err = byQR.OpenDevice(grant)
	require.Equal(t, recovery.ErrMalformed, err, "a grant by QR code is longer")
	mac := make([]byte, 32)
	_, _, err = byQR.OpenDevice(slices.Concat(a.Answer()[:1120], grant, mac))
	require.Equal(t, recovery.ErrApproval, err)
	_, _, err = r.OpenDevice(grant)
	require.NoError(t, err)
}

// TestRequesterImpersonated: the server puts its own key in the place of the
// device's.
func TestRequesterImpersonated(t *testing.T) {
	k := create(t, phrase(t))
	before := k.Slots()
	r, mallory := request(t, recovery.ForDevice), request(t, recovery.ForDevice)
	_, _, err := k.ApproveQR(r.QR(), mallory.Ask())
	require.Equal(t, recovery.ErrApproval, err)

	r = request(t, recovery.ForDevice)
	a, err := k.Approve(mallory.Ask())
	require.NoError(t, err)
	_, err = a.Grant()
	require.ErrorIs(t, err, recovery.ErrPolicy, "nobody has compared")
	reveal, theirs, err := mallory.Reveal(a.Answer())
	require.NoError(t, err)
	_, code, err := r.Reveal(a.Answer()) // what the honest device shows
	require.NoError(t, err)
	shown, err := a.Compare(reveal)
	require.NoError(t, err)
	require.Equal(t, theirs, shown)
	require.NotEqual(t, code, shown, "the user sees two codes")

	a, err = k.Approve(r.Ask())
	require.NoError(t, err)
	_, err = a.Compare(reveal)
	require.Equal(t, recovery.ErrApproval, err, "another's value does not open the commitment")
	_, err = a.Compare(reveal)
	require.Equal(t, recovery.ErrUsed, err)
	_, err = a.Grant()
	require.Equal(t, recovery.ErrUsed, err)
	a, err = k.Approve(r.Ask())
	require.NoError(t, err)
	a.Discard()
	_, err = a.Compare(reveal)
	require.Equal(t, recovery.ErrUsed, err)
	require.Equal(t, before, k.Slots(), "nobody was let in")
}

// TestApprovalsAreOfOneAccountAndPurpose.
func TestApprovalsAreOfOneAccountAndPurpose(t *testing.T) {
	k := create(t, phrase(t))
	other, err := recovery.Reset(t.Context(), phrase(t))
	require.NoError(t, err)
	r := request(t, recovery.ForDevice)
	_, _, err = other.ApproveQR(r.QR(), r.Ask())
	require.Equal(t, recovery.ErrApproval, err)
	byCode := request(t, recovery.ForDevice)
	a, err := other.Approve(byCode.Ask())
	require.NoError(t, err)
	reveal, code, err := byCode.Reveal(a.Answer())
	require.NoError(t, err)
	shown, err := a.Compare(reveal)
	require.NoError(t, err)
	require.NotEqual(t, code, shown, "the account is in the code")
	grant, err := a.Grant()
	require.NoError(t, err)
	_, _, err = byCode.OpenDevice(grant)
	require.Equal(t, recovery.ErrApproval, err)

	share := request(t, recovery.ForShare)
	_, err = k.Approve(share.Ask())
	require.Equal(t, recovery.ErrMalformed, err)
	_, _, err = k.ApproveQR(share.QR(), share.Ask())
	require.Equal(t, recovery.ErrMalformed, err)
	grant, err = recovery.ApproveShareQR(account, share.QR(), share.Ask(), []byte("share"))
	require.NoError(t, err)
	_, _, err = share.OpenDevice(grant)
	require.Equal(t, recovery.ErrApproval, err)

	for _, bad := range []string{"", "nescio-approve:", r.QR()[1:], r.QR() + "A", r.QR()[:len(r.QR())-1], strings.Replace(r.QR(), "nescio", "Nescio", 1)} {
		_, _, err = k.ApproveQR(bad, r.Ask())
		require.Equal(t, recovery.ErrMalformed, err, bad)
	}
	for _, bad := range [][]byte{nil, r.Ask()[1:], append(r.Ask(), 0)} {
		_, _, err = k.ApproveQR(r.QR(), bad)
		require.Equal(t, recovery.ErrMalformed, err)
		_, err = k.Approve(bad)
		require.Equal(t, recovery.ErrMalformed, err)
	}
	for _, bad := range [][]byte{nil, account[1:], make([]byte, 16)} {
		_, err = recovery.NewRequest(recovery.ForDevice, bad)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		_, err = recovery.ApproveShare(bad, share.Ask(), []byte("share"))
		require.ErrorIs(t, err, recovery.ErrPolicy)
	}
	for _, bad := range []recovery.Purpose{0, 3} {
		_, err = recovery.NewRequest(bad, account)
		require.ErrorIs(t, err, recovery.ErrPolicy)
		require.ErrorContains(t, err, "ForDevice", "and not what is said of an account")
	}
	_, err = share.OpenShare(grant)
	require.NoError(t, err)
	discarded := request(t, recovery.ForDevice)
	discarded.Discard()
	_, _, err = discarded.OpenDevice(grant)
	require.Equal(t, recovery.ErrUsed, err)
}

// TestDeviceSlotForged: the server makes a header under keys of its own, with a slot
// for the device's public key.
func TestDeviceSlotForged(t *testing.T) {
	k := create(t, phrase(t))
	r := request(t, recovery.ForDevice)
	grant, _, err := k.ApproveQR(r.QR(), r.Ask())
	require.NoError(t, err)
	d, p, err := r.OpenDevice(grant)
	require.NoError(t, err)
	forged := recovery.ForgeWithSlots(t, parse(t, k.Bytes()))
	for _, pin := range []recovery.Pin{p, recovery.FirstUse(account)} {
		_, err := recovery.Open(t.Context(), parse(t, forged), d, pin)
		require.Error(t, err)
		require.NotErrorIs(t, err, recovery.ErrNotMine)
	}
	_, err = recovery.Open(t.Context(), parse(t, forged), d, recovery.FirstUse(account))
	require.Equal(t, recovery.ErrUntrusted, err)
}

func TestParseDevice(t *testing.T) {
	k := create(t, phrase(t))
	r := request(t, recovery.ForDevice)
	grant, _, err := k.ApproveQR(r.QR(), r.Ask())
	require.NoError(t, err)
	d, _, err := r.OpenDevice(grant)
	require.NoError(t, err)
	secret := d.Secret()
	require.Len(t, secret, 98)
	for i := range secret {
		_, err := recovery.ParseDevice(secret[:i])
		require.Equal(t, recovery.ErrMalformed, err)
	}
	_, err = recovery.ParseDevice(append(bytes.Clone(secret), 0))
	require.Equal(t, recovery.ErrMalformed, err)
	for _, zero := range [][2]int{{0, 1}, {1, 2}, {2, 18}, {18, 34}, {34, 66}, {66, 98}} {
		b := bytes.Clone(secret)
		clear(b[zero[0]:zero[1]])
		_, err := recovery.ParseDevice(b)
		require.Equal(t, recovery.ErrMalformed, err)
	}
	for want, v := range map[string]any{"recovery.Device(redacted)": d, "recovery.Request(redacted)": r} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			require.Equal(t, want, fmt.Sprintf(verb, v))
		}
	}
}
