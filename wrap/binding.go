package wrap

import (
	"encoding"
	"encoding/binary"
)

// Binding states what a secret is for. It is not part of the blob.
type Binding struct {
	Purpose       string // 1 to 255 bytes, as "example.org/key/v1", not "nescio/"
	Account, Item []byte // at most 65,535 bytes; identifiers that never change
	Epoch         uint64 // to reject old blobs, store the current one elsewhere
}

const (
	bindingVersion = 0x01
	maxPurpose     = 1<<8 - 1
	maxField       = 1<<16 - 1
)

func (b Binding) valid() bool {
	return len(b.Purpose) > 0 && len(b.Purpose) <= maxPurpose && len(b.Account) <= maxField && len(b.Item) <= maxField
}

// size is the length of the encoding.
func (b Binding) size() int { return 2 + len(b.Purpose) + 2 + len(b.Account) + 2 + len(b.Item) + 8 }

// MarshalBinary returns associated data for key services, or [ErrBinding].
func (b Binding) MarshalBinary() ([]byte, error) {
	if !b.valid() {
		return nil, ErrBinding
	}
	return b.append(make([]byte, 0, b.size())), nil
}

// append appends the encoding: 01 ‖ u8 len ‖ purpose ‖ u16 len ‖ account ‖ u16
// len ‖ item ‖ u64 epoch, big-endian.
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
