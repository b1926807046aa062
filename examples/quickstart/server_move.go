package main

import (
	"context"
	"errors"

	"github.com/nescio-go/nescio/opaque"
	"github.com/nescio-go/nescio/srp"
)

// How an account moves to OPAQUE: registered inside a session that SRP began. Its
// verifier stays until the first login by OPAQUE has finished.

var errMoved = errors.New("the account has moved to OPAQUE")

// moved reports whether the account has left SRP for good.
func (a *account) moved() bool { return len(a.records[bySRP]) == 0 }

// mayMove lets only the first device register: a second one's record would leave
// behind the keys that are wrapped for the first one's.
func (s *server) mayMove(on session) error {
	if len(s.accounts[on.id].records[byOPAQUE]) > 0 {
		return errMoved
	}
	if on.migration == nil {
		return errSession
	}
	return nil
}

// registerOPAQUE answers the first message of a registration.
func (s *server) registerOPAQUE(ctx context.Context, on session, in sealed) (sealed, error) {
	if err := s.mayMove(on); err != nil {
		return sealed{}, err
	}
	request, err := on.migration.Open(opaque.MigrateRequest, in.Message)
	if err != nil {
		return sealed{}, err
	}
	response, err := s.opaque.Register(ctx, []byte(on.id), request)
	if err != nil {
		return sealed{}, err
	}
	return sealed{on.migration.Seal(opaque.MigrateResponse, response)}, nil
}

// admitOPAQUE stores the record that ends a registration, beside that of SRP.
func (s *server) admitOPAQUE(_ context.Context, on session, in sealed) (struct{}, error) {
	if err := s.mayMove(on); err != nil {
		return struct{}{}, err
	}
	record, err := on.migration.Open(opaque.MigrateUpload, in.Message)
	if err != nil {
		return struct{}{}, err
	}
	if err := s.opaque.Admit(record); err != nil {
		return struct{}{}, srp.ErrMalformed // what was not offered is the client's fault
	}
	s.accounts[on.id].records[byOPAQUE] = record
	s.lowerShare()
	return struct{}{}, nil
}

// lowerShare counts the accounts that are still on SRP. Their share never rises
// again, though new accounts may begin there: an unknown name that went back would
// give itself away. A real service counts once a day, and stores the number.
func (s *server) lowerShare() {
	left := 0
	for _, a := range s.accounts {
		if len(a.records[byOPAQUE]) == 0 {
			left++
		}
	}
	s.share = min(s.share, float64(left)/float64(len(s.accounts)))
}
