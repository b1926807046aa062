package recovery

import (
	"context"
	"crypto/hmac"
	"errors"

	"github.com/nescio-go/nescio/internal/secret"
)

// Open opens a keyring by one of its ways in, and accepts it only if it follows
// from what the device has pinned. It checks the account, the age of the header,
// forks and weaker KDF parameters before it asks o. A slot that o refuses with
// [ErrPolicy] is skipped.
//
// It returns ErrNotMine if no slot opens, or [ErrPolicy] if one of them was refused. It
// returns ErrUntrusted for a header that somebody made who was not in, ErrRollback,
// ErrFork, ErrReset, ErrPolicy or ErrPin as they say, [ErrPolicy] for a nil Opener, or an
// error of o or of ctx. It never returns another account's key.
func Open(ctx context.Context, h *Header, o Opener, p Pin) (*Keyring, error) {
	if h == nil {
		return nil, ErrMalformed
	}
	if err := p.precede(h); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errNoOpener
	}
	notOpened := ErrNotMine
	for i := range h.state.slots {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := &h.state.slots[i]
		opened, err := o.Open(ctx, s.binding(h.state.account), s.Slot.clone())
		if errors.Is(err, ErrNotMine) {
			continue
		}
		if errors.Is(err, ErrPolicy) {
			notOpened = err // unless another slot opens
			continue
		}
		if err != nil {
			return nil, err
		}
		k, err := h.open(s, opened, p)
		clear(opened)
		return k, err
	}
	return nil, notOpened
}

// open goes on from a slot's secret: the MAC of the lineage key, the master key,
// its MAC, and the pin.
func (h *Header) open(s *sealedSlot, opened []byte, p Pin) (*Keyring, error) {
	if len(opened) != secretSize {
		return nil, ErrUntrusted
	}
	k := &Keyring{
		state:   h.state.clone(),
		secrets: secret.New(keyringSecrets{}),
		encoded: h.encoded,
		by:      s.ID,
		seen:    true,
		live:    true,
	}
	keys := k.secrets.Get()
	copy(keys.lineage[:], opened[keySize:])
	n := len(h.encoded) - 2*macSize
	if err := checkMAC(&keys.lineage, h.encoded[:n+macSize]); err != nil {
		return nil, err
	}
	var err error
	if keys.master, err = openMaster(h.state.account, s, h.state.epoch, opened[:keySize]); err != nil {
		return nil, err
	}
	if err := checkMAC(&keys.master, h.encoded); err != nil {
		return nil, err
	}
	if err := p.confirm(&h.state, keys.master); err != nil {
		return nil, err
	}
	return k, nil
}

// checkMAC checks the MAC at the end of b over all before it.
func checkMAC(key *[keySize]byte, b []byte) error {
	n := len(b) - macSize
	mac, err := headerMAC(key, b[:n])
	if err != nil {
		return err
	}
	if !hmac.Equal(mac, b[n:]) {
		return ErrUntrusted
	}
	return nil
}
