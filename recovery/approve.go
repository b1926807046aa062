package recovery

import (
	"bytes"
	"context"
	"fmt"

	"github.com/nescio-go/nescio/internal/approval"
)

// Approval approves a new device by short code. Discard one that the
// user abandons.
type Approval struct {
	client   *Client
	approval *approval.Approval
}

// Approve starts an approval with [Request.Ask].
func (c *Client) Approve(ask []byte) (*Approval, error) {
	k := c.opened()
	if k.header == nil {
		return nil, errNotOpen
	}
	a, err := approval.Begin(approval.Device, k.Account(), ask)
	if err != nil {
		return nil, translate(err)
	}
	if k.state().device(a.PublicKey()) == nil && len(k.state().slots) >= usualSlots {
		return nil, errSlots // before people type codes
	}
	return &Approval{c, a}, nil
}

// Answer returns 1,152 bytes for [Request.Reveal].
func (a *Approval) Answer() []byte {
	if a.approval == nil {
		return nil
	}
	return a.approval.Answer()
}

// Code takes the message from [Request.Reveal], and returns the half to show.
func (a *Approval) Code(reveal []byte) (string, error) {
	if a.approval == nil {
		return "", errUsed
	}
	code, err := a.approval.Code(reveal)
	return code, translate(err)
}

// Grant takes the new device's half and adds its slot. The device can then do
// all that this one can. It must be the user's and in front of the user. A
// wrong half ends the approval.
func (a *Approval) Grant(ctx context.Context, typed string) (grant []byte, id SlotID, err error) {
	if a.approval == nil {
		return nil, id, errUsed
	}
	if err := a.approval.Check(typed); err != nil {
		return nil, id, translate(err)
	}
	return a.client.admit(ctx, a.approval.PublicKey(), a.approval.Grant)
}

// Discard ends the approval.
func (a *Approval) Discard() {
	if a.approval != nil {
		a.approval.Discard()
	}
}

// Format redacts.
func (a *Approval) Format(f fmt.State, _ rune) { redact(f, "Approval") }

// MarshalJSON redacts.
func (a *Approval) MarshalJSON() ([]byte, error) { return redactJSON("Approval") }

// ApproveQR is [Approval.Grant] with a scanned QR code, never one from a link
// or message.
func (c *Client) ApproveQR(ctx context.Context, qr string, ask []byte) (grant []byte, id SlotID, err error) {
	account := c.Account()
	if account == (AccountID{}) {
		return nil, id, errNotOpen
	}
	scan, err := approval.ScanQR(approval.Device, account, qr, ask)
	if err != nil {
		return nil, id, translate(err)
	}
	defer scan.Discard() // it holds the QR code's secret
	return c.admit(ctx, scan.PublicKey(), scan.Grant)
}

// admit gives a device a slot, if it does not have one yet, and makes its grant
// when the slot is stored.
func (c *Client) admit(ctx context.Context, publicKey []byte, grant func([]byte) ([]byte, error)) (sealed []byte, id SlotID, err error) {
	var asked uint32 // the epoch in which the person agreed
	err = c.run(ctx, func() error {
		if err := c.ready(ctx); err != nil {
			return err
		}
		if err := c.catchUp(ctx, c.follow); err != nil {
			return err
		}
		err := c.change(ctx, func(e *Edit) error {
			if e.state.device(publicKey) != nil {
				return nil
			}
			if asked != 0 && e.base.Epoch() != asked {
				return ErrConflict // it may have been removed since
			}
			asked = e.base.Epoch()
			slot, err := e.base.sealDevice(publicKey)
			if err != nil {
				return err
			}
			return e.Add(slot)
		})
		if err != nil {
			return err
		}
		if c.ring == nil {
			return errNotOpen
		}
		payload, slot, err := c.ring.payload(publicKey)
		if err != nil {
			return err
		}
		defer clear(payload)
		id = slot
		sealed, err = grant(payload)
		return translate(err)
	})
	if err != nil {
		return nil, SlotID{}, err
	}
	return sealed, id, nil
}

// payload returns the payload of the grant for the device with a public key.
func (k *Keyring) payload(publicKey []byte) ([]byte, SlotID, error) {
	slot := k.state().device(publicKey)
	keys, err := k.keys()
	if err != nil {
		return nil, SlotID{}, err
	}
	defer clearSecrets(&keys)
	if slot == nil {
		return nil, SlotID{}, ErrConflict
	}
	b := append([]byte{version}, slot.ID[:]...)
	b = append(b, keys.lineage[:]...)
	b, err = k.checkpoint.append(b)
	return b, slot.ID, err
}

// device returns the slot of a device's public key, or nil.
func (h *header) device(publicKey []byte) *sealedSlot {
	for i := range h.slots {
		if s := &h.slots[i]; s.Type == typeDevice && bytes.Equal(s.publicKey, publicKey) {
			return s
		}
	}
	return nil
}
