package contacts

import (
	"bytes"
	"context"
	"crypto/hpke"
	"crypto/rand"
	"sync"

	"github.com/nescio-go/nescio/recovery"
	"github.com/nescio-go/nescio/wrap"
)

// Split makes one slot for k of n contacts, and a message for each of them. It draws
// and forgets the secret while it seals, so that it holds none itself. It is safe for
// concurrent use.
type Split struct {
	k    int
	keys []hpke.PublicKey

	mu          sync.Mutex
	messages    [][]byte // after Seal
	fingerprint string   // and this
}

var _ recovery.Sealer = (*Split)(nil)

const saltSize = 32

// NewSplit returns a split for contacts with these public keys, 2 to 32 of them, of whom
// k, 2 or more, have to agree. Contacts are numbered from 1 in their order. It returns
// recovery.ErrPolicy for other numbers, and a ShareError that names the contact with
// ErrMalformed for what is no public key or ErrPolicy for one that is there twice.
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

// Type returns recovery.SlotContacts.
func (s *Split) Type() recovery.SlotType { return recovery.SlotContacts }

// Flags returns 0.
func (s *Split) Flags() uint8 { return 0 }

// Seal implements recovery.Sealer. It returns recovery.ErrUsed if the split has made a
// slot already, even for a change that then failed: take a new Split. It returns a
// ShareError with ErrMalformed for a public key that nothing can be sealed to.
func (s *Split) Seal(ctx context.Context, b wrap.Binding, secret []byte) (params, wrapped []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.messages != nil {
		return nil, nil, recovery.ErrUsed
	}
	if len(b.Account) != 16 || len(b.Item) != 16 {
		return nil, nil, errInternal
	}
	p, err := newPolynomial(s.k, len(s.keys))
	if err != nil {
		return nil, nil, err
	}
	defer p.clear()
	params = make([]byte, saltSize, saltSize+2+len(p.commitments))
	rand.Read(params)
	params = append(params, byte(s.k), byte(len(s.keys)))
	params = append(params, p.commitments...)
	kek, err := slotKey(b, p.secret, s.Flags(), params)
	if err != nil {
		return nil, nil, err
	}
	defer kek.Destroy()
	if wrapped, err = kek.Wrap(ctx, secret, b); err != nil {
		return nil, nil, err
	}
	messages, err := s.seal(b, p)
	if err != nil {
		return nil, nil, err
	}
	s.messages = messages
	s.fingerprint = splitFingerprint([16]byte(b.Account), recovery.SlotID(b.Item), s.k, len(s.keys), p.commitments)
	return params, wrapped, nil
}

// seal returns the contacts' messages.
func (s *Split) seal(b wrap.Binding, p *polynomial) ([][]byte, error) {
	messages := make([][]byte, len(s.keys))
	for i, key := range s.keys {
		share := &Share{
			account: [16]byte(b.Account), slot: recovery.SlotID(b.Item), index: i + 1, k: s.k, n: len(s.keys),
			commitments: p.commitments,
			value:       func() *[scalarSize]byte { return (*[scalarSize]byte)(p.values[i]) },
		}
		plain := share.Secret()
		var err error
		messages[i], err = sealMessage(key, plain)
		clear(plain)
		if err != nil {
			return nil, &ShareError{i + 1, ErrMalformed}
		}
	}
	return messages, nil
}

// slotKey derives the slot's key-encryption key from enc(s), as package recovery has
// it: HKDF-SHA256(DK, salt = slot id ‖ body salt, purpose ‖ 00 ‖ flags ‖ params).
func slotKey(b wrap.Binding, secret []byte, flags uint8, params []byte) (*wrap.Key, error) {
	ikm, err := slotSecret(secret)
	if err != nil {
		return nil, err
	}
	defer clear(ikm)
	salt := append(bytes.Clone(b.Item), params[:saltSize]...)
	return wrap.DeriveKey(ikm, salt, b.Purpose+"\x00"+string([]byte{flags})+string(params))
}

// Messages returns one message for each contact, in the order of the public keys, to be
// sent over any channel once Add has succeeded and the header is uploaded. It is nil
// before Add. What makes a message the owner's is that the contact compares the
// Fingerprint.
func (s *Split) Messages() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][]byte
	for _, m := range s.messages {
		out = append(out, bytes.Clone(m))
	}
	return out
}
