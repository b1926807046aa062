package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nescio-go/nescio/examples/keys/keyfile"
	"github.com/nescio-go/nescio/examples/service/store"
	"github.com/nescio-go/nescio/opaque"
)

// What all servers have to change at the same moment is in the database, with a
// time after two polls of every server: state keys and weights.

const notice = 3 * pollTime

// prepareFleet makes the first state key, and gives the offered kind a weight.
func (s *Server) prepareFleet(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFleet(ctx); err != nil {
			return err
		}
		if err := s.rotate(ctx, tx); err != nil {
			return err
		}
		kind := kindProton
		if s.Offer == OfferOPAQUE {
			kind = nameOf(s.offered())
		}
		weights, err := tx.Weights(ctx)
		if err != nil || slices.ContainsFunc(weights, func(w store.Weight) bool { return w.Kind == kind && w.Weight > 0 }) {
			return err
		}
		w := store.Weight{Kind: kind, Weight: 1, NotBefore: s.now().Add(notice)}
		if len(weights) == 0 {
			w.NotBefore = time.UnixMilli(0)
		}
		return tx.AddWeight(ctx, w)
	})
}

// ReplaceStateKeys drops all state keys and makes a new one, after a leak. Logins
// in progress fail, and begin again. Servers that
// run need a minute to notice, in which logins between two of them fail.
func ReplaceStateKeys(ctx context.Context, db *store.DB, keys *keyfile.Keys, now time.Time) error {
	secrets, err := deriveSecrets(keys)
	if err != nil {
		return err
	}
	if err := checkSecrets(ctx, db, secrets, false); err != nil {
		return err
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFleet(ctx); err != nil {
			return err
		}
		old, err := tx.StateKeys(ctx)
		if err != nil {
			return err
		}
		for _, k := range old {
			if err := tx.RemoveStateKey(ctx, k.ID); err != nil {
				return err
			}
		}
		return addStateKey(ctx, tx, secrets, now.Add(-notice))
	})
}

// addStateKey makes a state key.
func addStateKey(ctx context.Context, tx *store.Tx, s *secrets, notBefore time.Time) error {
	k := store.StateKey{ID: newID(), NotBefore: notBefore}
	key := keyfile.NewStateKey(notBefore).Key
	var err error
	if k.Sealed, err = s.sealed(ctx, sealStateKey, k.ID[:], key[:]); err != nil {
		return err
	}
	return tx.AddStateKey(ctx, k)
}

// rotate adds a state key if the newest is a day old, and removes keys that
// open nothing any more.
func (s *Server) rotate(ctx context.Context, tx *store.Tx) error {
	keys, err := tx.StateKeys(ctx)
	if err != nil {
		return err
	}
	now := s.now()
	if len(keys) == 0 || now.Sub(keys[len(keys)-1].NotBefore) >= stateKeyTime {
		notBefore := now.Add(notice)
		if len(keys) == 0 {
			notBefore = now.Add(-notice) // nobody waits for it
		}
		if err := addStateKey(ctx, tx, s.secrets, notBefore); err != nil {
			return err
		}
	}
	for i := 0; i+1 < len(keys); i++ {
		if now.Sub(keys[i+1].NotBefore) > opaque.DefaultLifetime+notice {
			if err := tx.RemoveStateKey(ctx, keys[i].ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// poll takes what servers have changed.
func (s *Server) poll(ctx context.Context) error {
	stored, err := s.db.StateKeys(ctx)
	if err != nil {
		return err
	}
	weights, err := s.db.Weights(ctx)
	if err != nil {
		return err
	}
	kinds, err := s.db.Kinds(ctx)
	if err != nil {
		return err
	}
	// Packages srp and opaque go by the clock of the machine, and tests by
	// another.
	ahead := time.Until(s.Now())
	var keys []opaque.StateKey
	for _, k := range stored {
		key, err := s.secrets.open(ctx, sealStateKey, k.ID[:], k.Sealed)
		if err != nil || len(key) != 32 {
			return errors.New("a state key in the database cannot be opened")
		}
		keys = append(keys, opaque.StateKey{Key: [32]byte(key), NotBefore: k.NotBefore.Add(-ahead)})
	}
	s.knownKinds = kinds
	p, err := s.newProtocols(keys, weightsAt(weights, s.now()))
	if err != nil {
		return err
	}
	s.protocols.Store(p)
	return nil
}

// Run polls the database, rotates state keys, deletes what has expired and tells
// the Notifier, until ctx ends.
func (s *Server) Run(ctx context.Context) {
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.Tend(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("the database could not be polled", "error", err)
		}
	}
}

// Tend is one round of Run.
func (s *Server) Tend(ctx context.Context) error {
	s.addresses.sweep(s.now())
	if err := s.checkClock(ctx); err != nil {
		return err
	}
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFleet(ctx); err != nil {
			return err
		}
		return s.rotate(ctx, tx)
	})
	for more := true; more && err == nil; {
		err = s.db.Tx(ctx, func(tx *store.Tx) (err error) {
			if err = tx.LockFleet(ctx); err == nil { // two sweeps would wait for each other's rows
				more, err = tx.Sweep(ctx, s.now(), 1000)
			}
			return err
		})
	}
	return errors.Join(err, s.poll(ctx), s.tell(ctx))
}

// maxSkew is how much the clock of a server may differ from the database's. With
// a larger difference it would remove keys that others use.
const maxSkew = 5 * time.Second

func (s *Server) checkClock(ctx context.Context) error {
	if !s.realClock {
		return nil
	}
	t, err := s.db.Time(ctx)
	if err != nil {
		return err
	}
	if skew := s.now().Sub(t).Abs(); skew > maxSkew {
		return fmt.Errorf("the clock of this server and of the database differ by %v", skew.Round(time.Millisecond))
	}
	return nil
}
