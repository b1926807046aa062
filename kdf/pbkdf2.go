package kdf

import (
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"hash"
	"runtime"
)

// pbkdf2SHA512 is PBKDF2 with HMAC-SHA512 for keys of up to one block, 64
// bytes:
//
//	U_1 = PRF(P, S ‖ INT(1)), U_j = PRF(P, U_{j-1}), DK = U_1 ⊕ U_2 ⊕ … ⊕ U_c
//
// RFC 8018, Section 5.2. The standard library's PBKDF2 cannot be stopped. It
// also pads and copies again in each of the 2·c calls of its hash.
func pbkdf2SHA512(ctx context.Context, p Params, password []byte, n int) ([]byte, error) {
	if fips140.Enforced() && len(password) < minFIPSKey {
		return nil, errFIPS // crypto/hmac would panic
	}
	mac := hmac.New(sha512.New, password)
	mac.Write([]byte(p.salt))
	mac.Write([]byte{0, 0, 0, 1})
	u := mac.Sum(nil)
	defer clear(u)
	if f := newChain(password); f != nil {
		defer f.clear()
		if f.agrees(mac) {
			copy(f.u, u)
			return pbkdf2Sum(ctx, f, u, p.n, n)
		}
	}
	return pbkdf2Sum(ctx, plainChain{mac, u}, u, p.n, n)
}

// minFIPSKey is the shortest HMAC key that FIPS 140-only mode allows: 112 bits.
const minFIPSKey = 14

// chain computes the values of U, one from another.
type chain interface {
	// xor XORs the next n values of U into t: t ⊕ U_{j+1} ⊕ … ⊕ U_{j+n}.
	xor(t []byte, n uint32)
}

// pbkdf2Sum returns the first n bytes of U_1 ⊕ … ⊕ U_c, for a chain that is at
// U_1.
func pbkdf2Sum(ctx context.Context, f chain, u []byte, c uint32, n int) ([]byte, error) {
	t := bytes.Clone(u)
	for left := c - 1; left > 0; {
		if err := ctx.Err(); err != nil {
			clear(t)
			return nil, err
		}
		step := min(left, cancelEvery)
		f.xor(t, step)
		left -= step
		// In WebAssembly nothing else runs while this loop does, not even the
		// timer of a context with a deadline.
		runtime.Gosched()
	}
	clear(t[n:])
	return t[:n:n], nil
}

// cancelEvery is the number of iterations between two checks of the context,
// about a millisecond.
const cancelEvery = 1024

// plainChain computes U → PRF(P, U) with crypto/hmac.
type plainChain struct {
	mac hash.Hash
	u   []byte
}

func (f plainChain) xor(t []byte, n uint32) {
	for range n {
		f.mac.Reset()
		f.mac.Write(f.u)
		f.mac.Sum(f.u[:0])
		subtle.XORBytes(t, t, f.u)
	}
}

// stateChain computes U → PRF(P, U) with two calls of SHA-512's compression
// function and nothing else. HMAC hashes a block of key, which is always the
// same, and 64 bytes, which with their padding are one more block. The state
// after the key is kept in the encoding of crypto/sha512, and the padded block
// is fed as a whole. The encoded state after it contains the digest.
//
// In the encoding an empty buffer of zeros follows the digest. Once the padding
// is written there, digest and padding together are the next block.
type stateChain struct {
	h            stateHash
	inner, outer []byte // encoded states after the key
	state        []byte // the encoded state after a block
	block        []byte // part of state: U and its padding
	u            []byte // part of block
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

// newChain returns the chain for a password, or nil if crypto/sha512 has no
// such encoding.
func newChain(password []byte) *stateChain {
	h, ok := sha512.New().(stateHash)
	if !ok {
		return nil
	}
	f := &stateChain{h: h, state: make([]byte, stateSize)}
	f.block = f.state[stateDigest:][:sha512.BlockSize]
	f.u = f.block[:sha512.Size]
	// RFC 2104: a key longer than a block is hashed first.
	if len(password) > sha512.BlockSize {
		h.Write(password)
		h.Sum(f.block[:0])
	} else {
		copy(f.block, password)
	}
	f.inner = f.keyState(0x36)
	f.outer = f.keyState(0x5c)
	clear(f.block)
	f.pad()
	if len(f.inner) != stateSize || len(f.outer) != stateSize {
		f.clear()
		return nil
	}
	return f
}

// keyState returns the state after the key in block, XORed with a byte.
func (f *stateChain) keyState(pad byte) []byte {
	var key [sha512.BlockSize]byte
	defer clear(key[:])
	for i, b := range f.block {
		key[i] = b ^ pad
	}
	f.h.Reset()
	f.h.Write(key[:])
	state, err := f.h.AppendBinary(make([]byte, 0, stateSize))
	if err != nil {
		return nil
	}
	return state
}

// pad writes the padding of the message key block ‖ u (FIPS 180-4, Section
// 5.1.2).
func (f *stateChain) pad() {
	f.block[sha512.Size] = 0x80
	binary.BigEndian.PutUint64(f.block[sha512.BlockSize-8:], 8*(sha512.BlockSize+sha512.Size))
}

// agrees reports whether a new chain computes what HMAC computes, beginning
// with zeros: crypto/sha512 does not promise its encoding.
func (f *stateChain) agrees(mac hash.Hash) bool {
	var got, want [sha512.Size]byte
	defer clear(got[:])
	defer clear(want[:])
	f.xor(got[:], 2)
	plainChain{mac, make([]byte, sha512.Size)}.xor(want[:], 2)
	return hmac.Equal(got[:], want[:])
}

func (f *stateChain) xor(t []byte, n uint32) {
	for range n {
		f.compress(f.inner)
		f.compress(f.outer)
		subtle.XORBytes(t, t, f.u)
	}
}

// compress runs the compression function on the block after the given state,
// and replaces u with the digest. The encoding was decoded before, so the
// errors are nil.
func (f *stateChain) compress(key []byte) {
	f.h.UnmarshalBinary(key)
	f.h.Write(f.block)
	f.h.AppendBinary(f.state[:0])
	f.pad()
}

func (f *stateChain) clear() {
	f.h.Reset()
	clear(f.inner)
	clear(f.outer)
	clear(f.state)
}
