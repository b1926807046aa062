package recovery

import "crypto/sha256"

// Encode returns the header without its MACs, from what was parsed of it.
func (h *Header) Encode() ([]byte, error) {
	var zero [keySize]byte
	b, err := h.state.encode(&zero, &zero)
	if err != nil {
		return nil, err
	}
	return b[:len(b)-2*macSize], nil
}

// Keys returns the lineage key and the current master key.
func (k *Keyring) Keys() (lineage, master []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := *k.secrets()
	return s.lineage[:], s.master[:]
}

// Key returns the key itself.
func (k *SecretKey) Key() []byte { return k.bytes() }

// SecretKeyOf returns the secret key of the given bytes.
func SecretKeyOf(key [16]byte) *SecretKey { return &SecretKey{func() [16]byte { return key }} }

// CheckCharacter returns the number of a secret key's last character.
func CheckCharacter(chars string) int { return checkCharacter(chars) }

// FileCheck returns the checksum of a file's bytes.
func FileCheck(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:fileCheckSize]
}
