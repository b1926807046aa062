package approval

import (
	"bytes"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/nescio-go/nescio/internal/secret"
)

// Request is the requester's side of an approval. It accepts one grant, by the
// way that was taken first, [Request.QR] or [Request.Reveal]. A Request is safe
// for concurrent use, redacts itself and clears its secrets when it ends.
type Request struct {
	mu      sync.Mutex
	subject subject
	state   secret.Value[requestState]
}

// requestState is the zero value once the request has ended.
type requestState struct {
	live   bool
	seed   [seedSize]byte
	qr     [qrSecretSize]byte
	r1     [nonceSize]byte
	shown  bool   // the QR code
	enc, t []byte // after Reveal
}

// NewRequest returns a request with a new key pair. The requester must know the
// account from elsewhere, such as its login. It returns [ErrPolicy] for an
// invalid purpose or a zero account.
func NewRequest(p Purpose, account [16]byte) (*Request, error) {
	if err := checkSubject(p, account); err != nil {
		return nil, err
	}
	r := &Request{state: secret.New(requestState{live: true})}
	s := r.state.Get()
	rand.Read(s.seed[:])
	rand.Read(s.qr[:])
	rand.Read(s.r1[:])
	private, err := hpke.MLKEM768X25519().NewPrivateKey(s.seed[:])
	if err != nil {
		return nil, err
	}
	r.subject = subject{p, account, private.PublicKey().Bytes()}
	return r, nil
}

// Account returns the account that the request is for.
func (r *Request) Account() [16]byte { return r.subject.account }

// QR returns the text of the QR code, 102 characters. It is for the requester's
// screen alone: anyone who has it can forge the grant. Afterwards only a grant
// by QR code is accepted. QR returns "" after [Request.Reveal] and once the
// request has ended.
func (r *Request) QR() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state.Get()
	if !s.live || s.t != nil {
		return ""
	}
	s.shown = true
	q := qrCode{r.subject.purpose, r.subject.account, sha256.Sum256(r.subject.publicKey), s.qr}
	return q.text()
}

// Ask returns the first message, 1250 bytes. It returns nil once the request
// has ended.
func (r *Request) Ask() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state.Get()
	if !s.live {
		return nil
	}
	return encodeAsk(r.subject.purpose, r.subject.publicKey, r.subject.commitment(s.r1[:]))
}

// Reveal takes the approver's answer. It returns the third message, 32 bytes,
// and the requester's half of the short code, such as "K7M-2QX". The user types
// this half at the approver.
//
// Reveal takes one answer. It returns [ErrUsed] for a second answer, and after
// [Request.QR]. It returns [ErrMalformed] for an answer with an invalid length.
func (r *Request) Reveal(answer []byte) (reveal []byte, shown string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state.Get()
	if !s.live || s.shown || s.t != nil {
		return nil, "", ErrUsed
	}
	if len(answer) != answerSize {
		return nil, "", ErrMalformed
	}
	enc, r2 := answer[:encSize], answer[encSize:]
	s.enc = bytes.Clone(enc)
	s.t = r.subject.codeHash(r.subject.commitment(s.r1[:]), enc, r2, s.r1[:])
	return bytes.Clone(s.r1[:]), show(requesterHalf(s.t)), nil
}

// Open opens a grant and ends the request. It returns the payload, and the seed
// of the key pair, 32 bytes. After [Request.Reveal], typed must be the half
// that the approver's screen shows. Otherwise typed must be empty.
//
// A wrong half returns [ErrUntrusted] and ends the request, whatever the grant
// is. Anyone can send a grant, so a grant that is malformed ([ErrMalformed]) or
// is not the approver's ([ErrUntrusted]) does not end the request. A request
// that has ended returns [ErrUsed].
func (r *Request) Open(grant []byte, typed string) (payload, seed []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state.Get()
	if !s.live {
		return nil, nil, ErrUsed
	}
	if !s.allows(typed) {
		*s = requestState{}
		return nil, nil, ErrUntrusted
	}
	if s.t != nil {
		payload, err = r.openByCode(s, grant)
	} else {
		payload, err = r.openByQR(s, grant)
	}
	if err != nil {
		return nil, nil, err
	}
	seed = bytes.Clone(s.seed[:])
	*s = requestState{}
	return payload, seed, nil
}

// allows reports whether the user has typed the approver's half. By QR code
// there is no half, and the user must not have been asked for one.
func (s *requestState) allows(typed string) bool {
	if s.t == nil {
		return typed == ""
	}
	return matches(typed, approverHalf(s.t))
}

// openByCode opens ct, which has t as its associated data.
func (r *Request) openByCode(s *requestState, grant []byte) ([]byte, error) {
	if len(grant) <= tagSize || len(grant) > MaxPayload+tagSize {
		return nil, ErrMalformed
	}
	return r.subject.unseal(s.seed[:], s.enc, s.t, grant)
}

// openByQR opens enc ‖ ct ‖ MAC. A grant with the right MAC comes from someone
// who has the QR code, and ends the request even if it cannot be opened.
func (r *Request) openByQR(s *requestState, grant []byte) ([]byte, error) {
	n := len(grant) - macSize
	if n <= encSize+tagSize || len(grant) > MaxMessage {
		return nil, ErrMalformed
	}
	enc, ct := grant[:encSize], grant[encSize:n]
	mac, err := r.subject.grantMAC(s.qr[:], enc, ct)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(mac, grant[n:]) {
		return nil, ErrUntrusted
	}
	payload, err := r.subject.unseal(s.seed[:], enc, nil, ct)
	if err != nil {
		*s = requestState{}
	}
	return payload, err
}

// Discard ends the request.
func (r *Request) Discard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	*r.state.Get() = requestState{}
}

// Format writes a placeholder for every verb.
func (r *Request) Format(f fmt.State, _ rune) { redact(f, "Request") }

// MarshalJSON writes a placeholder.
func (r *Request) MarshalJSON() ([]byte, error) { return redactJSON("Request") }
