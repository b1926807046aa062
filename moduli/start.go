package moduli

import (
	"crypto/rand"
	"crypto/sha3"
	"encoding/binary"
	"fmt"
)

// MaxLabel is the largest length of a label, in bytes.
const MaxLabel = 255

// Start is where a search begins: a number of the size of the modulus, with the
// top bit set. It is an immutable value. The zero Start is not valid.
//
// A verifiable start is computed from a label, so anyone can repeat the search
// and see that nobody chose the modulus. Nobody else can repeat a search from a
// random start. [Modulus.Verify] proves the modulus in both cases.
type Start struct {
	bits    int
	label   string // none if it is random
	counter uint32
	n       string
}

// RandomStart draws a start of the given size in bits. It returns
// [ErrMalformed] for a size that is not a multiple of 8 from [MinBits]
// to [MaxBits].
func RandomStart(bits int) (Start, error) {
	if !validBits(bits) {
		return Start{}, errStartSize
	}
	n := make([]byte, bits/8)
	rand.Read(n)
	n[0] |= 0x80
	return Start{bits: bits, n: string(n)}, nil
}

// VerifiableStart computes the start of a label of 1 to 255 bytes. The start is
// the first bits/8 bytes of
//
//	SHAKE256("nescio/moduli/v1" ‖ 00 ‖ u32 bits ‖ u16 len ‖ label ‖ u32 counter)
//
// with the top bit set. All integers are big-endian.
//
// The counter is 0. It is increased by one only if no modulus of that size
// follows the start, which does not happen above some 60 bits. VerifiableStart
// returns [ErrMalformed] for a label of another length, and for a size that is
// not a multiple of 8 from [MinBits] to [MaxBits].
func VerifiableStart(bits int, label string, counter uint32) (Start, error) {
	if !validBits(bits) {
		return Start{}, errStartSize
	}
	if len(label) == 0 || len(label) > MaxLabel {
		return Start{}, errLabel
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

// startAt is the start at a number that was drawn elsewhere.
func startAt(n []byte) (Start, error) {
	if !validBits(8*len(n)) || n[0]&0x80 == 0 {
		return Start{}, errStartSize
	}
	return Start{bits: 8 * len(n), n: string(n)}, nil
}

func validBits(bits int) bool { return bits >= MinBits && bits <= MaxBits && bits%8 == 0 }

// String describes the start, as in `"example.org", counter 0, 2048 bits`.
func (s Start) String() string {
	if s.label == "" {
		return fmt.Sprintf("random, %d bits", s.bits)
	}
	return fmt.Sprintf("%q, counter %d, %d bits", s.label, s.counter, s.bits)
}

// Bits returns the size in bits.
func (s Start) Bits() int { return s.bits }

// Label returns the label of a verifiable start. A random start has no label.
func (s Start) Label() string { return s.label }

// Counter returns the counter of a verifiable start.
func (s Start) Counter() uint32 { return s.counter }

// Bytes returns a copy of the number, big-endian.
func (s Start) Bytes() []byte { return []byte(s.n) }
