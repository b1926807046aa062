package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nescio-go/nescio/examples/service/store"
)

// Notifier tells a user what has happened to the account, for example by
// e-mail. A notice never contains a link that resets something.
type Notifier interface {
	// Notify may be called again for a notice after an error or a crash.
	Notify(ctx context.Context, n Notice) error
}

// Notice is an event that the user should know of.
type Notice struct {
	ID      store.ID // of the event, to recognize a repetition
	Account store.ID
	Names   []string // of the account, none for a former one
	Event   string
	Address string // shortened
	Time    time.Time
}

// logNotifier writes notices to the log, without names and addresses.
type logNotifier struct{ log *slog.Logger }

func (l logNotifier) Notify(_ context.Context, n Notice) error {
	l.log.Info("notice", "event", n.Event, "time", n.Time)
	return nil
}

// tell gives new events to the Notifier. An event stays until the Notifier has
// it, or until it is deleted. Another server may give it twice.
func (s *Server) tell(ctx context.Context) error {
	events, err := s.db.Notices(ctx, 1000)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range events {
		names, err := s.namesOf(ctx, e.Account)
		if err != nil {
			return err
		}
		n := Notice{ID: e.ID, Account: e.Account, Names: names, Event: e.Kind, Address: e.Address, Time: e.Time}
		if err := s.Notifier.Notify(ctx, n); err != nil {
			errs = append(errs, err) // others must not wait for it
			continue
		}
		if err := s.db.Noticed(ctx, e.ID); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}
