package proton_test

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/*.json
var testdata embed.FS

// generate makes an OpenPGP key by package openpgp, not ours, and reads it.
func generate(t testing.TB, name string, config *packet.Config) (*openpgp.Entity, *proton.Key) {
	if config == nil {
		config = &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}
	}
	entity, err := openpgp.NewEntity(name, "", name+"@example.org", config)
	require.NoError(t, err)
	key, err := proton.ParseKey(secretKey(t, entity), nil)
	require.NoError(t, err)
	require.Equal(t, entity.PrimaryKey.Fingerprint, key.Fingerprint())
	return entity, key
}

func newKey(t testing.TB) *proton.Key {
	_, key := generate(t, "alice", nil)
	return key
}

func secretKey(t testing.TB, e *openpgp.Entity) []byte {
	var b bytes.Buffer
	require.NoError(t, e.SerializePrivateWithoutSigning(&b, nil))
	return b.Bytes()
}

func publicKey(t testing.TB, e *openpgp.Entity) []byte {
	var b bytes.Buffer
	require.NoError(t, e.Serialize(&b))
	return b.Bytes()
}

// entityOf reads a key as other software does.
func entityOf(t testing.TB, key []byte) *openpgp.Entity {
	entities, err := openpgp.ReadKeyRing(bytes.NewReader(key))
	require.NoError(t, err)
	require.Len(t, entities, 1)
	return entities[0]
}

// seal encrypts a note to a key, and unseal is the inverse.
func seal(t testing.TB, to *openpgp.Entity, note string) []byte {
	var b bytes.Buffer
	w, err := openpgp.Encrypt(&b, []*openpgp.Entity{to}, nil, nil, nil, nil)
	require.NoError(t, err)
	io.WriteString(w, note)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func unseal(t testing.TB, key, message []byte) string {
	md, err := openpgp.ReadMessage(bytes.NewReader(message), openpgp.EntityList{entityOf(t, key)}, nil, nil)
	require.NoError(t, err)
	note, err := io.ReadAll(md.UnverifiedBody)
	require.NoError(t, err)
	return string(note)
}

func armored(t testing.TB, kind string, b []byte) string {
	var text bytes.Buffer
	w, err := armor.Encode(&text, kind, nil)
	require.NoError(t, err)
	w.Write(b)
	require.NoError(t, w.Close())
	return text.String()
}

func dearmored(t testing.TB, text string) []byte {
	block, err := armor.Decode(strings.NewReader(text))
	require.NoError(t, err)
	b, err := io.ReadAll(block.Body)
	require.NoError(t, err)
	return b
}

// newSecret is a recovery secret signed by a key.
func newSecret(t testing.TB, signer *proton.Key) proton.FileSecret {
	s, err := proton.NewFileSecret(signer)
	require.NoError(t, err)
	return s
}

func makeFile(t testing.TB, s proton.FileSecret, keys ...*proton.Key) string {
	file, err := proton.MakeFile(s, keys...)
	require.NoError(t, err)
	return file
}

// requireErr opens what must not open.
func requireErr(t testing.TB, want error, file string, secrets ...proton.FileSecret) {
	t.Helper()
	keys, err := proton.OpenFile(t.Context(), file, secrets...)
	require.ErrorIs(t, err, want)
	require.Nil(t, keys)
}

// TestForgottenPassword: a generated key, exported under a passphrase that is then
// forgotten, comes back from the file, and opens a message sealed before.
func TestForgottenPassword(t *testing.T) {
	configs := map[string]*packet.Config{
		"EdDSA, version 4": {Algorithm: packet.PubKeyAlgoEdDSA},
		"version 6":        {Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true},
		"ECDSA on P-256":   {Algorithm: packet.PubKeyAlgoECDSA, Curve: packet.CurveNistP256},
	}
	if !testing.Short() {
		configs["RSA"] = &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048}
	}
	for name, config := range configs {
		entity, key := generate(t, "alice", config)
		message := seal(t, entity, "written before")
		_, other := generate(t, "alice, before", nil)

		locked := lock(t, entity, quick())
		secret := newSecret(t, key)
		file := makeFile(t, secret, key, other)

		keys, err := proton.OpenFile(t.Context(), file, newSecret(t, other), secret, newSecret(t, key))
		require.NoError(t, err, name)
		require.Len(t, keys, 2)
		require.Equal(t, key.Bytes(), keys[0].Bytes(), name)
		require.Equal(t, other.Bytes(), keys[1].Bytes())
		require.Equal(t, "written before", unseal(t, keys[0].Bytes(), message), name)

		// It is the one that is locked.
		_, err = proton.ParseKey(locked, []byte("forgotten"))
		require.Equal(t, proton.ErrPassphrase, err)
		old, err := proton.ParseKey(locked, passphrase)
		require.NoError(t, err)
		require.Equal(t, key.Bytes(), old.Bytes())
	}
}

// TestFileOnTheOutside: another reader gets the concatenated keys from the file, and
// the file shows nothing of whose it is.
func TestFileOnTheOutside(t *testing.T) {
	entity, key := generate(t, "alice", nil)
	_, other := generate(t, "alice, before", nil)
	secret := newSecret(t, key)
	require.Len(t, secret.Text(), 44)
	random, err := base64.StdEncoding.Strict().DecodeString(string(secret.Text()))
	require.NoError(t, err)
	require.Len(t, random, 32)
	file := makeFile(t, secret, key, other)
	require.True(t, strings.HasPrefix(file, "-----BEGIN PGP MESSAGE-----\n"))
	require.True(t, strings.HasSuffix(file, "-----END PGP MESSAGE-----\n"))

	raw := dearmored(t, file)
	packets := packet.NewOpaqueReader(bytes.NewReader(raw))
	skesk, err := packets.Next()
	require.NoError(t, err)
	require.Equal(t, []byte{4, 9, 3, 8}, skesk.Contents[:4], "AES-256, iterated and salted SHA-256")
	seipd, err := packets.Next()
	require.NoError(t, err)
	require.EqualValues(t, 18, seipd.Tag)
	require.EqualValues(t, 1, seipd.Contents[0])
	for _, known := range [][]byte{[]byte("alice"), []byte("example.org"), entity.PrimaryKey.Fingerprint[12:], secret.Text()[:8], random[:8]} {
		require.NotContains(t, string(raw), string(known))
		require.NotContains(t, file, string(known))
	}

	tries := 0
	md, err := openpgp.ReadMessage(bytes.NewReader(raw), nil, func([]openpgp.Key, bool) ([]byte, error) {
		tries++
		require.Equal(t, 1, tries)
		return secret.Text(), nil
	}, nil)
	require.NoError(t, err)
	plaintext, err := io.ReadAll(md.UnverifiedBody)
	require.NoError(t, err)
	require.Equal(t, slices.Concat(key.Bytes(), other.Bytes()), plaintext)
	require.Empty(t, md.LiteralData.FileName)
	require.True(t, md.LiteralData.IsBinary)
	require.Zero(t, md.LiteralData.Time)
	require.False(t, md.IsSigned)

	_, _, err = openpgp.VerifyArmoredDetachedSignature(openpgp.EntityList{entityOf(t, publicKey(t, entity))},
		bytes.NewReader(secret.Text()), strings.NewReader(secret.Signature), nil)
	require.NoError(t, err)
	require.NotEqual(t, file, makeFile(t, secret, key, other), "a new salt, a new session key")
	require.NotEqual(t, newSecret(t, key).Text(), secret.Text())
}

type gnupg struct {
	Secret       string            `json:"secret"`
	Signature    string            `json:"signature"`
	SHA1         string            `json:"signature_sha1"`
	Files        map[string]string `json:"files"`
	Plaintext    testvec.Base64    `json:"plaintext"`
	Fingerprints []testvec.Hex     `json:"fingerprints"`
	Message      string            `json:"message"`
	Note         string            `json:"note"`

	Locked            string      `json:"locked"`
	LockedPassphrase  string      `json:"locked_passphrase"`
	LockedFingerprint testvec.Hex `json:"locked_fingerprint"`
	LockedMessage     string      `json:"locked_message"`
	LockedNote        string      `json:"locked_note"`
}

func (g gnupg) fileSecret() proton.FileSecret {
	return proton.ImportFileSecret([]byte(g.Secret), g.Signature)
}

// TestWhatGnuPGMade: files, compressed by every algorithm or not, a signature, and a
// locked key.
func TestWhatGnuPGMade(t *testing.T) {
	v := testvec.Load[gnupg](t, testdata, "testdata/gnupg.json")
	require.Len(t, v.Files, 4)
	weak := proton.ImportFileSecret([]byte(v.Secret), v.SHA1)
	for name, file := range v.Files {
		requireErr(t, proton.ErrSignature, file, weak)
		keys, err := proton.OpenFile(t.Context(), file, v.fileSecret())
		require.NoError(t, err, name)
		require.Len(t, keys, 2)
		for i, key := range keys {
			require.Equal(t, []byte(v.Fingerprints[i]), key.Fingerprint())
		}
		theirs, err := openpgp.ReadKeyRing(bytes.NewReader(v.Plaintext))
		require.NoError(t, err)
		require.Len(t, theirs, 2)
		require.Equal(t, v.Note, unseal(t, keys[0].Bytes(), dearmored(t, v.Message)), name)
		remade, err := proton.OpenFile(t.Context(), makeFile(t, v.fileSecret(), keys...), v.fileSecret())
		require.NoError(t, err)
		require.Equal(t, keys[1].Bytes(), remade[1].Bytes())
	}
	if testing.Short() {
		return // its S2K is the longest
	}
	key, err := proton.ParseKey([]byte(v.Locked), []byte(v.LockedPassphrase))
	require.NoError(t, err)
	require.Equal(t, []byte(v.LockedFingerprint), key.Fingerprint())
	require.Equal(t, v.LockedNote, unseal(t, key.Bytes(), dearmored(t, v.LockedMessage)))
	require.ErrorIs(t, v.fileSecret().Verify(key), proton.ErrSignature)
}

func TestSecretsRedactThemselves(t *testing.T) {
	key := newKey(t)
	secret := newSecret(t, key)
	raw := key.Bytes()
	testvec.Redacted(t, secret, secret.Text())
	testvec.Redacted(t, &secret, secret.Text())
	testvec.Redacted(t, key, raw[len(raw)-40:], raw[40:80], raw[80:120], raw[120:160])
	testvec.Redacted(t, struct{ key *proton.Key }{key}, raw[40:80], raw[80:120])
	_, err := json.Marshal(secret)
	require.Error(t, err, "a placeholder would make the user's file worthless")
}

// TestWritersCheckTheirInput: what goes into a file or a lock.
func TestWritersCheckTheirInput(t *testing.T) {
	key := newKey(t)
	secret := newSecret(t, key)
	many := make([]*proton.Key, proton.MaxKeys+1)
	for i := range many {
		many[i] = newKey(t)
	}
	_, err := proton.MakeFile(secret)
	require.ErrorIs(t, err, proton.ErrPolicy)
	_, err = proton.MakeFile(secret, key, key)
	require.ErrorIs(t, err, proton.ErrPolicy)
	_, err = proton.MakeFile(newSecret(t, many[0]), many...)
	require.ErrorIs(t, err, proton.ErrPolicy)
	large, err := proton.ParseKey(slices.Concat(key.Bytes(), wrapped(13, make([]byte, 520<<10))), nil)
	require.NoError(t, err)
	_, err = proton.MakeFile(secret, large)
	require.ErrorIs(t, err, proton.ErrPolicy)
	full := newSecret(t, many[31])
	keys, err := proton.OpenFile(t.Context(), makeFile(t, full, many[:32]...), full)
	require.NoError(t, err)
	require.Len(t, keys, 32)

	for _, n := range []int{0, 1025} {
		locked, err := key.Lock(make([]byte, n))
		require.ErrorIs(t, err, proton.ErrPolicy)
		require.Empty(t, locked)
	}
	_, err = proton.ParseKey(key.Bytes(), make([]byte, 1025))
	require.ErrorIs(t, err, proton.ErrPolicy)
}

// TestResultsAreCopies: what is returned is not what is held.
func TestResultsAreCopies(t *testing.T) {
	key := newKey(t)
	want := sha256.Sum256(key.Bytes())
	clear(key.Bytes())
	clear(key.Fingerprint())
	require.Equal(t, want, sha256.Sum256(key.Bytes()))
	require.NotZero(t, key.Fingerprint()[0]|key.Fingerprint()[1]|key.Fingerprint()[2])

	text := key.Bytes()
	parsed, err := proton.ParseKey(text, nil)
	require.NoError(t, err)
	clear(text)
	require.Equal(t, want, sha256.Sum256(parsed.Bytes()))
}
