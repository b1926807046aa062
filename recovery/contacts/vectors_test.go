package contacts_test

import (
	"embed"
	"flag"
	"math/bits"
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

var update = flag.Bool("update", false, "write new known answers to testdata/contacts.json")

const source = "Made by this package, under the licence of this module. TestKnownAnswer -update makes header and checkpoint again with random keys, " +
	"and keeps the other values. The second implementation in reference_test.go computed all of them. Hexadecimal. The names are those of FORMAT.md"

// knownAnswer is a keyring with one slot, for k of n contacts, rotated once.
type knownAnswer struct {
	Header       testvec.Hex     `json:"header"`
	Checkpoint   testvec.Hex     `json:"checkpoint"`
	Account      testvec.Hex     `json:"account"`
	Slot         testvec.Hex     `json:"slot"`
	Born         uint32          `json:"born"`
	K            int             `json:"k"`
	N            int             `json:"n"`
	Coefficients []testvec.Hex   `json:"coefficients"` // a_0 to a_(k-1)
	Salt         testvec.Hex     `json:"salt"`
	Params       testvec.Hex     `json:"params"`
	Split        testvec.Hex     `json:"split"`
	Fingerprint  string          `json:"fingerprint"`
	DK           testvec.Hex     `json:"dk"`
	KEKSalt      testvec.Hex     `json:"kek_salt"`
	KEKInfo      testvec.Hex     `json:"kek_info"`
	KEK          testvec.Hex     `json:"kek"`
	Binding      testvec.Hex     `json:"binding"`
	Wrapped      testvec.Hex     `json:"wrapped"`
	Secret       testvec.Hex     `json:"secret"` // 64 bytes
	Contacts     []contactAnswer `json:"contacts"`
}

type contactAnswer struct {
	Index       int         `json:"i"`
	Key         testvec.Hex `json:"key"`
	PublicKey   testvec.Hex `json:"public_key"`
	Fingerprint string      `json:"fingerprint"`
	Value       testvec.Hex `json:"value"` // f_i
	Commitment  testvec.Hex `json:"commitment"`
	Share       testvec.Hex `json:"share"`
	Message     testvec.Hex `json:"message"`
}

// answer computes all values from a slot, the contacts' keys and their
// messages, with the second implementation.
func answer(t testing.TB, header, checkpoint, account []byte, slot recovery.Slot, keys, messages []testvec.Hex) knownAnswer {
	a := knownAnswer{Header: header, Checkpoint: checkpoint, Account: account, Slot: slot.ID[:], Born: slot.Born, K: int(slot.Params[32]),
		N: int(slot.Params[33]), Salt: slot.Params[:32], Params: slot.Params, Wrapped: slot.Wrapped}
	a.Split = refSplitDigest(account, slot.ID[:], slot.Params)
	a.Fingerprint = refFingerprint(a.Split)
	require.Len(t, messages, a.N)
	var values [][]byte
	var scalars []*ristretto255.Scalar
	for i, m := range messages {
		require.Equal(t, "C\x01", string(keys[i][:2]))
		pk, plaintext, err := refOpen(keys[i][2:], m)
		require.NoError(t, err)
		share, value := plaintext[:101], plaintext[69:101]
		require.Equal(t, refShare(account, slot.ID[:], i+1, a.K, a.N, a.Split, value), share)
		require.Equal(t, slot.Params, plaintext[101:])
		a.Contacts = append(a.Contacts, contactAnswer{i + 1, keys[i], pk, refFingerprint(refHash("nescio/contacts/key/v1", pk)),
			value, slot.Params[34+32*i:][:32], share, m})
		values, scalars = append(values, value), append(scalars, refScalar(value))
	}
	require.Equal(t, slot.Params, refParams(a.Salt, account, slot.ID[:], a.K, values))
	f := refInterpolate(scalars[:a.K])
	require.Equal(t, values, f.values(a.N))
	for _, c := range f {
		a.Coefficients = append(a.Coefficients, c.Bytes())
	}
	a.DK = refHKDF(a.Coefficients[0], nil, "nescio/slot/contacts/v1", 32)
	a.KEKSalt = slices.Concat(slot.ID[:], a.Salt)
	a.KEKInfo = append([]byte("nescio/slot/contacts/v1\x00\x00"), slot.Params...)
	a.KEK = refHKDF(a.DK, a.KEKSalt, string(a.KEKInfo), 32)
	a.Binding = testvec.WrapBinding("nescio/slot/contacts/v1", account, slot.ID[:], uint64(slot.Born))
	var err error
	a.Secret, err = testvec.WrapOpen(a.KEK, a.Binding, slot.Wrapped)
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
		if s.Type == "contacts" {
			return s
		}
	}
	require.Fail(t, "no slot of contacts")
	return recovery.Slot{}
}

// knownSizes are k and n of the known answers.
var knownSizes = [][2]int{{3, 5}, {1, 2}}

// renew makes the header and the checkpoint again: revision 2 in epoch 2.
func (a *knownAnswer) renew(t *testing.T) {
	seed, lineage := a.Secret[:32], a.Secret[32:]
	before, master := refRandomBytes(32), refRandomBytes(32)
	slot := refSlot{id: a.Slot, born: a.Born, params: a.Params, wrapped: a.Wrapped}
	require.NoError(t, slot.seal(a.Account, 2, seed, master))
	history := testvec.WrapSeal(master, testvec.WrapBinding("nescio/history/v1", a.Account, nil, 1), refRandomBytes(24), before)
	h := refHeader{account: a.Account, revision: 2, epoch: 2, floor: 1, previous: refRandomBytes(32), history: history, slot: slot}
	a.Header = h.encode(lineage, master)
	a.Checkpoint = h.checkpoint(a.Header, master)
}

func (a *appointed) keysAndMessages() (keys, messages []testvec.Hex) {
	for i, k := range a.keys {
		keys, messages = append(keys, k.Secret()), append(messages, a.messages[i])
	}
	return keys, messages
}

func writeKnownAnswers(t *testing.T, answers []knownAnswer) {
	for i := range answers {
		answers[i].renew(t)
	}
	testvec.Write(t, "testdata/contacts.json", source, answers)
}

// TestKnownAnswer computes every value of testdata/contacts.json with the
// second implementation. The package opens the same slots with every k of the n
// shares. With -update it writes the file.
func TestKnownAnswer(t *testing.T) {
	answers := testvec.Load[[]knownAnswer](t, testdata, "testdata/contacts.json")
	if *update {
		writeKnownAnswers(t, answers)
	}
	require.Len(t, answers, len(knownSizes))
	for i, want := range answers {
		require.Equal(t, knownSizes[i], [2]int{want.K, want.N})
		testKnownAnswer(t, want)
	}
}

func testKnownAnswer(t *testing.T, want knownAnswer) {
	h, err := recovery.ParseHeader(want.Header)
	require.NoError(t, err)
	require.Equal(t, recovery.AccountID(want.Account), h.Account())
	slot := contactsSlot(t, h)
	keys, messages := want.keysAndMessages()
	require.Equal(t, want, answer(t, want.Header, want.Checkpoint, want.Account, slot, keys, messages))
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
	var checkpoint recovery.Checkpoint
	require.NoError(t, checkpoint.UnmarshalBinary(want.Checkpoint))
	opened := 0
	for set := range 1 << want.N {
		if bits.OnesCount(uint(set)) != want.K {
			continue
		}
		c := collection(t, h, slot.ID)
		for i, s := range shares {
			if set>>i&1 == 1 {
				require.NoError(t, c.Add(s))
			}
		}
		k, err := recovery.Open(t.Context(), h, c, checkpoint)
		require.NoError(t, err)
		require.Equal(t, checkpoint, k.Checkpoint())
		opened++
	}
	require.NotZero(t, opened)
}

// TestAgainstSecondImplementation: each implementation reads what the other has
// made.
func TestAgainstSecondImplementation(t *testing.T) {
	runs := 40
	if testing.Short() {
		runs = 8
	}
	keys, public := newKeys(t, 1)
	for i := range runs {
		k := 1 + i%4
		n := k + i%3
		split := refNewSplit(refRandom(k), account, slotID, n)
		for j := 1; j <= n; j++ {
			message, err := refSeal(public[0], split.plaintext(j))
			require.NoError(t, err)
			s, err := keys[0].Open(message)
			require.NoError(t, err)
			require.Equal(t, split.share(j), s.Secret())
			require.Equal(t, refFingerprint(split.digest()), s.Fingerprint())
		}

		a := appoint(t, k, n)
		ks, ms := a.keysAndMessages()
		answer(t, nil, nil, a.account, contactsSlot(t, a.header(t)), ks, ms)
	}
}
