package contacts

import (
	"errors"
	"fmt"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/recovery"
)

// Request asks one contact for a share, on the owner's device. The contact
// scans its QR code, or both sides type half of a short code that they hear
// from each other, as in the Example of [Share.Approve].
//
// Messages, at most 1,269 bytes, may pass the server. The QR code must not. An
// attacker has one try at each half, with a chance of 2^-30. A Request serves
// one grant and cannot be stored.
type Request struct {
	request *approval.Request
}

// NewRequest takes the account's number, which need not be trusted.
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

// QR returns 102 characters for this screen alone. Anyone who has them can
// forge the grant.
func (r *Request) QR() string {
	if r.request == nil {
		return ""
	}
	return r.request.QR()
}

// Ask returns the first message, 1,250 bytes.
func (r *Request) Ask() []byte {
	if r.request == nil {
		return nil
	}
	return r.request.Ask()
}

// Reveal takes the contact's answer. It returns the third message, 32 bytes,
// and the owner's half. It works once, and not after [Request.QR].
func (r *Request) Reveal(answer []byte) (reveal []byte, code string, err error) {
	if r.request == nil {
		return nil, "", errOver
	}
	reveal, code, err = r.request.Reveal(answer)
	return reveal, code, translate(err)
}

// Open takes the grant, and the contact's half or "" with a QR code. A wrong
// half returns [recovery.ErrUntrusted] and ends the request. After another
// grant that does not open, the request continues, because anyone can send
// one. A grant that opens ends the request, even if it returns [ErrMalformed]
// or [ErrForeign].
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

// Discard ends the request.
func (r *Request) Discard() {
	if r.request != nil {
		r.request.Discard()
	}
}

// Format redacts the value.
func (r *Request) Format(f fmt.State, _ rune) { redact(f, "Request") }

// MarshalJSON redacts the value.
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
