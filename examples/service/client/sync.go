package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

// Sync follows the keyring, fetches what other devices have changed, and sends
// what this one has. If two devices changed an item, both versions are kept.
func (c *Client) Sync(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ready(); err != nil {
		return err
	}
	if err := c.keys.Refresh(ctx); err != nil {
		return err
	}
	if err := c.pull(ctx); err != nil {
		return err
	}
	return c.push(ctx)
}

func (c *Client) pull(ctx context.Context) error {
	for {
		var page api.Items
		if err := c.call(ctx, "GET", fmt.Sprintf("/v1/items?after=%d", c.items.Revision), nil, &page); err != nil {
			return err
		}
		if page.Revision < c.items.Revision {
			return fmt.Errorf("the server has lost items: %w", recovery.ErrRollback)
		}
		if err := c.update(ctx, func(next *cache) error {
			for _, remote := range page.Items {
				if err := c.merge(ctx, next, remote); err != nil {
					return err
				}
			}
			next.Revision = max(next.Revision, page.Revision)
			return nil
		}); err != nil {
			return err
		}
		if !page.More {
			return nil
		}
	}
}

// merge takes the server's version of an item. If this device has changed
// another version, its change becomes an item of its own.
func (c *Client) merge(ctx context.Context, next *cache, remote api.Item) error {
	id := remote.ID.String()
	mine, ok := next.Items[id]
	theirs := cached{Base: remote.Version, Deleted: remote.Deleted, Key: remote.Key, Body: remote.Body}
	switch {
	case ok && remote.Version < mine.Base:
		return fmt.Errorf("the server has an older version of an item: %w", recovery.ErrRollback)
	case ok && mine.Unsent && same(mine, theirs): // the answer to our request was lost
	case ok && mine.Unsent && remote.Version == mine.Base:
		return nil
	case ok && mine.Unsent && !mine.Deleted:
		item, err := c.read(ctx, remote.ID, mine)
		if err != nil {
			return err
		}
		rand.Read(item.ID[:])
		item.Title += " (conflict)"
		if next.Items[item.ID.String()], err = c.seal(ctx, item, 0); err != nil {
			return err
		}
	}
	next.Items[id] = theirs
	return nil
}

func same(mine, theirs cached) bool {
	return theirs.Base == mine.version() && theirs.Deleted == mine.Deleted && bytes.Equal(mine.Key, theirs.Key) && bytes.Equal(mine.Body, theirs.Body)
}

// push sends the changes of this device, one after the other.
func (c *Client) push(ctx context.Context) error {
	for range 3 { // a conflict makes another item to send
		var unsent []string
		for id, i := range c.items.Items {
			if i.Unsent {
				unsent = append(unsent, id)
			}
		}
		if len(unsent) == 0 {
			return nil
		}
		slices.Sort(unsent)
		for _, id := range unsent {
			if err := c.send(ctx, parseID(id)); err != nil {
				return err
			}
		}
	}
	return nil
}

// send sends one item. After a rotation it is encrypted again under a new key.
func (c *Client) send(ctx context.Context, id api.ID) error {
	name := id.String()
	for range 3 {
		mine := c.items.Items[name]
		if !mine.Unsent {
			return nil
		}
		in := api.PutItem{Previous: mine.Base, Deleted: mine.Deleted, Key: mine.Key, Body: mine.Body}
		var out api.Item
		err := c.call(ctx, "PUT", path("/v1/items/", id), in, &out)
		var failure *api.Error
		switch {
		case err == nil:
			return c.update(ctx, func(next *cache) error {
				now := next.Items[name]
				if same(now, cached{Base: mine.version(), Deleted: mine.Deleted, Key: mine.Key, Body: mine.Body}) {
					now.Unsent = false
				}
				now.Base = mine.version() // a later change of another program follows it
				next.Items[name] = now
				return nil
			})
		case hasCode(err, api.OldEpoch):
			if err := c.keys.Refresh(ctx); err != nil {
				return err
			}
			item, err := c.read(ctx, id, mine)
			if err != nil {
				return err
			}
			if err := c.update(ctx, func(next *cache) (err error) {
				next.Items[name], err = c.seal(ctx, item, mine.Base)
				return err
			}); err != nil {
				return err
			}
		case hasCode(err, api.Conflict) && errors.As(err, &failure) && failure.Current != nil:
			return c.update(ctx, func(next *cache) error { return c.merge(ctx, next, *failure.Current) })
		default:
			return err
		}
	}
	return errors.New("the keyring keeps changing: sync again")
}
