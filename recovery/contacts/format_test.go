package contacts_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/gtank/ristretto255"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

var slotID = bytes.Repeat([]byte{7}, 16)

func TestParseShareIsStrict(t *testing.T) {
	f := refRandom(3)
	valid := f.share(account, slotID, 2, 5)
	_, err := contacts.ParseShare(valid)
	require.NoError(t, err)
	for b := range testvec.Lengths(valid) {
		_, err := contacts.ParseShare(b)
		require.Equal(t, contacts.ErrMalformed, err)
	}
	zero := make([]byte, 16)
	c, v := f.commitments(), f.at(2).Bytes()
	for name, b := range map[string][]byte{
		"kind":        append([]byte("s"), valid[1:]...),
		"version":     append([]byte("S\x02"), valid[2:]...),
		"account":     refShare(zero, slotID, 2, 3, 5, c, v),
		"slot":        refShare(account, zero, 2, 3, 5, c, v),
		"index 0":     refShare(account, slotID, 0, 3, 5, c, f.at(0).Bytes()),
		"index > n":   refShare(account, slotID, 6, 3, 5, c, f.at(6).Bytes()),
		"k > n":       refShare(account, slotID, 2, 3, 2, c, v),
		"k is 0":      refShare(account, slotID, 2, 0, 5, nil, v),
		"k is 1":      refShare(account, slotID, 2, 1, 5, f[:1].commitments(), f[0].Bytes()),
		"n is 33":     refShare(account, slotID, 2, 3, 33, c, v),
		"k is 33":     refRandom(33).share(account, slotID, 2, 33),
		"no elements": refShare(account, slotID, 2, 3, 5, bytes.Repeat([]byte{1}, 96), v),
	} {
		_, err := contacts.ParseShare(b)
		require.Equal(t, contacts.ErrMalformed, err, name)
	}
	for _, n := range []int{3, 32} { // all that is possible
		_, err := contacts.ParseShare(refShare(account, slotID, 2, 3, n, c, v))
		require.NoError(t, err)
	}
}

// TestZeroIsMalformed: values that would fit, and that no honest split has.
func TestZeroIsMalformed(t *testing.T) {
	zero := ristretto255.NewScalar()
	a := refRandom(1)[0]
	minus := ristretto255.NewScalar().Negate(ristretto255.NewScalar().Multiply(a, refSmall(2)))
	for name, f := range map[string]refPolynomial{
		"a_1 = 0":  {a, zero},
		"a_0 = 0":  {zero, a},
		"f(2) = 0": {minus, a},
	} {
		_, err := contacts.ParseShare(f.share(account, slotID, 2, 2))
		require.Equal(t, contacts.ErrMalformed, err, name)
	}
}

// TestScalarsAreCanonical: f(i) + l is the same number, in another encoding.
func TestScalarsAreCanonical(t *testing.T) {
	f := refRandom(2)
	valid := f.share(account, slotID, 1, 2)
	l, err := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	require.NoError(t, err)
	for _, times := range []int{1, 2, 15} {
		b := bytes.Clone(valid)
		value := b[len(b)-32:]
		for range times {
			carry := 0
			for i := range value {
				carry += int(value[i]) + int(l[i])
				value[i] = byte(carry)
				carry >>= 8
			}
		}
		_, err = contacts.ParseShare(b)
		require.Equal(t, contacts.ErrMalformed, err)
	}
}

// TestElementsAreCanonical: RFC 9496, Appendix A.2, one of each kind.
func TestElementsAreCanonical(t *testing.T) {
	f := refRandom(2)
	for _, bad := range []string{
		"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // not a field element
		"f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0100000000000000000000000000000000000000000000000000000000000000", // negative
		"01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", // no square
		"3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e", // xy negative
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y = 0
	} {
		b, err := hex.DecodeString(bad)
		require.NoError(t, err)
		for i := range 2 {
			c := f.commitments()
			copy(c[32*i:], b)
			_, err = contacts.ParseShare(refShare(account, slotID, 1, 2, 2, c, f.at(1).Bytes()))
			require.Equal(t, contacts.ErrMalformed, err, bad)
		}
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

// TestParsedValuesAreCopies: the caller may clear what was read.
func TestParsedValuesAreCopies(t *testing.T) {
	b := refRandom(2).share(account, slotID, 1, 2)
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
	a := appoint(t, account, 2, 2)
	seed := a.keys[0].Secret()[2:]
	value := a.shares[0].Secret()[69+64-32:]
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
		require.Error(t, err, "nothing in their place would lose them")
	}
	wrong := a.shares[0].Secret()
	wrong[len(wrong)-32] ^= 1
	_, err := contacts.ParseShare(wrong)
	require.EqualError(t, err, "contacts: the share is wrong (share 1)")
}

func FuzzParseShare(f *testing.F) {
	f.Add(refRandom(2).share(account, slotID, 1, 2))
	f.Add(refRandom(3).share(account, slotID, 32, 32))
	f.Add(refShare(account, slotID, 1, 2, 2, make([]byte, 64), make([]byte, 32)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := contacts.ParseShare(b)
		if err != nil {
			require.Nil(t, s)
			return
		}
		require.Equal(t, b, s.Secret())
		require.True(t, 1 <= s.Index() && s.Index() <= s.Contacts() && s.Threshold() >= 2)
	})
}

// FuzzParseShareValues has the fuzzer draw the polynomial and the numbers, so that it
// gets beyond the encodings.
func FuzzParseShareValues(f *testing.F) {
	f.Add(make([]byte, 64), make([]byte, 64), uint8(1), uint8(2), []byte{})
	f.Add(bytes.Repeat([]byte{3}, 64), bytes.Repeat([]byte{5}, 64), uint8(2), uint8(32), []byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, a0, a1 []byte, i, n uint8, flips []byte) {
		if len(a0) != 64 || len(a1) != 64 {
			return
		}
		p := refPolynomial{refUniform(a0), refUniform(a1)}
		b := refShare(account, slotID, int(i), 2, int(n), p.commitments(), p.at(int(i)).Bytes())
		changed := false
		for j, flip := range flips[:min(len(flips), 96)] {
			b[37+j] ^= flip
			changed = changed || flip != 0
		}
		_, err := contacts.ParseShare(b)
		zero := ristretto255.NewScalar()
		possible := i >= 1 && i <= n && n >= 2 && n <= 32 && p[0].Equal(zero) == 0 && p[1].Equal(zero) == 0 && p.at(int(i)).Equal(zero) == 0
		require.Equal(t, possible && !changed, err == nil)
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

// FuzzOpenMessage opens messages, and what is sealed to the contact by a stranger.
func FuzzOpenMessage(f *testing.F) {
	known := testvec.Load[knownAnswer](f, testdata, "testdata/contacts.json").Contacts[0] // the same in every process
	message, share := []byte(known.Message), []byte(known.Share)
	key, err := contacts.ParseKey(known.Key)
	require.NoError(f, err)
	f.Add(message)
	f.Add(share)
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := key.Open(b); err == nil {
			require.Equal(t, message, b)
			require.Equal(t, share, s.Secret())
		}
		sealed, err := refSeal(key.PublicKey(), b)
		require.NoError(t, err)
		s, err := key.Open(sealed)
		if _, bad := contacts.ParseShare(b); bad != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, b, s.Secret())
	})
}

// FuzzOpenGrant: whatever a contact releases.
func FuzzOpenGrant(f *testing.F) {
	f.Add(refRandom(2).share(account, slotID, 1, 2))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 || len(payload) > 4094 {
			return
		}
		r, err := recovery.NewRequest(recovery.ForShare, account)
		require.NoError(t, err)
		grant, err := recovery.ApproveShareQR(account, r.QR(), r.Ask(), payload)
		require.NoError(t, err)
		if s, err := contacts.OpenGrant(r, grant); err == nil {
			require.Equal(t, payload, s.Secret())
		}
	})
}
