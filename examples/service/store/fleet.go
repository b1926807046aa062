package store

import (
	"context"
	"time"
)

// StateKey is a sealed state key.
type StateKey struct {
	ID        ID
	Sealed    []byte
	NotBefore time.Time
}

// StateKeys returns all state keys, the oldest first.
func (q *queries) StateKeys(ctx context.Context) (keys []StateKey, err error) {
	err = q.all(ctx, `SELECT id, sealed, not_before FROM state_keys ORDER BY not_before, id`, nil, func(scan func(...any) error) error {
		var k StateKey
		var id []byte
		var notBefore int64
		err := scan(&id, &k.Sealed, &notBefore)
		copy(k.ID[:], id)
		k.NotBefore = at(notBefore)
		keys = append(keys, k)
		return err
	})
	return keys, err
}

// AddStateKey stores a state key.
func (tx *Tx) AddStateKey(ctx context.Context, k StateKey) error {
	return tx.one(ctx, `INSERT INTO state_keys (id, sealed, not_before) VALUES ($1, $2, $3)`, k.ID[:], k.Sealed, millis(k.NotBefore))
}

// RemoveStateKey deletes a state key.
func (tx *Tx) RemoveStateKey(ctx context.Context, id ID) error {
	_, err := tx.exec(ctx, `DELETE FROM state_keys WHERE id = $1`, id[:])
	return err
}

// Weight is the weight of a kind from a time on.
type Weight struct {
	Kind      string
	Weight    uint32
	NotBefore time.Time
}

// Weights returns all weights, in the order of their times.
func (q *queries) Weights(ctx context.Context) (weights []Weight, err error) {
	err = q.all(ctx, `SELECT kind, weight, not_before FROM weights ORDER BY not_before, weight`, nil, func(scan func(...any) error) error {
		var w Weight
		var weight, notBefore int64
		err := scan(&w.Kind, &weight, &notBefore)
		w.Weight, w.NotBefore = uint32(weight), at(notBefore)
		weights = append(weights, w)
		return err
	})
	return weights, err
}

// AddWeight stores a weight.
func (tx *Tx) AddWeight(ctx context.Context, w Weight) error {
	return tx.one(ctx, `INSERT INTO weights (kind, weight, not_before) VALUES ($1, $2, $3)`, w.Kind, int64(w.Weight), millis(w.NotBefore))
}

// LockFleet keeps other servers out of a part of the code until the
// transaction ends.
func (tx *Tx) LockFleet(ctx context.Context) error {
	if !tx.postgres {
		return nil // the transaction has locked everything
	}
	_, err := tx.exec(ctx, `SELECT pg_advisory_xact_lock(7813585938731364724)`) // "nescio" and a number, in ASCII
	return err
}
