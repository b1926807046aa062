package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/internal/secret"
)

// SealedSlot is a slot for an [Edit].
type SealedSlot struct {
	account AccountID
	slot    sealedSlot
	secrets secret.Value[sealedSecrets]
}

type sealedSecrets struct {
	lineage, seed [keySize]byte // seed is zero for an approved device
}

// Seal makes a slot.
func (k *Keyring) Seal(ctx context.Context, s Sealer) (*SealedSlot, error) {
	keys, err := k.keys()
	if err != nil {
		return nil, err
	}
	defer clearSecrets(&keys)
	return newSealedSlot(ctx, k.Account(), &keys.lineage, k.Epoch(), s)
}

func newSealedSlot(ctx context.Context, account AccountID, lineage *[keySize]byte, born uint32, s Sealer) (*SealedSlot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errNoSealer
	}
	out := &SealedSlot{account: account, secrets: secret.New(sealedSecrets{lineage: *lineage})}
	own := out.secrets.Get()
	rand.Read(own.seed[:])
	slot := &out.slot
	slot.Type, slot.Flags, slot.Born = s.Type(), s.Flags(), born
	rand.Read(slot.ID[:])
	var err error
	if slot.publicKey, _, err = slotPublicKey(own.seed[:]); err != nil {
		return nil, err
	}
	secret := make([]byte, 0, secretSize)
	secret = append(secret, own.seed[:]...)
	secret = append(secret, lineage[:]...)
	defer clear(secret)
	if slot.Params, slot.Wrapped, err = s.Seal(ctx, slot.binding(account), secret); err != nil {
		return nil, err
	}
	slot.Slot = slot.clone()
	if !slices.Contains(slotTypes[1:], slot.Type) || len(slot.Wrapped) != slot.wrappedSize() || !slot.validParams() {
		return nil, errSealer
	}
	return out, nil
}

// SealDevice makes a slot for this device. First keep [Device.Secret].
func (k *Keyring) SealDevice() (*Device, *SealedSlot, error) {
	var seed [keySize]byte
	rand.Read(seed[:])
	defer clear(seed[:])
	publicKey, _, err := slotPublicKey(seed[:])
	if err != nil {
		return nil, nil, err
	}
	slot, err := k.sealDevice(publicKey)
	if err != nil {
		return nil, nil, err
	}
	d, err := newDevice(slot.account, slot.ID(), seed[:], slot.secrets.Get().lineage[:])
	return d, slot, err
}

// sealDevice makes the slot of an approved device, whose seed only the device
// has.
func (k *Keyring) sealDevice(publicKey []byte) (*SealedSlot, error) {
	keys, err := k.keys()
	if err != nil {
		return nil, err
	}
	defer clearSecrets(&keys)
	out := &SealedSlot{account: k.Account(), secrets: secret.New(sealedSecrets{lineage: keys.lineage})}
	out.slot.Type, out.slot.Born, out.slot.publicKey = typeDevice, k.Epoch(), bytes.Clone(publicKey)
	rand.Read(out.slot.ID[:])
	return out, nil
}

// ID returns the slot's id.
func (s *SealedSlot) ID() SlotID { return s.slot.ID }

// fits reports whether the slot was sealed for this account and lineage, and
// not in a later epoch.
func (s *SealedSlot) fits(account AccountID, lineage *[keySize]byte, epoch uint32) bool {
	return s != nil && s.account == account && s.slot.Born > 0 && s.slot.Born <= epoch &&
		subtle.ConstantTimeCompare(s.secrets.Get().lineage[:], lineage[:]) == 1
}

// Format redacts.
func (s *SealedSlot) Format(f fmt.State, _ rune) { redact(f, "SealedSlot") }

// MarshalJSON redacts.
func (s *SealedSlot) MarshalJSON() ([]byte, error) { return redactJSON("SealedSlot") }
