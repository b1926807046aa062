package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// A claim gets into an account without its password. A token is the only key to
// it. A wrong claim has the same answers as a right one, until a right one would
// open.

var (
	errNoClaim  = errCode(api.NotFound, "there is no such claim")
	errNotReady = errCode(api.Conflict, "the claim does not allow this now")
)

// clock is a database, or a transaction.
type clock interface {
	Time(context.Context) (time.Time, error)
}

// claimClock returns the time of the database, by which claims wait.
func (s *Server) claimClock(c *call, of clock) (time.Time, error) {
	if !s.realClock {
		return c.now, nil
	}
	return of.Time(c)
}

// beginClaim begins a claim of an account by its name.
func (s *Server) beginClaim(c *call, in api.BeginClaim) (out api.Claimed, err error) {
	if !validClaim(in) {
		return out, errCode(api.Malformed, "the claim is not valid")
	}
	p := s.protocols.Load()
	account, key, err := s.named(c, p, in.Name, in.Former)
	if err != nil {
		return out, err
	}
	claim := store.Claim{
		ID: newID(), Account: account.ID, Number: p.falseNumber(key, in.Former), Way: string(in.Way), Slot: slotBytes(in.Slot),
	}
	number, err := s.db.Number(c, account.ID)
	if err != nil {
		return out, err
	}
	copy(claim.Number[:], number)
	if in.Way == api.WayReview {
		if claim.Text, err = s.secrets.sealed(c, sealText, claim.ID[:], []byte(in.Text)); err != nil {
			return out, err
		}
	}
	// Each way has tries of its own. A stranger cannot use up those of the file.
	budget, right := in.Way, false
	if in.Way == api.WayFile {
		_, proof, err := s.db.File(c, account.ID, store.ID(*in.Slot))
		if err != nil {
			return out, err
		}
		digest := sha256.Sum256(in.Proof)
		if right = account.Known && subtle.ConstantTimeCompare(proof, digest[:]) == 1; right {
			budget = "right file"
		}
	}
	return s.addClaim(c, claim, budget, func(tx *store.Tx, claim *store.Claim) error {
		switch in.Way {
		case api.WayFile:
			if !right {
				claim.Account = newID() // nobody's
				s.wait(claim, claim.Begun)
				return nil
			}
			return s.await(c, tx, claim, claim.Begun)
		case api.WayContacts:
			until(claim, api.ClaimAsked, claim.Begun.Add(askTime))
		case api.WayDevice:
			until(claim, api.ClaimAsked, claim.Begun.Add(joinTime))
		case api.WayReview:
			until(claim, api.ClaimReview, claim.Begun.Add(reviewTime))
		}
		return nil
	})
}

func validClaim(in api.BeginClaim) bool {
	slot, proof, text := in.Slot != nil, len(in.Proof) == 32, in.Text != ""
	switch in.Way {
	case api.WayFile:
		return slot && proof && !text
	case api.WayContacts, api.WayDevice:
		return !slot && in.Proof == nil && !text
	case api.WayReview:
		return !slot && in.Proof == nil && text && in.Former == 0 && len(in.Text) <= api.MaxText && utf8.ValidString(in.Text)
	}
	return false
}

// claimPassword lets an approved device set a password after a wait.
func (s *Server) claimPassword(c *call, _ api.Empty) (api.Claimed, error) {
	claim := store.Claim{ID: newID(), Account: c.session.Account, Way: string(api.WayPassword), Slot: c.session.Slot}
	return s.addClaim(c, claim, api.WayPassword, func(tx *store.Tx, claim *store.Claim) error {
		h, ok, err := s.slotOfHeader(c, tx, claim.Account, claim.Slot, "device")
		if err != nil {
			return err
		}
		if !ok {
			return errNotReady
		}
		claim.Number = store.ID(h.Account())
		return s.await(c, tx, claim, claim.Begun)
	})
}

// addClaim stores a claim, once f has set its state. It costs a try.
func (s *Server) addClaim(c *call, claim store.Claim, budget api.Way, f func(*store.Tx, *store.Claim) error) (out api.Claimed, err error) {
	kind, from := "claim by "+string(budget), []byte(network(c.address).String())
	if claim.Way != string(api.WayReview) { // reviews of all names count together: people read them
		from = append(claim.Account[:], from...)
	}
	if err := s.spend(c, budgetID(kind, from), s.Limits.Claims); err != nil {
		return out, err
	}
	if err := s.spend(c, budgetID(kind, claim.Account[:]), s.Limits.AllClaims); err != nil {
		return out, err
	}
	if claim.Begun, err = s.claimClock(c, s.db); err != nil {
		return out, err
	}
	claim.Opens, claim.Address = claim.Begun, shortened(c.address)
	token, stored := newToken()
	err = s.db.Tx(c, func(tx *store.Tx) error {
		if _, err := tx.LockAccount(c, claim.Account); err != nil {
			return err
		}
		if err := f(tx, &claim); err != nil {
			return err
		}
		return tx.AddClaim(c, stored, claim)
	})
	return api.Claimed{Token: token, Number: api.ID(claim.Number)}, err
}

// wait makes a claim wait for objections from now on.
func (s *Server) wait(claim *store.Claim, now time.Time) {
	claim.State, claim.Opens = string(api.ClaimWaiting), now.Add(s.ClaimWait)
	claim.Ends = claim.Opens.Add(claimTime)
	claim.Expires = claim.Ends.Add(historyTime)
}

// await makes a right claim wait, and tells everybody. After trouble with earlier
// claims the operator looks at it first.
func (s *Server) await(c *call, tx *store.Tx, claim *store.Claim, now time.Time) error {
	earlier, err := tx.Claims(c, claim.Account, now)
	if err != nil {
		return err
	}
	kind := "claim begun: "
	s.wait(claim, now)
	if troubled(earlier, now) {
		kind = "claim for review: "
		until(claim, api.ClaimReview, now.Add(reviewTime))
	}
	return s.tellBoth(c, tx, claim.Account, kind+claim.Way)
}

// tellBoth tells an account, and the one that has its names now: a former account
// may have no session, and no name for the Notifier.
func (s *Server) tellBoth(c *call, tx *store.Tx, account store.ID, kind string) error {
	if err := tx.AddEvent(c, account, s.notice(c, kind)); err != nil {
		return err
	}
	current, err := tx.Current(c, account)
	if err == store.ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.AddEvent(c, current, s.notice(c, "former account, "+kind))
}

// maxFailed is the number of claims that may fail before claims are reviewed.
const maxFailed = 5

// troubled reports whether a claim was cancelled, or several have failed, in the
// last 30 days.
func troubled(earlier []store.Claim, now time.Time) bool {
	failed := 0
	for _, claim := range earlier {
		switch {
		case claim.Way == string(api.WayDevice): // another device has approved it
		case claim.State == string(api.ClaimCancelled):
			return true
		case claim.State == string(api.ClaimWaiting) && stateOf(claim, now) == api.ClaimFailed && now.Before(claim.Ends.Add(historyTime)):
			failed++
		}
	}
	return failed >= maxFailed
}

// until puts a claim into a state that ends at a time.
func until(claim *store.Claim, state api.ClaimState, end time.Time) {
	claim.State, claim.Ends, claim.Expires = string(state), end, end.Add(historyTime)
}

// stateOf returns the state of a claim at a time.
func stateOf(claim store.Claim, now time.Time) api.ClaimState {
	state := api.ClaimState(claim.State)
	switch {
	case state == api.ClaimDone, state == api.ClaimCancelled, state == api.ClaimRefused:
		return state
	case !now.Before(claim.Ends):
		return api.ClaimFailed
	case state == api.ClaimWaiting && !now.Before(claim.Opens):
		return api.ClaimReady
	}
	return state
}

// claimStatus tells a claimant what has become of a claim.
func (s *Server) claimStatus(c *call, in api.ClaimToken) (out api.Claim, err error) {
	claim, now, err := s.claimOf(c, in.Token)
	if err != nil {
		return out, err
	}
	account, err := s.db.Account(c, claim.Account)
	if err != nil {
		return out, err
	}
	out = api.Claim{Way: api.Way(claim.Way), State: stateOf(claim, now), Ends: claim.Ends.Unix(), Account: claim.Fresh, Asks: []api.Asked{}}
	if out.State == api.ClaimReady && !account.Known {
		out.State = api.ClaimFailed
	}
	if out.State == api.ClaimWaiting {
		out.Opens = claim.Opens.Unix()
	}
	if claim.Reason != nil {
		reason, err := s.secrets.open(c, sealReason, claim.ID[:], claim.Reason)
		if err != nil {
			return out, err
		}
		out.Reason = string(reason)
	}
	asks, err := s.db.AsksOf(c, claim.ID)
	for _, a := range asks {
		out.Asks = append(out.Asks, api.Asked{ID: api.ID(a.ID), Answer: a.Answer, Grant: a.Granted})
	}
	return out, err
}

// claimOf returns the claim of a token, and the time.
func (s *Server) claimOf(c *call, token string) (claim store.Claim, now time.Time, err error) {
	if now, err = s.claimClock(c, s.db); err != nil {
		return claim, now, err
	}
	claim, err = s.db.ClaimOf(c, digestOf(token), now)
	if err == store.ErrNotFound {
		err = errNoClaim
	}
	return claim, now, err
}

// claimed runs f on a claim that is in one of some states. The account is locked.
func (s *Server) claimed(c *call, token string, f func(*store.Tx, store.Account, store.Claim) error, states ...api.ClaimState) error {
	found, now, err := s.claimOf(c, token)
	if err != nil {
		return err
	}
	return s.db.Tx(c, func(tx *store.Tx) error {
		account, err := tx.LockAccount(c, found.Account)
		if err != nil {
			return err
		}
		claim, err := tx.LockClaim(c, found.ID)
		if err == store.ErrNotFound {
			return errNoClaim
		}
		if err != nil {
			return err
		}
		if !slices.Contains(states, stateOf(claim, now)) {
			return errNotReady
		}
		return f(tx, account, claim)
	})
}
