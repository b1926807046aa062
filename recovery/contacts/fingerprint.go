package contacts

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"

	"github.com/nescio-go/nescio/recovery"
)

// What people compare, since the server passes on public keys and messages and could
// pass on its own.

const (
	keyFingerprintLabel   = "nescio/contacts/key/v1"
	splitFingerprintLabel = "nescio/contacts/split/v1"
	fingerprintSize       = 20 // bytes: the server could search for a second one of few
)

// Fingerprint returns the fingerprint of a contact's public key of 1,216 bytes, such as
// "R5V1-P3ZJ-…" of 8 groups of 4, 39 characters for 160 bits: the owner compares it with
// what the contact's own device shows. See the package documentation's Format.
func Fingerprint(publicKey []byte) string {
	return fingerprint(keyFingerprintLabel, publicKey)
}

// Fingerprint returns the fingerprint of the split that the share is of, in the form of
// that of a key. The contact compares it with the owner's before they keep the share,
// since whoever knows a contact's public key, as the server does, can seal one to it.
func (s *Share) Fingerprint() string {
	return splitFingerprint(s.account, s.slot, s.k, s.n, s.commitments)
}

// Fingerprint returns the fingerprint for the contacts to compare, the same for all of
// them. It is empty before Add.
func (s *Split) Fingerprint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fingerprint
}

func splitFingerprint(account [16]byte, slot recovery.SlotID, k, n int, commitments []byte) string {
	return fingerprint(splitFingerprintLabel, account[:], slot[:], []byte{byte(k), byte(n)}, commitments)
}

// fingerprint is the first 160 bits of SHA-256(label ‖ 00 ‖ parts), in Crockford's base
// 32.
func fingerprint(label string, parts ...[]byte) string {
	h := sha256.New()
	h.Write(append([]byte(label), 0))
	for _, part := range parts {
		h.Write(part)
	}
	text := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").EncodeToString(h.Sum(nil)[:fingerprintSize])
	var groups []string
	for group := range slices.Chunk([]byte(text), 4) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, "-")
}
