package proton

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/cryptobyte"
)

// publicPart returns the public fields at the beginning of a secret-key or
// public-key packet (RFC 9580, Sections 5.5.2 and 5.5.5). It returns nil if
// they are incomplete or of an unknown version or algorithm. It does no
// arithmetic, so it needs no bound.
func publicPart(contents []byte) []byte {
	s := cryptobyte.String(contents)
	var version, algorithm uint8
	if !s.ReadUint8(&version) || !s.Skip(4) || !s.ReadUint8(&algorithm) {
		return nil
	}
	switch version {
	case 4:
		if !skipPublicFields(&s, packet.PublicKeyAlgorithm(algorithm)) {
			return nil
		}
	case 6: // states the length, so the algorithm does not matter
		var n uint32
		if !s.ReadUint32(&n) || !s.Skip(int(n)) {
			return nil
		}
	default:
		return nil
	}
	return contents[:len(contents)-len(s)]
}

func skipPublicFields(s *cryptobyte.String, algorithm packet.PublicKeyAlgorithm) bool {
	switch algorithm {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSAEncryptOnly, packet.PubKeyAlgoRSASignOnly:
		return skipMPIs(s, 2) // n, e
	case packet.PubKeyAlgoElGamal:
		return skipMPIs(s, 3) // p, g, y
	case packet.PubKeyAlgoDSA:
		return skipMPIs(s, 4) // p, q, g, y
	case packet.PubKeyAlgoECDSA, packet.PubKeyAlgoEdDSA:
		return skipField(s) && skipMPIs(s, 1) // curve, point
	case packet.PubKeyAlgoECDH:
		return skipField(s) && skipMPIs(s, 1) && skipField(s) // and the KDF's parameters
	case packet.PubKeyAlgoX25519, packet.PubKeyAlgoEd25519:
		return s.Skip(32)
	case packet.PubKeyAlgoX448:
		return s.Skip(56)
	case packet.PubKeyAlgoEd448:
		return s.Skip(57)
	}
	return false
}

func skipMPIs(s *cryptobyte.String, n int) bool {
	for range n {
		var bits uint16
		if !s.ReadUint16(&bits) || !s.Skip((int(bits)+7)/8) {
			return false
		}
	}
	return true
}

// skipField skips a field that begins with its length in one byte.
func skipField(s *cryptobyte.String) bool {
	var field cryptobyte.String
	return s.ReadUint8LengthPrefixed(&field)
}

// fingerprintOf returns the fingerprint of a secret-key or public-key packet
// that package openpgp may refuse to parse (RFC 9580, Section 5.5.4). It
// returns nil if [publicPart] does.
func fingerprintOf(contents []byte) []byte {
	public := publicPart(contents)
	if public == nil {
		return nil
	}
	if public[0] == 6 {
		sum := sha256.Sum256(append(binary.BigEndian.AppendUint32([]byte{0x9b}, uint32(len(public))), public...))
		return sum[:]
	}
	sum := sha1.Sum(append(binary.BigEndian.AppendUint16([]byte{0x99}, uint16(len(public))), public...))
	return sum[:]
}

// isStub reports whether a secret-key packet has GnuPG's S2K extension 1001 (no
// secret part) or 1002 (the secret part is on a smart card), which package
// openpgp does not know.
func isStub(contents []byte) bool {
	const extension = 101
	public := publicPart(contents)
	if public == nil || public[0] != 4 {
		return false // GnuPG writes no keys of version 6
	}
	s := cryptobyte.String(contents[len(public):])
	var usage, specifier, mode uint8
	var name []byte
	if !s.ReadUint8(&usage) || usage < uint8(packet.S2KSHA1) || !s.Skip(1) ||
		!s.ReadUint8(&specifier) || specifier != extension || !s.Skip(1) ||
		!s.ReadBytes(&name, 3) || string(name) != "GNU" || !s.ReadUint8(&mode) {
		return false
	}
	return mode == 1 || mode == 2
}
