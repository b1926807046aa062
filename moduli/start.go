package moduli

import (
	"crypto/rand"
	"crypto/sha3"
	"encoding/binary"
	"fmt"
)

// Start is the number at which a search begins.
type Start struct {
	bits    int
	label   string // none if it is random
	counter uint32
	n       string
}

// RandomStart returns a random start, or [ErrMalformed] if bits is not a
// multiple of 8 from [MinBits] to [MaxBits].
func RandomStart(bits int) (Start, error) {
	if !validBits(bits) {
		return Start{}, errStartSize
	}
	n := make([]byte, bits/8)
	rand.Read(n)
	n[0] |= 0x80
	return Start{bits: bits, n: string(n)}, nil
}

// VerifiableStart derives a start from a label. Use counter 0. It returns
// [ErrMalformed] like [RandomStart], and for labels of invalid length.
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

// startAt returns the start at the given number.
func startAt(n []byte) (Start, error) {
	if !validBits(8*len(n)) || n[0]&0x80 == 0 {
		return Start{}, errStartSize
	}
	return Start{bits: 8 * len(n), n: string(n)}, nil
}

func validBits(bits int) bool { return bits >= MinBits && bits <= MaxBits && bits%8 == 0 }

// String describes the start.
func (s Start) String() string {
	if s.label == "" {
		return fmt.Sprintf("random, %d bits", s.bits)
	}
	return fmt.Sprintf("%q, counter %d, %d bits", s.label, s.counter, s.bits)
}

// Bits returns the size.
func (s Start) Bits() int { return s.bits }

// Label returns the label, empty if random.
func (s Start) Label() string { return s.label }

// Counter returns the counter.
func (s Start) Counter() uint32 { return s.counter }

// Bytes returns the number, big-endian.
func (s Start) Bytes() []byte { return []byte(s.n) }
