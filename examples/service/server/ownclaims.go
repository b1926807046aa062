package server

import (
	"bytes"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// told reports whether an account's sessions see a claim. They see no claim that
// any stranger can begin.
func told(claim store.Claim) bool {
	switch api.Way(claim.Way) {
	case api.WayDevice:
		return false // an event tells of the approval
	case api.WayReview:
		return claim.Fresh
	}
	return claim.State != string(api.ClaimAsked)
}

func (s *Server) claims(c *call, _ none) (out api.OwnClaims, err error) {
	now, err := s.claimClock(c, s.db)
	if err != nil {
		return out, err
	}
	all, err := s.db.Claims(c, c.session.Account, now)
	out.Claims = []api.OwnClaim{}
	for _, claim := range all {
		state := stateOf(claim, now)
		if !told(claim) {
			continue
		}
		one := api.OwnClaim{
			ID: api.ID(claim.ID), Way: api.Way(claim.Way), State: state, Begun: claim.Begun.Unix(), Doubled: claim.Doubled, Account: claim.Fresh, Address: claim.Address,
		}
		if state == api.ClaimWaiting {
			one.Opens = claim.Opens.Unix()
		}
		out.Claims = append(out.Claims, one)
	}
	return out, err
}

// delayClaim doubles the wait of a claim, once. Any session may do it.
func (s *Server) delayClaim(c *call, in api.ClaimID) (api.Empty, error) {
	return api.Empty{}, s.db.Tx(c, func(tx *store.Tx) error {
		if _, err := tx.LockAccount(c, c.session.Account); err != nil {
			return err
		}
		claim, state, err := s.ownClaim(c, tx, in)
		if err != nil {
			return err
		}
		if state != api.ClaimWaiting || claim.Doubled {
			return errNotReady
		}
		claim.Doubled, claim.Opens = true, claim.Opens.Add(s.ClaimWait)
		claim.Ends = claim.Opens.Add(claimTime)
		claim.Expires = claim.Ends.Add(historyTime)
		if err := tx.SetClaim(c, claim); err != nil {
			return err
		}
		return tx.AddEvent(c, claim.Account, s.event(c, "claim delayed: "+claim.Way))
	})
}

// cancelClaim ends a claim and its sessions. Later claims are reviewed for some
// time.
func (s *Server) cancelClaim(c *call, in api.ClaimID) (api.Empty, error) {
	return api.Empty{}, s.stepped(c, func(tx *store.Tx, account store.Account) error {
		claim, state, err := s.ownClaim(c, tx, in)
		if err != nil {
			return err
		}
		if !open(state) {
			return errNotReady
		}
		now, err := s.claimClock(c, tx)
		if err != nil {
			return err
		}
		all, err := tx.Claims(c, account.ID, now)
		if err != nil {
			return err
		}
		for _, one := range all { // its twins too, which would be ready without a review
			if one.ID != claim.ID && (one.Way != claim.Way || claim.Slot == nil || !bytes.Equal(one.Slot, claim.Slot) || !open(stateOf(one, now))) {
				continue
			}
			until(&one, api.ClaimCancelled, now)
			if err := tx.SetClaim(c, one); err != nil {
				return err
			}
			if err := tx.EndClaimSessions(c, account.ID, one.ID); err != nil {
				return err
			}
		}
		return tx.AddEvent(c, account.ID, s.notice(c, "claim cancelled: "+claim.Way))
	})
}

// open reports whether a claim may still get into the account.
func open(state api.ClaimState) bool {
	return state == api.ClaimWaiting || state == api.ClaimReview || state == api.ClaimReady
}

func (s *Server) ownClaim(c *call, tx *store.Tx, in api.ClaimID) (claim store.Claim, state api.ClaimState, err error) {
	now, err := s.claimClock(c, tx)
	if err != nil {
		return claim, state, err
	}
	claim, err = tx.Claim(c, store.ID(in.Claim))
	if err == store.ErrNotFound || err == nil && (claim.Account != c.session.Account || !told(claim)) {
		err = errNoClaim
	}
	return claim, stateOf(claim, now), err
}
