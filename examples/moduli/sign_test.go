package main

import (
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/moduli"
	"github.com/stretchr/testify/require"
)

func TestKeygen(t *testing.T) {
	in(t)
	out := must(t, "keygen", "-o", "key", "-not-before", "2030-01-01", "-not-after", "2030-12-31")
	private, err := moduli.ParsePrivateKey(strings.TrimSuffix(read(t, "key"), "\n"))
	require.NoError(t, err)
	public, err := moduli.ParsePublicKey(strings.TrimSuffix(read(t, "key.pub"), "\n"))
	require.NoError(t, err)
	require.Equal(t, private.Public().ID(), public.ID())
	require.Equal(t, "from 2030-01-01T00:00:00Z to 2030-12-31T23:59:59Z", window(public))
	require.Contains(t, out, public.ID().String())
	require.NotContains(t, out, private.Text())
	if runtime.GOOS != "windows" {
		require.Equal(t, fs.FileMode(0o600), mode(t, "key"))
		require.Equal(t, fs.FileMode(0o044), mode(t, "key.pub")&0o044, "for everybody")
	}
}

func mode(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

func TestKeygenOverwritesNothing(t *testing.T) {
	in(t)
	must(t, "keygen", "-o", "key")
	private, public := read(t, "key"), read(t, "key.pub")
	refused(t, "key exists", "keygen", "-o", "key")
	require.NoError(t, os.Remove("key"))
	refused(t, "key.pub exists", "keygen", "-o", "key")
	require.NoFileExists(t, "key")
	require.Equal(t, public, read(t, "key.pub"))
	require.NoError(t, os.Remove("key.pub"))
	write(t, "key", private)
	refused(t, "key exists", "keygen", "-o", "key")
	require.NoFileExists(t, "key.pub")
	require.Equal(t, private, read(t, "key"))
	refused(t, "no such file", "keygen", "-o", "nowhere/key")
}

func TestSign(t *testing.T) {
	in(t)
	small512(t, 2)
	unsigned := read(t, "pool.moduli")
	require.NoError(t, os.Chmod("pool.moduli", 0o640))
	must(t, "keygen", "-o", "one")
	must(t, "keygen", "-o", "two")

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
	must(t, "keygen", "-o", "key", "-not-before", "2030-01-01")
	refused(t, "pool.moduli:1 was created at 2029-12-31T00:00:00Z, and the key signs records created from 2030-01-01T00:00:00Z", "sign", "-key", "key", "pool.moduli")
}

func TestKeysAreNotConfused(t *testing.T) {
	in(t)
	small512(t, 1)
	must(t, "keygen", "-o", "key")
	refused(t, "key.pub is not a private key", "sign", "-key", "key.pub", "pool.moduli")
	refused(t, "key is a private key", "verify", "-key", "key", "pool.moduli")
}
