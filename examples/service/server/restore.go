package server

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
)

// MaxTakeHeaders bounds the time in which servers take headers from devices.
const MaxTakeHeaders = 90 * 24 * time.Hour

// Restored prepares a database for its servers, after a backup was put back. No
// server may run. It drops state keys, pending logins, sessions, tokens of
// devices, backup codes, and claims, because they were used or revoked since the
// backup. Codes of authenticators count from now on. If takeHeaders is not 0, servers take
// newer headers from devices for so long.
func Restored(ctx context.Context, db *store.DB, keys *keyfile.Keys, now time.Time, takeHeaders time.Duration) error {
	if takeHeaders < 0 || takeHeaders > MaxTakeHeaders {
		return errors.New("the time for headers must be at most 90 days")
	}
	secrets, err := deriveSecrets(keys)
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil { // the backup may be older than the program
		return err
	}
	if err := checkSecrets(ctx, db, secrets, false); err != nil {
		return err
	}
	until := time.Time{}
	if takeHeaders > 0 {
		until = now.Add(takeHeaders)
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFleet(ctx); err != nil {
			return err
		}
		// A server takes the code of the next step too, and may have done so.
		if err := tx.Forget(ctx, now.Unix()/totpStep+1); err != nil {
			return err
		}
		if err := tx.TakeHeaders(ctx, until); err != nil {
			return err
		}
		return addStateKey(ctx, tx, secrets, now.Add(-notice))
	})
}

// restores reports whether a device may give a newer header back, with a step-up,
// although the header does not follow the stored one, or lacks what belongs to
// its new slots. A backup was restored, and the device has seen that header.
// Servers cannot check what came between the two. Devices do.
func (s *Server) restores(c *call, tx *store.Tx, account store.Account, previous, next *recovery.Header, in api.NewKeyring) (bool, error) {
	if c.session.Recovered || ordinary(account, previous, next, in) {
		return false, nil
	}
	if previous != nil {
		switch {
		case next.Account() != previous.Account(), next.Revision() <= previous.Revision(),
			next.Epoch() < previous.Epoch(), next.Floor() < previous.Floor(),
			uint64(next.Epoch()-previous.Epoch()) > next.Revision()-previous.Revision():
			return false, nil
		}
	}
	return tx.TakesHeaders(c, c.now)
}

// ordinary reports whether a header is what a device makes of the stored one.
func ordinary(account store.Account, previous, next *recovery.Header, in api.NewKeyring) bool {
	free := previous != nil && !opensWith(previous, account) // the stored one has no slot for the record either
	if in.Slot != nil {
		account.Slot = in.Slot[:]
	}
	var before []recovery.Slot
	if previous != nil {
		before = previous.Slots()
	}
	return next.Follows(previous) == nil && (free || opensWith(next, account)) &&
		!slices.ContainsFunc(missing(next.Slots(), before), func(slot recovery.Slot) bool {
			return slot.Type == "phrase" && in.Phrase == nil || slot.Type == "file" && in.Half == nil
		})
}

// restoreSlots deletes what belongs to slots that a restored header lacks. What
// belongs to its newer slots is lost.
func (s *Server) restoreSlots(c *call, tx *store.Tx, account store.ID, previous, next *recovery.Header) error {
	if err := s.useStepUp(c, tx, api.OpKeyring); err != nil {
		return err
	}
	if previous != nil {
		for _, slot := range missing(previous.Slots(), next.Slots()) {
			if err := tx.RemoveSlot(c, account, store.ID(slot.ID)); err != nil {
				return err
			}
			if err := tx.AddEvent(c, account, s.notice(c, "slot removed: "+slot.Type)); err != nil {
				return err
			}
		}
	}
	return tx.AddEvent(c, account, s.notice(c, "keyring restored by a device"))
}

// locked reports whether a keyring has no slot for the record of its account.
// That is so after a device has restored a header from after a change of the
// password, until it sets the password again. Until then its next headers need
// no such slot either.
func (s *Server) locked(c *call, stored *recovery.Header, a store.Account) bool {
	return stored != nil && !c.session.Recovered && !opensWith(stored, a)
}
