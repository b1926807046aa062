package contacts_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

// TestFingerprint: all contacts of a split see what the owner sees. Any other
// account, slot, salt, k, n or commitment gives another fingerprint.
func TestFingerprint(t *testing.T) {
	a := appoint(t, 2, 3)
	require.Regexp(t, "^([0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}$", a.fingerprint)
	for _, s := range a.shares {
		require.Equal(t, a.fingerprint, s.Fingerprint())
	}

	// The same values under other params.
	params := contactsSlot(t, a.header(t)).Params
	id, other := a.id[:], bytes.Repeat([]byte{0x44}, 16)
	values := a.values()
	salt := bytes.Clone(params[:32])
	salt[31] ^= 1
	for name, split := range map[string]*refSplit{
		"nothing":    {a.account, id, 2, 3, values, params},
		"account":    {other, id, 2, 3, values, refParams(params[:32], other, id, 2, values)},
		"slot":       {a.account, other, 2, 3, values, refParams(params[:32], a.account, other, 2, values)},
		"salt":       {a.account, id, 2, 3, values, refParams(salt, a.account, id, 2, values)},
		"k":          {a.account, id, 3, 3, values, refParams(params[:32], a.account, id, 3, values)},
		"n":          {a.account, id, 2, 2, values[:2], refParams(params[:32], a.account, id, 2, values[:2])},
		"commitment": {a.account, id, 2, 3, values, append(bytes.Clone(params[:len(params)-1]), params[len(params)-1]^1)},
	} {
		message, err := refSeal(a.keys[0].PublicKey(), split.plaintext(1))
		require.NoError(t, err)
		s, err := a.keys[0].Open(message)
		require.NoError(t, err, name)
		require.Equal(t, name == "nothing", a.fingerprint == s.Fingerprint(), name)
	}

	require.NotEqual(t, contacts.Fingerprint(a.keys[0].PublicKey()), contacts.Fingerprint(a.keys[1].PublicKey()))
	split, err := contacts.NewSplit(2, a.keys[0].PublicKey(), a.keys[1].PublicKey())
	require.NoError(t, err)
	require.Empty(t, split.Fingerprint())
}

// values are f_1 to f_n.
func (a *appointed) values() (values [][]byte) {
	for _, s := range a.shares {
		values = append(values, s.Secret()[69:])
	}
	return values
}

// TestAttack_MadeUpShares: the server seals its own shares to the contacts'
// genuine keys, under the account's number, and gives its own header to an
// owner who has lost everything. The contacts detect it when they compare
// fingerprints.
func TestAttack_MadeUpShares(t *testing.T) {
	a := appoint(t, 2, 3)
	var public [][]byte
	for _, k := range a.keys {
		public = append(public, k.PublicKey())
	}
	split, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	h := forgedHeader(t, a.account, split)
	id := h.Slots()[0].ID

	var kept []*contacts.Share
	genuine, madeUp := collection(t, a.header(t), a.id), collection(t, h, id)
	for i, message := range split.Messages() {
		s, err := a.keys[i].Open(message) // nothing in it says who made it
		require.NoError(t, err)
		require.Equal(t, recovery.AccountID(a.account), s.Account())
		require.NotEqual(t, a.fingerprint, s.Fingerprint(), "a contact who compares keeps no such share")
		requireShare(t, i+1, contacts.ErrForeign, genuine.Add(s))
		requireShare(t, i+1, contacts.ErrForeign, madeUp.Add(a.shares[i]))
		kept = append(kept, s)
	}
	require.Equal(t, contacts.ErrFew, openErr(t, h, madeUp), "with shares that were compared the server's header does not open")

	// With shares that were not compared it does.
	_, err = recovery.Open(t.Context(), h, collection(t, h, id, kept[:2]...), recovery.TrustOnFirstUse(h.Account()))
	require.NoError(t, err)

	// The same with the slot's own id, which the server knows.
	message, err := refSeal(public[0], refNewSplit(refRandom(2), a.account, a.id[:], 3).plaintext(1))
	require.NoError(t, err)
	s, err := a.keys[0].Open(message)
	require.NoError(t, err)
	require.Equal(t, a.id, s.Slot())
	require.NotEqual(t, a.fingerprint, s.Fingerprint())
	requireShare(t, 1, contacts.ErrSplit, genuine.Add(s))

	// With the genuine params the fingerprint is right, and the share is
	// refused by the contact.
	params := contactsSlot(t, a.header(t)).Params
	madeUpSplit := &refSplit{a.account, a.id[:], 2, 3, refRandom(2).values(3), params}
	message, err = refSeal(public[0], madeUpSplit.plaintext(1))
	require.NoError(t, err)
	_, err = a.keys[0].Open(message)
	requireShare(t, 1, contacts.ErrWrong, err)

	// With the genuine digest beside other params as well.
	forgedSplit := refNewSplit(refRandom(2), a.account, a.id[:], 3)
	b := refShare(a.account, a.id[:], 1, 2, 3, refSplitDigest(a.account, a.id[:], params), forgedSplit.values[0])
	message, err = refSeal(public[0], append(b, forgedSplit.params...))
	require.NoError(t, err)
	_, err = a.keys[0].Open(message)
	requireShare(t, 1, contacts.ErrSplit, err)
}

// forgedHeader is a header of the server's own under the number of an account.
func forgedHeader(t testing.TB, account []byte, split *contacts.Split) *recovery.Header {
	slot := refSlot{id: refRandomBytes(16), born: 1}
	lineage, master := refRandomBytes(32), refRandomBytes(32)
	seed := refRandomBytes(32)
	var err error
	slot.params, slot.wrapped, err = split.Seal(t.Context(), slotBinding(account, slot.id), slices.Concat(seed, lineage))
	require.NoError(t, err)
	require.NoError(t, slot.seal(account, 1, seed, master))
	h := refHeader{account: account, revision: 1, epoch: 1, floor: 1, previous: make([]byte, 32), slot: slot}
	parsed, err := recovery.ParseHeader(h.encode(lineage, master))
	require.NoError(t, err)
	return parsed
}

// TestSplitOfAFailedChange: its messages are for a slot that no header has. The
// owner needs a new Split.
func TestSplitOfAFailedChange(t *testing.T) {
	_, public := newKeys(t, 2)
	split, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	_, err = recovery.Create(t.Context(), split, recovery.NewExportKey([]byte("short"), nil))
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.NotNil(t, split.Messages())
	_, err = recovery.Create(t.Context(), split)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.ErrorContains(t, err, "one slot")
}
