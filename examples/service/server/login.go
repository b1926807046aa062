package server

import (
	"bytes"
	"errors"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/opaque"
)

// maxSessions bounds the sessions and the known devices of an account.
const maxSessions = 50

// login begins a login. For an unknown name it runs the same statements and the
// same arithmetic as for an account.
func (s *Server) login(c *call, in api.BeginLogin) (api.Begun, error) {
	name, err := prepare.Username(in.Name)
	if err != nil {
		return api.Begun{}, errCode(api.Malformed, "the name is not valid")
	}
	if err := both(in.Requests); err != nil {
		return api.Begun{}, err
	}
	p, key := s.protocols.Load(), s.secrets.name(name)
	account, err := s.db.ByName(c, key)
	if err != nil {
		return api.Begun{}, err
	}
	if falseID := p.falseID(key); !account.Known {
		account.ID = falseID
	}
	device := digestOf(c.deviceToken(in.Device))
	owner, err := s.db.DeviceOf(c, device, c.now)
	if err != nil {
		return api.Begun{}, err
	}
	budget, limit := budgetID("account", account.ID[:]), s.Limits.Account
	if owner == account.ID {
		budget, limit = budgetID("device", device), s.Limits.Device
	} else {
		device = nil
	}
	receipt, wait, err := s.db.Spend(c, budget, limit, c.now)
	if err != nil {
		return api.Begun{}, err
	}
	if wait > 0 {
		return api.Begun{}, limitedFor(wait)
	}

	letter, request := protocolOPAQUE, in.OPAQUE
	asSRP := p.opaque.AnswersAsSRP(account.ID[:]) // for every name, because it takes time
	if account.Known && account.Record[0] == protocolSRP || !account.Known && asSRP {
		letter, request = protocolSRP, in.SRP
	}
	response, state, err := p.of(letter).BeginLogin(c, account.ID[:], account.Record, request)
	if err != nil {
		return api.Begun{}, err
	}
	token, stored := newToken()
	err = s.db.AddLogin(c, stored, store.Login{
		Account: account.ID, Protocol: letter, State: state, Receipt: receipt, Device: device, Expires: c.now.Add(opaque.DefaultLifetime),
	})
	return api.Begun{Token: token, Response: response}, err
}

// finishLogin opens a session, or a half session for an account with a second
// factor.
func (s *Server) finishLogin(c *call, in api.FinishLogin) (api.LoggedIn, error) {
	l, err := s.db.Login(c, digestOf(in.Token), c.now)
	if err == store.ErrNotFound || err == nil && l.Session != nil {
		return api.LoggedIn{}, errAuthentication
	}
	if err != nil {
		return api.LoggedIn{}, err
	}
	account, err := s.db.Account(c, l.Account)
	if err != nil {
		return api.LoggedIn{}, err
	}
	p := s.protocols.Load()
	reply, key, err := p.of(l.Protocol).FinishLogin(c, l.Account[:], account.Record, l.State, in.Final)
	result := "success"
	if err != nil {
		result = "failure"
	}
	s.metrics.logins.WithLabelValues(string(l.Protocol), result).Inc()
	if err != nil {
		return api.LoggedIn{}, s.failed(c, account, err)
	}
	defer clear(key)

	now := c.now
	opened := store.Session{
		ID: newID(), Account: account.ID, Record: digestOfRecord(account.Record), Receipt: l.Receipt, Device: l.Device,
		Created: now, Seen: now, LoginAt: now, Expires: now.Add(sessionTime),
	}
	if s.shouldMove(p, account.Record) {
		if opened.Migration, err = s.secrets.sealed(c, sealMigration, opened.ID[:], key); err != nil {
			return api.LoggedIn{}, err
		}
	}
	out := api.LoggedIn{Reply: reply}
	err = s.db.Tx(c, func(tx *store.Tx) error {
		current, err := tx.LockAccount(c, account.ID)
		if err != nil {
			return err
		}
		if !bytes.Equal(current.Record, account.Record) {
			return opaque.ErrState
		}
		totp, err := tx.TOTP(c, account.ID)
		if err != nil && err != store.ErrNotFound {
			return err
		}
		if totp.Confirmed {
			opened.Half, opened.Expires = true, now.Add(halfSessionTime)
		}
		return s.open(c, tx, current, opened, in.Cookie, &out)
	})
	return out, err
}

// open stores a session and fills in the answer. A full session refunds the
// login, and a new device gets a token.
func (s *Server) open(c *call, tx *store.Tx, account store.Account, opened store.Session, cookie bool, out *api.LoggedIn) error {
	token, stored := newToken()
	out.Code, out.Session, out.Account = opened.Half, api.ID(opened.ID), api.ID(account.ID)
	if opened.Half {
		if err := tx.AddEvent(c, account.ID, s.event(c, "right password, code asked")); err != nil {
			return err
		}
	} else {
		if opened.Device == nil {
			out.Device, opened.Device = newToken()
		}
		if err := tx.AddDevice(c, opened.Device, account.ID, c.now.Add(deviceTime)); err != nil {
			return err
		}
		if err := tx.Refund(c, opened.Receipt); err != nil {
			return err
		}
		if err := tx.AddEvent(c, account.ID, s.event(c, "login")); err != nil {
			return err
		}
		out.Slot, out.Move = slotOf(account.Slot), opened.Migration != nil
	}
	if err := tx.AddSession(c, stored, opened); err != nil {
		return err
	}
	if err := tx.LimitSessions(c, account.ID, maxSessions); err != nil {
		return err
	}
	if !cookie {
		out.Token = token
		return nil
	}
	c.setCookie(cookieSession, token, opened.Expires.Sub(c.now))
	if out.Device != "" {
		c.setCookie(cookieDevice, out.Device, deviceTime)
		out.Device = ""
	}
	return nil
}

// failed notes a failed login. It does so for unknown names too, because it
// takes time. Those events expire at once.
func (s *Server) failed(c *call, account store.Account, err error) error {
	if !errors.Is(err, opaque.ErrAuthentication) {
		return err
	}
	e := s.event(c, "failed login")
	if !account.Known {
		e.Expires = c.now
	}
	if noted := s.db.AddEvent(c, account.ID, e); noted != nil {
		return noted
	}
	return err
}

func (s *Server) event(c *call, kind string) store.Event {
	return store.Event{Time: c.now, Kind: kind, Address: shortened(c.address), Expires: c.now.Add(eventTime)}
}

func slotOf(slot []byte) *api.ID {
	if slot == nil {
		return nil
	}
	id := api.ID(slot)
	return &id
}

// fresh reports whether something happened in the last minutes.
func fresh(t, now time.Time) bool { return now.Sub(t) < freshTime }
