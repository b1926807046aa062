package kdf

import (
	"github.com/nescio-go/nescio/internal/bcrypt"
)

const (
	protonSaltSize = bcrypt.SaltSize
	protonCost     = 10
	protonKeyFrom  = 29 // where the hash begins, after "$2y$10$" and 22 characters of salt
)

// ProtonKeyPassword returns the 31 ASCII characters that protect a Proton
// user's OpenPGP keys: the hash part, the last 31, of the bcrypt text
// of a password of 1 to 1024 bytes under the key salt, 16 bytes. It takes some
// 80 ms.
//
// In one-password mode it is the login password, with a salt of its own, so
// that who steals the derived password cannot log in; in two-password mode it
// is the second one. bcrypt reads 72 bytes of password at most, and repeats a
// shorter one, each time with a zero byte after it: "ab" and "ab\x00ab" give one
// hash. It returns ErrPassword, or ErrMalformed for a salt of another size.
func ProtonKeyPassword(password, salt []byte) ([]byte, error) {
	if len(password) == 0 || len(password) > maxPassword {
		return nil, ErrPassword
	}
	if len(salt) != protonSaltSize {
		return nil, ErrMalformed
	}
	hash, err := bcrypt.Hash(password, [bcrypt.SaltSize]byte(salt), protonCost)
	if err != nil {
		return nil, err
	}
	defer clear(hash[:])
	return append([]byte(nil), hash[protonKeyFrom:]...), nil
}
