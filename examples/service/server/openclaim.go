package server

import (
	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
)

// slotTypes are the slots that open the keyring for claims.
var slotTypes = map[api.Way]string{
	api.WayFile: "file", api.WayContacts: "contacts", api.WayDevice: "device", api.WayPassword: "device",
}

// openClaim opens the session of a claim that is ready. The answer may be lost,
// so it can be repeated until the claim is used. Only the last session counts.
func (s *Server) openClaim(c *call, in api.ClaimToken) (out api.Opened, err error) {
	err = s.claimed(c, in.Token, func(tx *store.Tx, account store.Account, claim store.Claim) error {
		way := api.Way(claim.Way)
		if !account.Known || claim.Fresh {
			return errNotReady
		}
		if ok, err := s.hasSlot(c, tx, account.ID, claim.Slot, slotTypes[way]); err != nil || !ok {
			return or(err, errNotReady)
		}
		if err := tx.EndClaimSessions(c, account.ID, claim.ID); err != nil {
			return err
		}
		var opened store.Session
		kind := "claim opened: " + claim.Way
		switch way {
		case api.WayDevice:
			kind = "device approved"
			opened = s.recovered(c, account, way, claim.Slot)
			opened.Recovered, opened.Expires = false, c.now.Add(deviceTime)
		case api.WayPassword:
			opened = s.recovered(c, account, api.WayDevice, claim.Slot)
		default:
			opened = s.recovered(c, account, way, claim.Slot)
		}
		opened.Claim = claim.ID[:]
		if way == api.WayFile {
			sealed, _, err := tx.File(c, account.ID, store.ID(claim.Slot))
			if err != nil {
				return err
			}
			if out.Half, err = s.secrets.open(c, sealHalf, claim.Slot, sealed); err != nil {
				return err
			}
		}
		if err := s.tellBoth(c, tx, account.ID, kind); err != nil {
			return err
		}
		out.Session, out.Account, out.Slot = api.ID(opened.ID), api.ID(account.ID), slotOf(account.Slot)
		out.Token, err = s.begin(c, tx, opened, false)
		return err
	}, api.ClaimReady)
	return out, err
}

// or returns an error, or another one if it is nil.
func or(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// claimAccount makes a new account under the names of the old one. The old one
// becomes a former account, and all its sessions end.
func (s *Server) claimAccount(c *call, in api.NewAccount) (api.Empty, error) {
	id, err := s.readRegistrationToken(c, in.Registration)
	if err != nil {
		return api.Empty{}, err
	}
	record, err := s.finishRegistration(nil, in.Upload)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, s.claimed(c, in.Token, func(tx *store.Tx, old store.Account, claim store.Claim) error {
		if !old.Known || !claim.Fresh {
			return errNotReady
		}
		// A former account has no names, and a registration makes one account.
		names, err := tx.Names(c, old.ID)
		if err != nil {
			return err
		}
		made, err := tx.Account(c, id)
		if err != nil || made.Known || len(names) == 0 {
			return or(err, errNotReady)
		}
		if err := tx.Replace(c, old.ID, store.Account{ID: id, Record: record}, c.now); err != nil {
			return err
		}
		if err := s.noteKind(c, tx, record); err != nil {
			return err
		}
		if err := tx.EndOtherSessions(c, old.ID, store.ID{}, ""); err != nil {
			return err
		}
		if err := s.endClaims(c, tx, old.ID, api.ClaimCancelled); err != nil { // the trouble is over
			return err
		}
		if err := tx.AddEvent(c, old.ID, s.event(c, "replaced by a new account")); err != nil {
			return err
		}
		return tx.AddEvent(c, id, s.notice(c, "new account after a review"))
	}, api.ClaimReady)
}

// endClaims ends the open claims of an account that was recovered, and those in
// other states. Those that any stranger can begin lapse by themselves: their
// answers must be those for unknown names.
func (s *Server) endClaims(c *call, tx *store.Tx, account store.ID, more ...api.ClaimState) error {
	for _, state := range append(more, api.ClaimWaiting, api.ClaimReview) {
		if err := tx.EndClaims(c, account, string(state), string(api.ClaimDone)); err != nil {
			return err
		}
	}
	return nil
}
