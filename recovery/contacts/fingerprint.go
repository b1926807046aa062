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
	fingerprintSize = 20 // bytes, which resist a search for a second input
)

// Fingerprint returns the fingerprint of a public key, 160 bits as text.
func Fingerprint(publicKey []byte) string {
	return fingerprint(digest(publicKeyLabel, publicKey))
}

// Fingerprint returns the fingerprint of the share's split.
func (s *Share) Fingerprint() string { return fingerprint(s.split) }

// Fingerprint returns the fingerprint that all contacts compare.
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
