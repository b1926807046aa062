package proton

import (
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/cryptobyte"
)

// Package openpgp checks whether the secret part of a key fits the public part.
// The numbers in the packet determine the cost. Anyone can change the public
// part of a locked key.
const (
	// maxSecretKeyPacket is enough for RSA of 8192 bits and for ML-DSA-87.
	maxSecretKeyPacket = 4 << 10
	maxRSA             = 8192

	// The largest DSA of FIPS 186-4, in bits, and its packet, in bytes.
	maxDSA, maxDSAOrder = 3072, 256
	maxDSAPacket        = 1344

	// maxCurvePacket is enough for 521 bits. The cost of a multiplication grows
	// with the scalar, which package openpgp does not reduce.
	maxCurvePacket = 320

	maxSecretKeyPackets = 16 // in one key, because each can cost a derivation

	// maxWork is the limit for all secret parts that a call reads, in bits of
	// their moduli: 64 parts of RSA-4096, which are 32 keys, or 32 parts of
	// RSA-8192. A part counts as at least minWork, which is about the cost of a
	// slow curve.
	maxWork = 64 * 4096
	minWork = 2048
)

// checkWork bounds what it will cost to check the secret parts among packets,
// before package openpgp reads them.
func checkWork(packets []*packet.OpaquePacket) error {
	sum, err := sumWork(packets)
	if err != nil {
		return err
	}
	if sum > maxWork {
		return errWork
	}
	return nil
}

// checkWorkOfKeys is checkWork for several keys. It refuses one by one the
// keys that are over a limit on their own, and returns the reasons, each at
// the index of its key. These keys cost nothing. The error is about the sum of
// the others.
func checkWorkOfKeys(groups [][]*packet.OpaquePacket) (refused []error, err error) {
	total := 0
	refused = make([]error, len(groups))
	for i, group := range groups {
		sum, err := sumWork(group)
		if err != nil {
			refused[i] = err
			continue
		}
		if total += sum; total > maxWork {
			return nil, errWork
		}
	}
	return refused, nil
}

// sumWork adds up the bits of the moduli in the secret parts among packets.
func sumWork(packets []*packet.OpaquePacket) (sum int, err error) {
	for _, p := range packets {
		if p.Tag != tagSecretKey && p.Tag != tagSecretSubkey {
			continue
		}
		bits, err := work(p.Contents)
		if err != nil {
			return 0, err
		}
		sum += max(bits, minWork)
	}
	return sum, nil
}

// work bounds the numbers in one secret-key packet (RFC 9580, Sections 5.5.2 to
// 5.5.5) and returns the size of its modulus, if it has one.
func work(contents []byte) (bits int, err error) {
	if len(contents) > maxSecretKeyPacket {
		return 0, errTooLarge
	}
	s := cryptobyte.String(contents)
	var version, algorithm uint8
	if !s.ReadUint8(&version) || version != 4 && version != 6 {
		return 0, ErrUnsupported // version 5 too, which package openpgp reads if built with its tag v5
	}
	if !s.Skip(4) || !s.ReadUint8(&algorithm) || version == 6 && !s.Skip(4) {
		return 0, ErrMalformed
	}
	switch packet.PublicKeyAlgorithm(algorithm) {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSAEncryptOnly, packet.PubKeyAlgoRSASignOnly:
		return workRSA(s)
	case packet.PubKeyAlgoDSA:
		p, q := readMPI(&s), readMPI(&s)
		if p > maxDSA || q > maxDSAOrder || len(contents) > maxDSAPacket {
			return 0, errWork
		}
		return p, nil
	case packet.PubKeyAlgoElGamal:
		return 0, ErrUnsupported // 2^18 multiplications to check it, a second for 2048 bits
	case packet.PubKeyAlgoECDSA, packet.PubKeyAlgoECDH, packet.PubKeyAlgoEdDSA:
		if len(contents) > maxCurvePacket {
			return 0, errWork
		}
	}
	return 0, nil // of a fixed size, or unknown to package openpgp too
}

// workRSA also bounds the primes if they are not locked: package openpgp
// computes an inverse modulo one of them before it compares them with n. Only a
// person who knows the passphrase can choose locked primes.
func workRSA(s cryptobyte.String) (bits int, err error) {
	n, _ := readMPI(&s), readMPI(&s)
	if n > maxRSA {
		return 0, errWork
	}
	var usage uint8
	if s.ReadUint8(&usage) && usage == uint8(packet.S2KNON) {
		_, p, q := readMPI(&s), readMPI(&s), readMPI(&s)
		if limit := n/2 + 64; p > limit || q > limit { // both are half as long as n
			return 0, errWork
		}
	}
	return n, nil
}

// readMPI skips a multiprecision integer and returns its stated length in bits.
// For an incomplete integer it returns 0: package openpgp stops there.
func readMPI(s *cryptobyte.String) (bits int) {
	var n uint16
	if !s.ReadUint16(&n) || !s.Skip((int(n)+7)/8) {
		*s = nil
		return 0
	}
	return int(n)
}
