package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/stretchr/testify/require"
)

// TestBackupCommands: a backup is made, put back and prepared.
func TestBackupCommands(t *testing.T) {
	ctx, folder := t.Context(), t.TempDir()
	db, keys, err := open(ctx, options{folder: folder, secrets: filepath.Join(folder, "secrets.key")})
	require.NoError(t, err)
	defer db.Close()
	require.NotNil(t, keys)
	do := func(f func(context.Context, []string, io.Writer, io.Writer) error, args ...string) (string, error) {
		out := new(bytes.Buffer)
		err := f(ctx, args, out, io.Discard)
		return out.String(), err
	}
	file := filepath.Join(t.TempDir(), "backup.db")
	out, err := do(backup, "-folder", folder, "-o", file)
	require.NoError(t, err)
	require.Contains(t, out, file)
	for what, args := range map[string][]string{
		"the file exists": {"-folder", folder, "-o", file},
		"no file":         {"-folder", folder},
		"no folder":       {"-folder", filepath.Join(folder, "none"), "-o", file + "2"},
		"PostgreSQL":      {"-db", "postgres://db.example.org/service", "-o", file + "2"},
		"an argument":     {"-folder", folder, "-o", file + "2", "more"},
	} {
		_, err := do(backup, args...)
		require.Error(t, err, what)
	}
	_, err = os.Stat(file + "2")
	require.ErrorIs(t, err, os.ErrNotExist)

	again := t.TempDir()
	for from, to := range map[string]string{file: "nescio.db", filepath.Join(folder, "secrets.key"): "secrets.key"} {
		b, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(again, to), b, 0o600))
	}
	out, err = do(restored, "-yes", "-folder", again)
	require.NoError(t, err)
	require.Contains(t, out, "cannot give back")
	out, err = do(restored, "-yes", "-db", filepath.Join(again, "nescio.db"), "-secrets", filepath.Join(again, "secrets.key"), "-take-headers", "48h")
	require.NoError(t, err)
	require.Contains(t, out, "until")
	copied, err := store.Open(ctx, filepath.Join(again, "nescio.db"))
	require.NoError(t, err)
	defer copied.Close()
	taken, err := copied.TakesHeaders(ctx, time.Now().Add(47*time.Hour))
	require.NoError(t, err)
	require.True(t, taken)
	_, err = do(restored, "-folder", again)
	require.ErrorContains(t, err, "stop all servers")
	for what, args := range map[string][]string{
		"no secrets":  {"-db", filepath.Join(again, "nescio.db")},
		"too long":    {"-folder", again, "-take-headers", "2400h"},
		"negative":    {"-folder", again, "-take-headers", "-1h"},
		"an argument": {"-folder", again, "more"},
		"no folder":   {"-folder", filepath.Join(again, "none")},
	} {
		_, err := do(restored, append([]string{"-yes"}, args...)...)
		require.Error(t, err, what)
	}
}
