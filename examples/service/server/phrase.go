package server

import (
	"bytes"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// The recovery phrase logs in with OPAQUE, under a credential of its own that no
// account id equals.

// newPhrase begins the registration of a phrase. Its end comes with the header
// that has the slot.
func (s *Server) newPhrase(c *call, in api.FirstMessage) (api.Begun, error) {
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
	response, err := s.protocols.Load().opaque.BeginRegistration(c, recovery.PhraseLoginID(account.ID[:]), in.OPAQUE)
	return api.Begun{Response: response}, err
}

// finishPhrase opens a session that recovers the account. Nobody asks for a code.
func (s *Server) finishPhrase(c *call, in api.FinishLogin, l store.Login, account store.Account) (out api.LoggedIn, err error) {
	record, slot, err := s.db.Phrase(c, account.ID)
	if err != nil {
		return out, err
	}
	reply, key, err := s.protocols.Load().opaque.FinishLogin(c, recovery.PhraseLoginID(account.ID[:]), record, l.State, in.Final)
	s.metrics.login("phrase", err)
	if err != nil {
		return out, s.failed(c, account, "failed login with the phrase", err)
	}
	clear(key)
	out.Reply = reply
	opened := s.recovered(c, account, api.WayPhrase, slot)
	err = s.db.Tx(c, func(tx *store.Tx) error {
		current, err := tx.LockAccount(c, account.ID)
		if err != nil {
			return err
		}
		now, _, err := tx.Phrase(c, account.ID)
		if err != nil {
			return err
		}
		if !current.Known || !bytes.Equal(now, record) {
			return opaque.ErrState
		}
		if err := tx.Refund(c, l.Receipt); err != nil {
			return err
		}
		if err := s.tellBoth(c, tx, account.ID, "login with the recovery phrase"); err != nil {
			return err
		}
		out.Session, out.Account, out.Slot = api.ID(opened.ID), api.ID(account.ID), slotOf(current.Slot)
		out.Token, err = s.begin(c, tx, opened, in.Cookie)
		return err
	})
	return out, err
}

// recovered returns a session that may read, and set a password. It ends with
// the slot.
func (s *Server) recovered(c *call, account store.Account, way api.Way, slot []byte) store.Session {
	return store.Session{
		ID: newID(), Account: account.ID, Record: digestOfRecord(account.Record), Receipt: store.Receipt{},
		Way: string(way), Recovered: true, Slot: slot, Created: c.now, Seen: c.now, LoginAt: c.now, Expires: c.now.Add(recoveredTime),
	}
}

// begin stores a session, and returns its token or sets its cookie.
func (s *Server) begin(c *call, tx *store.Tx, opened store.Session, cookie bool) (string, error) {
	token, stored := newToken()
	if err := tx.AddSession(c, stored, opened); err != nil {
		return "", err
	}
	if err := tx.LimitSessions(c, opened.Account, maxSessions); err != nil || !cookie {
		return token, err
	}
	c.setCookie(cookieSession, token, opened.Expires.Sub(c.now))
	return "", nil
}
