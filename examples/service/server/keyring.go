package server

import (
	"bytes"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
)

func (s *Server) keyring(c *call, _ none) (out api.Keyring, err error) {
	out.Header, _, err = s.db.Header(c, c.session.Account)
	return out, err
}

// putKeyring stores a header that follows the stored one and has the slot of
// the stored record. Any session could send garbage. Therefore the session must
// have logged in with this record, and a few minutes ago. A session that
// recovers the account sends a new record with the header.
func (s *Server) putKeyring(c *call, in api.NewKeyring) (api.Empty, error) {
	next, err := recovery.ParseHeader(in.Header)
	if err != nil {
		return api.Empty{}, err
	}
	if c.session.Recovered != (len(in.Upload) > 0) || in.ResetFactors && !c.session.Recovered {
		return api.Empty{}, errCode(api.NotAllowed, "a session that recovers the account sets a password, and no other session does so here")
	}
	return api.Empty{}, s.db.Tx(c, func(tx *store.Tx) error {
		account, err := tx.LockAccount(c, c.session.Account)
		if err != nil {
			return err
		}
		if !account.Known {
			return store.ErrNotFound
		}
		// It may have ended while this request waited: a claim was cancelled.
		if ok, err := tx.HasSession(c, c.session.ID); err != nil || !ok {
			return or(err, store.ErrNotFound)
		}
		if !s.loggedIn(c, account) {
			return errLogIn
		}
		stored, _, err := tx.Header(c, account.ID)
		if err != nil {
			return err
		}
		if bytes.Equal(stored, in.Header) {
			return nil // the answer was lost
		}
		_, wait, err := tx.Spend(c, budgetID("headers", account.ID[:]), s.Limits.Headers, c.now)
		if err != nil {
			return err
		}
		if wait > 0 {
			return limitedFor(wait)
		}
		if c.session.Recovered {
			return s.recover(c, tx, account, stored, next, in)
		}
		return s.storeHeader(c, tx, account, stored, next, in)
	})
}

// recover stores a new record and the header with its slot. It ends all other
// sessions, except those of approved devices, and all claims.
func (s *Server) recover(c *call, tx *store.Tx, account store.Account, stored []byte, next *recovery.Header, in api.NewKeyring) error {
	var err error
	if account.Record, err = s.finishRegistration(account.Record, in.Upload); err != nil {
		return err
	}
	account.Slot = slotBytes(in.Slot)
	if err := s.setRecord(c, tx, account); err != nil {
		return err
	}
	if err := s.storeHeader(c, tx, account, stored, next, in); err != nil {
		return err
	}
	if in.ResetFactors {
		if err := tx.RemoveTOTP(c, account.ID); err != nil {
			return err
		}
		if err := tx.AddEvent(c, account.ID, s.notice(c, "second factor off")); err != nil {
			return err
		}
	}
	if err := tx.EndOtherSessions(c, account.ID, c.session.ID, string(api.WayDevice)); err != nil {
		return err
	}
	if err := s.endClaims(c, tx, account.ID); err != nil {
		return err
	}
	return s.tellBoth(c, tx, account.ID, "password set: "+c.session.Way)
}

func (s *Server) storeHeader(c *call, tx *store.Tx, account store.Account, stored []byte, next *recovery.Header, in api.NewKeyring) error {
	slot := in.Slot
	var previous *recovery.Header
	if stored != nil {
		var err error
		if previous, err = recovery.ParseHeader(stored); err != nil {
			return err
		}
	}
	restored, err := s.restores(c, tx, account, previous, next, in)
	if err != nil {
		return err
	}
	if !restored && next.Follows(previous) != nil {
		return errCode(api.Conflict, "another keyring is stored")
	}
	free := restored || s.locked(c, previous, account)
	// An account whose export key opens the keyring changes that with its record.
	if slot != nil && account.Slot == nil && account.Record[0] != protocolSRP {
		return errCode(api.Conflict, "this account has no password slot")
	}
	changed := slot != nil && !bytes.Equal(slot[:], account.Slot)
	if changed {
		account.Slot = slot[:]
	}
	if !free && !opensWith(next, account) {
		return errCode(api.Conflict, "the keyring has no slot for the password")
	}
	lowest, err := tx.LowestEpoch(c, account.ID)
	if err != nil {
		return err
	}
	if !restored && next.Floor() > lowest {
		return errCode(api.Conflict, "items of the closed epochs are stored")
	}
	if changed {
		if err := tx.SetRecord(c, account.ID, account.Record, account.Slot); err != nil {
			return err
		}
	}
	if stored != nil {
		digest := previous.Digest()
		sealed, err := s.secrets.sealed(c, sealHeader, digest[:], stored)
		if err != nil {
			return err
		}
		if err := tx.KeepOldHeader(c, account.ID, sealed, c.now.Add(oldHeaderTime)); err != nil {
			return err
		}
	}
	if restored {
		err = s.restoreSlots(c, tx, account.ID, previous, next)
	} else {
		err = s.changeSlots(c, tx, account.ID, previous, next, in)
	}
	if err != nil {
		return err
	}
	return tx.SetHeader(c, account.ID, next.Bytes(), next.Epoch())
}
