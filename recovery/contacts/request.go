package contacts

import (
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/recovery"
)

// Request asks one contact for a share. It lives on the device of the account's
// owner. The device shows a QR code, or shows half of a short code and takes
// the other half:
//
//	owner                                   contact
//	QR    ········ on the screen ·······→   scans it
//	Ask   ─────────────────────────────→    Share.ApproveQR
//	Open  ←────────────────────────────     the grant
//
//	Ask     ───────────────────────────→    Share.Approve
//	Reveal  ←──────────────────────────     Approval.Answer
//	        ───────────────────────────→    Approval.Code
//	shows its half ···· by voice ······→    Approval.Grant
//	Open    ←·········· by voice ·······    shows its half
//	        ←──────────────────────────     the grant
//
// Solid arrows may pass the server, and are at most 1,269 bytes long. The QR
// code must not pass it. The two halves need not be secret. Each side reads its
// half from its own screen, to a person whom it recognises. Never type a code
// that came in a message.
//
// An attacker between the devices has one try at each half, with a chance of
// 2^-30. A Request serves one grant, by the way that was taken first. It lives
// in memory only, is safe for concurrent use, and redacts itself.
type Request struct {
	request *approval.Request
}

// NewRequest returns a request with a new key pair. The account's number comes
// from the login, from the server or from a contact. It is not trusted: with a
// wrong one, no grant opens. NewRequest returns [recovery.ErrPolicy] for the
// zero AccountID.
func NewRequest(account recovery.AccountID) (*Request, error) {
	if account == (recovery.AccountID{}) {
		return nil, errAccount
	}
	r, err := approval.NewRequest(approval.Share, account)
	if err != nil {
		return nil, translate(err)
	}
	return &Request{r}, nil
}

// QR returns the text of the QR code, 102 characters, for this device's screen
// alone. Anyone who has it can forge the grant. From then on only a grant by QR
// code is accepted. QR returns "" after [Request.Reveal], and once the request
// is over.
func (r *Request) QR() string {
	if r.request == nil {
		return ""
	}
	return r.request.QR()
}

// Ask returns the first message, 1,250 bytes. It is nil once the request is
// over.
func (r *Request) Ask() []byte {
	if r.request == nil {
		return nil
	}
	return r.request.Ask()
}

// Reveal takes the contact's answer. It returns the third message, 32 bytes,
// and the owner's half of the short code, such as "K7M-2QX", to show. The
// contact types it. Reveal takes one answer. A second call returns
// [recovery.ErrPolicy], and so does a call after [Request.QR]. An answer with
// an invalid length returns [ErrMalformed].
func (r *Request) Reveal(answer []byte) (reveal []byte, code string, err error) {
	if r.request == nil {
		return nil, "", errOver
	}
	reveal, code, err = r.request.Reveal(answer)
	return reveal, code, translate(err)
}

// Open takes the contact's grant, returns the share, and ends the request. For
// a short code, typed is the half that the contact's device shows. For a QR
// code it is "".
//
// A wrong half returns [recovery.ErrUntrusted] and ends the request. A grant
// that is not the contact's returns [recovery.ErrUntrusted] or [ErrMalformed],
// and the request continues, because anyone can send one. A request that is
// over returns [recovery.ErrPolicy].
//
// The contact may grant anything. Open returns [ErrMalformed] if it is not a
// share, and a [ShareError] with [ErrForeign] if it is a share of another
// account. The request then ends. Only [Collection.Add] shows that a share is
// right.
func (r *Request) Open(grant []byte, typed string) (*Share, error) {
	if r.request == nil {
		return nil, errOver
	}
	payload, seed, err := r.request.Open(grant, typed)
	if err != nil {
		return nil, translate(err)
	}
	defer clear(payload)
	clear(seed)
	s, err := ParseShare(payload)
	if err != nil {
		return nil, err
	}
	if s.account != r.request.Account() {
		return nil, &ShareError{s.index, ErrForeign}
	}
	return s, nil
}

// Discard ends the request and clears its secrets.
func (r *Request) Discard() {
	if r.request != nil {
		r.request.Discard()
	}
}

// Format writes a placeholder for every verb.
func (r *Request) Format(f fmt.State, _ rune) { redact(f, "Request") }

// MarshalJSON writes a placeholder.
func (r *Request) MarshalJSON() ([]byte, error) { return redactJSON("Request") }

// translate returns this package's error for one of package approval.
func translate(err error) error {
	switch {
	case errors.Is(err, approval.ErrMalformed):
		return ErrMalformed
	case errors.Is(err, approval.ErrUntrusted):
		return errApproval
	case errors.Is(err, approval.ErrUsed):
		return errOver
	case errors.Is(err, approval.ErrPolicy):
		return errOrder // the account and the payload are valid
	}
	return err
}
