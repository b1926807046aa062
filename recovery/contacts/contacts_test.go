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

// account is the number of an account without a keyring.
var account = bytes.Repeat([]byte{0x42}, 16)

func phrase(t testing.TB) *recovery.Phrase {
	p, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	return p
}

// slotBinding is the binding of a slot that was made in the first epoch.
func slotBinding(account, slot []byte) wrap.Binding {
	return wrap.Binding{Purpose: "nescio/slot/contacts/v1", Account: account, Item: slot, Epoch: 1}
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
	account     []byte
	id          recovery.SlotID
	keys        []*contacts.Key
	messages    [][]byte
	shares      []*contacts.Share
	fingerprint string
}

func appoint(t testing.TB, k, n int) *appointed {
	a := signUp(t)
	a.split(t, k, n, nil)
	return a
}

// signUp returns a keyring with a phrase.
func signUp(t testing.TB) *appointed {
	words := phrase(t)
	draft, err := recovery.Create(context.Background(), words)
	require.NoError(t, err)
	account := draft.Stored().Account()
	return &appointed{keyring: draft.Stored(), phrase: words, account: account[:]}
}

// edit stores a change.
func (a *appointed) edit(t testing.TB, f func(*recovery.Edit) error) {
	draft, err := a.keyring.Edit(f)
	require.NoError(t, err)
	a.keyring = draft.Stored()
}

// split adds a slot for new contacts, or replaces one.
func (a *appointed) split(t testing.TB, k, n int, replaced *recovery.SlotID) {
	var public [][]byte
	a.keys, public = newKeys(t, n)
	split, err := contacts.NewSplit(k, public...)
	require.NoError(t, err)
	require.Nil(t, split.Messages())
	slot, err := a.keyring.Seal(context.Background(), split)
	require.NoError(t, err)
	a.edit(t, func(e *recovery.Edit) error {
		if replaced == nil {
			return e.Add(slot)
		}
		return e.Replace(*replaced, slot)
	})
	a.id = slot.ID()
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
	h, err := recovery.ParseHeader(a.keyring.Header().Bytes())
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
	t.Helper()
	k, err := recovery.Open(context.Background(), h, o, recovery.TrustOnFirstUse(h.Account()))
	require.Nil(t, k)
	require.Error(t, err)
	return err
}

// requireOpens checks that o opens h, and that the result has the keys of
// another keyring.
func requireOpens(t testing.TB, want *recovery.Keyring, h *recovery.Header, o recovery.Opener) {
	t.Helper()
	got, err := recovery.Open(context.Background(), h, o, recovery.TrustOnFirstUse(h.Account()))
	require.NoError(t, err)
	b := wrap.Binding{Purpose: "example.org/test/v1"}
	blob, err := want.Wrap([]byte("secret"), b)
	require.NoError(t, err)
	secret, err := got.Unwrap(blob, b)
	require.NoError(t, err)
	require.Equal(t, "secret", string(secret))
}

// requireShare checks that an error names a share.
func requireShare(t testing.TB, index int, want, err error) {
	t.Helper()
	var named *contacts.ShareError
	require.ErrorAs(t, err, &named)
	require.Equal(t, index, named.Index)
	require.ErrorIs(t, err, want)
}

func request(t testing.TB, account []byte) *contacts.Request {
	r, err := contacts.NewRequest(recovery.AccountID(account))
	require.NoError(t, err)
	return r
}

// showing is a request that shows its QR code.
func showing(t testing.TB, account []byte) *contacts.Request {
	r := request(t, account)
	require.NotEmpty(t, r.QR())
	return r
}

// exchanged is an approval by short code before anyone has typed a half.
type exchanged struct {
	approval           *contacts.Approval
	atOwner, atContact string // the halves on the screens
}

func exchange(t testing.TB, s *contacts.Share, r *contacts.Request) (x exchanged) {
	var err error
	x.approval, err = s.Approve(r.Ask())
	require.NoError(t, err)
	var reveal []byte
	reveal, x.atOwner, err = r.Reveal(x.approval.Answer())
	require.NoError(t, err)
	x.atContact, err = x.approval.Code(reveal)
	require.NoError(t, err)
	return x
}

func byQR(t testing.TB, s *contacts.Share, r *contacts.Request) (*contacts.Share, []byte) {
	grant, err := s.ApproveQR(r.QR(), r.Ask())
	require.NoError(t, err)
	got, err := r.Open(grant, "")
	require.NoError(t, err)
	return got, grant
}

func byCode(t testing.TB, s *contacts.Share, r *contacts.Request) (*contacts.Share, []byte) {
	x := exchange(t, s, r)
	grant, err := x.approval.Grant(x.atOwner)
	require.NoError(t, err)
	got, err := r.Open(grant, x.atContact)
	require.NoError(t, err)
	return got, grant
}

func release(t testing.TB, s *contacts.Share) *contacts.Share {
	account := s.Account()
	got, _ := byQR(t, s, request(t, account[:]))
	return got
}

// TestRecover recovers with both modes of approval, and stores and parses every
// value in between.
func TestRecover(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 2}, {2, 2}, {2, 3}, {3, 5}, {1, 32}, {32, 32}} {
		a := appoint(t, size[0], size[1])
		a.edit(t, func(e *recovery.Edit) error { e.Rotate(); return nil })
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
			require.Equal(t, recovery.AccountID(a.account), share.Account())
			require.Equal(t, a.id, share.Slot())
			require.Equal(t, []int{j + 1, size[0], size[1]}, []int{share.Index(), share.Threshold(), share.Contacts()})

			r := request(t, a.account)
			approve := byQR
			if i%2 == 1 {
				approve = byCode
			}
			got, grant := approve(t, share, r)
			require.Equal(t, share.Secret(), got.Secret())
			_, err = r.Open(grant, "")
			require.ErrorIs(t, err, recovery.ErrPolicy, "one grant")

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

// TestAddNothing: a caller that ignored an error adds a nil share.
func TestAddNothing(t *testing.T) {
	a := appoint(t, 2, 2)
	require.Equal(t, contacts.ErrMalformed, collection(t, a.header(t), a.id).Add(nil))
}

// TestEverySubset: every two or more of 2 of 4 open, in any order, and fewer do
// not.
func TestEverySubset(t *testing.T) {
	a := appoint(t, 2, 4)
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
	a := appoint(t, 2, 2)
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
	a := appoint(t, 2, 3)
	before, old, oldID := a.header(t), a.shares, a.id
	stale := collection(t, before, oldID, old...)
	requireOpens(t, a.keyring, before, stale)

	a.split(t, 2, 3, &oldID)
	h := a.header(t)
	_, err := contacts.NewCollection(nil, oldID)
	require.Equal(t, contacts.ErrMalformed, err)
	_, err = contacts.NewCollection(new(recovery.Header), oldID)
	require.Equal(t, recovery.ErrWrongSecret, err)
	_, err = contacts.NewCollection(h, oldID)
	require.Equal(t, recovery.ErrWrongSecret, err)
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, h, stale))
	c := collection(t, h, a.id, a.shares[0])
	for i, s := range old {
		requireShare(t, i+1, contacts.ErrForeign, c.Add(s))
	}
	require.Equal(t, contacts.ErrFew, openErr(t, h, c))
	require.NoError(t, c.Add(a.shares[2]))
	requireOpens(t, a.keyring, h, c)

	a.edit(t, func(e *recovery.Edit) error { return e.Revoke(a.id) })
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, a.header(t), c))
}

// TestSizes checks the sizes in FORMAT.md.
func TestSizes(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 3}, {2, 3}, {32, 32}} {
		k, n := size[0], size[1]
		a := signUp(t)
		before := len(a.header(t).Bytes())
		a.split(t, k, n, nil)
		require.Equal(t, before+2596+32*n, len(a.header(t).Bytes()))
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
	_, err = recovery.Create(t.Context(), split)
	requireShare(t, 2, contacts.ErrMalformed, err)
	require.Nil(t, split.Messages())
}

// TestSplitIsForOneSlot: a second use is refused.
func TestSplitIsForOneSlot(t *testing.T) {
	_, public := newKeys(t, 2)
	split, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	draft, err := recovery.Create(t.Context(), split)
	require.NoError(t, err)
	messages := split.Messages()
	before := bytes.Clone(messages[0])
	_, err = draft.Stored().Seal(t.Context(), split)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.ErrorContains(t, err, "one slot")
	clear(messages[0])
	require.Equal(t, before, split.Messages()[0], "a copy")

	other, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	for _, b := range []wrap.Binding{{Purpose: "p"}, {Purpose: "p", Account: account}, {Purpose: "p", Item: account}} {
		_, _, err = other.Seal(t.Context(), b, make([]byte, 64))
		require.Error(t, err)
		require.Nil(t, other.Messages())
	}

	slot := draft.Header().Slots()[0]
	require.Equal(t, "contacts", slot.Type)
	require.Equal(t, "contacts", split.Type())
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
		draft, err := recovery.Create(t.Context(), split)
		require.NoError(t, err)
		params := draft.Header().Slots()[0].Params
		for _, part := range [][]byte{params[:32], params[34:66], params[66:]} {
			require.False(t, seen[fmt.Sprint(part)])
			seen[fmt.Sprint(part)] = true
		}
	}
}

// TestOneContact: with k = 1 each contact opens the slot alone, and a wrong
// share is still found.
func TestOneContact(t *testing.T) {
	a := appoint(t, 1, 3)
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
	a := appoint(t, 32, 32)
	h := a.header(t)
	c := collection(t, h, a.id, a.shares[1:]...)
	require.Equal(t, contacts.ErrFew, openErr(t, h, c))
	require.NoError(t, c.Add(a.shares[0]))
	requireOpens(t, a.keyring, h, c)

	a = appoint(t, 2, 32)
	h = a.header(t)
	for _, pair := range [][2]int{{0, 31}, {31, 30}, {15, 16}} {
		requireOpens(t, a.keyring, h, collection(t, h, a.id, a.shares[pair[0]], a.shares[pair[1]]))
	}
}

func TestConcurrentUse(t *testing.T) {
	a := appoint(t, 2, 8)
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
			_, _ = recovery.Open(context.Background(), h, c, recovery.TrustOnFirstUse(h.Account()))
			done <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
	requireOpens(t, a.keyring, h, c)
}
