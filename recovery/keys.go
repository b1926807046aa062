package recovery

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"errors"

	"github.com/nescio-go/nescio/wrap"
)

// The keys of a keyring: the master key MK of an epoch, the lineage key L, and of
// every slot a seed, from which comes the key pair that MK is sealed to.

const (
	publicKeySize = 1216      // of MLKEM768X25519
	sealedSize    = 1120 + 48 // enc ‖ ct
	mkIDSize      = 16        // of a master key's name in a pin
	macLabel      = "nescio/keyring/v1"
	mkIDLabel     = "nescio/mk-id/v1"
	masterPurpose = "nescio/slot/mk/v1"
	historyLabel  = "nescio/history/v1"
)

func derive(key *[keySize]byte, label string, size int) ([]byte, error) {
	return hkdf.Key(sha256.New, key[:], nil, label, size)
}

// headerMAC is HMAC-SHA256 under HKDF-SHA256(key, "", "nescio/keyring/v1", 32).
func headerMAC(key *[keySize]byte, b []byte) ([]byte, error) {
	k, err := derive(key, macLabel, macSize)
	if err != nil {
		return nil, err
	}
	defer clear(k)
	mac := hmac.New(sha256.New, k)
	mac.Write(b)
	return mac.Sum(nil), nil
}

func mkID(master *[keySize]byte) (id [mkIDSize]byte, err error) {
	b, err := derive(master, mkIDLabel, mkIDSize)
	if err != nil {
		return id, err
	}
	return [mkIDSize]byte(b), nil
}

// slotPublicKey is the public key of a slot's seed.
func slotPublicKey(seed []byte) ([]byte, hpke.PrivateKey, error) {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, nil, err
	}
	return private.PublicKey().Bytes(), private, nil
}

func masterInfo(account [16]byte, id SlotID, epoch uint32) ([]byte, error) {
	return wrap.Binding{Purpose: masterPurpose, Account: account[:], Item: id[:], Epoch: uint64(epoch)}.MarshalBinary()
}

// sealMaster seals the master key of an epoch to a slot: HPKE in base mode with
// MLKEM768X25519, HKDF-SHA256 and ChaCha20-Poly1305.
func sealMaster(account [16]byte, s *sealedSlot, epoch uint32, master *[keySize]byte) ([]byte, error) {
	pk, err := hpke.MLKEM768X25519().NewPublicKey(s.publicKey)
	if err != nil {
		return nil, ErrUntrusted
	}
	info, err := masterInfo(account, s.ID, epoch)
	if err != nil {
		return nil, err
	}
	return hpke.Seal(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, master[:])
}

// openMaster is the inverse for who has the slot's seed.
func openMaster(account [16]byte, s *sealedSlot, epoch uint32, seed []byte) (master [keySize]byte, err error) {
	pk, private, err := slotPublicKey(seed)
	if err != nil || !hmac.Equal(pk, s.publicKey) {
		return master, ErrUntrusted
	}
	info, err := masterInfo(account, s.ID, epoch)
	if err != nil {
		return master, err
	}
	b, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, s.sealed)
	if err != nil {
		return master, ErrUntrusted
	}
	defer clear(b)
	if len(b) != keySize {
		return master, ErrUntrusted
	}
	return [keySize]byte(b), nil
}

func historyBinding(account [16]byte, epoch uint32) wrap.Binding {
	return wrap.Binding{Purpose: historyLabel, Account: account[:], Epoch: uint64(epoch)}
}

// isZero reports whether all bytes are 0, in constant time.
func isZero(b []byte) bool {
	var or byte
	for _, c := range b {
		or |= c
	}
	return or == 0
}

var errInternal = errors.New("recovery: internal error")
