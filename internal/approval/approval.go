package approval

import (
	"bytes"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"

	"github.com/nescio-go/nescio/internal/secret"
)

// Approval is the approver's side of an approval by short code. It makes one
// grant. An Approval is safe for concurrent use, redacts itself and clears its
// secrets when it ends.
type Approval struct {
	mu         sync.Mutex
	subject    subject
	commitment []byte
	answer     []byte
	state      secret.Value[approvalState]
}

// approvalState is the zero value once the approval has ended.
type approvalState struct {
	sender  *hpke.Sender
	t       []byte // after Code
	checked bool   // the requester's half
}

// Begin starts an approval of the request that sent ask. It returns
// [ErrMalformed] for bytes that are not the message of a request for this
// purpose, and [ErrPolicy] for an invalid purpose or a zero account.
func Begin(p Purpose, account [16]byte, ask []byte) (*Approval, error) {
	if err := checkSubject(p, account); err != nil {
		return nil, err
	}
	publicKey, commitment, ok := splitAsk(ask, p)
	if !ok {
		return nil, ErrMalformed
	}
	a := &Approval{subject: subject{p, account, bytes.Clone(publicKey)}, commitment: bytes.Clone(commitment)}
	enc, sender, err := a.subject.newSender()
	if err != nil {
		return nil, err
	}
	r2 := make([]byte, nonceSize)
	rand.Read(r2)
	a.answer = slices.Concat(enc, r2)
	a.state = secret.New(approvalState{sender: sender})
	return a, nil
}

// PublicKey returns the requester's public key, 1216 bytes. It is trusted once
// [Approval.Check] has succeeded.
func (a *Approval) PublicKey() []byte { return bytes.Clone(a.subject.publicKey) }

// Answer returns the second message, 1152 bytes.
func (a *Approval) Answer() []byte { return bytes.Clone(a.answer) }

// Code takes the requester's reveal and returns the approver's half of the
// short code. The user types this half at the requester. Code returns
// [ErrUntrusted] and ends the approval if the reveal is not from the requester
// that asked. It returns [ErrUsed] if it is called again.
func (a *Approval) Code(reveal []byte) (shown string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state.Get()
	if s.sender == nil || s.t != nil {
		return "", ErrUsed
	}
	if len(reveal) != nonceSize || !hmac.Equal(a.subject.commitment(reveal), a.commitment) {
		*s = approvalState{}
		return "", ErrUntrusted
	}
	s.t = a.subject.codeHash(a.commitment, a.answer[:encSize], a.answer[encSize:], reveal)
	return show(approverHalf(s.t)), nil
}

// Check takes the half that the user has read on the requester's screen. A
// wrong half returns [ErrUntrusted] and ends the approval. The right half may
// be checked any number of times. Before [Approval.Code], Check returns
// [ErrPolicy].
func (a *Approval) Check(typed string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state.Get()
	if s.sender == nil {
		return ErrUsed
	}
	if s.t == nil {
		return errOrder
	}
	if !matches(typed, requesterHalf(s.t)) {
		*s = approvalState{}
		return ErrUntrusted
	}
	s.checked = true
	return nil
}

// Grant seals a payload, which stays the caller's, and ends the approval. It
// returns the last message. Grant returns [ErrPolicy] before [Approval.Check]
// has succeeded and for a payload that is empty or longer than [MaxPayload].
// The approval then goes on.
func (a *Approval) Grant(payload []byte) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state.Get()
	switch {
	case s.sender == nil:
		return nil, ErrUsed
	case !s.checked:
		return nil, errOrder
	case len(payload) == 0 || len(payload) > MaxPayload:
		return nil, errPayload
	}
	grant, err := s.sender.Seal(s.t, payload)
	if err != nil {
		return nil, err
	}
	*s = approvalState{}
	return grant, nil
}

// Discard ends the approval.
func (a *Approval) Discard() {
	a.mu.Lock()
	defer a.mu.Unlock()
	*a.state.Get() = approvalState{}
}

// Format writes a placeholder for every verb.
func (a *Approval) Format(f fmt.State, _ rune) { redact(f, "Approval") }

// MarshalJSON writes a placeholder.
func (a *Approval) MarshalJSON() ([]byte, error) { return redactJSON("Approval") }
