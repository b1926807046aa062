package proton_test

import (
	"bytes"
	"crypto"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

const text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// sign signs a text as other software does.
func sign(t testing.TB, signer *openpgp.Entity, signed string, params *openpgp.SignParams) []byte {
	var b bytes.Buffer
	require.NoError(t, openpgp.DetachSignWithParams(&b, []*openpgp.Entity{signer}, strings.NewReader(signed), params))
	return b.Bytes()
}

func at(when time.Time) *openpgp.SignParams {
	return &openpgp.SignParams{Config: &packet.Config{Time: func() time.Time { return when }}}
}

func verify(t testing.TB, signature []byte, keys ...*proton.Key) error {
	return proton.ImportFileSecret([]byte(text), armored(t, "PGP SIGNATURE", signature)).Verify(keys...)
}

func TestVerify(t *testing.T) {
	entity, key := generate(t, "alice", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return time.Now().Add(-time.Hour) }})
	mallory, other := generate(t, "mallory", nil)
	good := sign(t, entity, text, nil)

	require.NoError(t, verify(t, good, key))
	require.NoError(t, verify(t, good, other, key))
	require.NoError(t, verify(t, sign(t, entity, text, &openpgp.SignParams{TextSig: true}), key), "a signature over text")
	require.NoError(t, verify(t, sign(t, entity, text, at(time.Now().Add(100*24*time.Hour))), key), "a clock that is wrong")
	expired := at(time.Now().Add(-30 * time.Minute))
	expired.Config.SigLifetimeSecs = 1
	require.NoError(t, verify(t, sign(t, entity, text, expired), key), "a signature that has expired")

	for name, signature := range map[string][]byte{
		"another key":            sign(t, mallory, text, nil),
		"another text":           sign(t, entity, strings.ToLower(text), nil),
		"the text and a line":    sign(t, entity, text+"\n", nil),
		"less of the text":       sign(t, entity, text[:43], nil),
		"no text":                sign(t, entity, "", nil),
		"a flipped bit":          append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1),
		"a certification":        certification(t, entity),
		"an unknown algorithm":   patch(good, 4, 99),
		"another key by its id":  foreign(t, mallory, entity),
		"a timestamp, no binary": patch(good, 3, 0x40),
	} {
		require.Equal(t, proton.ErrSignature, verify(t, signature, key), name)
	}
	require.Equal(t, proton.ErrSignature, verify(t, good))
	require.Equal(t, proton.ErrSignature, verify(t, good, other))
	for name, signature := range map[string][]byte{
		"two signatures":   append(bytes.Clone(good), good...),
		"one that is bad":  append(sign(t, mallory, text, nil), good...),
		"a literal behind": append(bytes.Clone(good), literal([]byte("x"))...),
		"a literal":        literal([]byte(text)),
		"cut":              good[:len(good)-1],
		"garbage":          []byte("garbage"),
	} {
		require.Equal(t, proton.ErrMalformed, verify(t, signature, key), name)
	}
	short := proton.ImportFileSecret([]byte(text[:40]), armored(t, "PGP SIGNATURE", sign(t, entity, text[:40], nil)))
	require.Equal(t, proton.ErrMalformed, short.Verify(key))
	require.ErrorIs(t, proton.ImportFileSecret([]byte(text), strings.Repeat("x", proton.MaxText+1)).Verify(key), proton.ErrPolicy)
}

// patch changes a byte of a signature packet, behind its header of two bytes: 3 is
// the type's place, 4 the public-key algorithm's.
func patch(signature []byte, place int, to byte) []byte {
	p := bytes.Clone(signature)
	p[place] = to
	return p
}

// certification is the key's signature over its user id.
func certification(t testing.TB, e *openpgp.Entity) []byte {
	var b bytes.Buffer
	for _, id := range e.Identities {
		require.NoError(t, id.SelfCertifications[0].Packet.Serialize(&b))
	}
	return b.Bytes()
}

// foreign is Mallory's signature in the name of another key.
func foreign(t testing.TB, mallory, other *openpgp.Entity) []byte {
	key := *mallory.PrivateKey
	key.KeyId, key.Fingerprint = other.PrimaryKey.KeyId, other.PrimaryKey.Fingerprint
	sig := &packet.Signature{Version: 4, SigType: packet.SigTypeBinary, PubKeyAlgo: key.PubKeyAlgo, Hash: crypto.SHA256,
		CreationTime: time.Now(), IssuerKeyId: &key.KeyId, IssuerFingerprint: key.Fingerprint}
	h, err := sig.PrepareSign(nil)
	require.NoError(t, err)
	h.Write([]byte(text))
	require.NoError(t, sig.Sign(h, &key, nil))
	var b bytes.Buffer
	require.NoError(t, sig.Serialize(&b))
	return b.Bytes()
}

// TestKeysThatMayNotSign: revoked ones, and those that expired before.
func TestKeysThatMayNotSign(t *testing.T) {
	hourAgo := func() time.Time { return time.Now().Add(-time.Hour) }
	entity, key := generate(t, "alice", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: hourAgo, KeyLifetimeSecs: 60})
	_, err := proton.NewFileSecret(key)
	require.ErrorIs(t, err, proton.ErrKey, "expired")
	require.NoError(t, verify(t, sign(t, entity, text, at(time.Now().Add(-time.Hour+time.Second))), key), "signed while it was valid")

	entity, _ = generate(t, "alice", nil)
	signature := sign(t, entity, text, nil)
	require.NoError(t, entity.Revoke(packet.KeyCompromised, "", nil))
	revoked, err := proton.ParseKey(secretKey(t, entity), nil)
	require.NoError(t, err)
	_, err = proton.NewFileSecret(revoked)
	require.ErrorIs(t, err, proton.ErrKey)
	require.Equal(t, proton.ErrSignature, verify(t, signature, revoked))
}
