package contacts

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"slices"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"
)

// What is computed in the group ristretto255. It is here alone that circl is called,
// which panics on an index of 0 and on two equal ones.

const (
	scalarSize  = 32 // of RFC 9496's encodings
	elementSize = 32
	maxContacts = 32
	keyLabel    = "nescio/slot/contacts/v1"
)

// polynomial is a secret, shared.
type polynomial struct {
	secret      []byte   // enc(s)
	commitments []byte   // k of them
	values      [][]byte // f(1) to f(n)
}

// newPolynomial shares a random scalar k of n.
func newPolynomial(k, n int) (*polynomial, error) {
	s := group.Ristretto255.RandomNonZeroScalar(rand.Reader)
	defer s.SetUint64(0)
	sharing := secretsharing.New(rand.Reader, uint(k-1), s)
	p := new(polynomial)
	var err error
	if p.secret, err = s.MarshalBinary(); err != nil {
		return nil, err
	}
	for _, c := range sharing.CommitSecret() {
		b, err := c.MarshalBinary()
		if err != nil {
			return nil, err
		}
		p.commitments = append(p.commitments, b...)
	}
	for _, share := range sharing.Share(uint(n)) {
		b, err := share.Value.MarshalBinary()
		share.Value.SetUint64(0)
		if err != nil {
			return nil, err
		}
		p.values = append(p.values, b)
	}
	return p, nil
}

func (p *polynomial) clear() {
	clear(p.secret)
	for _, v := range p.values {
		clear(v)
	}
}

// verify checks that value is f(index) of the polynomial with these commitments. The
// index is not 0. It returns ErrMalformed for what encodes no scalars or elements, or
// zero, and ErrWrong.
func verify(index int, value, commitments []byte) error {
	share, err := decodeShare(index, value)
	if err != nil {
		return err
	}
	defer share.Value.SetUint64(0)
	var elements secretsharing.SecretCommitment
	for b := range slices.Chunk(commitments, elementSize) {
		c := group.Ristretto255.NewElement()
		if c.UnmarshalBinary(b) != nil || c.IsIdentity() {
			return ErrMalformed
		}
		elements = append(elements, c)
	}
	if !secretsharing.Verify(uint(len(elements)-1), share, elements) {
		return ErrWrong
	}
	return nil
}

func decodeShare(index int, value []byte) (secretsharing.Share, error) {
	s := secretsharing.Share{ID: group.Ristretto255.NewScalar(), Value: group.Ristretto255.NewScalar()}
	s.ID.SetUint64(uint64(index))
	if s.Value.UnmarshalBinary(value) != nil || s.Value.IsZero() {
		return secretsharing.Share{}, ErrMalformed
	}
	return s, nil
}

// combine returns enc(s) of k shares, whose indices are distinct and not 0.
func combine(shares []*Share) ([]byte, error) {
	decoded := make([]secretsharing.Share, len(shares))
	for i, s := range shares {
		var err error
		if decoded[i], err = decodeShare(s.index, s.value.Get()[:]); err != nil {
			return nil, err
		}
		defer decoded[i].Value.SetUint64(0)
	}
	secret, err := secretsharing.Recover(uint(len(shares)-1), decoded)
	if err != nil {
		return nil, err
	}
	defer secret.SetUint64(0)
	return secret.MarshalBinary()
}

// slotSecret is DK = HKDF-SHA256(enc(s), "", "nescio/slot/contacts/v1", 32).
func slotSecret(secret []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, nil, keyLabel, 32)
}
