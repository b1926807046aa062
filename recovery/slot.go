package recovery

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/nescio-go/nescio/wrap"
	"golang.org/x/crypto/cryptobyte"
)

// SlotType is a kind of way in. The list is closed.
type SlotType uint8

const (
	SlotPassword SlotType = 1
	SlotExport   SlotType = 2 // OPAQUE's export key
	SlotPhrase   SlotType = 3
	SlotFile     SlotType = 4
	SlotPasskey  SlotType = 5
	SlotDevice   SlotType = 6
	SlotContacts SlotType = 7
)

var slotNames = [...]string{
	SlotPassword: "password", SlotExport: "export", SlotPhrase: "phrase", SlotFile: "file",
	SlotPasskey: "passkey", SlotDevice: "device", SlotContacts: "contacts",
}

func (t SlotType) valid() bool { return t >= SlotPassword && t <= SlotContacts }

// String returns the type's name, which is also in its bindings: "password".
func (t SlotType) String() string {
	if !t.valid() {
		return "invalid"
	}
	return slotNames[t]
}

// SlotID names a slot of an account: random, never used again.
type SlotID [16]byte

// String returns the id in hexadecimal.
func (id SlotID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns what String does, for JSON and its like.
func (id SlotID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reads 32 hexadecimal digits, in small letters, or returns
// ErrMalformed.
func (id *SlotID) UnmarshalText(text []byte) error {
	var read SlotID
	if len(text) != hex.EncodedLen(len(read)) {
		return ErrMalformed
	}
	if _, err := hex.Decode(read[:], text); err != nil || read.String() != string(text) {
		return ErrMalformed
	}
	*id = read
	return nil
}

// Slot is a way in as the header shows it: public, and untrusted until Open has
// succeeded.
type Slot struct {
	Type  SlotType
	Flags uint8
	ID    SlotID
	Born  uint32 // the epoch in which it was made
	// Params are the type's own parameters, from its Sealer: see the package
	// documentation.
	Params []byte
	// Wrapped is the slot's seed and the lineage key, wrapped under what the
	// holder has. Empty for devices.
	Wrapped []byte
}

// Sealer makes a slot. Seal returns the type's parameters and the secret, 64
// bytes, wrapped for b under a key that only the slot's holder can derive. It keeps
// neither.
type Sealer interface {
	Type() SlotType
	Flags() uint8
	Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error)
}

// Opener opens slots. Open returns the secret of a slot, or ErrNotMine if the
// slot is not its own or does not open, or [ErrPolicy] if it refuses the slot: then
// the next slot is tried. The slot comes from the server, and may have been changed by
// it. [Keyring.OpenedBy] returns which slot opened.
type Opener interface {
	Open(ctx context.Context, b wrap.Binding, s Slot) (secret []byte, err error)
}

// binding is the binding of a slot's wrap.
func (s *Slot) binding(account [16]byte) wrap.Binding {
	return slotBinding(s.Type, account, s.ID, s.Born)
}

func slotBinding(t SlotType, account [16]byte, id SlotID, born uint32) wrap.Binding {
	return wrap.Binding{Purpose: "nescio/slot/" + t.String() + "/v1", Account: account[:], Item: id[:], Epoch: uint64(born)}
}

func (s Slot) clone() Slot {
	s.Params, s.Wrapped = bytes.Clone(s.Params), bytes.Clone(s.Wrapped)
	return s
}

const saltSize = 32

// slotKey derives the key-encryption key of a slot from what its holder has:
// HKDF-SHA256(ikm, salt = slot id ‖ body salt, "nescio/slot/‹type›/v1" ‖ 00 ‖ flags
// ‖ params).
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
		return nil, ErrNotMine // not out of ParseHeader
	}
	kek, err := slotKey(b, ikm, s.Flags, s.Params)
	if err != nil {
		return nil, err
	}
	defer kek.Destroy()
	secret, err := kek.Unwrap(ctx, s.Wrapped, b)
	if err != nil {
		return nil, ErrNotMine
	}
	return secret, nil
}

// validParams checks the form of a type's flags and parameters.
func (s *Slot) validParams() bool {
	p := cryptobyte.String(s.Params)
	var salt []byte
	if s.Type != SlotDevice && !p.ReadBytes(&salt, saltSize) {
		return false
	}
	switch s.Type {
	case SlotPassword:
		_, err := ParsePasswordSlot(*s)
		return err == nil
	case SlotExport:
		return len(p) == 32 && s.Flags == 0
	case SlotPhrase:
		return len(p) == 1 && (p[0] == 16 || p[0] == 32) && s.Flags == 0
	case SlotPasskey:
		_, err := ParsePasskeySlot(*s)
		return err == nil
	case SlotContacts:
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
