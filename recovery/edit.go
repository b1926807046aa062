package recovery

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"sync"
)

// Edit collects the changes of one revision.
type Edit struct {
	base    *Keyring
	lineage *[keySize]byte
	state   header
	rotate  bool
	changed bool
	kept    []slotMark
	added   []SlotID
	heirs   map[SlotID]*SealedSlot // what replaced a slot
}

// Slots returns the slots after the edit.
func (e *Edit) Slots() []Slot { return e.state.publicSlots() }

// Add adds a slot. For login secrets, use [Edit.Supersede].
func (e *Edit) Add(s *SealedSlot) error {
	return e.add(s, SlotID{}, usualSlots, usualPassword, errSlots)
}

// Supersede adds the slot of a new login secret, before the server gets its
// record.
func (e *Edit) Supersede(old SlotID, s *SealedSlot) error {
	previous := e.state.slot(old)
	if previous == nil {
		return errNoSuch
	}
	if !previous.isLogin() || s == nil || !s.slot.isLogin() {
		return errNotLogin
	}
	return e.add(s, previous.family(), maxSlots, maxPasswords, errManySlots)
}

// Replace replaces a slot that may have leaked, and rotates.
func (e *Edit) Replace(old SlotID, s *SealedSlot) error {
	previous := e.state.slot(old)
	if previous == nil {
		return errNoSuch
	}
	slots, passwords := max(usualSlots, len(e.state.slots)), max(usualPassword, e.state.passwords())
	before := e.state.clone()
	e.remove(old)
	if err := e.add(s, previous.family(), slots, passwords, errSlots); err != nil {
		e.state = before
		return err
	}
	e.heirs[old] = s
	e.rotate = true
	return nil
}

// Revoke removes slots and rotates.
func (e *Edit) Revoke(ids ...SlotID) error {
	if len(ids) == 0 {
		return errNoIDs
	}
	for i, id := range ids {
		if e.state.slot(id) == nil || slices.Contains(ids[:i], id) {
			return errNoSuch
		}
	}
	for _, id := range ids {
		e.remove(id)
	}
	e.rotate, e.changed = true, true
	return nil
}

// Keep lists the unseen slots that the user wants to stay.
func (e *Edit) Keep(slots ...SlotChange) {
	for _, s := range slots {
		e.kept = append(e.kept, slotMark{s.ID, s.Digest})
	}
}

// Rotate draws a new master key.
func (e *Edit) Rotate() { e.rotate, e.changed = true, true }

// CloseBefore raises the floor. Earlier blobs no longer open.
func (e *Edit) CloseBefore(epoch uint32) error {
	if e.base == nil || epoch > e.base.Epoch() {
		return errFloor
	}
	if epoch > e.state.floor {
		e.state.floor, e.changed = epoch, true
	}
	return nil
}

// add inserts a slot in the order of ids.
func (e *Edit) add(s *SealedSlot, family SlotID, slots, passwords int, tooMany error) error {
	if e.base == nil || s == nil || !s.fits(e.state.account, e.lineage, e.base.Epoch()) {
		return errSealed
	}
	if id := s.slot.ID; e.base.header.state.slot(id) != nil || slices.Contains(e.added, id) {
		return errTwice
	}
	if len(e.state.slots) >= slots || s.slot.Type == typePassword && e.state.passwords() >= passwords {
		return tooMany
	}
	slot := s.slot
	slot.Family = family
	e.insert(slot)
	e.added = append(e.added, slot.ID)
	e.changed = true
	return nil
}

func (e *Edit) insert(slot sealedSlot) {
	at, _ := slices.BinarySearchFunc(e.state.slots, slot.ID, func(s sealedSlot, id SlotID) int { return bytes.Compare(s.ID[:], id[:]) })
	e.state.slots = slices.Insert(e.state.slots, at, slot)
}

func (e *Edit) remove(id SlotID) {
	e.state.slots = slices.DeleteFunc(slices.Clone(e.state.slots), func(s sealedSlot) bool { return s.ID == id })
}

// finish checks the result, makes it the next revision, and seals the master
// key to the slots that do not have it.
func (e *Edit) finish(keys *keyringSecrets) error {
	s := &e.state
	if !slices.ContainsFunc(s.slots, func(s sealedSlot) bool { return s.Type != typePasskey }) {
		return errNoSlot
	}
	if len(s.slots) > maxSlots || s.passwords() > maxPasswords {
		return errManySlots
	}
	if e.base != nil {
		if s.revision == math.MaxUint64 || e.rotate && s.epoch == math.MaxUint32 {
			return errEpochs
		}
		s.revision++
		s.prev = e.base.header.Digest()
	}
	if e.rotate {
		if err := s.rotate(keys); err != nil {
			return err
		}
	}
	return s.sealTo(&keys.master, func(slot *sealedSlot) bool { return e.rotate || slot.sealed == nil })
}

// rotate draws a new master key and puts the old one into the history.
func (h *header) rotate(keys *keyringSecrets) error {
	if h.floor < oldest(h.epoch+1) {
		return errHistory
	}
	old := keys.master
	defer clear(old[:])
	drawKey(&keys.master)
	wrapped, err := wrapHistory(h.account, h.epoch, &old, &keys.master)
	if err != nil {
		return err
	}
	h.history = append(h.history, wrapped)
	h.epoch++
	h.history = h.history[len(h.history)-int(h.epoch-oldest(h.epoch)):]
	return nil
}

// sealTo seals the master key to the slots that need it, on all cores.
func (h *header) sealTo(master *[keySize]byte, needs func(*sealedSlot) bool) error {
	errs := make([]error, len(h.slots))
	var all sync.WaitGroup
	for i := range h.slots {
		if slot := &h.slots[i]; needs(slot) {
			all.Go(func() { slot.sealed, errs[i] = sealMaster(h.account, slot, h.epoch, master) })
		}
	}
	all.Wait()
	return errors.Join(errs...)
}
