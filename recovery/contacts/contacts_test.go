package contacts_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

var account = bytes.Repeat([]byte{0x42}, 16)

func phrase(t testing.TB) *recovery.Phrase {
	p, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	return p
}

func newKeys(t testing.TB, n int) (keys []*contacts.Key, public [][]byte) {
	for range n {
		k, err := contacts.NewKey()
		require.NoError(t, err)
		keys, public = append(keys, k), append(public, k.PublicKey())
	}
	return keys, public
}

// appointed is a keyring with a phrase and k of n contacts, and their shares.
type appointed struct {
	keyring     *recovery.Keyring
	phrase      *recovery.Phrase
	id          recovery.SlotID
	keys        []*contacts.Key
	messages    [][]byte
	shares      []*contacts.Share
	fingerprint string
}

func appoint(t testing.TB, number []byte, k, n int) *appointed {
	words := phrase(t)
	keyring, err := recovery.Create(context.Background(), number, words)
	require.NoError(t, err)
	a := &appointed{keyring: keyring, phrase: words}
	a.split(t, k, n, nil)
	return a
}

// split adds a slot for new contacts, or replaces one.
func (a *appointed) split(t testing.TB, k, n int, replaced *recovery.SlotID) {
	var public [][]byte
	a.keys, public = newKeys(t, n)
	split, err := contacts.NewSplit(k, public...)
	require.NoError(t, err)
	require.Nil(t, split.Messages())
	if replaced == nil {
		a.id, err = a.keyring.Add(context.Background(), split)
	} else {
		a.id, err = a.keyring.Replace(context.Background(), *replaced, split)
	}
	require.NoError(t, err)
	a.messages, a.shares = split.Messages(), nil
	a.fingerprint = split.Fingerprint()
	require.Len(t, a.messages, n)
	for i, key := range a.keys {
		s, err := key.Open(a.messages[i])
		require.NoError(t, err)
		require.Equal(t, i+1, s.Index())
		a.shares = append(a.shares, s)
	}
}

func (a *appointed) header(t testing.TB) *recovery.Header {
	h, err := recovery.ParseHeader(a.keyring.Bytes())
	require.NoError(t, err)
	return h
}

func collection(t testing.TB, h *recovery.Header, id recovery.SlotID, shares ...*contacts.Share) *contacts.Collection {
	c, err := contacts.NewCollection(h, id)
	require.NoError(t, err)
	for _, s := range shares {
		require.NoError(t, c.Add(s))
	}
	return c
}

func openErr(t testing.TB, h *recovery.Header, o recovery.Opener) error {
	k, err := recovery.Open(context.Background(), h, o, recovery.FirstUse(account))
	require.Nil(t, k)
	require.Error(t, err)
	return err
}

// requireSame checks that a keyring has the master key of another's epoch.
func requireSame(t testing.TB, want, got *recovery.Keyring) {
	t.Helper()
	a, err := want.Key(want.Epoch())
	require.NoError(t, err)
	b, err := got.Key(want.Epoch())
	require.NoError(t, err)
	require.True(t, a.Equal(b))
}

func requireOpens(t testing.TB, want *recovery.Keyring, h *recovery.Header, o recovery.Opener) {
	t.Helper()
	got, err := recovery.Open(context.Background(), h, o, recovery.FirstUse(account))
	require.NoError(t, err)
	requireSame(t, want, got)
}

// requireShare checks that an error names a share.
func requireShare(t testing.TB, index int, want, err error) {
	t.Helper()
	var named *contacts.ShareError
	require.ErrorAs(t, err, &named)
	require.Equal(t, index, named.Index)
	require.ErrorIs(t, err, want)
}

func request(t testing.TB, p recovery.Purpose) *recovery.Request {
	r, err := recovery.NewRequest(p, account)
	require.NoError(t, err)
	return r
}

func release(t testing.TB, s *contacts.Share) *contacts.Share {
	r := request(t, recovery.ForShare)
	grant, err := s.ApproveQR(r.QR(), r.Ask())
	require.NoError(t, err)
	got, err := contacts.OpenGrant(r, grant)
	require.NoError(t, err)
	return got
}

// TestRecover recovers with both modes of approval, and stores and parses every
// value in between.
func TestRecover(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 2}, {2, 2}, {2, 3}, {3, 5}, {1, 32}, {32, 32}} {
		a := appoint(t, account, size[0], size[1])
		require.NoError(t, a.keyring.Rotate(t.Context()))
		h := a.header(t)
		c := collection(t, h, a.id)
		require.Equal(t, size, [2]int{c.Threshold(), c.Contacts()})
		for i := range size[0] {
			require.Equal(t, size[0]-i, c.Missing())
			require.Equal(t, contacts.ErrFew, openErr(t, h, c))

			j := size[1] - 1 - i
			key, err := contacts.ParseKey(a.keys[j].Secret())
			require.NoError(t, err)
			share, err := key.Open(a.messages[j])
			require.NoError(t, err)
			share, err = contacts.ParseShare(share.Secret())
			require.NoError(t, err)
			require.Equal(t, [16]byte(account), share.Account())
			require.Equal(t, a.id, share.Slot())
			require.Equal(t, []int{j + 1, size[0], size[1]}, []int{share.Index(), share.Threshold(), share.Contacts()})

			r := request(t, recovery.ForShare)
			var grant []byte
			if i%2 == 0 {
				grant, err = share.ApproveQR(r.QR(), r.Ask())
			} else {
				grant = byCode(t, share, r)
			}
			require.NoError(t, err)
			got, err := contacts.OpenGrant(r, grant)
			require.NoError(t, err)
			require.Equal(t, share.Secret(), got.Secret())
			_, err = contacts.OpenGrant(r, grant)
			require.Equal(t, recovery.ErrUsed, err)

			kept, err := contacts.ParseShare(got.Secret())
			require.NoError(t, err)
			require.NoError(t, c.Add(kept))
		}
		require.Zero(t, c.Missing())
		requireOpens(t, a.keyring, h, c)
		requireOpens(t, a.keyring, h, a.phrase)
		requireOpens(t, a.keyring, h, c) // again
	}
}

func byCode(t testing.TB, s *contacts.Share, r *recovery.Request) []byte {
	approval, err := s.Approve(r.Ask())
	require.NoError(t, err)
	reveal, code, err := r.Reveal(approval.Answer())
	require.NoError(t, err)
	shown, err := approval.Compare(reveal)
	require.NoError(t, err)
	require.Equal(t, code, shown)
	grant, err := approval.Grant()
	require.NoError(t, err)
	return grant
}

// TestAddNothing: a caller that ignored an error adds a nil share.
func TestAddNothing(t *testing.T) {
	a := appoint(t, account, 2, 2)
	require.Equal(t, contacts.ErrMalformed, collection(t, a.header(t), a.id).Add(nil))
}

// TestEverySubset: every two or more of 2 of 4 open, in any order, and fewer do
// not.
func TestEverySubset(t *testing.T) {
	a := appoint(t, account, 2, 4)
	h := a.header(t)
	opened := 0
	for set := range 1 << 4 {
		var shares []*contacts.Share
		for i := range 4 {
			if set>>i&1 == 1 {
				shares = append([]*contacts.Share{a.shares[i]}, shares...)
			}
		}
		c := collection(t, h, a.id, shares...)
		if len(shares) < 2 {
			require.Equal(t, contacts.ErrFew, openErr(t, h, c))
			continue
		}
		requireOpens(t, a.keyring, h, c)
		opened++
	}
	require.Equal(t, 6+4+1, opened)
}

// TestTwoSlots: each slot opens with its own shares alone. A slot that is added
// to the keyring in between does no harm.
func TestTwoSlots(t *testing.T) {
	a := appoint(t, account, 2, 2)
	family, shares := a.id, a.shares
	c := collection(t, a.header(t), family, shares...)
	a.split(t, 3, 3, nil)
	h := a.header(t)
	requireOpens(t, a.keyring, h, c)
	requireOpens(t, a.keyring, h, collection(t, h, a.id, a.shares...))
	requireShare(t, 1, contacts.ErrForeign, collection(t, h, a.id).Add(shares[0]))
}

// TestReplaceMakesOldSharesUseless: they open the old header alone.
func TestReplaceMakesOldSharesUseless(t *testing.T) {
	a := appoint(t, account, 2, 3)
	before, old, oldID := a.header(t), a.shares, a.id
	stale := collection(t, before, oldID, old...)
	requireOpens(t, a.keyring, before, stale)

	a.split(t, 2, 3, &oldID)
	h := a.header(t)
	_, err := contacts.NewCollection(nil, oldID)
	require.Equal(t, contacts.ErrMalformed, err)
	_, err = contacts.NewCollection(new(recovery.Header), oldID)
	require.Equal(t, recovery.ErrNotMine, err)
	_, err = contacts.NewCollection(h, oldID)
	require.Equal(t, recovery.ErrNotMine, err)
	require.Equal(t, recovery.ErrNotMine, openErr(t, h, stale))
	c := collection(t, h, a.id, a.shares[0])
	for i, s := range old {
		requireShare(t, i+1, contacts.ErrForeign, c.Add(s))
	}
	require.Equal(t, contacts.ErrFew, openErr(t, h, c))
	require.NoError(t, c.Add(a.shares[2]))
	requireOpens(t, a.keyring, h, c)

	require.NoError(t, a.keyring.Revoke(t.Context(), a.id))
	require.Equal(t, recovery.ErrNotMine, openErr(t, a.header(t), c))
}

// TestSizes checks the sizes in FORMAT.md.
func TestSizes(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 3}, {2, 3}, {32, 32}} {
		k, n := size[0], size[1]
		words := phrase(t)
		keyring, err := recovery.Create(t.Context(), account, words)
		require.NoError(t, err)
		before := len(keyring.Bytes())
		a := &appointed{keyring: keyring, phrase: words}
		a.split(t, k, n, nil)
		require.Equal(t, before+2580+32*n, len(keyring.Bytes()))
		require.Len(t, a.messages[0], 1273+32*n)
		require.Len(t, a.shares[0].Secret(), 101)
		require.Len(t, a.keys[0].PublicKey(), 1216)
		require.Len(t, a.keys[0].Secret(), 34)
	}
}

func TestNewSplit(t *testing.T) {
	_, public := newKeys(t, 33)
	for _, bad := range [][2]int{{0, 0}, {0, 2}, {1, 0}, {2, 1}, {3, 2}, {-1, 2}, {1, 33}, {2, 33}, {33, 33}, {256, 2}, {257, 2}} {
		_, err := contacts.NewSplit(bad[0], public[:bad[1]]...)
		require.ErrorIs(t, err, recovery.ErrPolicy, bad)
	}
	for _, good := range [][2]int{{1, 1}, {1, 2}, {2, 2}, {1, 32}, {32, 32}} {
		_, err := contacts.NewSplit(good[0], public[:good[1]]...)
		require.NoError(t, err, good)
	}
	_, err := contacts.NewSplit(2, public[0], public[1], public[0])
	requireShare(t, 3, recovery.ErrPolicy, err)
	notReduced := bytes.Repeat([]byte{0xff}, 1216) // coefficients of ML-KEM beyond its modulus
	for _, bad := range [][]byte{nil, public[1][1:], append(bytes.Clone(public[1]), 0), notReduced} {
		_, err := contacts.NewSplit(2, public[0], bad)
		requireShare(t, 2, contacts.ErrMalformed, err)
	}

	// A point of low order is noticed when something is to be sealed to it.
	low := bytes.Clone(public[1])
	clear(low[1216-32:])
	split, err := contacts.NewSplit(2, public[0], low)
	require.NoError(t, err)
	_, err = recovery.Create(t.Context(), account, split)
	requireShare(t, 2, contacts.ErrMalformed, err)
	require.Nil(t, split.Messages())
}

// TestSplitIsForOneSlot: a second use is refused.
func TestSplitIsForOneSlot(t *testing.T) {
	_, public := newKeys(t, 2)
	split, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	k, err := recovery.Create(t.Context(), account, split)
	require.NoError(t, err)
	messages := split.Messages()
	before := bytes.Clone(messages[0])
	_, err = k.Add(t.Context(), split)
	require.Equal(t, recovery.ErrUsed, err)
	clear(messages[0])
	require.Equal(t, before, split.Messages()[0], "a copy")

	other, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	for _, b := range []wrap.Binding{{Purpose: "p"}, {Purpose: "p", Account: account}, {Purpose: "p", Item: account}} {
		_, _, err = other.Seal(t.Context(), b, make([]byte, 64))
		require.Error(t, err)
		require.Nil(t, other.Messages())
	}

	slot := k.Slots()[0]
	require.Equal(t, recovery.SlotContacts, slot.Type)
	require.Equal(t, "contacts", slot.Type.String())
	require.Equal(t, []byte{2, 2}, slot.Params[32:34])
}

// TestSplitsAreUnrelated: two splits for the same contacts have no value in
// common.
func TestSplitsAreUnrelated(t *testing.T) {
	_, public := newKeys(t, 2)
	seen := make(map[string]bool)
	for range 2 {
		split, err := contacts.NewSplit(2, public...)
		require.NoError(t, err)
		k, err := recovery.Create(t.Context(), account, split)
		require.NoError(t, err)
		params := k.Slots()[0].Params
		for _, part := range [][]byte{params[:32], params[34:66], params[66:]} {
			require.False(t, seen[fmt.Sprint(part)])
			seen[fmt.Sprint(part)] = true
		}
	}
}

// TestOneContact: with k = 1 each contact opens the slot alone, and a wrong
// share is still found.
func TestOneContact(t *testing.T) {
	a := appoint(t, account, 1, 3)
	h := a.header(t)
	for i, s := range a.shares {
		c := collection(t, h, a.id)
		wrong := s.Secret()
		wrong[69] ^= 1
		requireShare(t, i+1, contacts.ErrWrong, c.Add(released(t, wrong)))
		require.Equal(t, contacts.ErrFew, openErr(t, h, c))
		require.NoError(t, c.Add(release(t, s)))
		requireShare(t, i+1, contacts.ErrDuplicate, c.Add(s))
		requireOpens(t, a.keyring, h, c)
	}
}

// TestFewerThanKOfMany: 31 of 32 shares are too few, and any 2 of 32 open 2 of
// 32.
func TestFewerThanKOfMany(t *testing.T) {
	a := appoint(t, account, 32, 32)
	h := a.header(t)
	c := collection(t, h, a.id, a.shares[1:]...)
	require.Equal(t, contacts.ErrFew, openErr(t, h, c))
	require.NoError(t, c.Add(a.shares[0]))
	requireOpens(t, a.keyring, h, c)

	a = appoint(t, account, 2, 32)
	h = a.header(t)
	for _, pair := range [][2]int{{0, 31}, {31, 30}, {15, 16}} {
		requireOpens(t, a.keyring, h, collection(t, h, a.id, a.shares[pair[0]], a.shares[pair[1]]))
	}
}

func TestConcurrentUse(t *testing.T) {
	a := appoint(t, account, 2, 8)
	h := a.header(t)
	c := collection(t, h, a.id)
	done := make(chan error)
	for i := range 8 {
		go func() {
			s, err := a.keys[0].Open(a.messages[0])
			if err == nil {
				_ = s.Secret()
				err = c.Add(a.shares[i])
			}
			c.Missing()
			_, _ = recovery.Open(context.Background(), h, c, recovery.FirstUse(account))
			done <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
	requireOpens(t, a.keyring, h, c)
}
