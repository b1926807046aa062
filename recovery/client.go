package recovery

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/nescio-go/nescio/wrap"
)

// Remote is the server.
type Remote interface {
	// Fetch returns the stored header, or nil. It must not be stale.
	Fetch(ctx context.Context) (header []byte, err error)
	// Swap replaces the stored header with the digest previous, zero if none is
	// stored. It returns [ErrConflict] if another header is stored, or if the
	// server will never accept this one. After other errors the client sends it
	// again.
	Swap(ctx context.Context, previous [32]byte, header []byte) error
}

// Local stores one value of at most 275 KB on this device. It is not secret,
// but anyone who can change it can make the device accept an old or forged
// header. Processes may share it.
type Local interface {
	// Load returns the value, or nil.
	Load(ctx context.Context) ([]byte, error)
	// Swap replaces previous, nil at first, atomically and durably, or returns
	// [ErrConflict].
	Swap(ctx context.Context, previous, next []byte) error
}

// Client keeps one account's keyring on one device. Later calls finish a
// pending change. Keep a new secret until its change returned nil or
// [ErrConflict]. Your Local, Remote, Sealers and callbacks must not call Close
// or methods that take a context.
type Client struct {
	local  Local
	remote Remote

	op    chan struct{} // one operation at a time
	raw   []byte        // what Local contains
	draft *Draft        // of the candidate, if this process made it
	owed  [32]byte      // digest of a candidate whose outcome no call has told yet

	mu    sync.RWMutex // guards what follows, which operations replace
	state *localState
	ring  *Keyring // confirmed, nil before it is open
	won   *Keyring // of the change that overtook the candidate, for Resolve
}

// NewClient returns a client of one account.
func NewClient(local Local, remote Remote) *Client {
	return &Client{local: local, remote: remote, op: make(chan struct{}, 1), state: new(localState)}
}

// with calls f with the confirmed keyring, which is not cleared before f
// returns.
func (c *Client) with(f func(*Keyring) error) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.ring == nil {
		return errNotOpen
	}
	return f(c.ring)
}

// Generate calls [Keyring.Generate].
func (c *Client) Generate(b wrap.Binding) (key *wrap.Key, blob []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { key, blob, err = k.Generate(b); return err })
	return key, blob, err
}

// Wrap calls [Keyring.Wrap].
func (c *Client) Wrap(secret []byte, b wrap.Binding) (blob []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { blob, err = k.Wrap(secret, b); return err })
	return blob, err
}

// Unwrap calls [Keyring.Unwrap].
func (c *Client) Unwrap(blob []byte, b wrap.Binding) (secret []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { secret, err = k.Unwrap(blob, b); return err })
	return secret, err
}

// UnwrapOld calls [Keyring.UnwrapOld].
func (c *Client) UnwrapOld(blob []byte, b wrap.Binding) (secret []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { secret, err = k.UnwrapOld(blob, b); return err })
	return secret, err
}

// Rewrap calls [Keyring.Rewrap].
func (c *Client) Rewrap(blob []byte, b wrap.Binding) (again []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { again, err = k.Rewrap(blob, b); return err })
	return again, err
}

// Seal calls [Keyring.Seal].
func (c *Client) Seal(ctx context.Context, s Sealer) (*SealedSlot, error) {
	var keys keyringSecrets
	defer clearSecrets(&keys)
	var base *header
	err := c.with(func(k *Keyring) (err error) {
		base = k.state()
		keys, err = k.keys()
		return err
	})
	if err != nil {
		return nil, err
	}
	// The lock is not held over the KDF.
	return newSealedSlot(ctx, base.account, &keys.lineage, base.epoch, s)
}

// SealDevice calls [Keyring.SealDevice].
func (c *Client) SealDevice() (d *Device, s *SealedSlot, err error) {
	err = c.with(func(k *Keyring) (err error) { d, s, err = k.SealDevice(); return err })
	return d, s, err
}

// Account returns the account's number.
func (c *Client) Account() AccountID { return c.opened().Account() }

// Epoch returns the current epoch.
func (c *Client) Epoch() uint32 { return c.opened().Epoch() }

// OpenedBy calls [Keyring.OpenedBy].
func (c *Client) OpenedBy() SlotID { return c.opened().OpenedBy() }

// Slots returns the slots.
func (c *Client) Slots() []Slot { return c.opened().Slots() }

// opened returns the confirmed keyring, or the zero Keyring. Its keys may be
// cleared at any time.
func (c *Client) opened() *Keyring {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.ring == nil {
		return new(Keyring)
	}
	return c.ring
}

// SlotChange is an added or removed slot.
type SlotChange struct {
	ID     SlotID
	Digest [16]byte // of the slot's content
	Type   string   // of an added slot
	Gone   bool
}

// Unseen returns changes that the user was not shown.
func (c *Client) Unseen() []SlotChange {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.state == nil || c.state.header == nil {
		return nil
	}
	now, marks := c.state.header, c.state.confirmed.slots
	if c.won != nil {
		now, marks = c.won.header, c.won.checkpoint.slots
	}
	var changes []SlotChange
	for i, m := range marks {
		if !slices.Contains(c.state.seen, m) {
			changes = append(changes, SlotChange{ID: m.id, Digest: m.digest, Type: now.state.slots[i].Type})
		}
	}
	for _, m := range c.state.seen {
		if !slices.Contains(marks, m) {
			changes = append(changes, SlotChange{ID: m.id, Digest: m.digest, Gone: true})
		}
	}
	return changes
}

// MarkSeen records that the user was shown these changes.
func (c *Client) MarkSeen(ctx context.Context, shown []SlotChange) error {
	return c.run(ctx, func() error {
		present := c.state.confirmed.slots
		if c.won != nil {
			present = append(slices.Clone(present), c.won.checkpoint.slots...)
		}
		seen := c.state.seen
		for _, change := range shown {
			m := slotMark{change.ID, change.Digest}
			if change.Gone {
				seen = forget(seen, m)
			} else if slices.Contains(present, m) {
				seen = see(seen, m)
			}
		}
		return c.saveSeen(ctx, seen)
	})
}

func (c *Client) saveSeen(ctx context.Context, seen []slotMark) error {
	if slices.Equal(seen, c.state.seen) {
		return nil
	}
	next := *c.state
	next.seen = seen
	return c.save(ctx, &next)
}

// Close clears the keys.
func (c *Client) Close() {
	if c.op == nil {
		return
	}
	c.op <- struct{}{}
	defer func() { <-c.op }()
	c.use(nil)
}

// Format redacts.
func (c *Client) Format(f fmt.State, _ rune) { redact(f, "Client") }

// MarshalJSON redacts.
func (c *Client) MarshalJSON() ([]byte, error) { return redactJSON("Client") }
