package proton_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

var passphrase = []byte("s4IdhXHJZTxl6Rw8L/.v76Uek8YgMQW")

// lock locks an entity by package openpgp, and leaves it as it was.
func lock(t testing.TB, e *openpgp.Entity, c *packet.Config) []byte {
	e = entityOf(t, secretKey(t, e))
	require.NoError(t, e.EncryptPrivateKeys(passphrase, c))
	return secretKey(t, e)
}

func TestParseKey(t *testing.T) {
	entity, key := generate(t, "alice", nil)
	v6, key6 := generate(t, "alice", &packet.Config{Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true})
	cheap := &s2k.Config{S2KCount: 65536}
	argon := &s2k.Config{S2KMode: s2k.Argon2S2K, Argon2Config: &s2k.Argon2Config{NumberOfPasses: 1, DegreeOfParallelism: 1, Memory: 8}}
	gcm := &packet.AEADConfig{DefaultMode: packet.AEADModeGCM}
	for name, c := range map[string]*packet.Config{
		"iterated, SHA-1 inside": {S2KConfig: cheap},
		"iterated, AEAD":         {S2KConfig: cheap, AEADConfig: gcm},
		"Argon2, AEAD":           {S2KConfig: argon, AEADConfig: gcm},
	} {
		for want, e := range map[*proton.Key]*openpgp.Entity{key: entity, key6: v6} {
			locked := lock(t, e, c)
			for _, form := range [][]byte{locked, []byte(armored(t, "PGP PRIVATE KEY BLOCK", locked))} {
				got, err := proton.ParseKey(form, passphrase)
				require.NoError(t, err, name)
				require.Equal(t, want.Bytes(), got.Bytes(), name)
				fingerprint, err := proton.Fingerprint(form)
				require.NoError(t, err, name)
				require.Equal(t, e.PrimaryKey.Fingerprint, fingerprint, name)
				require.Equal(t, got.Fingerprint(), fingerprint, name)
			}
			_, err := proton.ParseKey(locked, []byte("another"))
			require.Equal(t, proton.ErrPassphrase, err, name)
			_, err = proton.ParseKey(locked, nil)
			require.ErrorIs(t, err, proton.ErrKey, name)
		}
	}

	// A server that puts keys in the place of the user's cannot lock them.
	_, err := proton.ParseKey(key.Bytes(), passphrase)
	require.ErrorIs(t, err, proton.ErrKey)
	half := entityOf(t, key.Bytes())
	require.NoError(t, half.PrivateKey.EncryptWithConfig(passphrase, &packet.Config{S2KConfig: cheap}))
	_, err = proton.ParseKey(secretKey(t, half), passphrase)
	require.ErrorIs(t, err, proton.ErrKey)
	_, err = proton.ParseKey(secretKey(t, half), nil)
	require.ErrorIs(t, err, proton.ErrKey)

	for name, bad := range map[string]string{
		"nothing":   "",
		"text":      "hello",
		"two keys":  string(key.Bytes()) + string(key6.Bytes()),
		"a message": makeFile(t, newSecret(t, key), key),
		"cut":       string(key.Bytes()[:100]),
		"a user id": string(wrapped(13, []byte("alice"))),
	} {
		k, err := proton.ParseKey([]byte(bad), nil)
		require.Equal(t, proton.ErrMalformed, err, name)
		require.Nil(t, k)
		_, err = proton.Fingerprint([]byte(bad))
		require.Equal(t, proton.ErrMalformed, err, name)
	}
	_, err = proton.ParseKey(publicKey(t, entity), nil)
	require.ErrorIs(t, err, proton.ErrKey)
	_, err = proton.Fingerprint(publicKey(t, entity))
	require.ErrorIs(t, err, proton.ErrKey)
	_, err = proton.ParseKey(make([]byte, proton.MaxText+1), nil)
	require.ErrorIs(t, err, proton.ErrPolicy)
	_, err = proton.Fingerprint(make([]byte, proton.MaxText+1))
	require.ErrorIs(t, err, proton.ErrPolicy)
}

// TestLockedKeysAreBoundedFirst: what a server can write into a locked key.
func TestLockedKeysAreBoundedFirst(t *testing.T) {
	gcm := &packet.AEADConfig{DefaultMode: packet.AEADModeGCM}
	argon := &s2k.Config{S2KMode: s2k.Argon2S2K, Argon2Config: &s2k.Argon2Config{NumberOfPasses: 1, DegreeOfParallelism: 1, Memory: 8}}
	v4, _ := generate(t, "alice", nil)
	v6, _ := generate(t, "alice", &packet.Config{Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true})
	for _, e := range []*openpgp.Entity{v4, v6} {
		locked := lock(t, e, &packet.Config{DefaultCipher: packet.CipherAES256, S2KConfig: argon, AEADConfig: gcm})
		// The parameters stand behind the salt: passes, lanes, memory.
		find := func(key []byte) int {
			var public bytes.Buffer
			require.NoError(t, e.PrimaryKey.Serialize(&public))
			at := public.Len() + 4
			if e.PrimaryKey.Version == 6 {
				at += 2
			}
			require.EqualValues(t, 4, key[at-1], "Argon2")
			require.Equal(t, []byte{1, 1, 3}, key[at+16:at+19])
			return at + 16
		}
		at := find(locked)
		for name, c := range map[string]struct {
			costs [3]byte
			err   error
		}{
			"as they were":       {[3]byte{1, 1, 3}, nil},
			"others":             {[3]byte{2, 1, 3}, proton.ErrPassphrase},
			"2 TiB":              {[3]byte{1, 1, 31}, proton.ErrPolicy},
			"512 MiB":            {[3]byte{1, 1, 19}, proton.ErrPolicy},
			"255 passes, 64 MiB": {[3]byte{255, 1, 16}, proton.ErrPolicy},
			"17 lanes":           {[3]byte{1, 17, 16}, proton.ErrPolicy},
		} {
			bad := bytes.Clone(locked)
			copy(bad[at:], c.costs[:])
			_, err := proton.ParseKey(bad, passphrase)
			require.ErrorIs(t, err, c.err, name)
		}
	}

	// Protections that are too weak: a checksum of 16 bits, no salt.
	locked := lock(t, v4, &packet.Config{S2KConfig: &s2k.Config{S2KCount: 65536}})
	var public bytes.Buffer
	require.NoError(t, v4.PrimaryKey.Serialize(&public))
	at := public.Len()
	require.Equal(t, []byte{254, 7, 3, 8}, locked[at:at+4])
	for _, usage := range []byte{255, 9, 7} {
		_, err := proton.ParseKey(patch(locked, at, usage), passphrase)
		require.Equal(t, proton.ErrUnsupported, err, usage)
	}
	_, err := proton.ParseKey(patch(locked, at+2, 0), passphrase)
	require.Equal(t, proton.ErrUnsupported, err)

	// The public part of a locked key is not encrypted, and must fit.
	for place := 3; place < at; place++ {
		_, err := proton.ParseKey(patch(locked, place, locked[place]^1), passphrase)
		require.Error(t, err, place)
	}
}

// TestLockKeepsTheRest: what this package does not know stays in the key, in its
// order, through a lock and a file.
func TestLockKeepsTheRest(t *testing.T) {
	friend, _ := generate(t, "friend", nil)
	entity, _ := generate(t, "alice", nil)
	for name := range entity.Identities {
		require.NoError(t, entity.SignIdentity(name, friend, nil))
	}
	require.NoError(t, entity.AddEncryptionSubkey(&packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}))
	require.NoError(t, entity.AddSigningSubkey(&packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}))
	var b bytes.Buffer
	require.NoError(t, entity.SerializePrivateWithoutSigning(&b, nil))
	for name, id := range entity.Identities {
		require.NotEmpty(t, id.OtherCertifications, name)
	}
	raw := slices.Concat(b.Bytes(), wrapped(17, []byte("\x05\x01abcd"))[:1], []byte{6}, []byte("\x05\x01abcd"))
	key, err := proton.ParseKey(raw, nil)
	require.NoError(t, err)
	require.Equal(t, raw, key.Bytes())

	secret := newSecret(t, key)
	keys, err := proton.OpenFile(t.Context(), makeFile(t, secret, key), secret)
	require.NoError(t, err)
	require.Equal(t, raw, keys[0].Bytes())
	if testing.Short() {
		return // the Example locks a key
	}

	locked, err := key.Lock(passphrase)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(locked, "-----BEGIN PGP PRIVATE KEY BLOCK-----\n"))
	var public bytes.Buffer
	require.NoError(t, entity.PrimaryKey.Serialize(&public))
	protection := dearmored(t, locked)[public.Len():]
	require.Equal(t, []byte{254, 9, 3, 8}, protection[:4], "SHA-1 inside, AES-256, iterated SHA-256")
	require.EqualValues(t, 224, protection[12], "16 MiB")
	for _, k := range append(entityOf(t, dearmored(t, locked)).Subkeys, openpgp.Subkey{PrivateKey: entityOf(t, dearmored(t, locked)).PrivateKey}) {
		require.True(t, k.PrivateKey.Encrypted)
	}
	again, err := proton.ParseKey([]byte(locked), passphrase)
	require.NoError(t, err)
	require.Equal(t, raw, again.Bytes())
	require.NoError(t, entityOf(t, dearmored(t, locked)).DecryptPrivateKeys(passphrase))
}
