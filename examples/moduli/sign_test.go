package main

import (
	"io/fs"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

func mode(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

// newKey writes a signing key, as keys make signing does.
func newKey(t testing.TB, file, notBefore string) {
	t.Helper()
	from := time.Now().UTC().Truncate(24 * time.Hour)
	if notBefore != "" {
		var err error
		from, err = time.Parse(time.DateOnly, notBefore)
		require.NoError(t, err)
	}
	key, err := moduli.GenerateKey(from, time.Time{})
	require.NoError(t, err)
	text, err := (&keyfile.Keys{Signing: []*moduli.PrivateKey{key}}).Text()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	write(t, file+".pub", key.Public().Text()+"\n")
}

func TestSign(t *testing.T) {
	in(t)
	small512(t, 2)
	unsigned := read(t, "pool.moduli")
	require.NoError(t, os.Chmod("pool.moduli", 0o640))
	newKey(t, "one", "")
	newKey(t, "two", "")

	must(t, "sign", "-key", "one", "-o", "signed.moduli", "pool.moduli")
	require.Equal(t, unsigned, read(t, "pool.moduli"))
	must(t, "verify", "-key", "one.pub", "signed.moduli")
	refused(t, "signed.moduli exists", "sign", "-key", "two", "-o", "signed.moduli", "pool.moduli")

	require.Contains(t, must(t, "sign", "-key", "one", "pool.moduli"), ", 0 unchanged")
	if runtime.GOOS != "windows" {
		require.Equal(t, fs.FileMode(0o640), mode(t, "pool.moduli"))
	}
	signed := read(t, "pool.moduli")
	require.Contains(t, must(t, "sign", "-key", "two", "pool.moduli"), "0 records signed, 2 unchanged, for \"demo\"")
	require.Equal(t, signed, read(t, "pool.moduli"))
	must(t, "sign", "-key", "two", "-replace", "pool.moduli")
	must(t, "verify", "-key", "two.pub", "pool.moduli")
}

func TestSignOutsideTheWindow(t *testing.T) {
	in(t)
	small512(t, 1, "-created", "2029-12-31")
	newKey(t, "key", "2030-01-01")
	refused(t, "pool.moduli:1 was created at 2029-12-31T00:00:00Z, and no key in the file signs records of that time; the newest key signs records created from 2030-01-01T00:00:00Z", "sign", "-key", "key", "pool.moduli")
}

// TestKeysOfATime: a file with several keys signs each record with the newest
// key whose window covers it. A pool can therefore be renewed after a rotation.
func TestKeysOfATime(t *testing.T) {
	in(t)
	small512(t, 1, "-created", "2024-06-01")
	must(t, "generate", "-bits", "512", "-label", "later", "-created", "2025-06-01", "-o", "later.moduli")
	write(t, "pool.moduli", read(t, "pool.moduli")+read(t, "later.moduli"))
	for _, year := range []string{"2024", "2025", "2026"} {
		newKey(t, "key"+year, year+"-01-01")
	}
	write(t, "keys.pub", read(t, "key2024.pub")+read(t, "key2025.pub")+read(t, "key2026.pub"))
	require.NoError(t, os.WriteFile("keys", []byte(read(t, "key2024")+read(t, "key2025")+read(t, "key2026")), 0o600))
	must(t, "sign", "-key", "keys", "pool.moduli")
	must(t, "sign", "-key", "keys", "-replace", "-not-after", "+365d", "pool.moduli")
	must(t, "verify", "-key", "keys.pub", "pool.moduli")
	pool, err := moduli.ParsePool(read(t, "pool.moduli"))
	require.NoError(t, err)
	for i, year := range []string{"2024", "2025"} {
		keys, err := moduli.ParseKeys(read(t, "key"+year+".pub"))
		require.NoError(t, err)
		require.NoError(t, keys.Check(pool.Records()[i], "demo"))
	}
}

func TestKeysAreNotConfused(t *testing.T) {
	in(t)
	small512(t, 1)
	newKey(t, "key", "")
	refused(t, "key.pub is not a file with a private key", "sign", "-key", "key.pub", "pool.moduli")
	refused(t, "key is a private key", "verify", "-key", "key", "pool.moduli")
}
