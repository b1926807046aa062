package recovery

import (
	"bytes"
	"context"
	"fmt"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
)

// Device opens the slot of an approved device.
type Device struct {
	secrets secret.Value[deviceSecrets]
}

type deviceSecrets struct {
	account AccountID
	id      SlotID
	secret  [secretSize]byte // seed ‖ L
}

// deviceSize is 'D' ‖ version ‖ account 16 ‖ slot id 16 ‖ seed 32 ‖ L 32.
const (
	deviceKind = 'D'
	deviceSize = 2 + 16 + 16 + secretSize
)

// Secret returns 98 bytes for the platform's key store.
func (d *Device) Secret() []byte {
	s := d.secrets.Get()
	if s.id == (SlotID{}) {
		return nil
	}
	b := append([]byte{deviceKind, version}, s.account[:]...)
	b = append(b, s.id[:]...)
	return append(b, s.secret[:]...)
}

// ParseDevice reverses [Device.Secret].
func ParseDevice(secret []byte) (*Device, error) {
	if len(secret) != deviceSize || secret[0] != deviceKind || secret[1] != version {
		return nil, ErrMalformed
	}
	return newDevice(AccountID(secret[2:]), SlotID(secret[18:]), secret[34:34+keySize], secret[34+keySize:])
}

// newDevice returns ErrMalformed if one of the values is zero.
func newDevice(account AccountID, id SlotID, seed, lineage []byte) (*Device, error) {
	if account == (AccountID{}) || id == (SlotID{}) || isZero(seed) || isZero(lineage) {
		return nil, ErrMalformed
	}
	d := &Device{secret.New(deviceSecrets{account: account, id: id})}
	own := d.secrets.Get()
	copy(own.secret[:], seed)
	copy(own.secret[keySize:], lineage)
	return d, nil
}

// ID returns the slot's id.
func (d *Device) ID() SlotID { return d.secrets.Get().id }

func (d *Device) Open(_ context.Context, b wrap.Binding, s Slot) ([]byte, error) {
	own := d.secrets.Get()
	if own.id == (SlotID{}) {
		return nil, errSecret
	}
	if s.Type != typeDevice || s.ID != own.id || !bytes.Equal(b.Account, own.account[:]) {
		return nil, ErrWrongSecret
	}
	return bytes.Clone(own.secret[:]), nil
}

// Format redacts.
func (d Device) Format(f fmt.State, _ rune) { redact(f, "Device") }

// MarshalJSON fails.
func (d Device) MarshalJSON() ([]byte, error) { return nil, errJSON }
