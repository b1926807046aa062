package recovery

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
)

// Draft is the next header. Save [Draft.Unconfirmed], upload [Draft.Header],
// save [Draft.Checkpoint], then use [Draft.Stored]. Another order loses data.
type Draft struct {
	keyring *Keyring
	base    *Checkpoint // of the keyring that was edited, nil for Create
	kept    []slotMark
}

// Create drafts a new account's keyring.
func Create(ctx context.Context, sealers ...Sealer) (*Draft, error) {
	keys := new(keyringSecrets)
	defer clearSecrets(keys)
	drawKey(&keys.master)
	return newLineage(ctx, nil, keys, sealers)
}

// Edit calls f and drafts the next header.
func (k *Keyring) Edit(f func(*Edit) error) (*Draft, error) {
	keys, err := k.keys()
	if err != nil {
		return nil, err
	}
	defer clearSecrets(&keys)
	e := &Edit{base: k, lineage: &keys.lineage, state: k.state().clone(), heirs: make(map[SlotID]*SealedSlot)}
	if f == nil {
		return nil, errNothing
	}
	if err := f(e); err != nil {
		return nil, err
	}
	if !e.changed {
		return nil, errNothing
	}
	if err := e.finish(&keys); err != nil {
		return nil, err
	}
	by := e.openedBy(&keys)
	base := k.checkpoint
	return e.state.draft(&keys, by, &Draft{base: &base, kept: e.kept})
}

// openedBy follows the slot that opened the keyring through the replacements,
// and sets the seed of the result. It returns zero if the slot was revoked.
func (e *Edit) openedBy(keys *keyringSecrets) SlotID {
	by := e.base.by
	for e.state.slot(by) == nil {
		heir := e.heirs[by]
		if heir == nil {
			clear(keys.seed[:])
			return SlotID{}
		}
		by, keys.seed = heir.slot.ID, heir.secrets.Get().seed
	}
	return by
}

// RotateLineage drafts a header with new keys and these slots alone. Reused
// secrets still open old headers.
func (k *Keyring) RotateLineage(ctx context.Context, sealers ...Sealer) (*Draft, error) {
	keys, err := k.keys()
	if err != nil {
		return nil, err
	}
	defer clearSecrets(&keys)
	return newLineage(ctx, k, &keys, sealers)
}

// newLineage seals all slots under a new lineage key. The keyring is nil for a
// new account.
func newLineage(ctx context.Context, k *Keyring, keys *keyringSecrets, sealers []Sealer) (*Draft, error) {
	drawKey(&keys.lineage)
	e := &Edit{lineage: &keys.lineage}
	out := new(Draft)
	if k == nil {
		e.state = header{account: newAccountID(), revision: 1, epoch: 1, floor: 1}
	} else {
		e.base, e.rotate, e.state = k, true, k.state().clone()
		e.state.slots = nil
		base := k.checkpoint
		out.base = &base
	}
	born := e.state.epoch
	if k != nil {
		born++
		if e.state.floor < oldest(born) {
			return nil, errHistory // before the work
		}
	}
	var by SlotID
	for _, s := range sealers {
		if len(e.state.slots) >= usualSlots || s != nil && s.Type() == typePassword && e.state.passwords() >= usualPassword {
			return nil, errSlots // before the work
		}
		sealed, err := newSealedSlot(ctx, e.state.account, e.lineage, born, s)
		if err != nil {
			return nil, err
		}
		if by == (SlotID{}) {
			by, keys.seed = sealed.slot.ID, sealed.secrets.Get().seed
		}
		e.insert(sealed.slot)
	}
	if err := e.finish(keys); err != nil {
		return nil, err
	}
	return e.state.draft(keys, by, out)
}

// draft completes d with the keyring of a finished header.
func (h *header) draft(keys *keyringSecrets, by SlotID, d *Draft) (*Draft, error) {
	encoded, err := h.encode(&keys.lineage, &keys.master)
	if err != nil {
		return nil, err
	}
	d.keyring, err = newKeyring(encoded, by, *keys)
	return d, err
}

func drawKey(key *[keySize]byte) { rand.Read(key[:]) }

// Header returns the header to upload.
func (d *Draft) Header() *Header { return d.Stored().header }

// Checkpoint returns the checkpoint to save after the upload.
func (d *Draft) Checkpoint() Checkpoint { return d.Stored().checkpoint }

// Unconfirmed returns the checkpoint to save before the upload.
func (d *Draft) Unconfirmed() Checkpoint {
	if d.base == nil {
		return d.Checkpoint()
	}
	return unconfirmed(*d.base, d.Checkpoint())
}

// Stored returns the keyring, once the header is stored.
func (d *Draft) Stored() *Keyring {
	if d.keyring == nil {
		return new(Keyring)
	}
	return d.keyring
}

// removes reports whether the edit removed a slot.
func (d *Draft) removes() bool {
	u := d.Unconfirmed()
	return u.old != nil && u.removes()
}

// leaves reports whether the edit leaves a slot that was not named in Keep.
func (d *Draft) leaves(m slotMark) bool {
	return slices.Contains(d.keyring.checkpoint.slots, m) && !slices.Contains(d.kept, m)
}

// Format redacts.
func (d *Draft) Format(f fmt.State, _ rune) { redact(f, "Draft") }

// MarshalJSON redacts.
func (d *Draft) MarshalJSON() ([]byte, error) { return redactJSON("Draft") }
