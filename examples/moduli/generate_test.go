package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

// three makes a pool that is the same to the byte every time.
var three = []string{"generate", "-bits", "512", "-count", "3", "-label", "a b", "-created", "2030-01-01", "-o"}

// pool3 returns the pool of three.
func pool3(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pool")
	must(t, append(three, path)...)
	return read(t, path)
}

func TestGenerate(t *testing.T) {
	in(t)
	out, errOut, err := call(t, "generate", "-bits", "512", "-count", "2", "-label", "test", "-purpose", "example.org/srp",
		"-created", "2030-01-01", "-not-after", "2030-12-31", "-workers", "1", "-o", "pool.moduli")
	require.NoError(t, err)
	require.Equal(t, "pool.moduli: 2 moduli of 512 bits (for tests and demonstrations only) for the purpose \"example.org/srp\", unsigned\n", out)
	require.Contains(t, errOut, `from the starts of the labels "test" to "test/2". Ctrl-C saves the search to pool.moduli.checkpoint.`)

	left, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Len(t, left, 1, "the checkpoint is removed")

	pool, err := moduli.ParsePool(read(t, "pool.moduli"))
	require.NoError(t, err)
	for i, label := range []string{"test", "test/2"} {
		r := pool.Records()[i]
		start, err := moduli.VerifiableStart(512, label, 0)
		require.NoError(t, err)
		want, err := moduli.Generate(t.Context(), start)
		require.NoError(t, err)
		require.Equal(t, want.Modulus, r.Modulus())
		require.Equal(t, start, r.Result().Start)
		require.Equal(t, want.Offset, r.Result().Offset)
		require.Equal(t, "example.org/srp", r.Purpose())
		require.Equal(t, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), r.Created())
		require.Equal(t, time.Date(2030, 12, 31, 23, 59, 59, 0, time.UTC), r.NotAfter())
	}
}

func TestGenerateFromRandomStarts(t *testing.T) {
	in(t)
	_, errOut, err := call(t, "generate", "-bits", "512", "-count", "2", "-o", "pool.moduli")
	require.NoError(t, err)
	require.Contains(t, errOut, "from random starts")
	pool, err := moduli.ParsePool(read(t, "pool.moduli"))
	require.NoError(t, err)
	require.Len(t, pool.Records(), 2)
	require.Empty(t, pool.Records()[0].Result().Start.Label())
}

func TestGenerateOverwritesNothing(t *testing.T) {
	in(t)
	small512(t, 1)
	before := read(t, "pool.moduli")
	refused(t, "pool.moduli exists", "generate", "-bits", "512", "-o", "pool.moduli")
	require.NoFileExists(t, "pool.moduli.checkpoint", "no search was started")
	require.Equal(t, before, read(t, "pool.moduli"))
	refused(t, "no such file", "generate", "-bits", "512", "-o", "nowhere/pool.moduli")
	refused(t, "no such file", "generate", "-bits", "512", "-checkpoint", "nowhere/saved", "-o", "other.moduli")
}

// TestResume stops the search at many points.
func TestResume(t *testing.T) {
	want := pool3(t)
	in(t)
	args := append(three, "pool.moduli")
	start, err := moduli.VerifiableStart(512, "a b", 0)
	require.NoError(t, err)
	search, err := moduli.NewSearch(start)
	require.NoError(t, err)
	require.NoError(t, (&checkpoint{search: search}).save("begun"))
	stops, changed := 0, false
	for patience := 500 * time.Microsecond; ; patience = patience * 3 / 2 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		var errOut bytes.Buffer
		err := program.Run(ctx, args, new(bytes.Buffer), &errOut)
		cancel()
		if err == nil {
			break
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Contains(t, errOut.String(), "The search is saved in pool.moduli.checkpoint. To continue:\n\n  go run github.com/nescio-go/nescio/examples/moduli "+
			"generate -bits 512 -count 3 -label 'a b' -created 2030-01-01 -o pool.moduli\n")
		require.NoFileExists(t, "pool.moduli")
		changed = changed || read(t, "begun") != read(t, "pool.moduli.checkpoint")
		stops++
	}
	require.Positive(t, stops)
	require.True(t, changed, "at least the elapsed time is saved")
	require.Equal(t, want, read(t, "pool.moduli"))
	require.NoFileExists(t, "pool.moduli.checkpoint")
}

// TestStoppedWhileItProves stops the command while it proves the moduli of the
// checkpoint. That is not reported as a forged checkpoint, and unproved moduli
// are not written.
func TestStoppedWhileItProves(t *testing.T) {
	pool, err := moduli.ParsePool(pool3(t))
	require.NoError(t, err)
	search, err := moduli.NewSearch(pool.Records()[2].Result().Start)
	require.NoError(t, err)
	for _, found := range []int{2, 3} {
		in(t)
		if found == 3 {
			start, err := moduli.VerifiableStart(512, "a b/4", 0)
			require.NoError(t, err)
			search, err = moduli.NewSearch(start)
			require.NoError(t, err)
		}
		require.NoError(t, (&checkpoint{search, pool.Records()[:found]}).save("saved"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var errOut bytes.Buffer
		err := program.Run(ctx, append(three, "pool.moduli", "-checkpoint", "saved"), new(bytes.Buffer), &errOut)
		require.ErrorIs(t, err, context.Canceled)
		require.Contains(t, errOut.String(), "The search is saved in saved.")
		require.NoFileExists(t, "pool.moduli")
		must(t, append(three, "pool.moduli", "-checkpoint", "saved")...)
	}
}

// TestResumeGoesOnWhereItStopped continues a search just before its end,
// because a new search would find the same modulus.
func TestResumeGoesOnWhereItStopped(t *testing.T) {
	want := pool3(t)
	pool, err := moduli.ParsePool(want)
	require.NoError(t, err)
	start := pool.Records()[1].Result().Start
	search, err := moduli.NewSearch(start)
	require.NoError(t, err)
	last := pool.Records()[1].Result().Offset / 24
	in(t)
	require.NoError(t, (&checkpoint{at(t, search, last), pool.Records()[:1]}).save("saved"))

	_, errOut, err := call(t, append(three, "pool.moduli", "-checkpoint", "saved")...)
	require.NoError(t, err)
	require.Contains(t, errOut, "Continuing from saved: 1 of 3 moduli are found, and the search is at slot "+thousands(last)+".")
	require.NotContains(t, errOut, "1 of 3: N")
	require.Equal(t, want, read(t, "pool.moduli"))
	require.NoFileExists(t, "saved")

	// A search beyond the modulus has not started again.
	require.NoError(t, (&checkpoint{at(t, search, last+1), pool.Records()[:1]}).save("saved"))
	must(t, append(three, "other.moduli", "-checkpoint", "saved")...)
	require.NotEqual(t, want, read(t, "other.moduli"))

	// A search of a part of the slots can miss the first modulus.
	for _, slots := range [][2]uint64{{last + 1, 1 << 40}, {0, last}, {1, 1 << 40}} {
		part, err := search.Range(slots[0], slots[1])
		require.NoError(t, err)
		require.NoError(t, (&checkpoint{part, pool.Records()[:1]}).save("saved"))
		refused(t, "a part of the slots", append(three, "third.moduli", "-checkpoint", "saved")...)
	}
}

// at returns the search, moved to a slot.
func at(t *testing.T, s *moduli.Search, slot uint64) *moduli.Search {
	data, err := s.MarshalBinary()
	require.NoError(t, err)
	binary.BigEndian.PutUint64(data[len(data)-32:], slot) // next, end, tests, elapsed
	moved := new(moduli.Search)
	require.NoError(t, moved.UnmarshalBinary(data))
	require.Equal(t, slot, moved.Next())
	return moved
}

// TestFinishedCheckpoint continues a run that could not write its pool.
func TestFinishedCheckpoint(t *testing.T) {
	want := pool3(t)
	pool, err := moduli.ParsePool(want)
	require.NoError(t, err)
	start, err := moduli.VerifiableStart(512, "a b/4", 0)
	require.NoError(t, err)
	search, err := moduli.NewSearch(start)
	require.NoError(t, err)
	in(t)
	require.NoError(t, (&checkpoint{search, pool.Records()}).save("pool.moduli.checkpoint"))
	write(t, "pool.moduli", "another file")
	refused(t, "exists", append(three, "pool.moduli")...)
	require.FileExists(t, "pool.moduli.checkpoint")
	require.NoError(t, os.Remove("pool.moduli"))
	refused(t, "already contains 3 moduli", append(three, "pool.moduli", "-count", "2")...)
	must(t, append(three, "pool.moduli")...)
	require.Equal(t, want, read(t, "pool.moduli"))
}

func TestCheckpointOfOtherFlags(t *testing.T) {
	pool, err := moduli.ParsePool(pool3(t))
	require.NoError(t, err)
	found := pool.Records()
	in(t)
	saved := func(name, label string, found ...*moduli.Record) {
		start, err := moduli.RandomStart(512)
		if label != "" {
			start, err = moduli.VerifiableStart(512, label, 0)
		}
		require.NoError(t, err)
		search, err := moduli.NewSearch(start)
		require.NoError(t, err)
		require.NoError(t, (&checkpoint{search, found}).save(name))
	}
	saved("none", "a b")
	saved("one", "a b/2", found[0])
	saved("random", "")
	saved("skipped", "a b/3", found[0])
	saved("mixed", "a b/3", found[0], found[2])
	for _, c := range []struct{ file, bits, label, purpose, why string }{
		{"none", "520", "a b", "demo", "started with -bits 512"},
		{"none", "512", "a", "demo", `started with -label "a b"`},
		{"none", "512", "", "demo", `started with -label "a b"`},
		{"one", "512", "a b/2", "demo", `started with -label "a b"`},
		{"one", "512", "a b", "other", `started with -purpose "demo"`},
		{"random", "512", "a b", "demo", "started without -label"},
		{"skipped", "512", "a b", "demo", "a search of another run"},
		{"mixed", "512", "a b", "demo", "moduli of several runs"},
	} {
		before := read(t, c.file)
		args := []string{"generate", "-bits", c.bits, "-purpose", c.purpose, "-count", "4", "-checkpoint", c.file, "-o", "pool.moduli"}
		if c.label != "" {
			args = append(args, "-label", c.label)
		}
		refused(t, c.why, args...)
		require.Equal(t, before, read(t, c.file))
	}
}

func TestMalformedCheckpoint(t *testing.T) {
	in(t)
	start, err := moduli.VerifiableStart(512, "test", 0)
	require.NoError(t, err)
	search, err := moduli.NewSearch(start)
	require.NoError(t, err)
	require.NoError(t, (&checkpoint{search: search}).save("saved"))
	good := read(t, "saved")
	data, err := search.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, checkpointPrefix+base64.RawURLEncoding.EncodeToString(data)+"\n", good)
	_, err = loadCheckpoint("saved")
	require.NoError(t, err)

	small512(t, 1)
	for name, text := range map[string]string{
		"empty":        "",
		"a pool":       read(t, "pool.moduli"),
		"prefix alone": checkpointPrefix + "\n",
		"cut":          good[:len(good)-3],
		"not base64":   strings.Replace(good, ":", ":*", 1),
		"more":         good + "more\n",
		"twice":        good + good,
	} {
		write(t, "saved", text)
		refused(t, "saved is not a checkpoint", "generate", "-bits", "512", "-label", "test", "-checkpoint", "saved", "-o", "new.moduli")
		require.Equal(t, text, read(t, "saved"), name)
	}
}
