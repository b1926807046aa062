package recovery

import (
	"crypto/sha256"

	"github.com/nescio-go/nescio/internal/secret"
)

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
	s := *k.secrets.Get()
	return s.lineage[:], s.master[:]
}

// Key returns the key itself.
func (k *SecretKey) Key() []byte { return k.bytes() }

// SecretKeyOf returns the secret key of the given bytes.
func SecretKeyOf(key [16]byte) *SecretKey { return &SecretKey{secret.New(key)} }

// CheckCharacter returns the number of a secret key's last character.
func CheckCharacter(chars string) int { return checkCharacter(chars) }

// FileCheck returns the checksum of a file's bytes.
func FileCheck(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:fileCheckSize]
}

// Bytes returns the password.
func (p Password) Bytes() []byte { return p.secrets.Get().password }

// WithPassword returns the slot of another password.
func (p Password) WithPassword(password []byte) Password {
	p.secrets = secret.New(passwordSecrets{password, p.secretKey()})
	return p
}

// WithSecretKey returns the slot with a secret key.
func (p Password) WithSecretKey(key *SecretKey) Password {
	p.secrets = secret.New(passwordSecrets{p.Bytes(), key})
	return p
}

// SecretKey returns the slot's secret key.
func (p Password) SecretKey() *SecretKey { return p.secretKey() }

// Key returns the export key.
func (e Export) Key() []byte { return e.secrets.Get().key }

// Record returns the record.
func (e Export) Record() []byte { return e.secrets.Get().record }

// PRF returns the output of the PRF.
func (p Passkey) PRF() []byte { return *p.prf.Get() }
