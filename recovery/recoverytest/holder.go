package recoverytest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// Holder is the holder of a slot who keeps everything and shares it with the
// server later. It is a [recovery.Opener]. After it has opened a keyring,
// [Holder.Learn] takes the master keys from the header. Its methods are safe
// for concurrent use.
type Holder struct {
	Account recovery.AccountID
	Slot    recovery.SlotID
	Seed    []byte            // of the slot, 32 bytes
	Lineage []byte            // the lineage key, 32 bytes
	Masters map[uint32][]byte // the master keys by epoch, 32 bytes each

	mu     sync.Mutex
	opener recovery.Opener
}

var _ recovery.Opener = (*Holder)(nil)

var (
	errClosed = errors.New("recoverytest: the holder has opened no keyring")
	errNoSlot = errors.New("recoverytest: the header does not have the holder's slot")
	errNoKey  = errors.New("recoverytest: the holder does not have the master key of this epoch")
)

// NewHolder returns a holder of the secret that o opens slots with.
func NewHolder(o recovery.Opener) *Holder {
	return &Holder{opener: o, Masters: make(map[uint32][]byte)}
}

// Open implements [recovery.Opener], and keeps the seed and the lineage key of
// the slot that opens.
func (h *Holder) Open(ctx context.Context, b wrap.Binding, s recovery.Slot) ([]byte, error) {
	secret, err := h.opener.Open(ctx, b, s)
	if err == nil && len(secret) == 64 && len(b.Account) == len(h.Account) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.Account, h.Slot = recovery.AccountID(b.Account), s.ID
		h.Seed, h.Lineage = bytes.Clone(secret[:32]), bytes.Clone(secret[32:])
	}
	return secret, err
}

// Learn takes the master keys of all epochs that a header reaches, with the
// seed of the slot that was opened. It returns an error if the header does not
// have the slot.
func (h *Holder) Learn(header []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Seed == nil {
		return errClosed
	}
	p, err := Split(header)
	if err != nil {
		return err
	}
	slot := p.Slot(h.Slot)
	if slot == nil {
		return errNoSlot
	}
	master, err := slot.unseal(p.Account, p.Epoch, h.Seed)
	if err != nil {
		return err
	}
	h.Masters[p.Epoch] = master
	e := p.Epoch
	for _, entry := range slices.Backward(p.History) {
		key, err := importKey(master)
		if err != nil {
			return err
		}
		e--
		if master, err = key.Unwrap(context.Background(), entry, historyBinding(p.Account, e)); err != nil {
			return err
		}
		h.Masters[e] = master
	}
	return nil
}

// Blob wraps a secret under the master key of an epoch, in the form that
// [recovery.Keyring.Wrap] returns. The origin may be any number. Blob fills in
// the account and the epoch of the binding. It returns an error if the holder
// does not know the master key.
func (h *Holder) Blob(secret []byte, b wrap.Binding, epoch, origin uint32) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	master := h.Masters[epoch]
	if master == nil {
		return nil, errNoKey
	}
	key, err := importKey(derive(master, "nescio/keyring/data/v1"))
	if err != nil {
		return nil, err
	}
	b.Account, b.Epoch = h.Account[:], uint64(origin)<<32|uint64(epoch)
	wrapped, err := key.Wrap(context.Background(), secret, b)
	if err != nil {
		return nil, err
	}
	out := binary.BigEndian.AppendUint32([]byte{'W', 1}, epoch)
	out = binary.BigEndian.AppendUint32(out, origin)
	return append(out, wrapped...), nil
}
