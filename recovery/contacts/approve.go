package contacts

import (
	"fmt"

	"github.com/nescio-go/nescio/internal/approval"
)

// Approval releases a share by short code. Discard one that the contact
// abandons.
type Approval struct {
	share    *Share
	approval *approval.Approval
}

// Approve starts to release the share with the message from [Request.Ask].
func (s *Share) Approve(ask []byte) (*Approval, error) {
	if s.index == 0 {
		return nil, errZero
	}
	a, err := approval.Begin(approval.Share, s.account, ask)
	if err != nil {
		return nil, translate(err)
	}
	return &Approval{s, a}, nil
}

// Answer returns the second message, 1,152 bytes.
func (a *Approval) Answer() []byte {
	if a.approval == nil {
		return nil
	}
	return a.approval.Answer()
}

// Code takes the message from [Request.Reveal] and returns the contact's half.
// A wrong message returns [recovery.ErrUntrusted] and ends the approval.
func (a *Approval) Code(reveal []byte) (string, error) {
	if a.approval == nil {
		return "", errOver
	}
	code, err := a.approval.Code(reveal)
	return code, translate(err)
}

// Grant takes the owner's half and returns the grant. The contact must
// recognize the owner and hear the half from the owner. A wrong half returns
// [recovery.ErrUntrusted] and ends the approval.
func (a *Approval) Grant(typed string) ([]byte, error) {
	if a.approval == nil {
		return nil, errOver
	}
	if err := a.approval.Check(typed); err != nil {
		return nil, translate(err)
	}
	return a.share.grant(a.approval.Grant)
}

// Discard ends the approval.
func (a *Approval) Discard() {
	if a.approval != nil {
		a.approval.Discard()
	}
}

// Format redacts the value.
func (a *Approval) Format(f fmt.State, _ rune) { redact(f, "Approval") }

// MarshalJSON redacts the value.
func (a *Approval) MarshalJSON() ([]byte, error) { return redactJSON("Approval") }

// ApproveQR takes the QR code that the contact has scanned from the
// owner's screen, never from a link or message, and the message from
// [Request.Ask]. It returns the grant, or [recovery.ErrUntrusted] if the
// two do not belong together.
func (s *Share) ApproveQR(qr string, ask []byte) (grant []byte, err error) {
	if s.index == 0 {
		return nil, errZero
	}
	scan, err := approval.ScanQR(approval.Share, s.account, qr, ask)
	if err != nil {
		return nil, translate(err)
	}
	defer scan.Discard() // it holds the QR code's secret
	return s.grant(scan.Grant)
}

// grant seals the share's secret form.
func (s *Share) grant(seal func(payload []byte) ([]byte, error)) ([]byte, error) {
	b := s.Secret()
	defer clear(b)
	grant, err := seal(b)
	return grant, translate(err)
}
