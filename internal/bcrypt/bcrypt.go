// Package bcrypt implements bcrypt with a salt from the caller, as Proton's
// password hashes need it. golang.org/x/crypto/bcrypt draws its own salt and
// refuses passwords longer than 72 bytes. This package runs the key schedule
// itself, over golang.org/x/crypto/blowfish.
//
// Source: Provos and Mazières, "A Future-Adaptable Password Scheme" (USENIX
// 1999), in the form that crypt_blowfish calls $2y$.
//
// bcrypt is not constant time with respect to the cache, in any implementation:
// values that depend on the password index the S-boxes of Blowfish.
package bcrypt

import (
	"encoding/base64"
	"errors"
	"strconv"

	//lint:ignore SA1019 bcrypt is defined on Blowfish
	"golang.org/x/crypto/blowfish"
)

const (
	// SaltSize is the size of a salt in bytes.
	SaltSize = 16
	// HashSize is the size in bytes of a hash in its text form.
	HashSize = 60
	// maxKey is the size of Blowfish's key array, for the password and its
	// closing NUL.
	maxKey = 72
)

var (
	errCost = errors.New("bcrypt: cost outside 4 to 31")
	errSalt = errors.New("bcrypt: malformed salt")
)

// encoding is bcrypt's base64: another order of the alphabet, no padding.
var encoding = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").
	WithPadding(base64.NoPadding)

// Hash returns the hash of password, 60 ASCII bytes: "$2y$", two digits of
// cost, "$", 22 characters of salt, 31 characters of hash. The work is 2^cost
// key schedules. Cost must be between 4 and 31.
//
// The password is used as given. A NUL is appended, and only the first 72 bytes
// count: passwords that agree in their first 72 bytes have the same hash.
//
// The last of the 22 salt characters carries two bits of salt. Its other four
// bits are written as zeros, as crypt_blowfish writes them. Proton hashes the
// text form again, so the character matters.
func Hash(password []byte, salt [SaltSize]byte, cost int) ([HashSize]byte, error) {
	var hash [HashSize]byte
	if cost < 4 || cost > 31 {
		return hash, errCost
	}
	key := make([]byte, 0, maxKey)
	key = append(key, password[:min(len(password), maxKey)]...)
	if len(key) < maxKey {
		key = append(key, 0)
	}
	defer clear(key)

	c, err := expensiveKeySetup(key, salt[:], cost)
	if err != nil {
		return hash, err
	}
	defer func() { *c = blowfish.Cipher{} }()
	text := []byte("OrpheanBeholderScryDoubt")
	defer clear(text)
	for block := text; len(block) > 0; block = block[blowfish.BlockSize:] {
		for range 64 {
			c.Encrypt(block, block)
		}
	}

	b := append(hash[:0], "$2y$"...)
	if cost < 10 {
		b = append(b, '0')
	}
	b = strconv.AppendInt(b, int64(cost), 10)
	b = append(b, '$')
	b = encoding.AppendEncode(b, salt[:])
	// The hash omits the 24th byte of the ciphertext.
	encoding.AppendEncode(b, text[:23])
	return hash, nil
}

// expensiveKeySetup is EksBlowfishSetup of the paper, Section 4.
func expensiveKeySetup(key, salt []byte, cost int) (*blowfish.Cipher, error) {
	c, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		return nil, err
	}
	for range uint64(1) << cost {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(salt, c)
	}
	return c, nil
}

// DecodeSalt decodes the 22 characters of a salt. Four bits of the last
// character are ignored, as in crypt_blowfish: Proton's oldest password hashes
// use hexadecimal digits as salt characters.
func DecodeSalt(text string) (salt [SaltSize]byte, err error) {
	b, err := encoding.DecodeString(text)
	if err != nil || len(b) != SaltSize || len(text) != encoding.EncodedLen(SaltSize) {
		return salt, errSalt
	}
	return [SaltSize]byte(b), nil
}
