package contacts_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

// TestFingerprint: all contacts of a split see what the owner sees. Any other
// account, slot, salt, k, n or commitment gives another fingerprint.
func TestFingerprint(t *testing.T) {
	a := appoint(t, account, 2, 3)
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
		"nothing":    {account, id, 2, 3, values, params},
		"account":    {other, id, 2, 3, values, refParams(params[:32], other, id, 2, values)},
		"slot":       {account, other, 2, 3, values, refParams(params[:32], account, other, 2, values)},
		"salt":       {account, id, 2, 3, values, refParams(salt, account, id, 2, values)},
		"k":          {account, id, 3, 3, values, refParams(params[:32], account, id, 3, values)},
		"n":          {account, id, 2, 2, values[:2], refParams(params[:32], account, id, 2, values[:2])},
		"commitment": {account, id, 2, 3, values, append(bytes.Clone(params[:len(params)-1]), params[len(params)-1]^1)},
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
	a := appoint(t, account, 2, 3)
	var public [][]byte
	for _, k := range a.keys {
		public = append(public, k.PublicKey())
	}
	split, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	forged, err := recovery.Create(t.Context(), account, split) // the same number
	require.NoError(t, err)
	h := forged.Header()
	id := h.Slots()[0].ID

	genuine, madeUp := collection(t, a.header(t), a.id), collection(t, h, id)
	for i, message := range split.Messages() {
		s, err := a.keys[i].Open(message) // nothing in it says who made it
		require.NoError(t, err)
		require.Equal(t, account, bytesOf(s.Account()))
		require.NotEqual(t, a.fingerprint, s.Fingerprint(), "a contact who compares keeps no such share")
		requireShare(t, i+1, contacts.ErrForeign, genuine.Add(s))
		requireShare(t, i+1, contacts.ErrForeign, madeUp.Add(a.shares[i]))
	}
	_, err = recovery.Open(t.Context(), h, madeUp, recovery.FirstUse(account))
	require.ErrorIs(t, err, contacts.ErrFew, "with shares that were compared the server's header does not open")

	// The same with the slot's own id, which the server knows.
	message, err := refSeal(public[0], refNewSplit(refRandom(2), account, a.id[:], 3).plaintext(1))
	require.NoError(t, err)
	s, err := a.keys[0].Open(message)
	require.NoError(t, err)
	require.Equal(t, a.id, s.Slot())
	require.NotEqual(t, a.fingerprint, s.Fingerprint())
	requireShare(t, 1, contacts.ErrSplit, genuine.Add(s))

	// With the genuine params the fingerprint is right, and the share is
	// refused by the contact.
	params := contactsSlot(t, a.header(t)).Params
	madeUpSplit := &refSplit{account, a.id[:], 2, 3, refRandom(2).values(3), params}
	message, err = refSeal(public[0], madeUpSplit.plaintext(1))
	require.NoError(t, err)
	_, err = a.keys[0].Open(message)
	requireShare(t, 1, contacts.ErrWrong, err)

	// With the genuine digest beside other params as well.
	forgedSplit := refNewSplit(refRandom(2), account, a.id[:], 3)
	b := refShare(account, a.id[:], 1, 2, 3, refSplitDigest(account, a.id[:], params), forgedSplit.values[0])
	message, err = refSeal(public[0], append(b, forgedSplit.params...))
	require.NoError(t, err)
	_, err = a.keys[0].Open(message)
	requireShare(t, 1, contacts.ErrSplit, err)
}

func bytesOf(number [16]byte) []byte { return number[:] }

// TestSplitOfAFailedChange: its messages are for a slot that no header has. The
// owner needs a new Split.
func TestSplitOfAFailedChange(t *testing.T) {
	_, public := newKeys(t, 2)
	split, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	_, err = recovery.Create(t.Context(), account, split, recovery.NewExport([]byte("short"), nil))
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, err = recovery.Create(t.Context(), account, split)
	require.ErrorIs(t, err, recovery.ErrUsed)
}
