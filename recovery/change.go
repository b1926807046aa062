package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"math"
	"slices"

	"github.com/nescio-go/nescio/wrap"
)

// change is the next state of a keyring, while it is being made.
type change struct {
	header
	keyringSecrets
	added []SlotID
}

// change applies f to a copy of the state, and makes it the state if all went
// well.
func (k *Keyring) change(f func(*change) error) (added []SlotID, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.apply(f)
}

// apply is change under the lock.
func (k *Keyring) apply(f func(*change) error) (added []SlotID, err error) {
	if !k.live {
		return nil, ErrUsed
	}
	c := &change{header: k.state.clone(), keyringSecrets: *k.secrets.Get()}
	defer func() { c.keyringSecrets = keyringSecrets{} }()
	if k.seen {
		if c.revision == math.MaxUint64 {
			return nil, errEpochs
		}
		c.revision++
		c.prev = sha256.Sum256(k.encoded)
	}
	if err := f(c); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	encoded, err := c.encode(&c.lineage, &c.master)
	if err != nil {
		return nil, err
	}
	k.state, k.encoded, k.seen = c.header, encoded, false
	*k.secrets.Get() = c.keyringSecrets
	return c.added, nil
}

// check refuses a keyring that would be too large, or could be lost at once.
func (c *change) check() error {
	if !slices.ContainsFunc(c.slots, func(s sealedSlot) bool { return s.Type != SlotPasskey }) {
		return errNoSlot
	}
	if len(c.slots) > MaxSlots || c.passwords() > MaxPasswords {
		return errSlots
	}
	return nil
}

func (c *change) add(ctx context.Context, sealers []Sealer) error {
	for _, s := range sealers {
		if err := c.addOne(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) addOne(ctx context.Context, s Sealer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s == nil {
		return errNoSealer
	}
	if len(c.slots) >= MaxSlots || s.Type() == SlotPassword && c.passwords() >= MaxPasswords {
		return errSlots // before the work
	}
	secret := make([]byte, secretSize)
	defer clear(secret)
	seed := secret[:keySize]
	rand.Read(seed)
	copy(secret[keySize:], c.lineage[:])

	slot := sealedSlot{Slot: Slot{Type: s.Type(), Flags: s.Flags(), Born: c.epoch}}
	rand.Read(slot.ID[:])
	if !slot.Type.valid() {
		return errSealer
	}
	var err error
	if slot.publicKey, _, err = slotPublicKey(seed); err != nil { // before a Sealer can touch it
		return err
	}
	if slot.Params, slot.Wrapped, err = s.Seal(ctx, slot.binding(c.account), secret); err != nil {
		return err
	}
	slot.Slot = slot.clone()
	wrapped := wrappedSize
	if slot.Type == SlotDevice {
		wrapped = 0
	}
	if len(slot.Wrapped) != wrapped || !slot.validParams() {
		return errSealer
	}
	return c.insert(slot)
}

func (c *change) passwords() (n int) {
	for i := range c.slots {
		if c.slots[i].Type == SlotPassword {
			n++
		}
	}
	return n
}

// insert seals the master key to a slot and puts it in its place.
func (c *change) insert(slot sealedSlot) (err error) {
	if slot.sealed, err = sealMaster(c.account, &slot, c.epoch, &c.master); err != nil {
		return err
	}
	at, found := slices.BinarySearchFunc(c.slots, slot.ID, func(s sealedSlot, id SlotID) int { return bytes.Compare(s.ID[:], id[:]) })
	if found {
		return errInternal // 128 random bits
	}
	c.slots = slices.Insert(c.slots, at, slot)
	c.added = append(c.added, slot.ID)
	return nil
}

func (c *change) remove(id SlotID) error {
	i := slices.IndexFunc(c.slots, func(s sealedSlot) bool { return s.ID == id })
	if i < 0 {
		return errNoSuch
	}
	c.slots = slices.Delete(c.slots, i, i+1)
	return nil
}

// rotate makes a new master key, under which the old one is kept, and seals it to
// all slots.
func (c *change) rotate(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err // package wrap does not look
	}
	if c.epoch == math.MaxUint32 {
		return errEpochs
	}
	old := c.master
	defer clear(old[:])
	rand.Read(c.master[:])
	next := wrap.ImportKey(c.master)
	defer next.Destroy()
	wrapped, err := next.Wrap(ctx, old[:], historyBinding(c.account, c.epoch))
	if err != nil {
		return err
	}
	c.history = append(c.history, historyEntry{c.epoch, wrapped})
	if len(c.history) > MaxHistory {
		c.history = c.history[1:]
	}
	c.epoch++
	for i := range c.slots {
		s := &c.slots[i]
		if s.sealed, err = sealMaster(c.account, s, c.epoch, &c.master); err != nil {
			return err
		}
	}
	return nil
}
