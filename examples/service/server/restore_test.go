package server

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestRestored: there is one new state key, the time for headers is limited and
// is not the one of the backup, and secrets of another database change nothing.
func TestRestored(t *testing.T) {
	ctx := t.Context()
	s := newTestServer(t, Limits{})
	before, err := s.db.StateKeys(ctx)
	require.NoError(t, err)
	require.Len(t, before, 1)
	now := s.now()
	other := keyfile.NewDecoyKey()
	require.NoError(t, other.Add(keyfile.NewDatabaseKey()))
	other.Setups = s.Keys.Setups
	require.Equal(t, ErrSecrets, Restored(ctx, s.db, other, now, 0))
	require.Error(t, Restored(ctx, s.db, s.Keys, now, -time.Second))
	require.Error(t, Restored(ctx, s.db, s.Keys, now, MaxTakeHeaders+time.Second))
	require.Error(t, Restored(ctx, s.db, new(keyfile.Keys), now, 0))
	same, err := s.db.StateKeys(ctx)
	require.NoError(t, err)
	require.Equal(t, before, same)

	for _, take := range []time.Duration{time.Hour, MaxTakeHeaders, 0} {
		require.NoError(t, Restored(ctx, s.db, s.Keys, now, take))
		after, err := s.db.StateKeys(ctx)
		require.NoError(t, err)
		require.Len(t, after, 1)
		require.NotEqual(t, before[0].ID, after[0].ID)
		require.False(t, after[0].NotBefore.After(now), "at once")
		taken, err := s.db.TakesHeaders(ctx, now.Add(take-time.Second))
		require.NoError(t, err)
		require.Equal(t, take > 0, taken)
	}
	_, err = New(ctx, Config{DB: s.db, Keys: s.Keys, KSF: s.KSF})
	require.NoError(t, err)

	// A database that was never initialized is not a backup.
	empty, err := store.Open(ctx, filepath.Join(t.TempDir(), "empty.db"))
	require.NoError(t, err)
	defer empty.Close()
	require.Equal(t, ErrNotInitialized, Restored(ctx, empty, s.Keys, now, 0))
}
