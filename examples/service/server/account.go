package server

import (
	"context"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/srp"
)

// account tells a user what is stored of the account.
func (s *Server) account(c *call, _ none) (out api.Account, err error) {
	account, err := s.db.Account(c, c.session.Account)
	if err != nil {
		return out, err
	}
	if !account.Known {
		return out, store.ErrNotFound
	}
	summary, err := s.db.Summary(c, account.ID)
	if err != nil {
		return out, err
	}
	names, err := s.namesOf(c, account.ID)
	if err != nil {
		return out, err
	}
	out = api.Account{
		ID: api.ID(account.ID), Names: names, Protocol: "opaque", Slot: slotOf(account.Slot), TOTP: summary.TOTP,
		Codes: summary.Codes, Phrase: summary.Phrase, Files: summary.Files, Former: summary.Former, Created: summary.Created.Unix(), Items: int(summary.Items), Bytes: summary.Bytes,
	}
	if account.Record[0] == protocolSRP {
		r, err := srp.ParseRecord(account.Record)
		if err != nil {
			return out, err
		}
		out.Protocol = r.Profile().String()
	}
	return out, nil
}

func (s *Server) namesOf(ctx context.Context, account store.ID) (names []string, err error) {
	stored, err := s.db.Names(ctx, account)
	if err != nil {
		return nil, err
	}
	for _, n := range stored {
		name, err := s.secrets.open(ctx, sealName, n.Key, n.Sealed)
		if err != nil {
			return nil, err
		}
		names = append(names, string(name))
	}
	return names, nil
}

// deleteAccount deletes an account. Its names are not given out again. If there
// is a former account, it gets them back: the operator may have believed an
// impostor.
func (s *Server) deleteAccount(c *call, _ api.Empty) (api.Empty, error) {
	return api.Empty{}, s.stepped(c, func(tx *store.Tx, account store.Account) error {
		formers, err := tx.Formers(c, account.ID)
		if err != nil {
			return err
		}
		if len(formers) > 0 {
			if err := tx.GiveBack(c, account.ID, formers[0]); err != nil {
				return err
			}
			if err := tx.AddEvent(c, formers[0], s.notice(c, "the account that replaced this one was deleted")); err != nil {
				return err
			}
		}
		return tx.Delete(c, account.ID)
	})
}

const maxEvents = 100 // of a page

// events lists a page of events.
func (s *Server) events(c *call, _ none) (out api.Events, err error) {
	before, id, err := c.before()
	if err != nil {
		return out, err
	}
	found, err := s.db.Events(c, c.session.Account, before, id, maxEvents)
	out.Events = make([]api.Event, 0, len(found))
	for _, e := range found {
		out.Events = append(out.Events, api.Event{Time: e.Time.Unix(), Kind: e.Kind, Address: e.Address})
	}
	if len(found) == maxEvents {
		last := found[maxEvents-1]
		out.Before = cursor(last.Time, last.ID)
	}
	return out, err
}
