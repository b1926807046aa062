package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/internal/clitest"
	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

var (
	call, must, refused = clitest.Of(func() *cli.Program { return program })
	in, read, write     = clitest.In, clitest.Read, clitest.Write
)

// small512 makes pool.moduli with count moduli of 512 bits.
func small512(t testing.TB, count int, more ...string) {
	t.Helper()
	must(t, append([]string{"generate", "-bits", "512", "-count", fmt.Sprint(count), "-label", "test", "-o", "pool.moduli"}, more...)...)
}

func TestUsage(t *testing.T) {
	in(t)
	require.Contains(t, must(t, "help"), "generate  find moduli")
	for _, c := range program.Commands {
		out, errOut, err := call(t, c.Name, "-h")
		require.ErrorIs(t, err, flag.ErrHelp)
		require.Empty(t, errOut)
		require.True(t, strings.HasPrefix(out, "usage: moduli "+c.Name+" "), out)
		require.NotContains(t, out, "\n\n\n")
		for line := range strings.Lines(out) {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 80+1, line)
		}

		var usage cli.UsageError
		_, _, err = call(t, c.Name, "-nonsense")
		require.ErrorAs(t, err, &usage)
		require.ErrorContains(t, err, "nonsense")
	}
	for _, args := range [][]string{
		{},
		{"nonsense"},
		{"generate"},
		{"generate", "-o", "pool", "more"},
		{"generate", "-o", "pool", "-bits", "100"},
		{"generate", "-o", "pool", "-bits", "513"},
		{"generate", "-o", "pool", "-bits", "8200"},
		{"generate", "-o", "pool", "-count", "0"},
		{"generate", "-o", "pool", "-count", "1001"},
		{"generate", "-o", "pool", "-workers", "-1"},
		{"generate", "-o", "pool", "-purpose", ""},
		{"generate", "-o", "pool", "-purpose", strings.Repeat("p", 256)},
		{"generate", "-o", "pool", "-label", strings.Repeat("l", 254)},
		{"generate", "-o", "pool", "-created", "soon"},
		{"generate", "-o", "pool", "-created", "1969-12-31"},
		{"generate", "-o", "pool", "-not-after", "2020-01-01"},
		{"generate", "-o", "pool", "-checkpoint", "./pool"},
		{"verify"},
		{"verify", "-purpose", "demo", "pool"},
		{"verify", "pool", "-key", "key"},
		{"show"},
		{"sign", "-key", "key"},
		{"sign", "pool"},
		{"import", "-o", "pool", "file"},
		{"import", "-o", "pool", "-format", "nonsense", "file"},
		{"import", "-o", "pool", "-format", "pem"},
		{"import", "-format", "pem", "file"},
		{"import", "-o", "pool", "-format", "raw", "-g", "1", "file"},
		{"export", "-format", "pem"},
		{"export", "pool"},
	} {
		_, _, err := call(t, args...)
		var usage cli.UsageError
		require.ErrorAs(t, err, &usage, "%q", args)
	}
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		text string
	}{
		{nil, 0, ""},
		{flag.ErrHelp, 0, ""},
		{cli.UsageError{Command: "sign", Reason: "no pool"}, 2, "moduli: sign: no pool\n"},
		{cli.UsageError{Reason: "no command"}, 2, "moduli: no command\n"},
		{fmt.Errorf("here: %w", context.Canceled), 1, "moduli: stopped\n"},
		{errors.New("no luck"), 1, "moduli: no luck\n"},
		{moduli.ErrEmpty, 1, "moduli: no modulus in the pool may be chosen\n"},
	} {
		var errOut bytes.Buffer
		require.Equal(t, c.code, program.Status(c.err, &errOut))
		require.True(t, strings.HasPrefix(errOut.String(), c.text), errOut.String())
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 1000000007: "1,000,000,007"} {
		require.Equal(t, want, thousands(n))
	}
}

func TestProgress(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer f.Close()
	require.False(t, newMeter(f).terminal)
	require.False(t, newMeter(new(bytes.Buffer)).terminal)

	var out bytes.Buffer
	m := &meter{out: &out, terminal: true}
	m.show("%d", 1)
	m.show("%d", 2)
	m.say("three")
	m.clear()
	require.Equal(t, "\r1\x1b[K\r2\x1b[K\r\x1b[Kthree\n", out.String())

	out.Reset()
	m = newMeter(&out)
	m.show("too early")
	m.next = time.Now().Add(-time.Second)
	m.show("a line")
	m.show("too early")
	m.clear()
	require.Equal(t, "a line\n", out.String())
}

func TestSearching(t *testing.T) {
	p := moduli.Progress{Expected: 254000, Elapsed: 2 * time.Second, Tests: 500}
	require.Equal(t, "sieving", searching(p, 1))
	p.Next = 50000
	require.Equal(t, "slot 50,000, 25,000 slots/s, 250 tests/s, about 10s more on average", searching(p, 1))
	require.Equal(t, "slot 50,000, 25,000 slots/s, 250 tests/s, about 30s more on average", searching(p, 3))
}
