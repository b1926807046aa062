package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"github.com/nescio-go/nescio/wrap"
)

// Device is the way in of a device that was approved: it keeps its slot's seed and
// the lineage key itself, in the platform's key store. It opens; its slot is made by
// an approval, and is one of MaxSlots. See Request and Approval. A Device is immutable
// and safe for concurrent use, and redacts itself.
type Device struct {
	secrets func() *deviceSecrets // a function, since fmt follows pointers in others' structs
}

type deviceSecrets struct {
	account [16]byte
	id      SlotID
	secret  [secretSize]byte // seed ‖ L
}

func newDevice(d *deviceSecrets) *Device { return &Device{func() *deviceSecrets { return d }} }

// deviceSize is 'D' ‖ version ‖ account 16 ‖ slot id 16 ‖ seed 32 ‖ L 32.
const (
	deviceKind = 'D'
	deviceSize = 2 + 16 + 16 + secretSize
)

// Secret returns the device's secret form, 98 bytes, for the platform's key store:
// whoever has it opens the keyring as long as the slot is there.
func (d *Device) Secret() []byte {
	s := d.secrets()
	b := append([]byte{deviceKind, version}, s.account[:]...)
	b = append(b, s.id[:]...)
	return append(b, s.secret[:]...)
}

// ParseDevice reads what Secret returned, or returns ErrMalformed.
func ParseDevice(secret []byte) (*Device, error) {
	if len(secret) != deviceSize || secret[0] != deviceKind || secret[1] != version {
		return nil, ErrMalformed
	}
	d := &deviceSecrets{account: [16]byte(secret[2:]), id: SlotID(secret[18:]), secret: [secretSize]byte(secret[34:])}
	if !d.valid() {
		return nil, ErrMalformed
	}
	return newDevice(d), nil
}

func (d *deviceSecrets) valid() bool {
	return d.account != ([16]byte{}) && d.id != (SlotID{}) && !isZero(d.secret[:keySize]) && !isZero(d.secret[keySize:])
}

// ID returns the id of the device's slot, to revoke it by.
func (d *Device) ID() SlotID { return d.secrets().id }

// Open implements Opener.
func (d *Device) Open(_ context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	own := d.secrets()
	if s.Type != SlotDevice || s.ID != own.id || !bytes.Equal(b.Account, own.account[:]) {
		return nil, ErrNotMine
	}
	return bytes.Clone(own.secret[:]), nil
}

// Format writes a placeholder, whatever the verb.
func (d *Device) Format(f fmt.State, _ rune) { redact(f, "Device") }

// addDevice adds a device's slot for its public key.
func (c *change) addDevice(publicKey []byte) error {
	if len(c.slots) >= MaxSlots {
		return errSlots
	}
	slot := sealedSlot{Slot: Slot{Type: SlotDevice, Born: c.epoch}, publicKey: bytes.Clone(publicKey)}
	rand.Read(slot.ID[:])
	return c.insert(slot)
}

// MarshalJSON refuses: a device is stored by what Secret returns.
func (d *Device) MarshalJSON() ([]byte, error) { return nil, errJSON }
