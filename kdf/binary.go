package kdf

import (
	"encoding"
	"math/bits"

	"golang.org/x/crypto/cryptobyte"
)

// The binary form. Numbers are big-endian:
//
//	'K' ‖ version 01 ‖ algorithm u8 ‖ costs ‖ u8 len ‖ salt
//
//	costs of PBKDF2   = iterations u32, 0 if taken out
//	costs of Argon2id = m u32, in KiB ‖ t u32 ‖ p u8
//	costs of scrypt   = log2(N) u8 ‖ r u32 ‖ p u32
const (
	kind    = 'K'
	version = 1
)

// MaxBinary is the maximum size of the binary form in bytes.
const MaxBinary = 77

// MarshalBinary returns the binary form.
func (p Params) MarshalBinary() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, MaxBinary))
	b.AddUint8(kind)
	b.AddUint8(version)
	b.AddUint8(uint8(p.algorithm))
	switch p.algorithm {
	case PBKDF2SHA512:
		b.AddUint32(p.n)
	case Argon2id:
		b.AddUint32(p.m)
		b.AddUint32(p.t)
		b.AddUint8(uint8(p.p))
	case Scrypt:
		b.AddUint8(uint8(bits.TrailingZeros32(p.n)))
		b.AddUint32(p.r)
		b.AddUint32(p.p)
	default:
		return nil, ErrUnknown
	}
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.salt)) })
	return b.Bytes()
}

// UnmarshalBinary decodes the binary form, or returns [ErrMalformed].
func (p *Params) UnmarshalBinary(data []byte) error {
	s := cryptobyte.String(data)
	var k, v, a uint8
	if !s.ReadUint8(&k) || !s.ReadUint8(&v) || !s.ReadUint8(&a) || k != kind || v != version {
		return ErrMalformed
	}
	q := Params{algorithm: Algorithm(a)}
	var salt cryptobyte.String
	if !q.readCosts(&s) || !s.ReadUint8LengthPrefixed(&salt) || !s.Empty() {
		return ErrMalformed
	}
	if q.salt = string(salt); !q.valid() {
		return ErrMalformed
	}
	*p = q
	return nil
}

func (p *Params) readCosts(s *cryptobyte.String) bool {
	var small uint8
	switch p.algorithm {
	case PBKDF2SHA512:
		return s.ReadUint32(&p.n)
	case Argon2id:
		ok := s.ReadUint32(&p.m) && s.ReadUint32(&p.t) && s.ReadUint8(&small)
		p.p = uint32(small)
		return ok
	case Scrypt:
		ok := s.ReadUint8(&small) && s.ReadUint32(&p.r) && s.ReadUint32(&p.p)
		p.n = 1 << small // 0, which is not valid, from 32 on
		return ok
	}
	return false
}

var (
	_ encoding.BinaryMarshaler   = Params{}
	_ encoding.BinaryUnmarshaler = (*Params)(nil)
)
