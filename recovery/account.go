package recovery

import (
	"crypto/rand"
	"encoding/hex"
)

// AccountID is the number of an account's keyring, 16 random bytes that
// [Create] draws. It is public. It names no person, and it never changes.
type AccountID [16]byte

// ParseAccountID reads 16 bytes that are not all zero, or returns
// [ErrMalformed].
func ParseAccountID(b []byte) (AccountID, error) {
	if len(b) != len(AccountID{}) || isZero(b) {
		return AccountID{}, ErrMalformed
	}
	return AccountID(b), nil
}

func newAccountID() (id AccountID) {
	rand.Read(id[:])
	return id
}

// String returns the id in hexadecimal.
func (id AccountID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns the id in hexadecimal.
func (id AccountID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reads 32 lower-case hexadecimal digits that are not all zero,
// or returns [ErrMalformed].
func (id *AccountID) UnmarshalText(text []byte) error {
	b, ok := readID(text)
	if !ok || isZero(b[:]) {
		return ErrMalformed
	}
	*id = b
	return nil
}

// readID reads 16 bytes in lower-case hexadecimal.
func readID(text []byte) (id [16]byte, ok bool) {
	if len(text) != hex.EncodedLen(len(id)) {
		return id, false
	}
	_, err := hex.Decode(id[:], text)
	return id, err == nil && hex.EncodeToString(id[:]) == string(text)
}
