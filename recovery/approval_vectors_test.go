package recovery_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/stretchr/testify/require"
)

const approvalSource = "Made by this package, TestApprovalKnownAnswer -update, which draws all that is random; the values are those of a second " +
	"implementation in reference_test.go. Hexadecimal, but for texts and codes. The names are those of the package documentation"

// approvalNames are the approvals of the known answer.
var approvalNames = []string{"device by QR code", "device by short code", "share by QR code", "share by short code"}

// approvalAnswer is one approval, with all its messages and all values on the way.
type approvalAnswer struct {
	Name       string      `json:"name"`
	Purpose    byte        `json:"purpose"`
	Account    testvec.Hex `json:"account"`
	Seed       testvec.Hex `json:"seed"`
	PublicKey  testvec.Hex `json:"pk"`
	R1         testvec.Hex `json:"r1"`
	Commitment testvec.Hex `json:"c"`
	Ask        testvec.Hex `json:"ask"`
	HPKEInfo   testvec.Hex `json:"hpke_info"`
	// By QR code.
	QRSecret testvec.Hex `json:"qr_secret,omitempty"`
	QR       string      `json:"qr,omitempty"`
	MACKey   testvec.Hex `json:"mac_key,omitempty"`
	MAC      testvec.Hex `json:"mac,omitempty"`
	// By short code.
	R2     testvec.Hex `json:"r2,omitempty"`
	Answer testvec.Hex `json:"answer,omitempty"`
	Reveal testvec.Hex `json:"reveal,omitempty"`
	T      testvec.Hex `json:"t,omitempty"`
	Code   string      `json:"code,omitempty"`

	Enc       testvec.Hex   `json:"enc"`
	CT        testvec.Hex   `json:"ct"`
	AAD       testvec.Hex   `json:"aad"`
	Grant     testvec.Hex   `json:"grant"`
	Plaintext testvec.Hex   `json:"plaintext"`
	Share     testvec.Hex   `json:"share,omitempty"`
	Device    *deviceAnswer `json:"device,omitempty"`
}

// deviceAnswer is what a device's grant says, and the header in which it has its slot.
type deviceAnswer struct {
	Header    testvec.Hex `json:"header"`
	Slot      testvec.Hex `json:"slot_id"`
	MasterKey testvec.Hex `json:"master_key"`
	L         testvec.Hex `json:"lineage_key"`
	Pin       testvec.Hex `json:"pin"`
	Secret    testvec.Hex `json:"secret"` // the device's
}

// refApproval computes all values from what was drawn, and the grant, by the second
// implementation.
func refApproval(t testing.TB, in approvalAnswer) approvalAnswer {
	a := approvalAnswer{Name: in.Name, Account: in.Account, Seed: in.Seed, R1: in.R1, QRSecret: in.QRSecret, R2: in.R2, Grant: in.Grant}
	what, way, _ := strings.Cut(a.Name, " by ")
	a.Purpose = map[string]byte{"device": 1, "share": 2}[what]
	a.PublicKey = refPublicKey(a.Seed)
	a.Commitment = refCommitment(a.PublicKey, a.R1)
	a.Ask = refAsk(a.Purpose, a.PublicKey, a.Commitment)
	a.HPKEInfo = refApprovalInfo(a.Purpose, a.Account)
	a.AAD = testvec.Hex{}
	if way == "QR code" {
		a.QR = refQR(a.Purpose, a.Account, a.PublicKey, a.QRSecret)
		end := len(a.Grant) - 32
		a.Enc, a.CT = a.Grant[:1120:1120], a.Grant[1120:end:end]
		a.MACKey, a.MAC = refGrantMAC(a.Purpose, a.Account, a.QRSecret, a.PublicKey, a.Enc, a.CT)
		require.Equal(t, []byte(a.Grant[end:]), []byte(a.MAC))
	} else {
		a.Enc, a.CT = in.Enc, a.Grant
		a.Answer = slices.Concat(a.Enc, a.R2)
		a.Reveal = a.R1
		a.T = refCodeHash(a.Purpose, a.Account, a.PublicKey, a.Commitment, a.Enc, a.R2, a.R1)
		a.Code = refShortCode(a.T)
		a.AAD = a.T
	}
	plain, err := refApprovalOpen(a.Purpose, a.Account, a.Seed, a.Enc, a.AAD, a.CT)
	require.NoError(t, err)
	a.Plaintext = plain
	require.Equal(t, []byte{a.Purpose, 1}, plain[:2])
	if what == "share" {
		a.Share = plain[2:]
		return a
	}
	d := refDevice(t, in.Device.Header, a.Account, a.Seed, a.PublicKey)
	require.Equal(t, slices.Concat(d.Slot, d.MasterKey, d.L, d.Pin), testvec.Hex(plain[2:]))
	a.Device = &d
	return a
}

// refDevice finds the device's slot by its public key, opens the header by the seed, and
// takes the lineage key, which a device's slot does not hold, from a slot of a phrase.
func refDevice(t testing.TB, header, account, seed, pk []byte) (d deviceAnswer) {
	h := refParse(header)
	require.Equal(t, account, h.account)
	for _, s := range h.slots {
		switch {
		case s.kind == 6 && bytes.Equal(s.pk, pk):
			mk, err := s.refMaster(refBinding("nescio/slot/mk/v1", h.account, s.id, h.epoch), seed)
			require.NoError(t, err)
			d.Slot, d.MasterKey = s.id, mk
		case s.kind == 3:
			secret, err := refUnwrap(refHKDF(approvalEntropy, s.kekSalt(), string(s.kekInfo()), 32), s.binding(h.account), s.wrapped)
			require.NoError(t, err)
			d.L = secret[32:]
		}
	}
	require.NotNil(t, d.Slot)
	require.Equal(t, h.lineageMAC, refHMAC(refHKDF(d.L, nil, "nescio/keyring/v1", 32), h.beforeMACs))
	d.Header = header
	d.Pin = h.refPin(refSHA256(header), refHKDF(d.MasterKey, nil, "nescio/mk-id/v1", 16))
	d.Secret = slices.Concat([]byte("D\x01"), account, d.Slot, seed, d.L)
	return d
}

var approvalEntropy = bytes.Repeat([]byte{0x0e}, 16)

// makeApproval runs an approval, and returns what was drawn and the grant.
func makeApproval(t testing.TB, name string) approvalAnswer {
	a := approvalAnswer{Name: name, Account: bytes.Repeat([]byte{0xa4}, 16)}
	what, way, _ := strings.Cut(name, " by ")
	words, err := recovery.PhraseFromEntropy(approvalEntropy)
	require.NoError(t, err)
	k, err := recovery.Create(t.Context(), a.Account, words, password(t, "correct horse"))
	require.NoError(t, err)
	k.Bytes() // seen: the next revision
	require.NoError(t, k.Rotate(t.Context()))
	share := make([]byte, 100)
	rand.Read(share)

	p := map[string]recovery.Purpose{"device": recovery.ForDevice, "share": recovery.ForShare}[what]
	r, err := recovery.NewRequest(p, a.Account)
	require.NoError(t, err)
	a.Seed, a.QRSecret, a.R1 = recovery.RandomOf(r)
	switch way {
	case "QR code":
		if p == recovery.ForDevice {
			a.Grant, _, err = k.ApproveQR(r.QR(), r.Ask())
		} else {
			a.Grant, err = recovery.ApproveShareQR(a.Account, r.QR(), r.Ask(), share)
		}
	case "short code":
		a.QRSecret = nil
		var approval *recovery.Approval
		if p == recovery.ForDevice {
			approval, err = k.Approve(r.Ask())
		} else {
			approval, err = recovery.ApproveShare(a.Account, r.Ask(), share)
		}
		require.NoError(t, err)
		a.Enc, a.R2 = approval.Answer()[:1120], approval.Answer()[1120:]
		a.Code, err = approval.Compare(a.R1)
		require.NoError(t, err)
		a.Grant, err = approval.Grant()
	}
	require.NoError(t, err)
	a.Device = &deviceAnswer{Header: k.Bytes()}
	answer := refApproval(t, a)
	require.Equal(t, a.Code, answer.Code, "what the approver has shown")
	return answer
}

func loadApprovals(t testing.TB) []approvalAnswer {
	return testvec.Load[[]approvalAnswer](t, testdata, "testdata/approval.json")
}

// request is the answer's, before anybody has answered it.
func (a *approvalAnswer) request(t testing.TB) *recovery.Request {
	return recovery.RequestOf(t, recovery.Purpose(a.Purpose), a.Account, a.Seed, a.QRSecret, a.R1)
}

// TestApprovalKnownAnswer computes every value of testdata/approval.json by a second
// implementation, and has the package's requester find the same; with -update it writes
// the file. The package's approver is tied to its requester by the other tests.
func TestApprovalKnownAnswer(t *testing.T) {
	if *update {
		var answers []approvalAnswer
		for _, name := range approvalNames {
			answers = append(answers, makeApproval(t, name))
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		require.NoError(t, e.Encode(struct {
			Source  string           `json:"source"`
			Vectors []approvalAnswer `json:"vectors"`
		}{approvalSource, answers}))
		require.NoError(t, os.WriteFile("testdata/approval.json", b.Bytes(), 0o644))
		return
	}
	answers := loadApprovals(t)
	require.Len(t, answers, len(approvalNames))
	for i, want := range answers {
		t.Run(approvalNames[i], func(t *testing.T) {
			require.Equal(t, approvalNames[i], want.Name)
			require.Equal(t, want, refApproval(t, want))

			r := want.request(t)
			require.Equal(t, []byte(want.Ask), r.Ask())
			if want.QR != "" {
				require.Len(t, want.QR, 102)
				require.Equal(t, want.QR, r.QR())
			} else {
				reveal, code, err := r.Reveal(want.Answer)
				require.NoError(t, err)
				require.Equal(t, []byte(want.Reveal), reveal)
				require.Equal(t, want.Code, code)
			}
			if want.Share != nil {
				share, err := r.OpenShare(want.Grant)
				require.NoError(t, err)
				require.Equal(t, []byte(want.Share), share)
				return
			}
			d, p, err := r.OpenDevice(want.Grant)
			require.NoError(t, err)
			require.Equal(t, []byte(want.Device.Secret), d.Secret())
			require.Equal(t, []byte(want.Device.Pin), pinBytes(t, p))
			k := open(t, want.Device.Header, d, p)
			lineage, master := k.Keys()
			require.Equal(t, []byte(want.Device.L), lineage)
			require.Equal(t, []byte(want.Device.MasterKey), master)
			require.Equal(t, recovery.SlotID(want.Device.Slot), k.OpenedBy())
			require.Equal(t, sha256.Sum256(want.Device.Header), parse(t, want.Device.Header).Digest())
		})
	}
}

// TestApproverAgainstTheReference: the approver draws enc and r2 and so has no known
// answer. But the second implementation finds its code and opens its grant.
func TestApproverAgainstTheReference(t *testing.T) {
	for _, name := range approvalNames {
		require.NotEmpty(t, makeApproval(t, name).Plaintext)
	}
}
