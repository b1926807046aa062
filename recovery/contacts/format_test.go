package contacts_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

var slotID = bytes.Repeat([]byte{7}, 16)

func TestParseShareIsStrict(t *testing.T) {
	split := refNewSplit(refRandom(3), account, slotID, 5)
	valid := split.share(2)
	_, err := contacts.ParseShare(valid)
	require.NoError(t, err)
	for b := range testvec.Lengths(valid) {
		_, err := contacts.ParseShare(b)
		require.Equal(t, contacts.ErrMalformed, err)
	}
	zero := make([]byte, 16)
	d, v := split.digest(), split.values[1]
	for name, b := range map[string][]byte{
		"kind":      append([]byte("s"), valid[1:]...),
		"version 0": append([]byte("S\x00"), valid[2:]...),
		"version 2": append([]byte("S\x02"), valid[2:]...),
		"account":   refShare(zero, slotID, 2, 3, 5, d, v),
		"slot":      refShare(account, zero, 2, 3, 5, d, v),
		"index 0":   refShare(account, slotID, 0, 3, 5, d, v),
		"index > n": refShare(account, slotID, 6, 3, 5, d, v),
		"k > n":     refShare(account, slotID, 2, 3, 2, d, v),
		"k is 0":    refShare(account, slotID, 2, 0, 5, d, v),
		"n is 0":    refShare(account, slotID, 0, 0, 0, d, v),
		"n is 33":   refShare(account, slotID, 2, 3, 33, d, v),
		"k is 33":   refShare(account, slotID, 2, 33, 33, d, v),
	} {
		_, err := contacts.ParseShare(b)
		require.Equal(t, contacts.ErrMalformed, err, name)
	}
	for _, numbers := range [][3]int{{1, 1, 1}, {32, 1, 32}, {32, 32, 32}, {1, 3, 3}} { // all that is valid
		b := refShare(account, slotID, numbers[0], numbers[1], numbers[2], d, v)
		s, err := contacts.ParseShare(b)
		require.NoError(t, err)
		require.Equal(t, numbers, [3]int{s.Index(), s.Threshold(), s.Contacts()})
		require.Equal(t, b, s.Secret())
	}
}

// TestScalarsAreCanonical: f(i) + l is the same number in another encoding.
func TestScalarsAreCanonical(t *testing.T) {
	valid := refNewSplit(refRandom(2), account, slotID, 2).share(1)
	l, err := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	require.NoError(t, err)
	for _, times := range []int{1, 2, 14} {
		b := bytes.Clone(valid)
		value := b[69:]
		for range times {
			carry := 0
			for i := range value {
				carry += int(value[i]) + int(l[i])
				value[i] = byte(carry)
				carry >>= 8
			}
			require.Zero(t, carry)
		}
		_, err = contacts.ParseShare(b)
		require.Equal(t, contacts.ErrMalformed, err)
	}
	for last, want := range map[byte]error{0xec: nil, 0xed: contacts.ErrMalformed} { // l - 1 and l
		b := append(bytes.Clone(valid[:69]), l...)
		b[69] = last
		_, err = contacts.ParseShare(b)
		require.Equal(t, want, err)
	}
}

func TestParseKeyIsStrict(t *testing.T) {
	keys, _ := newKeys(t, 1)
	valid := keys[0].Secret()
	for b := range testvec.Lengths(valid) {
		_, err := contacts.ParseKey(b)
		require.Equal(t, contacts.ErrMalformed, err)
	}
	for _, bad := range [][]byte{append([]byte("D"), valid[1:]...), append([]byte("C\x00"), valid[2:]...), append([]byte("C\x01"), make([]byte, 32)...)} {
		_, err := contacts.ParseKey(bad)
		require.Equal(t, contacts.ErrMalformed, err)
	}
	again, err := contacts.ParseKey(valid)
	require.NoError(t, err)
	require.Equal(t, valid, again.Secret())
	require.Equal(t, keys[0].PublicKey(), again.PublicKey())
	clear(again.PublicKey())
	require.Equal(t, keys[0].PublicKey(), again.PublicKey(), "a copy")
	clear(again.Secret())
	require.Equal(t, valid, again.Secret(), "a copy")
}

// TestParsedValuesAreCopies: the caller may clear the bytes that were parsed.
func TestParsedValuesAreCopies(t *testing.T) {
	b := refNewSplit(refRandom(2), account, slotID, 2).share(1)
	want := bytes.Clone(b)
	s, err := contacts.ParseShare(b)
	require.NoError(t, err)
	clear(b)
	require.Equal(t, want, s.Secret())
	clear(s.Secret())
	require.Equal(t, want, s.Secret())

	keys, _ := newKeys(t, 1)
	b = keys[0].Secret()
	want = bytes.Clone(b)
	k, err := contacts.ParseKey(b)
	require.NoError(t, err)
	clear(b)
	require.Equal(t, want, k.Secret())
}

func TestSecretsRedactThemselves(t *testing.T) {
	a := appoint(t, 2, 2)
	seed := a.keys[0].Secret()[2:]
	value := a.values()[0]
	c := collection(t, a.header(t), a.id, a.shares...)
	testvec.Redacted(t, a.keys[0], seed)
	testvec.Redacted(t, a.shares[0], value)
	testvec.Redacted(t, c, value)
	testvec.Redacted(t, &struct {
		k *contacts.Key
		s *contacts.Share
		c *contacts.Collection
	}{a.keys[0], a.shares[0], c}, seed, value)
	for want, v := range map[string]any{"Key": a.keys[0], "Share": a.shares[0], "Collection": c} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			require.Equal(t, "contacts."+want+"(redacted)", fmt.Sprintf(verb, v))
		}
	}
	for _, v := range []any{a.keys[0], a.shares[0]} {
		_, err := json.Marshal([]any{v})
		require.Error(t, err, "a placeholder would lose the secret")
	}
	wrong := a.shares[0].Secret()
	wrong[69] ^= 1
	s, err := contacts.ParseShare(wrong)
	require.NoError(t, err)
	require.EqualError(t, collection(t, a.header(t), a.id).Add(s), "contacts: the share is wrong (share 1)")
}

func FuzzParseShare(f *testing.F) {
	f.Add(refNewSplit(refRandom(2), account, slotID, 2).share(1))
	f.Add(refNewSplit(refRandom(1), account, slotID, 1).share(1))
	f.Add(refNewSplit(refRandom(3), account, slotID, 32).share(32))
	f.Add(refShare(account, slotID, 1, 2, 2, make([]byte, 32), bytes.Repeat([]byte{0xff}, 32)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := contacts.ParseShare(b)
		if err != nil {
			require.Nil(t, s)
			return
		}
		require.Equal(t, b, s.Secret())
		require.True(t, 1 <= s.Index() && s.Index() <= s.Contacts() && s.Contacts() <= 32)
		require.True(t, 1 <= s.Threshold() && s.Threshold() <= s.Contacts())
	})
}

// FuzzOpenPlaintext alters the plaintext of a message in ways that keep its
// form. The contact keeps a share exactly if it fits the params beside it.
func FuzzOpenPlaintext(f *testing.F) {
	keys, public := newKeys(f, 1)
	f.Add(bytes.Repeat([]byte{3}, 64), uint8(1), uint8(2), []byte{})
	f.Add(bytes.Repeat([]byte{3}, 64), uint8(1), uint8(1), []byte{})
	f.Add(bytes.Repeat([]byte{5}, 64), uint8(2), uint8(32), []byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, coefficient []byte, k, n uint8, flips []byte) {
		if len(coefficient) != 64 || k < 1 || k > n || n > 32 {
			return
		}
		var p refPolynomial
		for range k {
			p = append(p, refUniform(coefficient))
		}
		split := refNewSplit(p, account, slotID, int(n))
		valid := split.plaintext(int(n))
		plaintext := bytes.Clone(valid)
		for j, flip := range flips[:min(len(flips), len(plaintext))] {
			plaintext[j] ^= flip
		}
		message, err := refSeal(public[0], plaintext)
		require.NoError(t, err)
		s, err := keys[0].Open(message)
		require.Equal(t, bytes.Equal(valid, plaintext), err == nil)
		if err == nil {
			require.Equal(t, split.share(int(n)), s.Secret())
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(append([]byte("C\x01"), bytes.Repeat([]byte{1}, 32)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := contacts.ParseKey(b)
		if err != nil {
			require.Nil(t, k)
			return
		}
		require.Equal(t, b, k.Secret())
	})
}

// FuzzOpenMessage opens messages, and plaintexts that a stranger sealed to the
// contact.
func FuzzOpenMessage(f *testing.F) {
	known := testvec.Load[[]knownAnswer](f, testdata, "testdata/contacts.json")[0] // the same in every process
	message, share := []byte(known.Contacts[0].Message), []byte(known.Contacts[0].Share)
	key, err := contacts.ParseKey(known.Contacts[0].Key)
	require.NoError(f, err)
	f.Add(message)
	f.Add(share)
	f.Add(slices.Concat(share, []byte(known.Params)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := key.Open(b); err == nil {
			require.Equal(t, message, b)
			require.Equal(t, share, s.Secret())
		}
		sealed, err := refSeal(key.PublicKey(), b)
		require.NoError(t, err)
		s, err := key.Open(sealed)
		if err != nil {
			require.Nil(t, s)
			return
		}
		require.Equal(t, b[:101], s.Secret())
		require.Equal(t, b[37:69], refSplitDigest(b[2:18], b[18:34], b[101:]))
	})
}

// FuzzOpenGrant opens whatever a contact releases.
func FuzzOpenGrant(f *testing.F) {
	f.Add(refNewSplit(refRandom(2), account, slotID, 2).share(1))
	f.Add(refNewSplit(refRandom(2), slotID, slotID, 2).share(1))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 || len(payload) > 4096 {
			return
		}
		if s, err := lying(t, account, payload); err == nil {
			require.Equal(t, payload, s.Secret())
			require.Equal(t, recovery.AccountID(account), s.Account())
		}
	})
}
