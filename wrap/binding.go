package wrap

import "encoding/binary"

// Binding says what a wrapped secret is for. Both sides state it; it is not
// part of the blob. Two bindings that differ in any field are different.
type Binding struct {
	// Purpose is what kind of thing is wrapped, 1 to 255 bytes, such as
	// "example.org/notes-key/v1". Those that begin with "nescio/" are reserved
	// for the packages of this module.
	Purpose string
	// Account and Slot, up to 65,535 bytes each, are whose it is and where it
	// is kept. They may be empty. Use numbers that never change, not names.
	Account, Slot []byte
	// Epoch is its generation.
	Epoch uint64
}

const (
	bindingVersion = 0x01
	maxPurpose     = 1<<8 - 1
	maxField       = 1<<16 - 1
)

func (b Binding) valid() bool {
	return len(b.Purpose) > 0 && len(b.Purpose) <= maxPurpose && len(b.Account) <= maxField && len(b.Slot) <= maxField
}

// size is the length of what append appends.
func (b Binding) size() int { return 2 + len(b.Purpose) + 2 + len(b.Account) + 2 + len(b.Slot) + 8 }

// append appends ctx of the format: 01 ‖ u8 len ‖ purpose ‖ u16 len ‖ account ‖
// u16 len ‖ slot ‖ u64 epoch, big-endian.
func (b Binding) append(ctx []byte) []byte {
	ctx = append(ctx, bindingVersion, byte(len(b.Purpose)))
	ctx = append(ctx, b.Purpose...)
	ctx = binary.BigEndian.AppendUint16(ctx, uint16(len(b.Account)))
	ctx = append(ctx, b.Account...)
	ctx = binary.BigEndian.AppendUint16(ctx, uint16(len(b.Slot)))
	ctx = append(ctx, b.Slot...)
	return binary.BigEndian.AppendUint64(ctx, b.Epoch)
}
