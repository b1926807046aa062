package contacts_test

import (
	"bytes"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

// TestFingerprint: all contacts of a split see what the owner sees, and of nothing
// else.
func TestFingerprint(t *testing.T) {
	a := appoint(t, account, 2, 3)
	require.Regexp(t, "^([0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}$", a.fingerprint)
	for _, s := range a.shares {
		require.Equal(t, a.fingerprint, s.Fingerprint())
	}

	id, other := a.id[:], bytes.Repeat([]byte{0x44}, 16)
	for _, b := range [][]byte{
		refRandom(2).share(account, id, 1, 3),
		refRandom(3).share(account, id, 1, 3),
		a.retold(other, id, 3),
		a.retold(account, other, 3),
		a.retold(account, id, 4),
	} {
		s, err := contacts.ParseShare(b)
		require.NoError(t, err)
		require.NotEqual(t, a.fingerprint, s.Fingerprint())
	}
	same, err := contacts.ParseShare(a.retold(account, id, 3))
	require.NoError(t, err)
	require.Equal(t, a.fingerprint, same.Fingerprint())

	require.NotEqual(t, contacts.Fingerprint(a.keys[0].PublicKey()), contacts.Fingerprint(a.keys[1].PublicKey()))
	split, err := contacts.NewSplit(2, a.keys[0].PublicKey(), a.keys[1].PublicKey())
	require.NoError(t, err)
	require.Empty(t, split.Fingerprint())
}

// retold is the first share of a split of two, with another account, slot or number
// of contacts.
func (a *appointed) retold(account, id []byte, n int) []byte {
	b := a.shares[0].Secret()
	return refShare(account, id, 1, 2, n, b[37:37+64], b[37+64:])
}

// TestAttack_MadeUpShares: the server seals shares of its own to the contacts' genuine
// keys, under the account's number, and hands out its own header to an owner who has
// lost everything. What gives it away is what the contacts compare.
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
	b := refRandom(2).share(account, a.id[:], 1, 3)
	message, err := refSeal(public[0], b)
	require.NoError(t, err)
	s, err := a.keys[0].Open(message)
	require.NoError(t, err)
	require.Equal(t, a.id, s.Slot())
	require.NotEqual(t, a.fingerprint, s.Fingerprint())
	requireShare(t, 1, contacts.ErrSplit, genuine.Add(s))
}

func bytesOf(number [16]byte) []byte { return number[:] }

// TestSplitOfAFailedChange: its messages are of a slot that is nowhere, and it takes a
// new one.
func TestSplitOfAFailedChange(t *testing.T) {
	_, public := newKeys(t, 2)
	split, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	_, err = recovery.Create(t.Context(), account, split, recovery.NewExport([]byte("short"), nil))
	require.ErrorIs(t, err, recovery.ErrPolicy)
	_, err = recovery.Create(t.Context(), account, split)
	require.ErrorIs(t, err, recovery.ErrUsed)
}
