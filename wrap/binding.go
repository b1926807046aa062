package wrap

import (
	"encoding"
	"encoding/binary"
)

// Binding says what a wrapped secret is for. Both sides state it; it is not
// part of the blob. Two bindings that differ in any field are different.
type Binding struct {
	// Purpose is what kind of thing is wrapped, 1 to 255 bytes, such as
	// "example.org/notes-key/v1". Those that begin with "nescio/" belong to the
	// packages of this module; nothing checks that.
	Purpose string
	// Account and Item, up to 65,535 bytes each, are whose it is and where it
	// is kept. They may be empty. Use identifiers that never change, not names.
	Account, Item []byte
	// Epoch is the generation of the secret: a blob of an older one does not
	// open in the place of a newer. It helps against a keeper of blobs who hands
	// out an old one only where whoever opens knows the current epoch from
	// elsewhere. Without such knowledge leave it at one value.
	Epoch uint64
}

const (
	bindingVersion = 0x01
	maxPurpose     = 1<<8 - 1
	maxField       = 1<<16 - 1
)

func (b Binding) valid() bool {
	return len(b.Purpose) > 0 && len(b.Purpose) <= maxPurpose && len(b.Account) <= maxField && len(b.Item) <= maxField
}

// size is the length of what append appends.
func (b Binding) size() int { return 2 + len(b.Purpose) + 2 + len(b.Account) + 2 + len(b.Item) + 8 }

// MarshalBinary returns the canonical encoding, ctx in the package's Format, for a
// key service that takes associated data. Nothing decodes it: both sides know what a
// blob is for. It returns ErrBinding for fields out of range.
func (b Binding) MarshalBinary() ([]byte, error) {
	if !b.valid() {
		return nil, ErrBinding
	}
	return b.append(make([]byte, 0, b.size())), nil
}

// append appends ctx of the format: 01 ‖ u8 len ‖ purpose ‖ u16 len ‖ account ‖
// u16 len ‖ item ‖ u64 epoch, big-endian.
func (b Binding) append(ctx []byte) []byte {
	ctx = append(ctx, bindingVersion, byte(len(b.Purpose)))
	ctx = append(ctx, b.Purpose...)
	ctx = binary.BigEndian.AppendUint16(ctx, uint16(len(b.Account)))
	ctx = append(ctx, b.Account...)
	ctx = binary.BigEndian.AppendUint16(ctx, uint16(len(b.Item)))
	ctx = append(ctx, b.Item...)
	return binary.BigEndian.AppendUint64(ctx, b.Epoch)
}

var _ encoding.BinaryMarshaler = Binding{}
