package recovery_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
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

// fuzzedHeaders are what the fuzz targets of headers alter: the known answers,
// the smallest header, and one with all types. Whole headers are too long to be
// mutated: the fuzzer would spend its time making them smaller.
func fuzzedHeaders(f *testing.F) (headers [][]byte) {
	for _, a := range loadAnswers(f).Headers {
		headers = append(headers, a.Header)
	}
	k, _ := everySlot(f)
	k, _ = add(f, k, contactsOf(2, 3))
	return append(headers, create(f, phrase()).Header().Bytes(), rotated(f, k).Header().Bytes())
}

// splice replaces cut bytes of b at an offset.
func splice(b []byte, at uint32, cut uint16, put []byte) []byte {
	i := min(int(at%(1<<18)), len(b))
	j := min(i+int(cut), len(b))
	return slices.Concat(b[:i], put, b[j:])
}

// addSplices adds alterations of all fields of a header, and none.
func addSplices(add func(at uint32, cut uint16, put []byte), header []byte) {
	h := refParse(header)
	add(0, 0, nil)
	at := uint32(0)
	for _, size := range []uint16{4, 1, 16, 8, 4, 4, 32} { // up to the history
		add(at, size, make([]byte, size))
		add(at, size, header[at+1:at+1+uint32(size)])
		at += uint32(size)
	}
	if len(h.history) > 0 {
		add(at, 106, nil)
		add(at, 0, header[at:at+106])
	}
	at += uint32(106 * len(h.history))
	add(at, 1, []byte{0})
	at++
	for i, s := range h.slots {
		size := uint32(len(s.encode()))
		offset := uint32(0)
		for _, n := range []uint16{1, 1, 16, 4, 16, 2, uint16(len(s.params))} {
			if i < 2 {
				add(at+offset, n, header[at:at+uint32(n)])
			}
			offset += uint32(n)
		}
		add(at, uint16(size), nil)
		at += size
	}
	add(at, 32, nil)
	add(at, 64, append(bytes.Clone(h.masterMAC), h.lineageMAC...))
}

// FuzzParseHeader: a header that parses has one encoding, and the second
// implementation reads it too.
func FuzzParseHeader(f *testing.F) {
	headers := fuzzedHeaders(f)
	addSplices(func(at uint32, cut uint16, put []byte) { f.Add(uint8(4), at, cut, put, uint32(0), []byte(nil)) }, headers[4])
	for i := range headers {
		f.Add(uint8(i), uint32(21), uint16(8), []byte{0, 0, 0, 0, 0, 0, 0, 1}, uint32(37), make([]byte, 32))
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, cut uint16, put []byte, at2 uint32, put2 []byte) {
		b := splice(headers[int(which)%len(headers)], at, cut, put)
		b = splice(b, at2, uint16(min(len(put2), 1<<15)), put2)
		h, err := recovery.ParseHeader(b)
		if err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Nil(t, h)
			require.Panics(t, func() { refParse(b) })
			return
		}
		require.Equal(t, b[:len(b)-64], must(recovery.Encode(h)))
		require.Equal(t, b, h.Bytes())
		r := refParse(b)
		require.Equal(t, []uint32{r.epoch, r.floor}, []uint32{h.Epoch(), h.Floor()})
		slots := h.Slots()
		require.Len(t, slots, len(r.slots))
		require.NotZero(t, h.Account())
		for _, s := range slots {
			_, err := recovery.ParsePasskeySlot(s)
			require.Equal(t, s.Type == "passkey", err == nil)
			_, _, err = recovery.ParsePasswordSlot(s)
			require.Equal(t, s.Type == "password", err == nil)
		}
	})
}

// openErrors are the errors of Open for a header that parses.
var openErrors = []error{
	recovery.ErrWrongSecret, recovery.ErrUntrusted, recovery.ErrRollback, recovery.ErrFork, recovery.ErrOtherAccount, recovery.ErrPolicy,
	recovery.ErrNoCheckpoint,
}

// FuzzOpen: an altered header does not open.
func FuzzOpen(f *testing.F) {
	known := loadAnswers(f)
	last := known.Headers[len(known.Headers)-1]
	checkpoints := []recovery.Checkpoint{
		readCheckpoint(f, last.Checkpoint), recovery.TrustOnFirstUse(known.account()), readCheckpoint(f, known.Unconfirmed),
		readCheckpoint(f, known.Headers[0].Checkpoint),
	}
	var openers []recovery.Opener
	for _, a := range known.Slots {
		if a.Type != 1 { // which takes time
			openers = append(openers, a.slot(f, known))
		}
	}
	for i := range openers {
		addSplices(func(at uint32, cut uint16, put []byte) { f.Add(uint8(i), at, cut, put) }, last.Header)
	}
	f.Fuzz(func(t *testing.T, opener uint8, at uint32, cut uint16, put []byte) {
		b := splice(last.Header, at, cut, put)
		h, err := recovery.ParseHeader(b)
		if err != nil {
			return
		}
		for _, c := range checkpoints {
			k, err := recovery.Open(t.Context(), h, openers[int(opener)%len(openers)], c)
			if err != nil {
				require.Nil(t, k)
				require.True(t, slices.ContainsFunc(openErrors, func(want error) bool { return errors.Is(err, want) }), err)
				continue
			}
			require.Equal(t, []byte(last.Header), b, "nobody else has the keys")
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	known := loadAnswers(f)
	for _, a := range known.Headers {
		f.Add([]byte(a.Checkpoint))
	}
	f.Add([]byte(known.Unconfirmed))
	f.Add(must(create(f, phrase()).Checkpoint().MarshalBinary()))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c, again recovery.Checkpoint
		if err := c.UnmarshalBinary(b); err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Zero(t, c)
			return
		}
		require.LessOrEqual(t, len(b), 1704)
		require.Equal(t, b, must(c.MarshalBinary()))
		text := must(c.MarshalText())
		require.Equal(t, base64.StdEncoding.EncodeToString(b), string(text))
		require.NoError(t, again.UnmarshalText(text))
		require.Equal(t, c, again)
		require.NotZero(t, c.Account())
		require.NotZero(t, c.Revision())
	})
}

func FuzzCheckpointText(f *testing.F) {
	text := must(create(f, phrase()).Checkpoint().MarshalText())
	f.Add(text)
	f.Add(append(bytes.Clone(text), '\n'))
	f.Add(bytes.TrimRight(text, "="))
	f.Fuzz(func(t *testing.T, text []byte) {
		var c recovery.Checkpoint
		if err := c.UnmarshalText(text); err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Zero(t, c)
			return
		}
		require.Equal(t, text, must(c.MarshalText()))
	})
}

// FuzzBlob: an altered blob does not open.
func FuzzBlob(f *testing.F) {
	known := loadAnswers(f)
	k := known.openLast(f)
	for i, a := range known.Blobs {
		f.Add(uint8(i), a.Purpose, []byte(a.Item), []byte(a.Blob))
		f.Add(uint8(i), "nescio/"+a.Purpose, []byte(a.Item), []byte(a.Blob))
		for _, at := range []uint32{0, 1, 2, 5, 9, 10, 11, 36, 68, 84} {
			f.Add(uint8(i), a.Purpose, []byte(a.Item), splice(a.Blob, at, 1, []byte{1}))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, purpose string, item, blob []byte) {
		a := known.Blobs[int(which)%len(known.Blobs)]
		epoch, err := recovery.BlobEpoch(blob)
		malformed := err != nil
		if malformed {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Zero(t, epoch)
		}
		b := wrap.Binding{Purpose: purpose, Item: item}
		_, errNow := k.Unwrap(blob, b)
		secret, errOld := k.UnwrapOld(blob, b)
		_, errAgain := k.Rewrap(blob, b)
		for _, err := range []error{errNow, errOld, errAgain} {
			known := slices.ContainsFunc([]error{
				recovery.ErrMalformed, recovery.ErrUntrusted, recovery.ErrOldKey, recovery.ErrEpochClosed, recovery.ErrRollback, recovery.ErrPolicy,
			}, func(want error) bool { return errors.Is(err, want) })
			require.True(t, err == nil || known, err)
			require.True(t, !malformed || err == recovery.ErrMalformed, err)
		}
		if errOld == nil {
			require.True(t, slices.ContainsFunc(known.Blobs, func(a blobAnswer) bool {
				return bytes.Equal(a.Blob, blob) && bytes.Equal(a.Secret, secret) && a.Purpose == purpose && bytes.Equal(a.Item, item)
			}))
			require.NoError(t, errAgain)
		} else if bytes.Equal(blob, a.Blob) && purpose == a.Purpose && bytes.Equal(item, a.Item) {
			require.Equal(t, recovery.ErrEpochClosed, errOld)
		}
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
			require.ErrorIs(t, err, recovery.ErrMalformed)
			var wrong *recovery.PhraseError
			if errors.As(err, &wrong) {
				require.True(t, wrong.Position >= 0 && wrong.Position <= 24 && wrong.Words >= 0)
				require.True(t, wrong.Words == 0 || wrong.Position == 0)
				require.NotContains(t, []int{12, 24}, wrong.Words)
			}
			return
		}
		words := strings.Fields(p.Words())
		require.Len(t, words, len(recovery.Entropy(p))*3/4)
		for _, text := range []string{p.Words(), listed + strings.ReplaceAll(p.Words(), " ", "\u200b—") + listed} {
			again, err := recovery.ParsePhrase(text)
			require.NoError(t, err)
			require.Equal(t, recovery.Entropy(p), recovery.Entropy(again))
		}
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
		require.Equal(t, refSecretKeyText(recovery.SecretKeyBytes(k)), k.Text())
		require.Equal(t, strings.ReplaceAll(k.Text(), "-", ""), canonical(text))
	})
}

func FuzzParseFile(f *testing.F) {
	for _, a := range loadAnswers(f).Slots {
		if text, ok := a.Input["text"]; ok {
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
		id, half := refParseFile(file.Text())
		require.Equal(t, file.Text(), refFileText(id, half))
		own := file.ID()
		require.Equal(t, id, own[:])
		require.Nil(t, file.ServerSecret())
		text = strings.Map(func(c rune) rune {
			if isWithoutWidth(c) {
				return -1
			}
			if unicode.IsSpace(c) {
				return ' '
			}
			return c
		}, text)
		_, body, _ := strings.Cut(text, "-----BEGIN NESCIO RECOVERY FILE-----")
		body, _, _ = strings.Cut(body, "-----END NESCIO RECOVERY FILE-----")
		dense := func(text string) string { return strings.Join(strings.Fields(text), "") }
		require.Equal(t, dense(file.Text()), dense("-----BEGIN NESCIO RECOVERY FILE-----"+body+"-----END NESCIO RECOVERY FILE-----"))
	})
}

func FuzzParseDevice(f *testing.F) {
	secret := []byte(loadAnswers(f).Device)
	f.Add(secret)
	f.Add(secret[:97])
	f.Add(append(bytes.Clone(secret[:66]), make([]byte, 32)...))
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

// FuzzGrantPayload: of all payloads, each gives a device whose checkpoint has
// its slot.
func FuzzGrantPayload(f *testing.F) {
	known := loadAnswers(f)
	f.Add([]byte(known.Payload))
	f.Add(splice(known.Payload, 1, 16, make([]byte, 16)))
	f.Add(splice(known.Payload, 17, 32, make([]byte, 32)))
	f.Add(splice(known.Payload, 49, 1<<15, known.Unconfirmed))
	f.Fuzz(func(t *testing.T, payload []byte) {
		d, c, err := recovery.ParseGrant(known.account(), payload, bytes.Repeat([]byte{1}, 32))
		if err != nil {
			require.True(t, err == recovery.ErrMalformed || errors.Is(err, recovery.ErrUntrusted), err)
			require.Nil(t, d)
			return
		}
		id := d.ID()
		require.Equal(t, payload, refPayload(id[:], d.Secret()[66:], must(c.MarshalBinary())))
		require.True(t, bytes.Contains(payload[49:], id[:]))
		require.Equal(t, known.account(), c.Account())
	})
}

// FuzzState: what a Client reads from its Local has one form.
func FuzzState(f *testing.F) {
	all := states(f)
	for i, b := range all {
		for _, at := range []uint32{0, 1, 2, 3, 4, 20, 87, uint32(len(b)) - 40, uint32(len(b)) - 33, uint32(len(b)) - 1} {
			f.Add(uint8(i), at, uint16(1), []byte{0})
			f.Add(uint8(i), at, uint16(0), []byte{1})
		}
		f.Add(uint8(i), uint32(0), uint16(0), []byte(nil))
		f.Add(uint8(i), uint32(0), uint16(1<<16-1), []byte(all[2]))
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, cut uint16, put []byte) {
		b := splice(all[int(which)%len(all)], at, cut, put)
		again, err := recovery.ReadState(b)
		if err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Nil(t, again)
			return
		}
		require.True(t, bytes.Equal(b, again))
	})
}

func FuzzAccountIDText(f *testing.F) {
	for _, text := range append(badIDs("a00000000000000000000000000000ff"), "a00000000000000000000000000000ff", strings.Repeat("0", 32)) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var id recovery.AccountID
		var slot recovery.SlotID
		err := id.UnmarshalText(text)
		slotErr := slot.UnmarshalText(text)
		if err != nil {
			require.Equal(t, recovery.ErrMalformed, err)
			require.Zero(t, id)
			require.Equal(t, slotErr == nil, string(text) == strings.Repeat("0", 32))
			return
		}
		require.NoError(t, slotErr)
		require.Equal(t, recovery.SlotID(id), slot)
		require.Equal(t, string(text), id.String())
		require.Equal(t, string(text), hex.EncodeToString(id[:]))
		parsed, err := recovery.ParseAccountID(id[:])
		require.NoError(t, err)
		require.Equal(t, id, parsed)
	})
}
