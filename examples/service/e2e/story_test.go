package e2e

import (
	"testing"

	"github.com/nescio-go/nescio/examples/service/client"
	"github.com/stretchr/testify/require"
)

// TestStory: Alice signs up, writes a note, and reads it on a second device and
// offline. Both devices change it, and both versions are kept.
func TestStory(t *testing.T) {
	inWorlds(t, nil, func(w *world) {
		ctx := w.Context()
		laptop := w.signUp()
		note, err := laptop.Put(ctx, client.Item{Kind: client.KindNote, Title: "Key", Text: secret})
		require.NoError(w, err)
		require.NoError(w, laptop.Sync(ctx))

		phone := w.device()
		e, err := phone.Login(ctx, "ALICE@example.org", one(password))
		require.NoError(w, err)
		require.True(w, e.NewDevice)
		require.Len(w, e.Unseen, 1, "the laptop's slot")
		require.NoError(w, phone.MarkSeen(ctx, e.Unseen))
		require.NoError(w, phone.Sync(ctx))
		require.Equal(w, []string{"Key: " + secret}, phone.notes())

		note.Text = "changed on the laptop"
		_, err = laptop.Put(ctx, note)
		require.NoError(w, err)
		note.Text = "changed on the phone"
		_, err = phone.Put(ctx, note)
		require.NoError(w, err)
		require.NoError(w, laptop.Sync(ctx))
		require.NoError(w, phone.Sync(ctx))
		require.NoError(w, laptop.Sync(ctx))
		both := []string{"Key: changed on the laptop", "Key (conflict): changed on the phone"}
		require.Equal(w, both, phone.notes())
		require.Equal(w, both, laptop.notes())

		w.balancer.Close()
		again := phone.restart()
		_, err = again.Unlock(ctx, []byte("wrong"))
		require.ErrorIs(w, err, client.ErrWrongPassword)
		u, err := again.Unlock(ctx, []byte(password))
		require.NoError(w, err)
		require.ErrorIs(w, u.Offline, client.ErrOffline)
		require.Equal(w, both, again.notes())
		require.ErrorIs(w, again.Sync(ctx), client.ErrOffline)
	})
}
