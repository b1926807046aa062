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

// Split makes one slot, and a message for each contact.
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

// NewSplit takes the public keys of n contacts, 1 ≤ k ≤ n ≤ 32. A [ShareError]
// names a key that is invalid or occurs twice.
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

// Seal implements [recovery.Sealer], once. If the slot cannot be stored, make a
// new Split.
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

// Messages returns one message for each contact, in the order of the keys. Send
// them once the header is stored.
func (s *Split) Messages() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]byte
	for _, m := range s.messages {
		out = append(out, bytes.Clone(m))
	}
	return out
}
