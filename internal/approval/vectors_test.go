package approval_test

import (
	"bytes"
	"crypto/rand"
	"embed"
	"flag"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/stretchr/testify/require"
)

//go:embed testdata
var testdata embed.FS

var update = flag.Bool("update", false, "write new known answers to testdata/approval.json")

const source = "Made by this package, TestKnownAnswer -update, which draws all random values, under the licence of this module. " +
	"The second implementation in reference_test.go computed the values. Hexadecimal, except for texts. The names are those of FORMAT.md"

// knownAnswer is one approval with all its messages and intermediate values.
type knownAnswer struct {
	Name       string      `json:"name"`
	Purpose    byte        `json:"purpose"`
	Account    testvec.Hex `json:"account"`
	Seed       testvec.Hex `json:"seed"`
	PublicKey  testvec.Hex `json:"pk"`
	R1         testvec.Hex `json:"r1"`
	Commitment testvec.Hex `json:"c"`
	Ask        testvec.Hex `json:"ask"`
	Info       testvec.Hex `json:"info"`
	// By QR code.
	S      testvec.Hex `json:"s,omitempty"`
	QR     string      `json:"qr,omitempty"`
	MACKey testvec.Hex `json:"mac_key,omitempty"`
	MAC    testvec.Hex `json:"mac,omitempty"`
	// By short code.
	R2            testvec.Hex `json:"r2,omitempty"`
	Answer        testvec.Hex `json:"answer,omitempty"`
	Reveal        testvec.Hex `json:"reveal,omitempty"`
	T             testvec.Hex `json:"t,omitempty"`
	RequesterHalf string      `json:"requester_half,omitempty"`
	ApproverHalf  string      `json:"approver_half,omitempty"`

	Enc     testvec.Hex `json:"enc"`
	AAD     testvec.Hex `json:"aad"`
	CT      testvec.Hex `json:"ct"`
	Grant   testvec.Hex `json:"grant"`
	Payload testvec.Hex `json:"payload"`
}

// reference computes all values from those that were drawn and from the grant,
// with the second implementation.
func reference(t testing.TB, in knownAnswer) knownAnswer {
	a := knownAnswer{Name: in.Name, Purpose: in.Purpose, Account: in.Account, Seed: in.Seed, R1: in.R1, S: in.S, R2: in.R2, Grant: in.Grant}
	a.PublicKey = refPublicKey(a.Seed)
	a.Commitment = refCommitment(a.PublicKey, a.R1)
	a.Ask = refAsk(a.Purpose, a.PublicKey, a.Commitment)
	a.Info = refInfo(a.Purpose, a.Account)
	if a.S != nil {
		a.QR = refQR(a.Purpose, a.Account, a.PublicKey, a.S)
		end := len(a.Grant) - 32
		a.Enc, a.CT, a.AAD = slices.Clip(a.Grant[:1120]), slices.Clip(a.Grant[1120:end]), testvec.Hex{}
		a.MACKey, a.MAC = refMAC(a.Purpose, a.Account, a.S, a.PublicKey, a.Enc, a.CT)
		require.Equal(t, []byte(a.Grant[end:]), []byte(a.MAC))
	} else {
		a.Enc, a.CT = in.Enc, a.Grant
		a.Answer = slices.Concat(a.Enc, a.R2)
		a.Reveal = a.R1
		a.T = refT(a.Purpose, a.Account, a.PublicKey, a.Commitment, a.Enc, a.R2, a.R1)
		a.RequesterHalf, a.ApproverHalf = refHalves(a.T)
		a.AAD = a.T
	}
	payload, err := refOpen(a.Purpose, a.Account, a.Seed, a.Enc, a.AAD, a.CT)
	require.NoError(t, err)
	a.Payload = payload
	return a
}

// makeAnswer runs an approval. Its approver draws enc and r2, so it has no
// known answer. The second implementation finds its half and opens its grant.
func makeAnswer(t testing.TB, name string, p approval.Purpose, byQR bool) knownAnswer {
	account := [16]byte(bytes.Repeat([]byte{0xa0 + byte(p)}, 16))
	a := knownAnswer{Name: name, Purpose: byte(p), Account: account[:]}
	payload := make([]byte, 100)
	rand.Read(payload)
	r, err := approval.NewRequest(p, account)
	require.NoError(t, err)
	seed, s, r1 := approval.RandomOf(r)
	a.Seed, a.R1 = seed, r1
	shown := ""
	if byQR {
		a.S = s
		c, err := approval.ScanQR(p, account, r.QR(), r.Ask())
		require.NoError(t, err)
		a.Grant, err = c.Grant(payload)
		require.NoError(t, err)
	} else {
		b, err := approval.Begin(p, account, r.Ask())
		require.NoError(t, err)
		a.Enc, a.R2 = b.Answer()[:1120], b.Answer()[1120:]
		shown, err = b.Code(r1)
		require.NoError(t, err)
		a.RequesterHalf, _ = approval.HalvesOfApproval(b)
		require.NoError(t, b.Check(a.RequesterHalf))
		a.Grant, err = b.Grant(payload)
		require.NoError(t, err)
	}
	answer := reference(t, a)
	require.Equal(t, shown, answer.ApproverHalf)
	require.Equal(t, a.RequesterHalf, answer.RequesterHalf)
	require.Equal(t, payload, []byte(answer.Payload))
	return answer
}

// makeAnswers runs an approval of each kind.
func makeAnswers(t testing.TB) []knownAnswer {
	return []knownAnswer{
		makeAnswer(t, "device by QR code", approval.Device, true),
		makeAnswer(t, "device by short code", approval.Device, false),
		makeAnswer(t, "share by QR code", approval.Share, true),
		makeAnswer(t, "share by short code", approval.Share, false),
	}
}

func loadAnswers(t testing.TB) []knownAnswer {
	return testvec.Load[[]knownAnswer](t, testdata, "testdata/approval.json")
}

// request returns the request of the answer, before anyone has answered it.
func (a *knownAnswer) request(t testing.TB) *approval.Request {
	return approval.RequestOf(t, approval.Purpose(a.Purpose), [16]byte(a.Account), a.Seed, a.S, a.R1)
}

// revealed returns the request of the answer. By short code it has seen the
// approver's answer.
func (a *knownAnswer) revealed(t testing.TB) *approval.Request {
	r := a.request(t)
	if a.Answer != nil {
		_, _, err := r.Reveal(a.Answer)
		require.NoError(t, err)
	}
	return r
}

// TestKnownAnswer computes every value of testdata/approval.json with the
// second implementation. The package's requester must find the same values.
func TestKnownAnswer(t *testing.T) {
	if *update {
		testvec.Write(t, "testdata/approval.json", source, makeAnswers(t))
		return
	}
	answers := loadAnswers(t)
	require.Len(t, answers, 4)
	for _, want := range answers {
		t.Run(want.Name, func(t *testing.T) {
			require.Equal(t, want, reference(t, want))
			r := want.request(t)
			require.Equal(t, []byte(want.Ask), r.Ask())
			if want.QR != "" {
				require.Len(t, want.QR, 102)
				require.Equal(t, want.QR, r.QR())
			} else {
				reveal, shown, err := r.Reveal(want.Answer)
				require.NoError(t, err)
				require.Equal(t, []byte(want.Reveal), reveal)
				require.Equal(t, want.RequesterHalf, shown)
			}
			payload, seed, err := r.Open(want.Grant, want.ApproverHalf)
			require.NoError(t, err)
			require.Equal(t, []byte(want.Payload), payload)
			require.Equal(t, []byte(want.Seed), seed)
		})
	}
}

// TestApproverAgainstTheReference runs new approvals of each kind.
func TestApproverAgainstTheReference(t *testing.T) {
	require.Len(t, makeAnswers(t), 4)
}
