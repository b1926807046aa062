package recovery

import (
	"crypto/rand"
	"encoding/hex"
)

// AccountID is the public, random number of a keyring.
type AccountID [16]byte

// ParseAccountID reads 16 bytes, not all zero.
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

// String returns hexadecimal.
func (id AccountID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns hexadecimal.
func (id AccountID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reverses [AccountID.MarshalText].
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
