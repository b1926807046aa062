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

// Collection collects shares and opens their slot.
type Collection struct {
	account recovery.AccountID
	slot    recovery.SlotID
	params  params

	mu     sync.Mutex
	shares []*Share // checked, their indices distinct
}

var _ recovery.Opener = (*Collection)(nil)

// NewCollection takes an untrusted header and [Share.Slot]. It returns
// [recovery.ErrWrongSecret] if the header lacks the slot.
func NewCollection(h *recovery.Header, id recovery.SlotID) (*Collection, error) {
	if h == nil {
		return nil, ErrMalformed
	}
	slots := h.Slots()
	i := slices.IndexFunc(slots, func(s recovery.Slot) bool { return s.ID == id })
	if i < 0 || slots[i].Type != slotType {
		return nil, recovery.ErrWrongSecret
	}
	p, ok := parseParams(slots[i].Params)
	if !ok {
		return nil, errInternal // ParseHeader has checked them
	}
	return &Collection{account: h.Account(), slot: id, params: p}, nil
}

// Add checks a share and adds it. A refused share returns a [ShareError] with
// [ErrForeign], [ErrSplit], [ErrWrong] or [ErrDuplicate].
func (c *Collection) Add(s *Share) error {
	if s == nil || s.index == 0 {
		return ErrMalformed
	}
	if c.params == nil {
		return errZero
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
	if s.account != c.account || s.slot != c.slot {
		return ErrForeign
	}
	if err := c.params.check(s); err != nil {
		return err
	}
	if slices.ContainsFunc(c.shares, func(other *Share) bool { return other.index == s.index }) {
		return ErrDuplicate
	}
	return nil
}

// Threshold returns k.
func (c *Collection) Threshold() int { return c.params.k() }

// Contacts returns n.
func (c *Collection) Contacts() int { return c.params.n() }

// Missing returns the number of missing shares.
func (c *Collection) Missing() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.params.k()-len(c.shares))
}

// Open implements [recovery.Opener]. It returns [ErrFew], or
// [recovery.ErrUntrusted] for an altered slot.
func (c *Collection) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	if c.params == nil {
		return nil, errZero
	}
	if s.Type != slotType || s.ID != c.slot || !bytes.Equal(b.Account, c.account[:]) {
		return nil, recovery.ErrWrongSecret
	}
	if !bytes.Equal(s.Params, c.params) {
		return nil, errParams
	}
	c.mu.Lock()
	shares := slices.Clone(c.shares)
	c.mu.Unlock()
	if len(shares) < c.params.k() {
		return nil, ErrFew
	}
	secret, err := combine(shares[:c.params.k()])
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
		return nil, errSlot
	}
	return opened, nil
}

// Format redacts the value.
func (c *Collection) Format(f fmt.State, _ rune) { redact(f, "Collection") }

// MarshalJSON redacts the value.
func (c *Collection) MarshalJSON() ([]byte, error) { return redactJSON("Collection") }
