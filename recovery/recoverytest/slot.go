package recoverytest

import (
	"crypto/hpke"
	"encoding/binary"
	"errors"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

const (
	wrappedSize   = wrap.Overhead + 64
	publicKeySize = 1216
	sealedSize    = 1120 + 48
	typeDevice    = 6
)

// slotTypes are the types of slots by their numbers.
var slotTypes = []string{"", "password", "export", "phrase", "file", "passkey", "device", "contacts"}

var errKey = errors.New("recoverytest: a key is 32 bytes long")

// SlotParts is a slot taken apart. Its fields are the fields of FORMAT.md, in
// the same order. The length of the body is not a field, because it follows
// from the last four.
type SlotParts struct {
	Type      byte
	Flags     byte
	ID        recovery.SlotID
	Born      uint32
	Family    recovery.SlotID
	Params    []byte // with the salt
	Wrapped   []byte // the seed and the lineage key, none for a device
	PublicKey []byte // of the seed
	Sealed    []byte // the master key
}

func (r *reader) slot() SlotParts {
	s := SlotParts{Type: byte(r.number(1)), Flags: byte(r.number(1))}
	copy(s.ID[:], r.next(16))
	s.Born = uint32(r.number(4))
	copy(s.Family[:], r.next(16))
	wrapped := wrappedSize
	if s.Type == typeDevice {
		wrapped = 0
	}
	params := int(r.number(2)) - wrapped - publicKeySize - sealedSize
	s.Params, s.Wrapped = r.next(params), r.next(wrapped)
	s.PublicKey, s.Sealed = r.next(publicKeySize), r.next(sealedSize)
	return s
}

func (s *SlotParts) append(b []byte) []byte {
	b = append(b, s.Type, s.Flags)
	b = append(b, s.ID[:]...)
	b = binary.BigEndian.AppendUint32(b, s.Born)
	b = append(b, s.Family[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.Params)+len(s.Wrapped)+len(s.PublicKey)+len(s.Sealed)))
	for _, part := range [][]byte{s.Params, s.Wrapped, s.PublicKey, s.Sealed} {
		b = append(b, part...)
	}
	return b
}

// binding is the binding of the wrapped seed and lineage key.
func (s *SlotParts) binding(account recovery.AccountID) wrap.Binding {
	name := ""
	if int(s.Type) < len(slotTypes) {
		name = slotTypes[s.Type]
	}
	return wrap.Binding{Purpose: "nescio/slot/" + name + "/v1", Account: account[:], Item: s.ID[:], Epoch: uint64(s.Born)}
}

func masterInfo(account recovery.AccountID, id recovery.SlotID, epoch uint32) ([]byte, error) {
	return wrap.Binding{Purpose: "nescio/slot/mk/v1", Account: account[:], Item: id[:], Epoch: uint64(epoch)}.MarshalBinary()
}

// seal seals a master key to the slot, as anyone can.
func (s *SlotParts) seal(account recovery.AccountID, epoch uint32, master []byte) error {
	if len(master) != 32 {
		return errKey
	}
	pk, err := hpke.MLKEM768X25519().NewPublicKey(s.PublicKey)
	if err != nil {
		return err
	}
	info, err := masterInfo(account, s.ID, epoch)
	if err != nil {
		return err
	}
	s.Sealed, err = hpke.Seal(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, master)
	return err
}

// unseal opens the sealed master key with the slot's seed.
func (s *SlotParts) unseal(account recovery.AccountID, epoch uint32, seed []byte) ([]byte, error) {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	info, err := masterInfo(account, s.ID, epoch)
	if err != nil {
		return nil, err
	}
	return hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, s.Sealed)
}

// publicKey returns the public key of a seed.
func publicKey(seed []byte) ([]byte, error) {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, err
	}
	return private.PublicKey().Bytes(), nil
}
