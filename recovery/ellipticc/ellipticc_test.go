package ellipticc_test

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
	"github.com/nescio-go/nescio/kdf"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/ellipticc"
	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/chacha20poly1305"
)

//go:embed testdata/ellipticc.json
var testdata embed.FS

type vector struct {
	Phrase      string      `json:"phrase"`
	RKEK        testvec.Hex `json:"rkek_hex"`
	RecoveryKey testvec.Hex `json:"recovery_key_hex"`
	MasterKey   testvec.Hex `json:"master_key_hex"`

	EncryptedRecoveryKey string `json:"encrypted_recovery_key_b64"`
	RecoveryKeyNonce     string `json:"recovery_key_nonce_b64"`
	EncryptedMasterKey   string `json:"encrypted_master_key_b64"`
	MasterKeyNonce       string `json:"master_key_nonce_b64"`
}

func load(t testing.TB) vector { return testvec.Load[vector](t, testdata, "testdata/ellipticc.json") }

func (v vector) fields() ellipticc.Fields {
	return ellipticc.Fields{
		EncryptedRecoveryKey: v.EncryptedRecoveryKey, RecoveryKeyNonce: v.RecoveryKeyNonce,
		EncryptedMasterKey: v.EncryptedMasterKey, MasterKeyNonce: v.MasterKeyNonce,
	}
}

func requireRefused(t testing.TB, phrase string, f ellipticc.Fields, msg ...any) {
	t.Helper()
	old, err := ellipticc.Open(phrase, f)
	require.Equal(t, ellipticc.ErrOpen, err, msg...)
	require.Zero(t, old, msg...)
}

func TestVector(t *testing.T) {
	v := load(t)
	for _, phrase := range []string{v.Phrase, "  " + v.Phrase + "\r\n", strings.ToUpper(v.Phrase)} {
		old, err := ellipticc.Open(phrase, v.fields())
		require.NoError(t, err)
		require.Equal(t, []byte(v.MasterKey), old[:])
	}
}

// TestChain: each step by itself, from a hash that a server could have.
func TestChain(t *testing.T) {
	v := load(t)
	verifier := sha256.Sum256([]byte(v.Phrase))
	rkek := sha256.Sum256(verifier[:])
	require.Equal(t, []byte(v.RKEK), rkek[:])
	unseal := func(key []byte, c, n string) []byte {
		ciphertext, err := base64.StdEncoding.DecodeString(c)
		require.NoError(t, err)
		nonce, err := base64.StdEncoding.DecodeString(n)
		require.NoError(t, err)
		aead, err := chacha20poly1305.NewX(key)
		require.NoError(t, err)
		secret, err := aead.Open(nil, nonce, ciphertext, nil)
		require.NoError(t, err)
		return secret
	}
	rk := unseal(rkek[:], v.EncryptedRecoveryKey, v.RecoveryKeyNonce)
	require.Equal(t, []byte(v.RecoveryKey), rk)
	require.Equal(t, []byte(v.MasterKey), unseal(rk, v.EncryptedMasterKey, v.MasterKeyNonce))
}

func TestWrongPhrase(t *testing.T) {
	v := load(t)
	for name, phrase := range map[string]string{
		"empty":       "",
		"another":     strings.Replace(v.Phrase, "about", "zoo", 1),
		"a word less": strings.TrimSuffix(v.Phrase, " about"),
		"two spaces":  strings.Replace(v.Phrase, " about", "  about", 1),
		"its hash":    string(v.RKEK),
		"too long":    v.Phrase + strings.Repeat(" ", 4<<10),
		"not UTF-8":   v.Phrase + "\xff",
	} {
		requireRefused(t, phrase, v.fields(), name)
	}
}

// each calls f with every one of the four fields.
func each(v vector, f func(name string, field *string, fields *ellipticc.Fields)) {
	for i, name := range []string{"recovery key", "its nonce", "master key", "its nonce"} {
		fields := v.fields()
		f(name, []*string{&fields.EncryptedRecoveryKey, &fields.RecoveryKeyNonce, &fields.EncryptedMasterKey, &fields.MasterKeyNonce}[i], &fields)
	}
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	v := load(t)
	each(v, func(name string, field *string, fields *ellipticc.Fields) {
		text := *field
		raw, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		for bit, flipped := range testvec.BitFlips(raw) {
			*field = base64.StdEncoding.EncodeToString(flipped)
			requireRefused(t, v.Phrase, *fields, "%s, bit %d", name, bit)
		}
		for bit, flipped := range testvec.BitFlips([]byte(text)) {
			*field = string(flipped)
			requireRefused(t, v.Phrase, *fields, "text of %s, bit %d", name, bit)
		}
	})
}

func TestEveryOtherLengthIsRefused(t *testing.T) {
	v := load(t)
	each(v, func(name string, field *string, fields *ellipticc.Fields) {
		text := *field
		raw, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		for other := range testvec.Lengths(raw) {
			*field = base64.StdEncoding.EncodeToString(other)
			requireRefused(t, v.Phrase, *fields, "%s, %d bytes", name, len(other))
		}
		for _, other := range []string{text + "\n", "\n" + text, text[:8] + "\n" + text[8:], text + "====", strings.TrimRight(text, "=") + " "} {
			*field = other
			requireRefused(t, v.Phrase, *fields, "%s: %q", name, other)
		}
	})
}

func TestFieldsAreNotInterchangeable(t *testing.T) {
	v := load(t)
	f := v.fields()
	requireRefused(t, v.Phrase, ellipticc.Fields{
		EncryptedRecoveryKey: f.EncryptedMasterKey, RecoveryKeyNonce: f.MasterKeyNonce,
		EncryptedMasterKey: f.EncryptedRecoveryKey, MasterKeyNonce: f.RecoveryKeyNonce,
	})
	f.RecoveryKeyNonce, f.MasterKeyNonce = f.MasterKeyNonce, f.RecoveryKeyNonce
	requireRefused(t, v.Phrase, f)
	requireRefused(t, v.Phrase, ellipticc.Fields{})
}

// TestAdopted: the old key is within reach as epoch 0 by every way in of the new
// keyring, and is not its master key.
func TestAdopted(t *testing.T) {
	ctx := t.Context()
	v := load(t)
	old, err := ellipticc.Open(v.Phrase, v.fields())
	require.NoError(t, err)
	account := make([]byte, 16)
	account[0] = 1
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	params, err := kdf.NewArgon2id(8, 1, 1)
	require.NoError(t, err)
	password := recovery.NewPassword([]byte("correct horse"), nil)
	password.KDF, password.Policy = params, kdf.FixedPolicy(params)
	keyring, err := recovery.Create(ctx, account, phrase, password)
	require.NoError(t, err)
	require.NoError(t, keyring.Adopt(ctx, old))

	header, err := recovery.ParseHeader(keyring.Bytes())
	require.NoError(t, err)
	for _, way := range []recovery.Opener{phrase, password} {
		again, err := recovery.Open(ctx, header, way, recovery.FirstUse(account))
		require.NoError(t, err)
		key, err := again.Key(0)
		require.NoError(t, err)
		require.True(t, key.Equal(wrap.ImportKey(old)))
		require.EqualValues(t, 1, again.Epoch())
		current, err := again.Key(1)
		require.NoError(t, err)
		require.False(t, current.Equal(wrap.ImportKey(old)))
	}
	oldPhrase, err := recovery.ParsePhrase(v.Phrase)
	require.NoError(t, err)
	_, err = recovery.Open(ctx, header, oldPhrase, recovery.FirstUse(account))
	require.Equal(t, recovery.ErrNotMine, err)
}

func FuzzOpen(f *testing.F) {
	v := load(f)
	f.Add(v.Phrase, v.EncryptedRecoveryKey, v.RecoveryKeyNonce, v.EncryptedMasterKey, v.MasterKeyNonce)
	f.Add("", "", "", "", "")
	f.Fuzz(func(t *testing.T, phrase, rk, rkNonce, mk, mkNonce string) {
		old, err := ellipticc.Open(phrase, ellipticc.Fields{
			EncryptedRecoveryKey: rk, RecoveryKeyNonce: rkNonce, EncryptedMasterKey: mk, MasterKeyNonce: mkNonce,
		})
		if err != nil {
			require.Equal(t, ellipticc.ErrOpen, err)
			require.Zero(t, old)
			return
		}
		require.Equal(t, []byte(v.MasterKey), old[:], "nobody else can have sealed it")
	})
}

// An account moves here. Its old master key is only the history of the new keyring.
func Example() {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	fields := ellipticc.Fields{ // from the old server
		EncryptedRecoveryKey: "W5CNZLZiU5Y2U0i0W33s6tAo8g6t0Ughjti/N5qaYQ2N4qeQ+vV1pIxM4knSQ1LK",
		RecoveryKeyNonce:     "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
		EncryptedMasterKey:   "cgBQxfnN5plGuy7GnAAJAX0SVwPU6dkuYBmQLwjEpZkME+h4mGnzI16MvUbrrwRa",
		MasterKeyNonce:       "AgICAgICAgICAgICAgICAgICAgICAgIC",
	}
	typed, err := recovery.ParsePhrase("  Abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon ABOUT ")
	must(err) // a typing error, and where it is
	old, err := ellipticc.Open(typed.Words(), fields)
	must(err) // ErrOpen: another phrase

	account := make([]byte, 16) // random, of the new account
	account[0] = 1
	phrase, err := recovery.NewPhrase(12) // a new one, to write down
	must(err)
	keyring, err := recovery.Create(ctx, account, phrase)
	must(err)
	must(keyring.Adopt(ctx, old))

	// On any device: data keys that the old server may know are under epoch 0, and
	// those of data that has been encrypted anew under the current one.
	for _, epoch := range []uint32{0, keyring.Epoch()} {
		key, err := keyring.Key(epoch)
		must(err)
		fmt.Printf("epoch %d: the old key? %t\n", epoch, key.Equal(wrap.ImportKey(old)))
	}
	must(keyring.Forget(0)) // when nothing is left under it
	_, err = keyring.Key(0)
	fmt.Println(err)
	// Output:
	// epoch 0: the old key? true
	// epoch 1: the old key? false
	// recovery: no key of this epoch
}
