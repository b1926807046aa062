package main

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

// Cases from operators.

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
	newKey(t, "key", "2020-01-01")
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
	newKey(t, "key", "2020-01-01")
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
		require.NoError(t, os.Chmod("key", mode))
		refused(t, "key can be read by others: chmod 600 it", "sign", "-key", "key", "pool.moduli")
	}
	require.NoError(t, os.Chmod("key", 0o400))
	must(t, "sign", "-key", "key", "pool.moduli")
}

// TestLockedKey signs with a locked key and its passphrase.
func TestLockedKey(t *testing.T) {
	in(t)
	small512(t, 1)
	newKey(t, "key", "2020-01-01")
	locked, err := keyfile.Lock(t.Context(), []byte(read(t, "key")), []byte("correct horse battery"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("key", locked, 0o600))
	require.NoError(t, os.WriteFile("pass", []byte("correct horse battery\n"), 0o600))
	refused(t, "key: locked under a passphrase", "sign", "-key", "key", "pool.moduli")
	refused(t, "-passphrase is empty", "sign", "-key", "key", "-passphrase", "", "pool.moduli")
	must(t, "sign", "-key", "key", "-passphrase", "pass", "pool.moduli")
	must(t, "verify", "-key", "key.pub", "pool.moduli")
}

// TestPurposeOfSignedRecords: -purpose is not ignored silently.
func TestPurposeOfSignedRecords(t *testing.T) {
	in(t)
	small512(t, 1)
	newKey(t, "key", "2020-01-01")
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
	var created, end cli.Date
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

// TestTwoSearchesOfOneFile: the second search is refused, and does not change
// the checkpoint of the first.
func TestTwoSearchesOfOneFile(t *testing.T) {
	in(t)
	unlock, err := cli.Lock("pool.moduli.checkpoint")
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

// TestHelpOfACommand: help and -h print the same.
func TestHelpOfACommand(t *testing.T) {
	for _, c := range program.Commands {
		help, _, err := call(t, "help", c.Name)
		require.Error(t, err) // flag.ErrHelp, whose exit status is 0
		same, _, _ := call(t, c.Name, "-h")
		require.Equal(t, same, help)
		require.Contains(t, help, "usage: moduli "+c.Name)
	}
	refused(t, `there is no command "nothing"`, "help", "nothing")
}

// TestRetire: a retired record stays in the pool, and is exported only on
// request.
func TestRetire(t *testing.T) {
	in(t)
	small512(t, 3)
	newKey(t, "key", "2020-01-01")
	must(t, "sign", "-key", "key", "pool.moduli")
	before := read(t, "pool.moduli")
	lines := strings.Split(before, "\n")

	require.Contains(t, must(t, "retire", "-record", "1,3", "-o", "new.moduli", "pool.moduli"), "new.moduli: 2 records retired, of 3")
	require.Equal(t, before, read(t, "pool.moduli"))
	require.Contains(t, must(t, "retire", "-record", "2", "pool.moduli"), "pool.moduli: 1 record retired, of 3")
	require.Equal(t, lines[0]+"\nretired "+lines[1]+"\n"+lines[2]+"\n", read(t, "pool.moduli"))
	require.Contains(t, must(t, "retire", "-record", "2", "pool.moduli"), "0 records retired")
	require.Contains(t, must(t, "verify", "-key", "key.pub", "pool.moduli"), "good; retired")
	newKey(t, "next", "2020-01-01")
	must(t, "sign", "-replace", "-key", "next", "pool.moduli")
	require.Contains(t, must(t, "verify", "-key", "next.pub", "pool.moduli"), "good; retired")

	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"-format", "openssh"}, 2},
		{[]string{"-format", "openssh", "-retired"}, 3},
		{[]string{"-format", "openssh", "-record", "2"}, 1},
	} {
		out := must(t, append(append([]string{"export"}, c.args...), "pool.moduli")...)
		require.Equal(t, c.want, strings.Count(out, "\n"), "%q", c.args)
	}
	refused(t, "there are 2 records to write", "export", "-format", "pem", "pool.moduli")
	must(t, "retire", "-record", "1,3", "pool.moduli")
	refused(t, "all records of pool.moduli are retired", "export", "-format", "openssh", "pool.moduli")

	for _, record := range []string{"0", "4", "x", "1,", "-1"} {
		refused(t, "the pool has the lines 1 to 3", "retire", "-record", record, "pool.moduli")
	}
	refused(t, "-record is missing", "retire", "pool.moduli")
	refused(t, "new.moduli exists", "retire", "-record", "1", "-o", "new.moduli", "pool.moduli")
}

// TestRenew: records get a later end, and nothing else changes.
func TestRenew(t *testing.T) {
	in(t)
	small512(t, 1, "-created", "2020-01-01", "-not-after", "2021-01-01")
	newKey(t, "key", "2020-01-01")
	must(t, "sign", "-key", "key", "pool.moduli")
	require.Contains(t, must(t, "verify", "-key", "key.pub", "pool.moduli"), "expired for new passwords")
	refused(t, "-not-after changes it only with -replace", "sign", "-key", "key", "-not-after", "2041-01-01", "pool.moduli")
	before := must(t, "show", "pool.moduli")
	must(t, "sign", "-key", "key", "-not-after", "2041-01-01", "-replace", "pool.moduli")
	require.NotContains(t, must(t, "verify", "-key", "key.pub", "pool.moduli"), "expired")
	require.Equal(t, strings.Replace(before, "2021-01-01T23:59:59Z", "2041-01-01T23:59:59Z", 1), must(t, "show", "pool.moduli"))
	must(t, "retire", "-record", "1", "pool.moduli")
	must(t, "sign", "-key", "key", "-not-after", "2051-01-01", "-replace", "pool.moduli")
	require.Contains(t, must(t, "show", "pool.moduli"), "not after: 2041-01-01", "a retired record is not renewed")
	write(t, "pool.moduli", strings.TrimPrefix(read(t, "pool.moduli"), "retired "))
	refused(t, "a record must be created", "sign", "-key", "key", "-not-after", "2019-01-01", "-replace", "pool.moduli")
}

// TestEveryRecordEnds: the default is a year.
func TestEveryRecordEnds(t *testing.T) {
	in(t)
	small512(t, 1, "-created", "2030-01-02")
	require.Contains(t, must(t, "show", "pool.moduli"), "not after: 2031-01-02T00:00:00Z")
}

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestFullDisk: an error of the output is not reported as a failed record.
func TestFullDisk(t *testing.T) {
	in(t)
	small512(t, 2)
	for _, args := range [][]string{{"verify", "pool.moduli"}, {"show", "pool.moduli"}, {"export", "-format", "openssh", "pool.moduli"}} {
		err := program.Run(t.Context(), args, full{}, new(bytes.Buffer))
		require.EqualError(t, err, "the result could not be printed: no space left on device")
	}
}
