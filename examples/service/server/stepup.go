package server

import (
	"bytes"
	"context"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
)

// operations are what a step-up can confirm.
var operations = []string{api.OpRefresh, api.OpPassword, api.OpTOTP, api.OpTOTPOff, api.OpCodes, api.OpDelete, api.OpCancel, api.OpKeyring, api.OpApprove, api.OpContact}

// stepUp begins a login in a session, which confirms one request. The proof of
// the login covers the session, the operation and the body of that request.
func (s *Server) stepUp(c *call, in api.BeginStepUp) (api.Begun, error) {
	if !slices.Contains(operations, in.Operation) || len(in.Digest) != 32 {
		return api.Begun{}, errCode(api.Malformed, "there is no such operation, or the digest has another length")
	}
	if err := both(in.Requests); err != nil {
		return api.Begun{}, err
	}
	receipt, err := s.spendSession(c)
	if err != nil {
		return api.Begun{}, err
	}
	if err := s.codeSent(c, s.db.TOTP); err != nil {
		return api.Begun{}, err
	}
	account, err := s.db.Account(c, c.session.Account)
	if err != nil {
		return api.Begun{}, err
	}
	if !account.Known {
		return api.Begun{}, store.ErrNotFound
	}
	server, err := s.stepUpServer(account.Record, c.session.ID, in.Operation, in.Digest)
	if err != nil {
		return api.Begun{}, err
	}
	request := in.OPAQUE
	if account.Record[0] == protocolSRP {
		request = in.SRP
	}
	response, state, err := server.BeginLogin(c, account.ID[:], account.Record, request)
	if err != nil {
		return api.Begun{}, err
	}
	token, stored := newToken()
	err = s.db.AddLogin(c, stored, store.Login{
		Account: account.ID, Protocol: account.Record[0], State: state, Receipt: receipt,
		Session: c.session.ID[:], Operation: in.Operation, Digest: in.Digest, Expires: c.now.Add(opaque.DefaultLifetime),
	})
	return api.Begun{Token: token, Response: response}, err
}

// spend takes a try from a budget, for good.
func (s *Server) spend(c *call, id []byte, limit store.Budget) error {
	_, wait, err := s.db.Spend(c, id, limit, c.now)
	if err == nil && wait > 0 {
		err = limitedFor(wait)
	}
	return err
}

// spendSession takes a try from the budget of the session.
func (s *Server) spendSession(c *call) (store.Receipt, error) {
	receipt, wait, err := s.db.Spend(c, budgetID("session", c.session.ID[:]), s.Limits.Session, c.now)
	if err == nil && wait > 0 {
		err = limitedFor(wait)
	}
	return receipt, err
}

// codeSent asks for a code if the account has a second factor and the session's
// last code is old.
func (s *Server) codeSent(c *call, find func(context.Context, store.ID) (store.TOTP, error)) error {
	totp, err := find(c, c.session.Account)
	if err == store.ErrNotFound {
		return nil
	}
	if err == nil && totp.Confirmed && !fresh(c.session.CodeAt, c.now) {
		err = errCode(api.CodeRequired, "send a code first")
	}
	return err
}

var errLogIn = errCode(api.LoginRequired, "log in again first")

// loggedIn reports whether the session has logged in with the account's record
// a few minutes ago, or recovers the account.
func (s *Server) loggedIn(c *call, account store.Account) bool {
	return c.session.Recovered || fresh(c.session.LoginAt, c.now) && bytes.Equal(digestOfRecord(account.Record), c.session.Record)
}

func (s *Server) stepUpServer(record []byte, session store.ID, operation string, digest []byte) (protocol, error) {
	return s.protocols.Load().in(record, api.StepUpContext(api.ID(session), operation, [32]byte(digest)))
}

// finishStepUp returns a token for the request, or refreshes the session. A
// refreshed session belongs to the record that logged in.
func (s *Server) finishStepUp(c *call, in api.FinishStepUp) (out api.StepUp, err error) {
	l, err := s.db.Login(c, digestOf(in.Token), c.now)
	if err == store.ErrNotFound || err == nil && !bytes.Equal(l.Session, c.session.ID[:]) {
		return out, errAuthentication
	}
	if err != nil {
		return out, err
	}
	account, err := s.db.Account(c, l.Account)
	if err != nil {
		return out, err
	}
	server, err := s.stepUpServer(account.Record, c.session.ID, l.Operation, l.Digest)
	if err != nil {
		return out, err
	}
	reply, key, err := server.FinishLogin(c, l.Account[:], account.Record, l.State, in.Final)
	if err != nil {
		return out, s.failed(c, account, "failed login", err)
	}
	clear(key)
	out.Reply = reply
	err = s.db.Tx(c, func(tx *store.Tx) error {
		current, err := tx.LockAccount(c, l.Account)
		if err != nil {
			return err
		}
		if !bytes.Equal(current.Record, account.Record) {
			return opaque.ErrState
		}
		if err := tx.Refund(c, l.Receipt); err != nil {
			return err
		}
		if l.Operation == api.OpRefresh {
			if err := s.codeSent(c, tx.TOTP); err != nil { // a second factor may be newer than the first message
				return err
			}
			return tx.Refresh(c, c.session.ID, digestOfRecord(account.Record), c.now)
		}
		token, stored := newToken()
		out.Token = token
		return tx.AddStepUp(c, stored, store.StepUp{Session: c.session.ID, Operation: l.Operation, Digest: l.Digest}, c.now.Add(stepUpTime))
	})
	return out, err
}

// stepped runs a change in a transaction that uses up the step-up of the
// request, for the operation of its route. The account is locked.
func (s *Server) stepped(c *call, f func(*store.Tx, store.Account) error) error {
	return s.db.Tx(c, func(tx *store.Tx) error {
		account, err := tx.LockAccount(c, c.session.Account)
		if err != nil {
			return err
		}
		if !account.Known {
			return store.ErrNotFound
		}
		if err := s.useStepUp(c, tx, c.stepUp); err != nil {
			return err
		}
		return f(tx, account)
	})
}

// useStepUp uses up the step-up of the request for an operation.
func (s *Server) useStepUp(c *call, tx *store.Tx, operation string) error {
	ok, err := tx.UseStepUp(c, digestOf(c.r.Header.Get(api.StepUpHeader)),
		store.StepUp{Session: c.session.ID, Operation: operation, Digest: c.bodyDigest()}, c.now)
	if err == nil && !ok {
		err = errCode(api.StepUpRequired, "confirm this request with the password")
	}
	if err != nil {
		return err
	}
	return s.codeSent(c, tx.TOTP) // a second factor may be newer than the step-up
}
