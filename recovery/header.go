package recovery

import (
	"bytes"
	"crypto/sha256"

	"github.com/nescio-go/nescio/wrap"
	"golang.org/x/crypto/cryptobyte"
)

const (
	magic   = "NSCO"
	version = 1

	// MaxHeader bounds a header, in bytes.
	MaxHeader = 128 << 10
	// MaxSlots bounds the slots of a keyring, MaxPasswords those of them that have a
	// password, MaxHistory the epochs before the current one.
	MaxSlots     = 24
	MaxPasswords = 4
	MaxHistory   = 255

	keySize     = 32
	secretSize  = 2 * keySize // of a slot: seed ‖ L
	wrappedSize = wrap.Overhead + secretSize
	historySize = wrap.Overhead + keySize
	macSize     = sha256.Size
)

// Header is what the server keeps of a keyring: public, and untrusted until Open
// has succeeded. It is immutable and safe for concurrent use.
type Header struct {
	state   header
	encoded []byte
}

// header is the content of a header, without the MACs.
type header struct {
	account  [16]byte
	revision uint64
	epoch    uint32
	prev     [sha256.Size]byte
	history  []historyEntry // the oldest epoch first, up to the one before the current
	slots    []sealedSlot   // in the order of their ids
}

type historyEntry struct {
	epoch   uint32
	wrapped []byte // the master key of this epoch under the next one's
}

// sealedSlot is a slot with the master key sealed to it.
type sealedSlot struct {
	Slot
	publicKey []byte // of HPKE, 1216 bytes
	sealed    []byte // enc ‖ ct, 1168 bytes
}

func (h *header) clone() header {
	c := *h
	c.history = append([]historyEntry(nil), h.history...)
	c.slots = append([]sealedSlot(nil), h.slots...)
	return c
}

// ParseHeader decodes what Keyring.Bytes returned, strictly, or returns
// ErrMalformed. It checks the form of everything and proves nothing: Open does.
func ParseHeader(b []byte) (*Header, error) {
	if len(b) > MaxHeader {
		return nil, ErrMalformed
	}
	h := &Header{encoded: bytes.Clone(b)}
	s := cryptobyte.String(h.encoded)
	if !h.state.read(&s) || len(s) != 2*macSize {
		return nil, ErrMalformed
	}
	return h, nil
}

func (h *header) read(s *cryptobyte.String) bool {
	var start, account, prev []byte
	var v, n uint8
	if !s.ReadBytes(&start, len(magic)) || string(start) != magic || !s.ReadUint8(&v) || v != version ||
		!s.ReadUint8(&n) || n != 16 || !s.ReadBytes(&account, 16) ||
		!s.ReadUint64(&h.revision) || !s.ReadUint32(&h.epoch) || !s.ReadBytes(&prev, len(h.prev)) {
		return false
	}
	h.account, h.prev = [16]byte(account), [sha256.Size]byte(prev)
	if h.account == ([16]byte{}) || h.revision == 0 || h.epoch == 0 || (h.revision == 1) != (h.prev == [sha256.Size]byte{}) {
		return false
	}
	return h.readHistory(s) && h.readSlots(s)
}

// readHistory reads the entries, which lead from the current epoch back without
// a gap.
func (h *header) readHistory(s *cryptobyte.String) bool {
	var n uint8
	if !s.ReadUint8(&n) || uint32(n) > h.epoch {
		return false
	}
	for i := range uint32(n) {
		e := historyEntry{epoch: h.epoch - uint32(n) + i}
		var epoch uint32
		if !s.ReadUint32(&epoch) || epoch != e.epoch || !s.ReadBytes(&e.wrapped, historySize) {
			return false
		}
		h.history = append(h.history, e)
	}
	return true
}

func (h *header) readSlots(s *cryptobyte.String) bool {
	var n uint8
	if !s.ReadUint8(&n) || n == 0 || n > MaxSlots {
		return false
	}
	passwords := 0
	for i := range int(n) {
		var slot sealedSlot
		if !slot.read(s) || slot.Born > h.epoch {
			return false
		}
		if i > 0 && bytes.Compare(h.slots[i-1].ID[:], slot.ID[:]) >= 0 {
			return false
		}
		if slot.Type == SlotPassword {
			passwords++
		}
		h.slots = append(h.slots, slot)
	}
	return passwords <= MaxPasswords
}

func (slot *sealedSlot) read(s *cryptobyte.String) bool {
	var t uint8
	var id []byte
	var body cryptobyte.String
	if !s.ReadUint8(&t) || !SlotType(t).valid() || !s.ReadUint8(&slot.Flags) || !s.ReadBytes(&id, 16) ||
		!s.ReadUint32(&slot.Born) || slot.Born == 0 || !s.ReadUint16LengthPrefixed(&body) {
		return false
	}
	slot.Type, slot.ID = SlotType(t), SlotID(id)
	wrapped := wrappedSize
	if slot.Type == SlotDevice {
		wrapped = 0
	}
	params := len(body) - wrapped - publicKeySize - sealedSize
	return params >= 0 && body.ReadBytes(&slot.Params, params) && body.ReadBytes(&slot.Wrapped, wrapped) &&
		body.ReadBytes(&slot.publicKey, publicKeySize) && body.ReadBytes(&slot.sealed, sealedSize) && slot.validParams()
}

// encode returns the header with its MACs.
func (h *header) encode(lineage, master *[keySize]byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddBytes([]byte(magic))
	b.AddUint8(version)
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(h.account[:]) })
	b.AddUint64(h.revision)
	b.AddUint32(h.epoch)
	b.AddBytes(h.prev[:])
	b.AddUint8(uint8(len(h.history)))
	for _, e := range h.history {
		b.AddUint32(e.epoch)
		b.AddBytes(e.wrapped)
	}
	b.AddUint8(uint8(len(h.slots)))
	for i := range h.slots {
		s := &h.slots[i]
		b.AddUint8(uint8(s.Type))
		b.AddUint8(s.Flags)
		b.AddBytes(s.ID[:])
		b.AddUint32(s.Born)
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddBytes(s.Params)
			b.AddBytes(s.Wrapped)
			b.AddBytes(s.publicKey)
			b.AddBytes(s.sealed)
		})
	}
	encoded, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	for _, key := range []*[keySize]byte{lineage, master} {
		mac, err := headerMAC(key, encoded)
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, mac...)
	}
	if len(encoded) > MaxHeader {
		return nil, errTooLarge
	}
	return encoded, nil
}

// Account returns the account's number.
func (h *Header) Account() [16]byte { return h.state.account }

// Revision returns how many headers the account has had, this one included.
func (h *Header) Revision() uint64 { return h.state.revision }

// Epoch returns how many master keys the account has had.
func (h *Header) Epoch() uint32 { return h.state.epoch }

// Digest returns SHA-256 of the header: what the next one names as its
// predecessor, and what a server compares when it replaces one.
func (h *Header) Digest() [sha256.Size]byte { return sha256.Sum256(h.encoded) }

// Previous returns the digest of the header before this one; zero for the first.
// A server stores a header only in the place of the one that it names.
func (h *Header) Previous() [sha256.Size]byte { return h.state.prev }

// Slots returns copies of the slots: public data, and nothing to rely on before
// Open has succeeded.
func (h *Header) Slots() []Slot { return h.state.publicSlots() }

// Bytes returns a copy of the header's bytes.
func (h *Header) Bytes() []byte { return bytes.Clone(h.encoded) }

func (h *header) publicSlots() []Slot {
	slots := make([]Slot, len(h.slots))
	for i := range h.slots {
		slots[i] = h.slots[i].Slot.clone()
	}
	return slots
}

// MarshalJSON refuses: a header is stored by what Bytes returns.
func (h *Header) MarshalJSON() ([]byte, error) { return nil, errJSON }
