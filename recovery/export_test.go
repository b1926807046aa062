package recovery

import (
	"bytes"
	"crypto/sha256"

	"github.com/nescio-go/nescio/internal/secret"
)

// These functions give the tests what the package does not export. They are
// functions and not methods, because tests call all methods of zero values.

// Encode returns a parsed header without its MACs, from its parts.
func Encode(h *Header) ([]byte, error) {
	var zero [keySize]byte
	b, err := h.state.encode(&zero, &zero)
	if err != nil {
		return nil, err
	}
	return b.encoded[:len(b.encoded)-2*macSize], nil
}

// KeysOf returns copies of the lineage key and the current master key.
func KeysOf(k *Keyring) (lineage, master []byte) {
	s := k.secrets.Get()
	return bytes.Clone(s.lineage[:]), bytes.Clone(s.master[:])
}

// SeedOf returns a copy of the seed of the slot that opened the keyring.
func SeedOf(k *Keyring) []byte { return bytes.Clone(k.secrets.Get().seed[:]) }

// SealDevice makes the slot of an approved device.
func SealDevice(k *Keyring, publicKey []byte) (*SealedSlot, error) { return k.sealDevice(publicKey) }

// Payload returns what a grant tells an approved device.
func Payload(k *Keyring, publicKey []byte) ([]byte, SlotID, error) { return k.payload(publicKey) }

// ParseGrant reads what Payload returns.
func ParseGrant(account AccountID, payload, seed []byte) (*Device, Checkpoint, error) {
	return parseGrant(account, payload, seed)
}

// Unconfirmed returns the unconfirmed checkpoint of two.
func Unconfirmed(old, candidate Checkpoint) Checkpoint { return unconfirmed(old, candidate) }

// Removes reports whether an unconfirmed checkpoint's candidate removed
// something.
func Removes(c Checkpoint) bool { return c.removes() }

// State returns the bytes of a Local with a confirmed draft, a candidate that
// may be nil, and nothing seen except the slots of the confirmed header.
func State(confirmed, candidate *Draft) ([]byte, error) {
	s := new(localState).withCandidate(confirmed).promoted()
	if candidate != nil {
		s = s.withCandidate(candidate)
	}
	return s.marshal()
}

// JoinedState returns the bytes of a Local after an approval.
func JoinedState(c Checkpoint) ([]byte, error) {
	s := new(localState).withHeader(nil, c)
	s.seen = c.slots[:1]
	return s.marshal()
}

// ReadState parses the bytes of a Local and encodes them again.
func ReadState(b []byte) ([]byte, error) {
	s, err := parseState(b)
	if err != nil {
		return nil, err
	}
	return s.marshal()
}

// PhraseOf returns the phrase of 16 or 32 bytes of entropy.
func PhraseOf(entropy []byte) *Phrase { return newPhrase(bytes.Clone(entropy)) }

// Entropy returns a copy of a phrase's entropy.
func Entropy(p *Phrase) []byte { return bytes.Clone(*p.entropy.Get()) }

// SecretKeyOf returns the secret key of 16 bytes.
func SecretKeyOf(key [16]byte) *SecretKey { return &SecretKey{secret.New(key)} }

// SecretKeyBytes returns the bytes of a secret key.
func SecretKeyBytes(k *SecretKey) []byte { return k.bytes() }

// CheckCharacter returns the number of a secret key's last character.
func CheckCharacter(chars string) int { return checkCharacter(chars) }

// FileCheck returns the checksum of a file's bytes.
func FileCheck(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:fileCheckSize]
}

// SlotPublicKey returns the public key that belongs to the seed of a slot.
func SlotPublicKey(seed []byte) ([]byte, error) {
	publicKey, _, err := slotPublicKey(seed)
	return publicKey, err
}

// SealToSlot seals a master key to the public key of a slot.
func SealToSlot(publicKey []byte) ([]byte, error) {
	return sealMaster(AccountID{1}, &sealedSlot{publicKey: publicKey}, 1, &[keySize]byte{2})
}

// The limits.
const (
	MaxSlots      = maxSlots
	MaxPasswords  = maxPasswords
	UsualSlots    = usualSlots
	UsualPassword = usualPassword
	MaxHistory    = maxHistory
	MaxSecret     = maxSecret
	MaxState      = maxState
)
