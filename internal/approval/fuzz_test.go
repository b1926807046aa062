package approval_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/stretchr/testify/require"
)

// splice replaces cut bytes at an offset.
func splice(b []byte, at uint32, cut uint16, put []byte) []byte {
	i := min(int(at%(1<<17)), len(b))
	j := min(i+int(cut), len(b))
	return slices.Concat(b[:i], put, b[j:])
}

// FuzzQRCode: a QR code has one text, and another text approves nothing.
func FuzzQRCode(f *testing.F) {
	v := loadAnswers(f)[0]
	f.Add(v.QR)
	f.Add(v.QR[:101] + "\n")
	f.Add(" " + v.QR + "\r\n")
	f.Add(strings.ToUpper(v.QR))
	f.Add(loadAnswers(f)[2].QR)
	f.Fuzz(func(t *testing.T, text string) {
		again, ok := approval.ReadQR(text)
		if ok {
			require.Equal(t, strings.TrimSpace(text), again)
		}
		c, err := approval.ScanQR(approval.Device, [16]byte(v.Account), text, v.Ask)
		if err != nil {
			require.Nil(t, c)
			require.Equal(t, map[bool]error{false: approval.ErrMalformed, true: approval.ErrUntrusted}[ok], err)
			return
		}
		require.True(t, ok)
		require.Equal(t, refQR(v.Purpose, v.Account, v.PublicKey, refQRSecret(again)), again)
	})
}

// FuzzTyped: of the letters and digits of a text all count, and of other
// characters few are ignored.
func FuzzTyped(f *testing.F) {
	const half = "01A0QZ"
	for _, typed := range []string{"01A-0QZ", "oia\u20130qz", " 01a 0qz\u200b", "", "01A.0QZ", "\u0131", "01A-0Q\xff"} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		var dense strings.Builder
		known := true // whether every character is one that people type here
		for _, c := range typed {
			switch {
			case c < 128 && (unicode.IsLetter(c) || unicode.IsDigit(c)):
				dense.WriteRune(c)
			case unicode.IsLetter(c) || unicode.IsNumber(c) || unicode.IsControl(c) && !unicode.IsSpace(c) || c == unicode.ReplacementChar:
				dense.WriteRune('?')
			case c == ' ' || c == '-':
			default:
				known = false
			}
		}
		text := strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(dense.String()))
		got := approval.Matches(typed, half)
		switch {
		case got && !strings.ContainsRune(typed, '\u0131'):
			require.Equal(t, half, text)
			require.LessOrEqual(t, len(typed), 256)
		case !got && known && len(typed) <= 256:
			require.NotEqual(t, half, text)
		}
	})
}

// FuzzAsk: what a requester sends to an approver, both messages.
func FuzzAsk(f *testing.F) {
	vectors := loadAnswers(f)
	for i, v := range vectors {
		for _, at := range []uint32{0, 1, 2, 1185, 1218, 1249} {
			f.Add(uint8(i), at, uint16(1), []byte{0xff}, []byte(v.R1))
		}
		f.Add(uint8(i), uint32(0), uint16(0), []byte(nil), []byte(v.R1))
		f.Add(uint8(i), uint32(1186), uint16(32), make([]byte, 32), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, cut uint16, put, reveal []byte) {
		v := vectors[int(which)%len(vectors)]
		ask := splice(v.Ask, at, cut, put)
		a, err := approval.Begin(approval.Purpose(v.Purpose), [16]byte(v.Account), ask)
		if err != nil {
			require.Equal(t, approval.ErrMalformed, err)
			require.Nil(t, a)
			return
		}
		require.Equal(t, ask[2:1218], a.PublicKey())
		require.Len(t, a.Answer(), 1152)
		shown, err := a.Code(reveal)
		if err != nil {
			require.Equal(t, approval.ErrUntrusted, err)
			return
		}
		require.Equal(t, refCommitment(ask[2:1218], reveal), ask[1218:])
		answer := a.Answer()
		atR, atA := refHalves(refT(v.Purpose, v.Account, ask[2:1218], ask[1218:], answer[:1120], answer[1120:], reveal))
		require.Equal(t, atA, shown)
		require.NoError(t, a.Check(atR))
	})
}

// FuzzAnswer: what an approver sends to a requester.
func FuzzAnswer(f *testing.F) {
	v := loadAnswers(f)[1]
	for _, at := range []uint32{0, 1087, 1119, 1120, 1151, 1152} {
		f.Add(at, uint16(0), []byte(nil))
		f.Add(at, uint16(1), []byte{0})
		f.Add(at, uint16(32), make([]byte, 32))
	}
	f.Fuzz(func(t *testing.T, at uint32, cut uint16, put []byte) {
		answer := splice(v.Answer, at, cut, put)
		r := v.request(t)
		reveal, shown, err := r.Reveal(answer)
		if len(answer) != 1152 {
			require.Equal(t, approval.ErrMalformed, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, []byte(v.R1), reveal)
		atR, atA := refHalves(refT(v.Purpose, v.Account, v.PublicKey, v.Commitment, answer[:1120], answer[1120:], v.R1))
		require.Equal(t, atR, shown)
		_, _, err = r.Open(v.Grant, atA)
		require.Equal(t, slices.Equal(answer, v.Answer), err == nil)
	})
}

// FuzzGrant: of all grants by both ways, one opens.
func FuzzGrant(f *testing.F) {
	vectors := loadAnswers(f)[:2]
	var requests []*approval.Request
	for i, v := range vectors {
		requests = append(requests, v.revealed(f))
		n := uint32(len(v.Grant))
		f.Add(uint8(i), uint32(0), uint16(0), []byte(nil))
		f.Add(uint8(i), uint32(0), uint16(n), []byte(vectors[1-i].Grant))
		for _, at := range []uint32{0, 1, 79, 1088, 1119, 1120, n - 33, n - 32, n - 1, n} {
			f.Add(uint8(i), at, uint16(1), []byte{0})
			f.Add(uint8(i), at, uint16(n), []byte(nil))
			f.Add(uint8(i), at, uint16(0), make([]byte, 4096))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, cut uint16, put []byte) {
		i := int(which) % len(vectors)
		grant := splice(vectors[i].Grant, at, cut, put)
		r := approval.Again(requests[i])
		got, seed, err := r.Open(grant, vectors[i].ApproverHalf)
		if err != nil {
			require.Contains(t, []error{approval.ErrMalformed, approval.ErrUntrusted}, err)
			require.Nil(t, got)
			require.Nil(t, seed)
			require.NotNil(t, r.Ask(), "it goes on")
			return
		}
		require.Equal(t, []byte(vectors[i].Grant), grant)
		require.Equal(t, []byte(vectors[i].Payload), got)
	})
}
