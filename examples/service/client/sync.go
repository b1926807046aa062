package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
)

// ErrUnreadable means that the server has an item that cannot be the user's. The
// device keeps the version that it has.
var ErrUnreadable = errors.New("the server has an item that no device of yours can have written")

// Sync follows the keyring, fetches what other devices have changed, and sends
// what this one has. If two devices changed an item, both versions are kept.
// After ErrUnreadable everything else is in sync.
func (c *Client) Sync(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sync(ctx)
}

func (c *Client) sync(ctx context.Context) error {
	if err := c.ready(); err != nil {
		return err
	}
	if err := c.keys.Refresh(ctx); err != nil {
		return err
	}
	unreadable, err := c.pull(ctx)
	if err != nil {
		return err
	}
	if c.account.Recovered {
		return unreadable // the session can only read
	}
	return errors.Join(unreadable, c.push(ctx))
}

// fetch is the first half of Sync. What is unreadable stays as it is.
func (c *Client) fetch(ctx context.Context) error {
	if err := c.ready(); err != nil {
		return err
	}
	if err := c.keys.Refresh(ctx); err != nil {
		return err
	}
	_, err := c.pull(ctx)
	return err
}

// pull fetches what has changed since the last sync. After a login, or if the
// server has fewer revisions than before, it fetches everything, and looks for
// what is missing. Sessions do not survive the restore of a backup.
func (c *Client) pull(ctx context.Context) (unreadable, err error) {
	if from := c.items.Revision; c.items.Session == c.account.Session {
		unreadable, err = c.pullFrom(ctx, from, func(api.Item) {})
		if !errors.Is(err, errFewer) || from == 0 {
			return unreadable, err
		}
	}
	there := make(map[string]bool)
	if unreadable, err = c.pullFrom(ctx, 0, func(i api.Item) { there[i.ID.String()] = true }); err != nil {
		return unreadable, err
	}
	for id, i := range c.items.Items {
		if i.Base > 0 && !there[id] {
			return unreadable, errFewer
		}
	}
	return unreadable, c.update(ctx, func(next *cache) error {
		next.Session = c.account.Session
		return nil
	})
}

var errFewer = fmt.Errorf("the server has lost items: %w", recovery.ErrRollback)

// pullFrom fetches all pages from a revision on. At the end it notes the epoch of
// the keyring: what comes later is under no older key, because the server takes
// nothing that is. What is unreadable is fetched again the next time.
func (c *Client) pullFrom(ctx context.Context, after int64, see func(api.Item)) (unreadable, err error) {
	epoch := c.keys.Epoch()
	for {
		page, err := c.page(ctx, after)
		if err != nil {
			return unreadable, err
		}
		after = page.Revision
		var found error
		err = c.update(ctx, func(next *cache) error {
			found = unreadable
			for _, remote := range page.Items {
				see(remote)
				err := c.merge(ctx, next, remote)
				if err != nil && !errors.Is(err, ErrUnreadable) {
					return err
				}
				found = errors.Join(found, err)
			}
			if found == nil {
				next.Revision = after
			}
			if found == nil && !page.More {
				next.Epoch = max(next.Epoch, epoch)
			}
			return nil
		})
		unreadable = found
		if err != nil || !page.More {
			return unreadable, err
		}
	}
}

// page fetches items that changed after a revision.
func (c *Client) page(ctx context.Context, after int64) (page api.Items, err error) {
	err = c.call(ctx, "GET", fmt.Sprintf("/v1/items?after=%d", after), nil, &page)
	if err == nil && (page.Revision < after || page.More && page.Revision == after) {
		err = errFewer
	}
	return page, err
}

// merge takes the server's version of an item, once it is open. If this device
// has changed another version, its change becomes an item of its own. A change
// wins over a deletion.
func (c *Client) merge(ctx context.Context, next *cache, remote api.Item) error {
	id := remote.ID.String()
	mine, ok := next.Items[id]
	theirs := cached{Base: remote.Version, Deleted: remote.Deleted, Key: remote.Key, Body: remote.Body}
	switch {
	case ok && remote.Version < mine.Base:
		return fmt.Errorf("the server has an older version of an item: %w", recovery.ErrRollback)
	case ok && mine.Unsent && same(mine, theirs): // the answer to our request was lost
		next.Items[id] = theirs
		return nil
	case ok && remote.Version == mine.Base && !mine.Unsent && !bytes.Equal(mine.digest(), theirs.digest()):
		return fmt.Errorf("the server has another version of an item: %w", recovery.ErrRollback)
	case ok && remote.Version == mine.Base:
		return nil
	case ok && mine.Unsent && bytes.Equal(mine.Sent, theirs.digest()): // so was this one, and the user has gone on
		item, err := c.read(ctx, remote.ID, mine)
		if err != nil {
			return err
		}
		next.Items[id], err = c.seal(ctx, item, theirs.Base)
		return err
	}
	if err := c.authentic(ctx, remote.ID, theirs, next.Epoch); err != nil {
		return c.kept(ctx, next, remote, theirs, err)
	}
	if ok && mine.Unsent && !mine.Deleted {
		item, err := c.read(ctx, remote.ID, mine)
		if err != nil {
			return err
		}
		other, err := c.read(ctx, remote.ID, theirs)
		if err != nil {
			return err
		}
		if !equal(item, other) {
			if err := c.conflict(ctx, next, item); err != nil {
				return err
			}
		}
	}
	next.Items[id] = theirs
	return nil
}

// conflict keeps a version of this device as an item of its own.
func (c *Client) conflict(ctx context.Context, next *cache, item Item) (err error) {
	rand.Read(item.ID[:])
	item.Title += " (conflict)"
	next.Items[item.ID.String()], err = c.seal(ctx, item, 0)
	return err
}

// equal reports whether two versions of an item have the same content.
func equal(a, b Item) bool {
	return a.Kind == b.Kind && a.Title == b.Title && a.Text == b.Text && a.Deleted == b.Deleted && maps.Equal(a.Fields, b.Fields)
}

// authentic reports whether an item opens, and is under no older key than an
// item that was written after the last sync can be. A removed holder may know
// older keys.
func (c *Client) authentic(ctx context.Context, id api.ID, theirs cached, epoch uint32) error {
	under, err := recovery.BlobEpoch(theirs.Key)
	if err != nil {
		return err
	}
	if under < epoch {
		return recovery.ErrOldKey
	}
	_, err = c.read(ctx, id, theirs)
	return err
}

// kept keeps this device's version of an item that is not authentic on the
// server. A change of this device replaces the server's version.
func (c *Client) kept(ctx context.Context, next *cache, remote api.Item, theirs cached, reason error) error {
	id := remote.ID.String()
	mine, ok := next.Items[id]
	reason = fmt.Errorf("%w: %s: %w", ErrUnreadable, id, reason)
	if !ok || !mine.Unsent {
		return reason
	}
	item, err := c.read(ctx, remote.ID, mine)
	if err != nil {
		return err
	}
	next.Items[id], err = c.seal(ctx, item, theirs.Base)
	return errors.Join(err, reason)
}

func same(mine, theirs cached) bool {
	return theirs.Base == mine.version() && theirs.Deleted == mine.Deleted && bytes.Equal(mine.Key, theirs.Key) && bytes.Equal(mine.Body, theirs.Body)
}

// push sends the changes of this device, one after the other.
func (c *Client) push(ctx context.Context) error {
	for range 4 { // a conflict makes another item to send
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
	return errors.New("other devices keep changing the same items: sync again")
}

// send sends one item. After a rotation it is encrypted again under a new key.
func (c *Client) send(ctx context.Context, id api.ID) error {
	name := id.String()
	for range 3 {
		mine := c.items.Items[name]
		if !mine.Unsent {
			return nil
		}
		if epoch, err := recovery.BlobEpoch(mine.Key); err != nil || epoch < c.keys.Epoch() {
			// The keyring has rotated. Nobody may read this with an older key.
			if err := c.resealed(ctx, id, mine); err != nil {
				return err
			}
			mine = c.items.Items[name]
		}
		if err := c.update(ctx, func(next *cache) error {
			now := next.Items[name]
			now.Sent = mine.digest()
			next.Items[name] = now
			return nil
		}); err != nil {
			return err
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
		case hasCode(err, api.Conflict) && errors.As(err, &failure) && failure.Current != nil:
			return c.update(ctx, func(next *cache) error { return c.merge(ctx, next, *failure.Current) })
		default:
			return err
		}
	}
	return errors.New("the keyring keeps changing: sync again")
}

// resealed encrypts an unsent item again, under a new key.
func (c *Client) resealed(ctx context.Context, id api.ID, mine cached) error {
	item, err := c.read(ctx, id, mine)
	if err != nil {
		return err
	}
	return c.update(ctx, func(next *cache) error {
		sealed, err := c.seal(ctx, item, mine.Base)
		sealed.Sent = mine.Sent
		next.Items[id.String()] = sealed
		return err
	})
}
