package recovery

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/nescio-go/nescio/wrap"
)

// Remote is the server, as the application reaches it.
type Remote interface {
	// Fetch returns the stored header, or nil if none is stored. It is not
	// older than any header that Swap has confirmed or refused, so it does not
	// come from a replica that is behind.
	Fetch(ctx context.Context) (header []byte, err error)
	// Swap stores a header in place of the one with the digest previous. If
	// previous is zero, none may be stored. Swap returns [ErrConflict] if
	// another header is stored, or if the server refuses this one for good. Any
	// other error means that it is not known whether the header is stored.
	Swap(ctx context.Context, previous [32]byte, header []byte) error
}

// Local is what this device remembers, one value of at most 275 KB. It contains
// no secret. Anyone who can change it can deceive the device, so only the
// application may write it. Several processes or browser tabs may share it.
type Local interface {
	// Load returns the value, or nil if there is none.
	Load(ctx context.Context) ([]byte, error)
	// Swap stores next in place of previous. A nil value means none. Swap
	// returns [ErrConflict] if the value is not previous. It must be atomic,
	// and durable when it returns.
	Swap(ctx context.Context, previous, next []byte) error
}

// Client keeps one account's keyring on one device, in step with the server. It
// writes in an order that no crash and no lost answer can turn into a lockout,
// and it accepts only headers that follow from what the device has seen. A
// Client is safe for concurrent use, makes one change at a time, and redacts
// itself.
//
// Callbacks are the functions that are given to [Client.Change], Openers, the
// Sealers of [Client.RotateLineage], the Local and the Remote. They must not
// call Close or a method that takes a context, which would wait for itself.
//
// A Client starts with [Client.Create], [Client.OpenFirst] or [Client.Join] on
// a new device, and with [Client.Open], [Client.OpenAfterLogin] or
// [Client.OpenOffline] on a device that was here before.
//
// Every method that takes a context returns errors of Remote and Local as they
// are. A method that starts with a pending change of an earlier call finishes
// that change first. It returns [ErrUnconfirmed] while the server does not
// answer, and [ErrConflict] if the earlier change turns out to be lost. Keep a
// new secret until the change that seals its slot returned nil or ErrConflict.
// After a crash look for the slot in [Client.Slots].
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

// NewClient returns a client. The Local and the Remote belong to one account.
// Every call of a client without them returns [ErrPolicy].
func NewClient(local Local, remote Remote) *Client {
	return &Client{local: local, remote: remote, op: make(chan struct{}, 1), state: new(localState)}
}

// with calls f with the confirmed keyring of this moment, which nobody clears
// meanwhile.
func (c *Client) with(f func(*Keyring) error) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.ring == nil {
		return errNotOpen
	}
	return f(c.ring)
}

// Generate is [Keyring.Generate] with the confirmed keyring of this moment.
func (c *Client) Generate(b wrap.Binding) (key *wrap.Key, blob []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { key, blob, err = k.Generate(b); return err })
	return key, blob, err
}

// Wrap is [Keyring.Wrap] with the confirmed keyring of this moment.
func (c *Client) Wrap(secret []byte, b wrap.Binding) (blob []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { blob, err = k.Wrap(secret, b); return err })
	return blob, err
}

// Unwrap is [Keyring.Unwrap] with the confirmed keyring of this moment. If it
// returns [ErrRollback], call [Client.Refresh] and try again.
func (c *Client) Unwrap(blob []byte, b wrap.Binding) (secret []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { secret, err = k.Unwrap(blob, b); return err })
	return secret, err
}

// UnwrapOld is [Keyring.UnwrapOld] with the confirmed keyring of this moment.
func (c *Client) UnwrapOld(blob []byte, b wrap.Binding) (secret []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { secret, err = k.UnwrapOld(blob, b); return err })
	return secret, err
}

// Rewrap is [Keyring.Rewrap] with the confirmed keyring of this moment.
func (c *Client) Rewrap(blob []byte, b wrap.Binding) (again []byte, err error) {
	err = c.with(func(k *Keyring) (err error) { again, err = k.Rewrap(blob, b); return err })
	return again, err
}

// Seal is [Keyring.Seal] with the confirmed keyring of this moment.
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

// Account returns the account's number. Like Epoch, OpenedBy and Slots, it is
// zero until the client is open.
func (c *Client) Account() AccountID { return c.opened().Account() }

// Epoch returns the current epoch.
func (c *Client) Epoch() uint32 { return c.opened().Epoch() }

// OpenedBy returns the id of the slot that opened the keyring: see
// [Keyring.OpenedBy].
func (c *Client) OpenedBy() SlotID { return c.opened().OpenedBy() }

// Slots returns copies of the slots.
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

// SlotChange is a slot that came or went since the user was last shown the
// list.
type SlotChange struct {
	ID     SlotID
	Digest [16]byte // of the slot's content
	Type   string   // of a slot that came
	Gone   bool
}

// Unseen returns the slots that came and went and that the user has not been
// shown. The client's own changes and the slot that opened are not among them.
// After [Client.OpenFirst] and [Client.Join], all other slots are. After
// [ErrOvertaken] it returns those of the change that was quicker. Show the list
// to the user, and pass what was shown to [Client.MarkSeen].
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

// MarkSeen records that the user was shown these changes, exactly as
// [Client.Unseen] returned them.
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

// Close clears the client's keys, after a call that runs has ended. Later calls
// that need keys return [ErrPolicy] until the client is opened again.
func (c *Client) Close() {
	if c.op == nil {
		return
	}
	c.op <- struct{}{}
	defer func() { <-c.op }()
	c.use(nil)
}

// Format writes a placeholder for every verb.
func (c *Client) Format(f fmt.State, _ rune) { redact(f, "Client") }

// MarshalJSON writes a placeholder.
func (c *Client) MarshalJSON() ([]byte, error) { return redactJSON("Client") }
