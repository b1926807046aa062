package kdf

import (
	"github.com/nescio-go/nescio/internal/bcrypt"
)

const (
	protonSaltSize = bcrypt.SaltSize
	protonCost     = 10
	protonKeyFrom  = 29 // where the hash begins, after "$2y$10$" and 22 characters of salt
)

// ProtonKeyPassword returns the 31 ASCII characters that protect the OpenPGP
// keys of a Proton user. They are the last 31 characters of the bcrypt text of
// a password of 1 to 1,024 bytes, with the key salt of 16 bytes. It takes about
// 80 ms. It returns [ErrPassword], or [ErrMalformed] for a salt of another
// size.
//
// In one-password mode the password is the login password. The key salt differs
// from the login's, so the derived characters do not help anyone to log in. In
// two-password mode it is the second password.
//
// bcrypt reads at most 72 bytes of the password. It repeats a shorter password
// with a zero byte after each copy: "ab" and "ab\x00ab" give the same hash.
// bcrypt is not constant time with respect to the cache.
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
