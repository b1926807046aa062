package recovery

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/internal/secret"
)

// Request asks an existing device to approve a new one, as in the examples of
// [Client.ApproveQR] and [Client.Approve]. Messages, at most 5,264 bytes, may
// pass the server. The QR code must not. Each half of a short code is read from
// the screen that shows it, never from a message. An attacker has one try at
// each half, with a chance of 2^-30.
type Request struct {
	request *approval.Request

	mu      sync.Mutex
	granted secret.Value[granted] // opened, until it is saved
}

type granted struct {
	device     *Device
	checkpoint Checkpoint
}

// NewRequest takes the account's number, which need not be trusted.
func NewRequest(account AccountID) (*Request, error) {
	if account == (AccountID{}) {
		return nil, errAccount
	}
	r, err := approval.NewRequest(approval.Device, account)
	if err != nil {
		return nil, err
	}
	return &Request{request: r}, nil
}

// QR returns 102 characters, for this screen alone. Anyone who has them can
// forge the grant.
func (r *Request) QR() string {
	if r.request == nil {
		return ""
	}
	return r.request.QR()
}

// Ask returns 1,250 bytes.
func (r *Request) Ask() []byte {
	if r.request == nil {
		return nil
	}
	return r.request.Ask()
}

// Reveal takes the answer, and returns 32 bytes and the half to show.
func (r *Request) Reveal(answer []byte) (reveal []byte, code string, err error) {
	if r.request == nil {
		return nil, "", errUsed
	}
	reveal, code, err = r.request.Reveal(answer)
	return reveal, code, translate(err)
}

// Discard ends the request.
func (r *Request) Discard() {
	if r.request == nil {
		return
	}
	r.request.Discard()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.granted = nil
}

// Format redacts.
func (r *Request) Format(f fmt.State, _ rune) { redact(f, "Request") }

// MarshalJSON redacts.
func (r *Request) MarshalJSON() ([]byte, error) { return redactJSON("Request") }

// translate returns this package's error for one of package approval.
func translate(err error) error {
	switch {
	case errors.Is(err, approval.ErrMalformed):
		return ErrMalformed
	case errors.Is(err, approval.ErrUntrusted):
		return errApproval
	case errors.Is(err, approval.ErrUsed):
		return errUsed
	case errors.Is(err, approval.ErrPolicy):
		return errOrder
	}
	return err
}

// Join takes the grant, and the existing device's half or "" with a QR code.
// Keep [Device.Secret] in the platform's key store, then call [Client.Open]. A
// wrong half ends the request.
func (c *Client) Join(ctx context.Context, r *Request, grant []byte, typed string) (*Device, error) {
	if r == nil || r.request == nil {
		return nil, errUsed
	}
	var d *Device
	err := c.run(ctx, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if err := r.open(grant, typed); err != nil {
			return err
		}
		d = r.granted.Get().device
		checkpoint := r.granted.Get().checkpoint
		if err := c.state.takes(&checkpoint); err != nil {
			return err
		}
		mark, _ := checkpoint.find(d.ID())
		next := (&localState{digests: c.state.digests}).withHeader(nil, checkpoint)
		next.seen = []slotMark{mark}
		if err := c.save(ctx, next); err != nil {
			return err
		}
		c.use(nil)
		r.granted = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// open opens the grant, once.
func (r *Request) open(grant []byte, typed string) error {
	if r.granted != nil {
		return nil // an earlier call could not save it
	}
	payload, seed, err := r.request.Open(grant, typed)
	if err != nil {
		return translate(err)
	}
	defer clear(payload)
	defer clear(seed)
	d, checkpoint, err := parseGrant(r.request.Account(), payload, seed)
	if err != nil {
		return err
	}
	r.granted = secret.New(granted{d, checkpoint})
	return nil
}

// takes reports whether a granted checkpoint can replace the state's.
func (s *localState) takes(granted *Checkpoint) error {
	have := &s.confirmed
	switch {
	case have.revision == 0:
		return nil
	case have.account != granted.account:
		return ErrOtherAccount
	case granted.revision < have.revision || granted.epoch < have.epoch || granted.floor < have.floor:
		return ErrRollback
	case granted.revision == have.revision && granted.digest != have.digest,
		granted.epoch == have.epoch && granted.mkID != have.mkID:
		return ErrFork
	}
	return nil
}

// The payload of a grant: 01 ‖ slot id 16 ‖ L 32 ‖ checkpoint.
const payloadHead = 1 + 16 + keySize

func parseGrant(account AccountID, payload, seed []byte) (*Device, Checkpoint, error) {
	var c Checkpoint
	if len(payload) < payloadHead || payload[0] != version || c.UnmarshalBinary(payload[payloadHead:]) != nil {
		return nil, c, ErrMalformed
	}
	id := SlotID(payload[1:])
	if _, ok := c.find(id); !ok || c.account != account || c.old != nil {
		return nil, c, errApproval
	}
	d, err := newDevice(account, id, seed, payload[1+16:payloadHead])
	return d, c, err
}
