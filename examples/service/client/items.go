package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nescio-go/nescio/examples/service/api"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// Kinds of items.
const (
	KindNote  = "note"
	KindLogin = "login" // of a keychain
	KindSet   = "settings"
)

// MaxText bounds an item, in bytes of its JSON form.
const MaxText = 60 << 10

// Item is a note, an entry of a keychain, or settings. The server sees only its
// id, its size and when it changed.
type Item struct {
	ID     api.ID            `json:"-"`
	Kind   string            `json:"kind"`
	Title  string            `json:"title"`
	Text   string            `json:"text,omitempty"`
	Fields map[string]string `json:"fields,omitempty"` // such as user and password
	// Changed is the time of the change, by the clock of the device that made it.
	Changed time.Time `json:"changed"`
	// Unsent means that the server does not have this version yet.
	Unsent bool `json:"-"`
}

// cache is what the device has fetched, encrypted, and what it has not sent.
type cache struct {
	Revision int64             `json:"revision"`
	Items    map[string]cached `json:"items"` // by id

	stored []byte
}

// cached is a version of an item. The base is the server's version under it.
type cached struct {
	Base    int64  `json:"base"`
	Unsent  bool   `json:"unsent,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	Key     []byte `json:"key,omitempty"`
	Body    []byte `json:"body,omitempty"`
}

// version is the version that a cached item is or will be.
func (i cached) version() int64 {
	if i.Unsent {
		return i.Base + 1
	}
	return i.Base
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

// saveItems stores a changed cache, and then uses it.
func (c *Client) saveItems(ctx context.Context, next *cache) error {
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := c.cfg.Store.Swap(ctx, storeItems, c.items.stored, b); err != nil {
		return err
	}
	next.stored = b
	c.items = next
	return nil
}

func (c *cache) clone() *cache {
	return &cache{Revision: c.Revision, Items: maps.Clone(c.Items), stored: c.stored}
}

func keyBinding(id api.ID) wrap.Binding {
	return wrap.Binding{Purpose: "service.nescio/item-key/v1", Item: id[:]}
}

// bodyBinding covers the version. The server cannot pass an old one off as new.
func bodyBinding(id api.ID, version int64) wrap.Binding {
	return wrap.Binding{Purpose: "service.nescio/item/v1", Item: id[:], Epoch: uint64(version)}
}

// seal encrypts an item under a new key.
func (c *Client) seal(ctx context.Context, item Item, base int64) (cached, error) {
	b, err := json.Marshal(item)
	if err != nil {
		return cached{}, err
	}
	if len(b) > MaxText {
		return cached{}, errors.New("the item is too long")
	}
	key, blob, err := c.keys.Generate(keyBinding(item.ID))
	if err != nil {
		return cached{}, err
	}
	defer key.Destroy()
	body, err := key.Wrap(ctx, b, bodyBinding(item.ID, base+1))
	return cached{Base: base, Unsent: true, Key: blob, Body: body}, err
}

// read decrypts an item. An old key is good enough to read.
func (c *Client) read(ctx context.Context, id api.ID, i cached) (item Item, err error) {
	secret, err := c.keys.Unwrap(i.Key, keyBinding(id))
	if errors.Is(err, recovery.ErrOldKey) {
		secret, err = c.keys.UnwrapOld(i.Key, keyBinding(id))
	}
	if err != nil {
		return item, err
	}
	defer clear(secret)
	if len(secret) != 32 {
		return item, recovery.ErrMalformed
	}
	key := wrap.ImportKey([32]byte(secret))
	defer key.Destroy()
	b, err := key.Unwrap(ctx, i.Body, bodyBinding(id, i.version()))
	if err != nil {
		return item, err
	}
	if err := json.Unmarshal(b, &item); err != nil {
		return item, err
	}
	item.ID, item.Unsent = id, i.Unsent
	return item, nil
}

// Items returns the items of the device, by kind and title. An item that cannot
// be read is left out, and the error names it.
func (c *Client) Items(ctx context.Context) (items []Item, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return nil, ErrLocked
	}
	var errs []error
	for text, i := range c.items.Items {
		if i.Deleted {
			continue
		}
		id := parseID(text)
		item, err := c.read(ctx, id, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("item %s: %w", text, err))
			continue
		}
		items = append(items, item)
	}
	slices.SortFunc(items, func(a, b Item) int {
		return strings.Compare(a.Kind+"\x00"+a.Title+"\x00"+a.ID.String(), b.Kind+"\x00"+b.Title+"\x00"+b.ID.String())
	})
	return items, errors.Join(errs...)
}

func parseID(text string) (id api.ID) {
	id.UnmarshalText([]byte(text)) // the cache has only ids that were written
	return id
}

// Put keeps an item on this device. An item without an id is new. Sync sends
// it.
func (c *Client) Put(ctx context.Context, item Item) (Item, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return item, ErrLocked
	}
	if item.ID == (api.ID{}) {
		rand.Read(item.ID[:])
	}
	item.Changed, item.Unsent = time.Now().UTC().Truncate(time.Second), true
	sealed, err := c.seal(ctx, item, c.items.Items[item.ID.String()].Base)
	if err != nil {
		return item, err
	}
	next := c.items.clone()
	next.Items[item.ID.String()] = sealed
	return item, c.saveItems(ctx, next)
}

// Remove deletes an item on this device. Sync deletes it on the server.
func (c *Client) Remove(ctx context.Context, id api.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.items.Items[id.String()]
	if !ok || i.Deleted {
		return errors.New("there is no such item")
	}
	next := c.items.clone()
	if next.Items[id.String()] = (cached{Base: i.Base, Unsent: true, Deleted: true}); i.Base == 0 {
		delete(next.Items, id.String()) // the server never had it
	}
	return c.saveItems(ctx, next)
}

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
		next := c.items.clone()
		for _, remote := range page.Items {
			if err := c.merge(ctx, next, remote); err != nil {
				return err
			}
		}
		next.Revision = page.Revision
		if err := c.saveItems(ctx, next); err != nil {
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
	for range 3 {
		mine := c.items.Items[id.String()]
		in := api.PutItem{Previous: mine.Base, Deleted: mine.Deleted, Key: mine.Key, Body: mine.Body}
		var out api.Item
		err := c.call(ctx, "PUT", path("/v1/items/", id), in, &out)
		next := c.items.clone()
		var failure *api.Error
		switch {
		case err == nil:
			sent := mine
			sent.Base, sent.Unsent = mine.version(), false
			next.Items[id.String()] = sent
			return c.saveItems(ctx, next)
		case hasCode(err, api.OldEpoch):
			if err := c.keys.Refresh(ctx); err != nil {
				return err
			}
			item, err := c.read(ctx, id, mine)
			if err != nil {
				return err
			}
			if next.Items[id.String()], err = c.seal(ctx, item, mine.Base); err != nil {
				return err
			}
		case hasCode(err, api.Conflict) && errors.As(err, &failure) && failure.Current != nil:
			if err := c.merge(ctx, next, *failure.Current); err != nil {
				return err
			}
			return c.saveItems(ctx, next)
		default:
			return err
		}
		if err := c.saveItems(ctx, next); err != nil {
			return err
		}
	}
	return errors.New("the keyring keeps changing: sync again")
}
