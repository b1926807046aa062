package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuote(t *testing.T) {
	for arg, want := range map[string]string{
		"":                 "''",
		"-o":               "-o",
		"a/b-c.moduli":     "a/b-c.moduli",
		"two words":        "'two words'",
		"it's":             `'it'\''s'`,
		"$(reboot)":        "'$(reboot)'",
		"2030-12-31T18:00": "2030-12-31T18:00",
	} {
		require.Equal(t, want, Quote(arg))
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct {
		last       bool
		text, want string
	}{
		{false, "2030-12-31", "2030-12-31T00:00:00Z"},
		{true, "2030-12-31", "2030-12-31T23:59:59Z"},
		{true, "2030-12-31T18:00:00+01:00", "2030-12-31T17:00:00Z"},
	} {
		d := Date{Last: c.last}
		require.NoError(t, d.Set(c.text))
		require.Equal(t, c.want, d.String())
	}
	var d Date
	require.NoError(t, d.Set("+365d"))
	require.WithinDuration(t, time.Now().AddDate(0, 0, 365), d.Time, time.Minute)
	require.NoError(t, d.Set("+2h"))
	require.WithinDuration(t, time.Now().Add(2*time.Hour), d.Time, time.Minute)
	for _, text := range []string{"", "+", "+2", "+2m", "+d", "+-1d", "+x", "365d", "+99999d", "2030", "2030-02-30", "31.12.2030", "1960-01-01"} {
		require.Error(t, new(Date).Set(text), text)
	}
}

// TestFiles: Create overwrites nothing, and Replace keeps the mode and the link
// of the old file.
func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, Create("a", []byte("one"), 0o600))
	require.ErrorContains(t, Create("a", []byte("two"), 0o600), "a exists")
	require.ErrorContains(t, Absent("a"), "a exists")
	require.NoError(t, Absent("b"))
	require.Error(t, Create(filepath.Join("nowhere", "a"), nil, 0o600))
	require.NoError(t, os.Mkdir("folder", 0o700))
	require.ErrorContains(t, Replace("folder", nil, 0o600), "not a regular file")
	_, err := Read("a", 2)
	require.ErrorContains(t, err, "longer than 2 bytes")

	require.NoError(t, Replace("new", []byte("one"), 0o600))
	require.NoError(t, Replace("a", []byte("two"), 0o644))
	data, exposed, err := ReadPrivate("a", 10)
	require.NoError(t, err)
	require.NoError(t, exposed)
	require.Equal(t, "two", string(data))
	left, err := filepath.Glob("*.tmp")
	require.NoError(t, err)
	require.Empty(t, left)
	if runtime.GOOS == "windows" {
		return // Windows has neither these modes nor links without a privilege
	}
	for _, name := range []string{"a", "new"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	require.NoError(t, os.Symlink("nothing", "dangling"))
	require.Error(t, Create("dangling", nil, 0o600))
	require.Error(t, Replace("dangling", nil, 0o600))
	require.NoFileExists(t, "nothing")
	require.NoError(t, os.Symlink("a", "link"))
	require.NoError(t, Replace("link", []byte("three"), 0o600))
	data, err = Read("a", 10)
	require.NoError(t, err)
	require.Equal(t, "three", string(data))
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
		require.NoError(t, os.Chmod("a", mode))
		_, exposed, err = ReadPrivate("a", 10)
		require.NoError(t, err)
		require.ErrorContains(t, exposed, "a can be read by others: chmod 600 it")
	}
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown("a", 65534, 65534))
		require.NoError(t, Replace("a", []byte("four"), 0o600))
		info, err := os.Stat("a")
		require.NoError(t, err)
		require.Contains(t, fmt.Sprintf("%+v", info.Sys()), "Uid:65534")
	}
}

// TestHelp: the version is a command like any other.
func TestHelp(t *testing.T) {
	p := &Program{Name: "it", Summary: "It does nothing."}
	run := func(args ...string) (string, error) {
		var out strings.Builder
		err := p.Run(t.Context(), args, &out, io.Discard)
		return out.String(), err
	}
	for _, args := range [][]string{{"version", "-h"}, {"help", "version"}} {
		out, err := run(args...)
		require.ErrorIs(t, err, flag.ErrHelp)
		require.Equal(t, "usage: it version [-h]\n\nPrints the version, and the revision that the program was built from.\n", out)
	}
	for _, name := range []string{"version", "-version", "--version"} {
		out, err := run(name)
		require.NoError(t, err)
		require.Regexp(t, `^it \S`, out)
	}
	for _, args := range [][]string{{}, {"version", "x"}, {"version", "-x"}, {"help", "version", "x"}, {"help", "nothing"}} {
		_, err := run(args...)
		var usage UsageError
		require.ErrorAs(t, err, &usage, args)
	}
}
