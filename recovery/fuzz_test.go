package recovery_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// fuzzedHeaders are what the fuzz targets of headers alter: the known answer, the
// smallest, and one with all types. Headers are too long to be mutated as a whole,
// which the fuzzer then tries to make smaller all day.
func fuzzedHeaders(f *testing.F) [][]byte {
	k, _ := everyWay(f)
	_, err := k.Add(f.Context(), badSealer{recovery.SlotDevice, 0, func(wrap.Binding, []byte) ([]byte, []byte, error) { return nil, nil, nil }})
	require.NoError(f, err)
	_, err = k.Add(f.Context(), badSealer{recovery.SlotContacts, 0, func(wrap.Binding, []byte) ([]byte, []byte, error) {
		return append(append(make([]byte, 32), 2, 3), make([]byte, 96)...), make([]byte, 138), nil
	}})
	require.NoError(f, err)
	require.NoError(f, k.Rotate(f.Context()))
	return [][]byte{loadKeyring(f).Header, create(f, phrase(f)).Bytes(), k.Bytes()}
}

// splice replaces cut bytes of b at an offset.
func splice(b []byte, at uint32, cut uint16, put []byte) []byte {
	i := min(int(at%(1<<17)), len(b))
	j := min(i+int(cut), len(b))
	return slices.Concat(b[:i], put, b[j:])
}

// addSplices adds alterations of all fields of a header, and none.
func addSplices(add func(at uint32, cut uint16, put []byte), header []byte) {
	h := refParse(header)
	add(0, 0, nil)
	at := uint32(0)
	for _, size := range []uint16{4, 1, 1, 16, 8, 4, 32, 1} { // up to the history
		add(at, size, make([]byte, size))
		add(at, size, header[at+1:at+1+uint32(size)])
		at += uint32(size)
	}
	if len(h.history) > 0 {
		add(at, 110, nil)
		add(at, 0, header[at:at+110])
	}
	at += uint32(110 * len(h.history))
	add(at, 1, []byte{0})
	at++
	for i, s := range h.slots {
		size := uint32(24 + len(s.params) + 138 + 1216 + 1120 + 48)
		for field, n := range []uint16{1, 1, 16, 4, 2, uint16(len(s.params))} {
			if i < 2 {
				add(at+uint32([]int{0, 1, 2, 18, 22, 24}[field]), n, header[at:at+uint32(n)])
			}
		}
		at += size
	}
	add(at, 32, nil)
	add(at, 64, append(bytes.Clone(h.masterMAC), h.lineageMAC...))
}

// FuzzParseHeader: what is parsed is all that there is.
func FuzzParseHeader(f *testing.F) {
	headers := fuzzedHeaders(f)
	addSplices(func(at uint32, cut uint16, put []byte) { f.Add(uint8(0), at, cut, put, uint32(0), []byte(nil)) }, headers[0])
	for i := range headers {
		f.Add(uint8(i), uint32(22), uint16(8), []byte{0, 0, 0, 0, 0, 0, 0, 1}, uint32(34), make([]byte, 32))
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, cut uint16, put []byte, at2 uint32, put2 []byte) {
		b := splice(headers[int(which)%len(headers)], at, cut, put)
		b = splice(b, at2, uint16(min(len(put2), 1<<15)), put2)
		h, err := recovery.ParseHeader(b)
		if err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Nil(t, h)
			return
		}
		encoded, err := h.Encode()
		require.NoError(t, err)
		require.Equal(t, b[:len(b)-64], encoded)
		require.Equal(t, b, h.Bytes())
		slots := h.Slots()
		require.True(t, len(slots) > 0 && len(slots) <= recovery.MaxSlots)
		require.NotZero(t, h.Account())
		require.True(t, h.Revision() > 0 && h.Epoch() > 0)
		for _, s := range slots {
			_, err := recovery.ParsePasskeySlot(s)
			require.Equal(t, s.Type == recovery.SlotPasskey, err == nil)
		}
	})
}

// FuzzOpen: a header that was altered opens with the account's master key, or not.
func FuzzOpen(f *testing.F) {
	known := loadKeyring(f)
	current := known.MasterKeys[len(known.MasterKeys)-1].Key
	var pinned recovery.Pin
	require.NoError(f, pinned.UnmarshalBinary(known.Pin))
	pins := []recovery.Pin{pinned, recovery.FirstUse(known.Account)}
	var ways []recovery.Opener
	for i := range known.Slots {
		if known.Slots[i].Type != byte(recovery.SlotPassword) { // which takes time
			ways = append(ways, known.Slots[i].way(f))
		}
	}
	for i := range ways {
		addSplices(func(at uint32, cut uint16, put []byte) { f.Add(uint8(i), at, cut, put) }, known.Header)
	}
	f.Fuzz(func(t *testing.T, way uint8, at uint32, cut uint16, put []byte) {
		b := splice(known.Header, at, cut, put)
		h, err := recovery.ParseHeader(b)
		if err != nil {
			return
		}
		for _, p := range pins {
			k, err := recovery.Open(context.Background(), h, ways[int(way)%len(ways)], p)
			if err != nil {
				require.Nil(t, k)
				typed := false
				for _, want := range []error{recovery.ErrNotMine, recovery.ErrUntrusted, recovery.ErrRollback, recovery.ErrFork,
					recovery.ErrReset, recovery.ErrPolicy, recovery.ErrPin} {
					typed = typed || errors.Is(err, want)
				}
				require.True(t, typed, err)
				continue
			}
			_, master := k.Keys()
			require.Equal(t, []byte(current), master)
			require.Equal(t, []byte(known.Header), b, "nobody else has the keys")
		}
	})
}

func FuzzPin(f *testing.F) {
	f.Add([]byte(loadKeyring(f).Pin))
	for n := range 3 {
		f.Add(pinOf(f, n))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p recovery.Pin
		if err := p.UnmarshalBinary(b); err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Zero(t, p)
			return
		}
		require.LessOrEqual(t, len(b), 179)
		require.Equal(t, b, pinBytes(t, p))
		require.NotZero(t, p.Account())
		require.NotZero(t, p.Revision())
	})
}

func FuzzParsePhrase(f *testing.F) {
	vectors := testvec.Load[bip39Vectors](f, testdata, "testdata/bip39.json")
	for i, v := range vectors.Valid {
		f.Add(v.Sentence)
		f.Add(strings.ToUpper(v.Sentence))
		f.Add(strings.ReplaceAll(v.Sentence, " ", string([]rune(listed)[i*5])))
	}
	for _, sentence := range vectors.Invalid {
		f.Add(sentence)
	}
	f.Add("\ufeff“1. letter 2. advice 3. cage 4. absurd 5. amount 6. doctor 7. acoustic 8. avoid 9. letter 10. advice 11. cage 12. above.”\u200b")
	f.Add("lett advi cage absu amou doct acou avoi lett advi cage abov")
	f.Add("ｌｅｔｔｅｒ　advice cage absurd amount doctor acoustic avoid letter advice cage above")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := recovery.ParsePhrase(text)
		if err != nil {
			require.Nil(t, p)
			var wrong *recovery.WordError
			if errors.As(err, &wrong) {
				require.True(t, wrong.Position >= 1 && wrong.Position <= 24)
				return
			}
			require.True(t, err == recovery.ErrWordCount || err == recovery.ErrChecksum)
			return
		}
		words := strings.Fields(p.Words())
		require.Len(t, words, len(p.Entropy())*3/4)
		again, err := recovery.ParsePhrase(p.Words())
		require.NoError(t, err)
		require.Equal(t, p.Entropy(), again.Entropy())
		around, err := recovery.ParsePhrase(listed + strings.ReplaceAll(p.Words(), " ", "\u200b—") + listed)
		require.NoError(t, err)
		require.Equal(t, p.Entropy(), around.Entropy())
		if strings.Trim(text, "abcdefghijklmnopqrstuvwxyz ") == "" {
			for i, w := range strings.Fields(text) {
				require.True(t, strings.HasPrefix(words[i], w))
			}
		}
	})
}

func FuzzParseSecretKey(f *testing.F) {
	for _, text := range secretKeys {
		f.Add(text)
		f.Add(strings.ToLower(strings.ReplaceAll(text, "-", " ")))
		f.Add("\ufeff‘" + strings.ReplaceAll(text, "-", "\u2011\u00a0") + "’.\u200b")
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := recovery.ParseSecretKey(text)
		if err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Nil(t, k)
			return
		}
		require.Equal(t, strings.ReplaceAll(k.Text(), "-", ""), canonical(text))
	})
}

func FuzzParseFile(f *testing.F) {
	for _, s := range loadKeyring(f).Slots {
		if text, ok := s.Input["text"]; ok {
			f.Add(text)
			f.Add("text before\r\n" + strings.ReplaceAll(text, "\n", " \r\n"))
			f.Add("\ufeff" + strings.ReplaceAll(text, "\n", "\u200b\u00a0") + "\u200f")
		}
	}
	file, _ := newFile(f)
	f.Add(file.Text())
	f.Fuzz(func(t *testing.T, text string) {
		file, err := recovery.ParseFile(text)
		if err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Nil(t, file)
			return
		}
		dense := func(text string) string { return strings.Join(strings.Fields(text), "") }
		text = strings.Join(strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(invisible, c) }), "")
		text = strings.Map(func(c rune) rune {
			if unicode.IsSpace(c) {
				return ' '
			}
			return c
		}, text)
		_, body, _ := strings.Cut(text, "-----BEGIN NESCIO RECOVERY FILE-----")
		body, _, _ = strings.Cut(body, "-----END NESCIO RECOVERY FILE-----")
		require.Equal(t, dense(file.Text()), dense("-----BEGIN NESCIO RECOVERY FILE-----"+body+"-----END NESCIO RECOVERY FILE-----"))
		b, err := base64.StdEncoding.DecodeString(dense(body))
		require.NoError(t, err)
		require.Equal(t, b[1:17], func() []byte { id := file.ID(); return id[:] }())
		require.Nil(t, file.ServerSecret())
	})
}

// FuzzParseQR: a QR code has one text, and another one approves nothing.
func FuzzParseQR(f *testing.F) {
	var k *recovery.Keyring
	var v approvalAnswer
	for _, a := range loadApprovals(f) {
		if a.QR == "" {
			continue
		}
		f.Add(a.QR)
		f.Add(a.QR[:101] + "\n")
		f.Add(strings.ToUpper(a.QR))
		if a.Purpose == byte(recovery.ForDevice) {
			var err error
			v = a
			k, err = recovery.Create(f.Context(), a.Account, phrase(f))
			require.NoError(f, err)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		again, ok := recovery.ReadQR(text)
		if ok {
			require.Equal(t, strings.TrimSpace(text), again)
		}
		grant, id, err := k.ApproveQR(text, v.Ask)
		if err != nil {
			require.Nil(t, grant)
			require.Equal(t, map[bool]error{false: recovery.ErrMalformed, true: recovery.ErrApproval}[ok], err)
			return
		}
		require.True(t, ok)
		require.NoError(t, k.Remove(id))
		require.Equal(t, refQR(v.Purpose, v.Account, v.PublicKey, refQRSecret(again)), again)
	})
}

// FuzzApproval: what a requester sends, and the server, to an approver.
func FuzzApproval(f *testing.F) {
	vectors := loadApprovals(f)
	k, err := recovery.Create(f.Context(), vectors[0].Account, phrase(f))
	require.NoError(f, err)
	for i, v := range vectors {
		text := v.QR
		if text == "" {
			text = refQR(v.Purpose, v.Account, v.PublicKey, make([]byte, 16))
		}
		for _, at := range []uint32{0, 1, 2, 1185, 1218, 1249} {
			f.Add(uint8(i), text, at, uint16(1), []byte{0xff}, []byte(v.R1))
		}
		f.Add(uint8(i), text, uint32(0), uint16(0), []byte(nil), []byte(v.R1))
		f.Add(uint8(i), text, uint32(1186), uint16(32), make([]byte, 32), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, which uint8, text string, at uint32, cut uint16, put, reveal []byte) {
		v := vectors[int(which)%len(vectors)]
		ask := splice(v.Ask, at, cut, put)
		share := []byte("a share")
		before := len(k.Slots())
		var grant []byte
		var id recovery.SlotID
		var a *recovery.Approval
		var err, err2 error
		if v.Purpose == byte(recovery.ForDevice) {
			grant, id, err = k.ApproveQR(text, ask)
			a, err2 = k.Approve(ask)
		} else {
			grant, err = recovery.ApproveShareQR(v.Account, text, ask, share)
			a, err2 = recovery.ApproveShare(v.Account, ask, share)
		}
		if err == nil { // the commitment does not matter here
			require.Equal(t, []byte(v.Ask[:1218]), ask[:1218])
			require.Equal(t, id != recovery.SlotID{}, len(k.Slots()) > before)
			if id != (recovery.SlotID{}) {
				require.NoError(t, k.Remove(id))
			}
		} else {
			require.Nil(t, grant)
			require.True(t, err == recovery.ErrMalformed || err == recovery.ErrApproval, err)
		}
		require.Len(t, k.Slots(), before)
		if err2 != nil {
			require.Equal(t, recovery.ErrMalformed, err2)
			require.Nil(t, a)
			return
		}
		require.Len(t, a.Answer(), 1152)
		if _, err := a.Compare(reveal); err != nil {
			require.Equal(t, recovery.ErrApproval, err)
			return
		}
		require.Equal(t, refCommitment(ask[2:1218], reveal), ask[1218:])
	})
}

// FuzzOpenDeviceGrant: of all grants by both ways, one opens.
func FuzzOpenDeviceGrant(f *testing.F) {
	vectors := loadApprovals(f)[:2]
	requests := make([]*recovery.Request, len(vectors))
	for i, v := range vectors {
		requests[i] = v.request(f)
		if v.Code != "" {
			_, _, err := requests[i].Reveal(v.Answer)
			require.NoError(f, err)
		}
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
		d, p, err := recovery.Again(requests[i]).OpenDevice(grant)
		if err != nil {
			require.True(t, err == recovery.ErrMalformed || err == recovery.ErrApproval, err)
			require.Nil(t, d)
			require.Zero(t, p)
			return
		}
		require.Equal(t, []byte(vectors[i].Grant), grant)
		require.Equal(t, []byte(vectors[i].Device.Secret), d.Secret())
	})
}

func FuzzParseDevice(f *testing.F) {
	for _, v := range loadApprovals(f)[:2] {
		secret := []byte(v.Device.Secret)
		f.Add(secret)
		f.Add(secret[:97])
		f.Add(append(bytes.Clone(secret[:66]), make([]byte, 32)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := recovery.ParseDevice(b)
		if err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Nil(t, d)
			return
		}
		require.Equal(t, b, d.Secret())
		require.Equal(t, recovery.SlotID(b[18:]), d.ID())
	})
}
