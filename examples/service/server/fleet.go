package server

import (
	"context"
	"errors"
	"fmt"
	"math"
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
		kind := map[string]string{OfferOPAQUE: kindOPAQUE, OfferProton: kindProton}[s.Offer]
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

// rotate adds a state key if the newest is a day old, and removes keys that
// open nothing any more.
func (s *Server) rotate(ctx context.Context, tx *store.Tx) error {
	keys, err := tx.StateKeys(ctx)
	if err != nil {
		return err
	}
	now := s.now()
	if len(keys) == 0 || now.Sub(keys[len(keys)-1].NotBefore) >= stateKeyTime {
		k := store.StateKey{ID: newID(), NotBefore: now.Add(notice)}
		if len(keys) == 0 {
			k.NotBefore = time.UnixMilli(0) // nobody waits for it
		}
		key := keyfile.NewStateKey(k.NotBefore)
		if k.Sealed, err = s.secrets.sealed(ctx, sealStateKey, k.ID[:], key.Key[:]); err != nil {
			return err
		}
		if err := tx.AddStateKey(ctx, k); err != nil {
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

// Run polls the database, rotates state keys, and deletes what has expired,
// until ctx ends.
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
	err := s.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFleet(ctx); err != nil {
			return err
		}
		return s.rotate(ctx, tx)
	})
	if err == nil {
		err = s.poll(ctx)
	}
	for more := true; more && err == nil; {
		more, err = s.db.Sweep(ctx, s.now(), 1000)
	}
	s.addresses.sweep(s.now())
	return err
}

// SetWeight raises the weight of a kind on all servers, some minutes from now.
func SetWeight(ctx context.Context, db *store.DB, kind string, weight uint32, now time.Time) (from time.Time, err error) {
	if !slices.Contains(Kinds, kind) || weight == 0 || weight > 1<<20 {
		return from, fmt.Errorf("a weight is from 1 to %d, of %v", 1<<20, Kinds)
	}
	from = now.Add(notice)
	return from, db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFleet(ctx); err != nil {
			return err
		}
		weights, err := tx.Weights(ctx)
		if err != nil {
			return err
		}
		if old := weightsAt(weights, time.UnixMilli(math.MaxInt64))[kind]; old >= weight {
			return fmt.Errorf("the weight is %d, and never falls: answers for unknown names would change", old)
		}
		return tx.AddWeight(ctx, store.Weight{Kind: kind, Weight: weight, NotBefore: from})
	})
}
