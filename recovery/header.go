package recovery

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/nescio-go/nescio/wrap"
	"golang.org/x/crypto/cryptobyte"
)

// MaxHeader is 128 KiB.
const MaxHeader = 131072

const (
	magic   = "NSCO"
	version = 1

	maxSlots      = 24 // while secrets change; otherwise usualSlots
	maxPasswords  = 4
	usualSlots    = 20
	usualPassword = 3
	maxHistory    = 255

	keySize     = 32
	secretSize  = 2 * keySize // of a slot: seed ‖ L
	wrappedSize = wrap.Overhead + secretSize
	historySize = wrap.Overhead + keySize
	macSize     = sha256.Size
)

// Header is what the server stores, untrusted until [Open] succeeds.
type Header struct {
	state   header
	encoded []byte
}

// header is the content of a header without the MACs.
type header struct {
	account  AccountID
	revision uint64
	epoch    uint32
	floor    uint32
	prev     [sha256.Size]byte
	history  [][]byte     // the master key of each epoch under the next one's, oldest first
	slots    []sealedSlot // in the order of their ids
}

// sealedSlot is a slot with the master key sealed to it.
type sealedSlot struct {
	Slot
	publicKey []byte // of HPKE, 1216 bytes
	sealed    []byte // enc ‖ ct, 1168 bytes
}

// oldest returns the first epoch that a history of the given epoch reaches.
func oldest(epoch uint32) uint32 {
	if epoch <= maxHistory {
		return 1
	}
	return epoch - maxHistory
}

func (h *header) clone() header {
	c := *h
	c.history = append([][]byte(nil), h.history...)
	c.slots = append([]sealedSlot(nil), h.slots...)
	return c
}

// slot returns the slot of an id, or nil.
func (h *header) slot(id SlotID) *sealedSlot {
	for i := range h.slots {
		if h.slots[i].ID == id {
			return &h.slots[i]
		}
	}
	return nil
}

func (h *header) passwords() (n int) {
	for i := range h.slots {
		if h.slots[i].Type == typePassword {
			n++
		}
	}
	return n
}

// ParseHeader checks the format only.
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
	var start []byte
	if !s.ReadBytes(&start, len(magic)+1) || string(start) != magic+string(rune(version)) ||
		!s.CopyBytes(h.account[:]) || !s.ReadUint64(&h.revision) || !s.ReadUint32(&h.epoch) ||
		!s.ReadUint32(&h.floor) || !s.CopyBytes(h.prev[:]) {
		return false
	}
	if h.account == (AccountID{}) || h.revision == 0 || (h.revision == 1) != (h.prev == [sha256.Size]byte{}) ||
		h.epoch == 0 || uint64(h.epoch) > h.revision || h.floor < oldest(h.epoch) || h.floor > h.epoch {
		return false
	}
	h.history = make([][]byte, h.epoch-oldest(h.epoch))
	for i := range h.history {
		if !s.ReadBytes(&h.history[i], historySize) {
			return false
		}
	}
	return h.readSlots(s)
}

func (h *header) readSlots(s *cryptobyte.String) bool {
	var n uint8
	if !s.ReadUint8(&n) || n == 0 || n > maxSlots {
		return false
	}
	for i := range int(n) {
		var slot sealedSlot
		if !slot.read(s) || slot.Born > h.epoch {
			return false
		}
		if i > 0 && bytes.Compare(h.slots[i-1].ID[:], slot.ID[:]) >= 0 {
			return false
		}
		h.slots = append(h.slots, slot)
	}
	return h.passwords() <= maxPasswords
}

func (slot *sealedSlot) read(s *cryptobyte.String) bool {
	var number uint8
	var body cryptobyte.String
	if !s.ReadUint8(&number) || int(number) >= len(slotTypes) || number == 0 || !s.ReadUint8(&slot.Flags) ||
		!s.CopyBytes(slot.ID[:]) || slot.ID == (SlotID{}) || !s.ReadUint32(&slot.Born) || slot.Born == 0 || !s.CopyBytes(slot.Family[:]) ||
		!s.ReadUint16LengthPrefixed(&body) {
		return false
	}
	slot.Type = slotTypes[number]
	wrapped := slot.wrappedSize()
	params := len(body) - wrapped - publicKeySize - sealedSize
	return params >= 0 && body.ReadBytes(&slot.Params, params) && body.ReadBytes(&slot.Wrapped, wrapped) &&
		body.ReadBytes(&slot.publicKey, publicKeySize) && body.ReadBytes(&slot.sealed, sealedSize) && slot.validParams()
}

// encode returns the header with its MACs.
func (h *header) encode(lineage, master *[keySize]byte) (*Header, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 4<<10+len(h.slots)*3<<10+len(h.history)*historySize))
	b.AddBytes([]byte(magic))
	b.AddUint8(version)
	b.AddBytes(h.account[:])
	b.AddUint64(h.revision)
	b.AddUint32(h.epoch)
	b.AddUint32(h.floor)
	b.AddBytes(h.prev[:])
	for _, wrapped := range h.history {
		b.AddBytes(wrapped)
	}
	b.AddUint8(uint8(len(h.slots)))
	for i := range h.slots {
		h.slots[i].append(b)
	}
	encoded, err := b.Bytes()
	if err != nil {
		return nil, errInternal
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
	return &Header{*h, encoded}, nil
}

func (slot *sealedSlot) append(b *cryptobyte.Builder) {
	slot.appendHead(b)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddBytes(slot.Params)
		b.AddBytes(slot.Wrapped)
		b.AddBytes(slot.publicKey)
		b.AddBytes(slot.sealed)
	})
}

// Account returns the account's number.
func (h *Header) Account() AccountID { return h.state.account }

// Revision returns the header's number.
func (h *Header) Revision() uint64 { return h.state.revision }

// Epoch returns the master key's number.
func (h *Header) Epoch() uint32 { return h.state.epoch }

// Floor returns the lowest open epoch.
func (h *Header) Floor() uint32 { return h.state.floor }

// Digest returns SHA-256.
func (h *Header) Digest() [32]byte { return sha256.Sum256(h.encoded) }

// Previous returns the predecessor's digest.
func (h *Header) Previous() [32]byte { return h.state.prev }

// Follows tells a server whether h may replace previous, nil for none.
func (h *Header) Follows(previous *Header) error {
	if h == nil {
		return ErrMalformed
	}
	if previous == nil {
		if h.state.revision != 1 {
			return fmt.Errorf("%w: no header is stored", ErrConflict)
		}
		return nil // its epoch is 1
	}
	old, s := &previous.state, &h.state
	switch {
	case s.account != old.account:
		return ErrOtherAccount
	case s.prev != previous.Digest():
		return ErrConflict
	case s.revision != old.revision+1:
		return untrusted("the revision is not the next one")
	case s.epoch != old.epoch && s.epoch != old.epoch+1:
		return errEpochJump
	case s.floor < old.floor:
		return untrusted("the floor falls")
	}
	return nil
}

// Gone returns the slots of previous that h lacks.
func (h *Header) Gone(previous *Header) (ids []SlotID) {
	if h == nil || previous == nil {
		return nil
	}
	for i := range previous.state.slots {
		if id := previous.state.slots[i].ID; h.state.slot(id) == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// HasRecord reports whether an export slot belongs to the raw record.
func (h *Header) HasRecord(raw []byte) bool {
	if h == nil {
		return false
	}
	digest := sha256.Sum256(raw)
	for i := range h.state.slots {
		if s := &h.state.slots[i]; s.Type == typeExport && bytes.Equal(s.Params[saltSize:], digest[:]) {
			return true
		}
	}
	return false
}

// Slots returns the slots.
func (h *Header) Slots() []Slot { return h.state.publicSlots() }

// Bytes returns the header's bytes.
func (h *Header) Bytes() []byte {
	if h == nil {
		return nil
	}
	return bytes.Clone(h.encoded)
}

func (h *header) publicSlots() []Slot {
	slots := make([]Slot, len(h.slots))
	for i := range h.slots {
		slots[i] = h.slots[i].Slot.clone()
	}
	return slots
}

// MarshalJSON fails.
func (h *Header) MarshalJSON() ([]byte, error) { return nil, errJSON }
