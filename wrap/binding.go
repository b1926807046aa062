package wrap

import (
	"encoding"
	"encoding/binary"
)

// Binding states what a wrapped secret is for. Wrap and Unwrap must get the
// same Binding; it is not part of the blob. Bindings that differ in any field
// are different.
type Binding struct {
	// Purpose is the kind of secret, 1 to 255 bytes, such as
	// "example.org/notes-key/v1". Purposes that begin with "nescio/" belong to
	// the packages of this module. Key does not enforce that.
	Purpose string
	// Account is whose secret it is. Item is what inside the account: a slot, a
	// file, a note. Both may be empty and are at most 65,535 bytes long. Use
	// identifiers that never change, not names.
	Account, Item []byte
	// Epoch is the generation of the secret. A blob of an older epoch does not
	// open in place of a newer one. This helps against a server that returns an
	// old blob only if the reader knows the current epoch from elsewhere.
	// Otherwise leave it at one value.
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

// size is the length of the encoding.
func (b Binding) size() int { return 2 + len(b.Purpose) + 2 + len(b.Account) + 2 + len(b.Item) + 8 }

// MarshalBinary returns the canonical encoding, ctx in FORMAT.md, for a key
// service that takes associated data. There is no decoder: both sides know what
// a blob is for. It returns [ErrBinding] for fields out of range.
func (b Binding) MarshalBinary() ([]byte, error) {
	if !b.valid() {
		return nil, ErrBinding
	}
	return b.append(make([]byte, 0, b.size())), nil
}

// append appends the encoding: 01 ‖ u8 len ‖ purpose ‖ u16 len ‖ account ‖
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
