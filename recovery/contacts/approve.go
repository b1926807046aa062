package contacts

import (
	"fmt"

	"github.com/nescio-go/nescio/internal/approval"
)

// Approval releases a share by short code, on the contact's device: see
// [Request]. It lives in memory only and serves one grant. Discard it if the
// contact does not finish within minutes. It is safe for concurrent use and
// redacts itself.
type Approval struct {
	share    *Share
	approval *approval.Approval
}

// Approve starts to release the share by short code. The ask is the message
// from [Request.Ask]. Nothing is released before [Approval.Grant]. Approve
// returns [ErrMalformed] for an invalid message.
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

// Answer returns the second message, 1,152 bytes. It is nil for the zero
// Approval.
func (a *Approval) Answer() []byte {
	if a.approval == nil {
		return nil
	}
	return a.approval.Answer()
}

// Code takes the message from [Request.Reveal], and returns the contact's half
// of the short code to show. The owner types it. Code returns
// [recovery.ErrUntrusted], and ends the approval, for a message of another
// request. A second call returns [recovery.ErrPolicy].
func (a *Approval) Code(reveal []byte) (string, error) {
	if a.approval == nil {
		return "", errOver
	}
	code, err := a.approval.Code(reveal)
	return code, translate(err)
}

// Grant takes the half that the owner's device shows, and returns the last
// message. A wrong half ends the approval with [recovery.ErrUntrusted]. Grant
// returns [recovery.ErrPolicy] before [Approval.Code] and after it has returned
// a grant.
//
// The contact must recognise the owner, by face or voice, and must have heard
// the half from the owner.
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

// Format writes a placeholder for every verb.
func (a *Approval) Format(f fmt.State, _ rune) { redact(f, "Approval") }

// MarshalJSON writes a placeholder.
func (a *Approval) MarshalJSON() ([]byte, error) { return redactJSON("Approval") }

// ApproveQR releases the share to the device whose QR code the contact has
// scanned. The ask is the message from [Request.Ask]. ApproveQR returns the
// grant to send. It returns [recovery.ErrUntrusted] if the code and the message
// do not belong together or are for another account, and [ErrMalformed].
//
// The contact must recognise the owner, and must scan the owner's screen. Never
// take a QR code from a link or a message.
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
