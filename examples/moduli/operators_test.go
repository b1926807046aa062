package main

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

// What operators do.

// TestLinesOfAnEditor: a pool with CRLF is read.
func TestLinesOfAnEditor(t *testing.T) {
	in(t)
	small512(t, 2)
	write(t, "crlf.moduli", strings.ReplaceAll(read(t, "pool.moduli"), "\n", "\r\n"))
	must(t, "verify", "crlf.moduli")
	shown := strings.ReplaceAll(must(t, "show", "crlf.moduli"), "crlf.moduli", "pool.moduli")
	require.Equal(t, must(t, "show", "pool.moduli"), shown)
}

// TestSignThroughALink: the file behind a symbolic link is signed, and the link
// stays.
func TestSignThroughALink(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // where links need a privilege
	}
	in(t)
	small512(t, 1)
	must(t, "keygen", "-not-before", "2020-01-01", "-o", "key")
	require.NoError(t, os.Symlink("pool.moduli", "link.moduli"))
	must(t, "sign", "-key", "key", "link.moduli")
	must(t, "verify", "-key", "key.pub", "pool.moduli")
	info, err := os.Lstat("link.moduli")
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
}

// TestPrivateKeyOfOthers: a private key that others can read is refused.
func TestPrivateKeyOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		return
	}
	in(t)
	small512(t, 1)
	must(t, "keygen", "-not-before", "2020-01-01", "-o", "key")
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
		require.NoError(t, os.Chmod("key", mode))
		refused(t, "key can be read by others: chmod 600 it", "sign", "-key", "key", "pool.moduli")
	}
	require.NoError(t, os.Chmod("key", 0o400))
	must(t, "sign", "-key", "key", "pool.moduli")
}

// TestPurposeOfSignedRecords is not dropped silently.
func TestPurposeOfSignedRecords(t *testing.T) {
	in(t)
	small512(t, 1)
	must(t, "keygen", "-not-before", "2020-01-01", "-o", "key")
	must(t, "sign", "-key", "key", "pool.moduli")
	before := read(t, "pool.moduli")
	refused(t, "changes it only with -replace", "sign", "-key", "key", "-purpose", "example.org/srp", "pool.moduli")
	require.Equal(t, before, read(t, "pool.moduli"))
	must(t, "sign", "-key", "key", "-purpose", "example.org/srp", "-replace", "pool.moduli")
	pool, err := moduli.ParsePool(read(t, "pool.moduli"))
	require.NoError(t, err)
	require.Equal(t, "example.org/srp", pool.Records()[0].Purpose())
}

// TestResumeWithOtherDates is refused.
func TestResumeWithOtherDates(t *testing.T) {
	in(t)
	args := []string{"generate", "-bits", "512", "-count", "2", "-label", "dates", "-checkpoint", "saved", "-o", "pool.moduli"}
	start, err := moduli.VerifiableStart(512, "dates", 0)
	require.NoError(t, err)
	found, err := moduli.Generate(t.Context(), start)
	require.NoError(t, err)
	var created, end date
	require.NoError(t, created.Set("2020-01-01"))
	require.NoError(t, end.Set("2040-01-01"))
	record, err := moduli.NewRecord(found, "demo", created.Time, end.Time)
	require.NoError(t, err)
	next, err := moduli.VerifiableStart(512, "dates/2", 0)
	require.NoError(t, err)
	search, err := moduli.NewSearch(next)
	require.NoError(t, err)
	require.NoError(t, (&checkpoint{search, []*moduli.Record{record}}).save("saved"))
	refused(t, "another -not-after", append(args, "-not-after", "2041-01-01")...)
	refused(t, "another -created", append(args, "-created", "2021-01-01")...)
	must(t, append(args, "-created", "2020-01-01T00:00:00Z", "-not-after", "2040-01-01T00:00:00Z")...)
}

// TestTwoSearchesOfOneFile: the second is refused, and leaves the first one's
// checkpoint alone.
func TestTwoSearchesOfOneFile(t *testing.T) {
	in(t)
	unlock, err := lock("pool.moduli.checkpoint")
	require.NoError(t, err)
	args := []string{"generate", "-bits", "512", "-label", "twice", "-o", "pool.moduli"}
	if runtime.GOOS == "linux" {
		refused(t, "another process is searching", args...)
		require.NoFileExists(t, "pool.moduli.checkpoint")
	}
	unlock()
	must(t, args...)
	require.NoFileExists(t, "pool.moduli.checkpoint.lock")
}

// TestHelpOfACommand is what -h says.
func TestHelpOfACommand(t *testing.T) {
	for _, c := range commands {
		help, _, err := call(t, "help", c.name)
		require.Error(t, err) // flag.ErrHelp, whose exit status is 0
		same, _, _ := call(t, c.name, "-h")
		require.Equal(t, same, help)
		require.Contains(t, help, "usage: moduli "+c.name)
	}
	refused(t, `there is no command "nothing"`, "help", "nothing")
}
