package kdf

import (
	"github.com/nescio-go/nescio/internal/bcrypt"
)

const (
	protonSaltSize = bcrypt.SaltSize
	protonCost     = 10
	protonKeyFrom  = 29 // where the hash begins, after "$2y$10$" and 22 characters of salt
)

// ProtonKeyPassword returns the 31 characters that protect a Proton user's
// OpenPGP keys, from the only or the second password, of which 72 bytes count,
// and the key salt of 16 bytes. It takes about 80 ms. It returns [ErrPassword]
// or [ErrMalformed].
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
