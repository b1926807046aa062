package kdf

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"hash"
)

// pbkdf2SHA512 is PBKDF2 with HMAC-SHA512 for keys of up to one block, 64 bytes:
//
//	U_1 = PRF(P, S ‖ INT(1)), U_j = PRF(P, U_{j-1}), DK = U_1 ⊕ U_2 ⊕ … ⊕ U_c
//
// RFC 8018, Section 5.2. The standard library has it too, but cannot be
// stopped, and pads and copies anew in each of the 2·c calls of its hash.
func pbkdf2SHA512(ctx context.Context, p Params, password []byte, n int) ([]byte, error) {
	mac := hmac.New(sha512.New, password)
	mac.Write([]byte(p.salt))
	mac.Write([]byte{0, 0, 0, 1})
	u := mac.Sum(nil)
	defer clear(u)
	if it := newIteration(password); it != nil {
		defer it.clear()
		if it.agrees(mac) {
			copy(it.u, u)
			return pbkdf2Sum(ctx, it.u, it.next, p.n, n)
		}
	}
	return pbkdf2Sum(ctx, u, plainIteration(mac, u), p.n, n)
}

// pbkdf2Sum returns the first n bytes of U_1 ⊕ … ⊕ U_c, where u is U_1 and next
// makes it the one that follows.
func pbkdf2Sum(ctx context.Context, u []byte, next func(), c uint32, n int) ([]byte, error) {
	t := bytes.Clone(u)
	for j := uint32(1); j < c; j++ {
		if j%cancelEvery == 0 && ctx.Err() != nil {
			clear(t)
			return nil, ctx.Err()
		}
		next()
		subtle.XORBytes(t, t, u)
	}
	clear(t[n:])
	return t[:n:n], nil
}

// cancelEvery is the number of iterations between two looks at the context,
// about a millisecond's.
const cancelEvery = 1024

// plainIteration returns u → PRF(P, u) by crypto/hmac.
func plainIteration(mac hash.Hash, u []byte) func() {
	return func() {
		mac.Reset()
		mac.Write(u)
		mac.Sum(u[:0])
	}
}

// iteration is u → PRF(P, u) by two calls of SHA-512's compression function and
// nothing else. What HMAC hashes here is one block of key, always the same, and
// then 64 bytes that with their padding are one block more. So the state after
// the key is kept, in the encoding that crypto/sha512 gives it, and the padded
// block is fed whole: the state after it, in that encoding, holds the digest.
type iteration struct {
	h            stateHash
	inner, outer []byte // encoded states after the key
	state        []byte // the encoded state after u
	block        [sha512.BlockSize]byte
	u            []byte // where block begins: U_j
}

type stateHash interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// The encoding of a SHA-512 state: 4 bytes of magic, the 8 words of the hash
// value, the buffer, empty at the end of a block, and the length.
const (
	stateDigest = 4
	stateSize   = stateDigest + sha512.Size + sha512.BlockSize + 8
)

// newIteration returns the iteration for a password, or nil if crypto/sha512
// has no such encoding.
func newIteration(password []byte) *iteration {
	h, ok := sha512.New().(stateHash)
	if !ok {
		return nil
	}
	it := &iteration{h: h, state: make([]byte, 0, stateSize)}
	// RFC 2104: a key of more than a block is hashed first.
	if len(password) > sha512.BlockSize {
		h.Write(password)
		h.Sum(it.block[:0])
	} else {
		copy(it.block[:], password)
	}
	it.inner = it.keyState(0x36)
	it.outer = it.keyState(0x5c)
	if len(it.inner) != stateSize || len(it.outer) != stateSize {
		it.clear()
		return nil
	}
	it.block = [sha512.BlockSize]byte{sha512.Size: 0x80}
	binary.BigEndian.PutUint64(it.block[sha512.BlockSize-8:], 8*(sha512.BlockSize+sha512.Size))
	it.u = it.block[:sha512.Size]
	return it
}

// keyState returns the state after the key in it.block, XORed with a pad.
func (it *iteration) keyState(pad byte) []byte {
	var key [sha512.BlockSize]byte
	defer clear(key[:])
	for i, b := range it.block {
		key[i] = b ^ pad
	}
	it.h.Reset()
	it.h.Write(key[:])
	state, err := it.h.AppendBinary(make([]byte, 0, stateSize))
	if err != nil {
		return nil
	}
	return state
}

// agrees reports whether it computes what HMAC does, tried on zeros:
// crypto/sha512 does not promise its encoding.
func (it *iteration) agrees(mac hash.Hash) bool {
	want := make([]byte, sha512.Size)
	defer clear(want)
	plainIteration(mac, want)()
	it.next()
	return hmac.Equal(it.u, want)
}

// next makes u the next U.
func (it *iteration) next() {
	it.compress(it.inner)
	it.compress(it.outer)
}

// compress puts the block through the compression function after the given
// state, and the digest in the place of u. The errors of an encoding that was
// read before are nil.
func (it *iteration) compress(key []byte) {
	h, block := it.h, &it.block
	h.UnmarshalBinary(key)
	h.Write(block[:])
	state, _ := h.AppendBinary(it.state[:0])
	copy(block[:sha512.Size], state[stateDigest:stateSize])
}

func (it *iteration) clear() {
	it.h.Reset()
	clear(it.inner)
	clear(it.outer)
	clear(it.state[:stateSize])
	clear(it.block[:])
}
