package proton_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"runtime"
	"slices"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/nescio-go/nescio/recovery/proton"
	"github.com/stretchr/testify/require"
)

// ones is the integers of so many bits, all of them set, as MPIs.
func ones(bits ...int) (mpis []byte) {
	for _, n := range bits {
		size := (n + 7) / 8
		mpis = append(mpis, byte(n>>8), byte(n))
		mpis = append(mpis, bytes.Repeat([]byte{0xff}, size)...)
		mpis[len(mpis)-size] >>= size*8 - n
	}
	return mpis
}

// unlocked is the secret part of a key that is not locked, in version 4.
func unlocked(secret []byte) []byte {
	sum := 0
	for _, b := range secret {
		sum += int(b)
	}
	return slices.Concat([]byte{0}, secret, []byte{byte(sum >> 8), byte(sum)})
}

// exchange puts another public part into the first packet of a key that has the tag,
// and another secret part if it is not nil.
func exchange(t testing.TB, key []byte, tag uint8, public, secret []byte) (changed []byte) {
	packets := packet.NewOpaqueReader(bytes.NewReader(key))
	done := false
	for p, err := packets.Next(); err == nil; p, err = packets.Next() {
		contents := p.Contents
		if p.Tag == tag && !done {
			parsed, err := p.Parse()
			require.NoError(t, err)
			if done = true; secret == nil {
				var b bytes.Buffer
				require.NoError(t, parsed.(*packet.PrivateKey).PublicKey.Serialize(&b))
				require.Less(t, b.Len(), 192, "a length of one byte")
				secret = contents[b.Len()-2:]
			}
			contents = slices.Concat(public, secret)
		}
		changed = append(changed, wrapped(p.Tag, contents)...)
	}
	require.True(t, done)
	return changed
}

// TestNumbersOfKeysAreBounded: what checking a key would cost is in its packets. Of
// the numbers that may be, none fit here.
func TestNumbersOfKeysAreBounded(t *testing.T) {
	entity, key := generate(t, "alice", nil)
	secret := newSecret(t, key)
	locked := lock(t, entity, quick())
	const rsa, rsaEncrypt, rsaSign, elgamal, dsa, ecdh, ecdsa, eddsa, unknown = 1, 2, 3, 16, 17, 18, 19, 22, 99
	curve := []byte("\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x00\x07\x40") // P-256, no point
	v4 := func(algorithm byte, numbers []byte) []byte {
		return append([]byte{4, 0x60, 0, 0, 0, algorithm}, numbers...)
	}
	v6 := func(algorithm byte, numbers []byte) []byte {
		return append([]byte{6, 0x60, 0, 0, 0, algorithm, 0, 0, byte(len(numbers) >> 8), byte(len(numbers))}, numbers...)
	}
	for name, c := range map[string]struct {
		public, secret []byte
		err, errLocked error
	}{
		"RSA":                     {v4(rsa, ones(8192, 17)), ones(8192, 192, 192), proton.ErrMalformed, proton.ErrPassphrase},
		"RSA, above":              {v4(rsa, ones(8193, 17)), ones(192, 192, 192), proton.ErrPolicy, proton.ErrPolicy},
		"RSA, to encrypt":         {v4(rsaEncrypt, ones(8193, 17)), ones(192, 192, 192), proton.ErrPolicy, proton.ErrPolicy},
		"RSA, to sign":            {v4(rsaSign, ones(8193, 17)), ones(192, 192, 192), proton.ErrPolicy, proton.ErrPolicy},
		"RSA, version 6":          {v6(rsa, ones(8193, 17)), ones(192, 192, 192), proton.ErrPolicy, proton.ErrPolicy},
		"RSA, a large e":          {v4(rsa, ones(2048, 25)), ones(192, 192, 192), proton.ErrUnsupported, proton.ErrUnsupported},
		"RSA, half a number":      {v4(rsa, ones(8192)[:99]), nil, proton.ErrMalformed, proton.ErrMalformed},
		"RSA, primes":             {v4(rsa, ones(2048, 17)), ones(192, 1088, 1088), proton.ErrMalformed, proton.ErrPassphrase},
		"RSA, p above":            {v4(rsa, ones(2048, 17)), ones(192, 1089, 192), proton.ErrPolicy, proton.ErrPassphrase},
		"RSA, q above":            {v4(rsa, ones(2048, 17)), ones(192, 192, 1089), proton.ErrPolicy, proton.ErrPassphrase},
		"RSA, q above the packet": {v4(rsa, ones(1024, 17)), ones(192, 192, 24000), proton.ErrPolicy, proton.ErrPassphrase},
		"DSA":                     {v4(dsa, ones(3072, 256, 2, 2)), ones(256), proton.ErrMalformed, proton.ErrPassphrase},
		"DSA, p above":            {v4(dsa, ones(3073, 256, 2, 2)), ones(256), proton.ErrPolicy, proton.ErrPolicy},
		"DSA, q above":            {v4(dsa, ones(3072, 257, 2, 2)), ones(256), proton.ErrPolicy, proton.ErrPolicy},
		"DSA, version 6":          {v6(dsa, ones(3073, 256, 2, 2)), ones(256), proton.ErrPolicy, proton.ErrPolicy},
		"DSA, x above":            {v4(dsa, ones(3072, 256, 2, 2)), ones(8000), proton.ErrPolicy, proton.ErrPassphrase},
		"DSA, y above":            {v4(dsa, ones(3072, 256, 2, 10000)), ones(256), proton.ErrPolicy, proton.ErrPolicy},
		"ElGamal":                 {v4(elgamal, ones(1024, 2, 2)), ones(256), proton.ErrUnsupported, proton.ErrUnsupported},
		"ElGamal, above":          {v4(elgamal, ones(9941, 2, 2)), ones(256), proton.ErrUnsupported, proton.ErrUnsupported},
		"ElGamal, version 6":      {v6(elgamal, ones(1024, 2, 2)), ones(256), proton.ErrUnsupported, proton.ErrUnsupported},
		"ECDSA, a scalar":         {v4(ecdsa, curve), ones(2600), proton.ErrPolicy, proton.ErrMalformed},
		"ECDH, a scalar":          {v4(ecdh, curve), ones(2600), proton.ErrPolicy, proton.ErrMalformed},
		"EdDSA, a scalar":         {v4(eddsa, curve), ones(2600), proton.ErrPolicy, proton.ErrUnsupported},
		"unknown":                 {v4(unknown, ones(20000)), ones(256), proton.ErrUnsupported, proton.ErrUnsupported},
		"unknown, above":          {v4(unknown, ones(33000)), ones(256), proton.ErrPolicy, proton.ErrPolicy},
		"no algorithm":            {[]byte{4, 0, 0, 0, 0}, []byte{}, proton.ErrMalformed, proton.ErrMalformed},
	} {
		secretPart := unlocked(c.secret)
		if c.public[0] == 6 {
			secretPart = append([]byte{0}, c.secret...)
		}
		if c.secret == nil || len(c.public) == 5 { // cut short
			secretPart = []byte{}
		}
		for _, tag := range []uint8{5, 7} {
			bad := exchange(t, key.Bytes(), tag, c.public, secretPart)
			requireErr(t, c.err, sealed(t, secret, literal(bad)), secret)
			keys, err := proton.OpenFile(t.Context(), sealed(t, secret, literal(key.Bytes(), bad)), secret)
			requireSkipped(t, err, 1)
			require.ErrorIs(t, err, c.err, "%s, tag %d", name, tag)
			require.Len(t, keys, 1)
			require.Equal(t, key.Bytes(), keys[0].Bytes())
			k, err := proton.ParseKey(bad, nil)
			require.ErrorIs(t, err, c.err, "%s, tag %d", name, tag)
			require.Nil(t, k)

			rest := []byte(nil)
			if len(secretPart) == 0 {
				rest = secretPart
			}
			k, err = proton.ParseKey(exchange(t, locked, tag, c.public, rest), passphrase)
			require.ErrorIs(t, err, c.errLocked, "%s, locked, tag %d", name, tag)
			require.Nil(t, k)
		}
	}
}

// TestPrimesOfLockedKeysAreBoundedAfter: what a lock held, a file can hold. Before, they
// are not to be seen.
func TestPrimesOfLockedKeysAreBoundedAfter(t *testing.T) {
	entity, _ := generate(t, "alice", nil)
	locked := lock(t, entity, quick())
	for bits, want := range map[int]error{576: nil, 577: proton.ErrPolicy} {
		subkey := packet.NewRSAPrivateKey(entity.PrimaryKey.CreationTime, rsaKey(t, 1024-bits, bits))
		subkey.IsSubkey = true
		require.NoError(t, subkey.EncryptWithConfig(passphrase, quick()))
		var b bytes.Buffer
		require.NoError(t, subkey.Serialize(&b))
		_, err := proton.ParseKey(append(bytes.Clone(locked), b.Bytes()...), passphrase)
		require.ErrorIs(t, err, want)
	}

	// What is locked does not count as numbers.
	public := append([]byte{4, 0x60, 0, 0, 0, 1}, ones(2048, 17)...)
	secret := append([]byte{254, 9, 3, 8}, make([]byte, 1+2+(0x0903+7)/8-4)...)
	_, err := proton.ParseKey(exchange(t, locked, 7, public, append(secret, ones(2000)...)), passphrase)
	require.Equal(t, proton.ErrPassphrase, err)
}

// rsaKey has primes of so many bits.
func rsaKey(t testing.TB, p, q int) *rsa.PrivateKey {
	one, e := big.NewInt(1), big.NewInt(65537)
	for {
		p, err := rand.Prime(rand.Reader, p)
		require.NoError(t, err)
		q, err := rand.Prime(rand.Reader, q)
		require.NoError(t, err)
		n := new(big.Int).Mul(p, q)
		d := new(big.Int).ModInverse(e, new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)))
		if d != nil && n.BitLen() == 1024 {
			key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, q}}
			key.Precompute()
			return key
		}
	}
}

// TestSumOfNumbersIsBounded: many keys, each of which may be.
func TestSumOfNumbersIsBounded(t *testing.T) {
	_, key := generate(t, "alice", nil)
	secret := newSecret(t, key)
	subkeys := func(n, bits int) []byte {
		public := append([]byte{4, 0x60, 0, 0, 0, 1}, ones(bits, 17)...)
		return bytes.Repeat(wrapped(7, public, unlocked(ones(192, 192, 192))), n)
	}
	// The two parts of each key count as 2048.
	full := slices.Concat(bytes.Repeat(slices.Concat(key.Bytes(), subkeys(14, 4096)), 4), key.Bytes(), subkeys(3, 4096))
	requireErr(t, proton.ErrMalformed, sealed(t, secret, literal(full)), secret)
	requireErr(t, proton.ErrPolicy, sealed(t, secret, literal(full, subkeys(1, 1024))), secret)
	full = slices.Concat(bytes.Repeat(slices.Concat(key.Bytes(), subkeys(14, 8192)), 2), key.Bytes(), subkeys(2, 8192))
	requireErr(t, proton.ErrMalformed, sealed(t, secret, literal(full)), secret)
	requireErr(t, proton.ErrPolicy, sealed(t, secret, literal(full, subkeys(1, 8192))), secret)

	// Real ones, of 16 parts: what opens can be made, and the other way round.
	var keys []*proton.Key
	var all []byte
	for range 9 {
		entity, k := generate(t, "alice", nil)
		var subkey bytes.Buffer
		require.NoError(t, entity.Subkeys[0].Serialize(&subkey, true))
		k, err := proton.ParseKey(slices.Concat(k.Bytes(), bytes.Repeat(subkey.Bytes(), 14)), nil)
		require.NoError(t, err)
		keys, all = append(keys, k), append(all, k.Bytes()...)
	}
	secret = newSecret(t, keys[0])
	opened, err := proton.OpenFile(t.Context(), makeFile(t, secret, keys[:8]...), secret)
	require.NoError(t, err)
	require.Len(t, opened, 8)
	_, err = proton.MakeFile(secret, keys...)
	require.ErrorIs(t, err, proton.ErrPolicy)
	requireErr(t, proton.ErrPolicy, sealed(t, secret, literal(all)), secret)

	// So it is with packets.
	ids, err := proton.ParseKey(slices.Concat(key.Bytes(), bytes.Repeat(wrapped(13, []byte("x")), 300)), nil)
	require.NoError(t, err)
	other, err := proton.ParseKey(slices.Concat(keys[0].Bytes(), bytes.Repeat(wrapped(13, []byte("x")), 300)), nil)
	require.NoError(t, err)
	makeFile(t, secret, ids, keys[0])
	_, err = proton.MakeFile(secret, ids, other)
	require.ErrorIs(t, err, proton.ErrPolicy)
}

// endsAfter is a context that ends after being asked a number of times.
type endsAfter struct {
	context.Context
	calls *int
}

func (c endsAfter) Err() error {
	if *c.calls--; *c.calls < 0 {
		return context.Canceled
	}
	return nil
}

// TestContextEndsBetweenKeys: not only between secrets.
func TestContextEndsBetweenKeys(t *testing.T) {
	alice := newKey(t)
	secret := newSecret(t, alice)
	file := makeFile(t, secret, newKey(t), newKey(t), alice)
	for n := 0; ; n++ {
		calls := n
		keys, err := proton.OpenFile(endsAfter{t.Context(), &calls}, file, secret)
		if err == nil {
			require.Len(t, keys, 3)
			require.Equal(t, 1+3+3, n, "for each secret, each key and each signature")
			return
		}
		require.Equal(t, context.Canceled, err)
		require.Nil(t, keys)
	}
}

// TestBombsAreNotUnpacked: what is refused for its size is not read to its end.
func TestBombsAreNotUnpacked(t *testing.T) {
	secret := newSecret(t, newKey(t))
	file := sealed(t, secret, bomb(t))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	requireErr(t, proton.ErrPolicy, file, secret)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), "of 64 MiB")
}
