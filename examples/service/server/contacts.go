package server

import (
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// contacts lists the invitations that the account has made and accepted.
func (s *Server) contacts(c *call, _ none) (out api.Contacts, err error) {
	all, err := s.db.Invitations(c, c.session.Account)
	out.Invited, out.Of = []api.Invitation{}, []api.ContactOf{}
	for _, i := range all {
		if i.Account == c.session.Account {
			out.Invited = append(out.Invited, api.Invitation{
				ID: api.ID(i.ID), Answer: i.Answer, Slot: slotOf(i.Slot), Received: i.Received, Created: i.Created.Unix(),
			})
		} else {
			out.Of = append(out.Of, api.ContactOf{ID: api.ID(i.ID), Slot: slotOf(i.Slot), Message: i.Message, Received: i.Received})
		}
	}
	return out, err
}

// invite makes an invitation. The client puts its id into a link.
func (s *Server) invite(c *call, _ api.Empty) (out api.InvitationID, err error) {
	out.Invitation = api.ID(newID())
	err = s.db.Tx(c, func(tx *store.Tx) error {
		account, err := tx.LockAccount(c, c.session.Account)
		if err != nil {
			return err
		}
		if !account.Known {
			return store.ErrNotFound
		}
		all, err := tx.Invitations(c, account.ID)
		if err != nil {
			return err
		}
		own := 0
		for _, i := range all {
			if i.Account == account.ID {
				own++
			}
		}
		if own >= api.MaxContacts {
			return errCode(api.Full, "the account has 32 invitations: remove one")
		}
		if err := tx.AddInvitation(c, store.Invitation{ID: store.ID(out.Invitation), Account: account.ID, Created: c.now}); err != nil {
			return err
		}
		return tx.AddEvent(c, account.ID, s.event(c, "contact invited"))
	})
	return out, err
}

// invitation runs f on an invitation that no other transaction changes. The
// account of the session is locked.
func (s *Server) invitation(c *call, id api.ID, f func(*store.Tx, store.Invitation) error) error {
	return s.db.Tx(c, func(tx *store.Tx) error {
		account, err := tx.LockAccount(c, c.session.Account)
		if err != nil {
			return err
		}
		if !account.Known {
			return store.ErrNotFound
		}
		i, err := tx.LockInvitation(c, store.ID(id))
		if err == store.ErrNotFound {
			err = errNoInvitation
		}
		if err != nil {
			return err
		}
		return f(tx, i)
	})
}

var errNoInvitation = errCode(api.NotFound, "there is no such invitation")

// acceptInvitation makes the account the contact of an invitation. Only the
// first account that has the link can accept.
func (s *Server) acceptInvitation(c *call, in api.Acceptance) (api.Empty, error) {
	if len(in.Answer) == 0 || len(in.Answer) > api.MaxAcceptance {
		return api.Empty{}, errCode(api.Malformed, "the answer is not valid")
	}
	return api.Empty{}, s.invitation(c, in.Invitation, func(tx *store.Tx, i store.Invitation) error {
		switch {
		case i.Account == c.session.Account:
			return errCode(api.Conflict, "this is your own invitation")
		case i.Contact != nil && string(i.Answer) == string(in.Answer) && string(i.Contact) == string(c.session.Account[:]):
			return nil // the answer was lost
		case i.Contact != nil:
			return errCode(api.Conflict, "the invitation was accepted already")
		}
		all, err := tx.Invitations(c, i.Account)
		if err != nil {
			return err
		}
		for _, other := range all {
			if other.Account == i.Account && string(other.Contact) == string(c.session.Account[:]) {
				return errCode(api.Conflict, "you are a contact of this account already")
			}
		}
		i.Contact, i.Answer = c.session.Account[:], in.Answer
		if err := tx.SetInvitation(c, i); err != nil {
			return err
		}
		return tx.AddEvent(c, i.Account, s.notice(c, "contact accepted"))
	})
}

// deliver stores a contact's share, which only the contact can open.
func (s *Server) deliver(c *call, in api.Delivery) (api.Empty, error) {
	if len(in.Message) == 0 || len(in.Message) > api.MaxDelivery {
		return api.Empty{}, errCode(api.Malformed, "the message is not valid")
	}
	return api.Empty{}, s.db.Tx(c, func(tx *store.Tx) error {
		if _, err := tx.LockAccount(c, c.session.Account); err != nil {
			return err
		}
		i, err := tx.LockInvitation(c, store.ID(in.Invitation))
		if err == store.ErrNotFound || err == nil && i.Account != c.session.Account {
			err = errNoInvitation
		}
		if err != nil {
			return err
		}
		switch {
		case i.Contact == nil:
			return errCode(api.Conflict, "the contact has not accepted yet")
		case string(i.Slot) == string(in.Slot[:]): // a session alone must not replace a share
			return repeated(i.Message, in.Message)
		}
		if ok, err := s.hasSlot(c, tx, i.Account, in.Slot[:], "contacts"); err != nil || !ok {
			return or(err, errCode(api.Conflict, "the keyring has no such slot"))
		}
		i.Slot, i.Message, i.Received = in.Slot[:], in.Message, false
		return tx.SetInvitation(c, i)
	})
}

// received notes that a contact has kept the share. The message is deleted.
func (s *Server) received(c *call, in api.Receipt) (api.Empty, error) {
	return api.Empty{}, s.invitation(c, in.Invitation, func(tx *store.Tx, i store.Invitation) error {
		if string(i.Contact) != string(c.session.Account[:]) {
			return errNoInvitation
		}
		if string(i.Slot) != string(in.Slot[:]) { // the owner may have replaced it meanwhile
			return errCode(api.Conflict, "there is no such share to receive")
		}
		i.Message, i.Received = nil, true
		return tx.SetInvitation(c, i)
	})
}

// removeInvitation ends an invitation, by its owner or its contact.
func (s *Server) removeInvitation(c *call, in api.InvitationID) (api.Empty, error) {
	return api.Empty{}, s.stepped(c, func(tx *store.Tx, account store.Account) error {
		i, err := tx.LockInvitation(c, store.ID(in.Invitation))
		if err == store.ErrNotFound || err == nil && i.Account != account.ID && string(i.Contact) != string(account.ID[:]) {
			err = errNoInvitation
		}
		if err != nil {
			return err
		}
		if err := tx.RemoveInvitation(c, i.ID); err != nil {
			return err
		}
		return tx.AddEvent(c, i.Account, s.notice(c, "contact removed"))
	})
}
