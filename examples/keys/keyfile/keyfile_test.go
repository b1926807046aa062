package keyfile

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nescio-go/nescio/moduli"
	"github.com/nescio-go/nescio/opaque"
	"github.com/stretchr/testify/require"
)

// everything returns a file with secrets of all kinds.
func everything(t testing.TB) (*Keys, string) {
	k := NewDecoyKey()
	require.NoError(t, k.Add(NewDatabaseKey()))
	k.StateKeys = []opaque.StateKey{NewStateKey(time.Time{}), NewStateKey(time.Date(2030, 12, 31, 18, 0, 0, 0, time.UTC))}
	k.Setups = make(map[uint16]*opaque.Setup)
	for n, s := range map[uint16]opaque.Suite{0: opaque.Ristretto255, 7: opaque.P256, 65535: opaque.Curve25519} {
		var err error
		k.Setups[n], err = opaque.NewSetup(s)
		require.NoError(t, err)
	}
	key, err := moduli.GenerateKey(time.Unix(1e9, 0), time.Time{})
	require.NoError(t, err)
	k.Signing = []*moduli.PrivateKey{key}
	text, err := k.Text()
	require.NoError(t, err)
	return k, string(text)
}

func TestText(t *testing.T) {
	k, text := everything(t)
	again, err := Parse([]byte(text))
	require.NoError(t, err)
	require.Equal(t, k.Decoy, again.Decoy)
	require.Equal(t, k.Database, again.Database)
	require.Equal(t, k.StateKeys, again.StateKeys)
	for n, setup := range k.Setups {
		require.Equal(t, setup.PublicKey(), again.Setups[n].PublicKey())
	}
	written, err := again.Text()
	require.NoError(t, err)
	require.Equal(t, text, string(written))
	for _, as := range []string{strings.TrimSuffix(text, "\n"), strings.ReplaceAll(text, "\n", "\r\n")} {
		same, err := Parse([]byte(as))
		require.NoError(t, err)
		require.Equal(t, k.StateKeys, same.StateKeys)
	}
	require.Contains(t, text, "nescio-database-key:"+encoding.EncodeToString(k.Database[:])+"\n")
	require.Contains(t, text, "nescio-state-key:always:")
	require.Contains(t, text, "nescio-state-key:2030-12-31T18:00:00Z:")
	require.Contains(t, text, "nescio-opaque-setup:65535:")
}

func TestParseIsStrict(t *testing.T) {
	_, text := everything(t)
	lines := strings.SplitAfter(text, "\n")
	decoy, database, always, later, setup := lines[0], lines[1], lines[2], lines[3], lines[4]
	short := func(line string) string { return line[:len(line)-4] + "\n" } // 30 bytes
	long := func(line string) string { return strings.Replace(line, "\n", "AAAA\n", 1) }
	for name, bad := range map[string]string{
		"empty":                  "",
		"an empty line":          text + "\n",
		"a CR inside":            strings.Replace(decoy, "A", "A\r", 1) + strings.Replace(always, ":", ":\r", 1),
		"a comment":              "# comment\n" + text,
		"a blank":                " " + text,
		"another prefix":         strings.Replace(decoy, "nescio", "Nescio", 1),
		"a short key":            short(decoy),
		"a short database key":   short(database),
		"a short state key":      short(always),
		"a long key":             long(decoy),
		"a long database key":    long(database),
		"a long state key":       long(always),
		"no key":                 "nescio-database-key:\n",
		"a database key, a time": strings.Replace(database, ":", ":always:", 1),
		"padding":                strings.Replace(decoy, "\n", "=\n", 1),
		"a state key, no time":   strings.Replace(always, ":always:", ":", 1),
		"an empty time":          strings.Replace(always, "always", "", 1),
		"another time":           strings.Replace(later, "Z", "+00:00", 1),
		"fractions":              strings.Replace(later, "Z", ".5Z", 1),
		"a signed number":        strings.Replace(setup, ":0:", ":+0:", 1),
		"a leading zero":         strings.Replace(setup, ":0:", ":00:", 1),
		"a large number":         strings.Replace(setup, ":0:", ":65536:", 1),
		"a short setup":          setup[:60] + "\n",
		"two decoy keys":         decoy + decoy,
		"two database keys":      database + always + database,
		"a state key twice":      always + strings.Replace(always, "always", "2030-12-31T18:00:00Z", 1),
		"a number twice":         setup + setup,
		"too long":               strings.Repeat(decoy, 2000),
	} {
		_, err := Parse([]byte(bad))
		require.Error(t, err, name)
		for _, secret := range lines[:4] {
			require.NotContains(t, err.Error(), secret[len(secret)-20:len(secret)-1], name)
		}
	}
}

func TestLock(t *testing.T) {
	_, text := everything(t)
	passphrase := []byte("correct horse battery")
	locked, err := Lock(t.Context(), []byte(text), passphrase)
	require.NoError(t, err)
	require.True(t, IsLocked(locked))
	require.False(t, IsLocked([]byte(text)))
	opened, err := Unlock(t.Context(), locked, passphrase)
	require.NoError(t, err)
	require.Equal(t, text, string(opened))

	_, err = Unlock(t.Context(), locked, []byte("another passphrase"))
	require.ErrorIs(t, err, ErrPassphrase)
	_, err = Lock(t.Context(), []byte(text), []byte("too short"))
	require.Error(t, err)

	// Damage anywhere, and costs that the policy refuses, in both directions.
	for _, i := range []int{0, 20, 60, 90, 120, len(locked) - 20} {
		damaged := bytes.Clone(locked)
		damaged[i] ^= 1
		_, err = Unlock(t.Context(), damaged, passphrase)
		require.Error(t, err, "byte %d", i)
	}
	for _, bad := range [][2]string{{"m=65536", "m=8192"}, {"m=65536", "m=16777216"}, {"\n", "\n\n"}, {"\n", "\r\n"}, {"nescio-locked:", ""}} {
		_, err = Unlock(t.Context(), bytes.Replace(locked, []byte(bad[0]), []byte(bad[1]), 1), passphrase)
		require.Error(t, err, "%q", bad)
	}
}

func TestLoad(t *testing.T) {
	k, text := everything(t)
	path := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	loaded, err := Load(t.Context(), path, nil)
	require.NoError(t, err)
	require.Equal(t, k.Decoy, loaded.Decoy)

	phrasePath := path + ".passphrase"
	require.NoError(t, os.WriteFile(phrasePath, []byte("correct horse battery\r\nsecond line\n"), 0o600))
	passphrase, err := ReadPassphrase(phrasePath)
	require.NoError(t, err)
	require.Equal(t, "correct horse battery", string(passphrase))
	locked, err := Lock(t.Context(), []byte(text), passphrase)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, locked, 0o600))
	_, err = Load(t.Context(), path, nil)
	require.ErrorIs(t, err, ErrLocked)
	_, err = Load(t.Context(), path, []byte("another passphrase"))
	require.ErrorIs(t, err, ErrPassphrase)
	loaded, err = Load(t.Context(), path, passphrase)
	require.NoError(t, err)
	require.Equal(t, k.Decoy, loaded.Decoy)

	require.NoError(t, os.WriteFile(phrasePath, []byte("\n"), 0o600))
	_, err = ReadPassphrase(phrasePath)
	require.Error(t, err)
	if runtime.GOOS != "windows" {
		require.NoError(t, os.Chmod(path, 0o640))
		_, err = Load(t.Context(), path, passphrase)
		require.ErrorContains(t, err, "can be read by others")
	}
}

func TestFingerprint(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	require.Len(t, Fingerprint("decoy", secret), 16)
	require.NotEqual(t, Fingerprint("decoy", secret), Fingerprint("state", secret))
	require.NotEqual(t, Fingerprint("decoy", secret), Fingerprint("decoy", secret[:31]))
}

func FuzzParse(f *testing.F) {
	_, text := everything(f)
	f.Add([]byte(text))
	for line := range strings.Lines(text) {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := Parse(data)
		if err != nil {
			return
		}
		first, err := k.Text()
		require.NoError(t, err)
		again, err := Parse(first)
		require.NoError(t, err)
		second, err := again.Text()
		require.NoError(t, err)
		require.Equal(t, first, second)
	})
}
