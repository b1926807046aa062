package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// changeSlots deletes what belongs to slots that are gone, and stores what
// belongs to new ones. A phrase without its record, or a file without the
// server's half, would open nothing when it is needed.
func (s *Server) changeSlots(c *call, tx *store.Tx, account store.ID, previous, next *recovery.Header, in api.NewKeyring) error {
	var before []recovery.Slot
	if previous != nil {
		before = previous.Slots()
	}
	gone, added := missing(before, next.Slots()), missing(next.Slots(), before)
	// A session alone must neither make a way into the account nor end one.
	if slices.ContainsFunc(gone, isWay) || slices.ContainsFunc(added, func(s recovery.Slot) bool { return isWay(s) && s.Type != "device" }) {
		if err := s.useStepUp(c, tx, api.OpKeyring); err != nil {
			return err
		}
	}
	for _, slot := range gone {
		if err := tx.RemoveSlot(c, account, store.ID(slot.ID)); err != nil {
			return err
		}
		if err := tx.AddEvent(c, account, s.notice(c, "slot removed: "+slot.Type)); err != nil {
			return err
		}
	}
	phrase, half := in.Phrase, in.Half
	for _, slot := range added {
		var err error
		switch slot.Type {
		case "phrase":
			err = s.addPhrase(c, tx, account, slot.ID, phrase)
			phrase = nil
		case "file":
			err = s.addFile(c, tx, account, slot.ID, half, in.Proof)
			half = nil
		}
		if err == nil && previous != nil {
			err = tx.AddEvent(c, account, s.notice(c, "slot added: "+slot.Type))
		}
		if err != nil {
			return err
		}
	}
	phrases := slices.DeleteFunc(next.Slots(), func(s recovery.Slot) bool { return s.Type != "phrase" })
	if phrase != nil || half != nil || (in.Half == nil) != (in.Proof == nil) || len(phrases) > 1 {
		return errCode(api.Conflict, "the keyring does not fit what was sent with it")
	}
	return nil
}

func isWay(s recovery.Slot) bool { return api.IsWay(s.Type) }

// missing returns the slots of a list that another one lacks.
func missing(all, others []recovery.Slot) []recovery.Slot {
	return slices.DeleteFunc(slices.Clone(all), func(one recovery.Slot) bool {
		return slices.ContainsFunc(others, func(other recovery.Slot) bool { return other.ID == one.ID })
	})
}

func (s *Server) addPhrase(c *call, tx *store.Tx, account store.ID, slot recovery.SlotID, upload []byte) error {
	if len(upload) == 0 {
		return errCode(api.Conflict, "a new phrase needs its registration")
	}
	record, err := s.protocols.Load().opaque.FinishRegistration(nil, upload)
	if errors.Is(err, opaque.ErrRecord) {
		err = opaque.ErrMalformed // it is the client's
	}
	if err != nil {
		return err
	}
	if err := s.noteKind(c, tx, record); err != nil {
		return err
	}
	return tx.SetPhrase(c, account, store.ID(slot), record)
}

func (s *Server) addFile(c *call, tx *store.Tx, account store.ID, slot recovery.SlotID, half, proof []byte) error {
	if len(half) != 32 || len(proof) != 32 {
		return errCode(api.Conflict, "a new recovery file needs the server's half")
	}
	sealed, err := s.secrets.sealed(c, sealHalf, slot[:], half)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(proof)
	return tx.AddFile(c, account, store.ID(slot), sealed, digest[:])
}

// headers are the methods with which a handler reads the header.
type headers interface {
	Header(ctx context.Context, account store.ID) (header []byte, epoch uint32, err error)
}

// slotOfHeader returns a slot of the stored header, of a type.
func (s *Server) slotOfHeader(c *call, from headers, account store.ID, id []byte, kind string) (*recovery.Header, bool, error) {
	stored, _, err := from.Header(c, account)
	if err != nil || stored == nil {
		return nil, false, err
	}
	h, err := recovery.ParseHeader(stored)
	if err != nil {
		return nil, false, err
	}
	return h, slices.ContainsFunc(h.Slots(), func(s recovery.Slot) bool { return s.Type == kind && string(s.ID[:]) == string(id) }), nil
}

func (s *Server) hasSlot(c *call, from headers, account store.ID, id []byte, kind string) (bool, error) {
	_, ok, err := s.slotOfHeader(c, from, account, id, kind)
	return ok, err
}
