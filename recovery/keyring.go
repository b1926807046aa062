package recovery

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"sync"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
)

// Keyring is an open keyring of one header.
type Keyring struct {
	// Keyring is deliberately not a wrap.Wrapper. Code that wraps under any key
	// would wrap again what it has read, and so use keys that a removed holder
	// knows.

	header     *Header
	checkpoint Checkpoint
	by         SlotID // what opened it, zero if that slot was revoked

	mu      sync.Mutex
	secrets secret.Value[keyringSecrets]
	data    secret.Value[map[uint32]*wrap.Key] // K_e by epoch, nil after Destroy
}

type keyringSecrets struct {
	lineage, master, seed [keySize]byte // seed of the slot that opened it
}

// Open opens a header that follows from the checkpoint. Never drop the
// checkpoint after an error. Approve the device again.
func Open(ctx context.Context, h *Header, o Opener, c Checkpoint) (*Keyring, error) {
	if h == nil {
		return nil, ErrMalformed
	}
	if o == nil {
		return nil, errNoOpener
	}
	return accept(h, &c, func(base *Checkpoint) (*Keyring, error) { return openSlots(ctx, h, o, base) })
}

// Follow opens a later header with the same slot.
func (k *Keyring) Follow(h *Header, c Checkpoint) (*Keyring, error) {
	if h == nil {
		return nil, ErrMalformed
	}
	keys, err := k.keys()
	if err != nil {
		return nil, err
	}
	defer clearSecrets(&keys)
	return accept(h, &c, func(base *Checkpoint) (*Keyring, error) {
		s := h.state.slot(k.by)
		mine := k.header.state.slot(k.by)
		if s == nil || mine == nil || s.digest() != mine.digest() {
			return nil, ErrWrongSecret
		}
		return h.open(s, &keys)
	})
}

// follows reports whether the keyring's own header follows from a checkpoint.
func (k *Keyring) follows(c Checkpoint) (err error) {
	keys, err := k.keys()
	if err != nil {
		return err
	}
	defer clearSecrets(&keys)
	for _, base := range c.bases(k.header) {
		if err = base.precede(k.header); err == nil {
			err = base.confirm(&k.header.state, &keys.master)
		}
		if err == nil {
			return nil
		}
	}
	return err
}

// accept opens a header that follows from one of the checkpoint's bases.
func accept(h *Header, c *Checkpoint, open func(*Checkpoint) (*Keyring, error)) (*Keyring, error) {
	var refusal error
	for _, base := range c.bases(h) {
		err := base.precede(h)
		if err == nil {
			var k *Keyring
			if k, err = open(base); err != nil {
				return nil, err
			}
			if err = base.confirm(&h.state, &k.secrets.Get().master); err == nil {
				return k, nil
			}
			k.Destroy()
		}
		refusal = err
	}
	return nil, refusal
}

// openSlots gives the slots to o until one opens.
func openSlots(ctx context.Context, h *Header, o Opener, base *Checkpoint) (*Keyring, error) {
	notOpened := ErrWrongSecret
	for i := range h.state.slots {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := &h.state.slots[i]
		if !base.allows(s) {
			continue
		}
		opened, err := o.Open(ctx, s.binding(h.state.account), s.Slot.clone())
		switch {
		case errors.Is(err, ErrWrongSecret):
			continue
		case errors.Is(err, ErrPolicy):
			notOpened = err // unless another slot opens
			continue
		case err != nil:
			return nil, err
		}
		if len(opened) != secretSize {
			return nil, untrusted("the slot's secret has an invalid length")
		}
		keys := keyringSecrets{lineage: [keySize]byte(opened[keySize:]), seed: [keySize]byte(opened)}
		clear(opened)
		k, err := h.open(s, &keys)
		clearSecrets(&keys)
		return k, err
	}
	return nil, notOpened
}

// open opens a header with a slot's seed and the lineage key, and checks both
// MACs.
func (h *Header) open(s *sealedSlot, keys *keyringSecrets) (*Keyring, error) {
	n := len(h.encoded) - 2*macSize
	if err := checkMAC(&keys.lineage, h.encoded[:n+macSize]); err != nil {
		return nil, err
	}
	own := *keys
	defer clearSecrets(&own)
	var err error
	if own.master, err = openMaster(h.state.account, s, h.state.epoch, own.seed[:]); err != nil {
		return nil, err
	}
	if err := checkMAC(&own.master, h.encoded); err != nil {
		return nil, err
	}
	return newKeyring(h, s.ID, own)
}

// newKeyring returns the keyring of a header whose keys are known.
func newKeyring(h *Header, by SlotID, keys keyringSecrets) (*Keyring, error) {
	checkpoint, err := newCheckpoint(h, &keys.master)
	if err != nil {
		return nil, err
	}
	current, err := newDataKey(&keys.master)
	if err != nil {
		return nil, err
	}
	return &Keyring{
		header:     h,
		checkpoint: checkpoint,
		by:         by,
		secrets:    secret.New(keys),
		data:       secret.New(map[uint32]*wrap.Key{h.state.epoch: current}),
	}, nil
}

// checkMAC checks the MAC at the end of b over the bytes before it.
func checkMAC(key *[keySize]byte, b []byte) error {
	n := len(b) - macSize
	mac, err := headerMAC(key, b[:n])
	if err != nil {
		return err
	}
	if !hmac.Equal(mac, b[n:]) {
		return errHeaderMAC
	}
	return nil
}

// masterOf follows the history from the current master key back to an epoch
// that the header reaches.
func (h *header) masterOf(master *[keySize]byte, epoch uint32) (key [keySize]byte, err error) {
	key = *master
	for e := h.epoch - 1; e >= epoch && e > 0; e-- {
		if key, err = unwrapHistory(h.account, e, h.history[e-oldest(h.epoch)], &key); err != nil {
			return key, err
		}
	}
	return key, nil
}

// keys returns a copy of the secrets.
func (k *Keyring) keys() (keyringSecrets, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if *k.data.Get() == nil {
		return keyringSecrets{}, errDestroyed
	}
	return *k.secrets.Get(), nil
}

func clearSecrets(s *keyringSecrets) { *s = keyringSecrets{} }

// Header returns the header.
func (k *Keyring) Header() *Header { return k.header }

// Checkpoint returns the checkpoint to save.
func (k *Keyring) Checkpoint() Checkpoint { return k.checkpoint }

// Account returns the account's number.
func (k *Keyring) Account() AccountID { return k.state().account }

// Epoch returns the current epoch.
func (k *Keyring) Epoch() uint32 { return k.state().epoch }

// Floor returns the lowest open epoch.
func (k *Keyring) Floor() uint32 { return k.state().floor }

// OpenedBy returns the slot that opened it, zero if revoked since.
func (k *Keyring) OpenedBy() SlotID { return k.by }

// Slots returns the slots.
func (k *Keyring) Slots() []Slot { return k.state().publicSlots() }

func (k *Keyring) state() *header {
	if k.header == nil {
		return new(header)
	}
	return &k.header.state
}

// Destroy clears the keys.
func (k *Keyring) Destroy() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range *k.data.Get() {
		key.Destroy()
	}
	*k.data.Get() = nil
	clearSecrets(k.secrets.Get())
}

// Format redacts.
func (k *Keyring) Format(f fmt.State, _ rune) { redact(f, "Keyring") }

// MarshalJSON fails.
func (k *Keyring) MarshalJSON() ([]byte, error) { return nil, errJSON }
