package contacts

import (
	"bytes"
	"context"
	"crypto/hpke"
	"slices"
	"sync"

	"github.com/nescio-go/nescio/internal/secret"
	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// Split makes one slot for k of n contacts, and a message for each contact. It
// draws the secret while it makes the slot, and does not keep it. It is safe
// for concurrent use.
type Split struct {
	k    int
	keys []hpke.PublicKey

	mu          sync.Mutex
	messages    [][]byte // set by Seal
	fingerprint string   // set by Seal
}

var _ recovery.Sealer = (*Split)(nil)

// slotType is the type of a slot for contacts in package recovery.
const slotType = "contacts"

// NewSplit returns a split for 1 to 32 contacts with these public keys of 1,216
// bytes. Any k of them together open the slot, 1 ≤ k ≤ n. The package
// documentation says what k = 1 means. Contacts are numbered from 1 in the
// order of their keys.
//
// NewSplit returns [recovery.ErrPolicy] for other numbers. It returns a
// [ShareError] that names the contact, with [ErrMalformed] for an invalid
// public key and [recovery.ErrPolicy] for a key that occurs twice.
func NewSplit(k int, publicKeys ...[]byte) (*Split, error) {
	if !validThreshold(k, len(publicKeys)) {
		return nil, errThreshold
	}
	s := &Split{k: k}
	for i, b := range publicKeys {
		key, err := hpke.MLKEM768X25519().NewPublicKey(b)
		if err != nil {
			return nil, &ShareError{i + 1, ErrMalformed}
		}
		for _, other := range publicKeys[:i] {
			if bytes.Equal(b, other) {
				return nil, &ShareError{i + 1, errTwice}
			}
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

// Type returns "contacts".
func (s *Split) Type() string { return slotType }

// Flags returns 0.
func (s *Split) Flags() uint8 { return 0 }

// Seal implements [recovery.Sealer]. A Split makes one slot. A second call
// returns [recovery.ErrPolicy], even if the first slot was never stored: make a
// new Split. Seal returns a [ShareError] with [ErrMalformed] for a public key
// to which nothing can be sealed.
func (s *Split) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.messages != nil {
		return nil, nil, errUsed
	}
	if len(s.keys) == 0 {
		return nil, nil, errZero
	}
	if len(b.Account) != 16 || len(b.Item) != 16 {
		return nil, nil, errInternal
	}
	account, slot := recovery.AccountID(b.Account), recovery.SlotID(b.Item)
	f, err := newPolynomial(s.k, len(s.keys))
	if err != nil {
		return nil, nil, err
	}
	defer f.clear()
	p := newParams(account, slot, s.k, f.values)
	kek, err := slotKey(b, f.secret, s.Flags(), p)
	if err != nil {
		return nil, nil, err
	}
	defer kek.Destroy()
	if wrapped, err = kek.Wrap(ctx, secret, b); err != nil {
		return nil, nil, err
	}
	messages, err := s.seal(account, slot, p, f)
	if err != nil {
		return nil, nil, err
	}
	s.messages, s.fingerprint = messages, fingerprint(p.split(account, slot))
	return p, wrapped, nil
}

// seal returns the contacts' messages.
func (s *Split) seal(account recovery.AccountID, slot recovery.SlotID, p params, f *polynomial) ([][]byte, error) {
	messages := make([][]byte, len(s.keys))
	for i, key := range s.keys {
		value := secret.New([scalarSize]byte(f.values[i]))
		share := &Share{account, slot, i + 1, p.k(), p.n(), p.split(account, slot), value}
		plain := share.Secret()
		clear(value.Get()[:])
		var err error
		messages[i], err = sealMessage(key, plain, p)
		clear(plain)
		if err != nil {
			return nil, &ShareError{i + 1, ErrMalformed}
		}
	}
	return messages, nil
}

// slotKey derives the slot's key-encryption key from enc(s), as package
// recovery documents it: HKDF-SHA256(DK, slot id ‖ salt, purpose ‖ 00 ‖ flags ‖
// params).
func slotKey(b wrap.Binding, secret []byte, flags uint8, p params) (*wrap.Key, error) {
	ikm, err := slotSecret(secret)
	if err != nil {
		return nil, err
	}
	defer clear(ikm)
	return wrap.DeriveKey(ikm, slices.Concat(b.Item, p[:saltSize]), b.Purpose+"\x00"+string([]byte{flags})+string(p))
}

// Messages returns one message for each contact, in the order of the public
// keys. It is nil before the slot was made. Send the messages over any channel
// once the header with the slot is stored. A contact knows that a message is
// the owner's by comparing the fingerprint.
func (s *Split) Messages() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]byte
	for _, m := range s.messages {
		out = append(out, bytes.Clone(m))
	}
	return out
}
