package proton_test

import (
	"bytes"
	"context"
	//lint:ignore SA1019 files of the user may have such keys, and go-crypto takes them in this type
	"crypto/dsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/elgamal"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

// requireSkipped returns the n keys that an error of OpenFile names.
func requireSkipped(t testing.TB, err error, n int) []*proton.KeyError {
	t.Helper()
	skipped, ok := errors.AsType[*proton.SkippedKeysError](err)
	require.True(t, ok, "%v", err)
	require.Len(t, skipped.Keys, n)
	return skipped.Keys
}

// primary splits a key into the contents of its first packet and the rest.
func primary(t testing.TB, key []byte) (contents, rest []byte) {
	source := bytes.NewReader(key)
	first, err := packet.NewOpaqueReader(source).Next()
	require.NoError(t, err)
	return first.Contents, key[len(key)-source.Len():]
}

// public is the public part of the packet of a key without its header.
func public(t testing.TB, k *packet.PublicKey) []byte {
	var b bytes.Buffer
	require.NoError(t, k.Serialize(&b))
	contents, _ := primary(t, b.Bytes())
	return contents
}

// gnu is the place of a secret part with GnuPG's extension of the S2K: in mode 1
// there is none, and in mode 2 it is on the card with the serial number.
func gnu(usage, mode byte) []byte {
	b := []byte{usage, 9, 101, 8, 'G', 'N', 'U', mode}
	if mode == 2 {
		b = append(b, "\x10D276000124010304"...)
	}
	return b
}

// stubOf is a key whose primary key is a stub.
func stubOf(t testing.TB, key []byte, mode byte) []byte {
	_, rest := primary(t, key)
	return slices.Concat(wrapped(5, public(t, entityOf(t, key).PrimaryKey), gnu(254, mode)), rest)
}

// TestUnusableKeysAreNamed: a key that cannot be used takes no other key with it.
func TestUnusableKeysAreNamed(t *testing.T) {
	first, second := newKey(t), newKey(t)
	secret := newSecret(t, second)
	entity, other := generate(t, "mallory", nil)
	v6, _ := generate(t, "mallory", &packet.Config{Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true})
	contents, rest := primary(t, other.Bytes())
	contents6, rest6 := primary(t, secretKey(t, v6))
	n := len(public(t, entity.PrimaryKey))
	subkey := public(t, entity.Subkeys[0].PublicKey)
	altered := func(contents []byte, at int, b byte) []byte {
		contents = bytes.Clone(contents)
		contents[at] ^= b
		return contents
	}
	misfit := bytes.Clone(contents) // another secret part with the same checksum
	misfit[n+3+5]--
	misfit[n+3+6]++
	unknown6 := altered(contents6, 5, 27^99)
	tooLarge := slices.Concat([]byte{4, 0x60, 0, 0, 0, 1}, ones(8193, 17))
	large := slices.Concat(tooLarge, unlocked(ones(192, 192, 192)))
	dsaKey := packet.NewDSAPublicKey(time.Unix(1, 0), &dsa.PublicKey{
		Parameters: dsa.Parameters{P: big.NewInt(1 << 40), Q: big.NewInt(1 << 20), G: big.NewInt(5)}, Y: big.NewInt(77)})
	elGamal := packet.NewElGamalPublicKey(time.Unix(1, 0), &elgamal.PublicKey{P: big.NewInt(1 << 40), G: big.NewInt(3), Y: big.NewInt(9)})
	fingerprint, fingerprint6 := entity.PrimaryKey.Fingerprint, v6.PrimaryKey.Fingerprint
	unknown6Fingerprint := sha256Of([]byte{0x9b, 0, 0, 0, 42}, unknown6[:42])
	largeFingerprint := sha1Of([]byte{0x99, byte(len(tooLarge) >> 8), byte(len(tooLarge))}, tooLarge)

	for name, c := range map[string]struct {
		key         []byte
		fingerprint []byte
		err         error
	}{
		"stub":                       {stubOf(t, other.Bytes(), 1), fingerprint, proton.ErrKey},
		"stub for a card":            {stubOf(t, other.Bytes(), 2), fingerprint, proton.ErrKey},
		"stub, usage 255":            {slices.Concat(wrapped(5, contents[:n], gnu(255, 1)), rest), fingerprint, proton.ErrKey},
		"stub for a card, usage 255": {slices.Concat(wrapped(5, contents[:n], gnu(255, 2)), rest), fingerprint, proton.ErrKey},
		"stub of a subkey":           {slices.Concat(other.Bytes(), wrapped(7, subkey, gnu(254, 2))), fingerprint, proton.ErrKey},
		"stub, DSA":                  {wrapped(5, public(t, dsaKey), gnu(254, 2)), dsaKey.Fingerprint, proton.ErrKey},
		"an unknown extension":       {slices.Concat(wrapped(5, contents[:n], gnu(254, 3)), rest), fingerprint, proton.ErrUnsupported},
		"locked":                     {lock(t, entity, quick()), fingerprint, proton.ErrKey},
		"locked, version 6":          {lock(t, v6, quick()), fingerprint6, proton.ErrKey},
		"public":                     {publicKey(t, entity), fingerprint, proton.ErrKey},
		"public, version 6":          {publicKey(t, v6), fingerprint6, proton.ErrKey},
		"public subkey":              {slices.Concat(other.Bytes(), wrapped(14, subkey)), fingerprint, proton.ErrKey},
		"ElGamal":                    {wrapped(5, public(t, elGamal), unlocked(ones(20))), elGamal.Fingerprint, proton.ErrUnsupported},
		"unknown algorithm, v6":      {slices.Concat(wrapped(5, unknown6), rest6), unknown6Fingerprint, proton.ErrUnsupported},
		"unknown algorithm":          {slices.Concat(wrapped(5, altered(contents, 5, 22^99)), rest), nil, proton.ErrUnsupported},
		"unknown curve":              {slices.Concat(wrapped(5, altered(contents, 8, 1)), rest), sha1Of([]byte{0x99, 0, byte(n)}, altered(contents, 8, 1)[:n]), proton.ErrUnsupported},
		"unknown, a subkey":          {slices.Concat(other.Bytes(), wrapped(7, subkey[:5], []byte{99}, subkey[6:])), fingerprint, proton.ErrUnsupported},
		"version 3":                  {slices.Concat(wrapped(5, altered(contents, 0, 4^3)), rest), nil, proton.ErrUnsupported},
		"version 5":                  {slices.Concat(wrapped(5, altered(contents, 0, 4^5)), rest), nil, proton.ErrUnsupported},
		"empty":                      {wrapped(5), nil, proton.ErrUnsupported},
		"half a public part":         {slices.Concat(wrapped(5, contents[:n-1]), rest), nil, proton.ErrMalformed},
		"half a public part, v6":     {slices.Concat(wrapped(5, contents6[:41]), rest6), nil, proton.ErrMalformed},
		"wrong checksum":             {slices.Concat(wrapped(5, altered(contents, len(contents)-1, 1)), rest), fingerprint, proton.ErrMalformed},
		"secret part that misfits":   {slices.Concat(wrapped(5, misfit), rest), fingerprint, proton.ErrMalformed},
		"secret part cut short":      {slices.Concat(wrapped(5, contents[:len(contents)-9]), rest), fingerprint, proton.ErrMalformed},
		"no user id":                 {wrapped(5, contents), fingerprint, proton.ErrMalformed},
		"a marker inside":            {slices.Concat(other.Bytes(), wrapped(10, []byte("PGP"))), fingerprint, proton.ErrMalformed},
		"too large a number":         {slices.Concat(wrapped(5, large), rest), largeFingerprint, proton.ErrPolicy},
		"17 secret parts":            {slices.Concat(other.Bytes(), bytes.Repeat(wrapped(7, contents), 15)), fingerprint, proton.ErrPolicy},
		"a huge secret part":         {slices.Concat(wrapped(5, contents, make([]byte, 4<<10)), rest), fingerprint, proton.ErrPolicy},
	} {
		t.Run(name, func(t *testing.T) {
			for index := range 3 {
				file := sealed(t, secret, literal(slices.Insert([][]byte{first.Bytes(), second.Bytes()}, index, c.key)...))
				keys, err := proton.OpenFile(t.Context(), file, secret)
				skipped := requireSkipped(t, err, 1)
				require.Len(t, keys, 2)
				require.Equal(t, first.Bytes(), keys[0].Bytes(), "the order of the file")
				require.Equal(t, second.Bytes(), keys[1].Bytes(), "the order of the file")
				require.Equal(t, index, skipped[0].Index)
				require.Equal(t, c.fingerprint, skipped[0].Fingerprint)
				require.ErrorIs(t, skipped[0], c.err)
				require.ErrorIs(t, err, c.err)
				requireText(t, err.Error(), skipped[0])
			}
			// Alone, it is named too, and there is nothing to go on with.
			keys, err := proton.OpenFile(t.Context(), sealed(t, secret, literal(c.key, c.key)), secret)
			require.Nil(t, keys)
			require.ErrorIs(t, err, c.err)
			require.False(t, errors.As(err, new(*proton.SkippedKeysError)))
			named, ok := errors.AsType[*proton.KeyError](err)
			require.True(t, ok)
			require.Equal(t, c.fingerprint, named.Fingerprint)
			requireText(t, err.Error(), named)
		})
	}
}

// requireText checks that a text names the key and contains nothing else of the
// file.
func requireText(t testing.TB, text string, key *proton.KeyError) {
	name := "key " + hex.EncodeToString(key.Fingerprint) + ": "
	if key.Fingerprint == nil {
		name = fmt.Sprintf("key at index %d: ", key.Index)
	}
	require.Contains(t, text, name)
	require.True(t, strings.HasPrefix(key.Error(), "proton: "+name))
	require.True(t, strings.HasPrefix(text, "proton: "))
	require.Less(t, len(text), 320)
	for _, input := range []string{"mallory", "example.org", "GNU", "D2760001"} {
		require.NotContains(t, text, input)
	}
}

// TestSkippedKeysKeepTheirOrder: several keys that cannot be used, each for its
// own reason.
func TestSkippedKeysKeepTheirOrder(t *testing.T) {
	good := []*proton.Key{newKey(t), newKey(t)}
	secret := newSecret(t, good[0])
	a, _ := generate(t, "a", nil)
	b, _ := generate(t, "b", nil)
	file := sealed(t, secret, literal(lock(t, b, quick()), good[1].Bytes(), stubOf(t, secretKey(t, a), 1), wrapped(5), good[0].Bytes()))
	keys, err := proton.OpenFile(t.Context(), file, secret)
	skipped := requireSkipped(t, err, 3)
	require.Len(t, keys, 2)
	require.Equal(t, good[1].Bytes(), keys[0].Bytes())
	require.Equal(t, good[0].Bytes(), keys[1].Bytes())
	require.Equal(t, []int{0, 2, 3}, []int{skipped[0].Index, skipped[1].Index, skipped[2].Index})
	require.Equal(t, b.PrimaryKey.Fingerprint, skipped[0].Fingerprint)
	require.Equal(t, a.PrimaryKey.Fingerprint, skipped[1].Fingerprint)
	require.Nil(t, skipped[2].Fingerprint)
	require.ErrorIs(t, err, proton.ErrKey)
	require.ErrorIs(t, err, proton.ErrUnsupported)
	require.NotErrorIs(t, err, proton.ErrMalformed)

	// MakeFile is strict: the keys that were opened do not include the others.
	again, err := proton.OpenFile(t.Context(), makeFile(t, secret, keys...), secret)
	require.NoError(t, err)
	require.Len(t, again, 2)
}

// TestSkippedKeysSignNothing: a stub is made of public data. Only a key that can
// be used makes the recovery secret the user's.
func TestSkippedKeysSignNothing(t *testing.T) {
	entity, alice := generate(t, "alice", nil)
	mallory := newKey(t)
	secret := newSecret(t, alice)
	for name, bad := range map[string][]byte{
		"stub":   stubOf(t, alice.Bytes(), 2),
		"public": publicKey(t, entity),
		"locked": lock(t, entity, quick()),
	} {
		keys, err := proton.OpenFile(t.Context(), sealed(t, secret, literal(bad, mallory.Bytes())), secret)
		require.ErrorIs(t, err, proton.ErrSignature, name)
		require.Nil(t, keys, name)
		require.False(t, errors.As(err, new(*proton.SkippedKeysError)), name)
		named, ok := errors.AsType[*proton.KeyError](err)
		require.True(t, ok, name)
		require.Equal(t, alice.Fingerprint(), named.Fingerprint, name)
	}
}

// TestFingerprintsOfSkippedKeys: they are those that package openpgp computes, for
// each algorithm.
func TestFingerprintsOfSkippedKeys(t *testing.T) {
	key := newKey(t)
	secret := newSecret(t, key)
	configs := map[string]*packet.Config{
		"EdDSA":              {Algorithm: packet.PubKeyAlgoEdDSA},
		"ECDSA":              {Algorithm: packet.PubKeyAlgoECDSA, Curve: packet.CurveNistP521},
		"Ed25519, version 4": {Algorithm: packet.PubKeyAlgoEd25519},
		"Ed448, version 4":   {Algorithm: packet.PubKeyAlgoEd448},
		"Ed448, version 6":   {Algorithm: packet.PubKeyAlgoEd448, V6Keys: true},
		"RSA":                {Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048},
	}
	for name, config := range configs {
		entity, _ := generate(t, "bob", config)
		for _, k := range []*packet.PublicKey{entity.PrimaryKey, entity.Subkeys[0].PublicKey} {
			k.IsSubkey = false // for the fingerprint, a subkey is like any key
			file := sealed(t, secret, literal(key.Bytes(), wrapped(6, public(t, k))))
			_, err := proton.OpenFile(t.Context(), file, secret)
			require.Equal(t, k.Fingerprint, requireSkipped(t, err, 1)[0].Fingerprint, "%s, algorithm %d", name, k.PubKeyAlgo)
		}
	}
}

// TestEndedContextGivesNoKey: not even the keys before it ended.
func TestEndedContextGivesNoKey(t *testing.T) {
	key := newKey(t)
	secret := newSecret(t, key)
	file := sealed(t, secret, literal(stubOf(t, newKey(t).Bytes(), 1), key.Bytes()))
	for n := range 4 { // the secret, two keys, one signature
		calls := n
		keys, err := proton.OpenFile(endsAfter{t.Context(), &calls}, file, secret)
		require.Equal(t, context.Canceled, err)
		require.Nil(t, keys)
	}
	_, err := proton.OpenFile(t.Context(), file, secret)
	requireSkipped(t, err, 1)
}

func sha1Of(parts ...[]byte) []byte {
	sum := sha1.Sum(slices.Concat(parts...))
	return sum[:]
}

func sha256Of(parts ...[]byte) []byte {
	sum := sha256.Sum256(slices.Concat(parts...))
	return sum[:]
}
