package recovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/wrap"
)

// Keyring is an open keyring: it knows the account's master keys and can change
// who gets to know them. It is safe for concurrent use. It redacts itself.
//
// A change makes a new header, of the next revision, that Bytes returns; changes
// that were not yet asked for by Bytes, Header or Pin go into one revision. A change that
// fails changes nothing. Upload a header before the next change: the server takes
// it only in the place of the one before. If it does not take it, drop the keyring, open
// what the server has, and make the change again: what was wrapped under a master key
// that was never stored is lost.
type Keyring struct {
	mu      sync.Mutex
	state   header
	secrets secret.Value[keyringSecrets]
	encoded []byte
	by      SlotID // what opened it
	seen    bool   // by somebody outside: the next change is a new revision
	live    bool   // false for the zero Keyring and after Destroy
}

type keyringSecrets struct {
	lineage, master [keySize]byte
}

// Create returns a new keyring with a random master key and the given ways in.
// The account is a random number of 16 bytes that the client draws at sign-up and tells
// the server: never a name, and never one that was in use before. It returns ErrPolicy if it is zero, and for
// no slots or too many; or an error of a Sealer.
func Create(ctx context.Context, account []byte, s ...Sealer) (*Keyring, error) {
	if len(account) != 16 || isZero(account) {
		return nil, errAccount
	}
	k := &Keyring{
		state:   header{account: [16]byte(account), revision: 1, epoch: 1},
		secrets: secret.New(keyringSecrets{}),
		live:    true,
	}
	secrets := k.secrets.Get()
	rand.Read(secrets.lineage[:])
	rand.Read(secrets.master[:])
	_, err := k.change(func(c *change) error { return c.add(ctx, s) })
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Reset is Create with a fresh account number: for a user who has lost every way
// in and was identified by other means. What the old keyring protected is lost.
// Devices that have a pin of the old account get ErrReset, and go on only by
// explicit consent.
func Reset(ctx context.Context, s ...Sealer) (*Keyring, error) {
	account := make([]byte, 16)
	rand.Read(account)
	return Create(ctx, account, s...)
}

// Add adds a way in and returns its id.
func (k *Keyring) Add(ctx context.Context, s Sealer) (SlotID, error) {
	return only(k.change(func(c *change) error { return c.add(ctx, []Sealer{s}) }))
}

func only(ids []SlotID, err error) (SlotID, error) {
	if err != nil {
		return SlotID{}, err
	}
	return ids[len(ids)-1], nil
}

// Remove removes a way in. Its holder, if they kept what they had, still knows the
// master key: see Revoke. It returns ErrPolicy for a slot that is not there, and
// for the last one that is not a passkey's.
func (k *Keyring) Remove(id SlotID) error {
	_, err := k.change(func(c *change) error { return c.remove(id) })
	return err
}

// Revoke is Remove of all these and Rotate, in one revision: their holders learn no
// master key of later epochs. Old headers still open by them: delete those, and of a
// File the server's secret. They keep what they know: earlier master keys, and the
// lineage key, with which they and a malicious server together can deceive a device
// whose pin is older, or that has none. Renew ends that too, by new secrets. Without an
// id nothing changes.
func (k *Keyring) Revoke(ctx context.Context, ids ...SlotID) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := k.change(func(c *change) error {
		for _, id := range ids {
			if err := c.remove(id); err != nil {
				return err
			}
		}
		return c.rotate(ctx)
	})
	return err
}

// Replace puts a new way in in the place of another, in one revision, and returns
// its id, which is new too.
func (k *Keyring) Replace(ctx context.Context, id SlotID, s Sealer) (SlotID, error) {
	return only(k.change(func(c *change) error {
		if err := c.remove(id); err != nil {
			return err
		}
		return c.add(ctx, []Sealer{s})
	}))
}

// Rotate makes a new master key, of the next epoch, that every slot gets without
// its secret. Earlier ones stay within reach by Key, up to MaxHistory of them. Wrap
// new data keys under the new one.
func (k *Keyring) Rotate(ctx context.Context) error {
	_, err := k.change(func(c *change) error { return c.rotate(ctx) })
	return err
}

// Forget drops the master keys of an epoch and of all before it. What they wrap cannot
// be opened any more, except by who has them already, or an old header and a way into it:
// so first unwrap it, wrap it under the current one with a binding of its epoch, and
// upload that before this header. A device whose pin is of a forgotten epoch gets ErrPin
// from Open and can go on by FirstUse alone, without a pin's protection: so wait until
// those that you know of have opened a later one.
//
// It returns ErrEpoch for the current epoch, which cannot be forgotten, and for one that
// is not there.
func (k *Keyring) Forget(epoch uint32) error {
	_, err := k.change(func(c *change) error {
		i := slices.IndexFunc(c.history, func(e historyEntry) bool { return e.epoch == epoch })
		if i < 0 {
			return ErrEpoch
		}
		c.history = slices.Clone(c.history[i+1:])
		return nil
	})
	return err
}

// Renew gives the account a new lineage key and a new master key, with the given
// ways in alone: those of before are gone, and devices are approved anew. It is
// what shuts out who was revoked and works together with the server; every holder's
// secret is needed for it, and a new one where that can be. A way in that keeps its
// secret still opens its slot of an old header: by it, and by it alone, a device on
// first use or with a pin of before the revocation can be deceived as ever.
func (k *Keyring) Renew(ctx context.Context, s ...Sealer) error {
	_, err := k.change(func(c *change) error {
		c.slots = nil
		rand.Read(c.lineage[:])
		if err := c.rotate(ctx); err != nil {
			return err
		}
		return c.add(ctx, s)
	})
	return err
}

// Adopt takes an imported master key in as that of epoch 0: Key(0) returns it, and
// it is not used for anything else. It works at epoch 1 while there is no history;
// otherwise it is ErrPolicy. What the old key wraps is only as safe as it
// was: encrypt it anew where the old server may know it.
func (k *Keyring) Adopt(ctx context.Context, old [32]byte) error {
	if isZero(old[:]) {
		return errSecret
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := k.change(func(c *change) error {
		if c.epoch != 1 || len(c.history) > 0 {
			return errAdopt
		}
		current := wrap.ImportKey(c.master)
		defer current.Destroy()
		wrapped, err := current.Wrap(ctx, old[:], historyBinding(c.account, 0))
		if err != nil {
			return err
		}
		c.history = []historyEntry{{0, wrapped}}
		return nil
	})
	return err
}

// Key returns the master key of an epoch, to wrap and unwrap data keys: new ones
// under that of the current Epoch. It returns ErrEpoch for one that is in the future
// or forgotten.
func (k *Keyring) Key(epoch uint32) (*wrap.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.live {
		return nil, ErrUsed
	}
	key, err := k.state.key(k.secrets.Get().master, epoch)
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	return wrap.ImportKey(key), nil
}

// key follows the history from the current master key back.
func (h *header) key(master [keySize]byte, epoch uint32) ([keySize]byte, error) {
	if epoch > h.epoch || int64(epoch) < int64(h.epoch)-int64(len(h.history)) {
		return [keySize]byte{}, ErrEpoch
	}
	for i := len(h.history) - 1; i >= 0 && h.history[i].epoch >= epoch; i-- {
		next := wrap.ImportKey(master)
		old, err := next.Unwrap(context.Background(), h.history[i].wrapped, historyBinding(h.account, h.history[i].epoch))
		next.Destroy()
		if err != nil || len(old) != keySize {
			return [keySize]byte{}, ErrUntrusted
		}
		master = [keySize]byte(old)
		clear(old)
	}
	return master, nil
}

// Bytes returns the header to store. The next change after it makes another one.
func (k *Keyring) Bytes() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = true
	return bytes.Clone(k.encoded)
}

// Header returns the same as ParseHeader of Bytes.
func (k *Keyring) Header() *Header {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = true
	return &Header{k.state.clone(), bytes.Clone(k.encoded)}
}

// Account returns the account's number.
func (k *Keyring) Account() [16]byte { return k.snapshot().account }

// Epoch returns the current epoch, that of the master key for new data keys.
func (k *Keyring) Epoch() uint32 { return k.snapshot().epoch }

// OpenedBy returns the id of the slot that Open opened: the one not to Revoke by
// mistake, and of several Export slots the one whose record counts. It is zero of a
// keyring that was created, and stays the same when that slot goes.
func (k *Keyring) OpenedBy() SlotID { return k.by }

// Slots returns copies of the slots.
func (k *Keyring) Slots() []Slot {
	h := k.snapshot()
	return h.publicSlots()
}

func (k *Keyring) snapshot() header {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state
}

// Destroy clears the keys. Changes, Key and Pin return ErrUsed from then on.
func (k *Keyring) Destroy() {
	k.mu.Lock()
	defer k.mu.Unlock()
	*k.secrets.Get() = keyringSecrets{}
	k.live = false
}

// Format writes a placeholder for every verb.
func (k *Keyring) Format(f fmt.State, _ rune) { redact(f, "Keyring") }

// MarshalJSON returns an error. Store what [Keyring.Bytes] returns.
func (k *Keyring) MarshalJSON() ([]byte, error) { return nil, errJSON }
