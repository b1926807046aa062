package approval_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/stretchr/testify/require"
)

const half = "^[0-9A-HJKMNP-TV-Z]{3}-[0-9A-HJKMNP-TV-Z]{3}$"

func TestByQRCode(t *testing.T) {
	for _, p := range purposes {
		r, c := newScan(t, p)
		require.Len(t, r.QR(), 102)
		require.Len(t, r.Ask(), 1250)
		require.Equal(t, account, r.Account())
		require.Equal(t, r.Ask()[2:1218], c.PublicKey())
		grant, err := c.Grant(payload)
		require.NoError(t, err)
		require.Len(t, grant, 1120+len(payload)+16+32)
		again, err := c.Grant(payload)
		require.Equal(t, approval.ErrUsed, err)
		require.Nil(t, again)
		require.Len(t, c.PublicKey(), 1216, "it stays")
		requireOpens(t, r, grant, "")
	}
}

func TestByShortCode(t *testing.T) {
	for _, p := range purposes {
		s := newSession(t, p)
		require.Len(t, s.ask, 1250)
		require.Len(t, s.answer, 1152)
		require.Len(t, s.reveal, 32)
		require.Regexp(t, half, s.atR)
		require.Regexp(t, half, s.atA)
		require.NotEqual(t, s.atR, s.atA)
		require.Equal(t, s.ask[2:1218], s.a.PublicKey())
		grant := s.grant(t)
		require.Len(t, grant, len(payload)+16)
		requireApprovalOver(t, s.a)
		require.Len(t, s.a.PublicKey(), 1216, "it stays")
		requireOpens(t, s.r, grant, s.atA)
	}
}

// TestApproverRetries: the caller checks the half, fails to reach its server,
// and calls again.
func TestApproverRetries(t *testing.T) {
	s := newSession(t, approval.Device)
	for range 3 {
		require.NoError(t, s.a.Check(s.atR))
	}
	for _, bad := range [][]byte{nil, {}, make([]byte, approval.MaxPayload+1)} {
		grant, err := s.a.Grant(bad)
		require.ErrorIs(t, err, approval.ErrPolicy)
		require.Nil(t, grant)
	}
	require.NoError(t, s.a.Check(s.atR))
	requireOpens(t, s.r, s.grant(t), s.atA)

	// A wrong half ends it even after the right one.
	s = newSession(t, approval.Device)
	require.NoError(t, s.a.Check(s.atR))
	require.Equal(t, approval.ErrUntrusted, s.a.Check(s.atA))
	requireApprovalOver(t, s.a)

	r, c := newScan(t, approval.Device)
	for _, bad := range [][]byte{nil, {}, make([]byte, approval.MaxPayload+1)} {
		grant, err := c.Grant(bad)
		require.ErrorIs(t, err, approval.ErrPolicy)
		require.Nil(t, grant)
	}
	grant, err := c.Grant(payload)
	require.NoError(t, err)
	requireOpens(t, r, grant, "")
}

// TestOrderOfCalls: nothing is released before the other half was checked.
func TestOrderOfCalls(t *testing.T) {
	r := newRequest(t, approval.Device)
	a, err := approval.Begin(approval.Device, account, r.Ask())
	require.NoError(t, err)
	grant, err := a.Grant(payload)
	require.ErrorIs(t, err, approval.ErrPolicy)
	require.Nil(t, grant)
	require.ErrorIs(t, a.Check("K7M-2QX"), approval.ErrPolicy)
	require.ErrorIs(t, a.Check(""), approval.ErrPolicy)
	reveal, atR, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	_, err = a.Code(reveal)
	require.NoError(t, err)
	_, err = a.Code(reveal)
	require.Equal(t, approval.ErrUsed, err)
	grant, err = a.Grant(payload)
	require.ErrorIs(t, err, approval.ErrPolicy)
	require.Nil(t, grant)
	require.NoError(t, a.Check(atR))
	_, err = a.Grant(payload)
	require.NoError(t, err)
}

// TestOneWay: a request takes a grant by the way that was taken first.
func TestOneWay(t *testing.T) {
	r, c := newScan(t, approval.Device)
	a, err := approval.Begin(approval.Device, account, r.Ask())
	require.NoError(t, err)
	_, _, err = r.Reveal(a.Answer())
	require.Equal(t, approval.ErrUsed, err)
	grant, err := c.Grant(payload)
	require.NoError(t, err)
	requireOpens(t, r, grant, "")

	s := newSession(t, approval.Device)
	require.Empty(t, s.r.QR())
	_, _, err = s.r.Reveal(s.answer)
	require.Equal(t, approval.ErrUsed, err)

	// A grant by one way is not a grant by the other way.
	r = newRequest(t, approval.Device)
	byQR := approval.Again(r)
	c, err = approval.ScanQR(approval.Device, account, byQR.QR(), byQR.Ask())
	require.NoError(t, err)
	qrGrant, err := c.Grant(payload)
	require.NoError(t, err)
	a, err = approval.Begin(approval.Device, account, r.Ask())
	require.NoError(t, err)
	reveal, atR, err := r.Reveal(a.Answer())
	require.NoError(t, err)
	atA, err := a.Code(reveal)
	require.NoError(t, err)
	requireRefuses(t, approval.ErrUntrusted, r, qrGrant, atA)
	requireRefuses(t, approval.ErrUntrusted, r, qrGrant[1120:len(qrGrant)-32], atA)
	require.NoError(t, a.Check(atR))
	codeGrant, err := a.Grant(payload)
	require.NoError(t, err)
	requireRefuses(t, approval.ErrMalformed, byQR, codeGrant, "")
	mac := make([]byte, 32)
	requireRefuses(t, approval.ErrUntrusted, byQR, bytes.Join([][]byte{a.Answer()[:1120], codeGrant, mac}, nil), "")
	requireOpens(t, r, codeGrant, atA)
	requireOpens(t, byQR, qrGrant, "")
}

// TestFresh: nothing that has to be random comes twice.
func TestFresh(t *testing.T) {
	seen := make(map[string]string)
	fresh := func(name string, b []byte) {
		before, twice := seen[string(b)]
		require.False(t, twice, "%s is the same as %s", name, before)
		require.NotEqual(t, make([]byte, len(b)), b, name)
		seen[string(b)] = name
	}
	for range 4 {
		r := newRequest(t, approval.Device)
		seed, s, r1 := approval.RandomOf(r)
		fresh("seed", seed)
		fresh("s", s)
		fresh("r1", r1)
		fresh("pk", r.Ask()[2:1218])
		fresh("c", r.Ask()[1218:])
		require.Equal(t, r.Ask(), r.Ask(), "one request, one message")
		require.Equal(t, s, refQRSecret(approval.Again(r).QR()))
		for range 2 {
			a, err := approval.Begin(approval.Device, account, r.Ask())
			require.NoError(t, err)
			fresh("enc", a.Answer()[:1120])
			fresh("r2", a.Answer()[1120:])
			require.Equal(t, a.Answer(), a.Answer())
			c, err := approval.ScanQR(approval.Device, account, approval.Again(r).QR(), r.Ask())
			require.NoError(t, err)
			grant, err := c.Grant(payload)
			require.NoError(t, err)
			fresh("enc by QR code", grant[:1120])
		}
	}
}

// TestCopies: what the caller does with a message does not change a side.
func TestCopies(t *testing.T) {
	r := newRequest(t, approval.Share)
	ask := r.Ask()
	a, err := approval.Begin(approval.Share, account, ask)
	require.NoError(t, err)
	clear(ask)
	clear(a.PublicKey())
	answer := a.Answer()
	clear(a.Answer())
	reveal, atR, err := r.Reveal(answer)
	require.NoError(t, err)
	clear(answer)
	atA, err := a.Code(reveal)
	require.NoError(t, err)
	clear(reveal)
	require.NoError(t, a.Check(atR))
	grant, err := a.Grant(payload)
	require.NoError(t, err)
	require.Equal(t, "what the approver hands over", string(payload), "it is the caller's")
	requireOpens(t, r, grant, atA)

	r = newRequest(t, approval.Share)
	ask = r.Ask()
	c, err := approval.ScanQR(approval.Share, account, r.QR(), ask)
	require.NoError(t, err)
	clear(ask)
	clear(c.PublicKey())
	grant, err = c.Grant(payload)
	require.NoError(t, err)
	require.Equal(t, "what the approver hands over", string(payload))
	requireOpens(t, r, grant, "")
}
