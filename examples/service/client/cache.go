package client

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

// cache is what the device has fetched, encrypted, and what it has not sent.
type cache struct {
	Revision int64             `json:"revision"`
	Epoch    uint32            `json:"epoch"`   // of the keyring, at the last sync
	Session  api.ID            `json:"session"` // that has compared all items
	Items    map[string]cached `json:"items"`   // by id

	stored []byte
}

// cached is a version of an item. The base is the server's version under it.
type cached struct {
	Base    int64  `json:"base"`
	Unsent  bool   `json:"unsent,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	Key     []byte `json:"key,omitempty"`
	Body    []byte `json:"body,omitempty"`
	// Sent is the digest of what was sent last, although the answer may be lost.
	Sent []byte `json:"sent,omitempty"`
}

// version is the version that a cached item is or will be.
func (i cached) version() int64 {
	if i.Unsent {
		return i.Base + 1
	}
	return i.Base
}

// digest names the content of a version.
func (i cached) digest() []byte {
	d := sha256.Sum256(slices.Concat(i.Key, i.Body))
	return d[:]
}

func newCache() *cache { return &cache{Items: make(map[string]cached)} }

func loadCache(ctx context.Context, s Store) (*cache, error) {
	b, err := s.Load(ctx, storeItems)
	c := newCache()
	if err != nil || b == nil {
		return c, err
	}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("the items of this device are damaged: %w", err)
	}
	c.stored = b
	return c, nil
}

// update changes the items of the device. If another program has changed them
// meanwhile, it calls f again on what is stored then.
func (c *Client) update(ctx context.Context, f func(next *cache) error) error {
	for {
		next := c.items.clone()
		if err := f(next); err != nil {
			return err
		}
		b, err := json.Marshal(next)
		if err != nil {
			return err
		}
		err = c.cfg.Store.Swap(ctx, storeItems, c.items.stored, b)
		if err == nil {
			next.stored = b
			c.items = next
			return nil
		}
		if !errors.Is(err, recovery.ErrConflict) {
			return err
		}
		if c.items, err = loadCache(ctx, c.cfg.Store); err != nil {
			return err
		}
	}
}

func (c *cache) clone() *cache {
	return &cache{Revision: c.Revision, Epoch: c.Epoch, Session: c.Session, Items: maps.Clone(c.Items), stored: c.stored}
}
