package server

import (
	"bytes"
	"errors"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/kdf/prepare"
	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/recovery"
)

// maxSessions bounds the sessions and the known devices of an account.
const maxSessions = 50

// login begins a login. For an unknown name it runs the same statements and the
// same arithmetic as for an account.
func (s *Server) login(c *call, in api.BeginLogin) (api.Begun, error) {
	if err := both(in.Requests); err != nil {
		return api.Begun{}, err
	}
	p := s.protocols.Load()
	account, _, err := s.named(c, p, in.Name, in.Former)
	if err != nil {
		return api.Begun{}, err
	}
	device := digestOf(c.deviceToken(in.Device))
	owner, err := s.db.DeviceOf(c, device, c.now)
	if err != nil {
		return api.Begun{}, err
	}
	budget, limit := budgetID("account", account.ID[:]), s.Limits.Account
	switch {
	case in.Phrase:
		budget, limit, device = budgetID("phrase", account.ID[:]), s.Limits.Phrase, nil
	case owner == account.ID:
		budget, limit = budgetID("device", device), s.Limits.Device
	default:
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
	id, record := account.ID[:], account.Record
	if in.Phrase {
		letter, request, id = protocolOPAQUE, in.OPAQUE, recovery.PhraseLoginID(id)
		if record, _, err = s.db.Phrase(c, account.ID); err != nil {
			return api.Begun{}, err
		}
	}
	response, state, err := p.of(letter).BeginLogin(c, id, record, request)
	if err != nil {
		return api.Begun{}, err
	}
	token, stored := newToken()
	err = s.db.AddLogin(c, stored, store.Login{
		Account: account.ID, Protocol: letter, Phrase: in.Phrase, State: state, Receipt: receipt, Device: device, Expires: c.now.Add(opaque.DefaultLifetime),
	})
	return api.Begun{Token: token, Response: response}, err
}

// maxFormer bounds the former accounts that can be named.
const maxFormer = 100

// named returns the account of a name, or the nth former one. If there is none,
// it has a made-up id. The key is the HMAC of the name.
func (s *Server) named(c *call, p *protocols, typed string, former int) (account store.Account, key []byte, err error) {
	name, err := prepare.Username(typed)
	if err != nil || former < 0 || former > maxFormer {
		return account, nil, errCode(api.Malformed, "the name is not valid")
	}
	key = s.secrets.name(name)
	account, err = s.db.ByName(c, key, former)
	if falseID := p.falseID(key, former); !account.Known {
		account.ID = falseID
	}
	return account, key, err
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
	if l.Phrase {
		return s.finishPhrase(c, in, l, account)
	}
	p := s.protocols.Load()
	reply, key, err := p.of(l.Protocol).FinishLogin(c, l.Account[:], account.Record, l.State, in.Final)
	s.metrics.login(string(l.Protocol), err)
	if err != nil {
		return api.LoggedIn{}, s.failed(c, account, "failed login", err)
	}
	defer clear(key)

	now := c.now
	opened := store.Session{
		ID: newID(), Account: account.ID, Record: digestOfRecord(account.Record), Receipt: l.Receipt, Device: l.Device,
		Way: string(api.WayPassword), Created: now, Seen: now, LoginAt: now, Expires: now.Add(sessionTime),
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
	var err error
	out.Token, err = s.begin(c, tx, opened, cookie)
	if err == nil && cookie && out.Device != "" {
		c.setCookie(cookieDevice, out.Device, deviceTime)
		out.Device = ""
	}
	return err
}

// failed notes a failed login. It does so for unknown names too, because it
// takes time. Those events expire at once.
func (s *Server) failed(c *call, account store.Account, kind string, err error) error {
	if !errors.Is(err, opaque.ErrAuthentication) {
		return err
	}
	e := s.event(c, kind)
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

// notice is an event that the Notifier gets too.
func (s *Server) notice(c *call, kind string) store.Event {
	e := s.event(c, kind)
	e.Notice = true
	return e
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
