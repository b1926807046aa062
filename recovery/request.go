package recovery

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

// Request is one request for approval, on the side of who asks: a new device, or
// one that collects shares from contacts. Somebody who is in approves it, by a QR code
// that they scan, or by a short code that both users compare:
//
//	requester              approver                 requester              approver
//	QR   ···· shown ····→  scans it                 Ask     ───────────→   Approve, Answer
//	Ask  ───────────────→  ApproveQR                Reveal  ←───────────
//	OpenDevice  ←──────    (grant)                          ───────────→   Compare
//	                                                both show the code, both users say yes
//	                                                OpenDevice  ←───────   Grant
//
// All messages may pass the server. The text of the QR code must not: it holds a
// secret that makes the two sides sure of each other. With the short code it is the
// users who do: whoever sits between has one try of 2^30 for each pair of an Approval
// and a Request that it brings together, since each side has committed to its share of
// the code before it learns the other's. So let a user's action start both, few in a
// row, and Discard an Approval that is not compared within minutes: while one waits,
// every Request that the device begins is another try.
//
// A Request serves one grant, by the way that was taken first: QR or Reveal. It is safe
// for concurrent use, and redacts itself.
type Request struct {
	mu      sync.Mutex
	secrets secret.Value[requestSecrets]
}

type requestSecrets struct {
	purpose   Purpose
	account   [16]byte
	seed      [keySize]byte
	publicKey []byte
	private   hpke.PrivateKey
	qr        [qrSecretSize]byte
	r1        [nonceSize]byte
	shown     bool   // the QR code
	enc, t    []byte // of the short code, once Reveal has seen the answer
	over      bool
}

// NewRequest returns a request with a new key pair, for an account whose number the
// requester knows from elsewhere: its login, or the server. With a wrong one a QR code
// is refused, and short codes differ. It returns ErrPolicy for a number or purpose that
// cannot be.
func NewRequest(p Purpose, account []byte) (*Request, error) {
	if !p.valid() {
		return nil, errPurpose
	}
	if len(account) != 16 || isZero(account) {
		return nil, errAccount
	}
	r := &Request{secrets: secret.New(requestSecrets{purpose: p, account: [16]byte(account)})}
	s := r.secrets.Get()
	rand.Read(s.seed[:])
	rand.Read(s.qr[:])
	rand.Read(s.r1[:])
	var err error
	if s.publicKey, s.private, err = slotPublicKey(s.seed[:]); err != nil {
		return nil, err
	}
	return r, nil
}

// QR returns the text of the QR code, 102 characters, for the requester's screen
// alone: who has it can forge the grant. From then on the grant has to be one by QR code.
// It is empty after Reveal, and once the request is over.
func (r *Request) QR() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.secrets.Get()
	if s.over || s.t != nil {
		return ""
	}
	s.shown = true
	q := qrCode{s.purpose, s.account, sha256.Sum256(s.publicKey), s.qr}
	return q.text()
}

// Ask returns the first message, 1250 bytes: purpose u8 ‖ version 01 ‖ pk 1216 ‖
// commitment 32. It is empty once the request is over.
func (r *Request) Ask() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.secrets.Get()
	if s.over {
		return nil
	}
	b := append([]byte{byte(s.purpose), version}, s.publicKey...)
	return append(b, commitment(s.publicKey, s.r1[:])...)
}

// Reveal takes the approver's answer and returns the third message, 32 bytes, and the
// code to show, such as "K7M-2QX". Go on only if the user says that the approver shows
// the same. It is for approval by short code, and takes one answer: a second one is
// ErrUsed, and so is one after QR, since a user who has shown the QR code would compare
// nothing.
func (r *Request) Reveal(answer []byte) (reveal []byte, code string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.secrets.Get()
	if s.over || s.shown || s.t != nil {
		return nil, "", ErrUsed
	}
	if len(answer) != encSize+nonceSize {
		return nil, "", ErrMalformed
	}
	enc, r2 := answer[:encSize], answer[encSize:]
	s.enc = bytes.Clone(enc)
	s.t = codeHash(s.purpose, s.account, s.publicKey, commitment(s.publicKey, s.r1[:]), enc, r2, s.r1[:])
	return bytes.Clone(s.r1[:]), shortCode(s.t), nil
}

// open opens a grant, and ends the request unless the grant is noise that anybody can
// send: what the secret of the QR code did not make. Before that it hands the payload
// to use, which must not keep it.
func (r *Request) open(p Purpose, grant []byte, use func(s *requestSecrets, payload []byte) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.secrets.Get()
	if s.over {
		return ErrUsed
	}
	if s.purpose != p {
		return ErrApproval
	}
	plain, authentic, err := s.unseal(grant)
	defer clear(plain)
	if err == nil && (len(plain) < 2 || Purpose(plain[0]) != p || plain[1] != version) {
		err = ErrApproval
	}
	if err == nil {
		err = use(s, plain[2:])
	}
	if authentic {
		*s = requestSecrets{over: true}
	}
	return err
}

// unseal opens a grant: by short code a ciphertext alone, by QR code enc ‖ ct ‖ MAC. It
// reports whether the grant came from the other side, or might have.
func (s *requestSecrets) unseal(grant []byte) (plain []byte, authentic bool, err error) {
	enc, ct, t := s.enc, grant, s.t
	if len(grant) > MaxMessage || t != nil && len(grant) > maxPayload+tagSize {
		return nil, false, ErrMalformed
	}
	if t == nil {
		n := len(grant) - macSize
		if n < encSize+tagSize {
			return nil, false, ErrMalformed
		}
		mac, err := grantMAC(s.purpose, s.account, s.qr[:], s.publicKey, grant[:n])
		if err != nil {
			return nil, false, err
		}
		if !hmac.Equal(mac, grant[n:]) {
			return nil, false, ErrApproval
		}
		enc, ct = grant[:encSize], grant[encSize:n]
	}
	recipient, err := hpke.NewRecipient(enc, s.private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), approvalInfo(s.purpose, s.account))
	if err != nil {
		return nil, true, ErrApproval
	}
	if plain, err = recipient.Open(t, ct); err != nil {
		return nil, t == nil, ErrApproval // by short code anybody could have sent it
	}
	return plain, true, nil
}

// OpenDevice opens the grant of a request ForDevice, and returns the device's way in
// and its pin: keep both, and Open the keyring, whose header has the device's slot from
// the approver's upload on. It returns ErrApproval for a grant of somebody else, and
// ErrUsed for a second one.
func (r *Request) OpenDevice(grant []byte) (d *Device, p Pin, err error) {
	err = r.open(ForDevice, grant, func(s *requestSecrets, payload []byte) (err error) {
		d, p, err = s.device(payload)
		return err
	})
	return d, p, err
}

// device reads what a device is granted: slot id 16 ‖ MK ‖ L ‖ Pin.
func (s *requestSecrets) device(payload []byte) (*Device, Pin, error) {
	const head = 16 + 2*keySize
	var p Pin
	if len(payload) < head || p.UnmarshalBinary(payload[head:]) != nil {
		return nil, Pin{}, ErrApproval
	}
	master := [keySize]byte(payload[16:])
	defer clear(master[:])
	id, err := mkID(&master)
	if err != nil {
		return nil, Pin{}, err
	}
	if p.account != s.account || p.mkID != id {
		return nil, Pin{}, ErrApproval
	}
	d, err := newDevice(s.account, SlotID(payload), s.seed[:], payload[16+keySize:head])
	if err != nil {
		return nil, Pin{}, ErrApproval
	}
	return d, p, nil
}

// OpenShare opens the grant of a request ForShare, and returns what the contact
// handed out.
func (r *Request) OpenShare(grant []byte) (share []byte, err error) {
	err = r.open(ForShare, grant, func(_ *requestSecrets, payload []byte) error {
		share = bytes.Clone(payload)
		return nil
	})
	return share, err
}

// Discard ends the request and clears its secrets.
func (r *Request) Discard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	*r.secrets.Get() = requestSecrets{over: true}
}

// Format writes a placeholder for every verb.
func (r *Request) Format(f fmt.State, _ rune) { redact(f, "Request") }

// MarshalJSON writes a placeholder.
func (r *Request) MarshalJSON() ([]byte, error) { return redactJSON("Request") }
