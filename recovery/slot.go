package recovery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/nescio-go/nescio/wrap"
	"golang.org/x/crypto/cryptobyte"
)

// The types of slots. The list is closed.
const (
	typePassword = "password"
	typeExport   = "export"
	typePhrase   = "phrase"
	typeFile     = "file"
	typePasskey  = "passkey"
	typeDevice   = "device"
	typeContacts = "contacts"
)

// slotTypes are the types by their numbers in a header.
var slotTypes = [...]string{
	1: typePassword, 2: typeExport, 3: typePhrase, 4: typeFile, 5: typePasskey, 6: typeDevice, 7: typeContacts,
}

// SlotID is a slot's random id.
type SlotID [16]byte

// String returns hexadecimal.
func (id SlotID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns hexadecimal.
func (id SlotID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reverses [SlotID.MarshalText].
func (id *SlotID) UnmarshalText(text []byte) error {
	b, ok := readID(text)
	if !ok {
		return ErrMalformed
	}
	*id = b
	return nil
}

// Slot is a slot of an untrusted header.
type Slot struct {
	// Type is "password", "export", "phrase", "file", "passkey", "device" or
	// "contacts".
	Type  string
	Flags uint8
	ID    SlotID
	Born  uint32 // the epoch in which it was made
	// Family is the first slot that this one replaces, or zero.
	Family SlotID
	// Params are described in FORMAT.md.
	Params []byte
	// Wrapped is empty for devices.
	Wrapped []byte
}

// Sealer wraps a slot's secret under a key of its holder.
type Sealer interface {
	Type() string
	Flags() uint8
	Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error)
}

// Opener returns a slot's secret, [ErrWrongSecret] for other slots, or
// [ErrPolicy] to refuse one. The server may have changed the slot.
type Opener interface {
	Open(ctx context.Context, b wrap.Binding, s Slot) (secret []byte, err error)
}

// isLogin reports whether the slot's secret is also a login secret.
func (s *Slot) isLogin() bool { return s.Type == typePassword || s.Type == typeExport }

// family returns the id that names the slot's line of replacements.
func (s *Slot) family() SlotID {
	if s.Family == (SlotID{}) {
		return s.ID
	}
	return s.Family
}

// binding is the binding of a slot's wrap.
func (s *Slot) binding(account AccountID) wrap.Binding {
	return wrap.Binding{Purpose: "nescio/slot/" + s.Type + "/v1", Account: account[:], Item: bytes.Clone(s.ID[:]), Epoch: uint64(s.Born)}
}

func (s Slot) clone() Slot {
	s.Params, s.Wrapped = bytes.Clone(s.Params), bytes.Clone(s.Wrapped)
	return s
}

func (s *Slot) wrappedSize() int {
	if s.Type == typeDevice {
		return 0
	}
	return wrappedSize
}

// appendHead appends the fields before the body.
func (s *Slot) appendHead(b *cryptobyte.Builder) {
	b.AddUint8(uint8(slices.Index(slotTypes[:], s.Type)))
	b.AddUint8(s.Flags)
	b.AddBytes(s.ID[:])
	b.AddUint32(s.Born)
	b.AddBytes(s.Family[:])
}

const (
	slotDigestLabel = "nescio/slot/digest/v1"
	slotDigestSize  = 16
)

// digest covers the whole slot except the sealed master key, which alone may
// change.
func (slot *sealedSlot) digest() [slotDigestSize]byte {
	b := cryptobyte.NewBuilder(make([]byte, 0, 4<<10))
	b.AddBytes([]byte(slotDigestLabel + "\x00"))
	slot.appendHead(b)
	b.AddUint16(uint16(len(slot.Params) + len(slot.Wrapped) + publicKeySize + sealedSize))
	b.AddBytes(slot.Params)
	b.AddBytes(slot.Wrapped)
	b.AddBytes(slot.publicKey)
	sum := sha256.Sum256(b.BytesOrPanic())
	return [slotDigestSize]byte(sum[:])
}

const saltSize = 32

// slotKey derives the key-encryption key of a slot from what its holder has:
// HKDF-SHA256(ikm, salt = slot id ‖ body salt, "nescio/slot/‹type›/v1" ‖ 00 ‖
// flags ‖ params).
func slotKey(b wrap.Binding, ikm []byte, flags uint8, params []byte) (*wrap.Key, error) {
	salt := append(bytes.Clone(b.Item), params[:saltSize]...)
	return wrap.DeriveKey(ikm, salt, b.Purpose+"\x00"+string([]byte{flags})+string(params))
}

// sealSlot is the last step of every Sealer.
func sealSlot(ctx context.Context, b wrap.Binding, ikm []byte, flags uint8, params, secret []byte) ([]byte, []byte, error) {
	kek, err := slotKey(b, ikm, flags, params)
	if err != nil {
		return nil, nil, err
	}
	defer kek.Destroy()
	wrapped, err := kek.Wrap(ctx, secret, b)
	if err != nil {
		return nil, nil, err
	}
	return params, wrapped, nil
}

// openSlot is the last step of every Opener.
func openSlot(ctx context.Context, b wrap.Binding, ikm []byte, s Slot) ([]byte, error) {
	if len(s.Params) < saltSize {
		return nil, ErrWrongSecret // ParseHeader does not return such a slot
	}
	kek, err := slotKey(b, ikm, s.Flags, s.Params)
	if err != nil {
		return nil, err
	}
	defer kek.Destroy()
	secret, err := kek.Unwrap(ctx, s.Wrapped, b)
	if err != nil {
		return nil, ErrWrongSecret
	}
	return secret, nil
}

// validParams checks the form of a type's flags and parameters.
func (s *Slot) validParams() bool {
	p := cryptobyte.String(s.Params)
	var salt []byte
	if s.Type != typeDevice && !p.ReadBytes(&salt, saltSize) {
		return false
	}
	switch s.Type {
	case typePassword:
		_, _, err := ParsePasswordSlot(*s)
		return err == nil
	case typeExport:
		return len(p) == sha256.Size && s.Flags == 0
	case typePhrase:
		return len(p) == 1 && (p[0] == 16 || p[0] == 32) && s.Flags == 0
	case typePasskey:
		_, err := ParsePasskeySlot(*s)
		return err == nil
	case typeContacts:
		return len(p) > 2 && p[0] >= 1 && p[0] <= p[1] && p[1] <= 32 && len(p) == 2+32*int(p[1]) && s.Flags == 0
	}
	return len(p) == 0 && s.Flags == 0 // a file, a device
}

// redact writes a placeholder for a type that holds a secret.
func redact(f fmt.State, name string) { io.WriteString(f, "recovery."+name+"(redacted)") }

// errJSON is for values that are stored. A placeholder in a database would lose
// them.
var errJSON = errors.New("recovery: no JSON form, store the bytes or the text")

// redactJSON is redact for JSON.
func redactJSON(name string) ([]byte, error) { return []byte(`"recovery.` + name + `(redacted)"`), nil }
