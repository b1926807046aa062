package server

import (
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/recovery/contacts"
)

// The service relays the messages of packages recovery and contacts between
// somebody who asks and somebody who grants. It cannot read a grant.

const (
	maxAsks    = 100 // of a page
	maxAnswers = 3   // of a contact in a claim, so that it cannot answer for the others
)

// askClaim stores a question of a claim.
func (s *Server) askClaim(c *call, in api.NewAsk) (out api.AskID, err error) {
	if len(in.Ask) == 0 || len(in.Ask) > api.MaxAsk {
		return out, errCode(api.Malformed, "the question is not valid")
	}
	err = s.claimed(c, in.Token, func(tx *store.Tx, _ store.Account, claim store.Claim) error {
		// A contact may have given a worthless share, so more can be asked for
		// while the claim waits.
		limit := api.MaxContacts
		if claim.Way != string(api.WayContacts) {
			limit = 1
			if claim.State != string(api.ClaimAsked) {
				return errNotReady
			}
		}
		asks, err := tx.AsksOf(c, claim.ID)
		if err != nil {
			return err
		}
		if len(asks) >= limit {
			return errCode(api.Full, "the claim has no more questions")
		}
		out.ID = api.ID(newID())
		return tx.AddAsk(c, store.Ask{
			ID: store.ID(out.ID), Claim: claim.ID, Account: claim.Account, Way: claim.Way, Ask: in.Ask,
			Begun: c.now, Address: shortened(c.address), Expires: claim.Ends,
		})
	}, api.ClaimAsked, api.ClaimWaiting)
	return out, err
}

// revealClaim stores the third message with typed codes.
func (s *Server) revealClaim(c *call, in api.Reveal) (api.Empty, error) {
	if len(in.Reveal) == 0 || len(in.Reveal) > api.MaxAnswer {
		return api.Empty{}, errCode(api.Malformed, "the message is not valid")
	}
	return api.Empty{}, s.claimed(c, in.Token, func(tx *store.Tx, _ store.Account, claim store.Claim) error {
		a, err := s.asked(c, tx, in.Ask)
		if err != nil {
			return err
		}
		switch {
		case a.Claim != claim.ID || a.Answer == nil:
			return errNotReady
		case a.Reveal != nil:
			return repeated(a.Reveal, in.Reveal)
		}
		a.Reveal = in.Reveal
		return tx.SetAsk(c, a)
	}, api.ClaimAsked, api.ClaimWaiting)
}

// asks lists the questions that the session may grant.
func (s *Server) asks(c *call, _ none) (out api.Asks, err error) {
	out.Asks = []api.Ask{}
	before, id, err := c.before()
	if err != nil {
		return out, err
	}
	found, err := s.db.AsksTo(c, c.session.Account, c.now, before, id, maxAsks)
	for _, a := range found {
		out.Asks = append(out.Asks, api.Ask{
			ID: api.ID(a.ID), Way: api.Way(a.Way), Number: api.ID(a.Number), Ask: a.Ask, Reveal: a.Reveal, Asked: a.Begun.Unix(), Address: a.Address,
		})
	}
	if len(found) == maxAsks {
		last := found[maxAsks-1]
		out.Before = cursor(last.Begun, last.ID)
	}
	return out, err
}

func (s *Server) asked(c *call, tx *store.Tx, id api.ID) (store.Ask, error) {
	a, err := tx.Asked(c, store.ID(id), c.now)
	if err == store.ErrNotFound {
		err = errCode(api.NotFound, "there is no such question")
	}
	return a, err
}

// granting runs f on a question that the session may grant, at the time by which
// its claim waits. The account of the question is locked.
func (s *Server) granting(c *call, id api.ID, f func(*store.Tx, store.Account, store.Ask, store.Claim, time.Time) error) error {
	return s.db.Tx(c, func(tx *store.Tx) error {
		a, err := s.asked(c, tx, id)
		if err != nil {
			return err
		}
		if err := s.mayGrant(c, tx, a, nil); err != nil {
			return err
		}
		account, err := tx.LockAccount(c, a.Account)
		if err != nil {
			return err
		}
		if a, err = s.asked(c, tx, id); err != nil {
			return err
		}
		claim, err := tx.Claim(c, a.Claim)
		if err != nil {
			return err
		}
		now, err := s.claimClock(c, tx)
		if err != nil {
			return err
		}
		switch stateOf(claim, now) {
		case api.ClaimAsked, api.ClaimWaiting, api.ClaimReady, api.ClaimReview:
			return f(tx, account, a, claim, now)
		}
		return errNotReady // it was cancelled, for example
	})
}

// mayGrant reports whether a question is for the session: of the same account,
// or of the owner of a share that its account has received.
func (s *Server) mayGrant(c *call, tx *store.Tx, a store.Ask, slot *api.ID) error {
	none := errCode(api.NotFound, "there is no such question")
	if a.Way == string(api.WayDevice) {
		if a.Account != c.session.Account {
			return none
		}
		return nil
	}
	all, err := tx.Invitations(c, a.Account)
	for _, i := range all {
		if i.Account == a.Account && string(i.Contact) == string(c.session.Account[:]) && i.Received && (slot == nil || string(i.Slot) == string(slot[:])) {
			return nil
		}
	}
	return or(err, none)
}

// repeated returns nil for a message that is stored: its answer was lost.
func repeated(stored, again []byte) error {
	if string(stored) != string(again) {
		return errNotReady
	}
	return nil
}

// answerAsk stores the second message with typed codes, once.
func (s *Server) answerAsk(c *call, in api.AskAnswer) (api.Empty, error) {
	if len(in.Answer) == 0 || len(in.Answer) > api.MaxAnswer {
		return api.Empty{}, errCode(api.Malformed, "the message is not valid")
	}
	return api.Empty{}, s.granting(c, in.Ask, func(tx *store.Tx, _ store.Account, a store.Ask, _ store.Claim, _ time.Time) error {
		if a.Answer != nil || a.Granted != nil {
			return repeated(a.Answer, in.Answer)
		}
		asks, err := tx.AsksOf(c, a.Claim)
		if err != nil {
			return err
		}
		answered := 0
		for _, other := range asks {
			if string(other.Contact) == string(c.session.Account[:]) {
				answered++
			}
		}
		if a.Way == string(api.WayContacts) && answered >= maxAnswers {
			return errNotReady
		}
		a.Answer, a.Contact = in.Answer, c.session.Account[:]
		return tx.SetAsk(c, a)
	})
}

// grantAsk stores a grant. A new device can log in at once. A claim by contacts
// waits once enough of them have granted.
func (s *Server) grantAsk(c *call, in api.AskGrant) (api.Empty, error) {
	if len(in.Grant) == 0 || len(in.Grant) > api.MaxGrant {
		return api.Empty{}, errCode(api.Malformed, "the grant is not valid")
	}
	return api.Empty{}, s.granting(c, in.Ask, func(tx *store.Tx, account store.Account, a store.Ask, claim store.Claim, now time.Time) error {
		if a.Granted != nil {
			return repeated(a.Granted, in.Grant)
		}
		a.Granted, a.Slot = in.Grant, in.Slot[:]
		if a.Way == string(api.WayDevice) {
			return s.grantDevice(c, tx, account, a, claim, now)
		}
		if err := s.mayGrant(c, tx, a, &in.Slot); err != nil {
			return err
		}
		header, ok, err := s.slotOfHeader(c, tx, a.Account, a.Slot, "contacts")
		if err != nil || !ok {
			return or(err, errNotReady)
		}
		a.Contact = c.session.Account[:]
		asks, err := tx.AsksOf(c, a.Claim)
		if err != nil {
			return err
		}
		granted := map[string]bool{string(a.Contact): true} // a contact may give its share again
		for _, other := range asks {
			if other.Granted != nil && string(other.Slot) == string(a.Slot) {
				granted[string(other.Contact)] = true
			}
		}
		if err := tx.SetAsk(c, a); err != nil {
			return err
		}
		split, err := contacts.NewCollection(header, recovery.SlotID(a.Slot))
		if err != nil {
			return err
		}
		if len(granted) < split.Threshold() || stateOf(claim, now) != api.ClaimAsked {
			return nil
		}
		claim.Slot = a.Slot
		if err := s.await(c, tx, &claim, now); err != nil {
			return err
		}
		return tx.SetClaim(c, claim)
	})
}

// grantDevice lets a new device in. The password confirms it.
func (s *Server) grantDevice(c *call, tx *store.Tx, account store.Account, a store.Ask, claim store.Claim, now time.Time) error {
	if !session.allows(c.session) {
		return errCode(api.NotAllowed, "this session may not approve a device")
	}
	if err := s.useStepUp(c, tx, api.OpApprove); err != nil {
		return err
	}
	if ok, err := s.hasSlot(c, tx, account.ID, a.Slot, "device"); err != nil || !ok || stateOf(claim, now) != api.ClaimAsked {
		return or(err, errNotReady)
	}
	if err := tx.SetAsk(c, a); err != nil {
		return err
	}
	claim.Slot, claim.Opens = a.Slot, now
	until(&claim, api.ClaimWaiting, now.Add(recoveredTime))
	return tx.SetClaim(c, claim)
}
