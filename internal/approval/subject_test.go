package approval_test

import (
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/stretchr/testify/require"
)

func TestInvalidSubjects(t *testing.T) {
	good := newRequest(t, approval.Device)
	qr, ask := approval.Again(good).QR(), good.Ask()
	for _, c := range []struct {
		purpose approval.Purpose
		account [16]byte
	}{{0, account}, {3, account}, {255, account}, {approval.Device, [16]byte{}}} {
		r, err := approval.NewRequest(c.purpose, c.account)
		require.ErrorIs(t, err, approval.ErrPolicy)
		require.Nil(t, r)
		a, err := approval.Begin(c.purpose, c.account, append([]byte{byte(c.purpose)}, ask[1:]...))
		require.ErrorIs(t, err, approval.ErrPolicy)
		require.Nil(t, a)
		s, err := approval.ScanQR(c.purpose, c.account, qr, append([]byte{byte(c.purpose)}, ask[1:]...))
		require.ErrorIs(t, err, approval.ErrPolicy)
		require.Nil(t, s)
	}
}

// TestAnotherPurpose: an ask for one purpose is malformed for the other one. An
// attacker changes the byte, and the two sides see different codes.
func TestAnotherPurpose(t *testing.T) {
	for _, p := range purposes {
		not := 3 - p
		r := newRequest(t, p)
		ask := r.Ask()
		_, err := approval.Begin(not, account, ask)
		require.Equal(t, approval.ErrMalformed, err)
		changed := append([]byte{byte(not)}, ask[1:]...)
		qr := approval.Again(r).QR()
		_, err = approval.ScanQR(not, account, qr, ask)
		require.Equal(t, approval.ErrMalformed, err)
		_, err = approval.ScanQR(not, account, qr, changed)
		require.Equal(t, approval.ErrUntrusted, err)

		// The QR code was changed too, by someone who has seen it.
		qr = refQR(byte(not), account[:], ask[2:1218], refQRSecret(qr))
		c, err := approval.ScanQR(not, account, qr, changed)
		require.NoError(t, err)
		grant, err := c.Grant(payload)
		require.NoError(t, err)
		requireRefuses(t, approval.ErrUntrusted, approval.Again(r), grant, "")

		a, err := approval.Begin(not, account, changed)
		require.NoError(t, err)
		requireStrangers(t, r, a)
	}
}

func TestAnotherAccount(t *testing.T) {
	for _, p := range purposes {
		r := newRequest(t, p)
		ask := r.Ask()
		qr := approval.Again(r).QR()
		_, err := approval.ScanQR(p, other, qr, ask)
		require.Equal(t, approval.ErrUntrusted, err)
		qr = refQR(byte(p), other[:], ask[2:1218], refQRSecret(qr))
		c, err := approval.ScanQR(p, other, qr, ask)
		require.NoError(t, err)
		grant, err := c.Grant(payload)
		require.NoError(t, err)
		requireRefuses(t, approval.ErrUntrusted, approval.Again(r), grant, "")

		a, err := approval.Begin(p, other, ask)
		require.NoError(t, err)
		requireStrangers(t, r, a)
	}
}

// requireStrangers requires that two sides whose messages reach each other see
// different codes. Even if nobody types one, no grant opens.
func requireStrangers(t *testing.T, r *approval.Request, a *approval.Approval) {
	t.Helper()
	reveal, atR, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	atA, err := a.Code(reveal)
	require.NoError(t, err)
	typedAtA, typedAtR := approval.HalvesOfApproval(a)
	require.NotEqual(t, atR, typedAtA)
	_, own := approval.HalvesOfRequest(r)
	require.NotEqual(t, atA, own)

	require.Equal(t, atA, typedAtR)
	require.NoError(t, a.Check(typedAtA), "nobody could read this half on a screen")
	grant, err := a.Grant(payload)
	require.NoError(t, err)
	requireRefuses(t, approval.ErrUntrusted, approval.Again(r), grant, own)
	requireRefuses(t, approval.ErrUntrusted, r, grant, atA)
	requireRequestOver(t, r)
}
