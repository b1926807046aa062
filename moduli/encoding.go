package moduli

import (
	"golang.org/x/crypto/cryptobyte"
)

// Every binary form of this package begins with 'M', the version 01 and a kind.
// All integers are big-endian. FORMAT.md has the forms.
const (
	kindModuli = 'M'
	version    = 1

	kindSearch     = 'S'
	kindRecord     = 'R'
	kindPublicKey  = 'P'
	kindPrivateKey = 'K'
)

func newEncoding(kind uint8) *cryptobyte.Builder {
	b := cryptobyte.NewBuilder(nil)
	b.AddBytes([]byte{kindModuli, version, kind})
	return b
}

func openEncoding(data []byte, kind uint8) (body cryptobyte.String, ok bool) {
	s := cryptobyte.String(data)
	var k, v, t uint8
	ok = s.ReadUint8(&k) && s.ReadUint8(&v) && s.ReadUint8(&t) && k == kindModuli && v == version && t == kind
	return s, ok
}

// addStart appends a start. Its number is empty if it has a label:
//
//	u16 bits ‖ u8 len ‖ label ‖ u32 counter ‖ u16 len ‖ number
func addStart(b *cryptobyte.Builder, s Start) {
	b.AddUint16(uint16(s.bits))
	addBytes8(b, []byte(s.label))
	b.AddUint32(s.counter)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		if s.label == "" {
			b.AddBytes([]byte(s.n))
		}
	})
}

func readStart(s *cryptobyte.String) (start Start, ok bool) {
	var bits uint16
	var label, n cryptobyte.String
	var counter uint32
	if !s.ReadUint16(&bits) || !s.ReadUint8LengthPrefixed(&label) || !s.ReadUint32(&counter) || !s.ReadUint16LengthPrefixed(&n) {
		return Start{}, false
	}
	var err error
	if len(label) > 0 {
		start, err = VerifiableStart(int(bits), string(label), counter)
		return start, err == nil && len(n) == 0
	}
	start, err = startAt(n)
	return start, err == nil && start.bits == int(bits) && counter == 0
}

func addBytes8(b *cryptobyte.Builder, data []byte) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) })
}
