package internal_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/ed25519"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

func recoveryRows(t *testing.T) []redactionRow {
	account, entropy := randomBytes(16), randomBytes(16)
	phrase, err := recovery.PhraseFromEntropy(entropy)
	require.NoError(t, err)
	words := []byte(phrase.Words())

	secretKey := recovery.NewSecretKey()
	chars := strings.ReplaceAll(secretKey.Text(), "-", "")
	keyBytes, err := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).DecodeString(chars[4:30])
	require.NoError(t, err)
	password := []byte("correct horse battery staple")
	export, record, prf := randomBytes(64), randomBytes(192), randomBytes(32)

	file := recovery.NewFile()
	keyring, err := recovery.Create(t.Context(), account, phrase, file)
	require.NoError(t, err)
	armored, _ := pem.Decode([]byte(file.Text()))
	require.NotNil(t, armored)
	half := armored.Bytes[17:49]
	parsed, err := recovery.ParseFile(file.Text())
	require.NoError(t, err)

	request, err := recovery.NewRequest(recovery.ForDevice, account)
	require.NoError(t, err)
	grant, _, err := keyring.ApproveQR(request.QR(), request.Ask())
	require.NoError(t, err)
	device, _, err := request.OpenDevice(grant)
	require.NoError(t, err)
	seed, lineage := device.Secret()[34:66], device.Secret()[66:98]
	asking, err := recovery.NewRequest(recovery.ForDevice, account)
	require.NoError(t, err)
	_, encoded, _ := strings.Cut(asking.QR(), ":")
	qr, err := base64.RawURLEncoding.DecodeString(encoded)
	require.NoError(t, err)

	share := randomBytes(200)
	comparing, err := recovery.NewRequest(recovery.ForShare, account)
	require.NoError(t, err)
	approval, err := recovery.ApproveShare(account, comparing.Ask(), share)
	require.NoError(t, err)
	reveal, _, err := comparing.Reveal(approval.Answer())
	require.NoError(t, err)
	_, err = approval.Compare(reveal)
	require.NoError(t, err)

	return []redactionRow{
		{value: phrase, secrets: [][]byte{entropy, words}},
		{value: secretKey, secrets: [][]byte{keyBytes, []byte(secretKey.Text()[5:])}},
		{value: recovery.NewPassword(password, secretKey), secrets: [][]byte{password, keyBytes}},
		{value: recovery.NewExport(export, record), secrets: [][]byte{export, record}},
		{value: recovery.Passkey{RPID: "example.org"}.WithPRF(prf), secrets: [][]byte{prf}},
		{value: file, secrets: [][]byte{half, file.ServerSecret(), []byte(file.Text()[70:])}},
		{value: parsed, secrets: [][]byte{half}},
		{value: keyring, secrets: [][]byte{lineage}},
		{value: device, secrets: [][]byte{seed, lineage}},
		{value: asking, secrets: [][]byte{qr[49:65], []byte(encoded[70:])}},
		{value: comparing, secrets: [][]byte{reveal}},
		{value: approval, secrets: [][]byte{share}},
	}
}

func contactsRows(t *testing.T) []redactionRow {
	var keys []*contacts.Key
	var public [][]byte
	for range 2 {
		k, err := contacts.NewKey()
		require.NoError(t, err)
		keys, public = append(keys, k), append(public, k.PublicKey())
	}
	split, err := contacts.NewSplit(2, public...)
	require.NoError(t, err)
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	keyring, err := recovery.Create(t.Context(), randomBytes(16), phrase, split)
	require.NoError(t, err)
	var collection *contacts.Collection
	var values [][]byte
	var shares []*contacts.Share
	for i, message := range split.Messages() {
		share, err := keys[i].Open(message)
		require.NoError(t, err)
		if collection == nil {
			collection, err = contacts.NewCollection(keyring.Header(), share.Slot())
			require.NoError(t, err)
		}
		require.NoError(t, collection.Add(share))
		b := share.Secret()
		shares, values = append(shares, share), append(values, b[len(b)-32:])
	}
	return []redactionRow{
		{value: keys[0], secrets: [][]byte{keys[0].Secret()[2:]}},
		{value: shares[0], secrets: values[:1]},
		{value: collection, secrets: values},
	}
}

func protonRows(t *testing.T) []redactionRow {
	entity, err := openpgp.NewEntity("alice", "", "alice@example.org", &packet.Config{Algorithm: packet.PubKeyAlgoEd25519})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, entity.SerializePrivate(&b, nil))
	key, err := proton.ParseKey(b.Bytes(), nil)
	require.NoError(t, err)
	seed := entity.PrivateKey.PrivateKey.(*ed25519.PrivateKey).Key[:32]
	secret, err := proton.NewFileSecret(key)
	require.NoError(t, err)
	return []redactionRow{
		{value: key, secrets: [][]byte{seed, key.Bytes()}},
		{value: secret, secrets: [][]byte{secret.Text()}},
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// derived is HKDF-SHA256 of 32 bytes without a salt.
func derived(t *testing.T, key []byte, label string) []byte {
	b, err := hkdf.Key(sha256.New, key, nil, label, 32)
	require.NoError(t, err)
	return b
}
