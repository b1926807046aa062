package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nescio-go/nescio/kdf"
	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, &progress{}, time.Millisecond, 64<<10))
	text := out.String()
	for _, want := range []string{"Target 1ms, memory up to 64 MiB", "m=38912,t=1,p=4", "38 MiB", "ln=16,r=8,p=1", "64 MiB", "i=210000", "-"} {
		require.Contains(t, text, want)
	}
	require.Equal(t, 3, strings.Count(text, ", at the policy's floor"), "a millisecond is not enough for any of them")
}

func TestErrors(t *testing.T) {
	require.Error(t, run(t.Context(), &bytes.Buffer{}, &progress{}, time.Millisecond, 16<<10), "less than the floor")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, run(ctx, &bytes.Buffer{}, &progress{}, time.Second, 64<<10), context.Canceled)
}

func TestThousands(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 86400: "86,400", 1234567: "1,234,567", 1000000007: "1,000,000,007"} {
		require.Equal(t, want, thousands(n))
	}
}

func TestProgressIsForTerminals(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer f.Close()
	newProgress(f).start("calibrating")()
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	require.Nil(t, newProgress(null).out, "a device that is not a terminal")
	p := &progress{f}
	p.start("calibrating")()
	written, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	require.Equal(t, "\rcalibrating … 0 s \r\x1b[K", string(written), "only the second")
}

// TestTableIsRight: the guesses are for one core, and a limit that decided the
// costs is named.
func TestTableIsRight(t *testing.T) {
	pbkdf2, err := kdf.NewPBKDF2SHA512(1_000_000)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, table(&out, []row{
		{kdf.Report{Params: kdf.Default(), Target: time.Second, Measured: 123_456_789, AtCeiling: true}, 250 * time.Millisecond},
		{kdf.Report{Params: pbkdf2, Target: time.Second, Measured: time.Second}, time.Second},
	}))
	text := out.String()
	for _, want := range []string{
		"       argon2id  m=65536,t=3,p=4  64 MiB  123ms       4.00  345,600\n",
		"  pbkdf2-sha512        i=1000000       -     1s       1.00   86,400\n",
		"$argon2id$v=19$m=65536,t=3,p=4 takes 123ms of 1s, at the policy's ceiling\n",
		"\n  $argon2id$v=19$m=65536,t=3,p=4\n  $pbkdf2-sha512$i=1000000\n",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "i=1000000 takes")
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 80+1, line)
	}
}

// TestWhatTheZeroPolicyRefuses: the output names it.
func TestWhatTheZeroPolicyRefuses(t *testing.T) {
	large, err := kdf.NewArgon2id(1<<20, 1, 4)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, table(&out, []row{
		{kdf.Report{Params: large, Target: time.Second, Measured: time.Second}, time.Second},
		{kdf.Report{Params: kdf.Default(), Target: time.Second, Measured: time.Second, Slowest: 2 * time.Second}, time.Second},
	}))
	require.Contains(t, out.String(), "argon2id: the zero kdf.Policy refuses these costs.")
	require.Contains(t, out.String(), "MaxMemory of 1024 MiB")
	require.Contains(t, out.String(), "up to 2s: the machine is busy or\nthrottled")
	require.Equal(t, 1, strings.Count(out.String(), "zero kdf.Policy"))
}

// TestMemoryIsForAll algorithms that need memory. An algorithm that needs more
// is omitted with a reason, and all cores are in use again afterwards.
func TestMemoryIsForAll(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, &progress{}, time.Millisecond, 32<<10))
	require.Contains(t, out.String(), "scrypt: kdf: parameters above the policy's ceiling")
	require.Contains(t, out.String(), "m=32768")
	require.Equal(t, cores, runtime.GOMAXPROCS(0))
}
