package ellipticc_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/nescio-go/nescio/internal/testvec"
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

// masterKey is the binding of the imported key.
var masterKey = wrap.Binding{Purpose: "example.org/ellipticc-master-key/v1"}

// imported is a new keyring, and a blob of the imported key.
func imported(t testing.TB, old []byte, sealers ...recovery.Sealer) (*recovery.Keyring, []byte) {
	draft, err := recovery.Create(t.Context(), sealers...)
	require.NoError(t, err)
	blob, err := draft.Stored().Wrap(old, masterKey)
	require.NoError(t, err)
	return draft.Stored(), blob
}

func rotated(t testing.TB, k *recovery.Keyring) *recovery.Keyring {
	draft, err := k.Edit(func(e *recovery.Edit) error { e.Rotate(); return nil })
	require.NoError(t, err)
	return draft.Stored()
}

func newPhrase(t testing.TB) *recovery.Phrase {
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	return phrase
}

// TestImported: the old key comes back through every slot of the new keyring,
// and after a rotation for reading only.
func TestImported(t *testing.T) {
	v := load(t)
	old, err := ellipticc.Open(v.Phrase, v.fields())
	require.NoError(t, err)
	phrase, another := newPhrase(t), newPhrase(t)
	keyring, blob := imported(t, old[:], phrase, another)
	epoch, err := recovery.BlobEpoch(blob)
	require.NoError(t, err)
	require.EqualValues(t, 1, epoch)
	later := rotated(t, keyring)
	rewrapped, err := later.Rewrap(blob, masterKey)
	require.NoError(t, err)

	for _, slot := range []recovery.Opener{phrase, another} {
		again, err := recovery.Open(t.Context(), keyring.Header(), slot, keyring.Checkpoint())
		require.NoError(t, err)
		for _, unwrap := range []func([]byte, wrap.Binding) ([]byte, error){again.Unwrap, again.UnwrapOld} {
			got, err := unwrap(blob, masterKey)
			require.NoError(t, err)
			require.Equal(t, []byte(v.MasterKey), got)
		}

		again, err = recovery.Open(t.Context(), later.Header(), slot, keyring.Checkpoint())
		require.NoError(t, err)
		for _, blob := range [][]byte{blob, rewrapped} {
			_, err = again.Unwrap(blob, masterKey)
			require.Equal(t, recovery.ErrOldKey, err)
			got, err := again.UnwrapOld(blob, masterKey)
			require.NoError(t, err)
			require.Equal(t, []byte(v.MasterKey), got)
		}
	}
	oldPhrase, err := recovery.ParsePhrase(v.Phrase)
	require.NoError(t, err)
	_, err = recovery.Open(t.Context(), keyring.Header(), oldPhrase, keyring.Checkpoint())
	require.Equal(t, recovery.ErrWrongSecret, err)
}

// known is what the old server may get of a keyring: a header of epoch 2 with
// one slot, and blobs of both epochs.
type known struct {
	account recovery.AccountID
	header  []byte
	blobs   map[uint64][]byte // by the epoch of their bindings
}

// fits returns what a key opens or authenticates, if the keyring uses it, or a
// key that it derives from it, in place of one of its own.
func (n *known) fits(t testing.TB, key []byte) (found []string) {
	derived := [][]byte{key}
	for _, label := range []string{"nescio/keyring/data/v1", "nescio/keyring/v1"} {
		b, err := hkdf.Key(sha256.New, key, nil, label, 32)
		require.NoError(t, err)
		derived = append(derived, b)
	}
	for _, key := range derived {
		opens := func(blob []byte, purpose string, epoch uint64) bool {
			b := wrap.Binding{Purpose: purpose, Account: n.account[:], Epoch: epoch}
			_, err := wrap.ImportKey([32]byte(key)).Unwrap(t.Context(), blob, b)
			return err == nil
		}
		if opens(n.header[69:][:106], "nescio/history/v1", 1) {
			found = append(found, "history")
		}
		for epoch, blob := range n.blobs {
			if opens(blob[10:], masterKey.Purpose, epoch) {
				found = append(found, "blob")
			}
		}
		for _, end := range []int{len(n.header) - 64, len(n.header) - 32} {
			mac := hmac.New(sha256.New, key)
			mac.Write(n.header[:end])
			if hmac.Equal(mac.Sum(nil), n.header[end:][:32]) {
				found = append(found, "MAC")
			}
		}
		if bytes.Contains(n.header, key) {
			found = append(found, "header")
		}
	}
	return found
}

// TestNothingIsDerivedFromTheOldKey: the old server, which knows MK, opens
// nothing of the new keyring. The keyring's own keys open it.
func TestNothingIsDerivedFromTheOldKey(t *testing.T) {
	v := load(t)
	phrase := newPhrase(t)
	keyring, first := imported(t, v.MasterKey, phrase)
	keyring = rotated(t, keyring)
	second, err := keyring.Wrap(v.MasterKey, masterKey)
	require.NoError(t, err)
	n := &known{keyring.Account(), keyring.Header().Bytes(), map[uint64][]byte{1<<32 | 1: first, 2<<32 | 2: second}}
	require.Empty(t, n.fits(t, v.MasterKey))

	lineage, master := keysOf(t, keyring, phrase)
	require.Equal(t, []string{"MAC"}, n.fits(t, lineage))
	require.Equal(t, []string{"history", "blob", "MAC"}, n.fits(t, master))
}

// keysOf opens the one slot of a header.
func keysOf(t testing.TB, k *recovery.Keyring, phrase *recovery.Phrase) (lineage, master []byte) {
	slot, account, header := k.Slots()[0], k.Account(), k.Header().Bytes()
	b := wrap.Binding{Purpose: "nescio/slot/phrase/v1", Account: account[:], Item: slot.ID[:], Epoch: uint64(slot.Born)}
	secret, err := phrase.Open(t.Context(), b, slot)
	require.NoError(t, err)
	b.Purpose, b.Epoch = "nescio/slot/mk/v1", uint64(k.Epoch())
	info, err := b.MarshalBinary()
	require.NoError(t, err)
	private, err := hpke.MLKEM768X25519().NewPrivateKey(secret[:32])
	require.NoError(t, err)
	sealed := header[len(header)-64-1168:][:1168]
	master, err = hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, sealed)
	require.NoError(t, err)
	return secret[32:], master
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
