package moduli

import (
	"bytes"
	"encoding/pem"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// "openssl dhparam" reads and writes the PEM form, which is RFC 7468 around the
// DER encoding of PKCS #3, Section 9.
//
//	DHParameter ::= SEQUENCE {
//		prime INTEGER, -- p
//		base INTEGER, -- g
//		privateValueLength INTEGER OPTIONAL }
const (
	pemType = "DH PARAMETERS"
	// maxPEM has room for moduli that are too large for this package.
	maxPEM = 16 << 10
)

var (
	errPEM   = malformed("not exactly one PEM block of DH PARAMETERS without headers, of at most 16 KiB")
	errPKCS3 = malformed("the block is not the DER encoding of a DHParameter of PKCS #3 with g below 2^31")
)

// ParsePEM reads the output of "openssl dhparam", whose G often fails
// [Modulus.Verify]. It returns errors like [ParseOpenSSH].
func ParsePEM(data []byte) (Modulus, error) {
	if len(data) > maxPEM {
		return Modulus{}, errPEM
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = append(bytes.TrimSuffix(data, []byte("\n")), '\n')
	// Only one spelling is accepted. Package pem ignores text around the block,
	// and much inside it.
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

// PEM returns the form that [ParsePEM] reads, or its errors.
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
