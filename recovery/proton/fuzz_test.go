package proton_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

func requireOurs(t testing.TB, err error) {
	require.True(t, slices.ContainsFunc([]error{proton.ErrMalformed, proton.ErrUnsupported, proton.ErrPolicy, proton.ErrKey,
		proton.ErrPassphrase, proton.ErrSecret, proton.ErrSignature}, func(e error) bool { return errors.Is(err, e) }), "%v", err)
}

// FuzzContents: the contents of a file open to keys that can be written and read
// again, or to an error that names the other keys, or to both.
func FuzzContents(f *testing.F) {
	entity, key := generate(f, "alice", nil)
	secret := newSecret(f, key)
	f.Add(literal(key.Bytes()))
	f.Add(compressed(f, literal(key.Bytes())))
	f.Add(literal(key.Bytes(), publicKey(f, entity)))
	f.Add(literal(lock(f, entity, quick())))
	for _, mode := range []byte{1, 2} {
		f.Add(literal(stubOf(f, key.Bytes(), mode), key.Bytes()))
	}
	v6, _ := generate(f, "alice", &packet.Config{Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true})
	f.Add(literal(key.Bytes(), publicKey(f, v6)))
	f.Fuzz(func(t *testing.T, packets []byte) {
		keys, err := proton.OpenFile(t.Context(), sealed(t, secret, packets), secret)
		if err != nil {
			requireOurs(t, err)
			checkSkipped(t, keys, err)
		}
		for _, k := range keys {
			again, err := proton.ParseKey(k.Bytes(), nil)
			require.NoError(t, err)
			require.Equal(t, k.Bytes(), again.Bytes())
			require.Equal(t, k.Fingerprint(), again.Fingerprint())
		}
	})
}

// FuzzOpenFile: the form of a message. It opens only if it is what was sealed.
func FuzzOpenFile(f *testing.F) {
	_, key := generate(f, "alice", nil)
	secret := newSecret(f, key)
	raw := encrypt(f, secret.Text(), literal(key.Bytes()), quick())
	f.Add(raw)
	f.Add(slices.Concat(raw, raw))
	f.Add(dearmored(f, makeFile(f, secret, key)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 8 || costly(b) {
			return
		}
		keys, err := proton.OpenFile(t.Context(), message(t, b), secret)
		if err != nil {
			requireOurs(t, err)
			require.Nil(t, keys)
			return
		}
		require.Equal(t, key.Bytes(), keys[0].Bytes())
	})
}

// FuzzParseKey: locked and unlocked keys, and text that is neither.
func FuzzParseKey(f *testing.F) {
	entity, key := generate(f, "alice", nil)
	f.Add(key.Bytes(), []byte(nil))
	f.Add([]byte(armored(f, "PGP PRIVATE KEY BLOCK", key.Bytes())), []byte(nil))
	f.Add(lock(f, entity, quick()), passphrase)
	f.Fuzz(func(t *testing.T, b, passphrase []byte) {
		k, err := proton.ParseKey(b, passphrase)
		if err != nil {
			requireOurs(t, err)
			require.Nil(t, k)
			return
		}
		again, err := proton.ParseKey(k.Bytes(), nil)
		require.NoError(t, err)
		require.Equal(t, k.Bytes(), again.Bytes())
	})
}

// checkSkipped checks what an error of OpenFile promises.
func checkSkipped(t testing.TB, keys []*proton.Key, err error) {
	skipped, ok := errors.AsType[*proton.SkippedKeysError](err)
	if !ok {
		require.Nil(t, keys)
		return
	}
	require.NotEmpty(t, keys)
	require.NotEmpty(t, skipped.Keys)
	require.LessOrEqual(t, len(keys)+len(skipped.Keys), proton.MaxKeys)
	last := -1
	for _, k := range skipped.Keys {
		require.Greater(t, k.Index, last)
		require.Contains(t, []int{0, 20, 32}, len(k.Fingerprint))
		requireOurs(t, k)
		last = k.Index
	}
	require.Less(t, last, len(keys)+len(skipped.Keys))
}
