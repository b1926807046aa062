package contacts

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"
)

// This file alone calls circl, which panics on an index of 0 and on two equal
// indices.

const (
	scalarSize = 32 // RFC 9496, Section 4.4
	keyLabel   = "nescio/slot/contacts/v1"
)

// polynomial is a shared secret.
type polynomial struct {
	secret []byte   // enc(s)
	values [][]byte // f(1) to f(n)
}

// newPolynomial shares a random scalar among n contacts, any k of whom recover
// it.
func newPolynomial(k, n int) (*polynomial, error) {
	s := group.Ristretto255.RandomNonZeroScalar(rand.Reader)
	defer s.SetUint64(0)
	sharing := secretsharing.New(rand.Reader, uint(k-1), s)
	p := new(polynomial)
	var err error
	if p.secret, err = s.MarshalBinary(); err != nil {
		return nil, err
	}
	for _, share := range sharing.Share(uint(n)) {
		b, err := share.Value.MarshalBinary()
		share.Value.SetUint64(0)
		if err != nil {
			p.clear()
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

// canonical reports whether value encodes a scalar, the only encoding of it.
func canonical(value []byte) bool {
	s := group.Ristretto255.NewScalar()
	defer s.SetUint64(0)
	return s.UnmarshalBinary(value) == nil
}

// combine returns enc(s). The shares are k shares of one split with distinct
// indices, none of which is 0.
func combine(shares []*Share) ([]byte, error) {
	decoded := make([]secretsharing.Share, len(shares))
	for i, s := range shares {
		id, value := group.Ristretto255.NewScalar(), group.Ristretto255.NewScalar()
		defer value.SetUint64(0)
		if err := value.UnmarshalBinary(s.value.Get()[:]); err != nil {
			return nil, err
		}
		decoded[i] = secretsharing.Share{ID: id.SetUint64(uint64(s.index)), Value: value}
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
