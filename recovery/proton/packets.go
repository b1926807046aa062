package proton

import (
	"bytes"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/cryptobyte"
)

// The packets of RFC 9580, Section 5.
const (
	tagSignature     = 2
	tagSKESK         = 3 // symmetric-key encrypted session key
	tagSecretKey     = 5
	tagPublicKey     = 6
	tagSecretSubkey  = 7
	tagCompressed    = 8
	tagLiteral       = 11
	tagUserID        = 13
	tagPublicSubkey  = 14
	tagUserAttribute = 17
	tagSEIPD         = 18 // symmetrically encrypted and integrity protected data
)

const (
	// maxPackets allows 16 packets for each of 32 keys. Nearly all of them can
	// be self-signatures, each of which takes up to 14 ms to verify.
	maxPackets = 512

	// The costs of Argon2, which a message or a key chooses: memory in KiB
	// times passes, and lanes. OpenPGP.js writes 64 MiB, 3 passes and 4 lanes.
	// The iterated S2K needs no bound: it hashes at most 62 MiB.
	maxArgon2Work  = 256 << 10
	maxArgon2Lanes = 16
)

// split reads the framing of packets (RFC 9580, Section 4.2) and leaves their
// contents alone.
func split(b []byte) (packets []*packet.OpaquePacket, err error) {
	source := bytes.NewReader(b)
	for r := packet.NewOpaqueReader(source); source.Len() > 0; {
		p, err := r.Next()
		if err != nil {
			return nil, ErrMalformed
		}
		if packets = append(packets, p); len(packets) > maxPackets {
			return nil, errTooLarge
		}
	}
	return packets, nil
}

// join is the inverse of split, except that it writes new-format headers.
func join(packets []*packet.OpaquePacket) ([]byte, error) {
	var b bytes.Buffer
	for _, p := range packets {
		if err := p.Serialize(&b); err != nil {
			return nil, ErrMalformed
		}
	}
	return b.Bytes(), nil
}

// opaque returns a serialized packet in the form that split returns.
func opaque(serialize func(io.Writer) error) (*packet.OpaquePacket, error) {
	var b bytes.Buffer
	if err := serialize(&b); err != nil {
		return nil, ErrMalformed
	}
	packets, err := split(b.Bytes())
	if err != nil || len(packets) != 1 {
		return nil, ErrMalformed
	}
	return packets[0], nil
}

// checkS2K reads a string-to-key specifier (RFC 9580, Section 3.7.1) and bounds
// its cost before anything is derived. It refuses specifiers without a salt.
func checkS2K(s *cryptobyte.String) error {
	const salted, iterated, argon2 = 1, 3, 4
	var mode uint8
	if !s.ReadUint8(&mode) {
		return ErrMalformed
	}
	size := 1 + 8 // hash, salt
	switch mode {
	case salted:
	case iterated:
		size++ // encoded count
	case argon2:
		var t, p, encodedM uint8
		if !s.Skip(16) || !s.ReadUint8(&t) || !s.ReadUint8(&p) || !s.ReadUint8(&encodedM) {
			return ErrMalformed
		}
		if encodedM > 31 || p > maxArgon2Lanes || uint64(t)<<encodedM > maxArgon2Work {
			return errCost
		}
		return nil
	default:
		return ErrUnsupported
	}
	if !s.Skip(size) {
		return ErrMalformed
	}
	return nil
}
