package contacts_test

import (
	"testing"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/stretchr/testify/require"
)

// BenchmarkSplit makes the slot and the messages.
func BenchmarkSplit(b *testing.B) {
	b.Run("3-of-5", func(b *testing.B) {
		b.ReportAllocs()
		_, public := newKeys(b, 5)
		binding := slotBinding(account, slotID)
		secret := make([]byte, 64)
		for b.Loop() {
			split, err := contacts.NewSplit(3, public...)
			require.NoError(b, err)
			_, _, err = split.Seal(b.Context(), binding, secret)
			require.NoError(b, err)
		}
	})
}

// BenchmarkOpenMessage is what a contact computes.
func BenchmarkOpenMessage(b *testing.B) {
	b.Run("3-of-5", func(b *testing.B) {
		b.ReportAllocs()
		a := appoint(b, 3, 5)
		for b.Loop() {
			_, err := a.keys[0].Open(a.messages[0])
			require.NoError(b, err)
		}
	})
}

// BenchmarkOpen reads three shares and opens the slot with them.
func BenchmarkOpen(b *testing.B) {
	b.Run("3-of-5", func(b *testing.B) {
		b.ReportAllocs()
		a := appoint(b, 3, 5)
		h := a.header(b)
		slot := contactsSlot(b, h)
		binding := slotBinding(a.account, a.id[:])
		var kept [][]byte
		for _, s := range a.shares[:3] {
			kept = append(kept, s.Secret())
		}
		for b.Loop() {
			c := collectionOf(b, h, a.id, kept)
			_, err := c.Open(b.Context(), binding, slot)
			require.NoError(b, err)
		}
	})
}

func collectionOf(t testing.TB, h *recovery.Header, id recovery.SlotID, kept [][]byte) *contacts.Collection {
	var shares []*contacts.Share
	for _, b := range kept {
		s, err := contacts.ParseShare(b)
		require.NoError(t, err)
		shares = append(shares, s)
	}
	return collection(t, h, id, shares...)
}
