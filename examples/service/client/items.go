package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
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
	// Deleted is true of deleted items only, which no list has.
	Deleted bool `json:"deleted,omitempty"`
	// Unsent means that the server does not have this version yet.
	Unsent bool `json:"-"`
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
	return cached{Base: base, Unsent: true, Deleted: item.Deleted, Key: blob, Body: body}, err
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
	if item.Deleted != i.Deleted {
		return item, recovery.ErrUntrusted
	}
	item.ID, item.Unsent = id, i.Unsent
	return item, nil
}

// Items returns the items of the device, by kind and title. An item that cannot
// be read is left out, and the error names it.
func (c *Client) Items(ctx context.Context) ([]Item, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	items, err := c.list(ctx, func(kind string) bool { return !hidden(kind) })
	slices.SortFunc(items, func(a, b Item) int {
		return strings.Compare(a.Kind+"\x00"+a.Title+"\x00"+a.ID.String(), b.Kind+"\x00"+b.Title+"\x00"+b.ID.String())
	})
	return items, err
}

// list returns the items of some kinds.
func (c *Client) list(ctx context.Context, wanted func(kind string) bool) (items []Item, err error) {
	if !c.open {
		return nil, ErrLocked
	}
	var errs []error
	for text, i := range c.items.Items {
		if i.Deleted {
			continue
		}
		item, err := c.read(ctx, parseID(text), i)
		if err != nil {
			errs = append(errs, fmt.Errorf("item %s: %w", text, err))
			continue
		}
		if wanted(item.Kind) {
			items = append(items, item)
		}
	}
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
	return c.put(ctx, item)
}

func (c *Client) put(ctx context.Context, item Item) (Item, error) {
	if !c.open {
		return item, ErrLocked
	}
	if item.ID == (api.ID{}) {
		rand.Read(item.ID[:])
	}
	item.Changed, item.Unsent = time.Now().UTC().Truncate(time.Second), true
	return item, c.update(ctx, func(next *cache) error {
		old := next.Items[item.ID.String()]
		sealed, err := c.seal(ctx, item, old.Base)
		sealed.Sent = old.Sent
		next.Items[item.ID.String()] = sealed
		return err
	})
}

// Unsent returns the number of changes that the server does not have yet.
func (c *Client) Unsent() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range c.items.Items {
		if i.Unsent {
			n++
		}
	}
	return n
}

// Remove deletes an item on this device. Sync deletes it on the server.
func (c *Client) Remove(ctx context.Context, id api.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.removeItem(ctx, id)
}

func (c *Client) removeItem(ctx context.Context, id api.ID) error {
	if !c.open {
		return ErrLocked
	}
	return c.update(ctx, func(next *cache) error {
		i, ok := next.Items[id.String()]
		if !ok || i.Deleted {
			return errors.New("there is no such item")
		}
		if i.Base == 0 { // the server never had it
			delete(next.Items, id.String())
			return nil
		}
		// The server could make devices forget an item, if it were not sealed.
		sealed, err := c.seal(ctx, Item{ID: id, Deleted: true, Changed: time.Now().UTC().Truncate(time.Second)}, i.Base)
		sealed.Sent = i.Sent
		next.Items[id.String()] = sealed
		return err
	})
}
