package contacts_test

import (
	"bytes"
	"embed"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/gtank/ristretto255"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

//go:embed testdata
var testdata embed.FS

var update = flag.Bool("update", false, "write testdata/contacts.json anew")

const source = "Made by this package, TestKnownAnswer -update, which draws all that is random; the values are those of a second " +
	"implementation in reference_test.go. Hexadecimal. The names are those of the package documentation"

// knownAnswer is a keyring with a slot for 3 of 5 contacts, rotated once.
type knownAnswer struct {
	Header       testvec.Hex     `json:"header"`
	Pin          testvec.Hex     `json:"pin"`
	Account      testvec.Hex     `json:"account"`
	Slot         testvec.Hex     `json:"slot_id"`
	Born         uint32          `json:"born"`
	K            int             `json:"k"`
	N            int             `json:"n"`
	Coefficients []testvec.Hex   `json:"coefficients"` // a_0 to a_(k-1)
	DK           testvec.Hex     `json:"dk"`
	Params       testvec.Hex     `json:"params"`
	KEKSalt      testvec.Hex     `json:"kek_salt"`
	KEKInfo      testvec.Hex     `json:"kek_info"`
	KEK          testvec.Hex     `json:"kek"`
	Binding      testvec.Hex     `json:"binding"`
	Wrapped      testvec.Hex     `json:"wrapped"`
	Secret       testvec.Hex     `json:"secret"` // seed ‖ L
	Fingerprint  string          `json:"fingerprint"`
	Contacts     []contactAnswer `json:"contacts"`
}

type contactAnswer struct {
	Index       int         `json:"index"`
	Key         testvec.Hex `json:"key"`
	PublicKey   testvec.Hex `json:"public_key"`
	Fingerprint string      `json:"fingerprint"`
	Message     testvec.Hex `json:"message"`
	Share       testvec.Hex `json:"share"`
	Value       testvec.Hex `json:"value"` // f(index)
}

// answer computes all values from a slot, the contacts' keys and their messages, by the
// second implementation.
func answer(t testing.TB, header, pin []byte, account []byte, slot recovery.Slot, keys, messages []testvec.Hex) knownAnswer {
	a := knownAnswer{Header: header, Pin: pin, Account: account, Slot: slot.ID[:], Born: slot.Born,
		K: int(slot.Params[32]), N: int(slot.Params[33]), Params: slot.Params, Wrapped: slot.Wrapped}
	commitments := slot.Params[34:]
	require.Len(t, commitments, 32*a.K)
	require.Len(t, messages, a.N)
	var values []*ristretto255.Scalar
	for i, m := range messages {
		require.Equal(t, "C\x01", string(keys[i][:2]))
		pk, share, err := refOpen(keys[i][2:], m)
		require.NoError(t, err)
		value := share[len(share)-32:]
		require.Equal(t, refShare(account, slot.ID[:], i+1, a.K, a.N, commitments, value), share)
		a.Contacts = append(a.Contacts, contactAnswer{i + 1, keys[i], pk, refFingerprint("nescio/contacts/key/v1", pk), m, share, value})
		values = append(values, refScalar(value))
	}
	f := refInterpolate(values[:a.K])
	require.Equal(t, commitments, f.commitments())
	for i, v := range values {
		require.Equal(t, v.Bytes(), f.at(i+1).Bytes())
	}
	for _, c := range f {
		a.Coefficients = append(a.Coefficients, c.Bytes())
	}
	a.Fingerprint = refFingerprint("nescio/contacts/split/v1", slices.Concat(account, slot.ID[:], slot.Params[32:]))
	a.DK = refHKDF(a.Coefficients[0], nil, "nescio/slot/contacts/v1", 32)
	a.KEKSalt = append(slot.ID[:], slot.Params[:32]...)
	a.KEKInfo = append([]byte("nescio/slot/contacts/v1\x00\x00"), slot.Params...)
	a.KEK = refHKDF(a.DK, a.KEKSalt, string(a.KEKInfo), 32)
	a.Binding = refBinding("nescio/slot/contacts/v1", account, slot.ID[:], slot.Born)
	var err error
	a.Secret, err = refUnwrap(a.KEK, a.Binding, slot.Wrapped)
	require.NoError(t, err)
	require.Len(t, a.Secret, 64)
	return a
}

func (a *knownAnswer) keysAndMessages() (keys, messages []testvec.Hex) {
	for _, c := range a.Contacts {
		keys, messages = append(keys, c.Key), append(messages, c.Message)
	}
	return keys, messages
}

func contactsSlot(t testing.TB, h *recovery.Header) recovery.Slot {
	for _, s := range h.Slots() {
		if s.Type == recovery.SlotContacts {
			return s
		}
	}
	require.Fail(t, "no slot of contacts")
	return recovery.Slot{}
}

func writeKnownAnswer(t *testing.T) {
	a := appoint(t, bytes.Repeat([]byte{0x4c}, 16), 3, 5)
	a.keyring.Bytes() // seen: the next revision
	require.NoError(t, a.keyring.Rotate(t.Context()))
	pin, err := a.keyring.Pin()
	require.NoError(t, err)
	p, err := pin.MarshalBinary()
	require.NoError(t, err)
	var keys, messages []testvec.Hex
	for i, k := range a.keys {
		keys, messages = append(keys, k.Secret()), append(messages, a.messages[i])
	}
	account := a.keyring.Account()
	v := answer(t, a.keyring.Bytes(), p, account[:], contactsSlot(t, a.header(t)), keys, messages)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	require.NoError(t, e.Encode(struct {
		Source  string      `json:"source"`
		Vectors knownAnswer `json:"vectors"`
	}{source, v}))
	require.NoError(t, os.WriteFile("testdata/contacts.json", b.Bytes(), 0o644))
}

// TestKnownAnswer computes every value of testdata/contacts.json by a second
// implementation, and has the package open the same with every three of the five; with
// -update it writes the file.
func TestKnownAnswer(t *testing.T) {
	if *update {
		writeKnownAnswer(t)
		return
	}
	want := testvec.Load[knownAnswer](t, testdata, "testdata/contacts.json")
	h, err := recovery.ParseHeader(want.Header)
	require.NoError(t, err)
	require.Equal(t, [16]byte(want.Account), h.Account())
	slot := contactsSlot(t, h)
	keys, messages := want.keysAndMessages()
	require.Equal(t, want, answer(t, want.Header, want.Pin, want.Account, slot, keys, messages))
	require.Equal(t, []int{3, 5}, []int{want.K, want.N})
	require.EqualValues(t, 1, want.Born)

	var shares []*contacts.Share
	for _, c := range want.Contacts {
		key, err := contacts.ParseKey(c.Key)
		require.NoError(t, err)
		require.Equal(t, []byte(c.PublicKey), key.PublicKey())
		require.Equal(t, c.Fingerprint, contacts.Fingerprint(key.PublicKey()))
		s, err := key.Open(c.Message)
		require.NoError(t, err)
		require.Equal(t, []byte(c.Share), s.Secret())
		require.Equal(t, want.Fingerprint, s.Fingerprint())
		shares = append(shares, s)
	}
	var pin recovery.Pin
	require.NoError(t, pin.UnmarshalBinary(want.Pin))
	for i := range shares {
		for j := range i {
			for l := range j {
				c := collection(t, h, slot.ID, shares[j], shares[i], shares[l])
				_, err := recovery.Open(t.Context(), h, c, pin)
				require.NoError(t, err)
			}
		}
	}
}

// TestAgainstSecondImplementation: shares of other polynomials, made there, are right
// here, and the other way round.
func TestAgainstSecondImplementation(t *testing.T) {
	runs := 40
	if testing.Short() {
		runs = 8
	}
	slot := bytes.Repeat([]byte{7}, 16)
	for i := range runs {
		k := 2 + i%4
		n := k + i%3
		f := refRandom(k)
		keys, public := newKeys(t, 1)
		for j := 1; j <= n; j++ {
			b := f.share(account, slot, j, n)
			s, err := contacts.ParseShare(b)
			require.NoError(t, err)
			require.Equal(t, b, s.Secret())
			if j == 1 {
				message, err := refSeal(public[0], b)
				require.NoError(t, err)
				s, err = keys[0].Open(message)
				require.NoError(t, err)
				require.Equal(t, b, s.Secret())
			}
		}

		a := appoint(t, account, k, n)
		var ks, ms []testvec.Hex
		for j := range a.keys {
			ks, ms = append(ks, a.keys[j].Secret()), append(ms, a.messages[j])
		}
		answer(t, nil, nil, account, contactsSlot(t, a.header(t)), ks, ms)
	}
}
