package contacts

import (
	"encoding/base32"
	"slices"
	"strings"
)

// People compare fingerprints because the server passes on public keys and
// messages, and could pass on its own.

const (
	publicKeyLabel  = "nescio/contacts/key/v1"
	fingerprintSize = 20 // bytes: nobody finds a second input with the same 160 bits
)

// Fingerprint returns the fingerprint of a contact's public key of 1,216 bytes,
// such as "R5V1-P3ZJ-…": 8 groups of 4 characters, which hold 160 bits. The
// owner compares it with the one that the contact's own device shows. FORMAT.md
// has the format.
func Fingerprint(publicKey []byte) string {
	return fingerprint(digest(publicKeyLabel, publicKey))
}

// Fingerprint returns the fingerprint of the share's split, in the form of
// [Fingerprint]. The contact compares it with the owner before keeping the
// share. Anyone who knows a contact's public key, such as the server, can seal
// a share to it.
func (s *Share) Fingerprint() string { return fingerprint(s.split) }

// Fingerprint returns the fingerprint that the contacts compare. It is the same
// for all of them, and empty before the slot was made.
func (s *Split) Fingerprint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fingerprint
}

// fingerprint encodes the first 160 bits of a digest in Crockford's base 32.
func fingerprint(d [digestSize]byte) string {
	text := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").EncodeToString(d[:fingerprintSize])
	var groups []string
	for group := range slices.Chunk([]byte(text), 4) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, "-")
}
