package main

import (
	"io/fs"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/nescio-go/nescio/examples/internal/keyfile"
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

	require.Contains(t, must(t, "sign", "-key", "one", "pool.moduli"), ", 0 left as before")
	if runtime.GOOS != "windows" {
		require.Equal(t, fs.FileMode(0o640), mode(t, "pool.moduli"))
	}
	signed := read(t, "pool.moduli")
	require.Contains(t, must(t, "sign", "-key", "two", "pool.moduli"), "0 records signed by key ")
	require.Equal(t, signed, read(t, "pool.moduli"))
	must(t, "sign", "-key", "two", "-replace", "pool.moduli")
	must(t, "verify", "-key", "two.pub", "pool.moduli")
}

func TestSignOutsideTheWindow(t *testing.T) {
	in(t)
	small512(t, 1, "-created", "2029-12-31")
	newKey(t, "key", "2030-01-01")
	refused(t, "pool.moduli:1 was created at 2029-12-31T00:00:00Z, and the key signs records created from 2030-01-01T00:00:00Z", "sign", "-key", "key", "pool.moduli")
}

func TestKeysAreNotConfused(t *testing.T) {
	in(t)
	small512(t, 1)
	newKey(t, "key", "")
	refused(t, "key.pub is not a file with a private key", "sign", "-key", "key.pub", "pool.moduli")
	refused(t, "key is a private key", "verify", "-key", "key", "pool.moduli")
}
