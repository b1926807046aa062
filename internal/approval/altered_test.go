package approval_test

import (
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

// A server alters the messages that it passes on.

// region is a field of a message.
type region struct {
	name     string
	from, to int
}

// places returns the first, the middle and the last byte of a region.
func (r region) places() []int { return []int{r.from, (r.from + r.to) / 2, r.to - 1} }

var (
	askRegions = []region{{"purpose", 0, 1}, {"version", 1, 2}, {"ML-KEM's key", 2, 1186}, {"X25519's key", 1186, 1218}, {"c", 1218, 1250}}
	encRegions = []region{{"ML-KEM's ciphertext", 0, 1088}, {"X25519's key", 1088, 1120}}
)

func TestAlteredAskByQRCode(t *testing.T) {
	r := newRequest(t, approval.Device)
	qr, ask := r.QR(), r.Ask()
	for _, region := range askRegions {
		for _, at := range region.places() {
			c, err := approval.ScanQR(approval.Device, account, qr, flip(ask, at))
			switch region.name {
			case "purpose", "version":
				require.Equal(t, approval.ErrMalformed, err)
			case "c": // which counts for the short code only
				require.NoError(t, err)
				continue
			default:
				require.Equal(t, approval.ErrUntrusted, err, "byte %d", at)
			}
			require.Nil(t, c)
		}
	}
}

func TestAlteredAskByShortCode(t *testing.T) {
	for _, region := range askRegions {
		for _, at := range region.places() {
			r := newRequest(t, approval.Device)
			ask := flip(r.Ask(), at)
			a, err := approval.Begin(approval.Device, account, ask)
			if at < 2 {
				require.Equal(t, approval.ErrMalformed, err)
			}
			if err != nil { // or a public key that is not reduced
				require.Equal(t, approval.ErrMalformed, err, "byte %d", at)
				require.Nil(t, a)
				continue
			}
			reveal, _, err := r.Reveal(a.Answer())
			require.NoError(t, err)
			shown, err := a.Code(reveal)
			require.Equal(t, approval.ErrUntrusted, err, "byte %d", at)
			require.Empty(t, shown)
			requireApprovalOver(t, a)
		}
	}
}

func TestAlteredAnswer(t *testing.T) {
	for _, region := range append(encRegions, region{"r2", 1120, 1152}) {
		for _, at := range region.places() {
			r := newRequest(t, approval.Device)
			a, err := approval.Begin(approval.Device, account, r.Ask())
			require.NoError(t, err)
			reveal, atR, err := r.Reveal(flip(a.Answer(), at))
			require.NoError(t, err)
			atA, err := a.Code(reveal)
			require.NoError(t, err)

			// Even if the user types halves that no screen shows, the grant
			// does not open.
			ofA, _ := approval.HalvesOfApproval(a)
			_, ofR := approval.HalvesOfRequest(r)
			require.NotEqual(t, ofA, atR)
			require.NoError(t, a.Check(ofA))
			grant, err := a.Grant(payload)
			require.NoError(t, err)
			requireRefuses(t, approval.ErrUntrusted, approval.Again(r), grant, ofR)

			requireRefuses(t, approval.ErrUntrusted, r, grant, atA)
			requireRequestOver(t, r)
		}
	}

	// The approver's side of the same.
	r := newRequest(t, approval.Device)
	a, err := approval.Begin(approval.Device, account, r.Ask())
	require.NoError(t, err)
	reveal, atR, err := r.Reveal(flip(a.Answer(), 1151))
	require.NoError(t, err)
	_, err = a.Code(reveal)
	require.NoError(t, err)
	require.Equal(t, approval.ErrUntrusted, a.Check(atR))
	requireApprovalOver(t, a)
}

func TestAnswersOfInvalidLength(t *testing.T) {
	r := newRequest(t, approval.Device)
	a, err := approval.Begin(approval.Device, account, r.Ask())
	require.NoError(t, err)
	for b := range testvec.Lengths(a.Answer()) {
		reveal, shown, err := r.Reveal(b)
		require.Equal(t, approval.ErrMalformed, err)
		require.Nil(t, reveal)
		require.Empty(t, shown)
	}
	_, _, err = r.Reveal(a.Answer())
	require.NoError(t, err, "it goes on")
}

func TestAlteredReveal(t *testing.T) {
	r := newRequest(t, approval.Device)
	_, _, r1 := approval.RandomOf(r)
	var altered [][]byte
	for _, b := range testvec.BitFlips(r1) {
		altered = append(altered, append([]byte(nil), b...))
	}
	for b := range testvec.Lengths(r1) {
		altered = append(altered, b)
	}
	for _, reveal := range altered {
		a, err := approval.Begin(approval.Device, account, r.Ask())
		require.NoError(t, err)
		shown, err := a.Code(reveal)
		require.Equal(t, approval.ErrUntrusted, err)
		require.Empty(t, shown)
		requireApprovalOver(t, a)
	}
}

// TestAlteredGrant: nothing that the server makes of a grant opens or ends the
// request.
func TestAlteredGrant(t *testing.T) {
	r, c := newScan(t, approval.Device)
	grant, err := c.Grant(payload)
	require.NoError(t, err)
	for i, altered := range testvec.BitFlips(grant) {
		requireRefuses(t, approval.ErrUntrusted, r, altered, "", "bit %d", i)
	}
	for altered := range testvec.Lengths(grant) {
		_, _, err := r.Open(altered, "")
		require.Contains(t, []error{approval.ErrMalformed, approval.ErrUntrusted}, err)
	}
	requireOpens(t, r, grant, "")

	s := newSession(t, approval.Device)
	grant = s.grant(t)
	for i, altered := range testvec.BitFlips(grant) {
		requireRefuses(t, approval.ErrUntrusted, s.r, altered, s.atA, "bit %d", i)
	}
	for altered := range testvec.Lengths(grant) {
		_, _, err := s.r.Open(altered, s.atA)
		require.Contains(t, []error{approval.ErrMalformed, approval.ErrUntrusted}, err)
	}
	requireOpens(t, s.r, grant, s.atA)
}

// TestAlteredQRCode: each character counts.
func TestAlteredQRCode(t *testing.T) {
	r := newRequest(t, approval.Device)
	qr, ask := r.QR(), r.Ask()
	for at := range qr {
		altered := []byte(qr)
		altered[at] = 'A'
		if qr[at] == 'A' {
			altered[at] = 'Q' // the last character has four values
		}
		c, err := approval.ScanQR(approval.Device, account, string(altered), ask)
		if err != nil {
			require.Contains(t, []error{approval.ErrMalformed, approval.ErrUntrusted}, err)
			require.Nil(t, c)
			continue
		}
		require.GreaterOrEqual(t, at, 15+49*4/3, "the secret alone shows only in the grant")
		grant, err := c.Grant(payload)
		require.NoError(t, err)
		requireRefuses(t, approval.ErrUntrusted, r, grant, "", "character %d", at)
	}
	require.True(t, strings.HasPrefix(qr, "nescio-approve:"))
	require.NotNil(t, r.Ask(), "it goes on")
}
