package interop_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	protonrecovery "github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

// gnupg is GnuPG with a home of its own.
type gnupg struct{ home string }

func newGnuPG(t testing.TB) *gnupg {
	home, err := os.MkdirTemp("", "gpg") // the path of its agent's socket has to be short
	require.NoError(t, err)
	// Its agent would measure the machine, and derive for a tenth of a second each time.
	require.NoError(t, os.WriteFile(filepath.Join(home, "gpg-agent.conf"), []byte("s2k-count 65536\n"), 0o600))
	t.Cleanup(func() {
		exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	return &gnupg{home}
}

// try runs gpg under a passphrase, with the message format of RFC 4880: GnuPG's own
// from 2.3 on has a packet that OpenPGP does not.
func (g *gnupg) try(passphrase string, stdin []byte, args ...string) ([]byte, error) {
	var out, log bytes.Buffer
	cmd := exec.Command("gpg", append([]string{"--homedir", g.home, "--batch", "--yes", "--no-tty", "--quiet", "--rfc4880",
		"--cipher-algo", "AES256", "--digest-algo", "SHA256", "--trust-model", "always",
		"--pinentry-mode", "loopback", "--passphrase", passphrase}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &log
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		log.WriteString("\nThis test needs GnuPG (Debian: gnupg).")
	}
	if err != nil {
		return nil, &gpgError{err, log.String()}
	}
	return out.Bytes(), nil
}

type gpgError struct {
	err error
	log string
}

func (e *gpgError) Error() string { return "gpg: " + e.err.Error() + "\n" + e.log }

func (g *gnupg) run(t testing.TB, passphrase string, stdin []byte, args ...string) []byte {
	t.Helper()
	out, err := g.try(passphrase, stdin, args...)
	require.NoError(t, err, "gpg %s", strings.Join(args, " "))
	return out
}

// generate makes a key of its own and returns its fingerprint.
func (g *gnupg) generate(t testing.TB, passphrase, name, signing, encryption string) string {
	g.run(t, passphrase, nil, "--quick-gen-key", name+" <"+name+"@example.org>", signing, "sign,cert", "never")
	for line := range strings.Lines(string(g.run(t, "", nil, "--with-colons", "--list-keys", name))) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			g.run(t, passphrase, nil, "--quick-add-key", fields[9], encryption, "encr", "never")
			return fields[9]
		}
	}
	t.Fatal("gpg has made no key")
	return ""
}

// verify checks a detached signature over a text with the keys that it has.
func (g *gnupg) verify(t testing.TB, text []byte, signature string) error {
	file := filepath.Join(t.TempDir(), "signature.asc")
	require.NoError(t, os.WriteFile(file, []byte(signature), 0o600))
	_, err := g.try("", text, "--verify", file, "-")
	return err
}

func protonKey(t testing.TB, name string, c *packet.Config) *protonrecovery.Key {
	entity, err := openpgp.NewEntity(name, "", name+"@example.org", c)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, entity.SerializePrivateWithoutSigning(&b, nil))
	key, err := protonrecovery.ParseKey(b.Bytes(), nil)
	require.NoError(t, err)
	return key
}

// TestGnuPGOpensOurRecoveryFile: to the same bytes, which it takes in as keys; and our
// signature over the secret verifies.
func TestGnuPGOpensOurRecoveryFile(t *testing.T) {
	t.Parallel()
	g := newGnuPG(t)
	keys := []*protonrecovery.Key{
		protonKey(t, "alice", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}),
		protonKey(t, "before", &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048}),
	}
	secret, err := protonrecovery.NewFileSecret(keys[0])
	require.NoError(t, err)
	file, err := protonrecovery.MakeFile(secret, keys...)
	require.NoError(t, err)

	plaintext := g.run(t, string(secret.Text()), []byte(file), "--decrypt")
	require.Equal(t, slices.Concat(keys[0].Bytes(), keys[1].Bytes()), plaintext)
	_, err = g.try(string(secret.Text())[:43]+"A", []byte(file), "--decrypt")
	require.Error(t, err)

	g.run(t, "", plaintext, "--import")
	require.NoError(t, g.verify(t, secret.Text(), secret.Signature))
	require.Error(t, g.verify(t, secret.Text()[1:], secret.Signature))
	for i, name := range []string{"alice", "before"} {
		note := g.run(t, "", []byte("a note"), "--recipient", name, "--encrypt")
		require.Equal(t, "a note", string(g.run(t, "", note, "--decrypt")))
		require.Contains(t, string(g.run(t, "", nil, "--with-colons", "--list-secret-keys", name)),
			strings.ToUpper(hex.EncodeToString(keys[i].Fingerprint())))
	}
}

// TestGnuPGUnlocksOurKey: a key that Lock has locked.
func TestGnuPGUnlocksOurKey(t *testing.T) {
	t.Parallel()
	g := newGnuPG(t)
	const passphrase = "s4IdhXHJZTxl6Rw8L/.v76Uek8YgMQW"
	for name, c := range map[string]*packet.Config{
		"alice":  {Algorithm: packet.PubKeyAlgoEdDSA},
		"before": {Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048},
	} {
		key := protonKey(t, name, c)
		locked, err := key.Lock([]byte(passphrase))
		require.NoError(t, err)
		g.run(t, passphrase, []byte(locked), "--import")
		again, err := protonrecovery.ParseKey(g.run(t, passphrase, nil, "--export-secret-keys", name), []byte(passphrase))
		require.NoError(t, err)
		require.Equal(t, key.Fingerprint(), again.Fingerprint())
		note := g.run(t, "", []byte("a note"), "--recipient", name, "--encrypt")
		require.Equal(t, "a note", string(g.run(t, passphrase, note, "--decrypt")), name)
	}
}

// TestWeOpenGnuPGsRecoveryFile: exported secret keys, under a secret that GnuPG signed
// and by its own encryption, compressed or not, armored with and without comments.
func TestWeOpenGnuPGsRecoveryFile(t *testing.T) {
	t.Parallel()
	g := newGnuPG(t)
	fingerprints := []string{g.generate(t, "", "alice", "ed25519", "cv25519"), g.generate(t, "", "before", "rsa2048", "rsa2048")}
	plaintext := g.run(t, "", nil, append([]string{"--export-secret-keys"}, fingerprints...)...)
	note := g.run(t, "", []byte("a note"), "--recipient", fingerprints[0], "--encrypt")

	ours, err := protonrecovery.NewFileSecret(protonKey(t, "nobody", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}))
	require.NoError(t, err)
	signatures := [][]string{{"--detach-sign"}, {"--textmode", "--detach-sign"}}
	if testing.Short() {
		signatures = signatures[:1]
	}
	for _, args := range signatures {
		signature := g.run(t, "", ours.Text(), append([]string{"--armor", "--local-user", fingerprints[0]}, args...)...)
		secret := protonrecovery.ImportFileSecret(ours.Text(), string(signature))
		for _, args := range [][]string{
			{"--compress-algo", "none"}, {"--compress-algo", "zip"}, {"--compress-algo", "zlib"}, {"--compress-algo", "bzip2"},
			{"--comment", "keep this: it is yours", "--emit-version"}, {"--cipher-algo", "AES"}, {"--s2k-mode", "1"},
			{"--s2k-digest-algo", "SHA512"}, {"--set-filename", strings.Repeat("n", 200)},
		} {
			file := g.run(t, string(secret.Text()), plaintext, append(slices.Clone(args), "--armor", "--symmetric")...)
			_, err := protonrecovery.OpenFile(t.Context(), string(file), ours)
			require.ErrorIs(t, err, protonrecovery.ErrSignature, "the same text, not signed by a key of the file")
			keys, err := protonrecovery.OpenFile(t.Context(), string(file), secret)
			require.NoError(t, err, args)
			require.Len(t, keys, 2)
			for i, key := range keys {
				require.Equal(t, fingerprints[i], strings.ToUpper(hex.EncodeToString(key.Fingerprint())))
			}
			// Our file of these keys is GnuPG's to open, and its contents are the same
			// keys: in another home they open the note.
			again, err := protonrecovery.MakeFile(secret, keys...)
			require.NoError(t, err)
			if args[1] == "none" {
				elsewhere := newGnuPG(t)
				elsewhere.run(t, "", elsewhere.run(t, string(secret.Text()), []byte(again), "--decrypt"), "--import")
				require.Equal(t, "a note", string(elsewhere.run(t, "", note, "--decrypt")))
			}
		}
		for name, bad := range map[string][]string{
			"3DES": {"--cipher-algo", "3DES"}, "no salt": {"--s2k-mode", "0"},
		} {
			file := g.run(t, string(secret.Text()), plaintext, append(bad, "--armor", "--symmetric")...)
			_, err := protonrecovery.OpenFile(t.Context(), string(file), secret)
			require.ErrorIs(t, err, protonrecovery.ErrUnsupported, name)
		}
		public := g.run(t, "", nil, "--export")
		file := g.run(t, string(secret.Text()), public, "--armor", "--symmetric")
		_, err := protonrecovery.OpenFile(t.Context(), string(file), secret)
		require.ErrorIs(t, err, protonrecovery.ErrKey)
	}
	file := g.run(t, "another secret", plaintext, "--armor", "--symmetric")
	_, err = protonrecovery.OpenFile(t.Context(), string(file), ours)
	require.ErrorIs(t, err, protonrecovery.ErrSecret)
}

// TestWeSkipGnuPGsStub: GnuPG exports a key without its primary secret part beside
// a whole one. The whole key opens, and the other is named.
func TestWeSkipGnuPGsStub(t *testing.T) {
	t.Parallel()
	g := newGnuPG(t)
	stub, whole := g.generate(t, "", "card", "ed25519", "cv25519"), g.generate(t, "", "whole", "ed25519", "cv25519")
	ours, err := protonrecovery.NewFileSecret(protonKey(t, "nobody", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}))
	require.NoError(t, err)
	signature := g.run(t, "", ours.Text(), "--armor", "--local-user", whole, "--detach-sign")
	secret := protonrecovery.ImportFileSecret(ours.Text(), string(signature))
	stubBytes := g.run(t, "", nil, "--export-secret-subkeys", stub)
	wholeBytes := g.run(t, "", nil, "--export-secret-keys", whole)
	for index, plaintext := range [][]byte{slices.Concat(stubBytes, wholeBytes), slices.Concat(wholeBytes, stubBytes)} {
		file := g.run(t, string(secret.Text()), plaintext, "--armor", "--symmetric")
		keys, err := protonrecovery.OpenFile(t.Context(), string(file), secret)
		skipped, ok := errors.AsType[*protonrecovery.SkippedKeysError](err)
		require.True(t, ok, "%v", err)
		require.Len(t, skipped.Keys, 1)
		require.Equal(t, index, skipped.Keys[0].Index)
		require.Equal(t, stub, strings.ToUpper(hex.EncodeToString(skipped.Keys[0].Fingerprint)))
		require.ErrorIs(t, err, protonrecovery.ErrKey)
		require.Len(t, keys, 1)
		require.Equal(t, whole, strings.ToUpper(hex.EncodeToString(keys[0].Fingerprint())))
	}
	file := g.run(t, string(secret.Text()), stubBytes, "--armor", "--symmetric")
	keys, err := protonrecovery.OpenFile(t.Context(), string(file), secret)
	require.ErrorIs(t, err, protonrecovery.ErrKey)
	require.Empty(t, keys)
}

// TestWeUnlockGnuPGsKey: what it exports under a passphrase.
func TestWeUnlockGnuPGsKey(t *testing.T) {
	t.Parallel()
	g := newGnuPG(t)
	const passphrase = "s4IdhXHJZTxl6Rw8L/.v76Uek8YgMQW"
	kinds := [][2]string{{"ed25519", "cv25519"}, {"nistp256", "nistp256"}, {"rsa2048", "rsa2048"}}
	if testing.Short() {
		kinds = kinds[:1]
	}
	for _, algorithms := range kinds {
		fingerprint := g.generate(t, passphrase, algorithms[0], algorithms[0], algorithms[1])
		for _, form := range [][]string{nil, {"--armor"}} {
			locked := g.run(t, passphrase, nil, append(form, "--export-secret-keys", fingerprint)...)
			key, err := protonrecovery.ParseKey(locked, []byte(passphrase))
			require.NoError(t, err, algorithms)
			require.Equal(t, fingerprint, strings.ToUpper(hex.EncodeToString(key.Fingerprint())))
			_, err = protonrecovery.ParseKey(locked, []byte("another"))
			require.Equal(t, protonrecovery.ErrPassphrase, err)

			elsewhere := newGnuPG(t)
			elsewhere.run(t, "", key.Bytes(), "--import")
			require.NotEmpty(t, elsewhere.run(t, "", nil, "--export-secret-keys", fingerprint))
		}
		stub := g.run(t, passphrase, nil, "--export-secret-subkeys", fingerprint)
		_, err := protonrecovery.ParseKey(stub, []byte(passphrase))
		require.ErrorIs(t, err, protonrecovery.ErrKey)
	}
}
