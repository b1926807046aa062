package main

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nescio-go/nescio/examples/internal/cli"
	"github.com/nescio-go/nescio/examples/internal/clitest"
	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

var (
	call, must, refused = clitest.Of(func() *cli.Program { return program })
	in, read, write     = clitest.In, clitest.Read, clitest.Write
)

func load1(t testing.TB, path string) *keyfile.Keys {
	t.Helper()
	keys, err := keyfile.Load(t.Context(), path, nil)
	require.NoError(t, err)
	return keys
}

func TestUsage(t *testing.T) {
	in(t)
	require.Contains(t, must(t, "help"), "make      make a decoy, database, ")
	require.True(t, strings.HasPrefix(must(t, "version"), "keys "))
	for _, c := range program.Commands {
		out, errOut, err := call(t, "help", c.Name)
		require.ErrorIs(t, err, flag.ErrHelp)
		require.Empty(t, errOut)
		require.True(t, strings.HasPrefix(out, "usage: keys "+c.Name+" "), out)
		for line := range strings.Lines(out) {
			require.LessOrEqual(t, utf8.RuneCountInString(line), 80+1, line)
		}
	}
	for _, args := range [][]string{
		{},
		{"nonsense"},
		{"make"},
		{"make", "-o", "key"},
		{"make", "-o", "key", "decoy"},
		{"make", "nonsense", "-o", "key"},
		{"make", "decoy"},
		{"make", "decoy", "-o", "key", "more"},
		{"make", "decoy", "-o", "key", "-number", "2"},
		{"make", "decoy", "-o", "key", "-not-before", "2030-01-01"},
		{"make", "database", "-o", "key", "-number", "2"},
		{"make", "database", "-o", "key", "-not-before", "2030-01-01"},
		{"make", "state", "-o", "key", "-suite", "p256"},
		{"make", "state", "-o", "key", "-not-after", "2030-01-01"},
		{"make", "setup", "-o", "key", "-number", "65536"},
		{"make", "setup", "-o", "key", "-suite", "p384"},
		{"make", "signing", "-o", "key", "-not-before", "2030-01-02", "-not-after", "2030-01-01"},
		{"show"},
		{"public"},
		{"public", "a", "b"},
		{"check"},
		{"rotate"},
		{"rotate", "a", "b"},
		{"version", "more"},
		{"help", "make", "more"},
		{"make", "decoy", "-o", "-x"},
		{"lock", "a"},
		{"lock", "-passphrase", "p"},
		{"unlock", "a"},
		{"unlock", "-passphrase", "p"},
	} {
		_, _, err := call(t, args...)
		require.ErrorAs(t, err, new(cli.UsageError), "%q", args)
	}
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestMake: only the owner can read the file, and the output contains no
// secret.
func TestMake(t *testing.T) {
	in(t)
	for _, c := range [][]string{
		{"decoy"}, {"database"}, {"state"}, {"state", "-not-before", "2020-01-01"},
		{"setup"}, {"setup", "-number", "2", "-suite", "p256"}, {"setup", "-number", "65535", "-suite", "curve25519"},
		{"signing", "-not-before", "2030-01-01", "-not-after", "2030-12-31"},
	} {
		path := strings.Join(c, "")
		out := must(t, append([]string{"make", c[0], "-o", path}, c[1:]...)...)
		require.Equal(t, out, must(t, "show", path))
		text := read(t, path)
		require.NotContains(t, out, text[len(text)-30:len(text)-1])
		require.Contains(t, must(t, "check", path), "\ngood")
		refused(t, path+" exists", append([]string{"make", c[0], "-o", path}, c[1:]...)...)
		require.Equal(t, text, read(t, path))
		if runtime.GOOS == "windows" {
			continue
		}
		require.Equal(t, fs.FileMode(0o600), mode(t, path))
		require.NoError(t, os.Chmod(path, 0o644))
		refused(t, "can be read by others", "show", path)
		refused(t, "can be read by others", "check", path)
		refused(t, "can be read by others", "rotate", path)
	}
	refused(t, "no such file", "make", "decoy", "-o", "nowhere/key")
}

// TestShow: a file can contain secrets of several kinds.
func TestShow(t *testing.T) {
	in(t)
	var all string
	for _, kind := range []string{"setup", "state", "database", "decoy"} {
		must(t, "make", kind, "-o", kind)
		all += read(t, kind)
	}
	write(t, "all", all)
	out := must(t, "show", "all")
	require.Regexp(t, `^all: decoy key [0-9a-f]{16}\nall: database key [0-9a-f]{16}\nall: state key .*\nall: setup 1 .*\n$`, out)
	key := load1(t, "database").Database
	require.Equal(t, "database: database key "+keyfile.Fingerprint("database", key[:])+"\n", must(t, "show", "database"))
	require.Contains(t, out, keyfile.Fingerprint("database", key[:]))
}

func mode(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

func TestSigningKey(t *testing.T) {
	in(t)
	out := must(t, "make", "signing", "-o", "key", "-not-before", "2030-01-01", "-not-after", "2030-12-31")
	private := load1(t, "key").Signing[0]
	keys, err := moduli.ParseKeys(read(t, "key.pub"))
	require.NoError(t, err)
	require.Equal(t, moduli.NewKeys(private.Public()), keys)
	require.Equal(t, read(t, "key.pub"), must(t, "public", "key"))
	require.Contains(t, out, private.Public().ID().String())
	require.Contains(t, out, "from 2030-01-01T00:00:00Z to 2030-12-31T23:59:59Z")
	if runtime.GOOS != "windows" {
		require.Equal(t, fs.FileMode(0o044), mode(t, "key.pub")&0o044, "for everybody")
	}

	// Both files or none.
	require.NoError(t, os.Remove("key"))
	refused(t, "key.pub exists", "make", "signing", "-o", "key")
	require.NoFileExists(t, "key")

	write(t, "other.pub", "something else\n")
	text, err := (&keyfile.Keys{Signing: []*moduli.PrivateKey{private}}).Text()
	require.NoError(t, err)
	write(t, "other", string(text))
	refused(t, "other.pub does not contain the public keys of other", "check", "other")
	require.NoError(t, os.Remove("other.pub"))
	refused(t, "no such file", "check", "other")
}

func TestPublic(t *testing.T) {
	in(t)
	must(t, "make", "setup", "-o", "setup", "-number", "3")
	out := must(t, "public", "setup")
	require.Regexp(t, `^setup 3 ristretto255 [0-9a-f]{64}\n$`, out)
	must(t, "public", "-o", "out", "setup")
	require.Equal(t, out, read(t, "out"))
	for _, kind := range []string{"decoy", "database"} {
		must(t, "make", kind, "-o", kind)
		refused(t, "no setups and no signing keys", "public", kind)
	}
}

// TestCheckFinds problems.
func TestCheckFinds(t *testing.T) {
	in(t)
	for _, kind := range []string{"decoy", "database", "state", "setup", "signing"} {
		must(t, "make", kind, "-o", kind)
	}
	all := must(t, "check", "decoy", "state", "setup")
	require.Contains(t, all, "\na user has registered and logged in with setup 1\ngood\n")
	require.Contains(t, must(t, "check", "setup"), "\ngood, without a decoy key and state keys\n")
	require.Contains(t, must(t, "check", "decoy", "database", "state", "setup"), "\ngood\n")
	for _, kind := range []string{"decoy", "database", "state", "setup"} {
		refused(t, "a signing key beside the secrets of a server", "check", kind, "signing")
	}
	for _, kind := range []string{"decoy", "database"} {
		must(t, "make", kind, "-o", kind+"2")
		refused(t, kind+"2: a second "+kind+" key", "check", kind, kind+"2")
		write(t, "same", strings.Replace(read(t, kind), kind+"-key:", "state-key:always:", 1))
		refused(t, "a state key equals the "+kind+" key", "check", kind, "same")
	}
	write(t, "same", strings.Replace(read(t, "decoy"), "decoy", "database", 1))
	refused(t, "the database key equals the decoy key", "check", "decoy", "same")
	refused(t, "state: the same state key twice", "check", "state", "state")
	refused(t, "setup: a second setup with number 1", "check", "setup", "setup")
	must(t, "make", "state", "-o", "future", "-not-before", "2100-01-01")
	refused(t, "no state key seals yet", "check", "future")

	write(t, "copied", strings.Replace(read(t, "setup"), ":1:", ":2:", 1))
	refused(t, "setups 1 and 2 have the same key pair", "check", "setup", "copied")
	write(t, "damaged", read(t, "decoy")[:40]+"\n")
	refused(t, "damaged: line 1: not a key file", "check", "damaged")
	write(t, "zero", "nescio-decoy-key:"+strings.Repeat("A", 43)+"\n")
	refused(t, "DecoyKey must be 32 random bytes", "check", "zero")
	write(t, "zero", "nescio-database-key:"+strings.Repeat("A", 43)+"\n")
	refused(t, "the database key must be 32 random bytes", "check", "zero")
	refused(t, "no such file", "check", "nothing")
}

// TestRotateState is the daily rotation on a fleet. The file reaches the
// servers before the new key seals, and old keys are removed.
func TestRotateState(t *testing.T) {
	in(t)
	must(t, "make", "state", "-o", "state")
	first := load1(t, "state").StateKeys
	require.Contains(t, must(t, "rotate", "state"), "seals from ")
	keys := load1(t, "state").StateKeys
	require.Len(t, keys, 2)
	require.Equal(t, first[0], keys[0])
	require.WithinDuration(t, time.Now().Add(time.Hour), keys[1].NotBefore, time.Minute)
	refused(t, "at least 5 minutes from now", "rotate", "-not-before", "2020-01-01", "state")
	refused(t, "at least 5 minutes from now", "rotate", "-not-before", time.Now().Add(4*time.Minute).UTC().Format(time.RFC3339), "state")
	refused(t, "already has a key that seals from", "rotate", "state")
	refused(t, "-leaked replaces the keys at once", "rotate", "-leaked", "-not-before", "+1h", "state")
	must(t, "rotate", "-not-before", "+1d", "state")
	keys = load1(t, "state").StateKeys
	require.Len(t, keys, 3)

	// The following days, with a simulated clock.
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	k := &keyfile.Keys{StateKeys: []opaque.StateKey{keyfile.NewStateKey(time.Time{})}}
	for day := range 10 {
		before := k.StateKeys
		require.NoError(t, rotateState(k, time.Time{}, false, now))
		newest := k.StateKeys[len(k.StateKeys)-1]
		require.Equal(t, now.Add(time.Hour), newest.NotBefore)
		require.LessOrEqual(t, len(k.StateKeys), 3)
		// A key that sealed in the last hour stays.
		for at := now.Add(-keep); at.Before(now.Add(time.Hour)); at = at.Add(time.Minute) {
			sealed := before[sealing(&keyfile.Keys{StateKeys: before}, at)]
			require.Contains(t, k.StateKeys, sealed, "day %d", day)
		}
		now = now.Add(24 * time.Hour)
	}

	// Just after an hour: the key before the one that seals may still be
	// needed.
	for _, minutes := range []int{61, 90, 119, 121} {
		k := &keyfile.Keys{StateKeys: []opaque.StateKey{keyfile.NewStateKey(now.Add(-48 * time.Hour)), keyfile.NewStateKey(now)}}
		require.NoError(t, rotateState(k, time.Time{}, false, now.Add(time.Duration(minutes)*time.Minute)))
		require.Len(t, k.StateKeys, 2, "the newest has sealed for more than an hour")
		k = &keyfile.Keys{StateKeys: []opaque.StateKey{keyfile.NewStateKey(now.Add(-48 * time.Hour)), keyfile.NewStateKey(now.Add(time.Hour))}}
		require.NoError(t, rotateState(k, time.Time{}, false, now.Add(time.Duration(minutes)*time.Minute)))
		require.Len(t, k.StateKeys, map[bool]int{true: 3, false: 2}[minutes < 120], "%d minutes", minutes)
	}

	// Rotation that is too frequent removes nothing.
	k.StateKeys = nil
	for i := range maxStateKeys {
		k.StateKeys = append(k.StateKeys, keyfile.NewStateKey(now.Add(time.Duration(i)*time.Minute)))
	}
	require.ErrorContains(t, rotateState(k, time.Time{}, false, now), "rotate less often")
	require.Len(t, k.StateKeys, maxStateKeys)

	out := must(t, "rotate", "-leaked", "state")
	for _, k := range keys {
		require.Contains(t, out, "state: removed state key "+keyfile.Fingerprint("state", k.Key[:]))
	}
	replaced := load1(t, "state").StateKeys
	require.Len(t, replaced, 1)
	require.True(t, replaced[0].NotBefore.IsZero())
	require.NotContains(t, keys, replaced[0])
	must(t, "check", "state")
}

func TestRotateSetup(t *testing.T) {
	in(t)
	must(t, "make", "setup", "-o", "setup", "-suite", "p256", "-number", "4")
	before := load1(t, "setup")
	must(t, "rotate", "setup")
	after := load1(t, "setup")
	require.Equal(t, []uint16{4, 5}, after.SetupNumbers())
	require.Equal(t, before.Setups[4].PublicKey(), after.Setups[4].PublicKey())
	require.Equal(t, opaque.P256, after.Setups[5].Suite())
	require.Contains(t, must(t, "check", "setup"), "must name one in Offer")
	must(t, "rotate", "-suite", "curve25519", "setup")
	require.Equal(t, opaque.Curve25519, load1(t, "setup").Setups[6].Suite())
	refused(t, "-suite is for setups", "rotate", "-suite", "p384", "setup")
	refused(t, "-not-before is not for setups", "rotate", "-not-before", "2100-01-01", "setup")
	must(t, "make", "setup", "-o", "last", "-number", "65535")
	refused(t, "no higher number", "rotate", "last")
}

func TestRotateSigning(t *testing.T) {
	in(t)
	must(t, "make", "signing", "-o", "key", "-not-before", "2020-01-01")
	first := read(t, "key.pub")
	must(t, "rotate", "key")
	rotated := load1(t, "key").Signing
	require.Len(t, rotated, 2)
	from, _ := rotated[1].Public().Window()
	require.WithinDuration(t, time.Now().AddDate(0, 0, 30), from, 25*time.Hour, "time for the public key to travel")
	refused(t, "-suite is for setups", "rotate", "-suite", "p256", "key")
	require.True(t, strings.HasPrefix(read(t, "key.pub"), first), "the old public key stays")
	require.Equal(t, 2, strings.Count(read(t, "key.pub"), "\n"))
	require.Equal(t, 2, strings.Count(must(t, "check", "key"), "a record is signed and verified with key "))
	write(t, "key.pub", read(t, "key.pub")+first)
	before := read(t, "key")
	refused(t, "key.pub does not contain the public keys of key", "rotate", "key")
	require.Equal(t, before, read(t, "key"))
	refused(t, "-leaked is for state keys", "rotate", "-leaked", "key")
}

func TestRotateRefuses(t *testing.T) {
	in(t)
	must(t, "make", "state", "-o", "state")
	for kind, reason := range map[string]string{
		"decoy":    "a decoy key, which is never rotated: strangers would see which names have accounts",
		"database": "a database key, which is never rotated: everything that was sealed with it would be unreadable",
	} {
		must(t, "make", kind, "-o", kind)
		before := read(t, kind)
		refused(t, reason, "rotate", kind)
		refused(t, reason, "rotate", "-leaked", kind)
		require.Equal(t, before, read(t, kind))
		write(t, "both", before+read(t, "state"))
		refused(t, "several kinds", "rotate", "both")
	}
}

// TestPassphrase: a file can be locked when it is made or later. It stays
// locked when it is rotated, and opens only with the right passphrase.
func TestPassphrase(t *testing.T) {
	in(t)
	write(t, "pass", "correct horse battery\n")
	write(t, "wrong", "another passphrase\n")
	must(t, "make", "setup", "-o", "setup", "-passphrase", "pass")
	require.True(t, keyfile.IsLocked([]byte(read(t, "setup"))))
	refused(t, "setup: locked under a passphrase", "show", "setup")
	refused(t, "the passphrase is wrong", "show", "-passphrase", "wrong", "setup")
	shown := must(t, "show", "-passphrase", "pass", "setup")
	require.Contains(t, must(t, "check", "-passphrase", "pass", "setup"), "good")
	must(t, "rotate", "-passphrase", "pass", "setup")
	require.True(t, keyfile.IsLocked([]byte(read(t, "setup"))))

	must(t, "lock", "-old", "pass", "-passphrase", "wrong", "setup")
	refused(t, "the passphrase is wrong", "show", "-passphrase", "pass", "setup")
	must(t, "unlock", "-passphrase", "wrong", "setup")
	require.True(t, strings.HasPrefix(must(t, "show", "setup"), shown))
	refused(t, "setup is not locked", "unlock", "-passphrase", "pass", "setup")
	refused(t, "setup is not locked", "rotate", "-passphrase", "pass", "setup")
	refused(t, "-passphrase is empty", "make", "state", "-passphrase", "", "-o", "unset")
	require.NoFileExists(t, "unset")
	refused(t, "-passphrase is empty", "lock", "-passphrase", "", "setup")
	write(t, "short", "short\n")
	refused(t, "at least 12 bytes", "lock", "-passphrase", "short", "setup")
	if runtime.GOOS != "windows" {
		require.Equal(t, fs.FileMode(0o600), mode(t, "setup"))
		require.NoError(t, os.Chmod("pass", 0o644))
		refused(t, "pass can be read by others", "lock", "-passphrase", "pass", "setup")
	}
}

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestFullDisk(t *testing.T) {
	in(t)
	must(t, "make", "decoy", "-o", "decoy")
	must(t, "make", "state", "-o", "state")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"help"}, ""},
		{[]string{"show", "decoy"}, ""},
		{[]string{"check", "decoy"}, ""},
		{[]string{"make", "setup", "-o", "setup"}, "setup is written; "},
		{[]string{"rotate", "state"}, "state is written; "},
		{[]string{"make", "-h"}, ""},
	} {
		err := program.Run(t.Context(), c.args, full{}, new(bytes.Buffer))
		require.EqualError(t, err, c.want+"the result could not be printed: no space left on device", "%q", c.args)
	}
	require.Len(t, load1(t, "state").StateKeys, 2)
}

// TestParallelRotations: no key that was printed is lost.
func TestParallelRotations(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no lock")
	}
	in(t)
	must(t, "make", "setup", "-o", "setup")
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 8 {
		wg.Go(func() {
			var out, errOut bytes.Buffer
			err := program.Run(t.Context(), []string{"rotate", "setup"}, &out, &errOut)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
				return
			}
			if !errors.Is(err, cli.ErrLocked) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.NotZero(t, done)
	require.Len(t, load1(t, "setup").Setups, 1+done)
}

// TestThroughALink: the file behind a link is rotated, with its public keys.
func TestThroughALink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	in(t)
	require.NoError(t, os.Mkdir("vault", 0o700))
	must(t, "make", "signing", "-o", "vault/key")
	require.NoError(t, os.Symlink("vault/key", "link"))
	must(t, "rotate", "link")
	must(t, "check", "vault/key")
	require.NoFileExists(t, "link.pub")
}
