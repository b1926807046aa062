package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
)

// Device is the way in of a device that was approved: it keeps its slot's seed and
// the lineage key itself, in the platform's key store. It opens; its slot is made by
// an approval, and is one of MaxSlots. See Request and Approval. A Device is immutable
// and safe for concurrent use, and redacts itself.
type Device struct {
	secrets secret.Value[deviceSecrets]
}

type deviceSecrets struct {
	account [16]byte
	id      SlotID
	secret  [secretSize]byte // seed ‖ L
}

// deviceSize is 'D' ‖ version ‖ account 16 ‖ slot id 16 ‖ seed 32 ‖ L 32.
const (
	deviceKind = 'D'
	deviceSize = 2 + 16 + 16 + secretSize
)

// Secret returns the device's secret form, 98 bytes, for the platform's key store:
// whoever has it opens the keyring as long as the slot is there. It returns nil for the
// zero Device.
func (d *Device) Secret() []byte {
	s := d.secrets.Get()
	if s.id == (SlotID{}) {
		return nil
	}
	b := append([]byte{deviceKind, version}, s.account[:]...)
	b = append(b, s.id[:]...)
	return append(b, s.secret[:]...)
}

// ParseDevice reads what Secret returned, or returns ErrMalformed.
func ParseDevice(secret []byte) (*Device, error) {
	if len(secret) != deviceSize || secret[0] != deviceKind || secret[1] != version {
		return nil, ErrMalformed
	}
	return newDevice([16]byte(secret[2:]), SlotID(secret[18:]), secret[34:34+keySize], secret[34+keySize:])
}

// newDevice returns ErrMalformed if one of the values is zero.
func newDevice(account [16]byte, id SlotID, seed, lineage []byte) (*Device, error) {
	if account == ([16]byte{}) || id == (SlotID{}) || isZero(seed) || isZero(lineage) {
		return nil, ErrMalformed
	}
	d := &Device{secret.New(deviceSecrets{account: account, id: id})}
	own := d.secrets.Get()
	copy(own.secret[:], seed)
	copy(own.secret[keySize:], lineage)
	return d, nil
}

// ID returns the id of the device's slot, to revoke it by.
func (d *Device) ID() SlotID { return d.secrets.Get().id }

// Open implements Opener. It returns [ErrPolicy] for the zero Device.
func (d *Device) Open(_ context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	own := d.secrets.Get()
	if own.id == (SlotID{}) {
		return nil, errSecret
	}
	if s.Type != SlotDevice || s.ID != own.id || !bytes.Equal(b.Account, own.account[:]) {
		return nil, ErrNotMine
	}
	return bytes.Clone(own.secret[:]), nil
}

// addDevice adds a device's slot for its public key.
func (c *change) addDevice(publicKey []byte) error {
	if len(c.slots) >= MaxSlots {
		return errSlots
	}
	slot := sealedSlot{Slot: Slot{Type: SlotDevice, Born: c.epoch}, publicKey: bytes.Clone(publicKey)}
	rand.Read(slot.ID[:])
	return c.insert(slot)
}

// Format writes a placeholder for every verb.
func (d Device) Format(f fmt.State, _ rune) { redact(f, "Device") }

// MarshalJSON returns an error. Store what [Device.Secret] returns.
func (d Device) MarshalJSON() ([]byte, error) { return nil, errJSON }
