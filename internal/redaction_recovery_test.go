package internal_test

import (
	"bytes"
	"context"
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

// memory is a server and a device's storage, each of one value.
type memory struct{ header, state []byte }

func (m *memory) Fetch(context.Context) ([]byte, error) { return m.header, nil }

func (m *memory) Swap(_ context.Context, _ [32]byte, header []byte) error {
	m.header = header
	return nil
}

type localMemory struct{ *memory }

func (m localMemory) Load(context.Context) ([]byte, error) { return m.state, nil }

func (m localMemory) Swap(_ context.Context, _, next []byte) error {
	m.state = next
	return nil
}

func newClient(m *memory) *recovery.Client { return recovery.NewClient(localMemory{m}, m) }

// approved returns a client that a device's slot has opened, and the device.
func approved(t *testing.T, sealers ...recovery.Sealer) (*recovery.Client, *recovery.Device, *recovery.Header) {
	owner := new(memory)
	first := newClient(owner)
	require.NoError(t, first.Create(t.Context(), sealers...))
	request, err := recovery.NewRequest(first.Account())
	require.NoError(t, err)
	grant, _, err := first.ApproveQR(t.Context(), request.QR(), request.Ask())
	require.NoError(t, err)
	client := newClient(&memory{header: owner.header})
	device, err := client.Join(t.Context(), request, grant, "")
	require.NoError(t, err)
	require.NoError(t, client.Open(t.Context(), device))
	header, err := recovery.ParseHeader(owner.header)
	require.NoError(t, err)
	return client, device, header
}

// qrSecret returns the secret in the text of a QR code, and the end of the text.
func qrSecret(t *testing.T, qr string) [][]byte {
	_, encoded, _ := strings.Cut(qr, ":")
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	require.NoError(t, err)
	return [][]byte{b[49:65], []byte(encoded[70:])}
}

func recoveryRows(t *testing.T) []redactionRow {
	phrase, err := recovery.NewPhrase(12)
	require.NoError(t, err)
	text, err := proton.PhraseSecret(phrase) // the entropy in base64
	require.NoError(t, err)
	entropy, err := base64.StdEncoding.DecodeString(string(text))
	require.NoError(t, err)

	secretKey := recovery.NewSecretKey()
	chars := strings.ReplaceAll(secretKey.Text(), "-", "")
	keyBytes, err := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).DecodeString(chars[4:30])
	require.NoError(t, err)
	password := []byte("correct horse battery staple")
	export, record, prf := randomBytes(64), randomBytes(192), randomBytes(32)

	file := recovery.NewFile()
	client, device, header := approved(t, phrase, file)
	seed, lineage := device.Secret()[34:66], device.Secret()[66:98]
	keyring, err := recovery.Open(t.Context(), header, device, recovery.TrustOnFirstUse(header.Account()))
	require.NoError(t, err)
	sealed, err := keyring.Seal(t.Context(), phrase)
	require.NoError(t, err)
	draft, err := keyring.Edit(func(e *recovery.Edit) error { return e.Add(sealed) })
	require.NoError(t, err)
	armored, _ := pem.Decode([]byte(file.Text()))
	require.NotNil(t, armored)
	half := armored.Bytes[17:49]
	parsed, err := recovery.ParseFile(file.Text())
	require.NoError(t, err)

	scanned, err := recovery.NewRequest(header.Account())
	require.NoError(t, err)
	comparing, err := recovery.NewRequest(header.Account())
	require.NoError(t, err)
	approval, err := client.Approve(comparing.Ask())
	require.NoError(t, err)
	reveal, _, err := comparing.Reveal(approval.Answer())
	require.NoError(t, err)
	_, err = approval.Code(reveal)
	require.NoError(t, err)

	return []redactionRow{
		{value: phrase, secrets: [][]byte{entropy, []byte(phrase.Words())}},
		{value: secretKey, secrets: [][]byte{keyBytes, []byte(secretKey.Text()[5:])}},
		{value: recovery.NewPassword(password, secretKey), secrets: [][]byte{password, keyBytes}},
		{value: recovery.NewExportKey(export, record), secrets: [][]byte{export, record}},
		{value: recovery.Passkey{RPID: "example.org"}.WithPRF(prf), secrets: [][]byte{prf}},
		{value: file, secrets: [][]byte{half, file.ServerSecret(), []byte(file.Text()[70:])}},
		{value: parsed, secrets: [][]byte{half}},
		{value: keyring, secrets: [][]byte{lineage, seed}},
		{value: sealed, secrets: [][]byte{lineage}},
		{value: draft, secrets: [][]byte{lineage, seed}},
		{value: client, secrets: [][]byte{lineage, seed}},
		{value: device, secrets: [][]byte{seed, lineage}},
		{value: scanned, secrets: qrSecret(t, scanned.QR())},
		{value: comparing, secrets: [][]byte{reveal}},
		{value: approval, secrets: [][]byte{lineage, seed}},
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
	draft, err := recovery.Create(t.Context(), phrase, split)
	require.NoError(t, err)
	var collection *contacts.Collection
	var values [][]byte
	var shares []*contacts.Share
	for i, message := range split.Messages() {
		share, err := keys[i].Open(message)
		require.NoError(t, err)
		if collection == nil {
			collection, err = contacts.NewCollection(draft.Header(), share.Slot())
			require.NoError(t, err)
		}
		require.NoError(t, collection.Add(share))
		b := share.Secret()
		shares, values = append(shares, share), append(values, b[len(b)-32:])
	}
	scanned, err := contacts.NewRequest(draft.Header().Account())
	require.NoError(t, err)
	comparing, err := contacts.NewRequest(draft.Header().Account())
	require.NoError(t, err)
	approval, err := shares[0].Approve(comparing.Ask())
	require.NoError(t, err)
	reveal, _, err := comparing.Reveal(approval.Answer())
	require.NoError(t, err)
	return []redactionRow{
		{value: keys[0], secrets: [][]byte{keys[0].Secret()[2:]}},
		{value: shares[0], secrets: values[:1]},
		{value: collection, secrets: values},
		{value: scanned, secrets: qrSecret(t, scanned.QR())},
		{value: comparing, secrets: [][]byte{reveal}},
		{value: approval, secrets: values[:1]},
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
