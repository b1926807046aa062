package approval

import (
	"bytes"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/nescio-go/nescio/internal/secret"
)

// Scan is the approver's side of an approval by QR code. It makes one grant. A
// Scan is safe for concurrent use, redacts itself and clears its secrets when
// it ends.
type Scan struct {
	mu      sync.Mutex
	subject subject
	enc     []byte
	state   secret.Value[scanState]
}

// scanState is the zero value once the scan has ended.
type scanState struct {
	sender *hpke.Sender
	secret [qrSecretSize]byte
}

// ScanQR takes the text of a QR code that the user has scanned from the
// requester's screen, and the message of [Request.Ask]. White space around the
// text is ignored. Text from a link or a message must not be passed.
//
// ScanQR returns [ErrMalformed] for text that is not a QR code of this package
// and for bytes that are not the message of a request for this purpose. It
// returns [ErrUntrusted] if the QR code is from another requester, or for
// another account or purpose, and [ErrPolicy] for an invalid purpose or a zero
// account.
func ScanQR(p Purpose, account [16]byte, qr string, ask []byte) (*Scan, error) {
	if err := checkSubject(p, account); err != nil {
		return nil, err
	}
	q, okQR := parseQR(qr)
	publicKey, _, okAsk := splitAsk(ask, p)
	if !okQR || !okAsk {
		return nil, ErrMalformed
	}
	digest := sha256.Sum256(publicKey)
	if q.purpose != p || q.account != account || !hmac.Equal(digest[:], q.digest[:]) {
		return nil, ErrUntrusted
	}
	c := &Scan{subject: subject{p, account, bytes.Clone(publicKey)}}
	enc, sender, err := c.subject.newSender()
	if err != nil {
		return nil, err
	}
	c.enc = enc
	c.state = secret.New(scanState{sender, q.secret})
	return c, nil
}

// PublicKey returns the requester's public key, 1216 bytes.
func (c *Scan) PublicKey() []byte { return bytes.Clone(c.subject.publicKey) }

// Grant seals a payload, which stays the caller's, and ends the scan. It
// returns the last message. Grant returns [ErrPolicy] for a payload that is
// empty or longer than [MaxPayload]. The scan then goes on.
func (c *Scan) Grant(payload []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state.Get()
	switch {
	case s.sender == nil:
		return nil, ErrUsed
	case len(payload) == 0 || len(payload) > MaxPayload:
		return nil, errPayload
	}
	ct, err := s.sender.Seal(nil, payload)
	if err != nil {
		return nil, err
	}
	mac, err := c.subject.grantMAC(s.secret[:], c.enc, ct)
	*s = scanState{}
	if err != nil {
		return nil, err
	}
	return slices.Concat(c.enc, ct, mac), nil
}

// Discard ends the scan.
func (c *Scan) Discard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.state.Get() = scanState{}
}

// Format writes a placeholder for every verb.
func (c *Scan) Format(f fmt.State, _ rune) { redact(f, "Scan") }

// MarshalJSON writes a placeholder.
func (c *Scan) MarshalJSON() ([]byte, error) { return redactJSON("Scan") }
