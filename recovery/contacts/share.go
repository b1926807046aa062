package contacts

import (
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/recovery"
	"golang.org/x/crypto/cryptobyte"
)

// Share is the share that a contact keeps for an account, and that the
// account's owner collects from k contacts. [Key.Open] returns shares that fit
// the commitments of their split. Shares from [ParseShare] and [Request.Open]
// are checked by [Collection.Add]. A Share is immutable, safe for concurrent
// use, and redacts itself.
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

// ParseShare reads the bytes that [Share.Secret] returns. It returns
// [ErrMalformed] for anything else. It cannot tell whether the share is right,
// because a share does not contain the commitments.
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

// Secret returns the share's secret form, 101 bytes, for the platform's key
// store. Anyone with k shares and the header can open the keyring. To send a
// share to the account's owner, use [Share.ApproveQR] or [Share.Approve].
// Secret returns nil for the zero Share.
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

// Account returns the number of the share's account.
func (s *Share) Account() recovery.AccountID { return s.account }

// Slot returns the id of the share's slot.
func (s *Share) Slot() recovery.SlotID { return s.slot }

// Index returns the contact's number, from 1.
func (s *Share) Index() int { return s.index }

// Threshold returns k, the number of shares that open the slot.
func (s *Share) Threshold() int { return s.k }

// Contacts returns n, the number of contacts.
func (s *Share) Contacts() int { return s.n }

// redact writes a placeholder for a type that holds a secret.
func redact(f fmt.State, name string) { io.WriteString(f, "contacts."+name+"(redacted)") }

// redactJSON is redact for JSON.
func redactJSON(name string) ([]byte, error) { return []byte(`"contacts.` + name + `(redacted)"`), nil }

// Format writes a placeholder for every verb.
func (s Share) Format(f fmt.State, _ rune) { redact(f, "Share") }

// MarshalJSON returns an error. Store what [Share.Secret] returns.
func (s Share) MarshalJSON() ([]byte, error) { return nil, errJSON }
