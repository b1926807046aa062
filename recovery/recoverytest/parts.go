package recoverytest

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

const (
	magic       = "NSCO\x01"
	maxHistory  = 255
	historySize = wrap.Overhead + 32
	macSize     = 32
)

var errHeader = errors.New("recoverytest: not a header")

// Parts is a header taken apart. Its fields are the fields of FORMAT.md, in the
// same order. They may have any value, because [Parts.Join] checks nothing.
type Parts struct {
	Account  recovery.AccountID
	Revision uint64
	Epoch    uint32
	Floor    uint32
	Previous [32]byte // the digest of the header before
	History  [][]byte // 106 bytes each, the oldest epoch first
	Slots    []SlotParts
	MACs     [2][32]byte // under the lineage key, under the master key
}

// Split takes a header apart. It returns an error only if the lengths in it
// are wrong.
func Split(header []byte) (*Parts, error) {
	r := reader{rest: bytes.Clone(header)}
	p := new(Parts)
	start := r.next(len(magic))
	copy(p.Account[:], r.next(16))
	p.Revision, p.Epoch, p.Floor = r.number(8), uint32(r.number(4)), uint32(r.number(4))
	copy(p.Previous[:], r.next(32))
	for range int(p.Epoch - min(p.Epoch, oldest(p.Epoch))) {
		p.History = append(p.History, r.next(historySize))
	}
	for range int(r.number(1)) {
		p.Slots = append(p.Slots, r.slot())
	}
	copy(p.MACs[0][:], r.next(macSize))
	copy(p.MACs[1][:], r.next(macSize))
	if r.failed || len(r.rest) > 0 || string(start) != magic {
		return nil, errHeader
	}
	return p, nil
}

// oldest returns the oldest epoch in the history of a header.
func oldest(epoch uint32) uint32 {
	if epoch <= maxHistory {
		return 1
	}
	return epoch - maxHistory
}

// Join returns the header that the fields describe.
func (p *Parts) Join() []byte {
	b := append([]byte(magic), p.Account[:]...)
	b = binary.BigEndian.AppendUint64(b, p.Revision)
	b = binary.BigEndian.AppendUint32(b, p.Epoch)
	b = binary.BigEndian.AppendUint32(b, p.Floor)
	b = append(b, p.Previous[:]...)
	for _, entry := range p.History {
		b = append(b, entry...)
	}
	b = append(b, byte(len(p.Slots)))
	for i := range p.Slots {
		b = p.Slots[i].append(b)
	}
	b = append(b, p.MACs[0][:]...)
	return append(b, p.MACs[1][:]...)
}

// Slot returns the slot with an id, or nil.
func (p *Parts) Slot(id recovery.SlotID) *SlotParts {
	for i := range p.Slots {
		if p.Slots[i].ID == id {
			return &p.Slots[i]
		}
	}
	return nil
}

// Follow makes p the successor of a header: the revision is one higher, and
// Previous is the header's digest.
func (p *Parts) Follow(header []byte) error {
	previous, err := Split(header)
	if err != nil {
		return err
	}
	p.Revision, p.Previous = previous.Revision+1, sha256.Sum256(header)
	return nil
}

// AddSlot adds a slot that s makes for a seed and a lineage key, 32 bytes each,
// and returns its id. The slot is made in the epoch of p. If s is nil, it is
// the slot of a device. It gets the master key from [Parts.Rekey].
func (p *Parts) AddSlot(ctx context.Context, s recovery.Sealer, seed, lineage []byte) (recovery.SlotID, error) {
	slot := SlotParts{Type: typeDevice, Born: p.Epoch, Sealed: make([]byte, sealedSize)}
	rand.Read(slot.ID[:])
	var err error
	if slot.PublicKey, err = publicKey(seed); err != nil {
		return slot.ID, err
	}
	if s != nil {
		slot.Type, slot.Flags = byte(slices.Index(slotTypes, s.Type())), s.Flags()
		slot.Params, slot.Wrapped, err = s.Seal(ctx, slot.binding(p.Account), slices.Concat(seed, lineage))
	}
	if err != nil {
		return slot.ID, err
	}
	p.Slots = append(p.Slots, slot)
	p.Sort()
	return slot.ID, nil
}

// Sort sorts the slots by id, as a header requires.
func (p *Parts) Sort() {
	slices.SortFunc(p.Slots, func(a, b SlotParts) int { return bytes.Compare(a.ID[:], b.ID[:]) })
}

// Rekey sets the epoch of p and seals its master key to every slot. The map
// contains master keys by epoch, 32 bytes each. An entry of the history is made
// from the two keys that it needs, if the map contains both. Otherwise it stays
// as it is, or is random if p did not have it.
func (p *Parts) Rekey(epoch uint32, masters map[uint32][]byte) error {
	before := make(map[uint32][]byte)
	for i, entry := range p.History {
		before[oldest(p.Epoch)+uint32(i)] = entry
	}
	p.Epoch, p.History = epoch, nil
	for e := oldest(epoch); e < epoch; e++ {
		entry := before[e]
		if old, next := masters[e], masters[e+1]; old != nil && next != nil {
			var err error
			if entry, err = historyEntry(p.Account, e, old, next); err != nil {
				return err
			}
		} else if entry == nil {
			entry = make([]byte, historySize)
			rand.Read(entry[2:])
			entry[0], entry[1] = 1, 1
		}
		p.History = append(p.History, entry)
	}
	for i := range p.Slots {
		if err := p.Slots[i].seal(p.Account, epoch, masters[epoch]); err != nil {
			return err
		}
	}
	return nil
}

// Sign computes the two MACs with a lineage key and a master key, 32 bytes
// each, and returns the header. If a key is nil, its MAC stays as it is.
func (p *Parts) Sign(lineage, master []byte) []byte {
	for i, key := range [][]byte{lineage, master} {
		if key == nil {
			continue
		}
		b := p.Join()
		mac := hmac.New(sha256.New, derive(key, "nescio/keyring/v1"))
		mac.Write(b[:len(b)-(2-i)*macSize])
		mac.Sum(p.MACs[i][:0])
	}
	return p.Join()
}

func derive(key []byte, label string) []byte {
	k, err := hkdf.Key(sha256.New, key, nil, label, 32)
	if err != nil {
		panic(err) // only for a length that SHA-256 does not have
	}
	return k
}

func historyBinding(account recovery.AccountID, epoch uint32) wrap.Binding {
	return wrap.Binding{Purpose: "nescio/history/v1", Account: account[:], Epoch: uint64(epoch)}
}

// historyEntry wraps the master key of an epoch under the next one.
func historyEntry(account recovery.AccountID, epoch uint32, old, next []byte) ([]byte, error) {
	key, err := importKey(next)
	if err != nil {
		return nil, err
	}
	return key.Wrap(context.Background(), old, historyBinding(account, epoch))
}

func importKey(key []byte) (*wrap.Key, error) {
	if len(key) != wrap.KeySize {
		return nil, errKey
	}
	return wrap.ImportKey([wrap.KeySize]byte(key)), nil
}

// reader reads, and fails beyond the end.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) next(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.failed, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) number(size int) (n uint64) {
	for _, b := range r.next(size) {
		n = n<<8 | uint64(b)
	}
	return n
}
