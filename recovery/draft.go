package recovery

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
)

// Draft is the next header of a keyring, before the server has stored it. Save
// [Draft.Unconfirmed], upload [Draft.Header], and save [Draft.Checkpoint] when
// it is stored, in this order. Only [Draft.Stored] can wrap secrets. What is
// wrapped under a key that was never stored would be lost. A Draft is immutable
// and redacts itself.
type Draft struct {
	keyring *Keyring
	base    *Checkpoint // of the keyring that was edited, nil for Create
	kept    []slotMark
}

// Create returns the draft of a new account's first header, with a random
// number and one slot for each Sealer. It returns [ErrPolicy] for no Sealer,
// for passkeys alone, and for more than 20 slots or 3 passwords, and otherwise
// the errors of the Sealers.
func Create(ctx context.Context, sealers ...Sealer) (*Draft, error) {
	keys := new(keyringSecrets)
	defer clearSecrets(keys)
	drawKey(&keys.master)
	return newLineage(ctx, nil, keys, sealers)
}

// Edit calls f and returns the draft of the next header, one revision later and
// at most one epoch. f may run again when another change was quicker. So it
// does no input or output, and decides by [Edit.Slots]. Edit returns the error
// of f, and [ErrPolicy] if f changes nothing, if the result has no slot but
// passkeys, if the history is full, and after Destroy.
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

// RotateLineage returns the draft of a header with a new lineage key, a new
// master key, and slots for the given Sealers alone. All earlier slots are
// gone. It ends what a removed holder and the server can do on first use, for
// slots whose secrets are new. A secret that is used again still opens its slot
// of an old header. RotateLineage has the errors of [Create] and
// [Keyring.Edit].
func (k *Keyring) RotateLineage(ctx context.Context, sealers ...Sealer) (*Draft, error) {
	keys, err := k.keys()
	if err != nil {
		return nil, err
	}
	defer clearSecrets(&keys)
	return newLineage(ctx, k, &keys, sealers)
}

// newLineage seals all slots anew. The keyring is nil for a new account.
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

// Header returns the header to upload. It is nil for the zero Draft.
func (d *Draft) Header() *Header { return d.Stored().header }

// Checkpoint returns the checkpoint to save when the header is stored.
func (d *Draft) Checkpoint() Checkpoint { return d.Stored().checkpoint }

// Unconfirmed returns the checkpoint to save before the upload. While the
// device does not know whether the header is stored, [Open] with it accepts
// what follows from the new header. If the edit removed nothing, Open also
// accepts what follows from the header before, and otherwise only that header
// itself. For a draft of [Create] it is the same as Checkpoint.
func (d *Draft) Unconfirmed() Checkpoint {
	if d.base == nil {
		return d.Checkpoint()
	}
	return unconfirmed(*d.base, d.Checkpoint())
}

// Stored returns the keyring of the draft. Call it when the server has stored
// the header, and not before.
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

// leaves reports whether a slot of the keyring before stays and was not named
// in Keep.
func (d *Draft) leaves(m slotMark) bool {
	return slices.Contains(d.keyring.checkpoint.slots, m) && !slices.Contains(d.kept, m)
}

// Format writes a placeholder for every verb.
func (d *Draft) Format(f fmt.State, _ rune) { redact(f, "Draft") }

// MarshalJSON writes a placeholder.
func (d *Draft) MarshalJSON() ([]byte, error) { return redactJSON("Draft") }
