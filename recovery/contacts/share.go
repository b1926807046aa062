package contacts

import (
	"bytes"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/recovery"
	"golang.org/x/crypto/cryptobyte"
)

// Share is what a contact keeps for an account, and what the account's owner collects
// from k contacts. It fits its own commitments: who has made it another way was found
// out by then. It is immutable and safe for concurrent use, and redacts itself.
type Share struct {
	account     [16]byte
	slot        recovery.SlotID
	index       int
	k, n        int
	commitments []byte
	value       secret.Value[[scalarSize]byte]
}

const (
	shareKind = 'S'
	version   = 1
	shareHead = 2 + 16 + 16 + 3 // before the commitments
)

// ParseShare reads what Secret returned. It returns ErrMalformed for anything else, and
// a ShareError with ErrWrong for a share that does not fit its commitments.
func ParseShare(b []byte) (*Share, error) {
	in := cryptobyte.String(b)
	var kind, v, index, k, n uint8
	var account, slot, value []byte
	s := new(Share)
	if !in.ReadUint8(&kind) || kind != shareKind || !in.ReadUint8(&v) || v != version ||
		!in.ReadBytes(&account, 16) || !in.ReadBytes(&slot, 16) ||
		!in.ReadUint8(&index) || !in.ReadUint8(&k) || !in.ReadUint8(&n) || !validThreshold(int(k), int(n)) ||
		!in.ReadBytes(&s.commitments, int(k)*elementSize) || !in.ReadBytes(&value, scalarSize) || !in.Empty() {
		return nil, ErrMalformed
	}
	s.account, s.slot = [16]byte(account), recovery.SlotID(slot)
	s.index, s.k, s.n = int(index), int(k), int(n)
	if s.account == ([16]byte{}) || s.slot == (recovery.SlotID{}) || s.index < 1 || s.index > s.n {
		return nil, ErrMalformed
	}
	if err := verify(s.index, value, s.commitments); err == ErrWrong {
		return nil, &ShareError{s.index, err}
	} else if err != nil {
		return nil, err
	}
	s.commitments = bytes.Clone(s.commitments)
	s.value = secret.New([scalarSize]byte(value))
	return s, nil
}

func validThreshold(k, n int) bool { return 2 <= k && k <= n && n <= maxContacts }

// Secret returns the share's secret form, 69 + 32k bytes, for the platform's key store.
// To hand a share out is for Approve and ApproveQR: whoever has k of these, and the
// header, opens the keyring.
func (s *Share) Secret() []byte {
	b := make([]byte, 0, shareHead+len(s.commitments)+scalarSize)
	b = append(b, shareKind, version)
	b = append(b, s.account[:]...)
	b = append(b, s.slot[:]...)
	b = append(b, byte(s.index), byte(s.k), byte(s.n))
	b = append(b, s.commitments...)
	return append(b, s.value.Get()[:]...)
}

// Account returns the number of the account that the share is of.
func (s *Share) Account() [16]byte { return s.account }

// Slot returns the id of the slot that the share is of.
func (s *Share) Slot() recovery.SlotID { return s.slot }

// Index returns the contact's number, from 1.
func (s *Share) Index() int { return s.index }

// Threshold returns k, how many contacts have to agree.
func (s *Share) Threshold() int { return s.k }

// Contacts returns n, how many contacts there are.
func (s *Share) Contacts() int { return s.n }

// ApproveQR hands the share out to the device whose QR code the contact has scanned,
// and returns the grant to send. It returns recovery.ErrApproval for a code or message
// of another account, or that do not belong together, and recovery.ErrMalformed.
func (s *Share) ApproveQR(qr string, ask []byte) (grant []byte, err error) {
	b := s.Secret()
	defer clear(b)
	return recovery.ApproveShareQR(s.account[:], qr, ask, b)
}

// Approve begins to hand the share out by short code, to who sent the message of
// [recovery.Request.Ask]: the contact compares the code with the one who asks, whom
// they know by face or voice. It returns recovery.ErrMalformed.
func (s *Share) Approve(ask []byte) (*recovery.Approval, error) {
	b := s.Secret()
	defer clear(b)
	return recovery.ApproveShare(s.account[:], ask, b)
}

// OpenGrant opens what a contact answered to a request, which must be ForShare. It
// returns the errors of [recovery.Request.OpenShare] and of ParseShare.
func OpenGrant(r *recovery.Request, grant []byte) (*Share, error) {
	b, err := r.OpenShare(grant)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return ParseShare(b)
}

// redact writes a placeholder for a type that holds a secret.
func redact(f fmt.State, name string) { io.WriteString(f, "contacts."+name+"(redacted)") }

// Format writes a placeholder for every verb.
func (s Share) Format(f fmt.State, _ rune) { redact(f, "Share") }

// MarshalJSON returns an error. Store what [Share.Secret] returns.
func (s Share) MarshalJSON() ([]byte, error) { return nil, errJSON }
