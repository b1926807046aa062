package oprf

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"hash"
)

// Hash is SHA-512 or SHA-256 with what is built on it: HMAC (RFC 2104), HKDF
// (RFC 5869) and expand_message_xmd (RFC 9380, Section 5.3.1). A protocol run
// takes dozens of these; here they share one hash state and its buffers and
// allocate nothing. Outputs may be inputs, except where it says so. It is for one
// goroutine at a time.
type Hash struct {
	state  hash.Hash
	block  [sha512.BlockSize]byte // the padded key of a MAC
	inner  [MaxHashSize]byte
	chain  [MaxHashSize]byte // what the next block of an expansion continues
	number [4]byte

	// What the functions of a Suite have it hash, or expand to.
	uniform [maxUniform]byte
	length  [3]byte
}

// maxUniform is the most uniform bytes that a group of this package maps.
const maxUniform = 96

// MaxHashSize is the size of the longest digest in bytes.
const MaxHashSize = sha512.Size

// NewSHA512 returns SHA-512.
func NewSHA512() *Hash { return &Hash{state: sha512.New()} }

// NewSHA256 returns SHA-256.
func NewSHA256() *Hash { return &Hash{state: sha256.New()} }

// Size is the size of a digest in bytes.
func (h *Hash) Size() int { return h.state.Size() }

// Sum writes the hash of all parts, one behind the other, to out: Size bytes.
func (h *Hash) Sum(out []byte, parts ...[]byte) {
	h.state.Reset()
	h.write(parts)
	h.state.Sum(out[:0])
}

// MAC writes the HMAC of all parts to out: Size bytes.
func (h *Hash) MAC(out, key []byte, parts ...[]byte) {
	h.beginMAC(key)
	h.write(parts)
	h.endMAC(out)
}

// Extract is HKDF-Extract without a salt; out has Size bytes.
func (h *Hash) Extract(out []byte, ikm ...[]byte) { h.MAC(out, nil, ikm...) }

// Expand is HKDF-Expand: it fills out, which holds at most 255 digests and no
// input.
func (h *Hash) Expand(out, prk []byte, info ...[]byte) {
	t := h.chain[:0]
	for i := byte(1); len(out) > 0; i++ {
		h.beginMAC(prk)
		h.state.Write(t)
		h.write(info)
		h.number[0] = i
		h.state.Write(h.number[:1])
		t = h.chain[:h.Size()]
		h.endMAC(t)
		out = out[copy(out, t):]
	}
}

// ExpandMessage is expand_message_xmd: it fills out, which holds at most 255
// digests and no input. The domain separation tag is given as DST_prime, with
// its length, a byte, at its end.
func (h *Hash) ExpandMessage(out, dstPrime []byte, message ...[]byte) {
	b0, bi := h.inner[:h.Size()], h.chain[:h.Size()]
	h.state.Reset()
	clear(h.block[:])
	h.state.Write(h.block[:h.state.BlockSize()])
	h.write(message)
	binary.BigEndian.PutUint32(h.number[:], uint32(len(out))<<8) // l_i_b_str ‖ 0, in bytes 1 to 3
	h.state.Write(h.number[1:])
	h.state.Write(dstPrime)
	h.state.Sum(b0[:0])
	clear(bi)
	for i := byte(1); len(out) > 0; i++ {
		subtle.XORBytes(bi, bi, b0)
		h.state.Reset()
		h.state.Write(bi)
		h.number[0] = i
		h.state.Write(h.number[:1])
		h.state.Write(dstPrime)
		h.state.Sum(bi[:0])
		out = out[copy(out, bi):]
	}
}

func (h *Hash) write(parts [][]byte) {
	for _, p := range parts {
		h.state.Write(p)
	}
}

const ipad, opad = 0x36, 0x5c

func (h *Hash) beginMAC(key []byte) {
	if len(key) > h.state.BlockSize() {
		h.Sum(h.inner[:h.Size()], key)
		key = h.inner[:h.Size()]
	}
	clear(h.block[:])
	copy(h.block[:], key)
	h.mask(ipad)
	h.state.Reset()
	h.state.Write(h.block[:h.state.BlockSize()])
}

func (h *Hash) endMAC(out []byte) {
	h.state.Sum(h.inner[:0])
	h.mask(ipad ^ opad)
	h.Sum(out, h.block[:h.state.BlockSize()], h.inner[:h.Size()])
}

func (h *Hash) mask(c byte) {
	for i := range h.block {
		h.block[i] ^= c
	}
}

// Clear overwrites what h keeps of its inputs and outputs.
func (h *Hash) Clear() {
	clear(h.block[:])
	clear(h.inner[:])
	clear(h.chain[:])
	clear(h.uniform[:])
	h.state.Reset()
	// Its buffer, which Reset leaves alone, and which a write of a whole block
	// would bypass.
	h.state.Write(h.block[:1])
	h.state.Write(h.block[:h.state.BlockSize()-1])
	h.state.Reset()
}
