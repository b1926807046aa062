package contacts_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// memory is a [recovery.Local].
type memory struct {
	mu    sync.Mutex
	value []byte
}

func (m *memory) Load(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.value, nil
}

func (m *memory) Swap(_ context.Context, previous, next []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !bytes.Equal(m.value, previous) {
		return recovery.ErrConflict
	}
	m.value = bytes.Clone(next)
	return nil
}

// server is a [recovery.Remote].
type server struct {
	mu     sync.Mutex
	header *recovery.Header
}

func (s *server) Fetch(context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.header == nil {
		return nil, nil
	}
	return s.header.Bytes(), nil
}

func (s *server) Swap(_ context.Context, _ [32]byte, header []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := recovery.ParseHeader(header)
	if err == nil {
		err = h.Follows(s.header)
	}
	if err == nil {
		s.header = h
	}
	return err
}

// opened are shares that contacts keep.
func opened(t testing.TB, keys []*contacts.Key, split *contacts.Split) (shares []*contacts.Share) {
	for i, message := range split.Messages() {
		s, err := keys[i].Open(message)
		require.NoError(t, err)
		require.Equal(t, split.Fingerprint(), s.Fingerprint())
		shares = append(shares, s)
	}
	return shares
}

// TestReplaceContacts takes both ways that the package documentation describes,
// and RotateLineage, with a Client. A new device opens with the contacts of the
// moment alone.
func TestReplaceContacts(t *testing.T) {
	ctx := t.Context()
	s := new(server)
	owner := recovery.NewClient(new(memory), s)
	require.NoError(t, owner.Create(ctx, phrase(t)))
	b := wrap.Binding{Purpose: "example.org/folder/v1"}
	newSplit := func() ([]*contacts.Key, *contacts.Split) {
		keys, public := newKeys(t, 3)
		split, err := contacts.NewSplit(2, public...)
		require.NoError(t, err)
		return keys, split
	}
	requireOpensAlone := func(shares []*contacts.Share, before ...*contacts.Share) {
		t.Helper()
		blob, err := owner.Wrap([]byte("secret"), b)
		require.NoError(t, err)
		c := collection(t, s.header, shares[0].Slot(), release(t, shares[2]), release(t, shares[1]))
		device := recovery.NewClient(new(memory), s)
		require.NoError(t, device.OpenFirst(ctx, owner.Account(), c))
		secret, err := device.Unwrap(blob, b)
		require.NoError(t, err)
		require.Equal(t, "secret", string(secret))
		require.Equal(t, shares[0].Slot(), device.OpenedBy())
		for i, old := range before {
			requireShare(t, i+1, contacts.ErrForeign, c.Add(old))
			_, err := contacts.NewCollection(s.header, old.Slot())
			require.Equal(t, recovery.ErrWrongSecret, err)
		}
	}

	keys, first := newSplit()
	firstID, err := owner.Add(ctx, first)
	require.NoError(t, err)
	firstShares := opened(t, keys, first)
	requireOpensAlone(firstShares)

	// With an overlap.
	keys, second := newSplit()
	secondID, err := owner.Add(ctx, second)
	require.NoError(t, err)
	secondShares := opened(t, keys, second)
	requireOpensAlone(firstShares)
	requireOpensAlone(secondShares)
	epoch := owner.Epoch()
	require.NoError(t, owner.Revoke(ctx, firstID))
	require.Equal(t, epoch+1, owner.Epoch())
	requireOpensAlone(secondShares, firstShares...)

	// At once. Another device is quicker, and the same slot serves again.
	old := collection(t, s.header, secondID, secondShares...)
	keys, third := newSplit()
	slot, err := owner.Seal(ctx, third)
	require.NoError(t, err)
	replace := func(e *recovery.Edit) error { return e.Replace(secondID, slot) }
	err = owner.Change(ctx, func(e *recovery.Edit) error {
		other := recovery.NewClient(new(memory), s)
		require.NoError(t, other.OpenFirst(ctx, owner.Account(), old))
		_, err := other.Add(ctx, phrase(t))
		require.NoError(t, err)
		return replace(e)
	})
	require.Equal(t, recovery.ErrOvertaken, err)
	require.Equal(t, recovery.ErrUnseen, owner.Resolve(ctx))
	require.NoError(t, owner.MarkSeen(ctx, owner.Unseen()))
	require.NoError(t, owner.Resolve(ctx))
	thirdShares := opened(t, keys, third)
	requireOpensAlone(thirdShares, secondShares...)
	require.Equal(t, recovery.ErrWrongSecret, openErr(t, s.header, old))

	// A Split of a slot that is there cannot be used again.
	_, err = owner.Add(ctx, third)
	require.ErrorIs(t, err, recovery.ErrPolicy)
	require.ErrorIs(t, owner.RotateLineage(ctx, phrase(t), third), recovery.ErrPolicy)

	keys, fourth := newSplit()
	require.NoError(t, owner.RotateLineage(ctx, phrase(t), fourth))
	requireOpensAlone(opened(t, keys, fourth), thirdShares...)
}
