package contacts

import (
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/recovery"
	"golang.org/x/crypto/cryptobyte"
)

// Share is a contact's share. [Key.Open] and [Collection.Add] check it.
type Share struct {
	account recovery.AccountID
	slot    recovery.SlotID
	index   int
	k, n    int
	split   [digestSize]byte
	value   secret.Value[[scalarSize]byte]
}

const (
	shareKind = 'S'
	version   = 1
	shareSize = 2 + 16 + 16 + 3 + digestSize + scalarSize
)

// ParseShare reverses [Share.Secret].
func ParseShare(b []byte) (*Share, error) {
	in := cryptobyte.String(b)
	var kind, v, index, k, n uint8
	var value []byte
	s := new(Share)
	if !in.ReadUint8(&kind) || kind != shareKind || !in.ReadUint8(&v) || v != version ||
		!in.CopyBytes(s.account[:]) || !in.CopyBytes(s.slot[:]) ||
		!in.ReadUint8(&index) || !in.ReadUint8(&k) || !in.ReadUint8(&n) ||
		!in.CopyBytes(s.split[:]) || !in.ReadBytes(&value, scalarSize) || !in.Empty() {
		return nil, ErrMalformed
	}
	s.index, s.k, s.n = int(index), int(k), int(n)
	if s.account == (recovery.AccountID{}) || s.slot == (recovery.SlotID{}) ||
		!validThreshold(s.k, s.n) || s.index < 1 || s.index > s.n || !canonical(value) {
		return nil, ErrMalformed
	}
	s.value = secret.New([scalarSize]byte(value))
	return s, nil
}

// Secret returns 101 bytes for the platform's key store. Anyone with k of them
// and the header can open the keyring.
func (s *Share) Secret() []byte {
	if s.index == 0 {
		return nil
	}
	b := make([]byte, 0, shareSize)
	b = append(b, shareKind, version)
	b = append(b, s.account[:]...)
	b = append(b, s.slot[:]...)
	b = append(b, byte(s.index), byte(s.k), byte(s.n))
	b = append(b, s.split[:]...)
	return append(b, s.value.Get()[:]...)
}

// Account returns the account's number.
func (s *Share) Account() recovery.AccountID { return s.account }

// Slot returns the slot's id.
func (s *Share) Slot() recovery.SlotID { return s.slot }

// Index returns the contact's number, from 1.
func (s *Share) Index() int { return s.index }

// Threshold returns k.
func (s *Share) Threshold() int { return s.k }

// Contacts returns n.
func (s *Share) Contacts() int { return s.n }

// redact writes a placeholder for a type that holds a secret.
func redact(f fmt.State, name string) { io.WriteString(f, "contacts."+name+"(redacted)") }

// redactJSON is redact for JSON.
func redactJSON(name string) ([]byte, error) { return []byte(`"contacts.` + name + `(redacted)"`), nil }

// Format redacts the value.
func (s Share) Format(f fmt.State, _ rune) { redact(f, "Share") }

// MarshalJSON returns an error. Store [Share.Secret].
func (s Share) MarshalJSON() ([]byte, error) { return nil, errJSON }
