package moduli

import (
	"bytes"
	"encoding/pem"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The PEM form is what "openssl dhparam" reads and writes: RFC 7468 around the
// DER of PKCS #3, Section 9,
//
//	DHParameter ::= SEQUENCE {
//		prime INTEGER, -- p
//		base INTEGER, -- g
//		privateValueLength INTEGER OPTIONAL }
const (
	pemType = "DH PARAMETERS"
	// maxPEM has room for moduli that are refused by their size.
	maxPEM = 16 << 10
)

var (
	errPEM   = malformed("not exactly one PEM block of DH PARAMETERS, without headers and of at most 16 KiB")
	errPKCS3 = malformed("the block does not hold the DER of PKCS #3's DHParameter with g below 2^31")
)

// ParsePEM reads what "openssl dhparam" writes: one PEM block of type DH
// PARAMETERS with lines of 64 characters, which end in LF or CRLF, the last of
// them maybe in neither, and nothing before or after it. Anything else is
// ErrMalformed. A private value length, PKCS #3's hint to users of the group, may
// stand behind g and is dropped.
//
// ErrSize is an N that this package does not take, ErrGenerator a g below 2.
// Nothing is proved: [Modulus.Verify] does that, and refuses many a file that
// OpenSSL made or calls good, whose g generates half of the group.
func ParsePEM(data []byte) (Modulus, error) {
	if len(data) > maxPEM {
		return Modulus{}, errPEM
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = append(bytes.TrimSuffix(data, []byte("\n")), '\n')
	// One spelling: package pem passes over text around the block, and over
	// much within it.
	block, _ := pem.Decode(data)
	if block == nil || block.Type != pemType || len(block.Headers) != 0 || !bytes.Equal(pem.EncodeToMemory(block), data) {
		return Modulus{}, errPEM
	}
	return parsePKCS3(block.Bytes)
}

func parsePKCS3(der cryptobyte.String) (Modulus, error) {
	var s cryptobyte.String
	var n []byte
	var g int32
	if !der.ReadASN1(&s, asn1.SEQUENCE) || !der.Empty() || !s.ReadASN1Integer(&n) || !s.ReadASN1Integer(&g) {
		return Modulus{}, errPKCS3
	}
	var length uint32
	if !s.Empty() && (!s.ReadASN1Integer(&length) || !s.Empty()) {
		return Modulus{}, errPKCS3
	}
	m := Modulus{N: n, G: int(g)}
	if err := m.checkForm(); err != nil {
		return Modulus{}, err
	}
	return m, nil
}

// PEM returns m in the form that ParsePEM reads and "openssl dhparam" writes,
// or ErrSize, ErrGenerator or ErrMalformed if ParsePEM would not read it. It
// writes no private value length.
func (m Modulus) PEM() ([]byte, error) {
	if err := m.checkForm(); err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(m.N))
		b.AddASN1Int64(int64(m.G))
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}
