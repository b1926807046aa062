package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// authenticate finds the session of a request, by a bearer token or a cookie.
func (s *Server) authenticate(c *call, access access) error {
	scheme, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if token == "" || !strings.EqualFold(scheme, "Bearer") {
		token = ""
		if cookie, err := c.r.Cookie(cookieSession); err == nil {
			token = cookie.Value
		}
	}
	none := errCode(api.Unauthenticated, "there is no session, or it has ended: log in")
	if token == "" {
		return none
	}
	found, err := s.db.Session(c, digestOf(token), c.now)
	if err == store.ErrNotFound {
		return none
	}
	if err != nil {
		return err
	}
	switch {
	case found.Half && access != halfway:
		return errCode(api.CodeRequired, "the login needs a code")
	case !found.Half && access == halfway:
		return errCode(api.Conflict, "the login is complete")
	case !found.Half && !access.allows(found):
		return errCode(api.NotAllowed, "this session may not do that")
	}
	c.session = found
	if !found.Half && c.now.Sub(found.Seen) >= seenStep {
		return s.db.See(c, found.ID, c.now, expiry(found, c.now))
	}
	return nil
}

// expiry returns when a session ends that is used now. An approved device has no
// password, so its session lasts as long as it is used.
func expiry(of store.Session, now time.Time) time.Time {
	switch {
	case of.Recovered:
		return of.Expires
	case of.Way == string(api.WayDevice):
		return now.Add(deviceTime)
	}
	expires, last := now.Add(sessionTime), of.Created.Add(longestSession)
	if expires.After(last) {
		return last
	}
	return expires
}

// deviceToken returns the token of a device: given, or in a cookie.
func (c *call) deviceToken(given string) string {
	if given != "" {
		return given
	}
	if cookie, err := c.r.Cookie(cookieDevice); err == nil {
		return cookie.Value
	}
	return ""
}

// setCookie sets a cookie that only this origin gets, and no script.
func (c *call) setCookie(name, value string, age time.Duration) {
	cookie := http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	c.header.Add("Set-Cookie", cookie.String())
}

func (s *Server) sessions(c *call, _ none) (out api.Sessions, err error) {
	all, err := s.db.Sessions(c, c.session.Account, c.now)
	out.Sessions = make([]api.Session, 0, len(all))
	for _, one := range all {
		out.Sessions = append(out.Sessions, api.Session{
			ID: api.ID(one.ID), Name: one.Name, Current: one.ID == c.session.ID, Created: one.Created.Unix(), Seen: one.Seen.Unix(),
			Way: api.Way(one.Way), Recovered: one.Recovered, Slot: slotOf(one.Slot),
		})
	}
	return out, err
}

func (s *Server) endSession(c *call, _ none) (api.Empty, error) {
	id, err := c.id()
	if err != nil {
		return api.Empty{}, err
	}
	if id != c.session.ID && !session.allows(c.session) {
		return api.Empty{}, errCode(api.NotAllowed, "this session may end no other session")
	}
	err = s.db.Tx(c, func(tx *store.Tx) error {
		if _, err := tx.LockAccount(c, c.session.Account); err != nil {
			return err
		}
		err := tx.EndSession(c, c.session.Account, id)
		if err == store.ErrNotFound {
			return errCode(api.NotFound, "there is no such session")
		}
		return err
	})
	if err == nil && id == c.session.ID {
		c.setCookie(cookieSession, "", -time.Second)
	}
	return api.Empty{}, err
}

func (s *Server) endOtherSessions(c *call, _ none) (api.Empty, error) {
	return api.Empty{}, s.db.Tx(c, func(tx *store.Tx) error {
		account, err := tx.LockAccount(c, c.session.Account)
		if err != nil {
			return err
		}
		if !account.Known {
			return store.ErrNotFound
		}
		if err := tx.EndOtherSessions(c, c.session.Account, c.session.ID, ""); err != nil {
			return err
		}
		return tx.AddEvent(c, c.session.Account, s.event(c, "ended other sessions"))
	})
}

func (s *Server) nameSession(c *call, in api.Label) (api.Empty, error) {
	if len(in.Name) == 0 || len(in.Name) > api.MaxLabel {
		return api.Empty{}, errCode(api.Malformed, "a sealed name is at most 512 bytes long")
	}
	return api.Empty{}, s.db.SetSessionName(c, c.session.ID, in.Name)
}

// bindSession notes the slot of the session's device. The session ends with it.
func (s *Server) bindSession(c *call, in api.SessionSlot) (api.Empty, error) {
	return api.Empty{}, s.db.Tx(c, func(tx *store.Tx) error {
		if _, err := tx.LockAccount(c, c.session.Account); err != nil {
			return err
		}
		if ok, err := s.hasSlot(c, tx, c.session.Account, in.Slot[:], "device"); err != nil || !ok {
			return or(err, errCode(api.Conflict, "the keyring has no such device"))
		}
		return tx.SetSessionSlot(c, c.session.ID, store.ID(in.Slot))
	})
}
