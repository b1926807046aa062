package server

import (
	"bytes"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/srp"
)

// mayReset requires a login and a code a few minutes before. A session that
// recovers the account needs no code.
func (s *Server) mayReset(c *call, account store.Account) error {
	if !s.loggedIn(c, account) {
		return errLogIn
	}
	if c.session.Recovered {
		return nil
	}
	return s.codeSent(c, s.db.TOTP)
}

// newRecord begins the registration of a new password. Its answer depends on the
// account's key, and would help to guess the password. Therefore it has the
// limits of a step-up, and needs a login and a code a few minutes before.
func (s *Server) newRecord(c *call, in api.Requests) (api.Begun, error) {
	if err := both(in); err != nil {
		return api.Begun{}, err
	}
	account, err := s.db.Account(c, c.session.Account)
	if err != nil {
		return api.Begun{}, err
	}
	if !account.Known {
		return api.Begun{}, store.ErrNotFound
	}
	if err := s.mayReset(c, account); err != nil {
		return api.Begun{}, err
	}
	if _, err := s.spendSession(c); err != nil {
		return api.Begun{}, err
	}
	response, err := s.beginRegistration(c, account.ID, account.Record, in.OPAQUE, in.SRP)
	return api.Begun{Response: response}, err
}

// finishNewRecord changes the password and ends all other sessions, except those
// of approved devices. This session uploads no header until it logs in again.
func (s *Server) finishNewRecord(c *call, in api.NewRecord) (api.Empty, error) {
	return api.Empty{}, s.stepped(c, func(tx *store.Tx, account store.Account) error {
		record, err := s.finishRegistration(account.Record, in.Upload)
		if err != nil {
			return err
		}
		if err := s.replaceRecord(c, tx, account, record, in.Slot); err != nil {
			return err
		}
		if err := tx.EndOtherSessions(c, account.ID, c.session.ID, string(api.WayDevice)); err != nil {
			return err
		}
		return tx.AddEvent(c, account.ID, s.notice(c, "changed password"))
	})
}

// replaceRecord stores a record if the keyring has its slot. It ends step-ups,
// and the right of all sessions to move the account.
func (s *Server) replaceRecord(c *call, tx *store.Tx, account store.Account, record []byte, slot *api.ID) error {
	stored, _, err := tx.Header(c, account.ID)
	if err != nil {
		return err
	}
	next := store.Account{ID: account.ID, Record: record, Slot: slotBytes(slot)}
	if stored != nil {
		header, err := recovery.ParseHeader(stored)
		if err != nil {
			return err
		}
		if !opensWith(header, next) {
			return errCode(api.Conflict, "the keyring has no slot for this password")
		}
	} else if slot != nil {
		return errCode(api.Conflict, "there is no keyring yet")
	}
	return s.setRecord(c, tx, next)
}

func (s *Server) setRecord(c *call, tx *store.Tx, account store.Account) error {
	if err := s.noteKind(c, tx, account.Record); err != nil {
		return err
	}
	if err := tx.EndStepUps(c, account.ID); err != nil {
		return err
	}
	if err := tx.ForgetMigration(c, account.ID); err != nil {
		return err
	}
	return tx.SetRecord(c, account.ID, account.Record, account.Slot)
}

// opensWith reports whether a header has the slot of an account's record.
func opensWith(h *recovery.Header, a store.Account) bool {
	if a.Slot != nil {
		for _, slot := range h.Slots() {
			if slot.Type == "password" && bytes.Equal(slot.ID[:], a.Slot) {
				return true
			}
		}
		return false
	}
	if a.Record[0] == protocolSRP {
		return false // its slot has to be named
	}
	r, err := opaque.ParseRecord(a.Record)
	return err == nil && h.HasRecord(r.Raw())
}

func slotBytes(id *api.ID) []byte {
	if id == nil {
		return nil
	}
	return id[:]
}

// move begins the registration that moves an account to OPAQUE, or to another
// KSF. Its messages are authenticated with the key of the session's login.
func (s *Server) move(c *call, in api.Message) (api.Message, error) {
	m, account, err := s.migration(c)
	if err != nil {
		return api.Message{}, err
	}
	request, err := m.Verify(opaque.MigrateRequest, in.Message)
	if err != nil {
		return api.Message{}, err
	}
	response, err := s.protocols.Load().opaque.BeginRegistration(c, account.ID[:], request)
	if err != nil {
		return api.Message{}, err
	}
	protected, err := m.Protect(opaque.MigrateResponse, response)
	return api.Message{Message: protected}, err
}

// finishMove stores the new record. Sessions stay, because the password does.
// They upload no header until they log in again.
func (s *Server) finishMove(c *call, in api.MovedRecord) (api.Empty, error) {
	m, account, err := s.migration(c)
	if err != nil {
		return api.Empty{}, err
	}
	upload, err := m.Verify(opaque.MigrateUpload, in.Message)
	if err != nil {
		return api.Empty{}, err
	}
	record, err := s.protocols.Load().opaque.FinishRegistration(nil, upload)
	if err != nil {
		return api.Empty{}, srp.ErrMalformed
	}
	return api.Empty{}, s.db.Tx(c, func(tx *store.Tx) error {
		current, err := tx.LockAccount(c, account.ID)
		if err != nil {
			return err
		}
		if !bytes.Equal(digestOfRecord(current.Record), c.session.Record) {
			return errMoved
		}
		if err := s.replaceRecord(c, tx, current, record, in.Slot); err != nil {
			return err
		}
		return tx.AddEvent(c, account.ID, s.event(c, "moved to OPAQUE"))
	})
}

var errMoved = errCode(api.Conflict, "this session cannot move the account")

// migration returns the migration of a session that may move its account.
func (s *Server) migration(c *call) (*opaque.Migration, store.Account, error) {
	account, err := s.db.Account(c, c.session.Account)
	if err != nil {
		return nil, account, err
	}
	if c.session.Migration == nil || !account.Known || !bytes.Equal(digestOfRecord(account.Record), c.session.Record) {
		return nil, account, errMoved
	}
	key, err := s.secrets.open(c, sealMigration, c.session.ID[:], c.session.Migration)
	if err != nil {
		return nil, account, err
	}
	defer clear(key)
	m, err := opaque.NewMigration(key, account.ID[:])
	return m, account, err
}
