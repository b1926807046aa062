package wrap_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"testing"

	"github.com/nescio-go/nescio/wrap"
	"github.com/stretchr/testify/require"
)

// element is an element of GHASH's field, as the 128 bits of a block: bit 0 of
// NIST SP 800-38D is the top bit of hi.
type element struct{ hi, lo uint64 }

func elementOf(block []byte) element {
	return element{binary.BigEndian.Uint64(block), binary.BigEndian.Uint64(block[8:])}
}

func (x element) bytes() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, x.hi), x.lo)
}

func (x element) add(y element) element { return element{x.hi ^ y.hi, x.lo ^ y.lo} }

// mul is NIST SP 800-38D, Algorithm 1.
func (x element) mul(y element) (z element) {
	for i := range 128 {
		if bit := []uint64{x.hi, x.lo}[i/64] >> (63 - i%64) & 1; bit == 1 {
			z = z.add(y)
		}
		carry := y.lo & 1
		y.lo = y.lo>>1 | y.hi<<63
		y.hi >>= 1
		if carry == 1 {
			y.hi ^= 0xe1 << 56
		}
	}
	return z
}

// inverse is x^(2^128 − 2).
func (x element) inverse() element {
	result := element{hi: 1 << 63} // one
	for range 127 {
		x = x.mul(x)
		result = result.mul(x)
	}
	return result
}

// ghash is NIST SP 800-38D, Algorithm 2, over the additional data, padded, and
// the blocks that follow.
func ghash(h element, aad []byte, more ...element) (y element) {
	padded := append(append([]byte(nil), aad...), make([]byte, (16-len(aad)%16)%16)...)
	for ; len(padded) > 0; padded = padded[16:] {
		y = y.add(elementOf(padded)).mul(h)
	}
	for _, block := range more {
		y = y.add(block).mul(h)
	}
	return y
}

// TestOneCiphertextUnderTwoKeys builds a ciphertext and a tag that AES-GCM
// opens under both of two keys, as a partitioning oracle needs it, and puts it
// into a wrap, which opens under one at most.
func TestOneCiphertextUnderTwoKeys(t *testing.T) {
	kek := [2][32]byte{fill(0x11), fill(0x12)}
	blob := must(keyOf(kek[0], wrap.AES256GCM).Wrap(t.Context(), make([]byte, 16), binding))
	header, nonce := blob[:58], blob[2:26]

	var gcm [2]cipher.AEAD
	var h, mask [2]element // GHASH's key, and what the tag is masked with
	for i := range kek {
		key, commitment, err := wrap.Derive(kek[i][:], binding, wrap.AES256GCM, nonce)
		require.NoError(t, err)
		require.Equal(t, i == 0, string(commitment) == string(blob[26:58]))
		block := must(aes.NewCipher(key))
		gcm[i] = must(cipher.NewGCM(block))
		var out [16]byte
		block.Encrypt(out[:], make([]byte, 16))
		h[i] = elementOf(out[:])
		block.Encrypt(out[:], append(make([]byte, 15), 1)) // the first counter of a zero nonce
		mask[i] = elementOf(out[:])
	}

	// The tag of header and one block c is rest + c·h², where the rest is that
	// of c = 0. Both keys have one tag if c·(h₀² + h₁²) = rest₀ + rest₁.
	lengths := element{8 * uint64(len(header)), 128}
	var rest, square [2]element
	for i := range kek {
		rest[i] = ghash(h[i], header, element{}, lengths).add(mask[i])
		square[i] = h[i].mul(h[i])
	}
	c := rest[0].add(rest[1]).mul(square[0].add(square[1]).inverse())
	tag := rest[0].add(c.mul(square[0]))
	body := append(c.bytes(), tag.bytes()...)

	for i := range kek {
		_, err := gcm[i].Open(nil, make([]byte, 12), body, header)
		require.NoError(t, err, "AES-GCM opens it under key %d", i)
	}
	crafted := append(append([]byte(nil), header...), body...)
	secret, err := wrap.ImportKey(kek[0]).Unwrap(t.Context(), crafted, binding)
	require.NoError(t, err, "who made it knows the first key")
	require.Len(t, secret, 16)
	refused(t, wrap.ImportKey(kek[1]), crafted, binding, "the second key")
}
