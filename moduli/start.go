package moduli

import (
	"crypto/rand"
	"crypto/sha3"
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxLabel bounds a label, in bytes.
const MaxLabel = 255

// ErrStart means a size, a label or a start that cannot be.
var ErrStart = errors.New("moduli: no start of a search: 512 to 8192 bits in whole bytes, a label of 1 to 255 bytes")

// Start is where a search begins: a number of the modulus's size with the top
// bit set. It is an immutable value.
//
// A public start is computed from a label, so that anyone can repeat the search
// and see that the modulus was not chosen; what comes out of a random one nobody
// else can repeat, but Verify proves it all the same.
type Start struct {
	bits    int
	label   string // none if it is random
	counter uint32
	n       string
}

// RandomStart draws a start of the given size in bits.
func RandomStart(bits int) (Start, error) {
	if !validBits(bits) {
		return Start{}, ErrStart
	}
	n := make([]byte, bits/8)
	rand.Read(n)
	n[0] |= 0x80
	return Start{bits: bits, n: string(n)}, nil
}

// VerifiableStart computes the start of a label of 1 to 255 bytes: the first bits/8
// bytes of SHAKE256("nescio/moduli/v1" ‖ 00 ‖ u32 bits ‖ u16 len ‖ label ‖ u32 counter)
// with the top bit set, all integers big-endian. The counter is 0, and goes up by one if no modulus of
// that size follows the start, which will not happen above some 60 bits.
func VerifiableStart(bits int, label string, counter uint32) (Start, error) {
	if !validBits(bits) || len(label) == 0 || len(label) > MaxLabel {
		return Start{}, ErrStart
	}
	h := sha3.NewSHAKE256()
	h.Write([]byte("nescio/moduli/v1\x00"))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(bits)))
	h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(label))))
	h.Write([]byte(label))
	h.Write(binary.BigEndian.AppendUint32(nil, counter))
	n := make([]byte, bits/8)
	h.Read(n)
	n[0] |= 0x80
	return Start{bits: bits, label: label, counter: counter, n: string(n)}, nil
}

// givenStart is a start that somebody else drew.
func givenStart(n []byte) (Start, error) {
	if !validBits(8*len(n)) || n[0]&0x80 == 0 {
		return Start{}, ErrStart
	}
	return Start{bits: 8 * len(n), n: string(n)}, nil
}

func validBits(bits int) bool { return bits >= MinBits && bits <= MaxBits && bits%8 == 0 }

// String says where the search begins, such as `"example.org", counter 0, 2048 bits`.
func (s Start) String() string {
	if s.label == "" {
		return fmt.Sprintf("random, %d bits", s.bits)
	}
	return fmt.Sprintf("%q, counter %d, %d bits", s.label, s.counter, s.bits)
}

// Bits returns the size in bits.
func (s Start) Bits() int { return s.bits }

// Label and Counter return what a public start was computed from; a random one
// has no label.
func (s Start) Label() string { return s.label }

// Counter returns the counter of a public start.
func (s Start) Counter() uint32 { return s.counter }

// Bytes returns a copy of the number, big-endian.
func (s Start) Bytes() []byte { return []byte(s.n) }
