package recovery

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"

	"github.com/nescio-go/nescio/wrap"
)

// A keyring has a master key MK for each epoch and one lineage key L. Each slot
// has a seed. The master key is sealed to the seed's key pair.

const (
	publicKeySize = 1216      // of MLKEM768X25519
	sealedSize    = 1120 + 48 // enc ‖ ct
	mkIDSize      = 16        // of a master key's name in a checkpoint
	macLabel      = "nescio/keyring/v1"
	mkIDLabel     = "nescio/mk-id/v1"
	dataLabel     = "nescio/keyring/data/v1"
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

// newDataKey returns K_e, which wraps the blobs of an epoch.
func newDataKey(master *[keySize]byte) (*wrap.Key, error) {
	b, err := derive(master, dataLabel, keySize)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return wrap.ImportKey([keySize]byte(b)), nil
}

func masterInfo(account AccountID, id SlotID, epoch uint32) ([]byte, error) {
	return wrap.Binding{Purpose: masterPurpose, Account: account[:], Item: id[:], Epoch: uint64(epoch)}.MarshalBinary()
}

// sealMaster seals the master key of an epoch to a slot, with HPKE in base
// mode, MLKEM768X25519, HKDF-SHA256 and ChaCha20-Poly1305.
func sealMaster(account AccountID, s *sealedSlot, epoch uint32, master *[keySize]byte) ([]byte, error) {
	pk, err := hpke.MLKEM768X25519().NewPublicKey(s.publicKey)
	if err != nil {
		return nil, untrusted("a slot's public key is invalid")
	}
	info, err := masterInfo(account, s.ID, epoch)
	if err != nil {
		return nil, err
	}
	return hpke.Seal(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, master[:])
}

// openMaster opens the master key with the slot's seed.
func openMaster(account AccountID, s *sealedSlot, epoch uint32, seed []byte) (master [keySize]byte, err error) {
	pk, private, err := slotPublicKey(seed)
	if err != nil || !hmac.Equal(pk, s.publicKey) {
		return master, untrusted("a slot's public key is not its seed's")
	}
	info, err := masterInfo(account, s.ID, epoch)
	if err != nil {
		return master, err
	}
	b, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, s.sealed)
	if err != nil || len(b) != keySize {
		return master, untrusted("the master key does not open")
	}
	defer clear(b)
	return [keySize]byte(b), nil
}

func historyBinding(account AccountID, epoch uint32) wrap.Binding {
	return wrap.Binding{Purpose: historyLabel, Account: account[:], Epoch: uint64(epoch)}
}

// wrapHistory wraps the master key of an epoch under the next master key.
func wrapHistory(account AccountID, epoch uint32, old, next *[keySize]byte) ([]byte, error) {
	key := wrap.ImportKey(*next)
	defer key.Destroy()
	return key.Wrap(context.Background(), old[:], historyBinding(account, epoch))
}

// unwrapHistory is the inverse of wrapHistory.
func unwrapHistory(account AccountID, epoch uint32, wrapped []byte, next *[keySize]byte) (old [keySize]byte, err error) {
	key := wrap.ImportKey(*next)
	defer key.Destroy()
	b, err := key.Unwrap(context.Background(), wrapped, historyBinding(account, epoch))
	if err != nil || len(b) != keySize {
		return old, untrusted("the history does not open")
	}
	defer clear(b)
	return [keySize]byte(b), nil
}

// isZero reports whether all bytes are 0, in constant time.
func isZero(b []byte) bool {
	var or byte
	for _, c := range b {
		or |= c
	}
	return or == 0
}
