package recovery

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nescio-go/nescio/internal/approval"
	"github.com/nescio-go/nescio/internal/secret"
)

// Request asks an existing device to let a new one in. It lives on the new
// device, which shows a QR code, or shows half of a short code and takes the
// other half:
//
//	new device                              existing device
//	QR    ········ on the screen ·······→   scans it
//	Ask   ─────────────────────────────→    Client.ApproveQR
//	Client.Join  ←─────────────────────     the grant
//
//	Ask     ───────────────────────────→    Client.Approve
//	Reveal  ←──────────────────────────     Approval.Answer
//	        ───────────────────────────→    Approval.Code
//	shows its half ···· the user ······→    Approval.Grant
//	Client.Join ←······ the user ·······    shows its half
//	            ←───────────────────────    the grant
//
// Solid arrows may pass the server, and are at most 5,264 bytes long. The QR
// code must not pass it. The two halves need not be secret, but the user must
// read each on the screen that shows it. Never type a code that came in a
// message.
//
// An attacker between the devices has one try at each half, with a chance of
// 2^-30. A Request serves one grant, by the way that was taken first. It lives
// in memory only, is safe for concurrent use, and redacts itself.
type Request struct {
	request *approval.Request

	mu      sync.Mutex
	granted secret.Value[granted] // opened, until it is saved
}

type granted struct {
	device     *Device
	checkpoint Checkpoint
}

// NewRequest returns a request with a new key pair. The account's number comes
// from the server, for example after the new device's login. It is not trusted:
// with a wrong one, no grant opens. NewRequest returns [ErrPolicy] for the zero
// AccountID.
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

// QR returns the text of the QR code, 102 characters, for this device's screen
// alone. Anyone who has it can forge the grant. From then on only a grant by QR
// code is accepted. QR returns "" after Reveal, and once the request is over.
func (r *Request) QR() string {
	if r.request == nil {
		return ""
	}
	return r.request.QR()
}

// Ask returns the first message, 1,250 bytes. It is empty once the request is
// over.
func (r *Request) Ask() []byte {
	if r.request == nil {
		return nil
	}
	return r.request.Ask()
}

// Reveal takes the existing device's answer. It returns the third message, 32
// bytes, and this device's half of the short code, such as "K7M-2QX", to show.
// The user types it on the existing device. Reveal takes one answer. A second
// call returns [ErrPolicy], and so does a call after QR. An answer with an
// invalid length returns [ErrMalformed].
func (r *Request) Reveal(answer []byte) (reveal []byte, code string, err error) {
	if r.request == nil {
		return nil, "", errUsed
	}
	reveal, code, err = r.request.Reveal(answer)
	return reveal, code, translate(err)
}

// Discard ends the request and clears its secrets.
func (r *Request) Discard() {
	if r.request == nil {
		return
	}
	r.request.Discard()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.granted = nil
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
		return errUsed
	case errors.Is(err, approval.ErrPolicy):
		return errOrder
	}
	return err
}

// Join takes the existing device's grant on the new device, and returns the
// device's slot secret. Keep [Device.Secret] in the platform's key store, then
// call [Client.Open] with the Device. For a short code, typed is the half that
// the existing device shows. For a QR code it is "".
//
// A device that has a state already may be approved again. Its pending change
// is then dropped. Join returns [ErrUntrusted] for a grant or a half that is
// not authentic, [ErrMalformed], [ErrPolicy] for a request that is over, and
// [ErrOtherAccount], [ErrRollback] or [ErrFork] for a grant that does not fit
// the device's state. A wrong half ends the request. After an error of Local,
// call Join again with the same request.
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
