package contacts

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// Collection is the way in of who has collected the shares of k contacts. It is safe
// for concurrent use, and redacts itself.
type Collection struct {
	account [16]byte
	slot    recovery.Slot
	k, n    int

	mu     sync.Mutex
	shares []*Share
}

var _ recovery.Opener = (*Collection)(nil)

// NewCollection returns a collection for a slot of a header, in which the slots of
// contacts are those of the type recovery.SlotContacts; the one that a contact's share is
// of is told by [Share.Slot]. It returns recovery.ErrNotMine if
// there is none with this id. The header is as untrusted as before; a slot that the
// server has forged does not agree with shares whose fingerprint contacts have compared.
func NewCollection(h *recovery.Header, id recovery.SlotID) (*Collection, error) {
	slots := h.Slots()
	i := slices.IndexFunc(slots, func(s recovery.Slot) bool { return s.ID == id })
	if i < 0 || slots[i].Type != recovery.SlotContacts {
		return nil, recovery.ErrNotMine
	}
	params := slots[i].Params // which ParseHeader has checked
	return &Collection{account: h.Account(), slot: slots[i], k: int(params[saltSize]), n: int(params[saltSize+1])}, nil
}

// Add adds a share. It returns a ShareError that names the share, with ErrForeign,
// ErrSplit or ErrDuplicate; the collection stays as it was. No share is ErrMalformed.
func (c *Collection) Add(s *Share) error {
	if s == nil {
		return ErrMalformed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.check(s); err != nil {
		return &ShareError{s.index, err}
	}
	c.shares = append(c.shares, s)
	return nil
}

func (c *Collection) check(s *Share) error {
	switch {
	case s.account != c.account || s.slot != c.slot.ID:
		return ErrForeign
	case s.n != c.n || !bytes.Equal(s.commitments, c.slot.Params[saltSize+2:]):
		return ErrSplit // k, too, is the number of commitments
	case slices.ContainsFunc(c.shares, func(other *Share) bool { return other.index == s.index }):
		return ErrDuplicate
	}
	return nil
}

// Threshold returns k, how many shares it takes.
func (c *Collection) Threshold() int { return c.k }

// Contacts returns n, how many contacts there are.
func (c *Collection) Contacts() int { return c.n }

// Missing returns how many shares are still missing.
func (c *Collection) Missing() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.k-len(c.shares))
}

// Open implements recovery.Opener. It returns ErrFew for fewer than k shares, and
// recovery.ErrUntrusted for a slot that is not the one that the collection was made for,
// or does not open with its shares: then somebody has altered the header.
func (c *Collection) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	if s.Type != recovery.SlotContacts || s.ID != c.slot.ID || !bytes.Equal(b.Account, c.account[:]) {
		return nil, recovery.ErrNotMine
	}
	if !bytes.Equal(s.Params, c.slot.Params) {
		return nil, recovery.ErrUntrusted
	}
	c.mu.Lock()
	shares := slices.Clone(c.shares)
	c.mu.Unlock()
	if len(shares) < c.k {
		return nil, ErrFew
	}
	secret, err := combine(shares[:c.k])
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	kek, err := slotKey(b, secret, s.Flags, s.Params)
	if err != nil {
		return nil, err
	}
	defer kek.Destroy()
	opened, err := kek.Unwrap(ctx, s.Wrapped, b)
	if err != nil {
		return nil, recovery.ErrUntrusted
	}
	return opened, nil
}

// Format writes a placeholder for every verb.
func (c *Collection) Format(f fmt.State, _ rune) { redact(f, "Collection") }

// MarshalJSON writes a placeholder.
func (c *Collection) MarshalJSON() ([]byte, error) {
	return []byte(`"contacts.Collection(redacted)"`), nil
}
