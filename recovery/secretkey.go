package recovery

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/nescio-go/nescio/internal/secret"
	"golang.org/x/text/unicode/norm"
)

// SecretKey is 128 bits on the user's devices that protect a weak password.
type SecretKey struct {
	key secret.Value[[16]byte]
}

// NewSecretKey returns a random key.
func NewSecretKey() *SecretKey {
	key := secret.New([16]byte{})
	rand.Read(key.Get()[:])
	return &SecretKey{key}
}

const (
	secretKeyPrefix = "NSK1"
	crockford       = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	secretKeyChars  = 26
)

var base32Crockford = base32.NewEncoding(crockford).WithPadding(base32.NoPadding)

// Text returns the key with a check character.
func (k *SecretKey) Text() string {
	key := k.bytes()
	defer clear(key)
	if isZero(key) {
		return ""
	}
	chars := base32Crockford.EncodeToString(key)
	chars += string(crockford[checkCharacter(chars)])
	var groups []string
	for len(chars) > 5 {
		groups, chars = append(groups, chars[:5]), chars[5:]
	}
	return strings.Join(append([]string{secretKeyPrefix}, append(groups, chars)...), "-")
}

// ParseSecretKey reads what people type, at most 4 KiB.
func ParseSecretKey(text string) (*SecretKey, error) {
	if len(text) > maxPasted {
		return nil, ErrMalformed
	}
	chars, ok := strings.CutPrefix(strings.Map(typedCharacter, norm.NFKD.String(text)), secretKeyPrefix)
	if !ok || len(chars) != secretKeyChars+1 {
		return nil, ErrMalformed
	}
	check := strings.IndexByte(crockford, chars[secretKeyChars])
	chars = chars[:secretKeyChars]
	key, err := base32Crockford.DecodeString(chars)
	if err != nil || check != checkCharacter(chars) || base32Crockford.EncodeToString(key) != chars || isZero(key) {
		return nil, ErrMalformed
	}
	defer clear(key)
	return &SecretKey{secret.New([16]byte(key))}, nil
}

// typedCharacter undoes what people and their programs do to a character: -1
// drops it.
func typedCharacter(c rune) rune {
	if 'a' <= c && c <= 'z' {
		c += 'A' - 'a'
	}
	switch {
	case c == 'O':
		return '0'
	case c == 'I' || c == 'L':
		return '1'
	case isPasted(c):
		return -1
	}
	return c
}

// checkCharacter returns the number of the character after 26 others: the sum
// of the i-th, from 1, times x^i in GF(2)[x] / (x⁵ + x² + 1), where the lowest
// bit of a character's number is the coefficient of 1. The weights differ and
// are not zero, so one error changes the sum, and so does a transposition.
func checkCharacter(chars string) (sum int) {
	weight := 1
	for i := range len(chars) {
		weight = times2(weight)
		for v, w := strings.IndexByte(crockford, chars[i]), weight; v > 0; v >>= 1 {
			if v&1 == 1 {
				sum ^= w
			}
			w = times2(w)
		}
	}
	return sum
}

// times2 multiplies by x in GF(2)[x] / (x⁵ + x² + 1). The powers of x are all
// 31 elements that are not zero.
func times2(v int) int {
	v <<= 1
	if v&32 != 0 {
		v ^= 0b100101
	}
	return v
}

func (k *SecretKey) bytes() []byte { return bytes.Clone(k.key.Get()[:]) }

// Format redacts.
func (k SecretKey) Format(f fmt.State, _ rune) { redact(f, "SecretKey") }

// MarshalJSON fails.
func (k SecretKey) MarshalJSON() ([]byte, error) { return nil, errJSON }
